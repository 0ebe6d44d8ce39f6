"""Masked copies of one column: what a reader gets in place of values above his level.

One technique is one Arrow kernel; around it the column keeps its library, length, index and nulls. The caller's
column is never changed. No keys here (pseudonyms and format-preserving encryption are not in this release), and
`drop` is not a technique: a plan that drops a column makes no copy of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CannotHold, Invalid

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    Column = pa.ChunkedArray[Any]

DROP = "drop"

# What partial keeps of a text: a pattern and what to put in its place. Text that does not look like it becomes stars.
_STARS = "***"
_PARTIAL = {
    "us_ssn": (r"(?s)^.{5,}([0-9]{4})\s*$", rf"{_STARS}\1"),
    "credit_card": (r"(?s)^.{8,}([0-9]{4})\s*$", rf"{_STARS}\1"),
    "phone": (r"(?s)^.{6,}([0-9]{2})\s*$", rf"{_STARS}\1"),
    "email": (r"(?s)^[^@]+(@[^@]+)$", rf"{_STARS}\1"),
    "postcode": (r"(?s)^([0-9A-Za-z]{3}).+$", rf"\1{_STARS}"),
    "birth_date": (r"(?s)^([0-9]{4})-.*$", rf"\1-{_STARS}"),
    "death_date": (r"(?s)^([0-9]{4})-.*$", rf"\1-{_STARS}"),
}
_INITIAL = (r"(?s)^(.)..+$", rf"\1{_STARS}")

# Tags whose masked copy may keep something by default; every other text is redacted.
_PARTIAL_BY_DEFAULT = frozenset({"birth_date", "death_date", "postcode"})


def default_technique(values: Any, tag: str | None) -> str:
    """What a masked copy of this column is made with unless somebody says otherwise."""
    kind = _value_type(values)
    if tag in _PARTIAL_BY_DEFAULT and (_is_text(kind) or _is_date(kind)):
        return "partial"
    return "redact" if _is_text(kind) else "null"


def mask_column(values: Any, how: str, tag: str | None) -> Any:
    """A masked copy of a pandas, polars or pyarrow column; `how` is one of `TECHNIQUES`.

    Keeps length, name, index, nulls and, wherever a type can hold the result, the type: only a NumPy integer or
    boolean column that loses its values becomes pandas' nullable type of the same width.
    """
    if how not in TECHNIQUES:
        raise Invalid(f"{how!r} is not a way to mask", next_step=f"Use one of {', '.join((*TECHNIQUES, DROP))}.")
    kind = _value_type(values)
    if not (how == "null" or _is_text(kind) or (how == "partial" and _is_date(kind))):
        raise Invalid(f"{how} does not work on this type of column", next_step="Use null or drop for it.")
    return _LIBRARIES[_library(values)](values, how, tag)


def _redact(values: Column, tag: str | None) -> Column:
    constant = pa.scalar(f"[{tag or 'redacted'}]", values.type)
    masked: Column = pc.if_else(pc.is_valid(values), constant, pa.scalar(None, values.type))
    return masked


def _partial(values: Column, tag: str | None) -> Column:
    if pa.types.is_temporal(values.type):
        return _whole_years(values)
    pattern, kept = _PARTIAL.get(tag or "", _INITIAL)
    replaced = pc.replace_substring_regex(values, pattern, kept)
    unlike: Any = pc.equal(replaced, values)  # it did not match the pattern, so nothing was taken away
    masked: Column = pc.if_else(unlike, pa.scalar(_STARS, values.type), replaced)
    return masked


def _whole_years(values: Column) -> Column:
    masked: Column = pc.floor_temporal(values, unit="year")
    return masked


def _null(values: Column, tag: str | None) -> Column:
    return pa.chunked_array([pa.nulls(len(values), values.type)])


TECHNIQUES: dict[str, Callable[[Column, str | None], Column]] = {
    "redact": _redact,
    "partial": _partial,
    "null": _null,
}


def _mask_pyarrow(values: Column | pa.Array[Any], how: str, tag: str | None) -> Column | pa.Array[Any]:
    if isinstance(values, pa.ChunkedArray):
        return _mask_arrow(values, how, tag)
    return _mask_arrow(pa.chunked_array([values]), how, tag).combine_chunks()


def _mask_arrow(values: Column, how: str, tag: str | None) -> Column:
    if how == "null" or pa.types.is_null(values.type):
        return _null(values, tag)
    if pa.types.is_dictionary(values.type):
        return _encoded(_mask_arrow(values.cast(values.type.value_type), how, tag), values.type)
    # Text in any of Arrow's layouts is computed in the one that every kernel knows.
    common = values.cast(pa.large_string()) if _is_text(values.type) else values
    return TECHNIQUES[how](common, tag).cast(values.type)


def _encoded(values: Column, kind: pa.DictionaryType[Any, Any, Any]) -> Column:
    """Dictionary-encoded anew, so that the dictionary holds masked values only."""
    whole = values.combine_chunks().dictionary_encode()
    indices = whole.indices.cast(kind.index_type)
    return pa.chunked_array([pa.DictionaryArray.from_arrays(indices, whole.dictionary, ordered=kind.ordered)])


def _mask_polars(values: pl.Series, how: str, tag: str | None) -> pl.Series:
    import polars as pl

    coded = isinstance(values.dtype, pl.Categorical | pl.Enum)
    plain = values.cast(pl.String) if coded else values
    masked = pl.Series(values.name, _mask_pyarrow(plain.to_arrow(), how, tag), plain.dtype)
    if isinstance(values.dtype, pl.Enum):  # its categories are part of the type and would tell the values
        return masked.cast(pl.Enum(masked.drop_nulls().unique(maintain_order=True)))
    return masked.cast(values.dtype)


def _mask_pandas(values: pd.Series[Any], how: str, tag: str | None) -> pd.Series[Any]:
    import pandas as pd

    if isinstance(values.dtype, pd.CategoricalDtype):
        return pd.Series(_mask_categories(values.array, how, tag), index=values.index, name=values.name)
    if how == "null":
        return _nulls(values)
    masked = _mask_pyarrow(pa.Array.from_pandas(values), how, tag).to_pandas()
    plain: pd.Series[Any] = pd.Series(masked.array, index=values.index, name=values.name, dtype=values.dtype)
    return plain.mask(values.isna(), values) if values.dtype == object else plain


def _nulls(values: pd.Series[Any]) -> pd.Series[Any]:
    """As many nulls, in a type of the same width: NumPy's own integers and booleans cannot be null."""
    import numpy as np
    import pandas as pd

    dtype: Any = values.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "iub":
        dtype = {"i": f"Int{8 * dtype.itemsize}", "u": f"UInt{8 * dtype.itemsize}", "b": "boolean"}[dtype.kind]
    try:
        nulls: pd.Series[Any] = pd.Series(None, index=values.index, name=values.name, dtype=dtype)
        return nulls
    except (TypeError, ValueError):
        raise CannotHold("this type of column cannot be null", next_step="Use drop for it.") from None


