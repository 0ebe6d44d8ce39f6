"""Format-preserving masks of texts and whole numbers: what of a value is encrypted, and which check digits follow.

Texts are worked on as bytes, all values of one kind and length at once. Letters and digits are encrypted; spaces and
ASCII punctuation stay where they are. How a value is encrypted depends on that value alone, so that the mask of a
value does not change when others are added.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa

from ..errors import Invalid
from .fpe import DOMAIN, FF1
from .keyed import MaskKey, large_strings
from .uniques import on_uniques

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Column = pa.ChunkedArray[Any]
    Rows = NDArray[np.uint8]

_DIGITS, _UPPER, _LOWER = b"0123456789", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", b"abcdefghijklmnopqrstuvwxyz"
_NONE = 255
_LONGEST = 1000
"""Bytes of a text: work on it takes some ten times as much."""
_DOUBLED = np.array([0, 2, 4, 6, 8, 1, 3, 5, 7, 9])
_OTHER_WAYS = "Use pseudonym or redact for it."


def _contains(characters: bytes) -> NDArray[np.bool_]:
    found = np.zeros(256, bool)
    found[list(characters)] = True
    return found


_IS_DIGIT, _IS_UPPER, _IS_LOWER = map(_contains, (_DIGITS, _UPPER, _LOWER))
_IS_ALPHANUMERIC = _IS_DIGIT | _IS_UPPER | _IS_LOWER


class _Alphabet(NamedTuple):
    """The characters of one kind of text: its name, numerals of characters, characters of numerals."""

    name: str
    characters: bytes

    def numerals(self, characters: Rows) -> Rows:
        table = np.full(256, _NONE, np.uint8)
        table[list(self.characters)] = np.arange(len(self.characters))
        return table[characters]

    def text(self, numerals: Rows) -> Rows:
        return np.frombuffer(self.characters, np.uint8)[numerals]


_KINDS = (
    _Alphabet("digits", _DIGITS),
    _Alphabet("upper", _DIGITS + _UPPER),
    _Alphabet("lower", _DIGITS + _LOWER),
    _Alphabet("mixed", _DIGITS + _UPPER + _LOWER),
)


def encrypt_texts(values: Column, key: MaskKey, form: str) -> Column:
    """Encrypt a column of large strings as `form` (`techniques.FORMATS`) says; nulls and empty texts stay.

    Raises `Invalid` when a value has characters outside ASCII, too few of those that are encrypted, or is no card
    number or IBAN at all where one is expected.
    """
    secret = key.derive("ff1")
    encrypt = {"alphanumeric": _alphanumeric, "digits": _digits, "card": _cards, "iban": _ibans}[form]

    def encrypted(block: pa.Array[Any]) -> pa.Array[Any]:
        texts = _Texts(block)
        encrypt(texts, secret)
        return large_strings(texts.offsets, texts.data)

    return on_uniques(values, encrypted)


def encrypt_integers(values: Column, key: MaskKey, form: str) -> Column:
    """Encrypt whole numbers of seven and more digits into others of as many digits and the same sign; nulls stay."""
    if form == "iban":
        raise Invalid("an IBAN is not a number", next_step="Leave the format out.")
    secret = key.derive("ff1")
    return on_uniques(values, lambda numbers: _numbers(numbers, secret, form == "card"))


class _Texts:
    """Values as one run of bytes that may be written to, and where each begins."""

    def __init__(self, texts: pa.Array[Any]) -> None:
        buffers: Any = texts.buffers()
        _, offsets, data = buffers
        if not len(texts):  # there may be no buffers at all
            self.offsets, self.data = np.zeros(1, np.int64), np.empty(0, np.uint8)
            return
        self.offsets = np.frombuffer(offsets, np.int64)[texts.offset : texts.offset + len(texts) + 1]
        if np.diff(self.offsets).max() > _LONGEST:
            raise Invalid("format-preserving encryption takes short texts", next_step="Use token or pseudonym for it.")
        start, stop = int(self.offsets[0]), int(self.offsets[-1])
        self.data = np.frombuffer(data, np.uint8)[start:stop].copy() if stop > start else np.empty(0, np.uint8)
        self.offsets = self.offsets - start
        if np.any(self.data > 127):
            raise Invalid("format-preserving encryption takes ASCII text", next_step=_OTHER_WAYS)

    def count(self, which: NDArray[np.bool_]) -> NDArray[np.int64]:
        """How many of the bytes of each value are among the marked ones."""
        if which.all():
            return np.diff(self.offsets)
        if not which.any():
            return np.zeros(len(self.offsets) - 1, np.int64)
        total = np.concatenate([[0], np.cumsum(which.view(np.int8), dtype=np.int64)])
        counts: NDArray[np.int64] = total[self.offsets[1:]] - total[self.offsets[:-1]]
        return counts

    def groups(
        self, which: NDArray[np.bool_], chosen: NDArray[np.bool_] | None = None
    ) -> Iterator[tuple[NDArray[np.int64], int]]:
        """Places in `data` of the marked bytes, shape (values, length), one group per length; with the length."""
        counts = self.count(which)
        if chosen is not None and not chosen.all():
            counts = np.where(chosen, counts, 0)
            which = which & np.repeat(chosen, np.diff(self.offsets))
        places, found = np.flatnonzero(which), np.flatnonzero(np.bincount(counts))
        found = found[found > 0]
        lengths = np.repeat(counts, counts) if len(found) > 1 else None
        for length in found:
            those = places if lengths is None else places[lengths == length]
            yield those.reshape(-1, length), int(length)


def _alphanumeric(texts: _Texts, secret: bytes) -> None:
    which = _IS_ALPHANUMERIC[texts.data]
    _refuse_without(texts, which)
    upper, lower = (texts.count(kind[texts.data]) > 0 for kind in (_IS_UPPER, _IS_LOWER))
    for alphabet, chosen in zip(_KINDS, (~upper & ~lower, upper & ~lower, ~upper & lower, upper & lower), strict=True):
        for places, _ in texts.groups(which, chosen) if chosen.any() else ():
            texts.data[places] = _encrypted(alphabet, texts.data[places], secret)


def _encrypted(alphabet: _Alphabet, characters: Rows, secret: bytes) -> Rows:
    """Characters of one kind into others of the same kind: digits stay digits, upper case upper case."""

    def of_its_kind(numerals: Rows) -> NDArray[np.bool_]:
        text = alphabet.text(numerals)
        kept = np.ones(len(text), bool)
        for name, letters in (("lower", _IS_UPPER), ("upper", _IS_LOWER)):
            if alphabet.name != name:
                kept &= letters[text].any(axis=1)
        return kept

    cipher = FF1(secret, len(alphabet.characters), alphabet.name.encode())
    accept = None if alphabet.name == "digits" else of_its_kind
    return alphabet.text(cipher.encrypt_rows(alphabet.numerals(characters), accept))


def _digits(texts: _Texts, secret: bytes) -> None:
    which = _IS_DIGIT[texts.data]
    _refuse_without(texts, which)
    for places, _ in texts.groups(which):
        texts.data[places] = _encrypted(_KINDS[0], texts.data[places], secret)


def _refuse_without(texts: _Texts, which: NDArray[np.bool_]) -> None:
    if np.any((texts.count(which) == 0) & (np.diff(texts.offsets) > 0)):
        raise Invalid("some values have nothing that format-preserving encryption changes", next_step=_OTHER_WAYS)


def _cards(texts: _Texts, secret: bytes) -> None:
    which = _IS_DIGIT[texts.data]
    _refuse_without(texts, which)
    if np.any(_IS_UPPER[texts.data] | _IS_LOWER[texts.data]):
        raise Invalid("these are not card numbers: there are letters in them", next_step="Use fpe:alphanumeric.")
    cipher = FF1(secret, 10, b"card")
    for places, _ in texts.groups(which):
        digits = texts.data[places] - ord("0")
        texts.data[places] = _card_numbers(digits, cipher.encrypt_rows(digits[:, :-1])) + ord("0")


def _card_numbers(before: Rows, payload: Rows) -> Rows:
    """The new payload with its check digit (ISO/IEC 7812-1, annex B); a wrong one stays wrong by as much."""
    wrong_by = before[:, -1].astype(np.int64) - _luhn(before[:, :-1])
    check = (_luhn(payload) + wrong_by) % 10
    return np.concatenate([payload, check[:, None].astype(np.uint8)], axis=1)


def _luhn(payload: Rows) -> NDArray[np.int64]:
    total = np.zeros(len(payload), np.int64)
    for place, column in enumerate(payload.T[::-1]):
        total += _DOUBLED[column] if place % 2 == 0 else column
    return -total % 10


def _ibans(texts: _Texts, secret: bytes) -> None:
    """ISO 13616: the country and a bank's letters stay, the digits behind the check digits are encrypted."""
    which = _IS_ALPHANUMERIC[texts.data]
    _refuse_without(texts, which)
    cipher = FF1(secret, 10, b"iban")
    for places, length in texts.groups(which):
        characters = texts.data[places]
        shape = length > 4 and np.all(_IS_UPPER[characters[:, :2]]) and np.all(_IS_DIGIT[characters[:, 2:4]])
        if not shape or np.any(_IS_LOWER[characters]):
            raise Invalid("these are not all IBANs", next_step="Use fpe:alphanumeric or pseudonym for it.")
        wrong_by = _iban_number(characters[:, 2:4]) - _iban_check(characters)
        for pattern in np.unique(_IS_DIGIT[characters[:, 4:]], axis=0):
            rows = np.flatnonzero((_IS_DIGIT[characters[:, 4:]] == pattern).all(axis=1))
            where = np.ix_(rows, 4 + np.flatnonzero(pattern))
            characters[where] = cipher.encrypt_rows(characters[where] - ord("0")) + ord("0")
        check = (_iban_check(characters) + wrong_by - 2) % 97 + 2
        characters[:, 2], characters[:, 3] = check // 10 + ord("0"), check % 10 + ord("0")
        texts.data[places] = characters


