"""What classification finds on labelled frames, with telling and with neutral names of columns, and what it costs.

Quality: seeds of `people` that it was not developed with; `others`, made of other words, forms and dirt; `tables` as
people publish them; and open data without people, of scikit-learn and, where the environment variable PEERS names a
Python that has it, of statsmodels. Cost: a million rows by sample and in full, very many columns, memory. Then both
beside other classifiers (`beside`).

    python -m benchmarks.classify ROWS full|sample

in a process of its own says what memory classification takes: MB needed, MB of the frame, as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
from sklearn import datasets

from jupyter_securecollab.frames.classify import Classifier

from . import beside, others
from .harness import Budget, Line, Section, extra_memory, give_back
from .peers import python_with
from .people import HELD_OUT, frame
from .tables import tables

_Labelled = Iterable[tuple[pd.DataFrame, dict[str, str | None]]]

FORMLESS = frozenset({"account_id", "bank_account", "device_id", "medical_record_number"})
"""Tags of numbers that look like any others: values alone cannot say them."""

_ROWS = 1_000
_COLUMNS = 25


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
        return _of(self.right, tag) / max(1, _of(self.there, tag))


def _of(counts: Counter[str], tag: str | None) -> int:
    return counts.total() if tag is None else counts[tag]


def _but(counts: Counter[str], tags: frozenset[str]) -> Counter[str]:
    return Counter({tag: number for tag, number in counts.items() if tag not in tags})


def run(quick: bool) -> Iterator[Section]:
    """Quality on three sets and on data without people, cost, and both beside other classifiers."""
    rows = 200 if quick else _ROWS
    seen, unseen = (HELD_OUT[:4], others.SEEDS[:4]) if quick else (HELD_OUT, others.SEEDS)
    for title, made in (
        ("people of eight countries", lambda telling: (frame(seed, rows, telling=telling) for seed in seen)),
        (
            "other countries, words, dirt",
            lambda telling: (others.frame(seed, rows, telling=telling) for seed in unseen),
        ),
        ("tables as people publish them", lambda telling: published(rows, telling=telling)),
    ):
        yield _quality(title, judge(made(True)), judge(made(False)))
    yield _without_people(python_with("statsmodels"))
    yield _cost(50_000 if quick else 1_000_000)
    yield from beside.run(quick)


def judge(labelled: _Labelled) -> Judged:
    """Classify these frames and compare with what is true."""
    judged, classifier = Judged(), Classifier()
    for made, tags in labelled:
        for name, finding in classifier.find(made).items():
            wanted = tags[name] or ""
            optional, allowed = wanted.startswith("?"), wanted.removeprefix("?").split("/")
            tag = finding.tag if finding.tag in allowed else allowed[0]
            if wanted and not (optional and finding.tag is None):
                judged.there[tag] += 1
                judged.right[tag] += finding.tag == tag
            if finding.tag is not None:
                judged.wrong[finding.tag] += finding.tag not in allowed
    return judged


def published(rows: int, *, telling: bool) -> Iterator[tuple[pd.DataFrame, dict[str, str | None]]]:
    """The tables, with their own names of columns or with `c0`, `c1` ..."""
    for _, made, tags in tables(min(rows, 300)):
        if telling:
            yield made, tags
        else:
            neutral = {f"c{number}": tags[name] for number, name in enumerate(made)}
            yield made.set_axis(list(neutral), axis=1), neutral


def _quality(title: str, telling: Judged, neutral: Judged) -> Section:
    lines = []
    for names, judged, least in (("telling", telling, Budget(90, at_least=True)), ("neutral", neutral, None)):
        note = f"{names} names, {judged.there.total()} columns"
        lines.append(Line("precision", 100 * judged.precision(), "%", None, note, Budget(95, at_least=True)))
        lines.append(Line("recall", 100 * judged.recall(), "%", None, note, least))
    formed = Judged(
        *(Counter({tag: n for tag, n in it.items() if tag not in FORMLESS}) for it in (neutral.right, neutral.there))
    )
    lines.append(
        Line("recall", 100 * formed.recall(), "%", None, f"neutral names, without {', '.join(sorted(FORMLESS))}")
    )
    for tag in sorted(telling.there):
        precise = f"precision {telling.precision(tag):.0%}, neutral {neutral.precision(tag):.0%}"
        note = f"recall; neutral {neutral.recall(tag):.0%}; {precise}; {telling.there[tag]} columns"
        lines.append(Line(tag, 100 * telling.recall(tag), "%", None, note))
    return Section(f"Classification: {title}", lines)


def _without_people(python: str | None) -> Section:
    """How much is found where there is nothing to find."""
    bundled = {name: getattr(datasets, f"load_{name}")(as_frame=True).frame for name in _SKLEARN}
    lines = [_found_wrongly("scikit-learn", bundled)]
    if python:
        with tempfile.TemporaryDirectory(prefix="securecollab-bench-") as folder:
            subprocess.run([python, "-c", _STATSMODELS, folder], check=True)
            files = sorted(Path(folder).iterdir())
            lines.append(_found_wrongly("statsmodels", {file.stem: pd.read_csv(file) for file in files}))
    notes = () if python else ("statsmodels is in none of the Pythons that PEERS names.",)
    return Section("Classification: bundled data without people", lines, notes)


_SKLEARN = ("iris", "wine", "breast_cancer", "diabetes", "linnerud", "digits")
_STATSMODELS = """
import importlib, pathlib, pkgutil, sys
from statsmodels import datasets

