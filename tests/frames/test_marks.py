"""Marks of texts by their bytes, beside the same told character by character."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jupyter_securecollab.frames.marks import (
    A_LETTER,
    CAPITAL,
    DIGIT,
    FOREIGN,
    SIGN,
    SIGNS,
    SMALL,
    count,
    mark,
    marks,
)
from jupyter_securecollab.frames.recognizers import RECOGNIZERS, STATES, Recognizer

TEXTS = st.lists(st.text(st.characters(codec="utf-8")), max_size=8)
OURS = [one for one in (*RECOGNIZERS, *STATES) if one.signs is not None or one.begins]


def one_by_one(text: str) -> int:
    found = 0
    for character in text:
        if character.isascii() and character.isalnum():
            found |= int(DIGIT if character.isdigit() else SMALL if character.islower() else CAPITAL)
        else:
            found |= int(FOREIGN if ord(character) >= 0xC0 else mark(character))
    return found


@given(TEXTS, TEXTS)
@example([""], ["", "a", ""])
@example(["x"], ["ÿ¿À", "\x7f", "\x80"])
def test_marks_are_those_of_the_characters(before: list[str], texts: list[str]) -> None:
    array = pa.array([*before, *texts], pa.large_string()).slice(len(before))
    assert marks(array).tolist() == [one_by_one(text) for text in texts]
    assert count(array, " ./-").tolist() == [sum(one in " ./-" for one in text) for text in texts]


def test_every_sign_has_a_mark_of_its_own_and_all_others_share_one() -> None:
    kinds = [DIGIT, SMALL, CAPITAL, FOREIGN, SIGN, *map(mark, SIGNS)]
    assert len({int(one) for one in kinds}) == len(kinds) and all(int(one).bit_count() == 1 for one in kinds)
    assert mark("%;") == SIGN and mark("") == 0 and mark("a@") & A_LETTER == 0


@pytest.mark.parametrize("one", OURS, ids=lambda one: f"{one.tag}: {one.title}")
@settings(max_examples=20)
@given(data=st.data())
def test_what_fits_a_pattern_begins_so_and_has_no_other_marks(one: Recognizer, data: st.DataObject) -> None:
    fitting = data.draw(st.from_regex(one.pattern.replace("$", r"\Z"), alphabet=st.characters(codec="ascii")))
    assert re.search(one.begins, fitting)
    if one.signs is not None:
        assert marks(pa.array([fitting], pa.large_string()))[0] & ~one.marks == 0


def test_what_has_another_mark_does_not_fit() -> None:
    ssn = next(one for one in OURS if one.tag == "us_ssn")
    plain, dotted, lettered = marks(pa.array(["123-45-6789", "123.45.6789", "123-45-678x"], pa.large_string()))
    assert plain & ~ssn.marks == 0 and dotted & ~ssn.marks != 0 and lettered & ~ssn.marks != 0
