"""pandas (2.3 and 3) to columns and back, exactly: dtypes, missing values, index, column axis, attrs.

Whatever would come back as something else is refused here, before anything is sealed. Every dtype is rebuilt from its
description and compared while taking, so a new kind of dtype is a refusal, never a silent change.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from ..errors import CannotHold
from ..manifest import Held
from . import objects as object_columns
from .arrow import values_in
from .columns import Axis, Column, ColumnKind, Taken, refuse_unwritable

# The published stubs leave out what pandas offers to those who build its arrays.
_pd: Any = pd
_MASKED: dict[str, Any] = {str(kind()): kind for kind in (
    pd.Int8Dtype, pd.Int16Dtype, pd.Int32Dtype, pd.Int64Dtype,
    pd.UInt8Dtype, pd.UInt16Dtype, pd.UInt32Dtype, pd.UInt64Dtype,
    pd.Float32Dtype, pd.Float64Dtype, pd.BooleanDtype,
)}  # fmt: skip


def take(frame: pd.DataFrame) -> Taken:
    """All columns and index levels of a frame; raises `CannotHold` naming the first that cannot be held."""
    if type(frame) is not pd.DataFrame:
        raise CannotHold(
            f"a {type(frame).__name__} would come back as a plain DataFrame",
            next_step="Share pd.DataFrame(it) instead.",
        )
    names = [_name(label, "column") for label in frame.columns]
    refuse_unwritable([name for name, _ in names])
    columns = tuple(_take_series(name, kind, frame.iloc[:, i].array) for i, (name, kind) in enumerate(names))
    return Taken("pandas", len(frame), _take_index(frame.index), columns, _axis_of(frame.columns), _meta_of(frame))


def take_twin(original: Column, values: Any) -> Column:
    """A masked copy for a column or index level: any pandas column of as many rows."""
    if not isinstance(values, (pd.Series, pd.Index)):
        raise CannotHold(f"the masked copy of column {original.name!r} is not a pandas column")
    array: Any = values.array
    if isinstance(array.dtype, pd.CategoricalDtype):
        array = array.remove_unused_categories()
    return _take_series(original.name, original.kind, array)


def objects(column: Column) -> int:
    """One for each value, nested ones included, unless NumPy or Arrow will hold them."""
    kind, detail = ("", "") if column.held is None else (column.held.kind, column.held.detail)
    own = 0
    if kind == "object" or (kind, detail) == ("string", "python") or (not kind and not _fits_numpy(column.values.type)):
        own = values_in(column.values)
    elif kind == "arrays":
        own = 2 * len(column.values)
    return own + (objects(column.categories) if column.categories else 0)


def _fits_numpy(data_type: pa.DataType) -> bool:
    fitting = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
    times = (pa.types.is_date, pa.types.is_timestamp, pa.types.is_duration)
    return any(is_one(data_type) for is_one in (*fitting, *times))


def restore(column: Column, rows: int) -> Any:
    """A numpy array or pandas extension array, fresh and writable; a `RangeIndex` for a range."""
    if column.is_range:
        start, stop, step = column.values.to_pylist()
        found = pd.RangeIndex(start, stop, step)
        if len(found) != rows:
            raise ValueError("range of another length")
        return found
    return _restore(column)


def assemble(taken: Taken, index: Sequence[Any], columns: Sequence[Any]) -> pd.DataFrame:
    """The frame; without index levels it gets the default one."""
    axis = _axis_for(taken)
    made = _make_index(taken, index)
    frame = pd.DataFrame(
        {i: pd.Series(one, index=made, dtype=one.dtype, copy=False) for i, one in enumerate(columns)},
        index=made,
        copy=False,
    )
    frame.columns = axis
    frame.columns.name = _label(*taken.meta["axis"]) if "axis" in taken.meta else None
    frame.attrs = dict(taken.meta.get("attrs", {}))
    return frame


def _name(label: Any, what: str) -> tuple[str, ColumnKind]:
    if type(label) in (str, np.str_):
        refuse_unwritable([label])
        return str(label), "str"
    if isinstance(label, (int, np.integer)) and not isinstance(label, bool):
        return str(int(label)), "int"
    raise CannotHold(
        f"the {what} name {label!r} is neither text nor a whole number",
        next_step="Rename it, for example with df.columns = [...].",
    )


def _label(name: str, kind: ColumnKind) -> Any:
    return None if kind == "none" else int(name) if kind == "int" else name


def _axis_of(axis: pd.Index) -> Axis:
    if isinstance(axis, pd.RangeIndex):
        return "range"
    if axis.dtype == np.dtype("int64"):
        return "int64"
    return "object" if axis.dtype == np.dtype(object) else "str"


def _axis_for(taken: Taken) -> Any:
    labels = [_label(column.name, column.kind) for column in taken.columns]
    if taken.axis == "range" and labels == list(range(len(labels))):
        return pd.RangeIndex(len(labels))
    if taken.axis in ("range", "int64"):
        return pd.Index(labels, dtype="int64")
    if taken.axis == "object":
        return pd.Index(labels, dtype=object)
    return pd.Index(labels) if labels else pd.Index(labels, dtype=pd.Index(["a"]).dtype)


def _meta_of(frame: pd.DataFrame) -> dict[str, Any]:
    meta: dict[str, Any] = {}
    if frame.columns.name is not None:
        meta["axis"] = list(_name(frame.columns.name, "column axis"))
    if frame.attrs:
        meta["attrs"] = _plain(frame.attrs)
    return meta


def _plain(attrs: dict[Any, Any]) -> dict[str, Any]:
    """attrs, if JSON holds them without changing anything."""
    try:
        same = object_columns.same(json.loads(json.dumps(attrs)), attrs)
    except (TypeError, ValueError, RecursionError):
        same = False
    if not same:
        raise CannotHold(
            "df.attrs holds something other than plain text, numbers, lists and dicts",
            next_step="Remove it from df.attrs.",
        )
    return attrs


def _take_index(index: pd.Index) -> tuple[Column, ...]:
    if type(index) is pd.RangeIndex:
        if index.name is None and index.start == 0 and index.step == 1:
            return ()
        name, kind = _index_name(index.name, 0, 1)
        values = pa.chunked_array([pa.array([index.start, index.stop, index.step], pa.int64())])
        return (Column(name, kind, values, is_range=True),)
    count = index.nlevels
    names = [_index_name(name, i, count) for i, name in enumerate(index.names)]
    if len(set(names)) != count:
        raise CannotHold("two index levels have the same name", next_step="Give every index level its own name.")
    levels = [index.get_level_values(i) if count > 1 else index for i in range(count)]
    return tuple(_take_level(name, kind, level) for (name, kind), level in zip(names, levels, strict=True))


def _index_name(name: Any, number: int, count: int) -> tuple[str, ColumnKind]:
    if name is None:
        return ("(index)" if count == 1 else f"(index {number})"), "none"
    return _name(name, "index")


def _take_level(name: str, kind: ColumnKind, level: pd.Index) -> Column:
    column = _take_series(name, kind, level.array)
    freq = getattr(level, "freq", None)
    if freq is None or isinstance(level, pd.PeriodIndex):
        return column
    held = Held("freq", detail=str(freq.freqstr))
    try:
        same = pd.tseries.frequencies.to_offset(held.detail) == freq
    except ValueError:
        same = False
    if not same:
        raise CannotHold(
            f"the frequency of index {name!r} cannot be written down", next_step="Set df.index.freq = None first."
        )
    return Column(name, kind, column.values, held)


def _make_index(taken: Taken, index: Sequence[Any]) -> Any:
    if not index:
        return pd.RangeIndex(taken.rows)
    names = [_label(column.name, column.kind) for column in taken.index]
    if len(index) > 1:
        return pd.MultiIndex.from_arrays([_index_of(one) for one in index], names=names)
    made = _index_of(index[0]).rename(names[0])
    held = taken.index[0].held
    if held and held.kind == "freq":
        made.freq = held.detail  # pandas refuses a frequency the values do not have
    return made


def _index_of(values: Any) -> Any:
    return pd.Index(values, dtype=values.dtype)  # with its dtype given, text in an object array stays object


def _take_series(name: str, kind: ColumnKind, array: Any) -> Column:
    if type(array) is pd.arrays.NumpyExtensionArray:  # not its subclass for text
        array = array.to_numpy()
    dtype = array.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _take_categories(name, kind, array)
    if isinstance(dtype, np.dtype):
        values = np.asarray(array)
        if dtype == np.dtype(object):
            arrow, held = object_columns.take(name, values)
            return Column(name, kind, pa.chunked_array([arrow]), held)
        return Column(name, kind, _arrow(name, _take_numpy(name, values)))
    held_arrow = _take_extension(name, array)
    column = Column(name, kind, _arrow(name, held_arrow[0]), held_arrow[1])
    if _restore(Column(name, kind, column.values.slice(0, 0), column.held)).dtype != dtype:
        raise _refusal(name, dtype)
    return column


def _arrow(name: str, values: pa.Array[Any] | pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    return values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])


def _refusal(name: str, dtype: Any) -> CannotHold:
    said = f"Sparse[{dtype.subtype}]" if isinstance(dtype, pd.SparseDtype) else dtype  # its own words quote a value
    return CannotHold(
        f"column {name!r} has dtype {said}, which a sealed frame cannot hold",
        next_step="Convert the column first, or leave it out.",
    )


def _take_numpy(name: str, values: np.ndarray[Any, Any]) -> Any:
    kinds = "biuf" if values.dtype.itemsize <= 8 else ""
    if values.dtype.isnative and values.dtype.kind in kinds + "mM":
        return pa.array(values, from_pandas=False)
    raise _refusal(name, values.dtype)


def _take_extension(name: str, array: Any) -> tuple[pa.Array[Any] | pa.ChunkedArray[Any], Held]:
    dtype = array.dtype
    if str(dtype) in _MASKED:
        return pa.array(array, from_pandas=False), Held("masked", detail=str(dtype))
    if isinstance(dtype, pd.StringDtype):
        missing: Any = "NA" if dtype.na_value is pd.NA else "nan"
        return _narrow(pa.array(array, from_pandas=True)), Held("string", detail=dtype.storage, missing=missing)
    if isinstance(dtype, pd.DatetimeTZDtype):
        return pa.array(array), Held("zoned")
    if isinstance(dtype, pd.ArrowDtype):
        return pa.chunked_array(array.__arrow_array__()), Held("arrow")
    if isinstance(dtype, pd.PeriodDtype):
        ordinals = pa.array(array.asi8, mask=np.asarray(array.isna()))
        return ordinals, Held("period", detail=dtype.name.removeprefix("period[").removesuffix("]"))
    if isinstance(dtype, pd.IntervalDtype):
        return _take_intervals(name, array), Held("interval", detail=str(dtype.closed))
    raise _refusal(name, dtype)


def _narrow(text: pa.Array[Any] | pa.ChunkedArray[Any]) -> Any:
    """Text with offsets of 32 bits, where it fits: half as much to unpack. pandas gives its values their own type."""
    return text.cast(pa.string()) if text.nbytes < 2**31 else text


def _take_intervals(name: str, array: Any) -> Any:
    sides = [_take_series(name, "str", side.array) for side in (array.left, array.right)]
    if any(side.held and side.held.kind != "zoned" for side in sides):
        raise _refusal(name, array.dtype)
    left, right = (side.values.combine_chunks() for side in sides)
    return pa.StructArray.from_arrays([left, right], names=["left", "right"], mask=pa.array(np.asarray(array.isna())))


def _take_categories(name: str, kind: ColumnKind, array: Any) -> Column:
    codes = np.asarray(array.codes)
    if isinstance(array.categories, pd.MultiIndex):
        raise _refusal(name, array.dtype)
    categories = _take_series(name, kind, array.categories.array)
    held = Held("category", ordered=bool(array.ordered))
    return Column(name, kind, _arrow(name, pa.array(codes, mask=codes < 0)), held, categories)


def _restore(column: Column) -> Any:
    values, held = column.values, column.held
    if held is None or held.kind == "freq":
        dtype: Any = pd.DatetimeTZDtype(values.type.unit, values.type.tz) if getattr(values.type, "tz", None) else None
        return dtype.__from_arrow__(values) if dtype else _numpy(values)
    if held.kind == "category":
        return _restore_categories(column, held)
    if held.kind == "object":
        return object_columns.restore(values, held)
    if held.kind == "arrays":
        return object_columns.restore_arrays(values, held)
    if held.kind == "masked":
        return _MASKED[held.detail]().__from_arrow__(values)
    if held.kind == "string":
        return _pd.StringDtype(held.detail, na_value=pd.NA if held.missing == "NA" else np.nan).__from_arrow__(values)
    if held.kind == "zoned":
        return pd.DatetimeTZDtype(values.type.unit, values.type.tz).__from_arrow__(values)
    if held.kind == "arrow":
        return _pd.ArrowDtype(values.type).__from_arrow__(values)
    return _restore_spans(values, held)


def _restore_spans(values: Any, held: Held) -> Any:
    if held.kind == "period":
        ordinals = values.fill_null(np.iinfo("int64").min)  # pandas' own mark for NaT
        return _pd.PeriodIndex.from_ordinals(_numpy(ordinals), freq=held.detail).array.copy()
    if held.kind == "interval":
        array = values.combine_chunks()
        left, right = (_restore(Column("", "str", pa.chunked_array([array.field(i)]))) for i in (0, 1))
        made = _pd.arrays.IntervalArray.from_arrays(left, right, closed=held.detail)
        if array.null_count:
            made[array.is_null().to_numpy(zero_copy_only=False)] = np.nan
        return made
    raise ValueError("no such kind")


def _restore_categories(column: Column, held: Held) -> Any:
    if column.categories is None:
        raise ValueError("codes without categories")
    values: Any = column.values
    codes = _numpy(values.fill_null(-1))
    return pd.Categorical.from_codes(codes, categories=_index_of(_restore(column.categories)), ordered=held.ordered)


def _numpy(values: Any) -> Any:
    """A fresh, writable array: the buffers behind Arrow values are read-only."""
    pieces = [chunk.to_numpy(zero_copy_only=False) for chunk in values.chunks]
    if not pieces:
        return pa.array([], values.type).to_numpy(zero_copy_only=False).copy()
    return np.concatenate(pieces)
