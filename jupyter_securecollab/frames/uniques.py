"""Applies a function of single values to a column: to each distinct value once, in blocks, around the nulls.

Blocks bound the memory that Python objects and intermediate arrays take beside the column itself; what has a fixed
width is written into one buffer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from .written import arrow_of, buffer, in_order, numbers, numpy_type, raw, valid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = pa.ChunkedArray[Any]
    Function = Callable[[pa.Array[Any]], pa.Array[Any]]
    Numbers = NDArray[Any]

BLOCK = 8_192
SAMPLE, _FEW = 16_384, 512
_MOSTLY_UNIQUE, _MOSTLY_UNIQUE_NUMBERS = 0.8, 0.4  # of numbers, two more words are held for each different one


def on_uniques(values: Column, function: Function, block: int | None = None) -> Column:
    """The function's result for every value. It gets arrays without nulls, up to `block` texts at once; nulls stay.

    A column that is nearly all distinct is taken as it is: finding its repeats would cost more than it saves.
    """
    if not pa.types.is_large_string(values.type):
        return _on_unique_numbers(values, function)
    block = block or BLOCK
    if not len(values) or mostly_unique(values):
        return on_texts(values, function, block)
    return _on_unique_texts(values, function, block)


def on_texts(values: Column, function: Function, block: int = BLOCK) -> Column:
    """The function's text for every text, repeats or not. It gets arrays without nulls, in blocks; nulls stay."""
    parts = (part for chunk in values.chunks or [whole(values)] for part in _blocks(chunk, block))
    return in_order(((function(part.drop_null()), _there(part)) for part in parts), values)


def whole(values: Column) -> Any:
    """The column as one array, without a copy where it is one already."""
    return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()


def _blocks(values: pa.Array[Any], size: int) -> Iterator[pa.Array[Any]]:
    """Slices of a bounded number of values; of no values one, so that results have their type."""
    return (values.slice(start, size) for start in range(0, max(len(values), 1), size))


def in_blocks(values: Column, function: Callable[[Numbers], Numbers], kind: pa.DataType | None = None) -> Column:
    """The function's result for every number, day or time, in order, written into one buffer; nulls stay.

    It gets NumPy arrays of a bounded length, days and times as whole numbers, with a zero in place of every null, and
    gives as many values of Arrow's type `kind` (by default that of the column). Under nulls zeros are left: what it
    made of the zeros there would tell its noise and shifts.
    """
    rows = whole(values)
    made = np.empty(len(rows), numpy_type(kind or rows.type))
    for place, block in placed(rows):
        made[place : place + len(block)] = function(numbers(block))
        if block.null_count:
            made[place : place + len(block)][~valid(block)] = 0
    return pa.chunked_array([arrow_of(made, kind or rows.type, rows)])


