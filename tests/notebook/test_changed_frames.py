"""Frames that are written to after their columns were labelled: what stands there now counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import dask.dataframe as dd
import pandas as pd
import polars as pl
import pytest

import jupyter_securecollab as collab
from jupyter_securecollab.client import connect
from jupyter_securecollab.errors import NeedsReview
from jupyter_securecollab.model import Label, Level
from jupyter_securecollab.notebook import session
from jupyter_securecollab.notebook.classifying import classifier
from jupyter_securecollab.notebook.labelling import labelled
from jupyter_securecollab.notebook.sharing import _review

ROWS = 60
SSNS = [f"{100 + one}-45-{6700 + one}" for one in range(ROWS)]
MAILS = [f"jo{one}@example.org" for one in range(ROWS)]


@pytest.fixture(autouse=True)
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A kernel's memory of its own, and our rules."""
    monkeypatch.setattr(session, "_session", session.Session(connect))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", "/nowhere")
    classifier.cache_clear()
    yield
    classifier.cache_clear()


def reviewed(frame: Any, **levels: str) -> Any:
    """The same frame, every label accepted or set to a level, as `%classify` and `%share` leave it behind."""
    found = collab.classify(frame).labels
    labels = {
        name: Label(Level(levels.get(name, label.level)), label.tag, confirmed_by="alice")
        for name, label in found.items()
    }
    session.current().memory.remember(frame, labels, "a test")
    return frame


def frame() -> pd.DataFrame:
    return pd.DataFrame({"note": [f"a{one}" for one in range(ROWS)], "ssn": SSNS, "mail": MAILS})


def assigned(x: pd.DataFrame) -> None:
    x["note"] = x["ssn"]


def renamed(x: pd.DataFrame) -> None:
    x.columns = pd.Index(["ssn", "note", "mail"])


def filled(x: pd.DataFrame) -> None:
    x.loc[5:, "note"] = MAILS[5:]


def indexed(x: pd.DataFrame) -> None:
    x.index = pd.Index(SSNS, name="note")
    x.pop("note")


@pytest.mark.parametrize("change", [assigned, renamed, filled, indexed])
def test_what_is_written_over_a_harmless_column_is_masked_and_asked_about(change: Callable[[Any], None]) -> None:
    x = reviewed(frame())
    change(x)
    masked = collab.mask(x, up_to="internal").reset_index()
    assert not set(masked["note"]) & {*SSNS, *MAILS}
    with pytest.raises(NeedsReview, match="note"):
        _review(labelled(session.current(), x, without_vault=True), session.current().memory)
    assert "note was internal and has other values since" in repr(collab.classify(x))


def test_a_label_stays_where_nothing_more_sensitive_was_written() -> None:
    x = reviewed(frame(), mail="internal")
    before = collab.classify(x).labels
    x.loc[3, ["note", "mail"]] = "b", "mia@example.org"  # of mail it was known to be one, and said to be harmless
    x["ssn"] = "none"
    x["more"] = 1
    found = collab.classify(x)
    assert {name: found.labels[name] for name in before} == before and "other values" not in repr(found)
    assert collab.mask(x, up_to="internal")["mail"].tolist() == x["mail"].tolist()


def put_elsewhere(x: pd.DataFrame) -> None:
    x.columns = pd.Index(["dose", "score", "mail"])


def renamed_alone(x: pd.DataFrame) -> None:
    x.columns = pd.Index(["points", "dose", "mail"])


def written_twice(x: pd.DataFrame) -> None:
    x["points"] = x["score"]


@pytest.mark.parametrize("change", [put_elsewhere, renamed_alone, written_twice])
def test_a_level_that_only_somebody_could_know_goes_with_the_values(change: Callable[[Any], None]) -> None:
    scores = [one * 7 % 23 for one in range(ROWS)]
    x = reviewed(pd.DataFrame({"score": scores, "dose": range(ROWS), "mail": MAILS}), score="secret")
    change(x)
    masked = collab.mask(x, up_to="internal")
    assert not [name for name in masked if masked[name].equals(pd.Series(scores))]
    _review(labelled(session.current(), x, without_vault=True), session.current().memory)  # it was looked at
    x["late"] = range(ROWS)
    assert collab.classify(x).labels["late"].level == Level.INTERNAL


def test_a_masked_copy_that_is_written_to_is_a_masked_copy_no_more() -> None:
    masked = collab.mask(frame(), up_to="internal")
    assert collab.classify(masked).labels["ssn"].level == Level.INTERNAL
    masked["ssn"] = SSNS
    assert collab.classify(masked).labels["ssn"].level == Level.SECRET


def test_polars_and_dask_frames_are_written_to_as_well() -> None:
    here = reviewed(pl.from_pandas(frame()))
    here.replace_column(0, here["ssn"].alias("note"))
    assert not set(collab.mask(here, up_to="internal")["note"]) & set(SSNS)
    parts = reviewed(dd.from_pandas(frame(), npartitions=2))
    assert collab.classify(parts).labels["note"].level == Level.INTERNAL
    parts["note"] = parts["ssn"]
    assert collab.classify(parts).labels["note"].level == Level.SECRET
