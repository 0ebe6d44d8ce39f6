"""A column written block after block into memory of its own, so that nothing lies beside it but the block.

Texts go into buffers asked for as large as they will probably be; memory that is never written to is none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    Column = pa.ChunkedArray[Any]
    Numbers = NDArray[Any]

_MORE = 1.25
_LARGEST = 2**30
"""Bytes of text in one chunk: Arrow's smaller kind of text has no more than twice as many."""
_PART = 8_192
_NONE = np.zeros(1, np.int64)


class Texts:
    """So many texts, in order: in one chunk, or in more if they turn out longer than those at the beginning."""

    def __init__(self, rows: int) -> None:
        self._left = rows
        self._chunks: list[tuple[Numbers, Numbers]] = []
        self._ends, self._data = _NONE, np.empty(0, np.uint8)
        self._rows = 0

    def append(self, texts: pa.Array[Any], there: Numbers | None = None) -> None:
        """The next texts: those of the rows that are `there`, where others are null. Nulls take no room."""
        rows = len(texts) if there is None else len(there)
        if not rows:
            return
        buffers: Any = texts.buffers()
        ends = (
            np.frombuffer(buffers[1], np.int64)[texts.offset : texts.offset + len(texts) + 1] if len(texts) else _NONE
        )
        size = int(ends[-1] - ends[0])
        if size > _LARGEST and rows > 1:
            self._append_halves(texts, there, rows // 2)
            return
        if not self._rows or int(self._ends[self._rows]) + size > len(self._data):
            self._begin(size, rows)
        filled, until = int(self._ends[self._rows]), self._rows + rows
        if size:
            self._data[filled : filled + size] = np.frombuffer(buffers[2], np.uint8)[ends[0] : ends[-1]]
        each = ends[1:] if there is None else ends[np.cumsum(there)]
        np.add(each, filled - ends[0], out=self._ends[self._rows + 1 : until + 1])
        self._rows = until

    def _append_halves(self, texts: pa.Array[Any], there: Numbers | None, row: int) -> None:
        at = row if there is None else int(there[:row].sum())
        self.append(texts.slice(0, at), None if there is None else there[:row])
        self.append(texts.slice(at), None if there is None else there[row:])

    def _begin(self, size: int, rows: int) -> None:
        """Another chunk, for all that is left if it is like these. To make room in the last one would copy it."""
        self._end()
        probably = int(size * self._left / rows * _MORE) + 1
        self._data = np.empty(max(min(probably, _LARGEST), size), np.uint8)
        self._ends = np.zeros(self._left + 1, np.int64)

    def _end(self) -> None:
        if self._rows:  # what is left of the memory was never written to
            ends = self._ends[: self._rows + 1]
            self._chunks.append((ends, self._data[: int(ends[-1])]))
        self._left -= self._rows
        self._rows = 0

    def column(self, like: Column) -> Column:
        """All of them, with nulls where another column has them; nothing can be written any more."""
        self._end()
        made, start = [], 0
        for ends, data in self._chunks:
            rows = len(ends) - 1
            made.append(_large_strings(ends, data, _missing(like.slice(start, rows))))
            start += rows
        return pa.chunked_array(made, pa.large_string())


class Words:
    """The same for values of a fixed width."""

    def __init__(self, rows: int, kind: pa.DataType) -> None:
        self._kind, self._made, self._rows = kind, np.empty(rows, numpy_type(kind)), 0

    def append(self, values: pa.Array[Any], there: Numbers | None = None) -> None:
        """The next values: those of the rows that are `there`, where others are null."""
        rows = len(values) if there is None else len(there)
        part = self._made[self._rows : self._rows + rows]
        if there is None:
            part[:] = numbers(values)
        else:
            part[:] = 0
            part[there] = numbers(values)
        self._rows += rows

    def column(self, like: Column) -> Column:
        """All of them, with nulls where another column has them; nothing can be written any more."""
        return pa.chunked_array([arrow_of(self._made, self._kind, like)])


def in_order(parts: Iterable[tuple[pa.Array[Any], Numbers | None]], like: Column) -> Column:
    """A column of what comes, with nulls where another column of the same length has them: at least one part.

    A part is the values of some rows and, unless these are all of them, which of the rows are there.
    """
    made: Texts | Words | None = None
    for values, there in parts:
        made = made or written(values.type, len(like))
        made.append(values, there)
    if made is None:
        raise ValueError("a column is made of at least one part")
    return made.column(like)


def written(kind: pa.DataType, rows: int) -> Texts | Words:
    """A place for so many values."""
    return Texts(rows) if pa.types.is_large_string(kind) else Words(rows, kind)


def numbers(values: pa.Array[Any]) -> Numbers:
    """Values of a fixed width as NumPy sees them, without a copy where none is missing; zero for nulls."""
    plain = raw(values)
    if not values.null_count:
        return plain
    zeroed: Numbers = np.where(valid(values), plain, plain.dtype.type(0))
    return zeroed


def raw(values: pa.Array[Any]) -> Numbers:
    """The same without a copy in any case: anything for nulls."""
    dtype = numpy_type(values.type)
    if not len(values):
        return np.zeros(0, dtype)
    data: Any = values.buffers()[1]
    return np.frombuffer(data, dtype, len(values), values.offset * dtype.itemsize)


def arrow_of(made: Numbers, kind: pa.DataType, like: Any) -> pa.Array[Any]:
    """An Arrow array over a buffer of ours, with nulls where another has them."""
    return pa.Array.from_buffers(kind, len(made), [_missing(like), buffer(made)], like.null_count)


def valid(values: Any) -> NDArray[np.bool_]:
    """Which values are not null."""
    bits: Any = values.buffers()[0] if isinstance(values, pa.Array) else None
    if bits is None:
        return np.asarray(values.is_valid(), dtype=bool)
    first, until = values.offset % 8, values.offset + len(values)  # three times as fast as asking Arrow
    found = np.unpackbits(np.frombuffer(bits, np.uint8)[values.offset // 8 : -(-until // 8)], bitorder="little")
    there: NDArray[np.bool_] = found[first : first + len(values)].view(bool)
    return there


def numpy_type(kind: pa.DataType) -> np.dtype[Any]:
    """What NumPy calls an Arrow type of a fixed width; days and times are whole numbers."""
    if pa.types.is_temporal(kind):
        return np.dtype(f"i{kind.bit_width // 8}")
    return np.dtype(kind.to_pandas_dtype())


def _missing(like: Any) -> pa.Buffer | None:
    """Arrow's bits for what is not null, found part by part: NumPy takes a byte for each."""
    if not like.null_count:
        return None
    bits = np.empty(-(-len(like) // 8), np.uint8)
    for start in range(0, len(like), _PART):
        packed = np.packbits(valid(like.slice(start, _PART)), bitorder="little")
        bits[start // 8 : start // 8 + len(packed)] = packed
    return buffer(bits)


def _large_strings(ends: Numbers, data: Numbers, missing: pa.Buffer | None = None) -> pa.Array[Any]:
    return pa.Array.from_buffers(pa.large_string(), len(ends) - 1, [missing, buffer(ends), buffer(data)])


def buffer(memory: Any) -> pa.Buffer:
    """NumPy's memory as Arrow's, without a copy."""
    made: pa.Buffer = pa.py_buffer(memory)
    return made
