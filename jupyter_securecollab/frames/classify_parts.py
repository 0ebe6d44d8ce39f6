"""Classifies frames that are not there yet, by the rows that would be looked at if they were.

Of Dask DataFrames workers pick those rows and count over all of them, here it is weighed. What leaves the workers are
the few thousand rows of the sample, the same ones that one pandas frame would give, and with `full` counts. The data is
read twice for the sample (how long each partition is, then its rows), and once more for `full`. Lazy frames of polars
are read alike: see `classify_lazy`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..model import Label
from . import axes, classify_lazy, dasks, lazy
from .classify import Classifier
from .recognizers import Match, Recognizer
from .sampled import strata
from .sampling import rows_to_see
from .sweep import Swept, sweep

if TYPE_CHECKING:
    import dask.dataframe as dd
    import pandas as pd
    import polars as pl
    from numpy.typing import NDArray

Asked = Mapping[str, Recognizer | None]


def classify_parts(
    frame: dd.DataFrame | pl.LazyFrame,
    given: Mapping[str, Label],
    *,
    classifier: Classifier | None = None,
    full: bool = False,
    looked: Any = None,
) -> dict[str, Label]:
    """A label for every column and named index level, as `classify.classify` gives for a frame that is there.

    `looked` is what `looked_at` gave, where it was asked. Raises `CannotHold` for a frame that cannot be computed.
    """

    def swept(asked: Asked) -> dict[str, list[Swept]]:
        if not asked:
            return {}
        return classify_lazy.swept(frame, asked) if axes.is_lazy(frame) else _swept(frame, asked)

    rows = looked_at(frame, given) if looked is None else looked
    found = (classifier or Classifier()).find(rows, given, swept=swept if full else None)
    return {name: given[name] if name in given else finding.label() for name, finding in found.items()}


def looked_at(frame: Any, given: Iterable[str] = ()) -> Any:
    """The rows that classification looks at, as a small frame; of a frame that is there, itself.

    Without any rows, and without anything being computed, where all columns have their label `given`.
    """
    if axes.is_frame(frame):
        return frame
    sketch: Any = lazy.sketch(frame) if axes.is_lazy(frame) else dasks.sketch(frame)
    if set(axes.names(sketch)) <= set(given):
        return sketch
    return classify_lazy.sampled(frame) if axes.is_lazy(frame) else _sampled(sketch, frame.to_delayed())


def _computed(function: Any, parts: Sequence[Any], told: Iterable[Any]) -> list[Any]:
    import dask

    return dasks.computed([dask.delayed(function)(part, one) for part, one in zip(parts, told, strict=True)])


def _swept(frame: dd.DataFrame, asked: Asked) -> dict[str, list[Swept]]:
    parts = frame.to_delayed()
    return _merged(_computed(_sweep, parts, [asked] * len(parts)))


def _sampled(meta: pd.DataFrame, parts: Sequence[Any]) -> pd.DataFrame:
    """The rows that would be looked at of one pandas frame, as one."""
    import pandas as pd

    lengths = np.array(_computed(_length, parts, parts))
    rows = rows_to_see(int(lengths.sum()), len(axes.names(meta)))
    taken = dasks.without_numbers(meta, pd.concat(_computed(_rows, parts, _split(rows, lengths))))
    if len(rows) < lengths.sum():
        for number in np.flatnonzero(taken.isna().sum().to_numpy() > len(rows) // 2):
            filled = _filled(parts, int(number), len(rows)).reindex(range(len(taken)))
            taken.isetitem(int(number), filled.array)
    return taken


def _filled(parts: Sequence[Any], column: int, wanted: int) -> pd.Series[Any]:
    """Values of a column that is mostly null, from rows that have one."""
    import pandas as pd

    counts = np.array(_computed(_count, parts, [column] * len(parts)))
    places = _split(strata(int(counts.sum()), wanted), counts)
    values: pd.Series[Any] = pd.concat(_computed(_values, parts, [(column, one) for one in places]))
    return values.reset_index(drop=True)


def _split(rows: NDArray[np.int64], lengths: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Row numbers of the whole, ascending, as row numbers of each part."""
    ends = np.cumsum(lengths)
    cuts = np.searchsorted(rows, ends)
    return [one - start for one, start in zip(np.split(rows, cuts[:-1]), ends - lengths, strict=True)]


def _length(part: pd.DataFrame, _: object) -> int:
    return len(part)


def _rows(part: pd.DataFrame, rows: NDArray[np.int64]) -> pd.DataFrame:
    return part.iloc[rows]


def _count(part: pd.DataFrame, column: int) -> int:
    return int(part.iloc[:, column].notna().sum())


def _values(part: pd.DataFrame, told: tuple[int, NDArray[np.int64]]) -> pd.Series[Any]:
    column, places = told
    return part.iloc[:, column].dropna().iloc[places]


def _sweep(part: pd.DataFrame, asked: Asked) -> dict[str, list[Swept]]:
    return {name: sweep(name, values, asked[name]) for name, values in axes.columns(part) if name in asked}


def _merged(found: Sequence[Mapping[str, list[Swept]]]) -> dict[str, list[Swept]]:
    """What was counted of each part, as counted of the whole."""
    names = dict.fromkeys(name for part in found for name in part)
    return {name: [_sum(leaf) for leaf in _leaves([part.get(name, []) for part in found])] for name in names}


def _leaves(parts: Sequence[list[Swept]]) -> Iterable[list[Swept]]:
    """Of each leaf its parts; a part without any value may not show that its column holds text."""
    most = max(map(len, parts), default=0)
    return ([part[number] for part in parts if len(part) > number] for number in range(most))


def _sum(parts: Sequence[Swept]) -> Swept:
    seen = sum(part.seen for part in parts)
    counts: Counter[Match] = Counter()
    for part in parts:
        for match in part.rare:
            counts[match._replace(share=0.0)] += round(match.share * part.seen)
    rare = tuple(one._replace(share=count / seen) for one, count in counts.items())
    return Swept(sum(part.rows for part in parts), seen, sum(part.fitting for part in parts), rare)
