"""The benchmarks count right, say what was missed, and every topic runs."""

from __future__ import annotations

import json
import mmap
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks import beside, report, run
from benchmarks.harness import (
    Budget,
    Line,
    Sample,
    Section,
    Way,
    compared,
    cpu,
    extra_memory,
    ratio,
    take_turns,
    timed,
    wall,
)
from benchmarks.peers import PEERS, Found, Peer, python_with
from jupyter_securecollab.frames.tags import TAGS


def test_ratio_is_the_median_of_each_rounds_own_ratio() -> None:
    ours, plain = [Sample(2, 0), Sample(9, 0), Sample(8, 0)], [Sample(1, 0), Sample(3, 0), Sample(8, 0)]
    assert ratio(ours, plain, wall) == 2


def test_cpu_time_counts_the_server_too() -> None:
    assert ratio([Sample(1, 2, 4)], [Sample(1, 3)], cpu) == 2


def test_ways_take_turns_and_the_first_round_does_not_count() -> None:
    order: list[str] = []

    def noting(name: str) -> Callable[[], None]:
        return lambda: order.append(name)

    ways = {"a": Way(noting("a")), "b": Way(noting("b"), before=noting("before b"), at_most=1)}
    samples = take_turns(ways, 2)
    assert order == ["a", "before b", "b", "before b", "b", "a", "a"]
    assert {name: len(taken) for name, taken in samples.items()} == {"a": 2, "b": 1}


BUSY = """
import threading, time
done = threading.Event()
def work():
    until = time.thread_time() + 0.3
    while time.thread_time() < until:
        sum(range(1000))
    done.set()
threading.Thread(target=done.wait, name="waits_0").start()
threading.Thread(target=work, name="works_0").start()
done.wait()
"""


def test_a_sampler_sees_which_threads_work_and_not_which_wait(tmp_path: Path) -> None:
    (tmp_path / "busy.py").write_text(BUSY)
    paths = os.pathsep.join((str(Path(run.__file__).parent.parent), str(tmp_path)))
    command = [sys.executable, "-m", "benchmarks.sampled", str(tmp_path / "told"), "busy"]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": paths}, check=True)
    told = {(kind, library): spent for kind, library, spent in json.loads((tmp_path / "told").read_text())}
    assert told["works", "Python's busy"] > 0.2
    assert sum(spent for (kind, _), spent in told.items() if kind != "works") < 0.1


def test_cpu_time_of_what_is_timed_is_counted() -> None:
    def busy() -> None:
        while os.times().user < until:
            sum(range(1000))

    until = os.times().user + 0.05
    sample = timed(busy)
    assert sample.cpu >= 0.03
    assert sample.wall >= 0.03
    assert sample.server == 0


def test_extra_memory_is_the_peak_and_not_what_was_there_before() -> None:
    before = bytearray(os.urandom(1)) * 60_000_000
    with extra_memory(os.getpid()) as used:
        for _ in range(2):
            with mmap.mmap(-1, 30_000_000) as taken:  # fresh pages, not what earlier tests have left to the allocator
                for page in range(0, len(taken), mmap.PAGESIZE):
                    taken[page] = 1
        assert 25 <= used() <= 50
    del before


@pytest.mark.parametrize(
    ("budget", "met"),
    [
        (Budget(10), True),
        (Budget(9), False),
        (Budget(2, of="ratio"), True),
        (Budget(1.9, of="ratio"), False),
        (Budget(10, at_least=True), True),
        (Budget(11, at_least=True), False),
        (None, None),
    ],
)
def test_budget_is_met_or_missed(budget: Budget | None, met: bool | None) -> None:
    assert Line("it", 10, "ms", 2.0, "", budget).met is met


def test_budget_on_a_ratio_that_is_not_there_is_missed() -> None:
    assert Line("it", 10, "ms", None, "", Budget(2, of="ratio")).met is False


def test_compared_says_milliseconds_ratio_and_cpu() -> None:
    line = compared("it", [Sample(0.2, 0.1, 0.05)], [Sample(0.1, 0.1)])
    assert (line.value, line.ratio) == (pytest.approx(200), pytest.approx(2))
    assert line.note == "CPU 1.50×: 0.10 s and 0.05 s in the server"


def test_report_says_what_was_missed() -> None:
    lines = [Line("good", 1, "ms", None, "", Budget(2)), Line("bad", 3, "ms", None, "so slow", Budget(2))]
    written = report.text([Section("Times", lines, ["Noted."])], report.conditions((1, 2, 3)))
    assert "**1 of 2 budgets are kept.**" in written
    assert "| good | 1.00 ms |  | ≤ 2 ms | met |  |" in written
    assert "| bad | 3.00 ms |  | ≤ 2 ms | **missed** | so slow |" in written
    assert "Noted." in written
    assert "load average (1, 5, 15 min): 1.00 2.00 3.00 →" in written


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_labels_of_peers_mean_tags_of_ours(peer: Peer) -> None:
    meant = {tag for label in peer.labels for tag in peer.found([label]).tags}
    assert peer.knows <= meant <= set(TAGS)


def test_peers_are_judged_generously_and_decoys_count() -> None:
    peer = Peer("it", (), "", {"PERSON": "person_name + last_name", "DATE": "date_of_birth"}, frozenset({"DATE", ""}))
    labels = {
        "who": ["PERSON"], "family": ["", "PERSON"], "born": ["DATE"], "shipped": ["DATE"], "item": ["PERSON"],
        "town": ["PERSON"], "mail": [], "perhaps": [""],
    }  # fmt: skip
    truth = {
        "who": "person_name", "family": "last_name/maiden_name", "born": "date_of_birth", "shipped": None, "item": None,
        "town": "city", "mail": "email", "perhaps": "?person_name",
    }  # fmt: skip
    said = [{name: peer.found(one) for name, one in labels.items()}]
    judged = beside.judge(said, [truth])
    assert judged == beside.Judged(there=5, found=3, right=3, wrong=2, decoys=2, flagged=1)
    assert (judged.precision, judged.recall) == (60, 60)
    assert beside.judge(said, [truth], peer.knows).there == 2
    one, none = Found(frozenset({"city"}), True), Found(frozenset(), False)
    assert beside.within({"born": one, "town": one}, truth, peer.knows) == {"born": one, "town": none}


def test_a_peer_that_is_nowhere_is_said_to_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PEERS", sys.executable)
    assert python_with("json") == sys.executable
    assert python_with("json", "no_such_module") is None
    monkeypatch.delenv("PEERS")
    (section,) = beside.run(quick=True)
    assert [note.partition(" is in none")[0] for note in section.notes] == [peer.name for peer in PEERS]


def test_unknown_topic_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run.main(["shares"])
    assert "no such topic: shares" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("topic", run.TOPICS)
def test_topic_runs(topic: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run.main(["--quick", "--output", str(tmp_path / "results.md"), topic])
    written = (tmp_path / "results.md").read_text("utf-8")
    assert written.count("\n## ") >= 1
    assert all(table in written for table in capsys.readouterr().out.split("\n\n") if table.startswith("|"))
