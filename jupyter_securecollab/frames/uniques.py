"""Applies a function of single values to a column: to each distinct value once, in blocks, around the nulls.

Blocks bound the memory that Python objects and intermediate arrays take beside the column itself; what has a fixed
width is written into one buffer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = pa.ChunkedArray[Any]
    Function = Callable[[pa.Array[Any]], pa.Array[Any]]
    Numbers = NDArray[Any]

BLOCK = 8_192
_SAMPLE = 65_536
_MOSTLY_UNIQUE = 0.8


def on_uniques(values: Column, function: Function) -> Column:
    """The function's result for every value. It gets arrays without nulls; nulls stay where they are.

    A column that is nearly all distinct is taken as it is: finding its repeats would cost more than it saves.
    """
    if not pa.types.is_large_string(values.type):
        return _on_unique_numbers(values, function)
    if mostly_unique(values):
        return pa.chunked_array([_around_nulls(block, function) for chunk in values.chunks for block in blocks(chunk)])
    encoded = whole(values).dictionary_encode()
    pa.default_memory_pool().release_unused()  # the table of distinct values, which is gone
    masked = pa.concat_arrays([function(block) for block in blocks(encoded.dictionary)])
    return pa.chunked_array([masked.take(encoded.indices)])


def whole(values: Column) -> Any:
    """The column as one array, without a copy where it is one already."""
    return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()


def blocks(values: pa.Array[Any]) -> Iterator[pa.Array[Any]]:
    """Slices of a bounded number of values; of no values one, so that results have their type."""
    return (values.slice(start, BLOCK) for start in range(0, max(len(values), 1), BLOCK))


def in_blocks(values: Column, function: Callable[[Numbers], Numbers], kind: pa.DataType | None = None) -> Column:
    """The function's result for every number, day or time, in order, written into one buffer; nulls stay.

    It gets NumPy arrays of a bounded length, days and times as whole numbers, with a zero in place of every null, and
    gives as many values of Arrow's type `kind` (by default that of the column).
    """
    rows = whole(values)
    made = np.empty(len(rows), _numpy_type(kind or rows.type))
    for place, block in _placed(rows):
        made[place : place + len(block)] = function(numbers(block))
    return pa.chunked_array([_arrow_of(made, kind or rows.type, rows)])


def numbers(values: pa.Array[Any]) -> Numbers:
    """Values of a fixed width as NumPy sees them, without a copy where none is missing; zero for nulls."""
    dtype = _numpy_type(values.type)
    if not len(values):
        return np.zeros(0, dtype)
    data: Any = values.buffers()[1]
    plain: Numbers = np.frombuffer(data, dtype, len(values), values.offset * dtype.itemsize)
    if not values.null_count:
        return plain
    zeroed: Numbers = np.where(_valid(values), plain, dtype.type(0))
    return zeroed


def mostly_unique(values: Column) -> bool:
    """Whether there are few repeats, by how many a sample has: about n**2 / 2d among n of d values (birthdays)."""
    sample: Any = values.take(pa.array(np.arange(0, len(values), len(values) // _SAMPLE + 1), pa.int64()))
    if pa.types.is_large_string(values.type):
        repeats = len(sample) - pc.count_distinct(sample, mode="all").as_py()
        pa.default_memory_pool().release_unused()  # its table of distinct values, which is ten times the sample
    else:
        repeats = len(sample) - len(np.unique(numbers(whole(sample))))
    return bool(len(sample) ** 2 > 2 * repeats * _MOSTLY_UNIQUE * len(values))


def _on_unique_numbers(values: Column, function: Function) -> Column:
    """The same for what has a fixed width, also in what it becomes. Distinct values by sorting: no table of them."""
    rows = whole(values)
    kind = function(pa.array([], rows.type)).type
    made = np.empty(len(rows), _numpy_type(kind))
    if mostly_unique(values):
        _write_each(rows, function, made)
    else:
        _write_sorted(rows, function, made)
    return pa.chunked_array([_arrow_of(made, kind, rows)])


def _write_each(rows: pa.Array[Any], function: Function, made: Numbers) -> None:
    for place, block in _placed(rows):
        part = made[place : place + len(block)]
        if not block.null_count:
            part[:] = numbers(function(block))
            continue
        part[:] = 0
        part[_valid(block)] = numbers(function(block.drop_null()))


def _write_sorted(rows: pa.Array[Any], function: Function, made: Numbers) -> None:
    dtype = _numpy_type(rows.type)
    room = made.view(dtype) if made.itemsize == dtype.itemsize else np.empty(len(rows), dtype)
    room = room[: len(rows) - rows.null_count]  # sorted where the result will be: nothing else as long is needed
    filled = 0
    for _, block in _placed(rows):
        there = numbers(block.drop_null())
        room[filled : filled + len(there)] = there
        filled += len(there)
    room.sort()
    distinct = room[: _once(room)].copy()
    del room
    own = pa.Array.from_buffers(rows.type, len(distinct), [None, _buffer(distinct)])
    masks = np.zeros(len(distinct) + 1, made.dtype)  # one more: what a null is beyond the last of them gets
    for place, block in _placed(own):
        masks[place : place + len(block)] = numbers(function(block))
    for place, block in _placed(rows):
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


def _placed(rows: pa.Array[Any]) -> Iterator[tuple[int, pa.Array[Any]]]:
    """Blocks with where they begin."""
    return ((place, rows.slice(place, BLOCK)) for place in range(0, len(rows), BLOCK))


def _arrow_of(made: Numbers, kind: pa.DataType, like: pa.Array[Any]) -> pa.Array[Any]:
    """An Arrow array over a buffer of ours, with nulls where another has them."""
    missing = _buffer(np.packbits(_valid(like), bitorder="little")) if like.null_count else None
    return pa.Array.from_buffers(kind, len(made), [missing, _buffer(made)], like.null_count)


def _buffer(memory: Any) -> pa.Buffer:
    return pa.py_buffer(memory)


def _valid(values: pa.Array[Any]) -> NDArray[np.bool_]:
    return np.asarray(values.is_valid().to_numpy(zero_copy_only=False), dtype=bool)


def _numpy_type(kind: pa.DataType) -> np.dtype[Any]:
    if pa.types.is_temporal(kind):
        return np.dtype(f"i{kind.bit_width // 8}")
    return np.dtype(kind.to_pandas_dtype())


def _around_nulls(block: pa.Array[Any], function: Function) -> pa.Array[Any]:
    if not block.null_count:
        return function(block)
    valid = _valid(block)
    places = pa.array(np.cumsum(valid) - 1, pa.int64(), mask=~valid)
    return function(block.drop_null()).take(places)
