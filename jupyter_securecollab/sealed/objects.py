"""pandas object columns: held only if all values are of one plain type, and come back as that very type.

Mixed types have no honest Arrow column; they are refused, naming the column and the types.
"""

from __future__ import annotations

import datetime
import decimal
import math
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..errors import CannotHold
from ..manifest import Held

_PLAIN = {
    str: pa.large_string(),
    bytes: pa.large_binary(),
    bool: pa.bool_(),
    int: pa.int64(),
    float: pa.float64(),
    datetime.date: pa.date32(),
}
_CHECKED = (decimal.Decimal, datetime.time, datetime.datetime, datetime.timedelta, list, dict)
_MISSING: dict[str, Any] = {"": None, "None": None, "nan": np.nan, "NA": pd.NA}


def take(column: str, values: np.ndarray[Any, Any]) -> tuple[pa.Array[Any], Held]:
    """Arrow values for an object column."""
    absent = np.asarray(pd.isna(values), dtype=bool)
    held = Held("object", missing=_missing(column, values[absent]))
    present = values[~absent]
    kinds = set(map(type, present))
    if not kinds:
        return pa.nulls(len(values)), held
    if len(kinds) > 1:
        found = ", ".join(sorted(kind.__name__ for kind in kinds))
        raise _refusal(column, f"objects of mixed type ({found})")
    (kind,) = kinds
    try:
        if kind in _PLAIN:
            return pa.array(values, type=_PLAIN[kind], mask=absent), held
        if kind is np.ndarray:
            return _take_arrays(column, values, absent), Held("arrays", missing=held.missing)
        if kind in _CHECKED:
            return _take_checked(column, values, absent, held), held
    except (pa.ArrowException, OverflowError, UnicodeError, RecursionError, ValueError, TypeError) as problem:
        if isinstance(problem, CannotHold):
            raise
        raise _refusal(column, f"{kind.__name__} values that do not fit one column type") from None
    raise _refusal(column, f"objects of type {kind.__module__}.{kind.__qualname__}")


def restore(values: pa.ChunkedArray[Any], held: Held) -> np.ndarray[Any, Any]:
    """The object column again."""
    made = np.fromiter(values.to_pylist(), dtype=object, count=len(values))
    if held.missing != "None":
        made[values.is_null().to_numpy()] = _MISSING[held.missing]
    return made


def restore_arrays(values: pa.ChunkedArray[Any], held: Held) -> np.ndarray[Any, Any]:
    """An object column of one-dimensional numpy arrays again."""
    made = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        made[i] = value.values.to_numpy(zero_copy_only=False).copy() if value.is_valid else _MISSING[held.missing]
    return made


def same(one: Any, other: Any) -> bool:
    """Whether two plain values are the same in type and content, all the way down. NaN is the same as NaN."""
    if type(one) is not type(other):
        return False
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    return bool(one == other)


def _missing(column: str, absent: np.ndarray[Any, Any]) -> Any:
    words = {_word(value) for value in absent}
    if len(words) > 1 or "?" in words:
        raise CannotHold(
            f"column {column!r} marks missing values in more than one way",
            next_step="Use one way, for example df[c] = df[c].where(df[c].notna(), None).",
        )
    return words.pop() if words else ""


def _word(value: Any) -> str:
    if value is None:
        return "None"
    if value is pd.NA:
        return "NA"
    return "nan" if type(value) is float else "?"


def _refusal(column: str, what: str) -> CannotHold:
    return CannotHold(
        f"column {column!r} holds {what}",
        next_step="Convert it to one type, for example with .astype(str), or leave it out.",
    )


def _take_arrays(column: str, values: np.ndarray[Any, Any], absent: np.ndarray[Any, Any]) -> Any:
    shapes = {(value.dtype, value.ndim) for value in values[~absent]}
    ((dtype, ndim),) = shapes if len(shapes) == 1 else {(np.dtype(object), 0)}
    if ndim != 1 or dtype.kind not in "biuf" or dtype.itemsize > 8 or not dtype.isnative:
        raise _refusal(column, "arrays that are not all one-dimensional and of one numeric dtype")
    return pa.array(values, type=pa.large_list(pa.from_numpy_dtype(dtype)), mask=absent)


def _take_checked(column: str, values: np.ndarray[Any, Any], absent: np.ndarray[Any, Any], held: Held) -> Any:
    plain = [None if gone else value for value, gone in zip(values, absent, strict=True)]
    arrow: Any = pa.array(plain, from_pandas=False)
    if arrow.type == pa.list_(pa.null()) and not len(arrow.flatten()):
        arrow = arrow.cast(pa.list_(pa.int8()))  # nothing but empty lists: any type of item will do
    if not same(arrow.to_pylist(), plain):
        raise _refusal(column, "values that would come back changed")
    return arrow
