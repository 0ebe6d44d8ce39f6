"""Every value of a column, read once: how many fit what the sample found, and what is too rare for a sample to show.

Works on the values as they lie, in pieces, without making them distinct: a pattern over a million texts takes less time
than finding out which of them are equal.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .inside import TAGS_INSIDE, find
from .recognizers import RECOGNIZERS, Match, Recognizer
from .sampled import Sample, strata
from .sampling import cleaned, texts_of

_PIECE = 131_072
_FEW = 0.1

# Of these a single one matters, alone or within a text; the pattern finds the texts that are looked at closely.
_RARE = ("email", "secret_key", "iban", "us_ssn")
_SUSPECT = (
    "[0-9]{3}-[0-9]{2}-[0-9]{4}|[A-Z]{2}[0-9]{2} ?[A-Z0-9]{4} ?[A-Z0-9]{4}|(?:AKIA|ASIA)[0-9A-Z]{16}"
    r"|eyJ[\w-]{8,}\.|gh[pousr]_[0-9A-Za-z]{20}|-----BEGIN |github_pat_|glpat-|xox[abeprs]-|[sr]k_(?:live|test)_"
    r"|AIza[\w-]{30}|npm_|hf_"
)
_LUCK = 3  # times as many right check digits as other codes of that form would have
_CLOSELY = 500
"""Texts of a piece that are searched for what they contain."""

_SURE = 0.6
"""How sure values make us that are rare in their column."""


class Swept(NamedTuple):
    """All values of one leaf: how many rows, how many have a value, how many fit what was asked, rare finds."""

    rows: int
    seen: int
    fitting: int
    rare: tuple[Match, ...]

    @property
    def share(self) -> float:
        """The part of the values that fits; 0 where nothing was asked."""
        return self.fitting / self.seen if self.seen else 0.0


def sweep(name: str, values: Any, asked: Recognizer | None) -> list[Swept]:
    """Each leaf of a column. `asked` is what the sample found; without it nothing is counted as fitting."""
    return [_swept(leaf, texts, asked) for leaf, texts in texts_of(name, values)]


def _swept(leaf: str, texts: Any, asked: Recognizer | None) -> Swept:
    seen = fitting = 0
    found: Counter[Match] = Counter()
    repeats = len(texts) > _PIECE and pc.count_distinct(texts.slice(0, _PIECE)).as_py() < _PIECE * _FEW
    for start in range(0, len(texts), _PIECE):
        piece = _piece(leaf, texts.slice(start, _PIECE), repeats)
        seen += piece.seen
        fitting += int(piece.counts[asked.fitting(piece)].sum()) if asked is not None and piece.seen else 0
        found.update(_suspects(piece))
    rare = tuple(one._replace(share=count / seen) for one, count in found.items())
    return Swept(len(texts), seen, fitting, rare)


def _piece(leaf: str, texts: Any, repeats: bool) -> Sample:
    """Part of a leaf; made distinct where that leaves little, for then it costs less than what follows."""
    there = pc.drop_null(texts)
    counts = np.ones(len(there), np.int64)
    if repeats:
        counted = pc.value_counts(there)
        there, counts = counted.field("values"), np.asarray(counted.field("counts"), dtype=np.int64)
    there, counts = cleaned(there, counts)
    return Sample(leaf, "text", there, counts, len(texts), int(counts.sum()))


def _suspects(piece: Sample) -> Counter[Match]:
    """What a single one matters of, and how many values are or contain that."""
    at = pc.match_substring(piece.texts, "@")
    suspect = np.asarray(pc.or_(at, pc.match_substring_regex(piece.texts, _SUSPECT)), dtype=bool)
    found: Counter[Match] = Counter()
    if not suspect.any():
        return found
    few = replace(piece, distinct=piece.texts.filter(pa.array(suspect)), counts=piece.counts[suspect])
    alone = np.zeros(len(few.counts), bool)
    for one in RECOGNIZERS:
        if one.tag in _RARE and (fits := one.fitting(few)).any():
            right = one.right(few, fits)
            alone |= fits
            if not one.check or right.sum() > _LUCK * one.chance * fits.sum():
                found[Match(one.tag, one.title, 0.0, _SURE, one)] += int(few.counts[right].sum())
    others = np.flatnonzero(~alone)
    some = others[strata(len(others), _CLOSELY)]
    pieces = find(few.texts.take(pa.array(some)))
    for tag in _RARE:
        rows = some[np.unique(pieces.rows[pieces.tags == TAGS_INSIDE.index(tag)])]
        found[Match("free_text", f"texts that contain {tag}", 0.0, _SURE, None, (tag,))] += int(few.counts[rows].sum())
    return +found
