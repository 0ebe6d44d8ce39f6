"""What values hint at that could be something else as well: ages, pay, security codes, identity papers, logins.

Heard only of columns whose name says nothing at all, and then mostly not believed without neighbours: somebody who
calls a column `balance` says that it is no salary. Sureness below a half is a guess, which what stands beside it may
lift (classify.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from .recognizers import Match
from .sampled import Sample
from .words import known, plain

_FEW = 20  # distinct values; fewer are categories

# Years of age: grown up to very old, or from birth on with few who are very old. Percentages reach 100.
_ADULTS = 15, 26
_OLD, _OLDEST = 60, 110
_VERY_OLD, _VERY_OLD_SHARE = 85, 0.05

# Yearly pay, in whole fifties: prices and balances are not round.
_PAY = 12_000, 250_000
_MOST_PAY = 10_000_000
_PAY_STEP = 50
_PAY_SPREAD = 40

_PAPERS = "^(?:[A-Z]{1,2}[0-9]{6,8}|[A-Z]{3}[0-9]{6}|[0-9]{2}[A-Z]{2}[0-9]{5}|[CFGHJK][CFGHJKLMNPRTVWXYZ0-9]{7}[0-9])$"

# Of driving licences what no other paper looks like: German, Italian (two of them), Polish, Indian, and of US states
# with twelve and more digits. Many states and countries number them like anything else.
_LICENCES = (
    "^(?:[A-Z][0-9]{2}[0-9A-Z][0-9A-Z]{5}[0-9][0-9A-Z]|U1[0-9A-Z]{7}[A-Z]|[A-Z]{2}[0-9]{7}[A-Z]|[0-9]{5}/[0-9]{2}/[0-9]{4}"
    "|[A-Z]{2}-?[0-9]{2} ?(?:19|20)[0-9]{9}|[A-Z][0-9]{11,14})$"
)
# Number plates: Mercosur, Britain, France and Italy, Spain, Germany, India.
_PLATES = (
    "^(?:[A-Z]{3}[0-9][A-J][0-9]{2}|[A-Z]{2}[0-9]{2} ?[A-Z]{3}|[A-Z]{2}[- ]?[0-9]{3}[- ]?[A-Z]{2}"
    "|[0-9]{4} ?[B-DF-HJ-NP-TV-Z]{3}|[A-ZÄÖÜ]{1,3}[- ][A-Z]{1,2} ?[1-9][0-9]{0,3}[EH]?"
    "|[A-Z]{2}[ -]?[0-9]{2}[ -]?[A-Z]{1,2}[ -]?[0-9]{4})$"
)
_MANY_HEADS = 0.3  # of the values begin differently: products, lots and parts come in few series
_LOGIN = "^[a-z][a-z]*[._-]?[a-z]*[._-]?[0-9]{0,4}$"
_SERIES = 4  # different letters to begin with; the ids of one system all begin with the same


def guesses(sample: Sample) -> Iterator[Match]:
    """Everything the values of a column may be, none of it sure."""
    if sample.kind in ("integer", "number"):
        yield from _figures(sample)
    elif sample.kind == "text" and "digit" in sample.holds:
        yield from _codes(sample)
    yield from logins(sample)


def _figures(sample: Sample) -> Iterator[Match]:
    distinct = sample.numbers
    if len(distinct) < _FEW or not 0 <= (low := float(distinct.min())) <= (high := float(distinct.max())) < _MOST_PAY:
        return
    numbers = np.repeat(distinct, sample.counts)
    if _OLD <= high <= _OLDEST and high not in (99, 100) and np.mean(numbers % 1 == 0) >= 0.7:
        thin = 20 <= np.median(numbers) <= _OLD < 70 < high and np.mean(numbers > _VERY_OLD) < _VERY_OLD_SHARE
        if _ADULTS[0] <= low <= _ADULTS[1] or (low < _ADULTS[0] and thin):
            yield Match("age", f"whole numbers from {low:.0f} to {high:.0f}", 1.0, 0.36)
    if high > _PAY[0]:
        yield from _amounts(sample.kind, numbers, len(distinct))
    if sample.kind == "integer" and 900 <= high <= 999 and len(distinct) >= 5 * _FEW:
        yield Match("cvv", "whole numbers of up to three digits", 1.0, 0.3)


def _amounts(kind: str, numbers: NDArray[np.float64], distinct: int) -> Iterator[Match]:
    """Pay where amounts are round or have several lengths; of one length and not round they may be postcodes."""
    low, high = numbers.min(), numbers.max()
    few, middle, most = np.percentile(numbers, [2, 50, 98])
    likely = _PAY[0] <= middle <= _PAY[1] and few > 0 and most / few <= _PAY_SPREAD
    lengths = kind == "integer" and low < 100_000 <= high
    if likely and (lengths or np.mean(numbers % _PAY_STEP == 0) >= 0.9):
        yield Match("salary_or_income", "amounts such as are earned in a year", 1.0, 0.36)
    five = kind == "integer" and 10_000 <= low <= high <= 99_999 and high - low > _FEW * distinct
    if five and np.mean(numbers % 10 == 0) < 0.5:
        yield Match("postcode", "five digits", 1.0, 0.3)


def _codes(sample: Sample) -> Iterator[Match]:
    if sample.mean(sample.lengths) <= 5 and len(sample.texts) >= 2 * _FEW:
        share = sample.share(sample.matching("^[0-9]{3,4}$"))
        three = sample.share(sample.matching("^[0-9]{3}$"))  # four digits are on the cards of one issuer
        if share >= 0.95 and three >= 0.5 and sample.share(sample.matching("^0")) >= 0.04:
            yield Match("cvv", "three or four digits", share, 0.34)
    if len(sample.texts) >= 10 and ("capitals" in sample.holds or sample.shows("/")):
        for tag, title, pattern, least in _PAPERS_OF:
            share = sample.share(sample.matching(pattern)) if sample.might(pattern) else 0.0
            if share >= 0.9 and _heads(sample) >= (least or _MANY_HEADS * min(len(sample.texts), _MOST_HEADS)):
                yield Match(tag, title, share, 0.36 * share)


_PAPERS_OF = (
    ("passport", "letters and digits as in passports", _PAPERS, _SERIES),
    ("driver_license", "letters and digits as in driving licences", _LICENCES, _SERIES),
    ("vehicle_id", "letters and digits as on number plates", _PLATES, 0),
)
_MOST_HEADS = 100


def _heads(sample: Sample) -> int:
    """In how many ways values begin: with which letters, or which digits where those come first."""
    return int(pc.count_distinct(pc.replace_substring_regex(sample.texts, "^([A-Z]+|[0-9]{2}).*$", r"\1")).as_py())


def logins(sample: Sample) -> Iterator[Match]:
    """Words made of names, such as `jsmith7` or `ann.meyer`: many, short, hardly ever repeated.

    Believed where the column's name says nothing or speaks of a user (names.py).
    """
    if sample.kind != "text" or "letter" not in sample.holds or {"space", "at"} & sample.holds:
        return
    if len(sample.counts) < max(_FEW, 0.3 * sample.seen) or sample.mean(sample.lengths) > 25:
        return
    if not sample.might("(?i)" + _LOGIN):
        return
    texts = plain(sample.texts)
    like = sample.share(pc.match_substring_regex(texts, _LOGIN))
    small = sample.share(~sample.matching("^[A-Z]"))
    if like < 0.8 or small < 0.5:
        return
    bare = pc.replace_substring_regex(texts, r"[._-]?[0-9]*$", "")
    if pc.count_distinct(bare).as_py() < _FEW / 2:
        return
    first = pc.replace_substring_regex(bare, r"[._-].*$", "")
    last = pc.replace_substring_regex(bare, r"^.*[._-]", "")
    after = pc.replace_substring_regex(bare, r"^[a-z][._-]?", "")
    family = known(after, "family") & (np.asarray(pc.utf8_length(after)) >= 4)
    share = sample.share(known(first, "given") | known(last, "given") | family)
    if share >= 0.35:
        yield Match("username", "words made of names", share, 0.3 + 0.4 * share)
