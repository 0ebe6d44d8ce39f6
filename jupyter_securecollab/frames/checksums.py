"""Check digits, many at once: Luhn, weighted sums, mod 97, Verhoeff, and python-stdnum for the rest.

Each validator takes an Arrow array of distinct texts without nulls and gives a NumPy array: is the check digit right.
Separators do not count. Texts of another length or with other characters are not right; nothing raises.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Texts = pa.Array
Right = NDArray[np.bool_]
Validator = Callable[[Any], Right]

_SEPARATORS = r"[ ./\-]"


def digits(texts: Texts[Any], least: int, most: int) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
    """Digits as a matrix, right-aligned and padded with 0 on the left, and how many each text has (0: not digits)."""
    plain: Any = pc.replace_substring_regex(texts, _SEPARATORS, "")
    good = pc.match_substring_regex(plain, rf"^[0-9]{{{least},{most}}}$")
    padded = pc.ascii_lpad(pc.if_else(good, plain, ""), width=most, padding="0")
    lengths = np.where(good, np.asarray(pc.utf8_length(plain)), 0)
    matrix = np.frombuffer("".join(padded.to_pylist()).encode("ascii"), np.uint8).reshape(len(texts), most)
    return (matrix - ord("0")).astype(np.int16), lengths.astype(np.int64)


def luhn(least: int, most: int) -> Validator:
    """ISO/IEC 7812-1 annex B: cards, IMEI, SIN and many more."""

    def right(texts: Texts[Any]) -> Right:
        matrix, lengths = digits(texts, least, most)
        doubled = matrix[:, -2::-2] * 2
        total = matrix[:, ::-2].sum(axis=1) + (doubled - 9 * (doubled > 9)).sum(axis=1)
        return np.asarray((lengths > 0) & (total % 10 == 0) & matrix.any(axis=1))

    return right


def weighted(weights: tuple[int, ...], modulus: int) -> Validator:
    """Right where the sum of digit times weight is divisible by `modulus`; one weight per digit, all of them."""

    def right(texts: Texts[Any]) -> Right:
        matrix, lengths = digits(texts, len(weights), len(weights))
        total = matrix @ np.array(weights, np.int64)
        return np.asarray((lengths > 0) & (total % modulus == 0) & matrix.any(axis=1))

    return right


_VERHOEFF_D = np.array(
    [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 0, 6, 7, 8, 9, 5], [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
     [3, 4, 0, 1, 2, 8, 9, 5, 6, 7], [4, 0, 1, 2, 3, 9, 5, 6, 7, 8], [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
     [6, 5, 9, 8, 7, 1, 0, 4, 3, 2], [7, 6, 5, 9, 8, 2, 1, 0, 4, 3], [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
     [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]]
)  # fmt: skip
_VERHOEFF_P = np.array(
    [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 5, 7, 6, 2, 8, 3, 0, 9, 4], [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
     [8, 9, 1, 6, 0, 4, 3, 5, 2, 7], [9, 4, 5, 3, 1, 2, 6, 8, 7, 0], [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
     [2, 7, 9, 3, 8, 0, 6, 4, 1, 5], [7, 0, 4, 6, 9, 1, 3, 2, 5, 8]]
)  # fmt: skip


def verhoeff(least: int, most: int) -> Validator:
    """Verhoeff's dihedral check: Aadhaar, SNOMED CT identifiers."""

    def right(texts: Texts[Any]) -> Right:
        matrix, lengths = digits(texts, least, most)
        check = np.zeros(len(texts), np.int64)
        for place in range(most):
            after = _VERHOEFF_D[check, _VERHOEFF_P[place % 8, matrix[:, -1 - place]]]
            check = np.where(place < lengths, after, check)
        return np.asarray((lengths > 0) & (check == 0))

    return right


def iban(texts: Texts[Any]) -> Right:
    """ISO 13616: letters become numbers, the first four characters go to the end, the whole is 1 modulo 97."""
    plain = pc.utf8_upper(pc.replace_substring_regex(texts, _SEPARATORS, ""))
    good = pc.match_substring_regex(plain, "^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$")
    turned = pc.replace_substring_regex(pc.if_else(good, plain, "XX00"), "^(....)(.*)$", r"\2\1")
    # Each character is worth one or two digits of the number: a running remainder, place by place, over all texts.
    padded = pc.ascii_lpad(turned, width=34, padding="0")
    codes = np.frombuffer("".join(padded.to_pylist()).encode("ascii"), np.uint8).reshape(len(texts), 34)
    values = np.where(codes >= ord("A"), codes - ord("A") + 10, codes - ord("0")).astype(np.int64)
    rest = np.zeros(len(texts), np.int64)
    for place in range(34):
        value = values[:, place]
        rest = (rest * np.where(value > 9, 100, 10) + value) % 97
    return np.asarray(np.asarray(good, dtype=np.bool_) & (rest == 1))


