"""Suggests a label for every column of a frame, here from obvious column names alone.

What somebody decided is kept; where nothing is found a column is `internal` and nobody has reviewed it. Looks at no
values, changes nothing, and an evidence text never holds a value.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..model import Label, Level, clip
from .axes import names

# How sure a column's name alone makes us: enough to ask, not enough to decide.
NAME_ALONE = 0.6


class NameRule(NamedTuple):
    """Words that give a column away: anywhere in its name, or as the whole of it (`last`, not `last_visit`)."""

    tag: str
    level: Level
    anywhere: frozenset[str]
    whole: frozenset[str] = frozenset()


def _rule(tag: str, level: Level, anywhere: str, whole: str = "") -> NameRule:
    return NameRule(tag, level, frozenset(anywhere.split()), frozenset(whole.split()))


# The first rule that matches counts: an email address is not a street address.
NAME_RULES = (
    _rule("us_ssn", Level.SECRET, "ssn socialsecurity"),
    _rule("passport", Level.SECRET, "passport"),
    _rule("driver_license", Level.SECRET, "drivers driverlicense driverlicence drivinglicence drivinglicense"),
    _rule("credit_card", Level.SECRET, "creditcard cardnumber ccnumber cvv cvc", "card cc"),
    _rule("password", Level.SECRET, "password passwd passphrase", "pwd"),
    _rule("bank_account", Level.CONFIDENTIAL, "iban bankaccount accountnumber routingnumber"),
    _rule("email", Level.CONFIDENTIAL, "email emails", "mail"),
    _rule("phone", Level.CONFIDENTIAL, "phone telephone cellphone mobilenumber fax", "mobile cell tel"),
    _rule("network_address", Level.CONFIDENTIAL, "ipaddress macaddress", "ip mac"),
    _rule("birth_date", Level.CONFIDENTIAL, "birthdate birthday dateofbirth datebirth dob"),
    _rule("death_date", Level.CONFIDENTIAL, "deathdate dateofdeath datedeath dod"),
    _rule(
        "person_name",
        Level.CONFIDENTIAL,
        "firstname lastname middlename maidenname givenname familyname fullname surname forename maiden username",
        "name first last middle person",
    ),
    _rule("postcode", Level.CONFIDENTIAL, "zip zipcode postcode postalcode"),
    _rule("address", Level.CONFIDENTIAL, "address addresses street streetname"),
    _rule("location", Level.CONFIDENTIAL, "latitude longitude", "lat lon lng"),
)

_LONGEST_PHRASE = 3
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_A-Za-z]+")


def classify(frame: Any, given: Mapping[str, Label]) -> dict[str, Label]:
    """A label for every index level and column of a pandas, polars or pyarrow frame, in order.

    `given` holds the labels somebody set or that came with the data; they are taken as they are.
    """
    return {name: given[name] if name in given else suggest(name) for name in names(frame)}


def suggest(name: str) -> Label:
    """The label a column's name alone suggests."""
    words = tuple(word.lower() for word in _WORD.findall(name))
    phrases = frozenset(_phrases(words))
    whole = "".join(words)
    for rule in NAME_RULES:
        if whole in rule.whole or not rule.anywhere.isdisjoint(phrases):
            evidence = f"the column is called {clip(name)!r}"
            return Label(level=rule.level, tag=rule.tag, confidence=NAME_ALONE, evidence=evidence)
    return Label()


def _phrases(words: tuple[str, ...]) -> Iterator[str]:
    """Every run of up to three neighbouring words, written together: `date_of_birth` holds `dateofbirth`."""
    for start in range(len(words)):
        for stop in range(start + 1, min(start + _LONGEST_PHRASE, len(words)) + 1):
            yield "".join(words[start:stop])
