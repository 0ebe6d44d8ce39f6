"""The named axes of a frame: which columns and index levels it has, and the values of one.

Names are text, index levels before columns; an index level without a name is called `(index)`, or `(index 0)` among
several. The default index of pandas says nothing and has no name here. No other module here knows frames' libraries.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from ..model import clip

_SHOWN = 20
_FRAMES = {("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "Table")}
_COLUMNS = {("pandas", "Series"), ("polars", "Series"), ("pyarrow", "Array"), ("pyarrow", "ChunkedArray")}


def is_frame(value: Any) -> bool:
    """Whether this is a pandas or polars DataFrame or an Arrow table, without importing any of them."""
    return _is_one_of(value, _FRAMES)


def is_lazy(value: Any) -> bool:
    """Whether this is a lazy polars frame."""
    return _is_one_of(value, {("polars", "LazyFrame")})


def is_dask(value: Any) -> bool:
    """Whether this is a Dask DataFrame."""
    return _is_one_of(value, {("dask", "DataFrame")})


def way_to_rows(value: Any) -> str:
    """What makes the rows of a frame that is not there yet, for a message; empty for any other object."""
    return ".collect()" if is_lazy(value) else ".compute()" if is_dask(value) else ""


def is_column(value: Any) -> bool:
    """Whether this is a column by itself: a pandas or polars Series, an Arrow array or chunked array."""
    return _is_one_of(value, _COLUMNS)


def way_to_frame(value: Any) -> str:
    """How what is nearly a frame is made one, for a message; empty where there is no way."""
    for way in ("collect", "to_frame", "to_pandas"):  # lazy frames; series; what other libraries have
        if callable(getattr(type(value), way, None)):
            return f", such as .{way}() makes"
    return ""


def names(frame: Any) -> tuple[str, ...]:
    """Index levels (pandas only), then columns, in order."""
    columns = frame.column_names if _is_arrow(frame) else frame.columns
    return (*_index_names(frame), *(str(name) for name in columns))


def not_among(names_: Sequence[str], name: str) -> str:
    """What to do about a name that no column has: the one that was perhaps meant, or which there are."""
    near = difflib.get_close_matches(name, names_, n=1)
    shown = ", ".join(map(clip, names_[:_SHOWN])) + (" ..." if len(names_) > _SHOWN else "")
    return f"Did you mean {clip(near[0])}?" if near else f"The columns are {shown}."


def values(frame: Any, name: str) -> Any:
    """The column or index level of that name, as the library's own column type."""
    return at(frame, names(frame).index(name))


def columns(frame: Any) -> Iterator[tuple[str, Any]]:
    """Names with values, by position: the way through a frame that is wide, or whose names repeat."""
    for position, name in enumerate(names(frame)):
        yield name, at(frame, position)


def length(frame: Any) -> int:
    """How many rows it has."""
    return frame.num_rows if _is_arrow(frame) else len(frame)


def at(frame: Any, position: int) -> Any:
    """The values at that position among `names`."""
    index = len(_index_names(frame))
    if position < index:
        return frame.index.get_level_values(position).to_series()
    if hasattr(frame, "iloc"):
        return frame.iloc[:, position - index]
    if _is_arrow(frame):
        return frame.column(position)
    column = frame.to_series(position)
    return column.alias("") if column.name.startswith("^") else column  # polars takes ^...$ for a pattern


def replaced(frame: Any, name: str, values: Any) -> Any:
    """A frame with these values in place of a column; a pandas frame is changed itself. Not for index levels."""
    if hasattr(frame, "iloc"):
        frame.isetitem(names(frame).index(name) - len(_index_names(frame)), values)
        return frame
    if _is_arrow(frame):
        return frame.set_column(frame.column_names.index(name), name, values)
    return frame.with_columns(values.alias(name))


def with_values(frame: Any, made: Mapping[int, Any]) -> Any:
    """A new frame with other values at these positions among `names`; without what stands there where they are None.

    The frame given stays as it is, also when the new one is written to. What is said beside columns does not go along,
    for it may say what they held: `attrs`, what kinds of frames of others hold beside them, names that no column has
    any more, metadata of Arrow.
    """
    if hasattr(frame, "iloc"):
        return _pandas_with(frame, made)
    kept = [number for number in range(len(names(frame))) if number not in made or made[number] is not None]
    if _is_arrow(frame):
        return _arrow_with(frame, made, kept)
    own = frame.columns  # not given to select() as names, where * and ^...$ stand for other columns
    return frame.select([made.get(number, frame.to_series(number)).alias(own[number]) for number in kept])