def resident_of_china(texts: Texts[Any]) -> Right:
    """GB 11643: the last place makes the whole 1 modulo 11 with weights 2**17 to 2**0; X for 10 (ISO 7064 MOD 11-2).

    Without the district, which python-stdnum asks to have existed when somebody was born: it is where they were first
    registered, which may be decades later.
    """
    plain = pc.utf8_upper(pc.replace_substring_regex(texts, _SEPARATORS, ""))
    good = pc.match_substring_regex(plain, "^[0-9]{17}[0-9X]$")
    codes = np.frombuffer("".join(pc.if_else(good, plain, "0" * 18).to_pylist()).encode("ascii"), np.uint8)
    values = np.where(codes == ord("X"), 10, codes.astype(np.int64) - ord("0")).reshape(len(texts), 18)
    return np.asarray(np.asarray(good, dtype=np.bool_) & (values @ (2 ** np.arange(17, -1, -1)) % 11 == 1))


_VIN_VALUES = dict(zip("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "012345678912345678123457923456789"), strict=True))
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)


def vin(texts: Texts[Any]) -> Right:
    """49 CFR 565: the ninth place is the weighted sum modulo 11, X for 10."""

    def one(text: str) -> bool:
        if len(text) != 17 or not set(text) <= _VIN_VALUES.keys():
            return False
        total = sum(_VIN_VALUES[char] * weight for char, weight in zip(text, _VIN_WEIGHTS, strict=True)) % 11
        return text[8] == ("X" if total == 10 else str(total))

    return np.array([one(str(text).upper()) for text in texts.to_pylist()], np.bool_)


_NRIC_WEIGHTS = (2, 7, 6, 5, 4, 3, 2)
_NRIC = {"S": (0, "JZIHGFEDCBA"), "T": (4, "JZIHGFEDCBA"), "F": (0, "XWUTRQPNMLK"), "G": (4, "XWUTRQPNMLK"),
         "M": (3, "XWUTRQPNJLK")}  # fmt: skip


def nric(texts: Texts[Any]) -> Right:
    """NRIC and FIN of Singapore: a weighted sum modulo 11 gives the last letter, by the first one's table."""

    def one(text: str) -> bool:
        if len(text) != 9 or text[0] not in _NRIC or not (text[1:8].isascii() and text[1:8].isdigit()):
            return False
        more, table = _NRIC[text[0]]
        total = more + sum(int(digit) * weight for digit, weight in zip(text[1:8], _NRIC_WEIGHTS, strict=True))
        return text[8] == table[total % 11]

    return np.array([one(str(text).upper()) for text in texts.to_pylist()], np.bool_)


@functools.cache
def stdnum(module: str) -> Validator | None:
    """The validator of python-stdnum's module `module` (such as `nl.bsn`); None where it has none."""
    if not all(part.isidentifier() for part in module.split(".")):
        return None
    try:
        is_valid = importlib.import_module(f"stdnum.{module}").is_valid
    except (ImportError, AttributeError):
        return None

    def right(texts: Texts[Any]) -> Right:
        return np.array([bool(is_valid(text)) for text in texts.to_pylist()], np.bool_)

    return right


VALIDATORS: dict[str, Validator] = {
    "luhn": luhn(2, 32),
    "card": luhn(12, 19),
    "iban": iban,
    "verhoeff": verhoeff(2, 32),
    "vin": vin,
    "aba": weighted((3, 7, 1, 3, 7, 1, 3, 7, 1), 10),
    "nhs": weighted((10, 9, 8, 7, 6, 5, 4, 3, 2, 1), 11),
    "bsn": weighted((9, 8, 7, 6, 5, 4, 3, 2, -1), 11),
    "pesel": weighted((1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1), 10),
    "nric": nric,
    "cn": resident_of_china,
    "tfn": weighted((1, 4, 3, 7, 5, 8, 6, 9, 10), 11),
}
"""The checks an organisation's recognizer may name, besides the modules of python-stdnum."""


def validator(name: str) -> Validator | None:
    """The check of that name, ours or python-stdnum's; None where there is none."""
    return VALIDATORS.get(name) or stdnum(name)
