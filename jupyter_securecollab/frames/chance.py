"""Masks by chance: noise and shifted dates. The chance comes from the column's key, so it is the same again.

One key gives the same mask on every library and machine: sharing unchanged data makes no new version, and asking often
does not average the noise away.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ..errors import Invalid
from .coded import by_word
from .keyed import MaskKey
from .uniques import in_blocks, on_uniques, whole
from .written import numbers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = pa.ChunkedArray[Any]

_LONGEST_SHIFT = 3660
_DAY_NS = 86_400_000_000_000


def noisy(values: Column, key: MaskKey, scale: float, rows_before: int = 0) -> Column:
    """Adds normal noise of mean zero and this standard deviation, by row; whole numbers stay whole.

    The noise of a row goes by its value, its place and the scale. By its place alone, rows in another order would have
    the noise of others, and two versions tell how values differ; noise of two scales would be one, times a number.
    `rows_before` says how many rows of the same column come before these.

    Nulls, NaN and infinities stay. A whole number that the type cannot hold becomes the type's bound.
    """
    if not 0 < scale < np.inf:
        raise Invalid("noise has a standard deviation above zero", next_step="Write noise:2.5.")
    normal = _Normal(key.derive("noise", repr(scale)), rows_before)
    return in_blocks(values, lambda block: _with_noise(block, scale * normal.draw(block)))


def _with_noise(plain: NDArray[Any], added: NDArray[np.float64]) -> NDArray[Any]:
    if plain.dtype.kind in "iu":
        return _added_whole(plain, added)
    with np.errstate(over="ignore"):  # what a short float cannot hold is infinite
        made: NDArray[Any] = (plain.astype(np.float64) + added).astype(plain.dtype)
    return made


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


def shifted(dates: Column, entity: Column, key: MaskKey, days: int) -> Column:
    """All dates of one entity moved by the same whole number of days, 1 to `days` either way.

    A date without an entity becomes null: it would share its shift with all others without one.
    """
    if not 1 <= days <= _LONGEST_SHIFT:
        raise Invalid(f"dates are shifted by 1 to {_LONGEST_SHIFT:,} days", next_step="Write shift:30:COLUMN.")
    if pa.types.is_null(entity.type):
        return pa.chunked_array([pa.nulls(len(dates), dates.type)])
    offsets = whole(by_word(entity, lambda plain: on_uniques(plain, lambda entities: _offsets(entities, key, days))))
    if offsets.null_count:
        dates = pa.chunked_array([pc.if_else(offsets.is_valid(), whole(dates), pa.scalar(None, dates.type))])
    moves = _rows(numbers(offsets))
    return in_blocks(dates, lambda block: _moved(block, moves(len(block)), _per_day(dates.type)))


def _per_day(kind: pa.DataType) -> int:
    """How many units of the type a day has."""
    if pa.types.is_date(kind):
        return 1 if pa.types.is_date32(kind) else _DAY_NS // 1_000_000
    unit = cast("pa.TimestampType[Any]", kind).unit
    return _DAY_NS // {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}[unit]


def _rows(offsets: NDArray[np.int16]) -> Callable[[int], NDArray[np.int16]]:
    """Gives the next so many of them, again and again."""
    place = 0

    def following(count: int) -> NDArray[np.int16]:
        nonlocal place
        place += count
        return offsets[place - count : place]

    return following


def _moved(dates: NDArray[Any], by: NDArray[np.int16], per_day: int) -> NDArray[Any]:
    step = by.astype(np.int64) * per_day
    moved = dates + step
    if np.any((moved > dates) != (step > 0)):
        raise Invalid("a date would leave what its type can hold", next_step="Use fewer days.")
    return moved.astype(dates.dtype)


def _offsets(entities: pa.Array[Any], key: MaskKey, days: int) -> pa.Array[Any]:
    made = [_offset(key, _spelled(entity), days) for entity in entities.to_pylist()]
    return pa.array(made, pa.int16())


def _spelled(entity: Any) -> str:
    """Whole numbers alike: pandas holds them as floats where some are missing."""
    whole_number = isinstance(entity, float) and entity.is_integer()
    return str(int(entity) if whole_number else entity)


def _offset(key: MaskKey, entity: str, days: int) -> int:
    drawn = int.from_bytes(key.derive("shift", entity, size=16), "big") % (2 * days)
    return drawn - days if drawn < days else drawn - days + 1  # never none at all


class _Normal:
    """Normal variates for values by their places, from uniform ones (Box and Muller 1958): a block of AES for each."""

    def __init__(self, secret: bytes, place: int) -> None:
        self._aes = Cipher(algorithms.AES(secret), modes.ECB()).encryptor()  # noqa: S305 - blocks by themselves
        self._place = place

    def draw(self, values: NDArray[Any]) -> NDArray[np.float64]:
        """One for each of the next values, mean zero, standard deviation one."""
        given = np.empty((len(values), 2), "<u8")
        given[:, 0] = np.arange(self._place, self._place + len(values))
        given[:, 1] = (values.astype(np.float64) + 0.0).view(np.uint64)  # zero has no sign; numbers of any type alike
        self._place += len(values)
        drawn = np.frombuffer(self._aes.update(given.tobytes()), "<u8").reshape(-1, 2)
        uniform = (drawn >> np.uint64(11)).astype(np.float64) * 2.0**-53
        made: NDArray[np.float64] = np.sqrt(-2 * np.log1p(-uniform[:, 0])) * np.cos(2 * np.pi * uniform[:, 1])
        return made