def _pandas_with(frame: Any, made: Mapping[int, Any]) -> Any:
    import pandas as pd

    levels, copy = len(_index_names(frame)), pd.DataFrame(frame, copy=False)  # no longer of a kind that holds more
    copy.attrs = {}
    columns = {position - levels: values for position, values in made.items() if position >= levels}
    for number, values in columns.items():
        if values is not None:
            copy.isetitem(number, values)
    if not _copied_on_write():
        for number in set(range(copy.shape[1])) - set(columns):
            copy.isetitem(number, frame.iloc[:, number].copy())
    if len(columns) < len(made):
        copy.index = _index_with(frame.index, made)
    kept = [number for number in range(copy.shape[1]) if number not in columns or columns[number] is not None]
    copy = copy if len(kept) == copy.shape[1] else copy.iloc[:, kept]
    for unused in ("remove_unused_categories", "remove_unused_levels"):  # names of columns that are not there
        if hasattr(copy.columns, unused):
            copy.columns = getattr(copy.columns, unused)()
    return copy


def _copied_on_write() -> bool:
    import pandas as pd

    return int(pd.__version__.partition(".")[0]) >= 3


def _index_with(index: Any, made: Mapping[int, Any]) -> Any:
    import pandas as pd

    kept = [level for level in range(index.nlevels) if level not in made or made[level] is not None]
    levels = [
        pd.Index(made[level].array, dtype=made[level].dtype, name=index.names[level])
        if level in made
        else index.get_level_values(level)
        for level in kept
    ]
    if not levels:
        return pd.RangeIndex(len(index))
    return levels[0] if len(levels) == 1 else pd.MultiIndex.from_arrays(levels)


def _arrow_with(table: Any, made: Mapping[int, Any], kept: Sequence[int]) -> Any:
    columns = [made.get(number, table.column(number)) for number in kept]
    fields = [
        (table.schema.field(number).remove_metadata() if number in made else table.schema.field(number))
        .with_type(values.type)
        .with_nullable(table.schema.field(number).nullable or values.null_count > 0)
        for number, values in zip(kept, columns, strict=True)
    ]
    import pyarrow as pa

    named = {field.name for field in fields}
    return pa.Table.from_arrays(columns, schema=pa.schema(fields, _of_pandas(table.schema.metadata, named)))


def _of_pandas(metadata: Mapping[bytes, bytes] | None, named: Collection[str]) -> dict[bytes | str, bytes | str] | None:
    """Of metadata what makes the same pandas frame of a table with columns of these names, but for `attrs`."""
    try:
        told = json.loads((metadata or {})[b"pandas"])
        known = {key: told[key] for key in ("column_indexes", "creator", "pandas_version") if key in told}
        index = [one for one in told["index_columns"] if isinstance(one, dict) or one in named]
        columns = [one for one in told["columns"] if one["field_name"] in named]
        return {b"pandas": json.dumps({**known, "index_columns": index, "columns": columns}).encode()}
    except (KeyError, ValueError, TypeError, RecursionError):
        return None


def column_names(frame: Any) -> tuple[str, ...]:
    """The names of columns alone."""
    return names(frame)[len(_index_names(frame)) :]


def _index_names(frame: Any) -> tuple[str, ...]:
    index = getattr(frame, "index", None)
    if index is None or _is_default(index):
        return ()
    return tuple(_level_names(index.names))


def _level_names(given: Any) -> Iterator[str]:
    for number, name in enumerate(given):
        if name is not None:
            yield str(name)
        else:
            yield "(index)" if len(given) == 1 else f"(index {number})"


def _is_arrow(frame: Any) -> bool:
    """Whether this is a table of Arrow, by its type: a pandas frame has its columns as attributes, `num_rows` too."""
    return hasattr(type(frame), "column_names")


def _is_default(index: Any) -> bool:
    return type(index).__name__ == "RangeIndex" and index.name is None and (index.start, index.step) == (0, 1)


def _is_one_of(value: Any, known: set[tuple[str, str]]) -> bool:
    return any((kind.__module__.partition(".")[0], kind.__name__) in known for kind in type(value).__mro__)
