"""Masks made with a key: the key of one column, pseudonyms and tokens.

Equal values give equal masks under one key, and unrelated ones under another. Keys never print. Where they come from
is not decided here; whoever holds one can try values out, so it is as secret as the column it masks.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from ..errors import Invalid, SealBroken

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = pa.ChunkedArray[Any]

KEY_BYTES = 32
_ALPHABET = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", np.uint8)  # RFC 4648 base32, in lower case
_DIGEST = 10
"""Bytes of a pseudonym: 80 bits make 16 characters; among a billion values two alike are one in two million."""
_SYMBOLS = 16
_BLOCK = 65_536
_MOSTLY_UNIQUE = 0.8
_EXACT_FLOAT = 53


@dataclass(frozen=True)
class MaskKey:
    """The key of one column for one technique. Raises `Invalid` unless it has 32 bytes."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise Invalid(f"a key for masking has {KEY_BYTES} bytes, not {len(self.secret)}")

    def derive(self, purpose: str, *context: str, size: int = KEY_BYTES) -> bytes:
        """A key of up to 64 bytes for a purpose; other purposes and contexts give unrelated keys."""
        parts = [part.encode() for part in (purpose, *context)]
        message = b"".join(struct.pack(">I", len(part)) + part for part in parts)
        return blake2b(message, digest_size=size, key=self.secret, person=b"securecollab mk1").digest()

    def of_column(self, how: str, column: str, shared_name: str | None = None) -> MaskKey:
        """The key for one technique on one column, or on all columns that are given the same name."""
        where = ("column", column) if shared_name is None else ("name", shared_name)
        return MaskKey(self.derive("column", how, *where))


def pseudonym(values: Column, key: MaskKey) -> Column:
    """Sixteen characters in place of a text, an integer of 63 bits in place of an integer; nulls stay.

    Floats take whole numbers up to 2**53 in and out. Values are compared byte by byte: `Ann` and `ann` differ.
    """
    if pa.types.is_large_string(values.type):
        return on_uniques(values, lambda texts: _text_pseudonyms(texts, key))
    if values.type.bit_width != 64:
        raise Invalid(
            "pseudonyms need room for 64 bits, and this type of number has less",
            next_step="Make the column int64 or text first, or use fpe.",
        )
    bits = 63
    if pa.types.is_floating(values.type):
        bits, values = _EXACT_FLOAT, pc.add(values, 0.0)  # zero has no sign
    return on_uniques(values, lambda numbers: _number_pseudonyms(numbers, key, bits), always=True)


def token(values: Column, key: MaskKey) -> Column:
    """AES-SIV (RFC 5297) of each text, in base64url without padding; nulls stay."""
    cipher = AESSIV(key.derive("token", size=64))

    def one(text: bytes) -> str:
        # cryptography refuses to encrypt nothing; a constant first byte changes nothing else
        return base64.urlsafe_b64encode(cipher.encrypt(b"\x01" + text, None)).rstrip(b"=").decode()

    return on_uniques(values, lambda texts: pa.array(map(one, _bytes(texts)), pa.large_string()))


def untoken(values: Column, key: MaskKey) -> Column:
    """The texts that tokens were made of. Raises `SealBroken` for whatever is not a token of this key."""
    cipher = AESSIV(key.derive("token", size=64))

    def one(text: bytes) -> str:
        sealed = base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4))
        return cipher.decrypt(sealed, None)[1:].decode()

    try:
        return on_uniques(
            values.cast(pa.large_string()), lambda texts: pa.array(map(one, _bytes(texts)), pa.large_string())
        )
    except (InvalidTag, ValueError):
        raise SealBroken() from None


