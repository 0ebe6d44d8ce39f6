"""Which generalisation of quasi-identifiers makes every row look like at least k - 1 others and loses least.

Each column has a ladder of ever coarser techniques, from as it is to no value at all; the search goes through the
lattice of their combinations by what they lose (the mean height on the ladders: Samarati's precision), so that the
first that reaches k is the best. Rows are counted, never dropped.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import Invalid
from .mask import kind_of, mask_column
from .risk import coded, column_of, together
from .techniques import Choice, choose

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.int64]

_STEPS = 8
_LONGEST = 12
_UNITS = ("month", "quarter", "year")


@dataclass(frozen=True)
class Generalisation:
    """What to do to which columns; those not named stay as they are. `k` is what it reaches.

    `loss` is 0 for everything as it was, 1 for nothing left; `best` says whether nothing that loses less would do, or
    the time was over before that was known.
    """

    choices: Mapping[str, Choice]
    k: int
    loss: float
    best: bool


@dataclass(frozen=True)
class _Ladder:
    """One column's techniques and the codes of the distinct rows under each; the first rung is as it is."""

    column: str
    choices: tuple[Choice | None, ...]
    codes: tuple[Codes, ...]


def generalisation(
    frame: Any, quasi_identifiers: Sequence[str], k: int, *, tags: Mapping[str, str | None] | None = None,
    seconds: float = 10.0,
) -> Generalisation:  # fmt: skip
    """Find a generalisation for k; `tags` are the columns' tags, which some techniques look at.

    Raises `Invalid` where the frame has fewer than k rows or nothing is named, and as `risk.risk` does.
    """
    if k < 2 or not quasi_identifiers:
        step = "Give a k of 2 or more: with k = 5 every row looks like four others."
        wrong = "k is at least 2" if k < 2 else "no column is named that others may know"
        raise Invalid(wrong, next_step=step if k < 2 else "Name quasi-identifiers, such as postcode and date of birth.")
    columns = [column_of(frame, name) for name in quasi_identifiers]
    rows = len(columns[0])
    if rows < k:
        step = f"Use a k of at most {rows}, or share no rows." if rows > 1 else "Share no rows."
        raise Invalid(f"{rows} {'row' if rows == 1 else 'rows'} cannot look like {k}", next_step=step)
    classes = together(columns)
    first: Any = np.unique(classes, return_index=True)[1]
    sizes = np.bincount(classes)
    given = tags or {}
    ladders = [
        _ladder(name, column.take(first), given.get(name))
        for name, column in zip(quasi_identifiers, columns, strict=True)
    ]
    return _search(ladders, sizes, k, time.monotonic() + seconds)


def _search(ladders: Sequence[_Ladder], sizes: Codes, k: int, deadline: float) -> Generalisation:
    """Best first; when the time is over, the best of a quick climb."""
    reached: dict[tuple[int, ...], int] = {}

    def measure(node: tuple[int, ...]) -> int:
        if node not in reached:
            alike = together([pa.array(one.codes[rung]) for one, rung in zip(ladders, node, strict=True)])
            reached[node] = int(np.bincount(alike, sizes).min())
        return reached[node]

    fallback = _climb(ladders, k, measure)
    waiting = [(0.0, (0,) * len(ladders))]
    seen = {waiting[0][1]}
    while waiting:
        loss, node = heapq.heappop(waiting)
        if measure(node) >= k:
            return _found(ladders, node, loss, measure(node), best=True)
        if time.monotonic() > deadline:
            break
        for step in _above(ladders, node):
            if step not in seen:
                seen.add(step)
                heapq.heappush(waiting, (_loss(ladders, step), step))
    return _found(ladders, fallback, _loss(ladders, fallback), measure(fallback), best=False)


def _climb(ladders: Sequence[_Ladder], k: int, measure: Any) -> tuple[int, ...]:
    """Raise one column at a time, each time the one with most different values left, until k is reached."""
    node = (0,) * len(ladders)
    while measure(node) < k:
        values = [
            len(np.unique(one.codes[rung])) if rung + 1 < len(one.codes) else 0
            for one, rung in zip(ladders, node, strict=True)
        ]
        highest = int(np.argmax(values))
        node = (*node[:highest], node[highest] + 1, *node[highest + 1 :])
    return node


def _above(ladders: Sequence[_Ladder], node: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    for at, (one, rung) in enumerate(zip(ladders, node, strict=True)):
        if rung + 1 < len(one.codes):
            yield (*node[:at], rung + 1, *node[at + 1 :])


def _loss(ladders: Sequence[_Ladder], node: tuple[int, ...]) -> float:
    heights = [rung / max(1, len(one.codes) - 1) for one, rung in zip(ladders, node, strict=True)]
    return sum(heights) / len(heights)


def _found(ladders: Sequence[_Ladder], node: tuple[int, ...], loss: float, k: int, *, best: bool) -> Generalisation:
    chosen = {one.column: one.choices[rung] for one, rung in zip(ladders, node, strict=True)}
    choices = {name: choice for name, choice in chosen.items() if choice is not None}
    return Generalisation(MappingProxyType(choices), k, loss, best)


def _ladder(name: str, values: Any, tag: str | None) -> _Ladder:
    """Rungs that change nothing beside the one below are left out."""
    codes, different = coded(values)
    choices: list[Choice | None] = [None]
    rungs = [codes]
    for spelled in _rungs(different, tag):
        choice = choose(spelled)
        coarser = coded(mask_column(different, choice, tag))[0][codes]
        if len(np.unique(coarser)) < len(np.unique(rungs[-1])):
            choices.append(choice)
            rungs.append(coarser)
    return _Ladder(name, tuple(choices), tuple(rungs))


def _rungs(different: Any, tag: str | None) -> Iterator[str]:
    """From fine to coarse; the last leaves nothing."""
    kind = kind_of(different)
    if kind in ("integer", "float"):
        yield from (f"generalise:{width:g}" for width in _widths(different))
    elif kind == "date":
        yield from (f"generalise:{unit}" for unit in _UNITS)
    elif kind == "text":
        longest = pc.max(pc.utf8_length(different)).as_py() or 0
        if longest <= _LONGEST:
            yield from (f"generalise:{kept}" for kept in range(longest - 1, 0, -1))
    yield "null"


def _widths(different: Any) -> list[float]:
    """Widths 1, 2, 5, 10, ... of bands, the widest about half of the range."""
    extent = pc.min_max(different.cast(pa.float64(), safe=False))
    low, high = extent["min"].as_py(), extent["max"].as_py()
    if low is None or not np.isfinite(high - low) or high == low:
        return []
    top = int(np.floor(np.log10(high - low)))
    widths = [digit * 10.0**power for power in range(top - _STEPS, top + 1) for digit in (1, 2, 5)]
    whole = pa.types.is_integer(different.type)
    return [one for one in widths if one <= (high - low) / 2 and (one > 1 or not whole)][-_STEPS:]
