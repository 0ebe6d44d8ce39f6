"""Values dealt out anew among the rows that have one, every order as likely as any other; the chance is the key's.

Each value goes into a bucket that is drawn for it, and each bucket is put into an order by chance of its own (Rao 1961,
Sandelius 1962). The values themselves are moved, so that beside the result there is no more than a block or a bucket.
Which value comes where follows from the key and from how many there are, not from their type or library.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ..errors import Invalid
from .keyed import MaskKey
from .uniques import placed, whole
from .written import arrow_of, numpy_type, raw, valid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = pa.ChunkedArray[Any]
    Values = NDArray[Any]
    Places = NDArray[np.int64]

_MOST_ROWS = 2**32
_MOST_BUCKETS = 256
"""A byte is drawn for each value."""
_BLOCK = 15_360
"""Rows whose words take less than 128 KB: for more the C library asks the system each time."""
_BUCKET = 4_096
"""Where there are several buckets, they have so many values or more, on average."""


def shuffled(values: Column, key: MaskKey) -> Column:
    """The values that are there, dealt out anew among the rows that have one. At most 2**32 rows."""
    rows = whole(values)
    if len(rows) > _MOST_ROWS:
        raise Invalid("there are too many rows to shuffle", next_step="Use another technique.")
    if not _has_a_width(rows.type):
        order = np.empty(len(rows), np.uint32)
        _deal(rows, lambda places: places.astype(np.uint32), order, key)
        return pa.chunked_array([rows.take(pa.array(order))])
    made = np.empty(len(rows), numpy_type(rows.type))
    _deal(rows, raw(rows).__getitem__, made, key)
    return pa.chunked_array([arrow_of(made, rows.type, rows)])


def _has_a_width(kind: pa.DataType) -> bool:
    tests = (pa.types.is_integer, pa.types.is_floating, pa.types.is_date, pa.types.is_timestamp)
    return any(test(kind) for test in tests)


def _deal(rows: pa.Array[Any], at: Callable[[Places], Values], made: Values, key: MaskKey) -> None:
    """Writes what is `at` the places of the rows that are there, dealt out among them; others get their own number."""
    count = len(rows) - rows.null_count
    bits, start = _Bits(key, "shuffle"), 0
    for end in _put_into_buckets(rows, at, made[:count], key):
        bucket = made[start:end]
        bucket[:] = bucket[order_by_chance(len(bucket), bits.draw)]
        start = end
    if rows.null_count:
        _set_apart(made, count, rows)


def _put_into_buckets(rows: pa.Array[Any], at: Callable[[Places], Values], made: Values, key: MaskKey) -> list[int]:
    """Writes what is at each place into the bucket drawn for it. One follows another, and each ends where this says.

    Buckets are drawn twice: to know how many values of each block of rows go into each, and to write them there.
    """
    count = min(1 << max((len(made) // _BUCKET).bit_length() - 1, 0), _MOST_BUCKETS)
    sizes = np.empty((-(-len(rows) // _BLOCK), count), np.int16)
    for size, (_, _, drawn) in zip(sizes, _drawn(rows, count, key), strict=True):
        size[:] = np.bincount(drawn, minlength=count)
    ends = sizes.sum(axis=0).cumsum()
    free, within = ends - sizes.sum(axis=0), np.arange(_BLOCK)
    for size, (start, block, drawn) in zip(sizes, _drawn(rows, count, key), strict=True):
        places = np.argsort(drawn, kind="stable")
        if block.null_count:
            places = np.flatnonzero(valid(block))[places]
        places += start
        room = np.repeat(free - size.cumsum() + size, size)
        room += within[: len(room)]
        made[room] = at(places)
        free += size
    found: list[int] = ends.tolist()
    return found


def _drawn(rows: pa.Array[Any], buckets: int, key: MaskKey) -> Iterator[tuple[int, pa.Array[Any], NDArray[np.uint8]]]:
    """Where blocks of the rows start, these, and a bucket for each value in them: always the same ones."""
    bits = _Bits(key, "buckets")
    for start, block in placed(rows, _BLOCK):
        yield start, block, bits.draw_bytes(len(block) - block.null_count) & np.uint8(buckets - 1)


def order_by_chance(count: int, draw: Callable[[int], NDArray[np.uint64]]) -> NDArray[np.int64]:
    """The numbers below `count`, at most 2**32, in an order by chance; `draw` gives so many words of it.

    Each number takes the lower bits of a word, and the words are sorted. Where two are alike in their upper bits, all
    are drawn again: what is smaller would not be left to chance.
    """
    lower = np.uint64((1 << max(count - 1, 0).bit_length()) - 1)
    while True:
        words = draw(count) & ~lower
        words |= np.arange(count, dtype=np.uint64)
        words.sort()
        if count < 2 or (words[1:] ^ words[:-1]).min() > lower:
            words &= lower
            return words.view(np.int64)


def _set_apart(made: Values, count: int, rows: pa.Array[Any]) -> None:
    """Moves what stands at the front, the last first, to the rows that are there; others get their own number."""
    for start, block in reversed(list(placed(rows, _BLOCK))):
        places = np.flatnonzero(valid(block))
        apart, taken = np.arange(start, start + len(block)).astype(made.dtype), count - len(places)
        apart[places] = made[taken:count]
        made[start : start + len(block)], count = apart, taken


class _Bits:
    """Random bits of a key for a purpose, the same ones every time: AES in counter mode."""

    def __init__(self, key: MaskKey, purpose: str) -> None:
        self._stream = Cipher(algorithms.AES(key.derive(purpose)), modes.CTR(bytes(16))).encryptor()
        self._zeros = memoryview(b"")  # kept, for making them takes half as long as encrypting them

    def draw(self, count: int) -> NDArray[np.uint64]:
        """The next `count` words of 64 bits."""
        return np.frombuffer(self._next(8 * count), "<u8")

    def draw_bytes(self, count: int) -> NDArray[np.uint8]:
        """The next `count` bytes."""
        return np.frombuffer(self._next(count), np.uint8)

    def _next(self, size: int) -> bytes:
        if size > len(self._zeros):
            self._zeros = memoryview(bytes(size))
        return self._stream.update(self._zeros[:size])
