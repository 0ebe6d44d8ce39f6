"""What columns say of each other, row by row: a name made of two others, a login made of a name, degrees in pairs.

A hundred rows of a few columns are compared. What is found there needs no dictionary: a word that stands in the email
address of its own row is somebody's name, in whatever language. Gives further matches for columns; decides nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import sampling
from .names import silent
from .recognizers import Match
from .sampling import Sample
from .words import known, plain

_ROWS = 100
_GLANCE = 16  # rows without a single hit: there is nothing
_FEWEST = 8  # rows in which both columns have a value
_MOST_COLUMNS = 24
_DIFFERENT = 5  # values; of fewer, everything is related to everything
_SHORTEST = 3  # characters of a name that stands in an address by no accident

_MOSTLY = 0.8
_OFTEN = 0.5

_PART = "stands in the email address of its row"
_WHOLE = "made of two other columns"
_OF_WHOLE = "part of a longer name in its row"
_LOGIN = "made of the names in its row"
_MAIDEN = "family names, of another than the person in the row"
_YEARS = "agrees with a date of birth in its row"
_YEAR = r"(?:^|[^0-9])(?:19|20)[0-9]{2}(?:[^0-9]|$)"
_DEGREES = "degrees, in pairs with another column"


class Looked(NamedTuple):
    """A plain column: its sample, its values in the library's own type, and what its values fit by themselves."""

    sample: Sample
    values: Any
    fitting: Sequence[Match]

    def sure(self, *tags: str) -> float:
        """How sure its own values make us of one of these tags."""
        return max((one.confidence for one in self.fitting if one.tag in tags), default=0.0)


Told = dict[int, list[Match]]


def told(columns: Mapping[int, Looked], length: int) -> Told:
    """Further matches of columns, which are given by their positions in a frame of so many rows."""
    found: Told = defaultdict(list)
    rows = sampling.strata(length, _ROWS)
    _names(columns, rows, found)
    _ages(columns, rows, found)
    _coordinates(columns, found)
    return found


# -- names -------------------------------------------------------------------------------------------------------------


def _names(columns: Mapping[int, Looked], rows: Any, found: Told) -> None:
    """Parts of names by the wholes and addresses they stand in, wholes by their parts, logins by both."""
    parts = _first(at for at, one in columns.items() if _is_part(one))
    wholes = _first(at for at, one in columns.items() if _is_whole(one))
    mails = _first(at for at, one in columns.items() if one.sure("email") >= _OFTEN)
    logins = _first(at for at, one in columns.items() if _is_login(one))
    if not parts or not (wholes or mails or logins):
        return
    texts = {at: _texts(columns[at].values, rows) for at in {*parts, *wholes, *mails, *logins}}
    addressed = {at for at in parts for mail in mails if _stands(texts[at], _local(texts[mail])) >= _OFTEN}
    composed = dict(_composed(parts, wholes, texts, addressed))
    for at, (share, last) in composed.items():
        found[at].append(Match("last_name" if last else "first_name", _OF_WHOLE, share, 0.85))
    for at in addressed - composed.keys():
        begins = max(_stands(texts[at], _local(texts[mail]), str.startswith) for mail in mails)
        last = _share(texts[at], "family") + (begins < _OFTEN) / 5 > _share(texts[at], "given") + 0.1
        found[at].append(Match("last_name" if last else "first_name", _PART, 1.0, 0.8))
    for at in wholes:
        if any(_stands(texts[part], texts[at]) >= _MOSTLY for part in composed):
            found[at].append(Match("person_name", _WHOLE, 1.0, 0.85))
    people = {*addressed, *composed}
    for at in logins:
        if any(_stands(texts[part], texts[at]) >= _OFTEN for part in people):
            found[at].append(Match("username", _LOGIN, 1.0, 0.8))
    if people:
        for at in set(parts) - people:
            if columns[at].sure("last_name") >= 0.3 and silent(columns[at].sample.name):
                found[at].append(Match("maiden_name", _MAIDEN, 1.0, 0.92))


