"""Which columns of numbers are degrees north and east: pairs, finely written, that lie where people live.

A pair is looked at row by row. Measurements that are written as finely lie around zero (in the sea off Ghana), fill
a range that no two degrees fill together, or land in oceans. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from . import sampling
from .sampled import Sample

FINE = 4
"""Decimal places: a ten-thousandth of a degree is eleven metres."""

_WRITTEN = r"^[+-]?[0-9]{1,3}\.[0-9]{3}"
_FEWEST = 8  # different values
_MOST_ALONE = 8
_FIGURES = 0.9
_NORTHERN, _EASTERN = 90, 180
_UNEVEN = 12  # an area so many times longer than wide is hardly anybody's
_FAR, _FAR_AND_FINE = 3.0, 2.0  # an area lies farther from nought than it is wide, as measurements seldom do
_COMPUTED = 9  # decimal places; logarithms are written so, and lie close together and close to nought
_LEAST, _LEAST_COMPUTED = 10, 20  # degrees
_AMERICA = -20  # east of it nobody's numbers are all negative
_WORLDWIDE = 40, 100  # degrees, north and east
_EVERYWHERE = (
    100,
    250,
    150,
)  # ... and of made-up places, which lie in the sea as well; the last is how far east at least
_HABITABLE = 0.95
_TELLS = 62  # no city of a million lies farther north or south

# Where anybody lives, generously, by bands of ten degrees from 60 south to 80 north: from west to east.
_SETTLED: tuple[tuple[tuple[int, int], ...], ...] = (
    ((-80, -50),),
    ((-80, -60), (140, 150), (160, 180)),
    ((-80, -50), (10, 40), (110, 160), (170, 180)),
    ((-180, -170), (-160, -150), (-110, -100), (-80, -40), (10, 60), (110, 170)),
    ((-180, -140), (-80, -30), (-10, 0), (10, 60), (90, 110), (120, 180)),
    ((-100, -30), (0, 60), (100, 180)),
    ((-90, -50), (-20, 50), (70, 180)),
    ((-160, -150), (-110, -50), (-30, 60), (70, 130), (140, 150)),
    ((-160, -150), (-120, -70), (-20, 140)),
    ((-130, -60), (-30, 150)),
    ((-130, -50), (-10, 160)),
    ((-180, -150), (-140, -50), (-20, 170)),
    ((-180, 180),),
    ((-160, -140), (-100, -70), (-60, -50), (-30, -20), (10, 40), (60, 90), (100, 110), (120, 130)),
)
_SOUTH = -60


Turned = Callable[[int, int, bool], bool | None]


class Degrees(NamedTuple):
    """A column of numbers as it would be if they were degrees: decimal places, the middle, how wide, the extremes."""

    places: int
    low: float
    middle: float
    high: float
    largest: float

    @property
    def spread(self) -> float:
        """Degrees between the second and the 98th percentile."""
        return self.high - self.low

    @property
    def far(self) -> float:
        """How many times farther from nought it lies than it is wide."""
        return abs(self.middle) / max(self.spread, 1e-9)


def seen_as_degrees(sample: Sample) -> Degrees | None:
    """Some decimal places and no larger than 180; None where it cannot be."""
    if sample.kind not in ("number", "text") or len(sample.counts) < _FEWEST:
        return None
    if sample.kind == "text" and not _written_so(sample):
        return None
    numbers = sample.numbers
    there = numbers[~np.isnan(numbers)]
    if len(there) < _FIGURES * len(numbers) or (largest := float(np.abs(there).max())) > _EASTERN:
        return None
    places = _places(sample)
    if places < FINE - 1:
        return None
    low, middle, high = np.percentile(there, [2, 50, 98])
    return Degrees(places, float(low), float(middle), float(high), largest)


def _places(sample: Sample) -> int:
    """How many decimal places numbers have, but for zeros that were not written; at most nine."""
    after = pc.replace_substring_regex(sample.texts, r"^[^.]*\.?", "")
    lengths = np.asarray(pc.utf8_length(after), dtype=np.int64)
    return int(min(9, np.percentile(lengths, 95)))


def _written_so(sample: Sample) -> bool:
    return "figures" in sample.holds and sample.shows(".") and sample.might(_WRITTEN)


def _largest(sample: Sample) -> float:
    """How far from nought numbers reach: quickly said of very many columns, of which few are looked at closer."""
    if sample.kind == "text" and _written_so(sample):
        return float(_EASTERN)
    return float(np.abs(sample.numbers).max(initial=0)) if sample.kind == "number" else float("inf")


def pairs(columns: Mapping[int, tuple[Sample, Any]], rows: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Positions of (north, east), of columns given with their values by position.

    Side by side, or the only two in the frame that could be a pair: of three alike nobody knows which belong together.
    """
    small = {at: far for at, (sample, _) in columns.items() if (far := _largest(sample)) <= _EASTERN}
    some = [at for at in small if max(small.get(near, 0) for near in (at - 1, at, at + 1)) > _LEAST]
    degrees = {at: it for at in some if (it := seen_as_degrees(columns[at][0])) is not None}
    if len(degrees) < 2:
        return
    numbers = {at: sampling.numbers_at(columns[at][1], rows, ("number", "text")) for at in degrees}

    def turned(one: int, other: int, beside: bool) -> bool | None:
        return _turned((degrees[one], numbers[one]), (degrees[other], numbers[other]), beside)

    runs = _runs(sorted(degrees))
    paired = [pair for run in runs for pair in _paired(run, degrees, turned)]
    if not paired:
        fine = [at for at, one in degrees.items() if one.places > FINE][:_MOST_ALONE]
        off = [at for at in fine if degrees[at].low < 0 or degrees[at].largest > 1]  # shares lie between nought and one
        apart = [pair for pair in combinations(off, 2) if turned(*pair, False) is not None]
        paired = apart if len(apart) == 1 else []
    for one, other in paired:
        yield (other, one) if turned(one, other, other == one + 1) else (one, other)