def mostly_unique(values: Column) -> bool:
    """Whether there are few repeats, by how many a sample has: about n**2 / 2d among n of d values."""
    found, repeats = _repeats(values, np.arange(0, len(values), len(values) // SAMPLE + 1))
    few = _MOSTLY_UNIQUE if pa.types.is_large_string(values.type) else _MOSTLY_UNIQUE_NUMBERS
    return few_repeats(found, repeats, len(values) - values.null_count, few)


def all_differ(values: Column) -> bool:
    """Whether no two texts or numbers are equal; nulls are passed over. Now and then it says no though all do."""
    return not _repeats(values, np.arange(len(values)))[1]


def _repeats(values: Column, places: NDArray[np.int64]) -> tuple[int, int]:
    """How many values there are at some places, and how many of them repeat one before."""
    found = _hashes(values, places) if pa.types.is_large_string(values.type) else _some(whole(values), places)
    found.sort()
    return len(found), int(np.count_nonzero(found[1:] == found[:-1]))


def few_repeats(seen: int, repeats: int, rows: int, few: float = _MOSTLY_UNIQUE) -> bool:
    """Whether more than this share of values differ, by how many repeats are among those seen (birthdays)."""
    return seen**2 > 2 * repeats * few * rows


def _hashes(texts: Column, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Python's own, of the texts at some places: Arrow's table of distinct texts is ten times as large as they are."""
    taken = (texts.take(pa.array(places[start : start + _FEW], pa.int64())) for start in range(0, len(places), _FEW))
    listed = (text for part in taken for text in part.cast(pa.large_binary()).to_pylist() if text is not None)
    found = np.fromiter(map(hash, listed), np.int64)
    pa.default_memory_pool().release_unused()
    return found


def _some(values: pa.Array[Any], places: NDArray[np.int64]) -> Numbers:
    found = raw(values)[places]
    return found[valid(values)[places]] if values.null_count else found


def _on_unique_texts(values: Column, function: Function, size: int) -> Column:
    encoded: Any = values.dictionary_encode()
    distinct = encoded.chunk(0).dictionary  # all have the same
    places = [part for one in encoded.chunks for part in _blocks(one.indices, BLOCK)]
    del encoded
    pa.default_memory_pool().release_unused()  # the table of distinct values, which is gone
    masks = whole(in_order(((function(part), None) for part in _blocks(distinct, size)), pa.chunked_array([distinct])))
    del distinct
    pa.default_memory_pool().release_unused()
    places.reverse()
    return in_order(((masks.take(places.pop()), None) for _ in range(len(places))), values)


def _on_unique_numbers(values: Column, function: Function) -> Column:
    """The same for what has a fixed width, also in what it becomes. Distinct values by sorting: no table of them."""
    rows = whole(values)
    if not len(rows) or mostly_unique(values):
        return in_order(((function(part.drop_null()), _there(part)) for part in _blocks(rows, BLOCK)), values)
    kind = function(pa.array([], rows.type)).type
    made = np.empty(len(rows), numpy_type(kind))
    _write_sorted(rows, function, made)
    return pa.chunked_array([arrow_of(made, kind, rows)])


def _there(values: pa.Array[Any]) -> NDArray[np.bool_] | None:
    """Which of the values are not null; None where all are."""
    return valid(values) if values.null_count else None


def _write_sorted(rows: pa.Array[Any], function: Function, made: Numbers) -> None:
    dtype = numpy_type(rows.type)
    room = made.view(dtype) if made.itemsize == dtype.itemsize else np.empty(len(rows), dtype)
    room = room[: len(rows) - rows.null_count]  # sorted where the result will be: nothing else as long is needed
    filled = 0
    for _, block in placed(rows):
        there = numbers(block.drop_null())
        room[filled : filled + len(there)] = there
        filled += len(there)
    room.sort()
    distinct = room[: _once(room)].copy()
    del room
    own = pa.Array.from_buffers(rows.type, len(distinct), [None, buffer(distinct)])
    masks = np.zeros(len(distinct) + 1, made.dtype)  # one more: what a null is beyond the last of them gets
    for place, block in placed(own):
        masks[place : place + len(block)] = numbers(function(block))
    for place, block in placed(rows):
        made[place : place + len(block)] = masks[np.searchsorted(distinct, numbers(block))]


def _once(ordered: Numbers) -> int:
    """Moves each different value of an ordered array to its front, block by block, and says how many these are."""
    filled = 0
    for start in range(0, len(ordered), BLOCK):
        block = ordered[start : start + BLOCK]
        new = np.append(not filled or block[0] != ordered[filled - 1], block[1:] != block[:-1])
        found = block[new]
        ordered[filled : filled + len(found)] = found
        filled += len(found)
    return filled


def placed(rows: pa.Array[Any], block: int | None = None) -> Iterator[tuple[int, pa.Array[Any]]]:
    """Blocks with where they begin."""
    size = block or BLOCK
    return ((place, rows.slice(place, size)) for place in range(0, len(rows), size))
