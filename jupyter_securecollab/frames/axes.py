"""The named axes of a frame: which columns and index levels it has, and the values of one.

Names are text, index levels before columns; an index level without a name is called `(index)`, or `(index 0)` among
several. The default index of pandas says nothing and has no name here. No other module here knows frames' libraries.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

_FRAMES = {("pandas", "DataFrame"), ("polars", "DataFrame"), ("pyarrow", "Table")}


def is_frame(value: Any) -> bool:
    """Whether this is a pandas or polars DataFrame or an Arrow table, without importing any of them."""
    return any((kind.__module__.partition(".")[0], kind.__name__) in _FRAMES for kind in type(value).__mro__)


def way_to_frame(value: Any) -> str:
    """How what is nearly a frame is made one, for a message; empty where there is no way."""
    for way in ("collect", "to_frame", "to_pandas"):  # lazy frames; series; what other libraries have
        if callable(getattr(type(value), way, None)):
            return f", such as .{way}() makes"
    return ""


def names(frame: Any) -> tuple[str, ...]:
    """Index levels (pandas only), then columns, in order."""
    columns = frame.column_names if hasattr(frame, "column_names") else frame.columns
    return (*_index_names(frame), *(str(name) for name in columns))


def values(frame: Any, name: str) -> Any:
    """The column or index level of that name, as the library's own column type."""
    return _at(frame, names(frame).index(name), len(_index_names(frame)))


def columns(frame: Any) -> Iterator[tuple[str, Any]]:
    """Names with values, by position: the way through a frame that is wide, or whose names repeat."""
    index = _index_names(frame)
    for position, name in enumerate(names(frame)):
        yield name, _at(frame, position, len(index))


def length(frame: Any) -> int:
    """How many rows it has."""
    return frame.num_rows if hasattr(frame, "num_rows") else len(frame)


def _at(frame: Any, position: int, index: int) -> Any:
    if position < index:
        return frame.index.get_level_values(position).to_series()
    if hasattr(frame, "iloc"):
        return frame.iloc[:, position - index]
    return frame.column(position) if hasattr(frame, "column_names") else frame.to_series(position)


def replaced(frame: Any, name: str, values: Any) -> Any:
    """A frame with these values in place of a column; a pandas frame is changed itself. Not for index levels."""
    if hasattr(frame, "iloc"):
        frame.isetitem(names(frame).index(name) - len(_index_names(frame)), values)
        return frame
    if hasattr(frame, "column_names"):
        return frame.set_column(frame.column_names.index(name), name, values)
    return frame.with_columns(values.alias(name))


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


def _is_default(index: Any) -> bool:
    return type(index).__name__ == "RangeIndex" and index.name is None and (index.start, index.step) == (0, 1)
