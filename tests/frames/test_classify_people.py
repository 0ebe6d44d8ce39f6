"""On labelled frames of eight countries, made of words the recognizers do not ship: what is found, what is not."""

from __future__ import annotations

from collections import Counter

import pytest
from sklearn import datasets

from benchmarks.people import DEVELOPMENT, LOCALES, frame
from jupyter_securecollab.frames.classify import Classifier
from jupyter_securecollab.model import Level

ROWS = 300


def judged(*, telling: bool) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """By tag: found and right, missed, found and wrong."""
    right, missed, wrong = Counter[str](), Counter[str](), Counter[str]()
    for seed in DEVELOPMENT:
        made, tags = frame(seed, ROWS, telling=telling)
        for name, finding in Classifier().find(made).items():
            tag = tags[name]
            right[tag or ""] += finding.tag == tag is not None
            missed[tag or ""] += finding.tag != tag is not None
            wrong[finding.tag or ""] += finding.tag not in (None, tag)
    return right, missed, wrong


def test_frames_are_as_large_and_as_mixed_as_they_say() -> None:
    made, tags = frame(0, 20, telling=True)
    assert len(LOCALES) == 8 and len(made.columns) >= 80
    assert sum(tag is None for tag in tags.values()) >= 20 and len(set(tags.values())) >= 40
    assert made.equals(frame(0, 20, telling=True)[0]) and not made.equals(frame(8, 20, telling=True)[0])


@pytest.mark.parametrize(("telling", "precision", "recall"), [(True, 0.97, 0.97), (False, 0.95, 0.6)])
def test_most_is_found_and_little_is_wrong(telling: bool, precision: float, recall: float) -> None:
    right, missed, wrong = (counter.total() for counter in judged(telling=telling))
    assert right / (right + wrong) >= precision
    assert right / (right + missed) >= recall


@pytest.mark.parametrize("name", ["iris", "wine", "breast_cancer", "diabetes", "linnerud", "digits"])
def test_tables_without_people_are_left_alone(name: str) -> None:
    table = getattr(datasets, f"load_{name}")(as_frame=True).frame
    found = Classifier().find(table)
    assert not [column for column, one in found.items() if one.level > Level.INTERNAL]
    assert sum(one.tag is not None for one in found.values()) <= 0.02 * len(found)
