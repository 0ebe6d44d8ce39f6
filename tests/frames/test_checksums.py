"""Check digits: published numbers are right, the same with one digit changed are not, anything else is no number."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_securecollab.frames.checksums import VALIDATORS, validator

RIGHT = {
    "luhn": ["4111 1111 1111 1111", "79927398713"],
    "card": ["378282246310005", "5555-5555-5555-4444"],
    "iban": ["DE89 3704 0044 0532 0130 00", "GB82WEST12345698765432", "NO9386011117947"],
    "verhoeff": ["234123412346", "73211009", "38341003"],
    "vin": ["1M8GDM9AXKP042788", "11111111111111111"],
    "aba": ["111000025", "021000021"],
    "nhs": ["943 476 5919"],
    "bsn": ["111222333", "123456782"],
    "pesel": ["44051401359"],
    "tfn": ["123 456 782"],
    "it.codicefiscale": ["RCCMNL83S18D969H"],
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_published_numbers_are_right(name: str) -> None:
    check = validator(name)
    assert check is not None and check(pa.array(RIGHT[name])).all()


@pytest.mark.parametrize("name", RIGHT)
def test_the_last_place_changed_is_wrong(name: str) -> None:
    check = validator(name)
    changed = [text[:-1] + ("1" if text[-1] != "1" else "2") for text in RIGHT[name]]
    assert check is not None and not check(pa.array(changed)).any()


@pytest.mark.parametrize("name", RIGHT)
def test_other_texts_are_no_numbers(name: str) -> None:
    check = validator(name)
    assert check is not None
    assert not check(pa.array(["", "x", "0" * 16, "٤٢", "-" * 20, "9" * 60, "4111\n1111"])).any()
    assert len(check(pa.array([], pa.string()))) == 0


@pytest.mark.parametrize("name", ["", "luhnn", "os.path", "nl.nothing", "..", "nl.bsn.validate", "__init__"])
def test_unknown_checks_are_none(name: str) -> None:
    assert validator(name) is None


def luhn_by_hand(text: str) -> bool:
    digits = [int(char) for char in reversed(text)]
    return sum(sum(divmod(digit * (1 + place % 2), 10)) for place, digit in enumerate(digits)) % 10 == 0


@given(st.lists(st.from_regex("[1-9][0-9]{1,30}", fullmatch=True), min_size=1))
def test_luhn_agrees_with_the_definition(texts: list[str]) -> None:
    assert VALIDATORS["luhn"](pa.array(texts)).tolist() == list(map(luhn_by_hand, texts))
