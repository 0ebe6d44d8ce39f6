"""Classification in a kernel: what is shown, an organisation's rules from Jupyter's folders, plug-ins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import jupyter_securecollab as collab
from jupyter_securecollab.errors import Invalid
from jupyter_securecollab.notebook.classifying import RULES, classifier

FRAME = pd.DataFrame({"contact": [f"person{n}@example.org" for n in range(30)], "code": ["S-12345"] * 30})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A configuration folder of Jupyter, and a classifier made anew from it."""
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    classifier.cache_clear()
    yield tmp_path
    classifier.cache_clear()


def plug_in(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Install a package that brings recognizers."""
    (folder / "wards.py").write_text(code)
    info = folder / "wards-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: wards\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[jupyter_securecollab.recognizers]\nwards = wards:given\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(__import__("sys").modules, "wards", raising=False)


def test_without_a_vault_suggestions_come_as_a_table_with_the_reason_for_each() -> None:
    found = collab.classify(FRAME)
    table = found.to_frame()
    assert list(table.columns) == ["column", "level", "tag", "confidence", "evidence"]
    assert list(table["column"]) == ["contact", "code"] and list(table["tag"]) == ["email", "none"]
    assert table["level"][0] == "confidential" and 0.9 < table["confidence"][0] <= 1
    assert "addresses with @" in table["evidence"][0] and "person1" not in repr(found)
    assert collab.classify(FRAME, full=True).labels["contact"].evidence.startswith("all 30 values")


def test_the_table_shows_what_was_found_and_lists_the_rest_and_the_risk() -> None:
    frame = FRAME.assign(gender=["M", "F"] * 15, age=range(30, 60), **{f"n{n}": 1 for n in range(40)})
    text, shown = repr(collab.classify(frame)), collab.classify(frame)._repr_html_()
    assert (
        "44 columns, 1 of which may be sensitive" in text
        and "risk  k = 1, 30 of 30 rows are alone by gender, age" in text
    )
    assert "nothing found, internal, not reviewed: code, n0, n1" in text and "and 1 more" in text and "n39" not in text
    assert "n39" in shown and ">confidential</span>" in shown and "<details><summary>the name says" in shown
    assert "risk" not in repr(collab.classify(FRAME))


def test_names_of_columns_are_text_whatever_they_hold() -> None:
    hostile = "<img src=x onerror=alert(1)>\u202eliame\x1b[31m"
    frame = FRAME.rename(columns={"contact": hostile}).assign(**{"<b>": 1})
    text, shown = repr(collab.classify(frame)), collab.classify(frame)._repr_html_()
    assert "<img" not in shown and "&lt;img src=x" in shown and "<b>" not in shown
    assert not {"\u202e", "\x1b"} & {*text, *shown}


def test_odd_frames_are_classified_without_a_measure_of_risk() -> None:
    twice = pd.DataFrame([["M", 30], ["F", 40]] * 9, columns=["gender", "gender"])
    for frame in (pd.DataFrame(), pd.DataFrame({"age": [None] * 3}), twice):
        assert "alone by" not in repr(collab.classify(frame)) or len(frame.columns) == 1
    nested = pd.DataFrame({"city": [["Berlin"], ["Hamburg"], ["Bremen"]] * 9})
    assert collab.classify(nested).labels["city"].tag == "city"


def test_the_organisation_s_rules_hold_in_every_kernel(folder: Path) -> None:
    recognizer = "recognizers: [{tag: staff_number, level: secret, pattern: 'S-[0-9]{5}'}]"
    (folder / RULES).write_text(f"version: 1\nlevels: {{email: internal}}\n{recognizer}\n")
    labels = collab.classify(FRAME).labels
    assert labels["code"].tag == "staff_number" and labels["code"].level == "secret"
    assert labels["contact"].tag == "email" and labels["contact"].level == "internal"


def test_rules_that_do_not_fit_stop_classification_instead_of_being_left_out(folder: Path) -> None:
    (folder / RULES).write_text("version: 1\nlevels: {email: pubic}\n")
    with pytest.raises(Invalid, match="pubic"):
        collab.classify(FRAME)


def test_plug_ins_bring_recognizers(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "from jupyter_securecollab.frames.recognizers import Recognizer\n"
    code += (
        "def given():\n    return [Recognizer('ward_code', 'codes of wards', '^S-[0-9]+$', 0.9, needs=frozenset())]\n"
    )
    plug_in(folder, monkeypatch, code)
    assert collab.classify(FRAME).labels["code"].tag == "ward_code"


def test_plug_ins_that_bring_something_else_are_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plug_in(folder, monkeypatch, "given = ['no recognizer']\n")
    with pytest.raises(Invalid, match="wards"):
        collab.classify(FRAME)