def _mask_categories(values: Any, how: str, tag: str | None) -> Any:
    """Codes and categories anew: the old categories, used or not, would tell the values."""
    import numpy as np
    import pandas as pd

    used = values.remove_unused_categories()
    if how == "null":
        return pd.Categorical.from_codes(np.full(len(used), -1), categories=used.categories[:0], ordered=used.ordered)
    numbers, categories = pd.factorize(_mask_pandas(pd.Series(used.categories), how, tag))
    codes = np.append(numbers, -1)[used.codes]  # code -1, a null, picks the appended -1
    return pd.Categorical.from_codes(codes, categories=categories, ordered=used.ordered)


_LIBRARIES: dict[str, Callable[[Any, str, str | None], Any]] = {
    "pandas": _mask_pandas,
    "polars": _mask_polars,
    "pyarrow": _mask_pyarrow,
}


def _library(values: Any) -> str:
    return type(values).__module__.partition(".")[0]


def _value_type(values: Any) -> pa.DataType | None:
    """The Arrow type of the values; None for objects that Arrow cannot hold together."""
    library = _library(values)
    try:
        if library == "pandas":
            kind: Any = pa.Array.from_pandas(values).type
        else:
            kind = (values.head(0).to_arrow() if library == "polars" else values).type
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        return None
    value_type: pa.DataType = kind.value_type if pa.types.is_dictionary(kind) else kind
    return value_type


def _is_text(kind: pa.DataType | None) -> bool:
    return kind in (pa.null(), pa.string(), pa.large_string(), pa.string_view())


def _is_date(kind: pa.DataType | None) -> bool:
    return kind is not None and (pa.types.is_date(kind) or pa.types.is_timestamp(kind))
