"""What classification looks at of a lazy polars frame: the rows that it would look at of the frame collected.

The frame is read twice for them (how long it is, then its rows), again for each column that is mostly null, and for
all values column by column, one of them in memory at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from . import lazy
from .recognizers import Recognizer
from .sampled import strata
from .sampling import rows_to_see
from .sweep import Swept, sweep

if TYPE_CHECKING:
    import polars as pl


def sampled(frame: pl.LazyFrame) -> pl.DataFrame:
    """The rows that would be looked at of the frame, as one; a column that is mostly null gives rows of its own."""
    import polars as pl

    names = lazy.schema(frame).names()
    length = _number(frame.select(pl.len()))
    rows = rows_to_see(length, len(names))
    if len(rows) == length:
        return lazy.collected(frame)
    number = "row".ljust(max(map(len, names), default=0) + 1, "_")  # longer than any name there is
    wanted = pl.LazyFrame({number: rows}, schema={number: pl.get_index_type()})
    taken = lazy.collected(
        frame.with_row_index(number).join(wanted, on=number, how="semi", maintain_order="left").drop(number)
    )
    sparse = [name for name in names if taken[name].null_count() > len(rows) // 2]
    return taken.with_columns(_filled(_nameless(frame, name), len(rows)).alias(name) for name in sparse)


def _nameless(frame: pl.LazyFrame, name: str) -> pl.LazyFrame:
    """One column, under a name that is no pattern."""
    return frame.select(lazy.named(name).alias(""))


def _filled(column: pl.LazyFrame, wanted: int) -> pl.Series:
    """Values of a column that is mostly null, from rows that have one, and nulls after them."""
    import polars as pl

    there = column.select(pl.all().drop_nulls())
    places = strata(_number(there.select(pl.len())), wanted)
    values = lazy.collected(there.select(pl.all().gather(places))).to_series()
    return values.extend_constant(None, wanted - len(values))


def swept(frame: pl.LazyFrame, asked: Mapping[str, Recognizer | None]) -> dict[str, list[Swept]]:
    """All values of these columns, read one column after another."""
    return {name: sweep(name, lazy.collected(_nameless(frame, name)).to_series(), one) for name, one in asked.items()}


def _number(frame: pl.LazyFrame) -> int:
    return int(lazy.collected(frame).item())
