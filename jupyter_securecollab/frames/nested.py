"""Lists and structs: what is inside of them is masked, value by value, and they are put together again as they were.

A column is taken apart down to values that are neither; all of these have to fit the technique, so that nothing inside
stays in the clear. Names of fields stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .uniques import whole

if TYPE_CHECKING:
    Column = pa.ChunkedArray[Any]
    Mask = Callable[[Column, Column | None], Column]


def is_nested(kind: pa.DataType) -> bool:
    """Whether values of this type hold others that can be masked by themselves: not those of maps."""
    return pa.types.is_struct(kind) or _is_list(kind)


def has_lists(kind: Any) -> bool:
    """Whether there are lists in it, so that a row has any number of values."""
    return _is_list(kind) or (pa.types.is_struct(kind) and any(has_lists(field.type) for field in kind))


def leaves(kind: Any) -> Iterator[pa.DataType]:
    """The types of values inside of a nested type; the type itself where it is none."""
    if _is_list(kind):
        yield from leaves(kind.value_type)
    elif pa.types.is_struct(kind):
        for field in kind:
            yield from leaves(field.type)
    else:
        yield kind


def inside(values: Column, entity: Column | None, mask: Mask) -> Column:
    """The same column with the values inside masked by `mask`, given them with the entity that each belongs to."""
    rows = whole(values)
    made = _struct(rows, entity, mask) if pa.types.is_struct(rows.type) else _list(rows, entity, mask)
    return pa.chunked_array([made])


def _struct(rows: Any, entity: Column | None, mask: Mask) -> Any:
    parts = [whole(mask(pa.chunked_array([part]), entity)) for part in rows.flatten()]
    if not parts:
        return rows
    missing = rows.is_null() if rows.null_count else None
    fields = [rows.type.field(number).with_nullable(True) for number in range(rows.type.num_fields)]
    return pa.StructArray.from_arrays(parts, fields=fields, mask=missing).cast(rows.type)


def _list(rows: Any, entity: Column | None, mask: Mask) -> Any:
    plain = rows.cast(pa.large_list(rows.type.value_type))
    lengths = np.asarray(pc.fill_null(pc.list_value_length(plain), 0), dtype=np.int64)
    owner = None
    if entity is not None:
        owner = pa.chunked_array([whole(entity).take(pa.array(np.arange(len(rows)).repeat(lengths)))])
    masked = whole(mask(pa.chunked_array([plain.flatten()]), owner))
    starts = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int64())
    missing = rows.is_null() if rows.null_count else None
    return pa.LargeListArray.from_arrays(starts, masked, mask=missing).cast(rows.type)


def _is_list(kind: pa.DataType) -> bool:
    tests = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
    return any(test(kind) for test in tests)
