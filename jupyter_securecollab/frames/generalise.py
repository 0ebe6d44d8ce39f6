"""Coarser values: bands of numbers, months and years of dates, beginnings of texts, bounds; and ages over 89 as 90.

Types stay: a band is named by its lower bound, a month by its first day. No keys, no randomness.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import Invalid
from .techniques import UNITS, Option
from .uniques import in_blocks, on_texts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = pa.ChunkedArray[Any]

OLDEST = 90
"""Ages from here on are one band: 45 CFR 164.514(b)(2)(i)(C)."""

STARS = "***"
_ISO = {"year": r"(?s)^([0-9]{4})-[0-9]{2}-.*$", "month": r"(?s)^([0-9]{4}-[0-9]{2})-.*$"}
_LONGEST = 1000
_BY_TAG: dict[str, Option] = {
    "age": Decimal(5),
    "latitude": Decimal("0.1"),
    "longitude": Decimal("0.1"),
    "postcode": Decimal(3),
    "date_of_birth": "year",
    "date_of_death": "year",
}


def generalise(values: Column, to: Option | None, tag: str | None) -> Column:
    """Bands of a width, units of time, or so many characters; what the tag suggests where `to` is not given."""
    kind = values.type
    if to is None:
        to = _BY_TAG.get(tag or "", "month" if pa.types.is_temporal(kind) else None)
        if to is None:
            raise Invalid("generalise needs to be told how far", next_step="Write generalise:10, or another width.")
    if pa.types.is_large_string(kind):
        return _beginning(values, to)
    if pa.types.is_temporal(kind):
        if not isinstance(to, str):
            raise Invalid("dates are not generalised to a number", next_step=f"Use one of {', '.join(UNITS)}.")
        floor: Any = pc.floor_temporal
        floored: Column = floor(values, unit=to)
        return floored
    if not isinstance(to, Decimal) or to <= 0:
        raise Invalid("numbers are generalised to bands of a width above zero", next_step="Write generalise:10.")
    banded = _banded(values, to)
    return clipped(banded, None, Decimal(OLDEST)) if tag == "age" else banded


def clipped(values: Column, low: Decimal | None, high: Decimal | None) -> Column:
    """The bounds in place of everything beyond them; nulls and NaN stay."""
    if low is not None and high is not None and low > high:
        raise Invalid("the lower bound is above the higher one", next_step="Write clip:LOW:HIGH.")
    if low is None and high is None:
        raise Invalid("clip needs a bound", next_step="Write clip:LOW:HIGH; either may be left out.")
    lowest, highest = (None if bound is None else _bound(bound, values.type) for bound in (low, high))
    return in_blocks(values, lambda block: np.clip(block, lowest, highest))


def _bound(bound: Decimal, kind: pa.DataType) -> Any:
    try:
        whole = pa.types.is_integer(kind)
        if whole and bound != bound.to_integral_value():
            raise Invalid("whole numbers have whole bounds", next_step="Give a bound without decimals.")
        return np.dtype(kind.to_pandas_dtype()).type(pa.scalar(int(bound) if whole else float(bound), kind).as_py())
    except (pa.ArrowInvalid, OverflowError):
        raise Invalid("a bound is beyond what this type of column can hold") from None


def _beginning(texts: Column, to: Option) -> Column:
    if isinstance(to, str):
        if to not in _ISO:
            raise Invalid(f"dates that are text are not generalised to a {to}", next_step="Use year or month.")
        return on_texts(texts, lambda block: _until(block, _ISO[to]))
    if to != to.to_integral_value() or not 1 <= to <= _LONGEST:
        raise Invalid("texts are generalised to a number of characters", next_step="Write generalise:3.")
    return on_texts(texts, lambda block: _cut(block, int(to)))


def _until(texts: pa.Array[Any], pattern: str) -> pa.Array[Any]:
    replaced: Any = pc.replace_substring_regex(texts, pattern, r"\1")
    begun: pa.Array[Any] = pc.if_else(pc.match_substring_regex(texts, pattern), replaced, pa.scalar(STARS, texts.type))
    return begun


def _cut(texts: Any, length: int) -> pa.Array[Any]:
    begun: Any = pc.utf8_slice_codeunits(texts, 0, length)
    longer = pc.greater(pc.utf8_length(texts), pa.scalar(length, pa.int64()))
    stars, nothing = pa.scalar(STARS, texts.type), pa.scalar("", texts.type)
    cut: pa.Array[Any] = pc.if_else(longer, pc.binary_join_element_wise(begun, stars, nothing), stars)
    return cut


def _banded(values: Column, width: Decimal) -> Column:
    bands = _whole_bands if pa.types.is_integer(values.type) else _bands
    return in_blocks(values, lambda block: bands(block, width))


def _whole_bands(plain: NDArray[Any], width: Decimal) -> NDArray[Any]:
    if width != width.to_integral_value():
        raise Invalid("whole numbers fall into bands of a whole width", next_step="Write generalise:10.")
    limits = np.iinfo(plain.dtype)
    if width > limits.max:
        raise Invalid("the bands are wider than this type of column can hold", next_step="Use a smaller width.")
    made = plain - plain % plain.dtype.type(int(width))
    lowest: NDArray[Any] = np.where(made > plain, limits.min, made)  # below what the type can hold
    return lowest


def _bands(plain: NDArray[Any], width: Decimal) -> NDArray[Any]:
    exponent = width.as_tuple().exponent
    decimals = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    if not 0 < float(width) < np.inf:
        raise Invalid("the bands are too narrow or too wide for this type of column", next_step="Write generalise:10.")
    with np.errstate(all="ignore"):  # infinite and enormous values: infinite
        # Nine decimals away from a bound is on it: 0.3 / 0.1 is a little less than 3.
        floored = np.floor(np.round(plain.astype(np.float64) / float(width), 9)) * float(width)
        rounded = np.round(floored, decimals)
        made: NDArray[Any] = np.where(np.isfinite(rounded), rounded, floored).astype(plain.dtype)
    return made
