"""On labelled frames of eight countries, made of words the recognizers do not ship: what is found, what is not."""

from __future__ import annotations

import pandas as pd
import pytest
from sklearn import datasets

from benchmarks import others
from benchmarks.classify import judge, published
from benchmarks.people import DEVELOPMENT, LOCALES, frame
from jupyter_securecollab.frames.classify import Classifier
from jupyter_securecollab.model import Level

ROWS = 300


def test_frames_are_as_large_and_as_mixed_as_they_say() -> None:
    made, tags = frame(0, 20, telling=True)
    assert len(LOCALES) == 8 and len(made.columns) >= 80
    assert sum(tag is None for tag in tags.values()) >= 20 and len(set(tags.values())) >= 40
    assert made.equals(frame(0, 20, telling=True)[0]) and not made.equals(frame(8, 20, telling=True)[0])


@pytest.mark.parametrize(("telling", "precision", "recall"), [(True, 0.97, 0.97), (False, 0.95, 0.85)])
def test_most_is_found_and_little_is_wrong(telling: bool, precision: float, recall: float) -> None:
    judged = judge(frame(seed, ROWS, telling=telling) for seed in DEVELOPMENT)
    assert judged.precision() >= precision and judged.recall() >= recall


@pytest.mark.parametrize(("telling", "precision", "recall"), [(True, 0.97, 0.97), (False, 0.95, 0.65)])
def test_so_it_is_in_tables_as_people_publish_them(telling: bool, precision: float, recall: float) -> None:
    judged = judge(published(ROWS, telling=telling))
    assert judged.precision() >= precision and judged.recall() >= recall


def test_what_is_optional_counts_neither_way_and_of_two_either_is_right() -> None:
    mails = [f"a{number}@b.example" for number in range(9)]
    made = pd.DataFrame({"email": mails, "phone": mails, "c": ["x"] * 9})
    judged = judge([(made, {"email": "url/email", "phone": "?phone", "c": "?age"})])
    assert (judged.right.total(), judged.there.total(), judged.wrong.total()) == (1, 2, 1)


def test_frames_to_judge_by_are_of_other_words_and_the_same_every_time() -> None:
    made, tags = others.frame(2000, 50, telling=True)
    assert made.equals(others.frame(2000, 50, telling=True)[0]) and sum(tag is None for tag in tags.values()) >= 20
    theirs = {word for land in others.LANDS for word in land.family.split()}
    assert not theirs & {word for locale in LOCALES for word in locale.family.split()}


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "linnerud", "digits"])
def test_tables_without_people_are_left_alone(name: str) -> None:
    table = getattr(datasets, f"load_{name}")(as_frame=True).frame
    found = Classifier().find(table)
    assert not [column for column, one in found.items() if one.level > Level.INTERNAL]
    assert sum(one.tag is not None for one in found.values()) <= 0.02 * len(found)
