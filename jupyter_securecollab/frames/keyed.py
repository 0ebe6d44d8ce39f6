"""Masks made with a key: the key of one column, pseudonyms and tokens.

Equal values give equal masks under one key, and unrelated ones under another. Keys never print. Where they come from
is not decided here; whoever holds one can try values out, so it is as secret as the column it masks.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from ..errors import Invalid, SealBroken
from ..maskkeys import KEY_BYTES, column_key, derived
from .uniques import on_uniques, whole
from .written import raw, valid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = pa.ChunkedArray[Any]

_ALPHABET = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", np.uint8)  # RFC 4648 base32, in lower case
_PAIRS = np.stack([_ALPHABET.repeat(32), np.tile(_ALPHABET, 32)], axis=1).view(np.uint16).ravel()
_DIGEST = 10
"""Bytes of a pseudonym: 80 bits make 16 characters; among a billion values two alike are one in two million."""
_SYMBOLS = 16
_EXACT_FLOAT = 53
_PARTS = 32
_NO_TOKEN = "Every text has to be a token of that very column, unchanged; leave out rows with others, or null them."
_TOKENS = 2_048
"""Texts that tokens are made of at once: these are the longest masks there are."""


@dataclass(frozen=True)
class MaskKey:
    """The key of one column for one technique. Raises `Invalid` unless it has 32 bytes, and when it is pickled."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != KEY_BYTES:
            raise Invalid(f"a key for masking has {KEY_BYTES} bytes, not {len(self.secret)}")

    def __reduce__(self) -> NoReturn:
        # What is pickled is sent and stored by others: plans of lazy frames, task graphs, caches.
        raise Invalid("a key for masking is not pickled", next_step="Send a name for it: see frames.held.")

    def derive(self, purpose: str, *context: str, size: int = KEY_BYTES) -> bytes:
        """A key of up to 64 bytes for a purpose; other purposes and contexts give unrelated keys."""
        return derived(self.secret, purpose, *context, size=size)

    def of_column(self, how: str, column: str, shared_name: str | None = None) -> MaskKey:
        """The key for one technique on one column, or on all columns that are given the same name."""
        return MaskKey(column_key(self.secret, how, column, shared_name))


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
    return _number_pseudonyms(values, key, bits)


def token(values: Column, key: MaskKey) -> Column:
    """AES-SIV (RFC 5297) of each text, in base64url without padding; nulls stay."""
    cipher = AESSIV(key.derive("token", size=64))

    def one(text: bytes) -> bytes:
        # cryptography refuses to encrypt nothing; a constant first byte changes nothing else
        return base64.urlsafe_b64encode(cipher.encrypt(b"\x01" + text, None)).rstrip(b"=")

    return on_uniques(values, lambda texts: _joined([one(text) for text in _bytes(texts)]), _TOKENS)


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
        raise SealBroken(next_step=_NO_TOKEN) from None


def large_strings(offsets: Any, data: Any) -> pa.Array[Any]:
    """An Arrow array of texts, none of them null, over two NumPy arrays: 64-bit offsets, and bytes that are UTF-8."""
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.large_string(), len(offsets) - 1, buffers)


def _joined(texts: list[bytes]) -> pa.Array[Any]:
    """Texts as an array that takes no more room than they do: what Arrow appends to grows by halves."""
    ends = np.cumsum([0, *map(len, texts)], dtype=np.int64)
    return large_strings(ends, np.frombuffer(b"".join(texts), np.uint8))


def _text_pseudonyms(texts: pa.Array[Any], key: MaskKey) -> pa.Array[Any]:
    digests = np.frombuffer(_digests(_bytes(texts), key, _DIGEST), np.uint8)
    return large_strings(np.arange(0, len(texts) * _SYMBOLS + 1, _SYMBOLS, dtype=np.int64), _base32(digests))


def _number_pseudonyms(values: Column, key: MaskKey, bits: int) -> Column:
    made = on_uniques(values, lambda block: _of_numbers(block, key, bits).cast(values.type))
    _refuse_alike(whole(values), whole(made))
    return made


def _refuse_alike(values: pa.Array[Any], masks: pa.Array[Any]) -> None:
    """Looks at a part of the pseudonyms at a time: those that end alike."""
    plain, made = raw(values), raw(masks)
    ends = made.view(np.uint8)[:: made.itemsize] % _PARTS
    if values.null_count:
        ends[~valid(values)] = _PARTS
    for end in range(_PARTS):
        places = np.flatnonzero(ends == end)
        places = places[np.argsort(made[places])]
        alike = made[places[1:]] == made[places[:-1]]
        if np.any(plain[places[1:]][alike] != plain[places[:-1]][alike]):
            raise Invalid("two numbers would get the same pseudonym", next_step="Make the column text first.")


def _of_numbers(numbers: pa.Array[Any], key: MaskKey, bits: int) -> pa.Array[Any]:
    plain = numbers.to_numpy()
    if plain.dtype.kind == "f" and not (np.all(np.abs(plain) <= 2**bits) and np.all(plain == np.floor(plain))):
        raise Invalid(
            "pseudonyms need whole numbers, and not all of these are", next_step="Use generalise, noise or null for it."
        )
    whole = plain.astype("<u8" if plain.dtype.kind == "u" else "<i8")
    digests = _digests(whole.view("V8").tolist(), key, 8)
    return pa.array((np.frombuffer(digests, "<u8") >> np.uint64(64 - bits)).astype(np.int64))


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
    """Every five bytes as eight symbols, two at a time."""
    fives = digests.reshape(-1, 5)
    padded = np.zeros((len(fives), 8), np.uint8)
    padded[:, 3:] = fives
    joined = padded.view(">u8").astype(np.uint64)
    pairs = _PAIRS[(joined >> np.arange(30, -1, -10, dtype=np.uint64)) & np.uint64(1023)]
    symbols: NDArray[np.uint8] = pairs.view(np.uint8).ravel()
    return symbols
