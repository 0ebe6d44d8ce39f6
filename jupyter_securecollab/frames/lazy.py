"""Frames that are not there yet: lazy ones of polars. What is masked stays a plan of polars until it is collected.

Every masked column becomes one expression over that whole column, so what nobody collects is neither read nor masked.
Polars holds a masked column in memory as a whole, also where it streams the rest: chance goes by the place of a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import CannotHold
from ..model import clip
from .techniques import Choice

if TYPE_CHECKING:
    import polars as pl

_Found = TypeVar("_Found")

Mask = Callable[[Any, str, Choice], Any]
"""Masks a column of a frame: frame, name, choice."""


def sketch(frame: pl.LazyFrame) -> pl.DataFrame:
    """A frame without rows, with the same columns and types."""
    return schema(frame).to_frame()


def schema(frame: pl.LazyFrame) -> pl.Schema:
    """Its columns and their types. Raises `CannotHold` as `collected` does."""
    return _without_words(frame.collect_schema)


def collected(frame: pl.LazyFrame) -> pl.DataFrame:
    """Its rows. Raises `CannotHold` where that fails, without the words of the error: they may quote values."""
    return _without_words(frame.collect)


def _without_words(found: Callable[[], _Found]) -> _Found:
    try:
        return found()
    except Exception as problem:  # whatever the steps of somebody's frame raise
        kind = type(problem).__name__
        step = "Collect it, with .collect(), to see why."
        raise CannotHold(f"the lazy frame cannot be collected ({clip(kind)})", next_step=step) from None


def first(frame: pl.LazyFrame, rows: int) -> pl.DataFrame:
    """Up to so many rows from the start."""
    return collected(frame.head(rows))


def named(*columns: str) -> Any:
    """These columns and no others: as plain names `*` and `^...$` stand for all that match."""
    import polars.selectors

    return polars.selectors.by_name(*columns)


def masked(frame: pl.LazyFrame, choices: Mapping[str, Choice | None], mask: Mask) -> pl.LazyFrame:
    """The lazy frame with these columns masked when it is collected; columns without a choice are left out."""
    types = schema(frame)
    made = [_expression(name, types[name], choice, mask) for name, choice in choices.items() if choice is not None]
    return frame.with_columns(*made).drop(named(*(name for name, choice in choices.items() if choice is None)))


def _expression(name: str, kind: pl.DataType, choice: Choice, mask: Mask) -> pl.Expr:
    import polars as pl

    # The values of an enumeration are part of its type, and a lazy frame has its types before there are any values.
    dtype = pl.String() if isinstance(kind, pl.Enum) else kind
    by = choice.text("by")
    needed = [name] if by is None or by == name else [name, by]

    def of(columns: Sequence[pl.Series]) -> pl.Series:
        part = pl.DataFrame([column.alias(one) for column, one in zip(columns, needed, strict=True)])
        found: pl.Series = mask(part, name, choice)
        return found.cast(dtype).alias(name)

    return pl.map_batches([named(one) for one in needed], of, return_dtype=dtype).alias(name)
