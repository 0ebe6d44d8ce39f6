"""Masks by chance: noise, shuffling, shifted dates. The chance comes from the column's key, so it is the same again.

One key gives one sequence of bits, AES in counter mode, and from it the same mask on every library and machine:
sharing unchanged data makes no new version, and asking often does not average the noise away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ..errors import Invalid
from .keyed import MaskKey
from .uniques import blocks, on_uniques, whole

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = pa.ChunkedArray[Any]

_LONGEST_SHIFT = 3660
_DAY_NS = 86_400_000_000_000


def noisy(values: Column, key: MaskKey, scale: float, rows_before: int = 0) -> Column:
    """Adds normal noise of mean zero and this standard deviation, by row; whole numbers stay whole.

    `rows_before` says how many rows of the same column come before these: their noise is passed over.

    Nulls, NaN and infinities stay. A whole number that the type cannot hold becomes the type's bound.
    """
    if not 0 < scale < np.inf:
        raise Invalid("noise has a standard deviation above zero", next_step="Write noise:2.5.")
    rows = whole(values)
    normal = _Normal(_Bits(key, "noise", rows_before // 2))  # two words, one block of AES, make the noise of two rows
    normal.draw(rows_before % 2)
    return pa.chunked_array([_with_noise(block, scale * normal.draw(len(block))) for block in blocks(rows)])


def _with_noise(values: pa.Array[Any], added: NDArray[np.float64]) -> pa.Array[Any]:
    missing = np.asarray(values.is_null().to_numpy(zero_copy_only=False))
    plain = values.fill_null(pa.scalar(0).cast(values.type)).to_numpy(zero_copy_only=False)
    if plain.dtype.kind in "iu":
        made = _added_whole(plain, added)
    else:
        with np.errstate(over="ignore"):  # what a short float cannot hold is infinite
            made = (plain.astype(np.float64) + added).astype(plain.dtype)
    noisy: pa.Array[Any] = pa.array(made, values.type, mask=missing)
    return noisy


def _added_whole(plain: NDArray[Any], added: NDArray[np.float64]) -> NDArray[Any]:
    """Saturating: what would overflow is the type's bound."""
    limits = np.iinfo(plain.dtype)
    steps = np.clip(np.rint(added), -(2.0**62), 2.0**62).astype(np.int64)
    up, down = (np.clip(part, 0, min(limits.max, 2**62)).astype(plain.dtype) for part in (steps, -steps))
    raised = plain + up
    raised = np.where(raised < plain, limits.max, raised)
    lowered = raised - down
    made: NDArray[Any] = np.where(lowered > raised, limits.min, lowered)
    return made


def shuffled(values: Column, key: MaskKey) -> Column:
    """The values that are there, dealt out anew among the rows that have one."""
    rows = whole(values)
    order = np.argsort(_Bits(key, "shuffle").draw(len(rows) - rows.null_count), kind="stable")
    if rows.null_count:
        there = np.flatnonzero(rows.is_valid().to_numpy(zero_copy_only=False))
        dealt = np.arange(len(rows))
        dealt[there] = there[order]
        order = dealt
    return pa.chunked_array([rows.take(pa.array(order))])


def shifted(dates: Column, entity: Column, key: MaskKey, days: int) -> Column:
    """All dates of one entity moved by the same whole number of days, 1 to `days` either way.

    A date without an entity becomes null: it would share its shift with all others without one.
    """
    if not 1 <= days <= _LONGEST_SHIFT:
        raise Invalid(f"dates are shifted by 1 to {_LONGEST_SHIFT:,} days", next_step="Write shift:30:COLUMN.")
    offsets: Any = on_uniques(entity, lambda entities: _offsets(entities, key, days)).combine_chunks()
    kind, rows = dates.type, whole(dates)
    if pa.types.is_date(kind):
        moved = pc.add(rows.cast(pa.date32()).cast(pa.int32()).cast(pa.int64()), offsets)
        return pa.chunked_array([moved.cast(pa.int32()).cast(pa.date32()).cast(kind)])
    per_day = _DAY_NS // {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}[kind.unit]
    moved = pc.add_checked(rows.cast(pa.int64()), pc.multiply(offsets, per_day))
    return pa.chunked_array([moved.cast(kind)])


def _offsets(entities: pa.Array[Any], key: MaskKey, days: int) -> pa.Array[Any]:
    made = [_offset(key, str(entity), days) for entity in entities.to_pylist()]
    return pa.array(made, pa.int64())


def _offset(key: MaskKey, entity: str, days: int) -> int:
    drawn = int.from_bytes(key.derive("shift", entity, size=16), "big") % (2 * days)
    return drawn - days if drawn < days else drawn - days + 1  # never none at all


class _Bits:
    """Random bits of a key for a purpose, the same ones every time."""

    def __init__(self, key: MaskKey, purpose: str, passed_over: int = 0) -> None:
        counter = passed_over.to_bytes(16, "big")  # blocks of two words
        self._stream = Cipher(algorithms.AES(key.derive(purpose)), modes.CTR(counter)).encryptor()

    def draw(self, count: int) -> NDArray[np.uint64]:
        """The next `count` words of 64 bits."""
        return np.frombuffer(self._stream.update(bytes(8 * count)), "<u8").astype(np.uint64)


class _Normal:
    """Normal variates from uniform ones, two by two (Box and Muller 1958)."""

    def __init__(self, bits: _Bits) -> None:
        self._bits = bits
        self._left = np.empty(0)

    def draw(self, count: int) -> NDArray[np.float64]:
        """The next `count` of them, mean zero, standard deviation one."""
        pairs = max(count - len(self._left) + 1, 0) // 2
        uniform = (self._bits.draw(2 * pairs) >> np.uint64(11)).astype(np.float64).reshape(-1, 2) * 2.0**-53
        radius, angle = np.sqrt(-2 * np.log1p(-uniform[:, 0])), 2 * np.pi * uniform[:, 1]
        made = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()
        made = np.concatenate([self._left, made]) if len(self._left) else made
        self._left = made[count:]
        return made[:count]
