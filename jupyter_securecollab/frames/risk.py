"""How far rows can be told apart by what others may know of them, and what belonging to a group of them gives away.

Rows with the same values in the quasi-identifiers are a class. k-anonymity: Samarati and Sweeney 1998. l-diversity
(distinct): Machanavajjhala et al. 2007. t-closeness: Li et al. 2007, with the ordered distance for numbers and times
and the equal distance for everything else. Prosecutor, journalist and marketer risk: El Emam 2010. A missing value is
a value like any other. Nothing here is a promise: it measures against the quasi-identifiers that are named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CannotHold, Invalid, NotFound
from ..model import clip
from . import axes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

MOST_AT_RISK = 10
"""How many rows are named as those most at risk."""


@dataclass(frozen=True)
class Sensitive:
    """What the classes tell about one sensitive column.

    `l` is the smallest number of different values in a class, `t` the largest distance (0 to 1) between the values of a
    class and those of the frame, `given_away` the number of rows in classes that hold a single value.
    """

    column: str
    l: int  # noqa: E741 - its name in the literature
    t: float
    given_away: int


@dataclass(frozen=True)
class Risk:
    """Measures of a frame of `rows` rows. `k` is the size of the smallest class, 0 for no rows.

    Risks are probabilities of naming a person's row right: `prosecutor` at worst, for somebody known to be in it;
    `marketer` on average over all rows; `journalist` at worst for somebody known to be in the population, None where
    none was given. `most_at_risk` are positions of rows in the smallest classes.
    """

    rows: int
    quasi_identifiers: tuple[str, ...]
    classes: int
    k: int
    uniques: int
    prosecutor: float
    marketer: float
    journalist: float | None
    sensitive: tuple[Sensitive, ...]
    most_at_risk: tuple[int, ...] = field(repr=False)


def risk(frame: Any, quasi_identifiers: Sequence[str], sensitive: Sequence[str] = (), population: Any = None) -> Risk:
    """Measure a pandas, polars or pyarrow frame; `population` is a frame it was drawn from, with the same columns.

    Raises `NotFound` for a column that is not there, `Invalid` where nothing or something twice is named or the
    population lacks a class of the frame, `CannotHold` for a column whose values cannot be compared.
    """
    named = tuple(quasi_identifiers)
    if not named or len({*named, *sensitive}) < len(named) + len(sensitive):
        raise Invalid("quasi-identifiers and sensitive columns are named once each, and at least one of the former")
    columns = [column_of(frame, name) for name in named]
    classes = together(columns)
    sizes = np.bincount(classes)
    rows = len(classes)
    journalist = None if population is None else _journalist(columns, [column_of(population, name) for name in named])
    own = sizes[classes]
    order = _smallest(own, MOST_AT_RISK)
    return Risk(
        rows=rows,
        quasi_identifiers=named,
        classes=len(sizes),
        k=int(sizes.min(initial=rows)),
        uniques=int((sizes == 1).sum()),
        prosecutor=1 / int(sizes.min()) if rows else 0.0,
        marketer=len(sizes) / rows if rows else 0.0,
        journalist=journalist,
        sensitive=tuple(_sensitive(name, column_of(frame, name), classes, sizes) for name in sensitive),
        most_at_risk=tuple(map(int, order)),
    )


def _smallest(sizes: Codes, count: int) -> Codes:
    """Where the smallest are, in order, the first of equals first; without putting all of them in order."""
    if len(sizes) > count:
        few = np.flatnonzero(sizes <= np.partition(sizes, count)[count])
        return few[np.argsort(sizes[few], kind="stable")[:count]]
    return np.argsort(sizes, kind="stable")


def column_of(frame: Any, name: str) -> pa.ChunkedArray[Any]:
    """A column as Arrow values, NaN and null alike missing."""
    if name not in (names := axes.names(frame)):
        raise NotFound(f"there is no column {clip(name)!r}", next_step=axes.not_among(names, str(name)))
    if names.count(name) > 1:
        raise Invalid(f"several columns are called {clip(name)!r}", next_step="Rename them first.")
    values = axes.values(frame, name)
    try:
        if str(getattr(values, "dtype", "")) == "Object":  # of polars: to Arrow these are addresses
            raise TypeError
        if not isinstance(values, pa.Array | pa.ChunkedArray):
            values = values.to_arrow() if hasattr(values, "to_arrow") else pa.Array.from_pandas(values)
        whole = values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])
        if isinstance(whole.type, pa.BaseExtensionType):
            whole = whole.cast(whole.type.storage_type)
        if pa.types.is_dictionary(whole.type):
            whole = _decoded(whole)
        if pa.types.is_floating(whole.type):
            missing: Any = pc.is_nan(whole)
            whole = pc.if_else(missing, pa.scalar(None, whole.type), whole)
        if pa.types.is_nested(whole.type):
            raise CannotHold(
                f"column {clip(name)!r} holds lists or structs", next_step="Name a column of plain values."
            )
        whole.slice(0, 0).dictionary_encode()
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        raise CannotHold(f"the values of column {clip(name)!r} cannot be compared with each other") from None
    return whole


def _decoded(values: Any) -> Any:
    """Categories as what they stand for; bands, as `pandas.cut` makes them, as their numbers."""
    if isinstance(values.type.value_type, pa.BaseExtensionType):
        return pa.chunked_array([values.combine_chunks().indices])
    return values.cast(values.type.value_type)


def coded(values: Any) -> tuple[Codes, pa.Array[Any]]:
    """Each value's number in the list of different values, in order of appearance."""
    coded = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    coded = coded.dictionary_encode(null_encoding="encode")
    return coded.indices.to_numpy(zero_copy_only=False).astype(np.int64), coded.dictionary


