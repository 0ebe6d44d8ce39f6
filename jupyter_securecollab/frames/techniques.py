"""The table of masking techniques, and how a choice among them is spelled. Imports no data library.

A choice is written `generalise:10` or `shift:30:Id`: the technique, then its options in the order of the table, the
last taking the rest. As data it is `{"how": "shift", "days": 30, "by": "Id"}`. Both are read here and nowhere else.
What a technique keeps and what it still leaks stands here once, for the notebook and the tests of the guide.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Literal

from ..errors import Invalid
from ..model import clip

DROP = "drop"
"""Not a technique: a plan that drops a column makes no copy of it."""

Kind = Literal["text", "integer", "float", "date", "other", "nothing"]
Option = Decimal | str
Given = str | int | float | Decimal

UNITS = ("year", "quarter", "month", "week", "day")
FORMATS = ("alphanumeric", "digits", "card", "iban")
STYLES = ("tags", "pseudonyms")

_ALL: frozenset[Kind] = frozenset({"text", "integer", "float", "date", "other"})
_NUMBERS: frozenset[Kind] = frozenset({"integer", "float"})
_LONGEST = 1000
_MOST_DIGITS = 500  # beyond what any type of column holds; Decimal would write out a thousand million of them


@dataclass(frozen=True)
class Parameter:
    """An option of a technique. `told` ones may stand beside the masked copy, where its readers see them."""

    name: str
    takes: Literal["number", "grain", "word", "name"]
    says: str
    needed: bool = False
    told: bool = True
    words: tuple[str, ...] = ()

    def read(self, given: Given) -> Option:
        """The option as given in a plan or a line. Raises `Invalid`."""
        text = str(given).strip()
        if len(text) > _LONGEST:
            raise Invalid(f"{clip(text)!r} is too long for an option")
        if self.takes == "word" and text not in self.words:
            raise Invalid(f"{clip(text)!r} is not a {self.name}", next_step=f"Use one of {', '.join(self.words)}.")
        if self.takes in ("name", "word") or (self.takes == "grain" and text in UNITS):
            return text
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
            units = f" or one of {', '.join(UNITS)}" if self.takes == "grain" else ""
            raise Invalid(f"{clip(text)!r} is not a number", next_step=f"{self.name} takes a number{units}.")
        return number


@dataclass(frozen=True)
class Technique:
    """One way to mask: what it does, to which kinds of column, what it keeps, what it still leaks.

    `equal` ones give each value one mask, so that few values give themselves away by how often they occur. Under those
    that keep values `in_order` ordered categories stay so; under others their order would tell more than the masks.
    """

    name: str
    does: str
    keeps: str
    leaks: str
    fits: frozenset[Kind]
    parameters: tuple[Parameter, ...] = ()
    keyed: bool = False
    equal: bool = False
    in_order: bool = False

    @property
    def spelling(self) -> str:
        """How it is written, options that may be left out in brackets."""
        parts = (f":{one.name.upper()}" if one.needed else f"[:{one.name.upper()}]" for one in self.parameters)
        return self.name + "".join(parts)


@dataclass(frozen=True)
class Choice:
    """A technique with its options, checked."""

    how: str
    options: Mapping[str, Option] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def technique(self) -> Technique:
        """Its row of the table."""
        return TECHNIQUES[self.how]

    @property
    def keyed(self) -> bool:
        """Whether it needs a key."""
        return self.technique.keyed or self.text("style") == "pseudonyms"

    def __str__(self) -> str:
        return self._spelled(tuple(one.name for one in self.technique.parameters))

    @property
    def told(self) -> str:
        """The same without the options that name columns: what readers of the masked copy may know."""
        return self._spelled(tuple(one.name for one in self.technique.parameters if one.told))

    def number(self, name: str) -> Decimal | None:
        """An option that is a number, or None where it was not given."""
        found = self.options.get(name)
        return found if isinstance(found, Decimal) else None

    def text(self, name: str) -> str | None:
        """An option that is a word, or None where it was not given."""
        found = self.options.get(name)
        return found if isinstance(found, str) else None

    def _spelled(self, names: tuple[str, ...]) -> str:
        parts = [format(option, "f") if isinstance(option, Decimal) else option for option in map(self._given, names)]
        return ":".join((self.how, *parts)).rstrip(":")

    def _given(self, name: str) -> Option:
        return self.options.get(name, "")


def choose(given: str | Mapping[str, Given]) -> Choice:
    """The choice written as text or given as data. Raises `Invalid` saying what is wrong and what there is instead."""
    if isinstance(given, str):
        how, colon, rest = given.strip().partition(":")
        names = [one.name for one in _technique(how).parameters]
        parts = rest.split(":", max(len(names) - 1, 0)) if colon else []
        if len(parts) > len(names):
            raise Invalid(f"{how} takes no option", next_step=f"Write {TECHNIQUES[how].spelling}.")
        return _checked(how, {name: part for name, part in zip(names, parts, strict=False) if part})
    data = dict(given)
    return _checked(_technique(str(data.pop("how", ""))).name, data)


def joined_name(choice: Choice) -> str | None:
    """The name of pseudonyms that are to join over a whole project (`pseudonym:person@project`); None for others."""
    word, at, over = (choice.text("as") or "").partition("@")
    return word if at and over == "project" else None


def _technique(how: str) -> Technique:
    if how not in TECHNIQUES:
        near = difflib.get_close_matches(how, TECHNIQUES, n=1)
        meant = f"Did you mean {near[0]}? " if near else ""
        raise Invalid(
            f"{clip(how)!r} is not a way to mask", next_step=f"{meant}Use one of {', '.join((*TECHNIQUES, DROP))}."
        )
    return TECHNIQUES[how]


def _checked(how: str, given: Mapping[str, Given]) -> Choice:
    technique = TECHNIQUES[how]
    known = {one.name: one for one in technique.parameters}
    if unknown := set(given) - set(known):
        raise Invalid(f"{how} has no option {clip(min(unknown))!r}", next_step=f"Write {technique.spelling}.")
    if missing := [one for one in technique.parameters if one.needed and one.name not in given]:
        raise Invalid(f"{how} needs {missing[0].says}", next_step=f"Write {technique.spelling}.")
    choice = Choice(how, MappingProxyType({name: known[name].read(option) for name, option in given.items()}))
    if "@" in (choice.text("as") or "") and not joined_name(choice):
        step = "Write the word project: pseudonym:NAME@project."
        raise Invalid("a name with @ joins over the project", next_step=step)
    return choice


TECHNIQUES: Mapping[str, Technique] = MappingProxyType(
    {
        one.name: one
        for one in (
            Technique(
                "redact",
                "puts the tag in place of every value",
                "which values are missing",
                "nothing of the values",
                frozenset({"text"}),
                in_order=True,
            ),
            Technique(
                "null",
                "leaves no value at all",
                "the type",
                "nothing, not even which values were missing",
                _ALL,
            ),
            Technique(
                "partial",
                "keeps the part that its tag allows: the last four of a card, the domain of an address, the year",
                "the kept part exactly, the format roughly",
                "the kept part, and through it groups and rare values",
                frozenset({"text", "date"}),
            ),
            Technique(
                "pseudonym",
                "puts a keyed hash (BLAKE2b) in place of each value, the same for the same value",
                "equality: groups, counts, joins inside this asset and column; over versions too",
                "how often each value occurs, so frequent values can be guessed; who has the key can try values out",
                frozenset({"text", "integer", "float"}),
                (
                    Parameter(
                        "as",
                        "name",
                        "a name: columns given it can be joined; NAME@project over a project",
                        told=False,
                    ),
                ),
                keyed=True,
                equal=True,
            ),
            Technique(
                "fpe",
                "encrypts digits and letters (FF1, NIST SP 800-38G), recomputing check digits",
                "format: length, separators, digits where there were digits only, valid check digits; equality",
                "how often each value occurs, its length and separators, the country of an IBAN; "
                "who has the key reads everything",
                frozenset({"text", "integer"}),
                (Parameter("format", "word", f"one of {', '.join(FORMATS)}", words=FORMATS),),
                keyed=True,
                equal=True,
            ),
            Technique(
                "token",
                "encrypts each value (AES-SIV) into a token that the key opens again",
                "equality: groups, counts, joins inside this column; nothing is lost for whoever has the key",
                "how often each value occurs and how long it is; who has the key reads everything",
                frozenset({"text"}),
                keyed=True,
                equal=True,
            ),
            Technique(
                "fake",
                "puts a made-up value that looks like its tag in place of each value, the same for the same value",
                "kind and looks; that equal values are equal, though others may become equal too",
                "how often each value occurs, which values are missing; who has the key can try values out",
                frozenset({"text"}),
                (Parameter("locale", "name", "a locale of Faker, such as de_DE"),),
                keyed=True,
                equal=True,
            ),
            Technique(
                "generalise",
                "puts the lower bound of its band in place of a number, the first day of its month or year in place "
                "of a date, the first characters in place of a text; ages of 90 and more become 90",
                "order and rough distribution",
                "the band; few people in a band, or several bands together, still point at somebody",
                frozenset({"text", "integer", "float", "date"}),
                (Parameter("to", "grain", "the width of a band, a unit of time, or a number of characters"),),
                in_order=True,
            ),
            Technique(
                "scrub",
                "puts what it is, or a pseudonym, in place of whatever identifies somebody inside of text",
                "the rest of the text; with pseudonyms, what is said about one and the same",
                "whatever is not recognised: names that no dictionary knows, places, rare stories, manner of writing",
                frozenset({"text"}),
                (
                    Parameter("style", "word", f"one of {', '.join(STYLES)}", words=STYLES),
                    Parameter("recognizer", "name", "the name of a recognizer of text that is installed here"),
                ),
            ),
            Technique(
                "clip",
                "puts the bounds in place of everything beyond them (top and bottom coding)",
                "every value between the bounds exactly",
                "every value between the bounds; that a value lies beyond them",
                _NUMBERS,
                (Parameter("low", "number", "the lowest value"), Parameter("high", "number", "the highest value")),
                in_order=True,
            ),
            Technique(
                "shift",
                "moves the dates of one entity by the same number of days, up to DAYS either way, chosen by the key",
                "intervals between the dates of one entity, times of day, roughly the season",
                "intervals: one known date of somebody gives all of his; dates to within DAYS",
                frozenset({"date"}),
                (
                    Parameter("days", "number", "the most days to move by", needed=True),
                    Parameter("by", "name", "the column that says whose date it is", needed=True, told=False),
                ),
                keyed=True,
            ),
            Technique(
                "noise",
                "adds random noise with a mean of zero and the standard deviation given",
                "means and sums roughly, distribution roughly",
                "each value to within a few standard deviations; outliers stay outliers. Not differential privacy",
                _NUMBERS,
                (Parameter("scale", "number", "a standard deviation", needed=True),),
                keyed=True,
            ),
            Technique(
                "shuffle",
                "deals the values out anew among the rows that have one",
                "the distribution exactly, which values are missing",
                "every value, though not whose it is; a value that gives itself away is in the clear",
                _ALL,
                keyed=True,
            ),
        )
    }
)
