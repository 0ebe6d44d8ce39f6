"""polars frames to columns and back. Each column is rebuilt empty while taking, so a changed type is a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from ..errors import CannotHold
from ..manifest import Held
from .columns import Column, Taken, refuse_unwritable

_COMPAT = pl.CompatLevel.oldest()  # newer levels use Arrow views, whose buffers hold more than the values shown


def take(frame: pl.DataFrame) -> Taken:
    """All columns of a frame; raises `CannotHold` naming the first that cannot be held."""
    if type(frame) is not pl.DataFrame:
        raise CannotHold(f"a polars {type(frame).__name__} is not an eager frame", next_step="Call .collect() first.")
    refuse_unwritable(frame.columns)
    return Taken("polars", frame.height, (), tuple(_take(name, frame[name]) for name in frame.columns))


def take_twin(original: Column, values: Any) -> Column:
    """A masked copy: any polars series of as many rows."""
    if not isinstance(values, pl.Series):
        raise CannotHold(f"the masked copy of column {original.name!r} is not a polars series")
    values = values.alias("")
    if isinstance(values.dtype, pl.Enum):
        used = values.drop_nulls().unique().cast(pl.String).to_list()
        values = values.cast(pl.String).cast(pl.Enum([word for word in values.dtype.categories if word in set(used)]))
    return _take(original.name, values)


def objects(column: Column) -> int:
    """None."""
    return 0


def restore(column: Column, rows: int) -> pl.Series:
    """The series."""
    if column.held is None:
        return _series(column.values)
    if column.categories is None:
        raise ValueError("codes without categories")
    words = _series(column.categories.values)
    made = words.gather(_series(column.values))
    return made.cast({"enum": pl.Enum(words), "categorical": pl.Categorical()}[column.held.kind])


def assemble(taken: Taken, index: Sequence[Any], columns: Sequence[Any]) -> pl.DataFrame:
    """The frame. polars keeps the row count of a frame only while it has a column."""
    return pl.DataFrame([series.alias(column.name) for column, series in zip(taken.columns, columns, strict=True)])


def _take(name: str, series: pl.Series) -> Column:
    series = series.alias("")  # polars takes the name ^...$ for a pattern
    column = _column(name, series)
    if restore(_head(column), 0).dtype != series.dtype:
        raise _refusal(name, series)
    return column


def _column(name: str, series: pl.Series) -> Column:
    if isinstance(series.dtype, (pl.Enum, pl.Categorical)):
        words = (
            series.dtype.categories
            if isinstance(series.dtype, pl.Enum)
            else series.drop_nulls().unique(maintain_order=True).cast(pl.String)
        )
        codes = series.cast(pl.String).replace_strict(
            words, pl.Series(range(len(words)), dtype=pl.UInt32), default=None, return_dtype=pl.UInt32
        )
        kind = "enum" if isinstance(series.dtype, pl.Enum) else "categorical"
        return Column(name, "str", _arrow(name, codes), Held(kind), Column(name, "str", _arrow(name, words)))
    return Column(name, "str", _arrow(name, series))


def _arrow(name: str, series: pl.Series) -> pa.ChunkedArray[Any]:
    try:
        return pa.chunked_array([series.to_arrow(compat_level=_COMPAT)])
    except (pa.ArrowException, pl.exceptions.PolarsError, TypeError):
        raise _refusal(name, series) from None


def _series(values: pa.ChunkedArray[Any]) -> pl.Series:
    try:
        made = pl.from_arrow(values)
    except pl.exceptions.PanicException:  # not an Exception: it would escape whoever expects only those
        raise ValueError("polars gave up") from None
    if not isinstance(made, pl.Series):
        raise ValueError("not a column")
    return made


def _head(column: Column) -> Column:
    return Column(column.name, column.kind, column.values.slice(0, 0), column.held, column.categories)


def _refusal(name: str, series: pl.Series) -> CannotHold:
    return CannotHold(
        f"column {name!r} has dtype {series.dtype}, which a sealed frame cannot hold",
        next_step="Cast it, or leave it out.",
    )