def together(columns: Sequence[Any]) -> Codes:
    """Rows with equal values in every column get one number."""
    found, _ = coded(columns[0])
    for column in columns[1:]:
        codes, different = coded(column)
        found, _ = coded(pa.array(found * len(different) + codes))
    return found


def _journalist(sample: Sequence[Any], population: Sequence[Any]) -> float:
    """One over the smallest class of the population that the frame has a row of."""
    both = [joined(one, other) for one, other in zip(sample, population, strict=True)]
    classes = together(both)
    rows = len(sample[0])
    sizes = np.bincount(classes[rows:], minlength=int(classes.max(initial=-1)) + 1)
    found = sizes[classes[:rows]]
    if (found == 0).any():
        raise Invalid("the frame has rows of which the population has none", next_step="Give the whole population.")
    return 1 / int(found.min()) if rows else 0.0


def joined(one: Any, other: Any) -> Any:
    kind = other.type if pa.types.is_null(one.type) else one.type
    try:
        return pa.chunked_array([*one.cast(kind).chunks, *other.cast(kind).chunks], kind)
    except pa.ArrowException:
        raise Invalid("the population's columns have other types than the frame's") from None


def _sensitive(name: str, values: Any, classes: Codes, sizes: Codes) -> Sensitive:
    codes, different = coded(values)
    ordered = _is_ordered(values.type)
    if ordered:
        codes = _ranks(different)[codes]
    _, first, counts = np.unique(classes * max(len(different), 1) + codes, return_index=True, return_counts=True)
    of = classes[first]  # the class of each pair, ascending
    kinds = np.bincount(of, minlength=len(sizes))
    overall = np.bincount(codes, minlength=len(different)) / max(len(codes), 1)
    shares = counts / sizes[of]
    distance = _ordered_distance if ordered else _equal_distance
    far = distance(of, codes[first], shares, overall, len(sizes))
    return Sensitive(
        column=name,
        l=int(kinds.min(initial=len(different))),
        t=float(min(1.0, max(0.0, far.max(initial=0.0)))),
        given_away=int(sizes[kinds == 1].sum()),
    )


def _is_ordered(kind: pa.DataType) -> bool:
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_decimal, pa.types.is_temporal)
    return any(test(kind) for test in tests)


def _ranks(different: pa.Array[Any]) -> Codes:
    """The place of each value when they are put in order, missing last."""
    order = pc.sort_indices(different).to_numpy().astype(np.int64)
    ranks = np.empty(len(order), dtype=np.int64)
    ranks[order] = np.arange(len(order))
    return ranks


def _equal_distance(
    of: Codes, values: Codes, shares: NDArray[np.float64], overall: NDArray[np.float64], classes: int
) -> NDArray[np.float64]:
    """Half the sum of differences of shares, per class; values a class lacks differ by their overall share."""
    expected = overall[values]
    there = np.bincount(of, np.abs(shares - expected) - expected, minlength=classes)
    return (there + 1) / 2


def _ordered_distance(
    of: Codes, values: Codes, shares: NDArray[np.float64], overall: NDArray[np.float64], classes: int
) -> NDArray[np.float64]:
    """The mean difference of the two cumulative distributions, per class.

    A class's own is a step function: between two of its values it stands still at q, while the overall one, P, rises.
    So the sum of |q - P| over a step is split where P crosses q and read off running sums of P.
    """
    count = len(overall)
    if count < 2:
        return np.zeros(classes)
    rising = np.cumsum(overall)
    running = np.concatenate([[0.0], np.cumsum(rising)])
    total = np.cumsum(shares)
    starts = np.flatnonzero(np.r_[True, of[1:] != of[:-1]])
    before = np.repeat(np.r_[0.0, total[starts[1:] - 1]], np.diff(np.r_[starts, len(of)]))
    height = total - before
    last = np.r_[of[1:] != of[:-1], True]
    end = np.where(last, count, np.r_[values[1:], count])
    first = np.zeros(len(starts))  # below a class's smallest value its own share is 0
    sums = _step(height, values, end, rising, running)
    lead = _step(first, np.zeros(len(starts), dtype=np.int64), values[starts], rising, running)
    summed: NDArray[np.float64] = (np.bincount(of, sums, minlength=classes) + lead) / (count - 1)
    return summed


def _step(
    height: NDArray[np.float64], start: Codes, end: Codes, rising: NDArray[np.float64], running: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The sum of |height - P| over the places from `start` up to `end`."""
    cross = np.clip(np.searchsorted(rising, height), start, end)
    below = height * (cross - start) - (running[cross] - running[start])
    above = running[end] - running[cross] - height * (end - cross)
    return below + above