def on_uniques(values: Column, mask: Callable[[pa.Array[Any]], pa.Array[Any]], *, always: bool = False) -> Column:
    """Mask each distinct value once. `mask` gets an array without nulls; nulls stay where they are.

    A column that is nearly all distinct is masked as it is, unless `always`: finding its repeats would cost more.
    """
    whole: Any = values.combine_chunks()
    if not always and _mostly_unique(whole):
        if not whole.null_count:
            return pa.chunked_array([mask(whole)])
        valid = whole.is_valid().to_numpy(zero_copy_only=False)
        places = pa.array(np.cumsum(valid) - 1, mask=~valid)
        return pa.chunked_array([mask(whole.drop_null()).take(places)])
    encoded = whole.dictionary_encode()
    return pa.chunked_array([mask(encoded.dictionary).take(encoded.indices)])


def large_strings(offsets: Any, data: Any) -> pa.Array[Any]:
    """An Arrow array of texts, none of them null, over two NumPy arrays: 64-bit offsets, and bytes that are UTF-8."""
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_string(), len(offsets) - 1, buffers)


def _mostly_unique(whole: pa.Array[Any]) -> bool:
    head: Any = whole.slice(0, _BLOCK)
    return bool(pc.count_distinct(head, mode="all").as_py() > _MOSTLY_UNIQUE * len(head))


def _text_pseudonyms(texts: pa.Array[Any], key: MaskKey) -> pa.Array[Any]:
    made = np.empty((len(texts), _SYMBOLS), np.uint8)
    for start in range(0, len(texts), _BLOCK):
        digests = _digests(_bytes(texts.slice(start, _BLOCK)), key, _DIGEST)
        made[start : start + _BLOCK] = _base32(np.frombuffer(digests, np.uint8).reshape(-1, _DIGEST))
    return large_strings(np.arange(0, made.size + 1, _SYMBOLS, dtype=np.int64), made)


def _number_pseudonyms(numbers: pa.Array[Any], key: MaskKey, bits: int) -> pa.Array[Any]:
    if pa.types.is_floating(numbers.type) and not _whole(numbers):
        raise Invalid(
            "pseudonyms need whole numbers, and not all of these are", next_step="Use generalise, noise or null for it."
        )
    common = pa.uint64() if pa.types.is_unsigned_integer(numbers.type) else pa.int64()
    plain = np.ascontiguousarray(numbers.cast(common).to_numpy(zero_copy_only=False)).astype("<u8", casting="unsafe")
    raw = plain.tobytes()
    digests = _digests([raw[at : at + 8] for at in range(0, len(raw), 8)], key, 8)
    made = np.frombuffer(digests, "<u8") >> np.uint64(64 - bits)
    if len(np.unique(made)) < len(made):
        raise Invalid("two numbers would get the same pseudonym", next_step="Make the column text first.")
    return pa.array(made.astype(np.int64)).cast(numbers.type)


def _whole(numbers: pa.Array[Any]) -> bool:
    plain = numbers.to_numpy(zero_copy_only=False)
    return bool(np.all(np.abs(plain) <= 2**_EXACT_FLOAT) and np.all(plain == np.floor(plain)))


def _digests(values: list[bytes], key: MaskKey, size: int) -> bytes:
    keyed = blake2b(digest_size=size, key=key.secret, person=b"securecollab ps1").copy

    def digest(value: bytes) -> bytes:
        one = keyed()  # copying a keyed state is twice as fast as making one
        one.update(value)
        return one.digest()

    return b"".join(map(digest, values))


def _bytes(texts: pa.Array[Any]) -> list[bytes]:
    found: Any = texts.cast(pa.large_binary())
    values: list[bytes] = found.to_pylist()
    return values


def _base32(digests: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every five bytes as eight symbols."""
    fives = digests.reshape(-1, 5).astype(np.uint64)
    joined = np.zeros(len(fives), np.uint64)
    for column in range(5):
        joined = (joined << np.uint64(8)) | fives[:, column]
    shifts = np.arange(35, -1, -5, dtype=np.uint64)
    symbols: NDArray[np.uint8] = _ALPHABET[(joined[:, None] >> shifts) & np.uint64(31)].reshape(-1, _SYMBOLS)
    return symbols
