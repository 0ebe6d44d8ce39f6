"""Identifiers inside texts that are no sentences: JSON, XML, lines of logs, lists of addresses, numbers with a label.

A recognizer fits a whole value or does not; here something else stands around it: `{"mail": "jo@x.org"}`, `jo@x.org;
mia@x.org`, `SSN 999-76-6866`, or most rows hold something else. Found is what has a form of its own, by the patterns
that masking with `scrub` goes by. Such a column is tagged by what it contains and not as free text: beside an address
stand names, which have no form, and by default it is masked as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from .inside import TAGS_INSIDE, find
from .marks import DIGIT, SIGN, mark
from .recognizers import Match
from .sampled import Sample, strata

_TELLING = {
    "email": 0.001,
    "secret_key": 0.001,
    "us_ssn": 0.05,
    "iban": 0.05,
    "password": 0.05,
    "phone": 0.2,
    "credit_card": 0.5,
}
"""What is looked for, and in what share of texts it has to stand: of numbers one in ten passes for a card by chance."""

_SUSPECT = (
    r"[\w\-]@[\w\-]+\.[A-Za-z]|[0-9]{3}-[0-9]{2}-[0-9]{4}|[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]"
    r"|\b[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4} ?[0-9]|\+[1-9][0-9 ().\-]{7}|\([0-9]{3}\) ?[0-9]{3}|(?:AKIA|ASIA)[0-9A-Z]{16}"
    r"|eyJ[\w-]{8,}\.|gh[pousr]_|PRIVATE KEY|(?:[Ss][Ss][Nn]|[Pp]hone|[Tt]el|[Ff]ax|[Pp]asswor[dt]|[Pp]wd)[\"']?\s*[:=]"
)
_HEX = "[0-9A-Fa-f]+"
_WHOLE = (
    r"^\s*(?:[^\s@<>()\[\]{};,:\"'=|]+@[\w.\-]+|[+(]?[0-9][0-9 ().+\-]+|[A-Z][A-Z][0-9][0-9][ 0-9A-Z]+"
    rf"|{_HEX}-{_HEX}-{_HEX}-{_HEX}-{_HEX})\s*$"
)
"""An identifier by itself, or a UUID: others look at columns of those."""

_AROUND = SIGN | mark(" @:/+(),#_*&-")
_WITHIN = DIGIT | SIGN | mark("@:_")
_SHORTEST = 11
"""Characters of a text with an identifier and something around it; and what signs it shows."""

_MOSTLY = 0.5
_STRAYED = 0.02  # fewer values that stand by themselves came from another column by mistake
_SOME = min(_TELLING.values())
_TEXTS = 500
_SURE = 0.55
"""As sure as one has to be: whatever else a column is found to be goes first."""


def _may_contain(sample: Sample) -> bool:
    """Whether that is possible by what a few texts look like: patterns take long to compile."""
    marks = sample.glance_marks
    return bool(((marks & _AROUND != 0) & (marks & _WITHIN != 0) & (sample.glance_lengths >= _SHORTEST)).any())


def embedded(sample: Sample) -> Iterator[Match]:
    """What enough texts contain or are, where most are something else."""
    addressed = (sample.marks & mark("@")).any()
    if not (addressed or (_may_contain(sample) and sample.might(_SUSPECT))):
        return
    suspect, whole = sample.matching(_SUSPECT), sample.matching(_WHOLE)
    if sample.share(suspect & whole) >= _MOSTLY:
        suspect &= ~whole
    if sample.share(suspect) < _SOME:
        return
    places = np.flatnonzero(suspect)
    some = places[strata(len(places), _TEXTS)]
    pieces = find(sample.texts.take(pa.array(some)))
    weights = sample.counts[some] * (sample.counts[places].sum() / sample.counts[some].sum() / sample.seen)
    shares = {}
    for tag, enough in _TELLING.items():
        rows = np.unique(pieces.rows[pieces.tags == TAGS_INSIDE.index(tag)])
        share, within = weights[rows].sum(), weights[rows[~whole[some[rows]]]].sum()
        if within >= enough or share >= max(enough, _STRAYED):
            shares[tag] = float(share)
    title = f"texts that contain {', '.join(shares)}"
    yield from (Match(tag, title, share, _SURE) for tag, share in shares.items())
