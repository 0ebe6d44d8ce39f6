"""FF1, format-preserving encryption: NIST SP 800-38G, with the domain of at least a million that its revision requires.

Encrypts rows of numerals (digits of some radix) into rows of as many numerals. Two paths with one result: `encrypt`
and `decrypt` for one row of any length, after the specification's own steps; `encrypt_rows` for many rows at once
where half a row fits 32 bits (18 decimal digits, 12 of radix 36). Knows nothing of texts and check digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ..errors import Invalid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Rows = NDArray[np.uint8]

DOMAIN = 1_000_000
"""The fewest values there may be to choose from (SP 800-38G rev. 1, second draft, 4.3)."""

_ROUNDS = 10
_LONGEST = 256
_BLOCK = 32_768
_HALF = 1 << 32


class FF1:
    """FF1 under one AES key (16, 24 or 32 bytes), radix and tweak. Does not print its key."""

    def __init__(self, key: bytes, radix: int, tweak: bytes = b"") -> None:
        if len(key) not in (16, 24, 32):
            raise Invalid("a key for FF1 has 16, 24 or 32 bytes")
        if not 2 <= radix <= 256:
            raise Invalid("FF1 takes radixes from 2 to 256 here")
        # One block is one call of the permutation; chaining is done here, as PRF of the specification (algorithm 6).
        self._aes = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305
        self._radix, self._tweak = radix, tweak

    @property
    def shortest(self) -> int:
        """The fewest numerals a row may have."""
        length = 1
        while self._radix**length < DOMAIN:
            length += 1
        return max(length, 2)

    def encrypt(self, numerals: Sequence[int]) -> list[int]:
        """One row of any length; algorithm 7. Raises `Invalid` where there are too few numerals."""
        return self._feistel(numerals, range(_ROUNDS), 1)

    def decrypt(self, numerals: Sequence[int]) -> list[int]:
        """What `encrypt` made this of; algorithm 8."""
        return self._feistel(numerals, range(_ROUNDS - 1, -1, -1), -1)

    def encrypt_rows(self, rows: Rows, accept: Callable[[Rows], NDArray[np.bool_]] | None = None) -> Rows:
        """Rows of numerals, shape (rows, length), each encrypted until `accept` takes it (cycle walking).

        `accept` has to take every row given: then different rows stay different.
        """
        made = self._encrypt_once(rows)
        if accept is not None:
            left = np.flatnonzero(~accept(made))
            while len(left):
                made[left] = self._encrypt_once(made[left])
                left = left[~accept(made[left])]
        return made

    def _encrypt_once(self, rows: Rows) -> Rows:
        length = rows.shape[1]
        self._check(length)
        if self._radix ** (length - length // 2) > _HALF:
            return np.array([self.encrypt(row) for row in rows.tolist()], np.uint8).reshape(rows.shape)
        made = np.empty_like(rows)
        for start in range(0, len(rows), _BLOCK):
            made[start : start + _BLOCK] = self._feistel_rows(rows[start : start + _BLOCK])
        return made

    def _check(self, length: int) -> None:
        if length < self.shortest:
            raise Invalid(
                f"format-preserving encryption needs at least {self.shortest} "
                f"{'digits' if self._radix == 10 else 'letters and digits'} in every value: shorter ones, fewer than "
                f"{DOMAIN:,}, could be tried out",
                next_step="Use pseudonym or redact for it.",
            )
        if length > _LONGEST:
            raise Invalid(f"format-preserving encryption takes up to {_LONGEST} characters", next_step="Use token.")

    def _feistel(self, numerals: Sequence[int], rounds: Sequence[int], sign: int) -> list[int]:
        length = len(numerals)
        self._check(length)
        left, right = length // 2, length - length // 2  # u and v
        size = _bytes_of(self._radix, right)
        wanted = 4 * -(-size // 4) + 4  # d
        a, b = self._number(numerals[:left]), self._number(numerals[left:])
        start = self._prf(bytes(16), self._first_block(length))
        for number in rounds:
            modulus = self._radix ** (left if number % 2 == 0 else right)
            known = b if sign > 0 else a
            mac = self._prf(start, self._second_part(number, known, size))
            y = int.from_bytes(self._stretched(mac, wanted), "big")
            a, b = (b, (a + y) % modulus) if sign > 0 else ((b - y) % modulus, a)
        return [*self._numerals(a, left), *self._numerals(b, right)]

    def _first_block(self, length: int) -> bytes:
        """P: the parameters."""
        head = bytes((1, 2, 1)) + self._radix.to_bytes(3, "big") + bytes((_ROUNDS, length // 2 % 256))
        return head + length.to_bytes(4, "big") + len(self._tweak).to_bytes(4, "big")

    def _second_part(self, number: int, known: int, size: int) -> bytes:
        """Q: tweak, padding, round number, one half."""
        padding = bytes(-(len(self._tweak) + size + 1) % 16)
        return self._tweak + padding + bytes((number,)) + known.to_bytes(size, "big")

    def _prf(self, state: bytes, message: bytes) -> bytes:
        for at in range(0, len(message), 16):
            state = self._aes.update(_xor(state, message[at : at + 16]))
        return state

    def _stretched(self, mac: bytes, size: int) -> bytes:
        """S: the MAC, and as many more blocks as it takes."""
        more = (self._aes.update(_xor(mac, one.to_bytes(16, "big"))) for one in range(1, -(-size // 16)))
        return b"".join((mac, *more))[:size]

    def _number(self, numerals: Sequence[int]) -> int:
        found = 0
        for numeral in numerals:
            if not 0 <= numeral < self._radix:
                raise Invalid("a numeral is not one of its radix")
            found = found * self._radix + numeral
        return found

    def _numerals(self, number: int, length: int) -> list[int]:
        found = []
        for _ in range(length):
            number, numeral = divmod(number, self._radix)
            found.append(numeral)
        return found[::-1]

    def _feistel_rows(self, rows: Rows) -> Rows:
        """The same for many rows: only the last block of Q differs between them, and d is 8."""
        length = rows.shape[1]
        left, right = length // 2, length - length // 2
        size = _bytes_of(self._radix, right)
        start = self._prf(bytes(16), self._first_block(length))
        a, b = _to_numbers(rows[:, :left], self._radix), _to_numbers(rows[:, left:], self._radix)
        blocks, made = np.empty((len(rows), 2), ">u8"), bytearray(16 * len(rows) + 15)
        for number in range(_ROUNDS):
            constant = self._second_part(number, 0, size)
            base = _xor(self._prf(start, constant[:-16]), constant[-16:])
            blocks[:, 0] = int.from_bytes(base[:8], "big")
            blocks[:, 1] = np.uint64(int.from_bytes(base[8:], "big")) ^ b
            self._aes.update_into(blocks.data.cast("B"), made)
            y = np.frombuffer(made, ">u8", 2 * len(rows))[::2].astype(np.uint64)
            modulus = np.uint64(self._radix ** (left if number % 2 == 0 else right))
            y -= y // modulus * modulus  # as % would, but divided by a constant at once
            y += a
            y -= np.where(y >= modulus, modulus, np.uint64(0))
            a, b = b, y
        return np.concatenate([_to_rows(a, left, self._radix), _to_rows(b, right, self._radix)], axis=1)


def _bytes_of(radix: int, numerals: int) -> int:
    """b: ceil(ceil(numerals * log2(radix)) / 8), in whole numbers."""
    return -(-int(radix**numerals - 1).bit_length() // 8)


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(16, "big")


def _to_numbers(rows: Rows, radix: int) -> NDArray[np.uint64]:
    weights = np.array([float(radix**place) for place in range(rows.shape[1] - 1, -1, -1)])
    found: Any = rows.astype(np.float64) @ weights  # exact: below 2**32
    numbers: NDArray[np.uint64] = found.astype(np.uint64)
    return numbers


def _to_rows(numbers: NDArray[np.uint64], length: int, radix: int) -> Rows:
    rows = np.empty((len(numbers), length), np.uint8)
    rest = numbers.astype(np.uint32)
    for place in range(length - 1, -1, -1):
        higher = rest // np.uint32(radix)
        rows[:, place] = rest - higher * np.uint32(radix)
        rest = higher
    return rows
