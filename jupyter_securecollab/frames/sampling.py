"""What is looked at of a frame: the same rows every time, spread over all of it, as texts without repetition.

The rows are cut into as many equal strata as values are wanted, and one row is taken from each, at a place that
depends on nothing but the stratum's number. A column that is mostly null there gives rows of its own, from among those
that have a value. A value is looked at up to its 2,000th character; what is long is never copied whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from .sampled import Sample, strata
from .uniques import whole

ROWS = 2_000
"""Rows looked at of a frame unless all are wanted."""

_CELLS = 4_000_000
"""Cells looked at of a frame at most: of 10,000 columns, 400 rows each."""

_FEWEST = 200
_CLIPPED = 2_000
_LONG = 16_384
_DEEPEST = 4
_HELD = 16  # values of a container in a column of anything that are looked at
_EXACT = 2.0**53  # floats beyond it are not whole numbers, whatever they look like

# What people write where they have no value.
_MISSING = pa.array(
    ["", "-", "--", "?", ".", "n/a", "na", "#n/a", "nan", "none", "null", "nil", "unknown", "missing", "\\n", "(null)"],
    pa.large_string(),
)


def rows_to_see(rows: int, columns: int) -> NDArray[np.int64]:
    """The rows of a frame that are looked at."""
    return strata(rows, max(_FEWEST, min(ROWS, _CELLS // max(columns, 1))))


def sample(name: str, values: Any, rows: NDArray[np.int64] | None) -> Iterator[Sample]:
    """Samples of a column: one, or one for each leaf of a nested column, named `column.field` or `column[]`.

    Categories that no row has are one too: they go wherever the column goes.

    `values` is a pandas, polars or pyarrow column; `rows` are the rows to look at, None for all.
    """
    taken = values if rows is None or len(rows) == len(values) else take(values, rows)
    arrow = _arrow(taken)
    if rows is not None and len(rows) < len(values) and arrow.null_count > len(rows) // 2:
        arrow = _arrow(take(values, _filled(values, len(rows))))
    for leaf, part in _leaves(name, arrow, 0):
        yield _leaf(leaf, part)
    unused = _unused(values)
    if unused is not None:
        yield _leaf(f"{name}[]", unused)


def _unused(values: Any) -> Any:
    """Some of the categories that no row has; None where there are none."""
    if hasattr(values, "iloc") and type(values.dtype).__name__ == "CategoricalDtype":
        codes, words = values.cat.codes.to_numpy(), values.cat.categories.to_series()
    elif hasattr(values, "to_arrow") and type(values.dtype).__name__ == "Enum":
        codes, words = values.drop_nulls().to_physical().to_numpy(), values.dtype.categories
    elif isinstance(values, pa.ChunkedArray | pa.Array) and pa.types.is_dictionary(values.type):
        one: Any = whole(values) if isinstance(values, pa.ChunkedArray) else values
        codes, words = one.indices.drop_null().to_numpy(), one.dictionary
    else:
        return None
    there = np.zeros(len(words), bool)
    there[codes[codes >= 0]] = True
    left = np.flatnonzero(~there)
    return _arrow(take(words, left[strata(len(left), ROWS)])) if len(left) else None


def texts_of(name: str, values: Any) -> Iterator[tuple[str, Any]]:
    """The leaves of a column that hold text, each with all its values as an Arrow array."""
    for leaf, part in _leaves(name, _arrow(values), 0):
        kind, texts = _texts(part)
        if kind == "text":
            yield leaf, texts


def texts_at(values: Any, rows: NDArray[np.int64]) -> Any:
    """The texts of these rows; empty where there is no value, and everywhere where a column holds no text."""
    kind, texts = _texts(_plain(take(values, rows)))
    if kind != "text":
        return pa.array([""] * len(rows), pa.large_string())
    texts = pc.fill_null(pc.utf8_trim_whitespace(texts), "")
    return pc.if_else(_missing(texts), "", texts)


def numbers_at(values: Any, rows: NDArray[np.int64], kinds: tuple[str, ...] = ("integer",)) -> NDArray[np.float64]:
    """The numbers of these rows; NaN for nulls and what is none, and everywhere where a column is of no such kind."""
    kind, numbers = _texts(_plain(take(values, rows)))
    if kind not in kinds:
        return np.full(len(rows), np.nan)
    if kind == "text":
        like = pc.match_substring_regex(numbers, r"^[+-]?[0-9]{1,18}(\.[0-9]{0,20})?$")
        numbers = pc.if_else(like, numbers, pa.scalar(None, numbers.type))
    return np.asarray(pc.cast(numbers, pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=np.float64)


def years_at(values: Any, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The years of the dates of these rows, four digits where they are texts; NaN for nulls and what has none."""
    kind, dates = _texts(_plain(take(values, rows)))
    if kind == "date":
        years = pc.year(_local(dates))
    elif kind == "text":
        years = pc.struct_field(pc.extract_regex(dates, r"(?:^|[^0-9])(?P<year>[12][0-9]{3})(?:[^0-9]|$)"), "year")
    else:
        return np.full(len(rows), np.nan)
    return np.asarray(pc.cast(years, pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _plain(values: Any) -> Any:
    """Values as one Arrow array, categories as what they stand for."""
    arrow = _arrow(values)
    return arrow.dictionary_decode() if pa.types.is_dictionary(arrow.type) else arrow


def take(values: Any, rows: NDArray[np.int64]) -> Any:
    """These rows of a column, in the library's own type."""
    if hasattr(values, "iloc"):
        return values.iloc[rows]
    return values[rows] if hasattr(values, "to_arrow") else values.take(pa.array(rows))


def _filled(values: Any, wanted: int) -> NDArray[np.int64]:
    """Rows that have a value, spread over the column."""
    if hasattr(values, "iloc"):
        there = np.asarray(values.notna(), dtype=bool)
    else:
        there = np.asarray(values.is_not_null() if hasattr(values, "to_arrow") else values.is_valid(), dtype=bool)
    filled = np.flatnonzero(there)
    return filled[strata(len(filled), wanted)]


def _arrow(values: Any) -> Any:
    """Values as one Arrow array. What Arrow cannot hold together becomes text, value by value."""
    try:
        if hasattr(values, "iloc"):
            found: Any = pa.Array.from_pandas(_shortened(values))
        elif hasattr(values, "to_arrow") and type(values.dtype).__name__ == "Object":
            raise TypeError  # Arrow would get addresses
        else:
            found = values.to_arrow() if hasattr(values, "to_arrow") else values
    except (pa.ArrowException, TypeError, ValueError, OverflowError, UnicodeError):
        found = pa.array(list(map(_as_text, values)), pa.large_string())
    return whole(found) if isinstance(found, pa.ChunkedArray) else found


def _shortened(values: Any) -> Any:
    """Of a few Python objects, texts up to their 2,000th character: Arrow would copy them whole."""
    if values.dtype != object or len(values) > ROWS or not any(_is_long(one) for one in values):
        return values
    return values.map(lambda one: one[:_CLIPPED] if _is_long(one) else one)


def _is_long(value: Any) -> bool:
    return isinstance(value, str | bytes) and len(value) > _CLIPPED


def _as_text(value: Any, depth: int = 0) -> str | None:
    """A value of a mixed column as text; None for nulls. Objects of other people's making are not asked for theirs."""
    if isinstance(value, dict | list | tuple | set | frozenset):
        held = islice(value.values() if isinstance(value, dict) else value, _HELD) if depth < _DEEPEST else ()
        return " ".join(filter(None, (_as_text(one, depth + 1) for one in held))) or None
    if isinstance(value, bytes):
        return value[:_CLIPPED].decode("utf-8", "replace")
    if isinstance(value, str):
        return value[:_CLIPPED].encode("utf-8", "replace").decode("utf-8")
    known = (int, float, np.integer, np.floating)
    return str(value) if isinstance(value, known) or type(value).__module__ in ("datetime", "decimal", "uuid") else None


def _leaves(name: str, values: Any, depth: int) -> Iterator[tuple[str, Any]]:
    kind = values.type
    if pa.types.is_dictionary(kind):
        yield from _leaves(name, values.dictionary_decode(), depth)
    elif depth < _DEEPEST and (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    ):
        yield from _leaves(f"{name}[]", values.flatten(), depth + 1)
    elif depth < _DEEPEST and pa.types.is_map(kind):
        yield from _leaves(f"{name}.key", values.keys, depth + 1)
        yield from _leaves(f"{name}.value", values.items, depth + 1)
    elif depth < _DEEPEST and pa.types.is_struct(kind):
        for number, part in enumerate(values.flatten()):
            yield from _leaves(f"{name}.{kind.field(number).name}", part, depth + 1)
    else:
        yield name, values


def _leaf(name: str, values: Any) -> Sample:
    rows = len(values)
    kind, texts = _texts(values)
    if kind == "nothing":
        return Sample(name, kind, pa.array([], pa.large_string()), rows=rows)
    texts, counts = _distinct(texts)
    if kind == "text":
        texts, counts = cleaned(texts, counts)
    seen = int(counts.sum())
    return Sample(name, kind if seen else "nothing", texts, counts, rows, seen)


def _texts(values: Any) -> tuple[str, Any]:
    """What a column holds, and its values as text."""
    kind = values.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view():
        return "text", _clipped(values)
    if pa.types.is_integer(kind):
        return "integer", values
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        numbers = pc.cast(values, pa.float64())
        numbers = pc.if_else(pc.is_finite(numbers), numbers, pa.scalar(None, pa.float64()))
        whole = pc.all(pc.equal(pc.floor(numbers), numbers)).as_py()
        small = (pc.max(pc.abs(numbers)).as_py() or 0) < _EXACT
        return ("integer", pc.cast(numbers, pa.int64())) if whole and small else ("number", numbers)
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return "date", values
    if pa.types.is_boolean(kind):
        return "flag", values
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        return "text", pc.utf8_slice_codeunits(_decoded(values), 0, _CLIPPED)
    return "nothing", values


def _is_valid(values: Any) -> bool:
    """Whether texts are UTF-8; files and other programs may say so of what is not."""
    try:
        values.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _decoded(values: Any, errors: str = "replace") -> Any:
    """Bytes, or texts by their bytes, as texts up to about their 2,000th character; the rest is not copied."""
    starts = pc.binary_slice(pc.cast(values, pa.large_binary()), 0, 4 * _CLIPPED)
    texts = [None if one is None else one.decode("utf-8", errors) for one in starts.to_pylist()]
    return pa.array(texts, pa.large_string())


def _clipped(values: Any) -> Any:
    """Texts up to their 2,000th character; buffers of long ones are not copied."""
    if len(values) and values.nbytes / len(values) > _LONG:
        values = _decoded(values, "ignore")
    elif not _is_valid(values):
        return _decoded(values)
    texts = pc.cast(values, pa.large_string())
    if len(texts) and texts.nbytes / len(texts) > _CLIPPED / 10:
        return pc.utf8_slice_codeunits(texts, 0, _CLIPPED)
    return texts


def _distinct(values: Any) -> tuple[Any, NDArray[np.int64]]:
    counted = pc.value_counts(pc.drop_null(values))
    distinct = counted.field("values")
    if pa.types.is_temporal(distinct.type):
        distinct = pc.strftime(_local(distinct), format="%Y-%m-%dT%H:%M:%S")
    return distinct, np.asarray(counted.field("counts"), dtype=np.int64)


def _local(moments: Any) -> Any:
    """Without a zone and as days or seconds, so that years can be read off, and that midnight is midnight there."""
    if pa.types.is_date(moments.type):
        return pc.cast(moments, pa.timestamp("s"))
    try:
        moments = pc.local_timestamp(moments) if moments.type.tz else moments
    except pa.ArrowInvalid:  # a zone that this machine does not know: off by some hours, not by years
        moments = pc.cast(moments, pa.timestamp(moments.type.unit))
    return pc.cast(moments, pa.timestamp("s"), safe=False)


def cleaned(texts: Any, counts: NDArray[np.int64]) -> tuple[Any, NDArray[np.int64]]:
    """Trimmed, and without characters nobody sees, full-width forms and words that mean a value is missing."""
    before, texts = texts, pc.utf8_trim_whitespace(texts)
    if not pc.all(pc.string_is_ascii(texts)).as_py():
        texts = pc.call_function("utf8_normalize", [texts], pc.Utf8NormalizeOptions("NFKC"))
        texts = pc.utf8_trim_whitespace(pc.replace_substring_regex(texts, r"[\p{Cf}\p{Cc}]+", ""))
    there = np.asarray(pc.invert(_missing(texts)), dtype=bool)
    kept, counts = texts.filter(pa.array(there)), counts[there]
    return (kept, counts) if texts.equals(before) else _merged(kept, counts)


def _missing(texts: Any) -> Any:
    return pc.is_in(pc.utf8_lower(texts), value_set=_MISSING)


def _merged(texts: Any, counts: NDArray[np.int64]) -> tuple[Any, NDArray[np.int64]]:
    """Texts that have become the same, once."""
    encoded = texts.dictionary_encode()
    if len(encoded.dictionary) == len(texts):
        return texts, counts
    sums = np.bincount(np.asarray(encoded.indices), weights=counts, minlength=len(encoded.dictionary))
    return encoded.dictionary, sums.astype(np.int64)
