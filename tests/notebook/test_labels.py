"""What a kernel remembers of objects: their labels while they live, and the highest level it has seen for good."""

from __future__ import annotations

import gc

import pandas as pd

from jupyter_securecollab.model import Label, Level
from jupyter_securecollab.notebook.labels import Memory

SECRET = {"ssn": Label(Level.SECRET)}


def test_labels_belong_to_one_object_and_to_no_other_like_it() -> None:
    memory, frame = Memory(), pd.DataFrame({"ssn": ["1"]})
    memory.remember(frame, SECRET, "here")
    assert memory.labels_of(frame) == SECRET
    assert memory.labels_of(frame.copy()) == {} and frame.attrs == {}


def test_labels_go_with_their_object_but_the_highest_level_stays() -> None:
    memory, frame = Memory(), pd.DataFrame({"ssn": ["1"]})
    memory.remember(frame, SECRET, "clinic/patients")
    del frame
    gc.collect()
    others = [pd.DataFrame({"n": [number]}) for number in range(100)]
    assert all(memory.labels_of(other) == {} for other in others)
    assert (memory.highest, memory.highest_from) == (Level.SECRET, "clinic/patients")


def test_what_takes_no_weak_reference_still_counts_towards_the_highest_level() -> None:
    memory, weights = Memory(), {"w": 1}
    memory.remember(weights, {"": Label(Level.CONFIDENTIAL)}, "clinic/model")
    assert memory.labels_of(weights) == {} and memory.highest == Level.CONFIDENTIAL


def test_a_lower_level_does_not_lower_the_highest() -> None:
    memory, frame = Memory(), pd.DataFrame()
    memory.remember(frame, SECRET, "a/b")
    memory.remember(frame, {"n": Label(Level.PUBLIC)}, "c/d")
    assert (memory.highest, memory.highest_from) == (Level.SECRET, "a/b") and "ssn" not in memory.labels_of(frame)
