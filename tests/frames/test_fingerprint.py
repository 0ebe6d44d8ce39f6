"""Fingerprints of columns: the same for columns of one sort, another for any other, and nothing without the key."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_securecollab.frames.fingerprint import fingerprints
from jupyter_securecollab.frames.keyed import MaskKey

KEY, OTHER = MaskKey(bytes(32)), MaskKey(b"1" * 32)
SSNS = [f"9{n:02}-73-{n:04}" for n in range(60)]


def of(values: Any, name: str = "ssn", key: MaskKey = KEY) -> str:
    return fingerprints(pd.DataFrame({name: values}), key)[name]


def test_other_values_of_the_same_sort_have_the_same_fingerprint() -> None:
    assert of(SSNS) == of(SSNS[::-1][:7]) == of(["123-45-6789", None]) == of(pd.Categorical(SSNS))
    assert of([1, 2], "n") == of([70_000], "n") == of([1.0, None], "n")


@pytest.mark.parametrize("name", ["SSN", "Ssn", " ssn ", "ssn_", "\u200bssn", "ｓｓｎ"])
def test_spellings_of_one_name_are_one(name: str) -> None:
    assert of(SSNS, name) == of(SSNS)


@pytest.mark.parametrize("values", [
    list(range(60)), [f"name{n}" for n in range(60)], [None] * 60, [dt.date(2020, 1, 1)] * 60, [True] * 60,
    ["a b 1"] * 60, [["1-2"]] * 60, [{"x": "1-2"}] * 60, [1.5] * 60, ["1@2"] * 60,
])  # fmt: skip
def test_another_kind_or_shape_is_another_sort(values: list[Any]) -> None:
    assert of(values) != of(SSNS)


def test_another_name_or_key_is_another_sort() -> None:
    assert len({of(SSNS), of(SSNS, "ssn2"), of(SSNS, "s"), of(SSNS, key=OTHER)}) == 4


@pytest.mark.parametrize("frame", [
    pd.DataFrame({"ssn": SSNS}), pl.DataFrame({"ssn": SSNS}), pa.table({"ssn": SSNS}),
    pd.DataFrame({"ssn": pd.array(SSNS, "string[pyarrow]")}),
    pl.DataFrame({"ssn": pl.Series(SSNS, dtype=pl.Categorical)}),
], ids=lambda one: type(one).__module__)  # fmt: skip
def test_libraries_agree(frame: Any) -> None:
    assert fingerprints(frame, KEY) == {"ssn": of(SSNS)}


def test_an_index_level_has_one_and_a_name_that_stands_there_twice_has_none() -> None:
    frame = pd.DataFrame([["1-2", "1-2"], ["1-2", "1-2"]], columns=["x", "x"], index=pd.Index(["1-2"] * 2, name="ssn"))
    assert fingerprints(frame, KEY) == {"ssn": of(["1-2"])}
    assert fingerprints(frame, KEY, among=["x"]) == {}


def test_names_and_frames_that_say_nothing() -> None:
    assert len(set(fingerprints(pd.DataFrame({"": ["x"], "%%": ["x"], "?": ["x"]}), KEY).values())) == 3
    assert fingerprints(pd.DataFrame(), KEY) == {}
    assert set(fingerprints(pd.DataFrame({"a": []}), KEY)) == {"a"}


def test_neither_name_nor_value_can_be_read_off() -> None:
    found = of(["CANARY"] * 9, "CANARY")
    assert len(found) == 32 and int(found, 16) and "canary" not in found.lower()
