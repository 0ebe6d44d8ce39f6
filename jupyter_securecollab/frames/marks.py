"""Which kinds of characters each of many texts holds, read off their bytes: digits, letters, blanks, single signs.

A text's marks are bits of a word, one for each kind. That a pattern can fit no text is seen from them, and from how
long texts are, in far less time than RE2 takes to compile it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

SIGNS = " @:./-+(),#_*^&"
"""Characters with a mark of their own. All others that are neither digits nor letters share one."""

DIGIT, SMALL, CAPITAL, FOREIGN, SIGN = (np.uint32(1 << place) for place in range(5))
"""A digit; a small or capital letter of ASCII; anything beyond Latin-1's signs, letters above all; any other sign."""

A_LETTER = SMALL | CAPITAL | FOREIGN
EVERY = np.uint32(2**32 - 1)


def mark(signs: str) -> np.uint32:
    """The marks of these signs."""
    return np.uint32(sum({int(SIGN) << 1 + SIGNS.find(one) for one in signs}))


def _by_byte() -> NDArray[np.uint32]:
    """The mark of every byte: of UTF-8's continuations none, for what leads a character tells enough."""
    table = np.full(256, SIGN)
    table[0x80:0xC0] = 0
    table[0xC3:] = FOREIGN
    for first, last, found in (("0", "9", DIGIT), ("a", "z", SMALL), ("A", "Z", CAPITAL)):
        table[ord(first) : ord(last) + 1] = found
    for sign in SIGNS:
        table[ord(sign)] = mark(sign)
    return table


_BY_BYTE = _by_byte()


def marks(texts: pa.LargeStringArray) -> NDArray[np.uint32]:
    """The marks of each text; of an empty one none. There must be no nulls."""
    starts, data = _bytes(texts)
    found = np.zeros(len(texts), np.uint32)
    there = starts[1:] > starts[:-1]
    if there.any():
        found[there] = np.bitwise_or.reduceat(_BY_BYTE[data], starts[:-1][there])
    return found


def count(texts: pa.LargeStringArray, signs: str) -> NDArray[np.int64]:
    """How many of these characters of ASCII each text has. There must be no nulls."""
    starts, data = _bytes(texts)
    wanted = np.zeros(256, np.int64)
    wanted[list(signs.encode())] = 1
    total = np.concatenate([[0], np.cumsum(wanted[data])])
    counts: NDArray[np.int64] = total[starts[1:]] - total[starts[:-1]]
    return counts


def _bytes(texts: Any) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Where each text begins in the bytes of all, and the end; the bytes."""
    if not len(texts):
        return np.zeros(1, np.int64), np.empty(0, np.uint8)
    _, offsets, data = texts.buffers()
    starts = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
    held = np.frombuffer(data, np.uint8)[starts[0] : starts[-1]] if data is not None else np.empty(0, np.uint8)
    return starts - starts[0], held
