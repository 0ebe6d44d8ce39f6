"""What was looked at of one column, and what can be asked of it: how many values match, how long they are, their marks.

A glance is at a few of the values, to spare the others patterns that none of them fits. Figures of texts are computed
when they are first asked for, and kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .marks import A_LETTER, DIGIT, SMALL, count, mark, marks

LETTER = r"[A-Za-zÀ-\x{10FFFF}]"
"""A letter in a pattern: of ASCII, or anything beyond Latin-1's signs. RE2 takes a millisecond to compile `\\pL`."""

SEPARATORS = " ./-"
"""What people write between the parts of a number."""

_GLANCE = 24


def strata(rows: int, wanted: int) -> NDArray[np.int64]:
    """Row numbers, ascending: one of each of `wanted` equal strata, or all rows where there are no more than that."""
    if rows <= wanted:
        return np.arange(rows)
    edges = np.arange(wanted + 1) * rows // wanted
    # A multiplicative hash of the stratum's number picks the place in it, so that no period of the data is followed.
    places = (np.arange(wanted, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)).astype(np.float64)
    return edges[:-1] + (places / 2**32 * np.diff(edges)).astype(np.int64)


@dataclass(frozen=True)
class Sample:
    """Distinct values of one column, and in `counts` how often each stands in the rows looked at.

    `kind` is what the column holds: `text`, `integer`, `number`, `date`, `flag`, or `nothing` (no value, or values of
    a type that says nothing, such as durations). `seen` counts rows with a value, `rows` all rows looked at.
    """

    name: str
    kind: str
    distinct: Any
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    rows: int = 0
    seen: int = 0

    def share(self, matches: Any) -> float:
        """The share of values for which `matches`, one truth value per distinct text, holds."""
        return float(self.counts[np.asarray(matches, dtype=bool)].sum() / self.seen) if self.seen else 0.0

    def mean(self, figures: NDArray[np.int64]) -> float:
        """The mean over all values of a figure that each distinct text has."""
        return float(figures @ self.counts / self.counts.sum())

    def matching(self, pattern: str) -> NDArray[np.bool_]:
        """Which texts match an RE2 pattern."""
        return np.asarray(pc.match_substring_regex(self.texts, pattern), dtype=bool)

    def might(self, pattern: str) -> bool:
        """Whether some of a few texts, the most frequent and others, match; where none does hardly any will."""
        return bool(pc.match_substring_regex(self.glance, pattern).true_count)

    def shows(self, signs: str) -> bool:
        """Whether some of the few texts have one of these of `marks.SIGNS`."""
        return bool((self.glance_marks & mark(signs)).any())

    def could(self, marks: np.uint32, least: int, most: int) -> bool:
        """Whether some of the few texts have so many characters, and no other marks: asked before a pattern is."""
        fits = (self.glance_marks & ~marks == 0) & (self.glance_lengths >= least) & (self.glance_lengths <= most)
        return bool(fits.any())

    @cached_property
    def texts(self) -> Any:
        """Each distinct value as text, an Arrow array."""
        return pc.cast(self.distinct, pa.large_string())

    @cached_property
    def _glanced(self) -> NDArray[np.int64]:
        """Which of the texts the glance is at: the most frequent ones among others, all where there are not many."""
        if len(self.counts) <= 2 * _GLANCE:
            return np.arange(len(self.counts))
        often = np.argpartition(self.counts, -_GLANCE)[-_GLANCE:]
        return np.union1d(often, strata(len(self.counts), _GLANCE))

    @cached_property
    def glance(self) -> Any:
        """A few texts; all where there are not many."""
        return self.texts if len(self.counts) <= 2 * _GLANCE else self.texts.take(pa.array(self._glanced))

    @cached_property
    def glance_marks(self) -> NDArray[np.uint32]:
        """The marks of each text of the glance."""
        return self.marks[self._glanced]

    @cached_property
    def glance_lengths(self) -> NDArray[np.int64]:
        """Characters of each text of the glance."""
        return self.lengths[self._glanced]

    @cached_property
    def glance_compact(self) -> Any:
        """The texts of the glance without separators."""
        return _without_separators(self.glance, self.glance_marks)

    @cached_property
    def glance_compact_lengths(self) -> NDArray[np.int64]:
        """Characters of each text of the glance without separators."""
        return self.glance_lengths - count(self.glance, SEPARATORS)

    @cached_property
    def marks(self) -> NDArray[np.uint32]:
        """Which kinds of characters each text holds (see marks.py)."""
        return marks(self.texts)

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Characters of each text."""
        return np.asarray(pc.utf8_length(self.texts), dtype=np.int64)

    @cached_property
    def blanks(self) -> NDArray[np.int64]:
        """Blanks in each text."""
        return np.asarray(pc.count_substring(self.texts, " "), dtype=np.int64)

    @cached_property
    def compact(self) -> Any:
        """Each text without separators."""
        return _without_separators(self.texts, self.marks)

    @cached_property
    def numbers(self) -> NDArray[np.float64]:
        """Each distinct value as a number; NaN where it is none."""
        if self.kind in ("integer", "number"):
            return np.asarray(self.distinct, dtype=np.float64)
        like = pc.match_substring_regex(self.texts, r"^[+-]?[0-9]{1,18}(\.[0-9]{0,20})?([eE][+-]?[0-9]{1,2})?$")
        return np.asarray(pc.cast(pc.if_else(like, self.texts, "nan"), pa.float64()), dtype=np.float64)

    @cached_property
    def compact_lengths(self) -> NDArray[np.int64]:
        """Characters of each text without separators."""
        return np.asarray(pc.utf8_length(self.compact), dtype=np.int64)

    @cached_property
    def holds(self) -> frozenset[str]:
        """What at least one value in fifty has; recognizers that need something else are not even tried.

        `digit`, `letter`, `space`, `at`, `colon`; `figures`: no letter at all; `capitals`: no small letter but others.
        """
        letters = self.marks & A_LETTER != 0
        tests = {
            "capitals": letters & (self.marks & SMALL == 0),
            "digit": self.marks & DIGIT != 0,
            "letter": letters,
            "figures": ~letters,
            "space": self.marks & mark(" ") != 0,
            "at": self.marks & mark("@") != 0,
            "colon": self.marks & mark(":") != 0,
        }
        return frozenset(name for name, found in tests.items() if self.share(found) >= 0.02)


def _without_separators(texts: Any, marks: NDArray[np.uint32]) -> Any:
    """The same texts where none has any: then nothing is copied."""
    return pc.replace_substring_regex(texts, "[ ./-]", "") if (marks & mark(SEPARATORS)).any() else texts
