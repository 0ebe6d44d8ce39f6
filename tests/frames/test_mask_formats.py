"""Format-preserving masks look like what they replace, stay one to one, and refuse what would be too easy."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_securecollab.errors import Invalid
from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.frames.mask import mask_column

KEY = MaskKey(bytes(range(32)))
IBANS = ["DE89370400440532013000", "GB29 NWBK 6016 1331 9268 19", "FR1420041010050500013M02606"]


def masked(values: list[Any], how: str = "fpe", tag: str | None = None) -> list[Any]:
    made: list[Any] = mask_column(pa.array(values), how, tag, key=KEY).to_pylist()
    return made


def luhn(text: str) -> bool:
    digits = [int(one) for one in text if one.isdigit()][::-1]
    return sum(digits[::2]) + sum(sum(divmod(2 * one, 10)) for one in digits[1::2]) in range(0, 1000, 10)


def valid_iban(text: str) -> bool:
    text = text.replace(" ", "")
    return int("".join(str(int(one, 36)) for one in text[4:] + text[:4])) % 97 == 1


def shape(text: str) -> str:
    return re.sub(r"[A-Za-z0-9]", "x", text)


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("999-76-6866", r"\d{3}-\d\d-\d{4}"),
        ("+1 (555) 010-9988", r"\+\d \(\d{3}\) \d{3}-\d{4}"),
        ("AB123456C", r"(?=.*[A-Z])[0-9A-Z]{9}"),
        ("ab-123456-c", r"(?=.*[a-z])[0-9a-z]{2}-[0-9a-z]{6}-[0-9a-z]"),
        ("Abc123", r"(?=.*[a-z])(?=.*[A-Z])[0-9A-Za-z]{6}"),
        ("00000000000000000000000000000042", r"\d{32}"),
    ],
)
def test_digits_stay_digits_and_separators_where_they_are(text: str, pattern: str) -> None:
    (made,) = masked([text])
    assert re.fullmatch(pattern, made) and made != text and made == masked(["123456", text, None])[1]


def test_digits_alone_are_encrypted_where_asked() -> None:
    (made,) = masked(["AB 12 34 56 C"], "fpe:digits")
    assert re.fullmatch(r"AB \d\d \d\d \d\d C", made) and made != "AB 12 34 56 C"


@given(st.lists(st.from_regex(r"[0-9A-Za-z]{6,25}(-[0-9a-z]{3})?", fullmatch=True), unique=True, max_size=30))
def test_different_texts_stay_different_and_keep_their_shape(texts: list[str]) -> None:
    made = masked(texts) if texts else []
    assert len(set(made)) == len(texts) and [shape(one) for one in made] == [shape(one) for one in texts]
    for before, after in zip(texts, made, strict=True):
        for kind in (str.isupper, str.islower):
            assert any(map(kind, before)) == any(map(kind, after))


def test_a_valid_card_stays_valid_and_a_wrong_one_wrong() -> None:
    cards = ["4111-1111-1111-1111", "378282246310005", "30569309025904", "4111 1111 1111 1112", "6304000000000000018"]
    made = masked(cards, "fpe", "credit_card")
    assert [luhn(one) for one in made] == [luhn(one) for one in cards] == [True, True, True, False, luhn(cards[4])]
    assert [shape(one) for one in made] == [shape(one) for one in cards]
    numbers = [4111111111111111, None, 5500000000000004]
    whole = masked(numbers, "fpe:card")
    assert whole[1] is None and all(luhn(str(one)) and len(str(one)) == 16 for one in whole if one)


def test_ten_wrong_check_digits_give_ten_different_numbers() -> None:
    assert len(set(masked([f"411111111111111{digit}" for digit in range(10)], "fpe:card"))) == 10


def test_an_iban_keeps_country_letters_and_a_valid_check() -> None:
    made = masked([*IBANS, None], "fpe", "iban")
    for before, after in zip(IBANS, made, strict=False):
        assert valid_iban(before) and valid_iban(after) and before != after and before[:2] == after[:2]
        assert re.sub(r"\d", "0", before) == re.sub(r"\d", "0", after)
    (wrong,) = masked(["DE88370400440532013000"], "fpe:iban")
    assert not valid_iban(wrong)


@pytest.mark.parametrize("kind", [pa.int32(), pa.int64(), pa.uint32(), pa.uint64()])
def test_whole_numbers_keep_type_length_and_sign(kind: pa.DataType) -> None:
    largest = np.iinfo(kind.to_pandas_dtype()).max
    values = [1_000_000, 9_999_999, 123_456_789, int(largest), int(largest) - 1]
    values += [-1_234_567, int(np.iinfo(kind.to_pandas_dtype()).min)] if pa.types.is_signed_integer(kind) else []
    made = mask_column(pa.array(values, kind), "fpe", None, key=KEY)
    assert made.type == kind and len(set(made.to_pylist())) == len(values)
    assert [len(str(one)) for one in made.to_pylist()] == [len(str(one)) for one in values]


@given(st.lists(st.integers(1_000_000, 2**63 - 1), unique=True, min_size=1))
def test_different_numbers_stay_different(numbers: list[int]) -> None:
    assert len(set(masked(numbers))) == len(numbers)


@pytest.mark.parametrize(
    ("values", "how", "says"),
    [
        (["123456", "12345"], "fpe", "at least 6 digits in every value"),
        (["abc"], "fpe", "at least 4 letters and digits"),
        (["123456", "n/a"], "fpe:digits", "nothing that format-preserving encryption changes"),
        (["123456", "---"], "fpe", "nothing that format-preserving encryption changes"),
        (["José 1234567"], "fpe", "ASCII"),
        (["123\u200b4567"], "fpe", "ASCII"),
        (["1" * 257], "fpe", "up to 256"),
        (["1" * 1001], "fpe", "short texts"),
        (["4111 1111 1111 111x"], "fpe:card", "letters in them"),
        (["411111"], "fpe:card", "at least 6 digits"),
        (["DE89370400440532013000", "hello12345"], "fpe:iban", "not all IBANs"),
        (["DE89"], "fpe:iban", "not all IBANs"),
        (["MT84MALT"], "fpe:iban", "at least 6 digits|nothing"),
        ([999_999], "fpe", "at least 7 digits in every number"),
        ([0], "fpe", "at least 7 digits in every number"),
        ([12345678], "fpe:iban", "not a number"),
        ([2**63 - 1], "fpe:card", "as long as the type allows"),
    ],
)
def test_what_cannot_be_kept_in_format_is_refused_with_another_way(values: list[Any], how: str, says: str) -> None:
    with pytest.raises(Invalid, match=says) as caught:
        masked(values, how)
    assert caught.value.next_step and not any(str(value) in str(caught.value) for value in values if value)


def test_nothing_stays_nothing() -> None:
    assert masked(["", None, "123456"])[:2] == ["", None]


def test_slices_of_larger_columns_are_masked_as_what_they_are() -> None:
    whole = pa.array(["Nobody", "123456", None, "999999", "Nobody"])
    assert mask_column(whole[1:4], "fpe", None, key=KEY).to_pylist() == masked(["123456", None, "999999"])


def test_the_mask_of_a_value_does_not_depend_on_the_others() -> None:
    few = pd.Series(["ABC-123", "123456"])
    many = pd.Series(["abc-999", "Abc-123", "ABC-123", "1234567", "123456"])
    made = mask_column(many, "fpe", None, key=KEY)
    assert mask_column(few, "fpe", None, key=KEY).tolist() == [made[2], made[4]]
