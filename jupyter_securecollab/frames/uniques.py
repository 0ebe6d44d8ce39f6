"""Applies a function of single values to a column: to each distinct value once, in blocks, around the nulls.

Blocks bound the memory that Python objects and intermediate arrays take beside the column itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    Column = pa.ChunkedArray[Any]
    Function = Callable[[pa.Array[Any]], pa.Array[Any]]

BLOCK = 32_768
_SAMPLE = 65_536
_MOSTLY_UNIQUE = 0.8


def on_uniques(values: Column, function: Function) -> Column:
    """The function's result for every value. It gets arrays without nulls; nulls stay where they are.

    A column that is nearly all distinct is taken as it is: finding its repeats would cost more than it saves.
    """
    if _mostly_unique(values):
        return pa.chunked_array([_around_nulls(block, function) for chunk in values.chunks for block in blocks(chunk)])
    encoded = encode(values)
    masked = pa.concat_arrays([function(block) for block in blocks(encoded.dictionary)])
    return pa.chunked_array([masked.take(encoded.indices)])


def encode(values: Column) -> Any:
    """The column as one dictionary-encoded array: each distinct value once, nulls among the indices."""
    return whole(values).dictionary_encode()


def whole(values: Column) -> Any:
    """The column as one array, without a copy where it is one already."""
    return values.chunk(0) if values.num_chunks == 1 else values.combine_chunks()


def blocks(values: pa.Array[Any]) -> Iterator[pa.Array[Any]]:
    """Slices of a bounded number of values; of no values one, so that results have their type."""
    return (values.slice(start, BLOCK) for start in range(0, max(len(values), 1), BLOCK))


def _around_nulls(block: pa.Array[Any], function: Function) -> pa.Array[Any]:
    if not block.null_count:
        return function(block)
    valid = block.is_valid().to_numpy(zero_copy_only=False)
    places = pa.array(np.cumsum(valid) - 1, pa.int64(), mask=~valid)
    return function(block.drop_null()).take(places)


def _mostly_unique(values: Column) -> bool:
    """Whether there are few repeats, by how many a sample has: about n**2 / 2d among n of d values (birthdays)."""
    sample: Any = values.take(pa.array(np.arange(0, len(values), len(values) // _SAMPLE + 1), pa.int64()))
    repeats = len(sample) - pc.count_distinct(sample, mode="all").as_py()
    return bool(len(sample) ** 2 > 2 * repeats * _MOSTLY_UNIQUE * len(values))