def _runs(places: Sequence[int]) -> list[list[int]]:
    """Neighbouring positions together."""
    runs: list[list[int]] = [[places[0]]]
    for before, at in pairwise(places):
        if at == before + 1:
            runs[-1].append(at)
        else:
            runs.append([at])
    return runs


def _paired(run: Sequence[int], degrees: Mapping[int, Degrees], turned: Turned) -> list[tuple[int, int]]:
    """Pairs of a run: from there to there where it has four, else those that share no end with another."""
    fits = [turned(*pair, True) is not None for pair in pairwise(run)]
    if len(run) == 4 and all(fits[::2]) and _from_there_to_there(*(degrees[at] for at in run)):
        return [(run[0], run[1]), (run[2], run[3])]
    return [
        (run[at], run[at + 1])
        for at, fit in enumerate(fits)
        if fit and not any(fits[near] for near in (at - 1, at + 1) if 0 <= near < len(fits))
    ]


def _from_there_to_there(one: Degrees, other: Degrees, next_one: Degrees, next_other: Degrees) -> bool:
    """Whether two pairs lie in one area, and neither could be mistaken for the other."""
    return _meet(one, next_one) and _meet(other, next_other) and not _meet(one, other) and not _meet(one, next_other)


def _meet(one: Degrees, other: Degrees) -> bool:
    return one.low <= other.high and other.low <= one.high


def _turned(
    one: tuple[Degrees, NDArray[np.float64]], other: tuple[Degrees, NDArray[np.float64]], beside: bool
) -> bool | None:
    """Whether the first of two is east; None where they are no pair, or apart and nobody knows: north comes first."""
    first, second = one[0], other[0]
    if abs(first.places - second.places) > 1 or max(first.places, second.places) < FINE:
        return None
    likely = [
        way for way, (north, east) in enumerate(((one, other), (other, one))) if _somewhere(north, east)
    ]  # 0 as written, 1 turned
    if len(likely) < 2:
        return bool(likely[0]) if likely else None
    if max(abs(first.middle), abs(second.middle)) > _TELLS:
        return abs(first.middle) > abs(second.middle)
    return False if beside else None


def _somewhere(north: tuple[Degrees, NDArray[np.float64]], east: tuple[Degrees, NDArray[np.float64]]) -> bool:
    """Whether pairs in this order are an area of the earth, or all of it, and people live there."""
    (up, latitudes), (across, longitudes) = north, east
    if up.largest > _NORTHERN or max(up.spread, across.spread) > _UNEVEN * min(up.spread, across.spread):
        return False
    if up.spread >= _EVERYWHERE[0] and across.spread >= _EVERYWHERE[1] and across.largest >= _EVERYWHERE[2]:
        return True
    enough = _FAR_AND_FINE if min(up.places, across.places) > FINE else _FAR
    least = _LEAST if min(up.places, across.places) < _COMPUTED else _LEAST_COMPUTED
    local = max(up.far, across.far) >= enough and max(abs(up.middle), abs(across.middle)) > least
    wide = up.spread >= _WORLDWIDE[0] and across.spread >= _WORLDWIDE[1] and across.largest > 100
    if not (local or wide or across.high < _AMERICA):
        return False
    there = ~np.isnan(latitudes + longitudes)
    return bool(there.sum() >= _FEWEST and settled(latitudes[there], longitudes[there]).mean() >= _HABITABLE)


def settled(latitudes: NDArray[np.float64], longitudes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether anybody lives within ten degrees or so of these places."""
    band = np.floor((latitudes - _SOUTH) / 10).astype(np.int64)
    column = np.clip(np.floor((longitudes + 180) / 10), 0, 35).astype(np.int64)
    inside = (band >= 0) & (band < len(_SETTLED))
    return np.asarray(inside & _GRID[np.clip(band, 0, len(_SETTLED) - 1), column])


def _grid() -> NDArray[np.bool_]:
    grid = np.zeros((len(_SETTLED), 36), bool)
    for band, stretches in enumerate(_SETTLED):
        for west, east in stretches:
            grid[band, (west + 180) // 10 : (east + 180) // 10] = True
    return grid


_GRID = _grid()
