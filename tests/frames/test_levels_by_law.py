"""The levels keep what the laws say that they follow, and the guide's tables by law are complete."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from jupyter_securecollab.frames.classify import Classifier
from jupyter_securecollab.frames.tags import TAGS, default_rules
from jupyter_securecollab.model import Level

GUIDE = (Path(__file__).parents[2] / "docs" / "guide" / "classify.md").read_text("utf-8")
ROWS = 40
ADDRESSES = [f"https://shop.example.org/p/{number}.png" for number in range(ROWS)]


def _rows(heading: str) -> dict[str, list[str]]:
    """What a table of the guide says: its first column, and the tags in its second."""
    table = GUIDE.split(f"| {heading}", 1)[1].split("\n\n", 1)[0].split("\n")[2:]
    rows = (line.strip("| ").split(" | ") for line in table)
    return {what: re.findall(r"`(\w+)`", tags) for what, tags in rows}


def _level(name: str, values: list[str] | list[int], **beside: list[str]) -> Level:
    return Classifier().find(pd.DataFrame({name: values, **beside}))[name].level


HIPAA, GDPR, PCI = (_rows(heading) for heading in ("HIPAA Safe Harbor", "GDPR article 9", "PCI DSS"))


def test_all_eighteen_identifiers_have_a_tag_that_is_confidential_at_least() -> None:
    letters = [letter for what in HIPAA for letter in re.findall(r"\(([A-R])\)", what)]
    assert letters == list("ABCDEFGHIJKLMNOPQR")
    levels = default_rules().levels
    for what, tags in HIPAA.items():
        assert tags and TAGS.keys() >= set(tags), what
        assert tags == ["url"] or all(levels[tag] >= Level.CONFIDENTIAL for tag in tags), what


def test_special_categories_are_confidential_and_cards_secret() -> None:
    levels = default_rules().levels
    assert len(GDPR) == 5 and all(levels[tag] >= Level.CONFIDENTIAL for tags in GDPR.values() for tag in tags)
    assert len(PCI) == 3 and levels["credit_card"] == levels["cvv"] == Level.SECRET


@pytest.mark.parametrize(
    ("form", "level"),
    [
        ("https://www.linkedin.com/in/somebody-{}", Level.CONFIDENTIAL),
        ("https://forum.example.org/users/{}/posts", Level.CONFIDENTIAL),
        ("https://shop.example.org/unsubscribe?to=somebody{}%40example.org", Level.CONFIDENTIAL),
        ("https://api.example.org/v1?key=ghp_{:036d}", Level.SECRET),
        ("https://shop.example.org/p/{}.png", Level.INTERNAL),
        ("https://git.example.org/team/tool-{}.git", Level.INTERNAL),
    ],
)
def test_web_addresses_are_as_high_as_what_they_hold(form: str, level: Level) -> None:
    assert _level("c1", [form.format(number) for number in range(ROWS)]) == level


def test_web_addresses_beside_people_are_theirs() -> None:
    assert _level("page", ADDRESSES, client_ip=[f"81.2.69.{number}" for number in range(ROWS)]) == Level.CONFIDENTIAL
    assert _level("page", ADDRESSES, colour=["red", "blue"] * 20) == Level.INTERNAL


def test_ages_over_89_count_as_dates_of_birth() -> None:
    assert _level("age", list(range(51, 51 + ROWS))) == Level.CONFIDENTIAL
    assert _level("age", list(range(50, 50 + ROWS))) == Level.INTERNAL


@pytest.mark.parametrize(
    ("name", "values", "tag"),
    [
        ("union_member", ["Y", "N"] * 20, "special_category"),
        ("sexuelle_orientierung", ["a", "b"] * 20, "special_category"),
        ("fingerprint_template", [f"{number:064x}" for number in range(ROWS)], "biometric"),
        ("patient_photo", [f"{number}.jpg" for number in range(ROWS)], "biometric"),
        ("photo", [f"{number}.jpg" for number in range(ROWS)], None),
        ("device_fingerprint", [f"{number:064x}" for number in range(ROWS)], None),
        ("trade_volume", ["Y", "N"] * 20, None),
    ],
)
def test_what_has_no_form_is_found_by_name(name: str, values: list[str], tag: str | None) -> None:
    assert Classifier().find(pd.DataFrame({name: values}))[name].tag == tag
