"""What surrounds the values of a column while they are masked: its library, type, index, name and categories.

One function for each library. Categories are made anew, so that no old one stays behind; the caller's column is never
changed, and what is made shares no memory with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, cast

import pyarrow as pa

from ..errors import CannotHold, Invalid
from .coded import alike, in_parts, renumbered, used
from .kernels import BY_PLACE, Task, as_arrow, decoded, mask_arrow
from .uniques import SAMPLE, few_repeats, in_blocks, whole
from .written import raw

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    Column = pa.ChunkedArray[Any]

_QUICK = frozenset({"generalise", "partial", "redact"})
"""Techniques that take less time than finding repeats."""
_PART = 32_768


def _mask_pyarrow(values: Column | pa.Array[Any], task: Task) -> Column | pa.Array[Any]:
    if isinstance(values, pa.ChunkedArray):
        return mask_arrow(values, task)
    masked: pa.Array[Any] = whole(mask_arrow(pa.chunked_array([values]), task))
    return masked


def _mask_polars(values: pl.Series, task: Task) -> pl.Series:
    """Without its name, which polars takes for a pattern where it is `^...$`."""
    return _mask_nameless(values.alias(""), task).alias(values.name)


def _mask_nameless(values: pl.Series, task: Task) -> pl.Series:
    import polars as pl

    if task.choice.how == "null":
        return values.clear(len(values)).cast(_telling_nothing(values.dtype))
    if _telling_nothing(values.dtype) != values.dtype and not isinstance(values.dtype, pl.Enum):
        raise Invalid("enumerations inside lists and structs cannot be masked", next_step="Use null or drop for it.")
    if isinstance(values.dtype, pl.String) and task.choice.how not in BY_PLACE:
        return _mask_polars_texts(values, task)
    if isinstance(values.dtype, pl.Categorical | pl.Enum):
        return _mask_polars_codes(values, task)
    made = mask_arrow(as_arrow(values), task)
    pa.default_memory_pool().release_unused()  # the column as Arrow's: polars lays its texts out otherwise
    return pl.Series(values.name, made, values.dtype)


def _mask_polars_codes(values: pl.Series, task: Task) -> pl.Series:
    """Categories masked, and codes renumbered, as `coded` does it for Arrow's."""
    import numpy as np
    import polars as pl

    enumerated, dealt = isinstance(values.dtype, pl.Enum), task.choice.how == "shuffle"
    words = values.unique(maintain_order=True).drop_nulls()
    if not len(words):
        return values.cast(_telling_nothing(values.dtype))
    known, codes = words.to_physical(), values.to_physical()
    found, places = known, renumbered(known.to_numpy(), np.arange(len(known)), cast("int", known.max()) + 1)
    if dealt:
        kind = pa.from_numpy_dtype(np.min_scalar_type(len(words)))
        codes = pl.Series(values.name, mask_arrow(in_blocks(as_arrow(codes), places.__getitem__, kind), task))
        found, places = codes.unique(maintain_order=True).drop_nulls(), np.arange(len(words))
    elif enumerated and task.choice.technique.in_order:
        found = found.sort()
    texts = words.gather(places[found.to_numpy()]).cast(pl.String)
    masks = texts if dealt else _mask_polars(texts, task)
    # The values of an enumeration are part of its type, and tell those of the rows.
    made = masks.cast(pl.Enum(masks.unique(maintain_order=True)) if enumerated else values.dtype)
    places[found.to_numpy()] = np.arange(len(found))
    by_code = made.gather(np.maximum(places, 0))
    parts = [by_code.gather(codes.slice(start, _PART)) for start in range(0, len(codes), _PART)]
    return pl.concat(parts, rechunk=False).alias(values.name)


