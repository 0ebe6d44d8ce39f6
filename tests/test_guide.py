"""The guide's examples do what it shows, and it says of every technique what the notebook says."""

from __future__ import annotations

import datetime as dt
import doctest
import re
from pathlib import Path

import pyarrow as pa
import pytest

from jupyter_securecollab.frames.mask import default_choice
from jupyter_securecollab.frames.tags import TAGS
from jupyter_securecollab.frames.techniques import TECHNIQUES, Technique

PAGE = (Path(__file__).parent.parent / "docs" / "guide" / "masking.md").read_text("utf-8")
SECTIONS = {section.splitlines()[0].strip("# `"): section for section in re.split(r"(?m)^(?=##)", PAGE)}


def examples(text: str) -> doctest.DocTest:
    inside = "\n".join(block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if ">>>" in block)
    return doctest.DocTestParser().get_doctest(inside, {}, "guide", None, 0)


def test_every_example_gives_what_is_shown() -> None:
    found = examples(PAGE)
    assert len(found.examples) > len(TECHNIQUES)
    said: list[str] = []
    assert doctest.DocTestRunner(verbose=False).run(found, out=said.append).failed == 0, "".join(said)


@pytest.mark.parametrize("one", TECHNIQUES.values(), ids=lambda one: one.name)
def test_every_technique_has_a_section_with_an_example_and_what_it_keeps_and_leaks(one: Technique) -> None:
    section = SECTIONS[one.spelling]
    words = " ".join(section.split())
    assert f"* **Keeps** {one.keeps}." in words and f"* **Still leaks** {one.leaks}." in words
    assert one.does[1:] in words and ("Keyed." in words) == one.keyed
    assert f'"{one.name}' in "".join(example.source for example in examples(section).examples)


def test_no_section_is_about_a_technique_that_is_not_there() -> None:
    headings = re.findall(r"(?m)^### `([a-z]+)", PAGE)
    assert headings == list(TECHNIQUES)


COLUMNS = {
    "text": pa.array(["x"]),
    "integer": pa.array([1]),
    "float": pa.array([1.5]),
    "date": pa.array([dt.date(2020, 1, 1)]),
    "other": pa.array([[1]]),
}


def test_the_defaults_of_all_tags_are_what_the_table_says() -> None:
    rows = [line.strip("| ").split(" | ") for line in SECTIONS["Defaults"].splitlines() if line.startswith("| ")][1:]
    said = {
        (tag, kind): how.strip("`")
        for tags, kinds, how in rows
        for tag in tags.split(", ")
        for kind in kinds.split(", ")
    }
    assert {tag for tag, _ in said} <= {*TAGS, "any other"}
    for tag in (*TAGS, None):
        for kind, column in COLUMNS.items():
            expected = said.get((str(tag), kind), said["any other", kind])
            assert str(default_choice(column, tag)) == expected, (tag, kind)
