"""What a model carries along, as parts: where each is, what it holds, and why it has to stay if it has to.

A part is only described here; what it says of people, `find` finds out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Holds = Literal["texts", "names", "rows", "values", "groups", "note", "unread"]
"""`texts`: values seen in training that it knows by heart (categories, classes, vocabularies). `names`: of features.
`rows`: of the training data. `values`: single ones of the training data, such as the greatest. `groups`: numbers of few
rows. `note`: texts beside the model (paths, comments). `unread`: what was not looked into."""

FEW = 5
"""A number made of fewer rows than this is nearly one of these rows' own."""

STAYS: dict[Holds, str] = {
    "texts": "",
    "names": "",
    "note": "",
    "rows": "predictions are made from these rows",
    "values": "inputs are compared with these values",
    "groups": "predictions are these numbers",
    "unread": "nobody knows what is in it",
}
WORDS = "words of texts are looked up in it"
ORDERED = "numbers are looked up by their order"


@dataclass(frozen=True)
class Part:
    """One thing a model carries. `where` is the way to it, with `[*]` for all members of a long list.

    `values` are a list or an array, of rows one with two dimensions; `about` is the name of the feature they are of,
    `columns` those of rows. `few` of the `count` groups have fewer than `FEW` rows. `stays` says why masking cannot
    take it out, and is empty where it can.
    """

    where: str
    holds: Holds
    values: Any = field(default=(), repr=False)
    about: str = ""
    columns: tuple[str, ...] = ()
    count: int = 0
    few: int = 0
    stays: str = ""
    says: str = ""

    def told(self) -> str:
        """What it holds, in words, without any of it."""
        if self.says:
            return self.says
        if self.holds == "rows":
            return f"{self.count:,} rows of the training data"
        if self.holds == "values":
            return f"{self.count:,} values of the training data"
        if self.holds == "groups":
            return f"{self.few:,} of {self.count:,} numbers are of fewer than {FEW} rows"
        if self.holds == "names":
            return f"{self.count:,} names of features"
        if self.holds == "note":
            return "a text" if self.count == 1 else f"{self.count:,} texts"
        return f"{self.count:,} texts" if self.texts else f"{self.count:,} categories that are numbers"

    @property
    def texts(self) -> bool:
        """Whether all values are texts."""
        return all(isinstance(one, str) for one in self.values)


def part(where: str, holds: Holds, values: Any = (), **more: Any) -> Part:
    """A part of as many values as there are, with the reason its kind has for staying."""
    made = Part(where, holds, values, **{"count": len(values), "stays": STAYS[holds], **more})
    return replace(made, stays=ORDERED) if holds == "texts" and not made.texts else made


def merged(found: Iterable[Part]) -> list[Part]:
    """Parts of the same place (members of a list) as one, in the order of first appearance."""
    kept: dict[tuple[str, Holds], Part] = {}
    for one in found:
        at = (one.where, one.holds)
        kept[at] = _joined(kept[at], one) if at in kept else one
    return list(kept.values())


def _joined(first: Part, other: Part) -> Part:
    if first.holds in ("texts", "names", "note"):
        values = list(dict.fromkeys([*first.values, *other.values]))
        return replace(first, values=values, count=len(values))
    return replace(first, count=first.count + other.count, few=first.few + other.few)
