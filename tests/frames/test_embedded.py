"""Identifiers with something around them, in texts that are no sentences: found, masked by default, and little else."""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Callable

import pandas as pd
import pytest

from jupyter_securecollab.frames.classify import Classifier
from jupyter_securecollab.frames.plans import default_plan, mask_frame
from jupyter_securecollab.model import Level

CHANCE = random.Random(5)
ROWS = 200
MAILS = [f"{CHANCE.choice(['ann', 'bo', 'mia'])}.{one}@example.org" for one in range(ROWS)]
SSNS = [f"{CHANCE.randint(100, 699)}-{CHANCE.randint(10, 99)}-{CHANCE.randint(1000, 9999)}" for _ in range(ROWS)]
PHONES = [f"+1 555 {CHANCE.randint(100, 999)} {CHANCE.randint(1000, 9999)}" for _ in range(ROWS)]

HOLDING: dict[str, tuple[str, list[str], Callable[[str], str]]] = {
    "JSON": ("email", MAILS, lambda one: json.dumps({"to": one, "n": 1})),
    "XML": ("email", MAILS, lambda one: f"<to>{one}</to>"),
    "a quoted text": ("email", MAILS, lambda one: f'"{one}"'),
    "a list": ("email", MAILS, lambda one: f"{one};boss@example.org"),
    "a line of a log": ("email", MAILS, lambda one: f"12:00:00 login user={one} ok"),
    "a label": ("us_ssn", SSNS, lambda one: f"SSN {one}"),
    "a list of numbers": ("us_ssn", SSNS, lambda one: f"{one}, {one[::-1]}"),
    "something behind": ("credit_card", ["4111 1111 1111 1111"], lambda one: f"{one} (VISA)"),
    "two of them": ("phone", PHONES, lambda one: f"{one} / +1 555 123 4567"),
}


@pytest.mark.parametrize("name", HOLDING)
def test_what_stands_inside_other_texts_is_found_and_masked_by_default(name: str) -> None:
    tag, values, around = HOLDING[name]
    frame = pd.DataFrame({"c1": [around(one) for one in values]})
    finding = Classifier().find(frame)["c1"]
    assert finding.tag == tag and finding.level >= Level.CONFIDENTIAL
    assert f"texts that contain {tag}" in finding.evidence() and not any(one in finding.evidence() for one in values)
    tags = {"c1": finding.tag}
    masked = mask_frame(frame, default_plan(frame, tags), tags=tags)["c1"]
    assert set(masked) == {f"[{tag}]"}  # all of it: names beside an address have no form
    scrubbed = mask_frame(frame, {"c1": "scrub"}, tags=tags)["c1"]
    assert not any(one in text for one, text in zip(values, scrubbed, strict=True))


def test_json_as_wide_as_sentences_is_masked_as_a_whole_unless_its_name_says_that_it_is_text() -> None:
    people = [{"name": "Anna Weber", "tel": f"0761 82{one}"} for one in range(1_000, 1_000 + ROWS)]
    visits = [{"ward": "Kardio 1", "from": one, "codes": ["a", "b"]} for one in people]
    texts = [json.dumps(one) for one in visits]
    found = Classifier().find(pd.DataFrame({"c1": texts, "notes": texts}))
    assert (
        found["c1"].tag in ("phone", "person_name")
        and "texts that contain phone, person_name" in found["c1"].evidence()
    )
    assert found["notes"].tag == "free_text" and found["notes"].level == Level.CONFIDENTIAL
    named = [json.dumps(one | {"from": {"name": "Anna Weber", "who": "her mother"}}) for one in visits]
    assert Classifier().find(pd.DataFrame({"c1": named}))["c1"].tag == "person_name"
    beside = pd.DataFrame(
        {"c1": [f"{one[:-1]}, 'ssn': {ssn!r}}}" for one, ssn in zip(texts, SSNS, strict=True)], "name": "Ann Lee"}
    )
    assert Classifier().find(beside)["c1"].level == Level.SECRET
    nothing = Classifier().find(
        pd.DataFrame({"c1": [json.dumps({"parts": list(range(9)), "n": n}) for n in range(99)]})
    )
    assert nothing["c1"].level == Level.INTERNAL


def test_of_several_the_highest_counts() -> None:
    texts = [f"{mail},{ssn}" for mail, ssn in zip(MAILS, SSNS, strict=True)]
    finding = Classifier().find(pd.DataFrame({"c1": texts}))["c1"]
    assert finding.tag == "us_ssn" and "texts that contain email, us_ssn" in finding.evidence()


def test_a_few_among_others_are_enough() -> None:
    texts = [json.dumps({"to": MAILS[one % ROWS]} if one % 400 == 0 else {"n": one}) for one in range(2_000)]
    assert Classifier().find(pd.DataFrame({"c1": texts}))["c1"].tag == "email"


def test_identifiers_among_other_values_count() -> None:
    texts = [SSNS[one] if one % 10 == 0 else f"K-{one}" for one in range(ROWS)]
    finding = Classifier().find(pd.DataFrame({"c1": texts}))["c1"]
    assert finding.tag == "us_ssn" and "10% of 200 values" in finding.evidence()
    assert Classifier().find(pd.DataFrame({"c1": [f"K-{one}" for one in range(ROWS)]}))["c1"].tag is None


def test_identifiers_by_themselves_keep_their_tags() -> None:
    frame = pd.DataFrame({"a": MAILS, "b": SSNS, "c": PHONES, "d": [f" {one} " for one in MAILS]})
    assert [one.tag for one in Classifier().find(frame).values()] == ["email", "us_ssn", "phone", "email"]


@pytest.mark.parametrize(
    "texts",
    [
        [str(uuid.UUID(int=CHANCE.getrandbits(128))) for _ in range(ROWS)],
        [f"order {CHANCE.randint(10**15, 10**16 - 1)}, {one} pieces" for one in range(ROWS)],
        [f"v{one % 9}.{one % 7}.{one}-rc{one % 3}" for one in range(ROWS)],
        [json.dumps({"part": f"AB-{one}", "at": "2024-01-01T00:00:00Z"}) for one in range(ROWS)],
        [f"{one % 60}@{one % 24}" for one in range(ROWS)],
        [f"numpy@{one % 3}.{one % 20}.0" for one in range(ROWS)],
    ],
)
def test_what_only_has_signs_and_figures_is_left_alone(texts: list[str]) -> None:
    assert Classifier().find(pd.DataFrame({"c1": texts}))["c1"].tag is None