def _composed(
    parts: Sequence[int], wholes: Sequence[int], texts: Mapping[int, list[str]], addressed: set[int]
) -> Iterator[tuple[int, tuple[float, bool]]]:
    """Columns that begin and end the values of a third, where those are people: what share, and is it the last name."""
    for whole in wholes:
        heads = {at: _stands(texts[at], texts[whole], str.startswith) for at in parts}
        tails = {at: _stands(texts[at], texts[whole], str.endswith) for at in parts}
        head = max(heads, key=lambda at: heads[at])
        tail = max(tails, key=lambda at: tails[at])
        if head == tail or min(heads[head], tails[tail]) < _MOSTLY:
            continue
        turned = sum("," in one for one in texts[whole]) > len(texts[whole]) / 2
        given, family = (tail, head) if turned else (head, tail)
        people = _share(texts[given], "given") >= 0.1 or _share(texts[family], "family") >= 0.2
        if people or {given, family} & addressed:
            yield given, (heads[head], False)
            yield family, (tails[tail], True)


def _is_part(one: Looked) -> bool:
    """Words of letters, one or two to a value, and many different ones."""
    sample = one.sample
    if sample.kind != "text" or {"digit", "at"} & sample.holds or len(sample.texts) < _DIFFERENT:
        return False
    return _words(sample) < 1.7 and 3 <= _length(sample) <= 20


def _is_whole(one: Looked) -> bool:
    sample = one.sample
    if sample.kind != "text" or {"digit", "at"} & sample.holds or len(sample.texts) < _DIFFERENT:
        return False
    return 1.7 <= _words(sample) <= 5 and _length(sample) <= 60


def _is_login(one: Looked) -> bool:
    sample = one.sample
    if sample.kind != "text" or {"space", "at"} & sample.holds or "letter" not in sample.holds:
        return False
    small = sample.share(sample.matching("^[a-z]"))
    return small >= _OFTEN and len(sample.texts) >= 0.3 * sample.seen and 4 <= _length(sample) <= 25


def _words(sample: Sample) -> float:
    return sample.mean(sample.blanks) + 1


def _length(sample: Sample) -> float:
    return sample.mean(sample.lengths)


def _first(positions: Iterator[int]) -> list[int]:
    return [at for at, _ in zip(positions, range(_MOST_COLUMNS), strict=False)]


def _texts(values: Any, rows: Any) -> list[str]:
    """Values of these rows in small letters and without accents; empty where there is none."""
    return list(plain(sampling.texts_at(values, rows)).to_pylist())


def _local(mails: Sequence[str]) -> list[str]:
    return [one.partition("@")[0] for one in mails]


def _stands(parts: Sequence[str], wholes: Sequence[str], how: Any = str.__contains__) -> float:
    """The share of rows in which a part stands in the whole and is not the whole, of rows that have both."""
    both = [(part, whole) for part, whole in zip(parts, wholes, strict=True) if len(part) >= _SHORTEST and whole]
    if len(both) < _FEWEST or len({part for part, _ in both}) < _DIFFERENT:
        return 0.0
    for some in (both[:_GLANCE], both):
        fits = sum(bool(how(whole, _bare(part, whole))) and len(whole) > len(part) for part, whole in some)
        if not fits:
            return 0.0
    return fits / len(both)


def _bare(part: str, whole: str) -> str:
    """A part as addresses spell it: without apostrophes and blanks where the whole has none."""
    return part if part in whole else "".join(filter(str.isalnum, part))


def _share(texts: Sequence[str], kind: str) -> float:
    there = [one for one in texts if one]
    return float(known(there, kind).mean()) if there else 0.0


# -- ages --------------------------------------------------------------------------------------------------------------


