"""Universal Binary JSON (ubjson.org, draft 12) as XGBoost writes it, and nothing else of it.

One spelling for each value, so that what is checked here is what XGBoost reads: 64-bit lengths, objects without a
count, arrays with one. Declared lengths are compared with the bytes that are there before anything is made.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from ..errors import SealBroken

_DEEPEST = 16
_NUMBERS = {b"i": ">i1", b"U": ">u1", b"I": ">i2", b"l": ">i4", b"L": ">i8", b"d": ">f4", b"D": ">f8"}
_CONSTANTS = {b"T": True, b"F": False, b"Z": None}


def loads(data: bytes) -> Any:
    """Dicts, lists, texts, numbers, and NumPy arrays where the items have a type. Raises `SealBroken`."""
    reader = _Reader(data)
    value = reader.value(reader.take(1), 0)
    if reader.left:
        raise SealBroken()
    return value


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, size: int) -> bytes:
        if not 0 <= size <= self.left:
            raise SealBroken()
        self._at += size
        return self._data[self._at - size : self._at]

    def value(self, marker: bytes, depth: int) -> Any:
        if depth > _DEEPEST:
            raise SealBroken()
        if marker == b"{":
            return self._object(depth)
        if marker == b"[":
            return self._array(depth)
        if marker == b"S":
            return self._text()
        if marker in _CONSTANTS:
            return _CONSTANTS[marker]
        return self._numbers(marker, 1)[0].item()

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (marker := self.take(1)) != b"}":
            self._at -= len(marker)
            name = self._text()
            if name in found:
                raise SealBroken()
            found[name] = self.value(self.take(1), depth + 1)
        return found

    def _array(self, depth: int) -> Any:
        marker = self.take(1)
        if marker == b"$":
            kind = self.take(1)
            self._expect(b"#")
            return self._numbers(kind, self._length())
        if marker != b"#":
            raise SealBroken()
        count = self._length()
        if count > self.left:  # every item has a byte at least
            raise SealBroken()
        return [self.value(self.take(1), depth + 1) for _ in range(count)]

    def _numbers(self, marker: bytes, count: int) -> Any:
        if marker not in _NUMBERS:
            raise SealBroken()
        dtype = np.dtype(_NUMBERS[marker])
        return np.frombuffer(self.take(count * dtype.itemsize), dtype).astype(dtype.newbyteorder("="))

    def _text(self) -> str:
        return self.take(self._length()).decode()

    def _length(self) -> int:
        self._expect(b"L")
        found: int = struct.unpack(">q", self.take(8))[0]
        return found

    def _expect(self, marker: bytes) -> None:
        if self.take(1) != marker:
            raise SealBroken()
