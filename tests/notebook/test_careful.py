"""What is said of masked copies that tell all the same: values that stay, and masks where nothing was masked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd
import polars as pl
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from jupyter_securecollab.frames import axes
from jupyter_securecollab.model import Label, Level
from jupyter_securecollab.notebook.careful import left_clear
from jupyter_securecollab.notebook.plan import plan

ROWS = 3_000
FRAME = pd.DataFrame(
    {
        "pay": [1_000 + 7 * one for one in range(ROWS)],
        "first": ["Maria", "Johannes", "Karolina"] * (ROWS // 3),
        "note": ["came late", "left early", None] * (ROWS // 3),
        "born": pd.date_range("1950-01-01", periods=ROWS, freq="D"),
        "same": ["x"] * ROWS,
    },
    index=pd.Index([f"p{one}" for one in range(ROWS)], name="who"),
)


def warned(frame: Any, **masks: str) -> str:
    tags = {"first": "first_name", "note": "free_text", "born": "date_of_birth"}
    labels = {
        name: Label(Level.SECRET if name in masks else Level.INTERNAL, tags.get(name)) for name in axes.names(frame)
    }
    return repr(left_clear(plan(frame, labels, Level.INTERNAL, masks)))


@pytest.mark.parametrize(
    ("column", "how"),
    [
        ("pay", "noise:0.1"),
        ("pay", "generalise:1"),
        ("pay", "clip:0:1000000"),
        ("first", "scrub"),
        ("note", "scrub"),
        ("born", "generalise:day"),
        ("who", "scrub"),
    ],
)
def test_a_mask_that_leaves_values_as_they_are_is_warned_of(column: str, how: str) -> None:
    assert f"{column} ({how}): most values of the masked copy are the clear ones" in warned(FRAME, **{column: how})
    if column != "who":
        assert column in warned(pl.from_pandas(FRAME), **{column: how})


@pytest.mark.parametrize(
    ("column", "how"),
    [
        ("pay", "noise:5"),
        ("pay", "generalise:100"),
        ("pay", "clip:2000:9000"),
        ("pay", "pseudonym"),
        ("first", "redact"),
        ("born", "generalise:month"),
        ("born", "null"),
        ("who", "token"),
        ("same", "shuffle"),
        ("first", "drop"),
    ],
)
def test_other_masks_are_not_warned_of(column: str, how: str) -> None:
    assert warned(FRAME, **{column: how}) == "()"
    assert warned(FRAME.head(0), **{column: how}) == "()"


@pytest.fixture
def alone(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> Iterator[InteractiveShell]:
    """A shell without a vault."""
    for name in ("SECURECOLLAB_URL", "SECURECOLLAB_TOKEN", "SECURECOLLAB_LOG_KEY"):
        monkeypatch.delenv(name, raising=False)
    yield shell


def shown(shell: InteractiveShell, line: str) -> str:
    with capture_output() as captured:
        assert shell.run_cell(line).success
    return captured.stdout + "".join(one.data["text/plain"] for one in captured.outputs)


def test_the_magic_says_what_was_masked_and_when_nothing_was(alone: InteractiveShell) -> None:
    alone.user_ns["df"] = pd.DataFrame({"ssn": ["999-76-6866", "999-12-3456"], "n": [1, 2]})
    told = shown(alone, "m = %mask df --up-to internal")
    assert "clear        n" in told and "masked copy  ssn (redact)" in told and "careful" not in told
    assert "left out     ssn" in shown(alone, "m = %mask df --up-to internal --mask ssn=drop")
    assert "careful  nothing in it is above that level" in shown(alone, "m = %mask df --up-to secret")
    alone.user_ns["later"] = pl.DataFrame({"ssn": ["999-76-6866"], "n": [1]}).lazy()
    assert "masked copy  ssn (redact)" in shown(alone, "m = %mask later --up-to internal")
    assert "ssn (scrub): most values" in shown(
        alone, "df['ssn'] = ['a', 'b']\nm = %mask df --up-to internal --mask ssn=scrub"
    )
