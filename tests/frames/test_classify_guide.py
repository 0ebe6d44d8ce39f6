"""The guide to classification says what is so: its example runs, its rules fit, its table of tags is ours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jupyter_securecollab.frames.classify import Classifier
from jupyter_securecollab.frames.tags import TAGS, default_rules, parse_rules

GUIDE = (Path(__file__).parents[2] / "docs" / "guide" / "classify.md").read_text("utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.parametrize("example", [block for block in blocks("python") if "import" in block])
def test_the_examples_for_programs_run(example: str) -> None:
    exec(example, {})


def test_the_rules_shown_are_accepted() -> None:
    (rules,) = blocks("yaml")
    assert Classifier(parse_rules(rules)).level_of("staff_number") == "confidential"


def test_every_tag_stands_in_the_table_with_its_level() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.+) \| (\w+) \|$", GUIDE, re.MULTILINE)
    assert {tag: (what, level) for tag, what, level in rows} == {
        tag: (what, default_rules().levels[tag]) for tag, what in TAGS.items()
    }
