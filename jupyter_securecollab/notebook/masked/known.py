"""Which values are known to be sensitive, by hash: the net under the masked copies.

Texts are compared without regard to case and spacing, by their first 32 characters, and from the fourth on: shorter
values would be found everywhere. What has no letters counts from six digits on. Only hashes under a key of their own
are kept, and only while a cell runs.
"""

from __future__ import annotations

import datetime as dt
import html
import re
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ...frames.sampled import LETTER, Sample, strata
from ...frames.sampling import ROWS, sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

SHORTEST, LONGEST = 4, 32
_DIGITS = 6
LARGEST = 1_000_000
"""Characters of one output that are searched; what is larger is withheld unsearched."""

_MASKS = r"^\[[a-z_]+\]( [0-9]+)?$|\*\*\*"
"""What masks of an earlier cell look like."""

_ENOUGH, _ENOUGH_NUMBERS = 0.1, 0.5
_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_TAGS = re.compile(r"<[^<>]*>")
_SPACES = re.compile(r"\s+")
_STARTS = re.compile(r"(?<![^\W\d_])[^\W\d_]|(?<!\d)\d|[^\w\s]|_")  # where letters, figures or signs begin
_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")


@dataclass(frozen=True)
class Source:
    """A sensitive column: what it is called, where it was found, its tag."""

    column: str
    tag: str | None


@dataclass(frozen=True)
class _Values:
    source: Source
    hashes: NDArray[np.uint64]
    lengths: frozenset[int]


class Known:
    """The sensitive values of the columns that were added."""

    def __init__(self) -> None:
        self._key = secrets.token_hex(8)  # 16 characters, as the hash wants it
        self._columns: list[_Values] = []

    def hashes(self, values: Any) -> NDArray[np.uint64]:
        """The values of a column as they are kept, in order."""
        return np.sort(self._hashed(forms(values))[0])

    def add(self, source: Source, values: Any, harmless: Iterable[NDArray[np.uint64]] = ()) -> None:
        """Remember the values of a column, but for harmless `hashes`: of its masks, and of what is shown anyway."""
        hashes, lengths = self._hashed(forms(values))
        hashes = np.sort(hashes)
        for shown in harmless:
            hashes = hashes[~_among(hashes, shown)]
        if len(hashes):
            self._columns.append(_Values(source, hashes, lengths))

    def source_of(self, column: Any) -> Source | None:
        """The column that another seems to be taken from: it has one in ten of its texts, or half of its numbers."""
        if not self._columns:
            return None
        found: pa.Array[Any] = forms(column, ROWS).unique()
        enough = _ENOUGH if pc.any(pc.match_substring_regex(found, LETTER)).as_py() else _ENOUGH_NUMBERS
        return self._source(self._hashed(found)[0], enough)

    def source_of_any(self, values: Iterable[Any]) -> Source | None:
        """The column that has one of these values."""
        texts = [text for text in map(form, values) if text]
        return self._source(self._hashes(texts), 0.0) if texts and self._columns else None

    def _source(self, hashes: NDArray[np.uint64], enough: float) -> Source | None:
        shares = [_among(hashes, one.hashes).mean() if len(hashes) else 0.0 for one in self._columns]
        best = int(np.argmax(shares))
        return self._columns[best].source if shares[best] > 0 and shares[best] >= enough else None

    def found_in(self, text: str) -> tuple[str, ...]:
        """Names of the columns that have a value which stands in this text, as words of it; also as HTML."""
        lengths = frozenset[int]().union(*(one.lengths for one in self._columns))
        plain = html.unescape(_ANSI.sub("", text))
        candidates = _candidates(_normal(plain), lengths)
        if "<" in plain:
            candidates |= _candidates(_normal(_TAGS.sub(" ", plain)), lengths)
        if not candidates:
            return ()
        hashes = self._hashes(list(candidates))
        return tuple(dict.fromkeys(one.source.column for one in self._columns if _among(hashes, one.hashes).any()))

    def _hashed(self, texts: pa.Array[Any]) -> tuple[NDArray[np.uint64], frozenset[int]]:
        counted: Any = texts
        lengths: Any = pc.unique(pc.utf8_length(counted))
        return self._hashes(texts.to_numpy(zero_copy_only=False)), frozenset(lengths.to_pylist())

    def _hashes(self, texts: Any) -> NDArray[np.uint64]:
        from pandas.util import hash_array

        values = np.empty(len(texts), object)
        values[:] = texts
        return hash_array(values, hash_key=self._key, categorize=False)


