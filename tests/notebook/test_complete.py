"""Tab on the lines of our magics, from memory alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import dask.dataframe as dd
import pandas as pd
import polars as pl
import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.interactiveshell import InteractiveShell
from notebook_kernels import Kernel

from jupyter_securecollab.notebook.names import known

Kernels = Callable[[str | None], Kernel]


@pytest.fixture(autouse=True)
def names(shell: InteractiveShell) -> Iterator[None]:
    """What a kernel has heard of, and two frames."""
    known.assets, known.people = ("oncology/patients", "oncology/model", "cardio/ecg"), ("@analysts", "bob", "berta")
    known.notebooks = ("trial/visits.ipynb", "two words.ipynb")
    shell.user_ns["patients"] = pd.DataFrame({"SSN": ["1"], "city": ["x"], "first name": ["y"]})
    yield
    known.assets = known.people = known.notebooks = ()


def offered(shell: InteractiveShell, text: str) -> set[str]:
    """What the line becomes with each completion, as a front end would put it in."""
    with provisionalcompleter():
        found = list(shell.Completer.completions(text, len(text)))
    return {text[: one.start] + one.text for one in found}


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("x = %open on", {"x = %open oncology/patients", "x = %open oncology/model"}),
        ("if True:\n    x = %open ca", {"if True:\n    x = %open cardio/ecg"}),
        ("%open oncology/p", {"%open oncology/patients"}),
        ("%access card", {"%access cardio/ecg"}),
        ("%share pat", {"%share patients"}),
        ("%share onc", {"%share oncology/patients", "%share oncology/model"}),
        ("%share patients --with b", {"%share patients --with bob", "%share patients --with berta"}),
        ("%share patients --with bob @an", {"%share patients --with bob @analysts"}),
        ("%share patients --with=bo", {"%share patients --with=bob"}),
        ("%%share patients --with bo", {"%%share patients --with bob"}),
        ("%share patients --up-to con", {"%share patients --up-to confidential"}),
        ("%share patients --up-to internal --unt", {"%share patients --up-to internal --until"}),
        ("%share patients --can m", {"%share patients --can manage"}),
        ("%share patients --as card", {"%share patients --as cardio/ecg"}),
        ("%share patients --mask S", {"%share patients --mask SSN"}),
        ("%share patients --mask SSN=par", {"%share patients --mask SSN=partial"}),
        ('%share patients --mask "', set()),
        ("%classify patients --set city=conf", {"%classify patients --set city=confidential"}),
        (
            "%classify patients --set city=us",
            {"%classify patients --set city=us_ssn", "%classify patients --set city=username"},
        ),
        ("%classify patients --forget ci", {"%classify patients --forget city"}),
        ("x = %unmask pat", {"x = %unmask patients"}),
        ("%unmask patients --of card", {"%unmask patients --of cardio/ecg"}),
        ("%unmask patients --of cardio/ecg --column S", {"%unmask patients --of cardio/ecg --column SSN"}),
        ("%join cardio/person --level sec", {"%join cardio/person --level secret"}),
        ("%open oncology/patients --ver", {"%open oncology/patients --version"}),
        ("%audit --by ber", {"%audit --by berta"}),
        ("%audit --exec", {"%audit --executions"}),
        ("%audit --executions --notebook tri", {"%audit --executions --notebook trial/visits.ipynb"}),
        ("%audit --executions --since 8", {"%audit --executions --since 8h"}),
        ("%audit --executions --by ber", {"%audit --executions --by berta"}),
        ("%shares ", set()),
        ("%%mask --up-to int", {"%%mask --up-to internal"}),
        ("%%mask --pl", {"%%mask --plan"}),
        ("%%mask --mask S", {"%%mask --mask SSN"}),
        ("%%mask --mask SSN=par", {"%%mask --mask SSN=partial"}),
    ],
)
def test_what_tab_completes(shell: InteractiveShell, typed: str, completed: set[str]) -> None:
    found = offered(shell, typed)
    assert completed <= found and (not completed or found == completed)


@pytest.mark.parametrize(
    "typed", ["x = %open zz", "%share patients --with zz", "%share patients --nosuch", "%%mask --prev"]
)
def test_nothing_of_ours_fits(shell: InteractiveShell, typed: str) -> None:
    assert not any("oncology" in one or "bob" in one or "--until" in one for one in offered(shell, typed))


@pytest.mark.parametrize("typed", ["onco", "print('%open onc", "%timeit onc", "x = onc", "%opener onc"])
def test_other_lines_are_left_alone(shell: InteractiveShell, typed: str) -> None:
    assert not any("oncology/" in one for one in offered(shell, typed))


def test_a_kernel_knows_names_once_a_cell_has_run(kernel: Kernels, new_kernel: Kernels) -> None:
    kernel("alice").ok("import pandas as pd\nn = pd.DataFrame({'n': [1]})\n%share n --as completing/this --yes")
    alice = new_kernel("alice")
    alice.ok("import time\ntime.sleep(0)")
    names = "from jupyter_securecollab.notebook.names import known\nwhile not known.assets: time.sleep(0.05)"
    alice.ok(names)
    reply = alice.client.complete("x = %open compl", 15, reply=True, timeout=30)
    assert reply["content"]["matches"] == ["completing/this"]
    assert (reply["content"]["cursor_start"], reply["content"]["cursor_end"]) == (10, 15)


def test_frames_that_are_not_there_yet_are_offered_and_nothing_is_read(shell: InteractiveShell) -> None:
    def unreadable(_: pd.DataFrame) -> pd.DataFrame:
        raise RuntimeError("read")

    whole = pd.DataFrame({"SSN": ["1"], "salary": [1]})
    shell.user_ns["parts"] = dd.from_pandas(whole, npartitions=1).map_partitions(unreadable, meta=whole)
    shell.user_ns["plan"] = pl.scan_csv("not there.csv")
    try:
        assert offered(shell, "%classify p") == {"%classify parts", "%classify patients", "%classify plan"}
        assert offered(shell, "%mask parts --mask sal") == {"%mask parts --mask salary"}
        assert offered(shell, "%mask plan --mask sal") == set()  # its columns are in a file
        assert offered(shell, "%classify pl") == {"%classify plan"}
    finally:
        del shell.user_ns["parts"], shell.user_ns["plan"]