for found in pkgutil.iter_modules(datasets.__path__):
    module = importlib.import_module(f"statsmodels.datasets.{found.name}")
    if found.name != "template_data" and hasattr(module, "load_pandas"):
        module.load_pandas().data.to_csv(pathlib.Path(sys.argv[1], f"{found.name}.csv"), index=False)
"""


_PEOPLE_AFTER_ALL = frozenset({"anes96", "ccard", "engel", "fair", "heart"})
"""Tables of statsmodels whose rows are persons or households: what is called age or income there is theirs."""


def _found_wrongly(whose: str, frames: dict[str, pd.DataFrame]) -> Line:
    found = [(name, one.tag) for name, made in frames.items() for one in Classifier().find(made).values()]
    wrong = sorted({f"{name}: {tag}" for name, tag in found if tag and name not in _PEOPLE_AFTER_ALL})
    share = sum(tag is not None and name not in _PEOPLE_AFTER_ALL for name, tag in found) / len(found)
    note = f"{len(found)} columns of {len(frames)} tables; {', '.join(wrong) or 'none'}"
    return Line(f"tags given wrongly, {whose}", 100 * share, "%", None, note, Budget(2))


def _large(rows: int) -> tuple[pd.DataFrame, int]:
    """A frame of 25 columns, and how many of them are text, half of which repeats."""
    made, _ = frame(HELD_OUT[0], 5_000, telling=False)
    texts = [name for name in made if made[name].map(type).eq(str).any()][: _COLUMNS // 2 + 1]
    rest = [name for name in made if name not in texts][: _COLUMNS - len(texts)]
    picked = np.random.default_rng(0).integers(0, len(made), rows)
    large = made[texts + rest].take(picked).reset_index(drop=True)
    for name in texts[: len(texts) // 2]:
        large[name] = large[name].astype("str") + pd.Series(np.arange(rows)).astype("str")
    return large, len(texts)


def _cost(rows: int) -> Section:
    large, texts = _large(rows)
    classifier = Classifier()
    classifier.find(large.head(100))
    by_sample, in_full = (_took(classifier, large, full=full) for full in (False, True))
    note = f"{rows:,} rows × {large.shape[1]} columns, {texts} of text"
    wide = pd.DataFrame(np.random.default_rng(0).random((1_000, rows // 100)).round(3))
    lines = [
        Line("by sample", by_sample, "s", None, note, Budget(2)),
        Line("in full", large.size / in_full / 1e6, "M cells/s", None, note, Budget(5, at_least=True)),
        Line("by sample", _took(classifier, wide), "s", None, f"1,000 rows × {wide.shape[1]:,} columns"),
    ]
    for how in ("sample", "full"):
        told = subprocess.run(
            [sys.executable, "-m", "benchmarks.classify", str(rows), how], stdout=subprocess.PIPE, check=True
        )
        needed, held = json.loads(told.stdout)
        what = f"memory, {'in full' if how == 'full' else 'by sample'}"
        lines.append(Line(what, needed, "MB", needed / held, f"frame of {held:.0f} MB", Budget(2, of="ratio")))
    return Section("Classification, cost", lines)


def _memory(rows: int, how: str) -> tuple[float, float]:
    """MB needed at the peak beyond the frame itself, and MB of the frame."""
    large, _ = _large(rows)
    classifier = Classifier()
    classifier.find(large.head(100))
    give_back()
    with extra_memory(os.getpid()) as used:
        classifier.find(large, full=how == "full")
        needed = used()
    return needed, large.memory_usage(index=False).sum() / 2**20


def _took(classifier: Classifier, table: pd.DataFrame, *, full: bool = False) -> float:
    times = []
    for _ in range(3):
        began = time.perf_counter()
        classifier.find(table, full=full)
        times.append(time.perf_counter() - began)
    return median(times)


if __name__ == "__main__":
    print(json.dumps(_memory(int(sys.argv[1]), sys.argv[2])))
