"""Categories are masked, not the rows that have them; the codes of the rows are numbered anew.

What comes out is what masking row by row and encoding again would give: categories whose masks are equal become one,
those that no row has are gone, and all stand as the rows come, for their old order would tell the values. Only where a
technique keeps the order of values do ordered ones stay in theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from .uniques import BLOCK, all_differ, in_blocks, whole
from .written import in_order, raw, valid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = pa.ChunkedArray[Any]
    Codes = NDArray[Any]
    Function = Callable[[Column], Column]

_PART = 16_384


def encoded(values: Column, index_type: pa.DataType, ordered: bool) -> Column:
    """A column encoded, so that its dictionary holds what the rows have, as they come."""
    made: Any = whole(values).dictionary_encode()
    return _dictionary(made.indices.cast(index_type), made.dictionary, ordered)


def recoded(values: Column, mask: Function, ordered: bool) -> Column:
    """An encoded column with its words masked, each of them once; `ordered` ones stay in their order."""
    codes, words = _apart(values)
    found = _used_of(codes, len(words))
    if ordered:
        found.sort()
    masks = whole(mask(_taken(words, found)))
    numbers, firsts = alike(masks)
    masks = masks if firsts is None else masks.take(pa.array(firsts))
    table = renumbered(found, numbers, len(words))
    del found, numbers, firsts
    return _renumbered(codes, table, masks.cast(words.type), ordered)


def dealt(values: Column, deal: Function) -> Column:
    """An encoded column whose codes are dealt out anew; `deal` gives them in memory of its own."""
    codes, words = _apart(values)
    codes = deal(codes)
    found = _used_of(codes, len(words))
    table = renumbered(found, np.arange(len(found)), len(words))
    for part in _parts(codes):
        raw(part)[:] = table[np.where(valid(part), raw(part), len(table) - 1)]
    return _dictionary(whole(codes), words.take(pa.array(found)), ordered=False)


def by_word(values: Column, function: Function) -> Column:
    """What the function makes of every value; of an encoded column it gets the words, each once."""
    if not pa.types.is_dictionary(values.type):
        return function(values)
    codes, words = _apart(values)
    made = whole(function(pa.chunked_array([in_one_layout(words)])))
    return pa.chunked_array([made.take(part) for part in _parts(codes)], made.type)


def alike(masks: pa.Array[Any]) -> tuple[Codes, Codes | None]:
    """Numbers of masks, the same for equal ones, as they come; where each stands first, or None where all differ."""
    plain = in_one_layout(masks)
    if pa.types.is_floating(plain.type):
        plain = pc.add(plain, pa.scalar(0.0, plain.type))  # zero has no sign
    if all_differ(pa.chunked_array([plain])):
        return np.arange(len(masks)), None
    encoded = plain.dictionary_encode()
    numbers = np.asarray(encoded.indices)
    return numbers, np.unique(numbers, return_index=True)[1]


def in_one_layout(values: Any) -> Any:
    """Texts in the one of Arrow's layouts that every technique knows; other values as they are."""
    return values.cast(pa.large_string()) if values.type in (pa.string(), pa.string_view()) else values


def used(codes: Iterable[Codes], count: int) -> Codes:
    """Which codes below `count` there are, as they come. It gets them in blocks."""
    seen, found, filled = np.zeros(count, bool), np.empty(count, np.int64), 0
    for block in codes:
        new = block[~seen[block]]
        if len(new):
            new = new[np.sort(np.unique(new, return_index=True)[1])]
            found[filled : filled + len(new)] = new
            seen[new] = True
            filled += len(new)
    return found[:filled]


def renumbered(found: Codes, numbers: Codes, count: int) -> Codes:
    """New codes by old ones, which are below `count`: these numbers for those found; -1 for one more, that of nulls."""
    table = np.full(count + 1, -1)
    table[found] = numbers
    return table


def in_parts(codes: Codes) -> Iterator[Codes]:
    """Blocks of an array."""
    return (codes[start : start + _PART] for start in range(0, len(codes), _PART))


def _taken(words: Any, found: Codes) -> Column:
    """Some of the words; texts in the layout that every technique knows."""
    places = pa.array(found)
    parts = (in_one_layout(words.take(places.slice(start, BLOCK))) for start in range(0, max(len(found), 1), BLOCK))
    return in_order(((part, None) for part in parts), pa.chunked_array([places]))


def _used_of(codes: Column, count: int) -> Codes:
    return used((raw(part.drop_null()) for part in _parts(codes)), count)


def _renumbered(codes: Column, table: Codes, words: Any, ordered: bool) -> Column:
    short = table.astype(codes.type.to_pandas_dtype())
    return _dictionary(whole(in_blocks(codes, short.__getitem__)), words, ordered)


def _parts(codes: Column) -> Iterator[pa.Array[Any]]:
    return (chunk.slice(start, _PART) for chunk in codes.chunks for start in range(0, len(chunk), _PART))


def _apart(values: Column) -> tuple[Column, Any]:
    """Codes and words, none of which is null, of an encoded column."""
    kind: Any = values.type
    one: Any = values.unify_dictionaries()
    words = one.chunk(0).dictionary if one.num_chunks else pa.array([], kind.value_type)
    if words.null_count:
        return _apart(encoded(values.cast(kind.value_type), kind.index_type, kind.ordered))
    return pa.chunked_array([chunk.indices for chunk in one.chunks], kind.index_type), words


def _dictionary(codes: pa.Array[Any], words: pa.Array[Any], ordered: bool) -> Column:
    return pa.chunked_array([pa.DictionaryArray.from_arrays(codes, words, ordered=ordered)])
