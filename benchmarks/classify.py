"""What classification finds, on labelled frames it was not developed with, and what it costs.

Quality: the held-out seeds of `people`, with telling and with neutral names of columns. Cost: a million rows by sample
and in full; and, where the environment variable PEERS names a Python that has presidio-structured, the same rows in
turns with it.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from jupyter_securecollab.frames.classify import Classifier

from .harness import Budget, Line, Section
from .people import HELD_OUT, frame

_ROWS = 1_000
_COLUMNS = 25
_PEER_ROWS = 1_000
_PEER_COLUMNS = 23


@dataclass
class Judged:
    """Columns by tag: found and right, there in all, found and wrong."""

    right: Counter[str] = field(default_factory=Counter)
    there: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)

    def precision(self, tag: str | None = None) -> float:
        """The share of what was found that is right, of one tag or of all."""
        right, wrong = _of(self.right, tag), _of(self.wrong, tag)
        return right / (right + wrong) if right + wrong else 1.0

    def recall(self, tag: str | None = None) -> float:
        """The share of what is there that was found, of one tag or of all."""
        return _of(self.right, tag) / _of(self.there, tag)


def _of(counts: Counter[str], tag: str | None) -> int:
    return counts.total() if tag is None else counts[tag]


def run(quick: bool) -> Iterator[Section]:
    """Quality with telling and neutral names, then cost."""
    seeds = HELD_OUT[:8] if quick else HELD_OUT
    yield _quality(judge(seeds, 200 if quick else _ROWS, telling=True), "telling", (0.95, 0.9))
    yield _quality(judge(seeds, 200 if quick else _ROWS, telling=False), "neutral", (0.95, None))
    yield _cost(50_000 if quick else 1_000_000)
    peer = os.environ.get("PEERS")
    if peer:
        yield _beside(peer, 1 if quick else 3)


def judge(seeds: range, rows: int, *, telling: bool) -> Judged:
    """Classify the frames of these seeds and compare with what is true."""
    judged, classifier = Judged(), Classifier()
    for seed in seeds:
        made, tags = frame(seed, rows, telling=telling)
        for name, finding in classifier.find(made).items():
            tag = tags[name]
            if tag is not None:
                judged.there[tag] += 1
                judged.right[tag] += finding.tag == tag
            if finding.tag is not None:
                judged.wrong[finding.tag] += finding.tag != tag
    return judged


def _quality(judged: Judged, names: str, budgets: tuple[float, float | None]) -> Section:
    precision, recall = budgets
    least = None if recall is None else Budget(100 * recall, at_least=True)
    lines = [
        Line("precision", 100 * judged.precision(), "%", None, "", Budget(100 * precision, at_least=True)),
        Line("recall", 100 * judged.recall(), "%", None, f"{judged.there.total()} columns", least),
    ]
    for tag in sorted(judged.there):
        note = f"recall; precision {judged.precision(tag):.0%}, {judged.there[tag]} columns"
        lines.append(Line(tag, 100 * judged.recall(tag), "%", None, note))
    return Section(f"Classification, {names} names of columns", lines)


def _cost(rows: int) -> Section:
    made, _ = frame(HELD_OUT[0], 5_000, telling=False)
    texts = [name for name in made if made[name].map(type).eq(str).any()][: _COLUMNS // 2 + 1]
    others = [name for name in made if name not in texts][: _COLUMNS - len(texts)]
    picked = np.random.default_rng(0).integers(0, len(made), rows)
    large = made[texts + others].take(picked).reset_index(drop=True)
    for name in texts[: len(texts) // 2]:  # half of the text repeats, half does not
        large[name] = large[name].astype("str") + pd.Series(np.arange(rows)).astype("str")
    classifier = Classifier()
    classifier.find(large.head(100))
    by_sample, in_full = (_took(classifier, large, full=full) for full in (False, True))
    note = f"{rows:,} rows × {large.shape[1]} columns, {len(texts)} of text"
    lines = [
        Line("by sample", by_sample, "s", None, note, Budget(2)),
        Line("in full", large.size / in_full / 1e6, "M cells/s", None, note, Budget(5, at_least=True)),
    ]
    return Section("Classification, cost", lines)


def _took(classifier: Classifier, table: pd.DataFrame, *, full: bool = False) -> float:
    times = []
    for _ in range(3):
        began = time.perf_counter()
        classifier.find(table, full=full)
        times.append(time.perf_counter() - began)
    return median(times)


def _beside(python: str, rounds: int) -> Section:
    """In turns with presidio-structured, on the same rows, each after one run that does not count."""
    made, _ = frame(HELD_OUT[0], _PEER_ROWS, telling=False)
    table = made.iloc[:, :_PEER_COLUMNS].astype("str")
    classifier = Classifier()
    ours, theirs = [], []
    with tempfile.TemporaryDirectory(prefix="securecollab-bench-") as folder:
        path = Path(folder) / "rows.csv"
        table.to_csv(path, index=False)
        _took(classifier, table)
        for _ in range(rounds):
            ours.append(_took(classifier, table))
            command = [python, Path(__file__).with_name("presidio_peer.py"), path]
            said = subprocess.run(command, check=True, capture_output=True, text=True)
            theirs.append(float(said.stdout.splitlines()[-1]))
    ratio = median(theirs) / median(ours)
    note = f"{_PEER_ROWS} rows × {_PEER_COLUMNS} columns of text; ours {1000 * median(ours):.0f} ms"
    line = Line("presidio-structured takes", median(theirs), "s", ratio, note, Budget(200, of="ratio", at_least=True))
    return Section("Classification, beside presidio-structured", [line])