def _iban_check(characters: Rows) -> NDArray[np.int64]:
    """98 minus the number, country and two zeros last, modulo 97 (ISO 7064, MOD 97-10)."""
    moved = np.concatenate([characters[:, 4:], characters[:, :2], np.full((len(characters), 2), ord("0"))], axis=1)
    check: NDArray[np.int64] = 98 - _iban_number(moved) % 97
    return check


def _iban_number(characters: NDArray[Any]) -> NDArray[np.int64]:
    """Modulo 97; letters count as 10 to 35."""
    rest = np.zeros(len(characters), np.int64)
    for column in characters.T.astype(np.int64):
        digit = column <= ord("9")
        rest = np.where(digit, rest * 10 + column - ord("0"), rest * 100 + column - ord("A") + 10) % 97
    return rest


def _numbers(numbers: pa.Array[Any], secret: bytes, card: bool) -> pa.Array[Any]:
    plain = numbers.to_numpy(zero_copy_only=False)
    size = np.abs(plain.astype(object)) if np.any(plain == np.iinfo(plain.dtype).min) else np.abs(plain)
    size = size.astype(np.uint64)
    if len(size) and size.min() < DOMAIN:
        raise Invalid(
            "format-preserving encryption needs at least 7 digits in every number: fewer could be tried out",
            next_step="Use pseudonym, generalise or null for it.",
        )
    largest, cipher = np.iinfo(plain.dtype).max, FF1(secret, 10, b"card" if card else b"number")
    made = np.empty_like(size)
    bounds = np.array([10**digits for digits in range(7, 20)], np.uint64)
    lengths = 7 + np.searchsorted(bounds, size, side="right")
    for length in np.unique(lengths):
        made[lengths == length] = _of_length(size[lengths == length], int(length), cipher, int(largest), card)
    signed = np.where(plain < 0, -made.astype(np.int64), made.astype(np.int64)) if plain.dtype.kind == "i" else made
    encrypted: pa.Array[Any] = pa.array(signed.astype(plain.dtype), numbers.type)
    return encrypted


def _of_length(sizes: NDArray[np.uint64], length: int, cipher: FF1, largest: int, card: bool) -> NDArray[np.uint64]:
    """Numbers of one length into others of that length that the type can hold."""
    digits, rest = np.empty((len(sizes), length), np.uint8), sizes
    for place in range(length - 1, -1, -1):
        higher = rest // np.uint64(10)
        digits[:, place] = rest - higher * np.uint64(10)
        rest = higher
    at_the_limit = length == len(str(largest))
    if card and at_the_limit:
        raise Invalid("card numbers as long as the type allows", next_step="Make the column text first.")

    def fits(rows: Rows) -> NDArray[np.bool_]:
        taken: NDArray[np.bool_] = rows[:, 0] > 0
        if at_the_limit:
            taken &= _joined(rows) <= np.uint64(largest)
        return taken

    if card:
        return _joined(_card_numbers(digits, cipher.encrypt_rows(digits[:, :-1], fits)))
    return _joined(cipher.encrypt_rows(digits, fits))


def _joined(digits: Rows) -> NDArray[np.uint64]:
    found = np.zeros(len(digits), np.uint64)
    for column in digits.T:
        found = found * np.uint64(10) + column
    return found
