"""Masks by chance: noise, shuffling, shifted dates. The chance comes from the column's key, so it is the same again.

One key gives one sequence of bits, AES in counter mode, and from it the same mask on every library and machine:
sharing unchanged data makes no new version, and asking often does not average the noise away.
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
from .uniques import BLOCK, in_blocks, on_uniques, placed, whole
from .written import arrow_of, numbers, numpy_type, raw, valid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = pa.ChunkedArray[Any]

_LONGEST_SHIFT = 3660
_DAY_NS = 86_400_000_000_000
_MOST_ROWS = 2**32
_LOWER_HALF = np.uint64(2**32 - 1)


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


def shuffled(values: Column, key: MaskKey) -> Column:
    """The values that are there, dealt out anew among the rows that have one."""
    rows = whole(values)
    if len(rows) > _MOST_ROWS:
        raise Invalid("there are too many rows to shuffle", next_step="Use another technique.")
    order, count = _dealt(rows, _Bits(key, "shuffle"))
    if not _fits_a_word(rows.type):
        _set_apart(order, count, rows)
        return pa.chunked_array([rows.take(pa.array(order))])
    _write_over(order, count, raw(rows))
    dtype = numpy_type(rows.type)
    order.resize(-(-len(rows) * dtype.itemsize // 8), refcheck=False)  # shorter values leave room that is given back
    made = order.view(dtype)[: len(rows)]
    _set_apart(made, count, rows)
    return pa.chunked_array([arrow_of(made, rows.type, rows)])


def _dealt(rows: pa.Array[Any], bits: _Bits) -> tuple[NDArray[np.int64], int]:
    """The places of the values that are there, in an order by chance, at the front of an array; how many they are.

    They are sorted by the upper half of a word drawn for each.
    """
    order, filled = np.empty(len(rows), np.int64), 0
    words = order.view(np.uint64)
    for start, block in placed(rows):
        places = np.flatnonzero(valid(block)).astype(np.uint64) + np.uint64(start)
        words[filled : filled + len(places)] = bits.draw(len(places)) & ~_LOWER_HALF | places
        filled += len(places)
    words[:filled].sort()
    words &= _LOWER_HALF
    return order, filled


def _fits_a_word(kind: pa.DataType) -> bool:
    """Whether values take no more room than their places."""
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_date, pa.types.is_timestamp)
    return any(test(kind) for test in tests)


def _write_over(order: NDArray[np.int64], count: int, plain: NDArray[Any]) -> None:
    """Values over their places, close together from the start on: no place is written over that was not read."""
    made = order.view(plain.dtype)
    for start in range(0, count, BLOCK):
        dealt = plain[order[start : min(start + BLOCK, count)]]
        made[start : start + len(dealt)] = dealt


def _set_apart(made: NDArray[Any], count: int, rows: pa.Array[Any]) -> None:
    """Moves what stands at the front, the last first, to the rows that are there; others get their own number."""
    if count == len(rows):
        return
    for start, block in reversed(list(placed(rows))):
        there = valid(block)
        taken, apart = count - int(np.count_nonzero(there)), np.arange(start, start + len(there)).astype(made.dtype)
        apart[there] = made[taken:count]
        made[start : start + len(there)], count = apart, taken


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


class _Bits:
    """Random bits of a key for a purpose, the same ones every time."""

    def __init__(self, key: MaskKey, purpose: str, passed_over: int = 0) -> None:
        counter = passed_over.to_bytes(16, "big")  # blocks of two words
        self._stream = Cipher(algorithms.AES(key.derive(purpose)), modes.CTR(counter)).encryptor()

    def draw(self, count: int) -> NDArray[np.uint64]:
        """The next `count` words of 64 bits."""
        return np.frombuffer(self._stream.update(bytes(8 * count)), "<u8").astype(np.uint64)


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
