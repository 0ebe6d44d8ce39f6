"""What a table of counts and totals gives away of the rows behind it: the usual checks before it is published.

A cell is a combination of values of the columns it is grouped by. Rules and their names as in Hundepool et al.,
Statistical Disclosure Control (2012): small cells, (n, k) dominance, p %, class disclosure, differencing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CannotHold, Invalid
from ..model import clip
from .risk import coded, column_of, joined, together

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]
    Cells = NDArray[np.bool_]

Rule = Literal["small cell", "dominance", "p percent", "class disclosure", "differencing"]


@dataclass(frozen=True)
class Rules:
    """Where the rules bite. `smallest` rows make a cell safe, and a change between releases; `largest` contributors may
    make up `dominance` percent of a total; nobody may be estimated closer than `p` percent by the second largest."""

    smallest: int = 5
    largest: int = 2
    dominance: float = 85.0
    p: float = 15.0


USUAL = Rules()


@dataclass(frozen=True)
class Disclosure:
    """One cell that breaks a rule: the values it stands for (text, None where missing), its rows, the column if any."""

    rule: Rule
    cell: tuple[str | None, ...]
    rows: int
    column: str | None = None


def disclosures(
    frame: Any,
    by: Sequence[str],
    *,
    totals: Sequence[str] = (),
    sensitive: Sequence[str] = (),
    earlier: Any = None,
    rules: Rules = USUAL,
) -> tuple[Disclosure, ...]:
    """The cells of a frame grouped `by` columns that should not be published as they are, rule by rule.

    `totals` are number columns summed up per cell, one row a contributor; `sensitive` columns are those somebody might
    learn; `earlier` is the frame an earlier table was made from. Raises as `risk.risk` does.
    """
    if not by or len(set(by)) < len(by):
        raise Invalid("the columns a table is grouped by are named once each, and at least one")
    columns = [column_of(frame, name) for name in by]
    cells = together(columns)
    sizes = np.bincount(cells)
    first: Any = np.unique(cells, return_index=True)[1]
    keys = [_written(column.take(first)) for column in columns]

    def found(rule: Rule, bad: Cells, column: str | None = None) -> list[Disclosure]:
        where = np.flatnonzero(bad)
        return [Disclosure(rule, tuple(key[i] for key in keys), int(sizes[i]), column) for i in where]

    broken = found("small cell", sizes < rules.smallest)
    for name in totals:
        dominated, close = _concentrated(_contributions(frame, name), cells, len(sizes), rules)
        broken += found("dominance", dominated, name) + found("p percent", close, name)
    for name in sensitive:
        broken += found("class disclosure", _single(column_of(frame, name), cells, len(sizes)), name)
    if earlier is not None:
        before = _counts_before(columns, [column_of(earlier, name) for name in by], cells, len(sizes))
        change = np.abs(sizes - before)
        broken += found("differencing", (change > 0) & (change < rules.smallest))
    return tuple(broken)


def _written(values: Any) -> list[str | None]:
    """Values as texts; of what is no UTF-8 as much as is."""
    kind = values.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        binary = pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind)
        if not binary:
            return list(values.cast(pa.large_string()).to_pylist())
    return [
        None if value is None else value.decode("utf-8", "replace")
        for value in values.cast(pa.large_binary()).to_pylist()
    ]


def _contributions(frame: Any, name: str) -> NDArray[np.float64]:
    """What each row adds; missing adds nothing, and what is taken away counts like what is added."""
    values = column_of(frame, name)
    if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type) or pa.types.is_decimal(values.type)):
        raise CannotHold(f"column {clip(name)!r} holds no numbers that could be summed up")
    numbers: Any = pc.fill_null(values.cast(pa.float64(), safe=False), pa.scalar(0.0))
    amounts: NDArray[np.float64] = np.abs(numbers.to_numpy())
    if np.isinf(amounts).any():
        raise CannotHold(f"column {clip(name)!r} holds infinite numbers, which have no total")
    return amounts


def _concentrated(amounts: NDArray[np.float64], cells: Codes, count: int, rules: Rules) -> tuple[Cells, Cells]:
    """Cells of which few make up most, and cells whose second largest can work out the largest."""
    order = np.lexsort((-amounts, cells))
    of, sorted_amounts = cells[order], amounts[order]
    starts = np.searchsorted(of, np.arange(count))
    rank = np.arange(len(of)) - starts[of]
    total = np.bincount(of, sorted_amounts, minlength=count)
    top = np.bincount(of, np.where(rank < rules.largest, sorted_amounts, 0.0), minlength=count)
    largest = np.bincount(of, np.where(rank < 1, sorted_amounts, 0.0), minlength=count)
    two = np.bincount(of, np.where(rank < 2, sorted_amounts, 0.0), minlength=count)
    something = total > 0
    return something & (top > rules.dominance / 100 * total), something & (total - two < rules.p / 100 * largest)


def _single(values: Any, cells: Codes, count: int) -> Cells:
    """Cells in which every row holds the same value."""
    codes, different = coded(values)
    pairs = np.unique(cells * max(len(different), 1) + codes)
    kinds: Cells = np.bincount(pairs // max(len(different), 1), minlength=count) == 1
    return kinds


def _counts_before(now: Sequence[Any], earlier: Sequence[Any], cells: Codes, count: int) -> Codes:
    """How many rows of the earlier frame each cell had."""
    both = together([joined(one, other) for one, other in zip(now, earlier, strict=True)])
    rows = len(cells)
    cell_of = np.full(int(both.max(initial=-1)) + 1, -1, dtype=np.int64)
    cell_of[both[:rows]] = cells
    known = cell_of[both[rows:]]
    return np.bincount(known[known >= 0], minlength=count)