def _mask_polars_texts(values: pl.Series, task: Task) -> pl.Series:
    """Part by part, so that they are never all Arrow's: polars lays texts out otherwise. Equal masks are held once."""
    import polars as pl

    starts = range(0, max(len(values), 1), _PART)
    seen = values.gather_every(len(values) // SAMPLE + 1).drop_nulls()
    repeats = len(seen) - seen.n_unique()
    if task.choice.how in _QUICK or few_repeats(len(seen), repeats, len(values) - values.null_count()):
        given = (values.slice(start, _PART) for start in starts)
        return _of_parts(values.name, (mask_arrow(as_arrow(part), task) for part in given))
    viewed: Any = values.to_arrow(compat_level=pl.CompatLevel.newest())
    encoded = viewed.dictionary_encode()
    codes, distinct = pl.Series(encoded.indices), decoded(pa.chunked_array([encoded.dictionary]))
    del viewed, encoded
    pa.default_memory_pool().release_unused()  # the table of distinct values
    masks = _of_parts(values.name, [mask_arrow(distinct, task)])
    return pl.concat([masks.gather(codes.slice(start, _PART)) for start in starts], rechunk=False)


def _of_parts(name: str, parts: Iterable[Any]) -> pl.Series:
    import polars as pl

    return pl.concat([pl.Series(name, part.cast(pa.string_view()), pl.String) for part in parts], rechunk=False)


def _telling_nothing(dtype: Any) -> Any:
    """The same type without the values of enumerations, which are part of it."""
    import polars as pl

    if isinstance(dtype, pl.Enum):
        return pl.Enum([])
    if isinstance(dtype, pl.Array):
        return pl.Array(_telling_nothing(dtype.inner), dtype.shape[0]) if len(dtype.shape) == 1 else dtype
    if isinstance(dtype, pl.List):
        return pl.List(_telling_nothing(dtype.inner))
    if isinstance(dtype, pl.Struct):
        return pl.Struct([pl.Field(field.name, _telling_nothing(field.dtype)) for field in dtype.fields])
    return dtype


def _mask_pandas(values: pd.Series[Any], task: Task) -> pd.Series[Any]:
    import pandas as pd

    if isinstance(values.dtype, pd.CategoricalDtype):
        return pd.Series(_mask_categorical(values, task), index=values.index, name=values.name, copy=False)
    if task.choice.how == "null":
        return _nulls(values)
    taken = as_arrow(values)
    plain: pd.Series[Any] = pd.Series(
        _as(mask_arrow(taken, task), values.dtype, taken),
        index=values.index,
        name=values.name,
        dtype=values.dtype,
        copy=False,
    )
    return plain.mask(values.isna(), values) if values.dtype == object else plain


def _as(masked: Column, dtype: Any, given: Column | None = None) -> Any:
    """An array of this pandas type. Takes over the memory of `masked` where that is not `given`'s."""
    import numpy as np
    import pandas as pd

    if isinstance(dtype, np.dtype) and dtype.kind == "O":  # Python's own values: numbers beside nulls become floats
        found = np.empty(len(masked), object)
        found[:] = masked.to_pylist()
        return found
    own = _own_memory(masked, given)
    if isinstance(dtype, np.dtype):
        if own is not None:
            if masked.null_count:
                own[np.asarray(masked.is_null())] = np.array("nan" if dtype.kind == "f" else "NaT", own.dtype)
            return own
        values = masked.to_numpy()
        return values if values.flags.writeable else values.copy()
    if own is not None and issubclass(dtype.type, np.number) and not isinstance(dtype, pd.ArrowDtype):
        return dtype.construct_array_type()(own, np.asarray(masked.is_null(), dtype=bool))
    return dtype.__from_arrow__(masked)


def _own_memory(masked: Column, given: Column | None) -> Any:
    """Numbers or times as NumPy's in the memory they lie in; None where that is not one piece, or shared."""
    import numpy as np

    kind: Any = masked.type
    plain = pa.types.is_integer(kind) or pa.types.is_floating(kind) or (pa.types.is_timestamp(kind) and kind.tz is None)
    if not plain or masked.num_chunks != 1 or not len(masked):
        return None
    dtype = np.dtype(f"M8[{kind.unit}]" if pa.types.is_timestamp(kind) else kind.to_pandas_dtype())
    made: Any = masked.chunk(0)
    buffer, chunks = made.buffers()[1], cast("list[Any]", [] if given is None else given.chunks)
    before = {one.buffers()[1].address for one in chunks if len(one)}
    if not buffer.is_mutable or buffer.address in before:
        return None
    return np.frombuffer(buffer, dtype, len(masked), made.offset * dtype.itemsize)


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


def _mask_categorical(values: pd.Series[Any], task: Task) -> Any:
    if task.choice.how == "null":
        return _no_categories(values.array)
    by_row = task.choice.how in BY_PLACE and task.choice.how != "shuffle"
    return _mask_decoded(values, task) if by_row else _mask_categories(values.array, task)


def _mask_categories(values: Any, task: Task) -> Any:
    """Categories masked, and codes renumbered, as `coded` does it for Arrow's."""
    import numpy as np
    import pandas as pd

    codes, ordered = values.codes, values.ordered and task.choice.technique.in_order
    if task.choice.how == "shuffle":
        missing = codes < 0 if codes.min(initial=0) < 0 else None
        codes = raw(whole(mask_arrow(pa.chunked_array([pa.array(codes, mask=missing)]), task)))
        for part, given in zip(in_parts(codes), in_parts(values.codes), strict=True):
            part[given < 0] = -1
    found = used((part[part >= 0] for part in in_parts(codes)), len(values.categories))
    if not len(found):
        return _no_categories(values)
    if ordered:
        found.sort()
    masks, numbers, firsts = values.categories.take(found), np.arange(len(found)), None
    if task.choice.how != "shuffle":
        masks = pd.Index(_mask_pandas(pd.Series(masks), task))
        numbers, firsts = alike(whole(as_arrow(masks)))
    table = renumbered(found, numbers, len(values.categories)).astype(codes.dtype)
    made = codes if task.choice.how == "shuffle" else np.empty_like(codes)
    for part, places in zip(in_parts(codes), in_parts(made), strict=True):
        places[:] = table[part]
    return pd.Categorical.from_codes(made, masks if firsts is None else masks.take(firsts), ordered=ordered)


def _mask_decoded(values: pd.Series[Any], task: Task) -> Any:
    """The same row by row: codes and categories anew, as the rows come."""
    import pandas as pd

    masked: Any = mask_arrow(decoded(as_arrow(values)), task).combine_chunks()
    if masked.null_count == len(masked):
        return _no_categories(values.array)
    encoded = masked.dictionary_encode()
    categories = pd.Index(_as(pa.chunked_array([encoded.dictionary]), values.cat.categories.dtype))
    return pd.Categorical.from_codes(encoded.indices.fill_null(-1).to_numpy(), categories=categories)


def _no_categories(values: Any) -> Any:
    import numpy as np
    import pandas as pd

    codes = np.full(len(values), -1, np.int8)
    none: Any = pd.Index([], dtype=values.categories.dtype)  # a part of the old ones would keep them all in memory
    return pd.Categorical.from_codes(codes, categories=none, ordered=values.ordered)


LIBRARIES: dict[str, Callable[[Any, Task], Any]] = {
    "pandas": _mask_pandas,
    "polars": _mask_polars,
    "pyarrow": _mask_pyarrow,
}
