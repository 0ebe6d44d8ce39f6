"""Masked cells in real kernels: what goes over the wire, and what comes back of the kernel's own machinery."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from notebook_kernels import Kernel

Kernels = Callable[[str | None], Kernel]

GUIDE = (Path(__file__).parents[2] / "docs" / "guide" / "masking.md").read_text("utf-8")
CANARIES = ("999-76-6866", "999-12-3456", "Karolina", "Bartholomew")
SETUP = """
import asyncio, json, logging, math, sys, warnings
import pandas as pd
people = pd.DataFrame({"ssn": ["999-76-6866", "999-12-3456"], "first": ["Karolina", "Bartholomew"], "dose": [1.5, 2.5]})
number = math.left_here = people.ssn.iloc[0]
logger = logging.getLogger("kernel")
logger.addHandler(logging.StreamHandler(sys.stderr))
"""


@pytest.fixture(scope="module")
def alice(kernel: Kernels) -> Kernel:
    kernel("alice").ok(SETUP)
    return kernel("alice")


def wire(kernel: Kernel, cell: str) -> tuple[str, dict[str, Any]]:
    """Run a cell; every message it sent, and the reply to the request."""
    messages: list[dict[str, Any]] = []

    def collect(message: dict[str, Any]) -> None:
        if message["msg_type"] not in ("execute_input", "status"):
            messages.append(message["content"])

    reply = kernel.client.execute_interactive(cell, output_hook=collect, allow_stdin=False, timeout=120)
    sent = json.dumps([messages, reply["content"]])
    assert not [one for one in CANARIES if one in sent.replace(json.dumps(cell)[1:-1], "")], sent
    return sent, reply["content"]


@pytest.mark.parametrize(
    "cell",
    [
        "people",
        "print(people, number)",
        "display(people)\npeople.ssn.iloc[0]",
        "shown = display(people, display_id=True)\nshown.update(people.ssn)",
        "logger.error('%s', people.to_string())",
        "warnings.warn(number)",
        "await asyncio.sleep(0.01)\nprint(people.ssn[1])",
        "people.style",
    ],
)
def test_no_message_of_a_masked_cell_holds_a_clear_value(alice: Kernel, cell: str) -> None:
    sent, reply = wire(alice, f"%%mask\n{cell}")
    assert reply["status"] == "ok" and "masked in this cell, up to internal" in sent


BROKEN = "class Broken:\n    def __repr__(self):\n        raise ValueError(math.left_here)\nBroken()"


@pytest.mark.parametrize("cell", ["logger.error(math.left_here)", "print(math.left_here)", "math.left_here", BROKEN])
def test_what_slips_through_is_withheld(alice: Kernel, cell: str) -> None:
    sent, reply = wire(alice, f"%%mask --up-to internal\n{cell}")
    assert reply["status"] == "ok" and "withheld" in sent and "a clear value of ssn" in sent


@pytest.mark.parametrize(
    ("cell", "kind"),
    [
        ("x = 1\npeople.loc[number]", "KeyError"),
        ("raise ValueError(math.left_here)", "CellFailed"),
        ("await asyncio.sleep(0)\n1 / 0", "ZeroDivisionError"),
        ("raise ExceptionGroup('several', [ValueError(number)])", "CellFailed"),
        ("exec('print(people)')", "Invalid"),
    ],
)
def test_errors_reach_the_front_end_masked(alice: Kernel, cell: str, kind: str) -> None:
    _, reply = wire(alice, f"%%mask --up-to internal\n{cell}")
    assert reply["status"] == "error" and reply["ename"] == kind
    assert f"line {len(cell.splitlines()) + 1}" in "\n".join(reply["traceback"])
    assert "people" in alice.ok("print(sorted(globals()))").text  # all names are back


def test_an_interrupted_cell_gives_all_names_back(alice: Kernel) -> None:
    ran = alice.run("%%mask --up-to internal\nprint(number)\nraise KeyboardInterrupt")
    assert ran.error == "KeyboardInterrupt" and "[us_ssn]" in ran.text
    assert "999-76-6866" in alice.ok("print(number)").text


def test_the_result_is_kept_like_any_other(alice: Kernel) -> None:
    alice.ok("%%mask --up-to internal\npeople.ssn.iloc[0]")
    assert "[us_ssn]" in alice.ok("print(_)").text
    assert alice.ok("people.ssn[0]").text.strip() == "'999-76-6866'"


def test_what_is_opened_in_the_cell_is_masked(alice: Kernel) -> None:
    alice.ok("%share people --as masked/people --yes")
    sent, reply = wire(alice, "%%mask --up-to internal\nopened = %open masked/people\nprint(opened.ssn[0])\nopened")
    assert reply["status"] == "ok" and "[us_ssn]" in sent and "kept" in sent
    alice.ok("assert opened.ssn[0] == '[us_ssn]'")
    sent, _ = wire(alice, "%%mask --up-to secret\nopened = %open masked/people\nlist(opened)")
    assert "nothing was masked" in sent
    refused = alice.run("%%mask --up-to internal\n%share people --as masked/more --yes")
    assert refused.error == "Invalid" and "other magics" in refused.traceback


def test_what_was_opened_has_its_own_labels(alice: Kernel) -> None:
    alice.ok("opened = %open masked/people")
    shown = alice.ok("%%mask\nprint(opened.ssn.tolist())")
    assert "[us_ssn]" in shown.text and "999-" not in shown.text


def test_without_a_vault_the_level_has_to_be_said(kernel: Kernels) -> None:
    nobody = kernel(None)
    nobody.ok(SETUP)
    assert nobody.run("%%mask\nprint(people)").error == "NotSignedIn"
    assert "[us_ssn]" in nobody.ok("%%mask --up-to internal\nprint(people)").text


def test_the_guides_cell_shows_what_the_guide_shows(alice: Kernel) -> None:
    alice.ok(
        "patients = pd.DataFrame({'SSN': ['999-76-6866', '999-12-3456'], 'FIRST': ['Karolina', 'Bartholomew'],"
        " 'ZIP': ['02139', '01013'], 'DOSE': [1.5, 2.5]})"
    )
    found = re.search(r"```python\n(%%mask.*?)```\n\n```\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    ran = alice.ok(found[1])
    report, result = (one["text/plain"] for one in ran.shown)
    assert f"{report}\n{ran.printed}{result}\n" == found[2]
