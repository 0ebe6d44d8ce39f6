"""Made-up values: the same for the same, of the right kind, never the value itself, and only where they can be made."""

from __future__ import annotations

import sys
from typing import Any

import pyarrow as pa
import pytest

from jupyter_securecollab.errors import Invalid
from jupyter_securecollab.frames.checksums import validator
from jupyter_securecollab.frames.fakes import PROVIDERS
from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.frames.mask import mask_column
from jupyter_securecollab.frames.plans import mask_frame
from jupyter_securecollab.frames.tags import TAGS

KEY = MaskKey(bytes(range(32)))


def faked(values: list[str | None], tag: str | None, how: str = "fake", key: MaskKey = KEY) -> list[Any]:
    made: list[Any] = mask_column(pa.array(values, pa.string()), how, tag, key=key).to_pylist()
    return made


@pytest.mark.parametrize("tag", PROVIDERS)
def test_equal_values_get_equal_ones_whatever_stands_beside_them(tag: str) -> None:
    made = faked(["a", "b", None, "a"], tag)
    assert made[0] == made[3] and made[2] is None and made[1] and made[0] != "a"
    assert faked(["b", "a"], tag) == [made[1], made[0]]
    assert any(faked([str(one)], tag) != faked([str(one)], tag, key=MaskKey(bytes(32))) for one in range(5))


def test_they_are_of_their_kind_and_locale() -> None:
    for tag, check in (("credit_card", "card"), ("iban", "iban")):
        valid = validator(check)
        assert valid is not None and valid(pa.array(faked([str(one) for one in range(20)], tag))).all()
    names = [str(one) for one in range(200)]
    german, english = set(faked(names, "city", "fake:de_DE")), set(faked(names, "city"))
    assert len(german) > 100 and not german & english


def test_a_value_is_never_made_of_itself() -> None:
    countries = faked([str(one) for one in range(2_000)], "country")
    assert all(a != b for a, b in zip(countries, faked(countries, "country"), strict=True))


@pytest.mark.parametrize(
    ("how", "tag", "says"),
    [
        ("fake", None, "no made-up values without a tag"),
        ("fake", "medical_record_number", "no made-up values of tag 'medical_record_number'"),
        ("fake:xx_YY", "city", "no locale 'xx_YY'"),
        ("fake:../x", "city", "no locale"),
    ],
)
def test_what_cannot_be_made_up_is_refused_before_anything_is_made(how: str, tag: str | None, says: str) -> None:
    table = pa.table({"a": ["x"]})
    with pytest.raises(Invalid, match=says):
        mask_frame(table, {"a": how}, key=KEY, tags={} if tag is None else {"a": tag})


def test_without_faker_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faker", None)
    with pytest.raises(Invalid, match="not installed") as caught:
        faked(["x"], "city")
    assert "[fake]" in caught.value.next_step


def test_all_tags_of_the_table_are_tags() -> None:
    assert PROVIDERS.keys() <= TAGS.keys()