def _ages(columns: Mapping[int, Looked], rows: Any, found: Told) -> None:
    """Ages and dates of birth: the year of one and the number of the other make the same sum in every row."""
    numbers = _first(at for at, one in columns.items() if _is_age(one.sample))
    dates = _first(at for at, one in columns.items() if _is_date(one.sample))
    if not numbers or not dates:
        return
    ages = {at: sampling.numbers_at(columns[at].values, rows) for at in numbers}
    for date in dates:
        years = sampling.years_at(columns[date].values, rows)
        for at, age in ages.items():
            sums = (years + age)[~np.isnan(years + age)]
            if len(sums) >= _FEWEST and sums.max() - sums.min() <= 2 and len(np.unique(age[~np.isnan(age)])) >= _FEWEST:
                found[at].append(Match("age", _YEARS, 1.0, 0.9))
                found[date].append(Match("date_of_birth", "agrees with an age in its row", 1.0, 0.9))


def _is_date(sample: Sample) -> bool:
    return sample.kind == "date" or (
        sample.kind == "text" and "digit" in sample.holds and sample.mean(sample.lengths) <= 25 and sample.might(_YEAR)
    )


def _is_age(sample: Sample) -> bool:
    return (
        sample.kind == "integer" and len(sample.counts) >= _FEWEST and bool(np.all(np.abs(sample.numbers - 60) <= 60))
    )


# -- degrees -----------------------------------------------------------------------------------------------------------


_FINE = 4
"""Decimal places: a ten-thousandth of a degree is eleven metres."""


class _Degrees(NamedTuple):
    """A column of numbers as it would be if they were degrees."""

    places: int
    middle: float
    spread: float
    largest: float


def _coordinates(columns: Mapping[int, Looked], found: Told) -> None:
    """Two columns that may be degrees north and east: side by side, or the only two like that in the frame."""
    degrees = {at: it for at, one in columns.items() if (it := _degrees(one.sample)) is not None}
    beside = [(at, at + 1) for at in degrees if at + 1 in degrees and any(_pair(degrees[at], degrees[at + 1]))]
    ends = [at for pair in beside for at in pair]
    pairs = [pair for pair in beside if all(ends.count(at) == 1 for at in pair)]
    fine = [at for at, one in degrees.items() if one.places > _FINE and at not in ends]
    if len(fine) == 2:
        pairs.append((fine[0], fine[1]))
    for pair in pairs:
        tags = _pair(degrees[pair[0]], degrees[pair[1]], side_by_side=pair in beside)
        for at, tag in zip(pair, tags, strict=True):
            found[at] += [Match(tag, _DEGREES, 1.0, 0.6)] if tag else []


def _degrees(sample: Sample) -> _Degrees | None:
    """Some decimal places, no larger than 180, and not all near nothing."""
    if sample.kind != "number" or not silent(sample.name) or len(sample.counts) < _FEWEST:
        return None
    largest = np.abs(sample.numbers).max()
    places = sampling.places(sample) if 2 < largest <= 180 else 0
    if places < _FINE - 1:
        return None
    low, middle, high = np.percentile(sample.numbers, [2, 50, 98])
    return _Degrees(places, middle, high - low, largest)


def _pair(one: _Degrees, other: _Degrees, *, side_by_side: bool = True) -> tuple[str, str]:
    """Which of the two is which; nothing where they are no pair. North is written first."""
    northern = abs(one.middle) > abs(other.middle)
    rough = min(one.places, other.places) < _FINE and any(abs(it.middle) < 10 * it.spread for it in (one, other))
    if abs(one.places - other.places) > 1 or max(one.places, other.places) < _FINE or rough:
        return "", ""
    if max(one.spread, other.spread) > 50 * min(one.spread, other.spread):
        return "", ""
    somewhere = any(abs(it.middle) > max(it.spread, 20) for it in (one, other))  # percentages begin at zero
    if not somewhere and max(one.largest, other.largest) <= 100:
        return "", ""
    if min(one.largest, other.largest) > 90:
        return "", ""
    turned = one.largest > 90 or (other.largest <= 90 and (abs(one.middle) > 62 or not (side_by_side or northern)))
    return ("longitude", "latitude") if turned else ("latitude", "longitude")
