"""Views of a planned frame: whatever is masked, index levels too, leaves nothing of its values in what is seen."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from jupyter_securecollab.errors import Invalid
from jupyter_securecollab.frames import axes
from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.model import Label, Level
from jupyter_securecollab.notebook.masking import PREVIEW_ROWS, _preview
from jupyter_securecollab.notebook.plan import Masks, Plan, plan

KEYS = {level: bytes([number]) * 32 for number, level in enumerate(Level)}
CANARIES = [f"CANARY{number}" for number in (3, 1, 2, 1)]


def planned(frame: Any, masks: Masks) -> Plan:
    labels = {name: Label(Level.SECRET) if name in masks else Label() for name in axes.names(frame)}
    return plan(frame, labels, Level.INTERNAL, masks)


FRAMES: list[tuple[Any, Masks]] = [
    (pd.DataFrame({"x": range(4)}, index=pd.Index(CANARIES, name="ssn")), {"ssn": "pseudonym"}),
    (pd.DataFrame({"x": range(4)}, index=pd.Index(pd.Categorical(CANARIES), name="ssn")), {"ssn": "pseudonym"}),
    (pd.DataFrame({"x": range(4)}, index=pd.MultiIndex.from_arrays([CANARIES, range(4)])), {"(index 0)": "token"}),
    (pd.DataFrame({"a": CANARIES, "b": pd.Categorical(CANARIES)}), {"a": "shuffle", "b": "pseudonym"}),
    (pl.DataFrame({"a": CANARIES}, schema={"a": pl.Enum(sorted(set(CANARIES)))}), {"a": "pseudonym"}),
    (pa.table({"a": pa.array(CANARIES).dictionary_encode(), "y": [1, 2, 3, 4]}), {"a": "pseudonym"}),
    (pd.DataFrame([CANARIES[:2]], columns=[0, 1]), {"0": "pseudonym", "1": "fpe"}),
]


@pytest.mark.parametrize(("frame", "masks"), FRAMES)
def test_nothing_of_a_masked_value_is_left_in_a_view(frame: Any, masks: Masks) -> None:
    view = planned(frame, {name: how if how != "shuffle" else "redact" for name, how in masks.items()})
    seen = view.finished(KEYS).view(Level.INTERNAL)
    assert set(axes.names(seen)) == set(axes.names(frame)) and b"CANARY" not in pickle.dumps(seen)
    assert b"CANARY" in pickle.dumps(view.finished(KEYS).view(Level.SECRET))


@pytest.mark.parametrize(("frame", "masks"), FRAMES)
def test_what_is_stored_is_known_before_there_are_keys(frame: Any, masks: Masks) -> None:
    one = planned(frame, masks)
    assert one.levels == one.finished(KEYS).levels and set(one.keyed) == set(masks)


def test_a_plan_does_not_print_the_frame_it_is_for() -> None:
    assert "CANARY" not in repr(planned(*FRAMES[0]))


def test_a_column_is_masked_with_the_key_of_its_own_level() -> None:
    frame = pd.DataFrame({"a": CANARIES, "b": CANARIES})
    labels = {"a": Label(Level.SECRET), "b": Label(Level.CONFIDENTIAL)}
    one = plan(frame, labels, Level.INTERNAL, {"a": "pseudonym", "b": "pseudonym"})
    before = one.finished(KEYS).view(Level.INTERNAL)
    after = one.finished(KEYS | {Level.SECRET: bytes(range(32))}).view(Level.INTERNAL)
    assert not before.a.eq(after.a).any() and before.b.equals(after.b)
    with pytest.raises(KeyError):  # not with a lower one instead
        one.finished({level: key for level, key in KEYS.items() if level < Level.SECRET})


@pytest.mark.parametrize("index", [np.arange(9) * 1.5, pd.date_range("2020", periods=9), list("abcdefghi")])
def test_a_preview_shows_the_first_rows_whatever_the_index(index: Any) -> None:
    frame = pd.DataFrame({"x": range(9)}, index=pd.Index(index, name="when"))
    one = planned(frame, {"x": "clip:2:4", "when": "shuffle"})
    shown = _preview(one, one.finished(KEYS).view(Level.INTERNAL, PREVIEW_ROWS))
    (table,) = shown.report.tables
    assert len(table.rows) == PREVIEW_ROWS
    assert [row[1] for row in table.rows] == ["0 → 2", "1 → 2", "2", "3", "4"]
    assert dict(shown.plan) == {"when": "shuffle", "x": "clip:2:4"}
    assert {line for line, place in table.marked if place == 1} == {0, 1}


def test_what_a_technique_cannot_do_is_said_with_the_column_and_without_its_values() -> None:
    one = planned(pd.DataFrame({"pin": ["CANARY 12"]}), {"pin": "fpe:digits"})
    with pytest.raises(Invalid, match="column 'pin'") as caught:
        one.finished(KEYS)
    assert "CANARY" not in str(caught.value)
    assert "CANARY" not in repr(MaskKey(bytes(32)))


@pytest.mark.parametrize("masks", [{"a": "shift:3:nobody"}, {"nobody": "redact"}])
def test_columns_that_are_not_there_are_named(masks: Masks) -> None:
    frame = pd.DataFrame({"a": pd.to_datetime(["2020-01-01"])})
    labels = {"a": Label(Level.SECRET)}
    with pytest.raises(Invalid, match="no column 'nobody'"):
        plan(frame, labels, Level.INTERNAL, masks)


@pytest.mark.parametrize("how", ["pseudonym", "token"])
def test_few_values_are_warned_about_where_their_counts_stay(how: str) -> None:
    frame = pd.DataFrame({"sex": ["f", "m"] * 100, "id": [f"p{number}" for number in range(200)]})
    one = planned(frame, {"sex": how, "id": how})
    assert one.given_away() == ("sex",)
    assert "careful" in repr(_preview(one, one.finished(KEYS).view(Level.INTERNAL, PREVIEW_ROWS)))
    other = planned(frame, {"sex": "shuffle", "id": how})
    assert not other.given_away()
    assert "careful" not in repr(_preview(other, other.finished(KEYS).view(Level.INTERNAL, PREVIEW_ROWS)))
    assert not planned(frame.head(20), {"sex": how}).given_away()  # too few rows to count anything
