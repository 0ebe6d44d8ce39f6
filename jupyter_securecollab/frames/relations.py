"""What columns say of each other, row by row: a name made of two others, a login made of a name, degrees in pairs.

A hundred rows of a few columns are compared. What is found there needs no dictionary: a word that stands in the email
address of its own row is somebody's name, in whatever language. Gives further matches for columns; decides nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from . import degrees, sampling
from .names import silent, words_of
from .recognizers import Match
from .sampled import Sample, strata
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
    rows = strata(length, _ROWS)
    _names(columns, rows, found)
    _ages(columns, rows, found)
    _coordinates(columns, rows, found)
    _postcodes(columns, found)
    return found


# -- names -------------------------------------------------------------------------------------------------------------


def _names(columns: Mapping[int, Looked], rows: Any, found: Told) -> None:
    """Parts of names by the wholes and addresses they stand in, wholes by their parts, logins by both."""
    parts = _first(at for at, one in columns.items() if _is_part(one))
    wholes = _first(at for at, one in columns.items() if _is_whole(one))
    mails = _first(at for at, one in columns.items() if one.sure("email") >= _OFTEN)
    logins = _first(at for at, one in columns.items() if _is_login(one))
    if not (parts or logins) or not (wholes or mails or logins):
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
    named = [texts[at] for at in wholes if columns[at].sure("person_name") >= _OFTEN] + [
        _local(texts[at]) for at in mails
    ]
    for at in logins:
        shortened = any(_shortened(texts[at], of) >= _OFTEN for of in named)
        if shortened or any(_stands(texts[part], texts[at]) >= _OFTEN for part in people):
            found[at].append(Match("username", _LOGIN, 1.0, 0.8))
    if people:
        for at in set(parts) - people:
            if columns[at].sure("last_name") >= 0.3 and silent(columns[at].sample.name):
                found[at].append(Match("maiden_name", _MAIDEN, 1.0, 0.92))


def _composed(
    parts: Sequence[int], wholes: Sequence[int], texts: Mapping[int, list[str]], addressed: set[int]
) -> Iterator[tuple[int, tuple[float, bool]]]:
    """Columns that begin and end the values of a third, where those are people: what share, and is it the last name."""
    for whole in wholes if parts else ():
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
    if len(sample.texts) < 0.3 * sample.seen or not 4 <= _length(sample) <= 25:
        return False
    return sample.share(sample.matching("^[a-z]")) >= _OFTEN


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


def _shortened(logins: Sequence[str], names: Sequence[str]) -> float:
    """The share of rows in which a login is put together of the beginnings of two words of a name: `tuomvirt`."""
    both = [(login, name) for login, name in zip(logins, names, strict=True) if login and name]
    if len(both) < _FEWEST or len({login for login, _ in both}) < _DIFFERENT:
        return 0.0
    for some in (both[:_GLANCE], both):
        fits = sum(_put_together(login, name) for login, name in some)
        if not fits:
            return 0.0
    return fits / len(both)


def _put_together(login: str, name: str) -> bool:
    bare = "".join(filter(str.isalpha, login))
    words = "".join(char if char.isalpha() else " " for char in name).split()
    if len(bare) <= _SHORTEST or len(words) < 2:
        return False
    heads = ((one, other) for one in words for other in words if one is not other)
    return any(
        bare[:cut] == one[:cut] and other.startswith(bare[cut:])
        for one, other in heads
        for cut in range(1, len(bare))
        if len(bare) - cut <= len(other)
    )


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


def _coordinates(columns: Mapping[int, Looked], rows: Any, found: Told) -> None:
    """Pairs of degrees under names that say nothing, or nothing but x and y."""
    unnamed = {at: (one.sample, one.values) for at, one in columns.items() if _unnamed(one.sample.name)}
    for north, east in degrees.pairs(unnamed, rows):
        found[north].append(Match("latitude", _DEGREES, 1.0, 0.6))
        found[east].append(Match("longitude", _DEGREES, 1.0, 0.6))


def _unnamed(name: str) -> bool:
    return silent(name) or words_of(name)[-1] in ("x", "y")


# -- postcodes ---------------------------------------------------------------------------------------------------------

_NEAR = 2  # columns between a postcode and its place at most, such as a state
_CODES = 10  # different ones
_ROUND = 0.95  # Austrian and Danish postcodes often end in nought as well
_YEARS_OF_OURS = 1900, 2040


def _postcodes(columns: Mapping[int, Looked], found: Told) -> None:
    """Four digits close to the names of places, five close to those or to states of the USA."""
    for at, one in columns.items():
        digits = _digits(one.sample)
        if not digits or not silent(one.sample.name):
            continue
        near = [columns[place] for place in range(at - _NEAR, at + _NEAR + 1) if place != at and place in columns]
        if any(it.sure("postcode") >= _OFTEN for it in near):
            continue
        if any(it.sure("city") >= _OFTEN for it in near):
            found[at].append(Match("postcode", f"{digits} digits close to places", 1.0, 0.4))
        elif digits == 5 and any(_is_state(it.sample) for it in near):
            found[at].append(Match("postcode", "five digits close to states", 1.0, 0.55))


def _digits(sample: Sample) -> int:
    """How many digits nearly all values have, four or five; 0 for years, round sums, what counts on, few values."""
    if sample.kind not in ("text", "integer") or len(sample.counts) < _CODES or sample.mean(sample.lengths) > 6:
        return 0
    many = next((many for many in (4, 5) if sample.share(sample.matching(f"^[0-9]{{{many}}}$")) >= 0.95), 0)
    if not many:
        return 0
    numbers = sample.numbers[~np.isnan(sample.numbers)]
    years = np.mean((numbers >= _YEARS_OF_OURS[0]) & (numbers <= _YEARS_OF_OURS[1])) > _OFTEN
    round_sums = np.mean(numbers % 10 == 0) > _ROUND
    return 0 if years or round_sums or np.ptp(numbers) < 2 * len(numbers) else many


def _is_state(sample: Sample) -> bool:
    if sample.kind != "text" or len(sample.texts) < _FEWEST // 2 or sample.mean(sample.lengths) > 3:
        return False
    return (
        sample.share(known(plain(sample.texts), "us states")) >= 0.95
        and sample.share(sample.matching("^[A-Z]")) >= _OFTEN
    )