def forms(column: Any, rows: int | None = None) -> pa.Array[Any]:
    """The values of a column as they are looked for, or those of some of its rows; hardly any of them twice."""
    wanted = None if rows is None else strata(len(column), rows)
    found = [_forms(one) for one in sample("", column, wanted)]
    joined: pa.Array[Any] = pa.concat_arrays(found) if found else pa.array([], pa.large_string())
    return joined


def _forms(one: Sample) -> pa.Array[Any]:
    """What costs most is done only where some value needs it."""
    texts: Any = one.texts.cast(pa.large_string())
    if one.kind == "date":
        texts = pc.utf8_slice_codeunits(texts, 0, 10)
    texts = pc.utf8_lower(texts)
    if pc.any(pc.match_substring_regex(texts, r"\s\s|[\t-\r]")).as_py():
        texts = pc.replace_substring_regex(texts, r"\s+", " ")
    texts = pc.utf8_trim_whitespace(texts)
    lengths: Any = pc.utf8_length(texts)
    if (pc.max(lengths).as_py() or 0) > LONGEST:
        texts = pc.utf8_rtrim_whitespace(pc.utf8_slice_codeunits(texts, 0, LONGEST))
        lengths = pc.utf8_length(texts)
    kept = (np.asarray(lengths) >= SHORTEST) & np.asarray(pc.match_substring_regex(texts, LETTER), dtype=bool)
    others = np.flatnonzero(~kept)
    figures = pc.match_substring_regex(texts.take(pa.array(others)), f"([0-9][^0-9]*){{{_DIGITS}}}")
    kept[others] = np.asarray(figures, dtype=bool)
    if pc.any(pc.or_(pc.starts_with(texts, "["), pc.match_substring(texts, "***"))).as_py():
        kept &= ~np.asarray(pc.match_substring_regex(texts, _MASKS), dtype=bool)
    found: pa.Array[Any] = texts.filter(pa.array(kept))
    return found


def form(value: Any) -> str:
    """A value as it is looked for; empty where it is not."""
    if isinstance(value, str):
        text = _normal(value)[:LONGEST].rstrip()
        telling = any(map(str.isalpha, text)) or sum(map(str.isdigit, text)) >= _DIGITS
        return text if len(text) >= SHORTEST and telling else ""
    if value is None or isinstance(value, bool) or _is_null(value):
        return ""
    if isinstance(value, bytes):
        return form(value.decode("utf-8", "replace"))
    if isinstance(value, np.datetime64):
        return str(value)[:10]
    if isinstance(value, dt.datetime | dt.date):
        return value.isoformat()[:10]
    if isinstance(value, int | float | Decimal | np.integer | np.floating):
        whole = abs(float(value)) < 1e18 and float(value).is_integer()
        text = str(int(value)) if whole or isinstance(value, int) else str(value)
        return text.lower() if sum(char.isdigit() for char in text) >= _DIGITS else ""
    return ""


def _is_null(value: object) -> bool:
    try:
        return bool(value != value)
    except (TypeError, ValueError):  # pandas' NA, and what has no truth value
        return True


def _normal(text: str) -> str:
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _UNSEEN.sub("", text.encode("utf-8", "replace").decode()))
    return _SPACES.sub(" ", text).strip().lower()


def _candidates(text: str, lengths: Iterable[int]) -> set[str]:
    """Every piece of a text that has one of these lengths and begins and ends where words do."""
    wanted = sorted(lengths)
    found = set()
    for match in _STARTS.finditer(text):
        start = match.start()
        for length in wanted:
            end = start + length
            if end > len(text):
                break
            # what is as long as values are looked at may go on
            if length >= LONGEST - 1 or end == len(text) or not _one_word(text[end - 1], text[end]):
                found.add(text[start:end])
    return found


def _one_word(before: str, after: str) -> bool:
    return (before.isalpha() and after.isalpha()) or (before.isdigit() and after.isdigit())


def _among(hashes: NDArray[np.uint64], ordered: NDArray[np.uint64]) -> NDArray[np.bool_]:
    if not len(ordered):
        return np.zeros(len(hashes), bool)
    places = np.minimum(np.searchsorted(ordered, hashes), len(ordered) - 1)
    same: NDArray[np.bool_] = ordered[places] == hashes
    return same
