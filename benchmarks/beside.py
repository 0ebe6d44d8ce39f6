"""What other classifiers find on the same columns as ours, how much of it is wrong, and how long they take.

All read the same CSV files, ours too, on the three sets of labelled frames, with telling and with neutral names of
columns; a budget is to be at least as good as the peer. Judged is what the peer claims to know (`peers`), and in the
notes everything.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

import pandas as pd

from jupyter_securecollab.frames.classify import Classifier

from . import others, people
from .harness import Budget, Line, Section
from .peers import PEERS, Found, Peer, Told, python_with, theirs
from .tables import tables

_ROWS = 150
_COUNTRIES = 8
_SIZES = ((1_000, 23), (5_000, 8))


class Set(NamedTuple):
    """Labelled frames in CSV files; of the true tag `?x` none is right too, of `x/y` either is."""

    title: str
    telling: bool
    files: list[Path]
    truths: list[dict[str, str | None]]


@dataclass
class Judged:
    """Columns that hold something, those found; called sensitive rightly, wrongly; decoys, those flagged."""

    there: int = 0
    found: int = 0
    right: int = 0
    wrong: int = 0
    decoys: int = 0
    flagged: int = 0

    @property
    def precision(self) -> float:
        """Per cent of what is called sensitive that has been given the right tag."""
        return 100 * self.right / max(1, self.right + self.wrong)

    @property
    def recall(self) -> float:
        """Per cent of what is there that is found."""
        return 100 * self.found / max(1, self.there)


def run(quick: bool) -> Iterator[Section]:
    """What each finds beside ours, then how long each takes."""
    pythons = {peer: python for peer in PEERS if (python := python_with(*peer.modules))}
    missing = [f"{peer.name} is in none of the Pythons that PEERS names." for peer in PEERS if peer not in pythons]
    with tempfile.TemporaryDirectory(prefix="securecollab-bench-") as folder:
        sets = _sets(Path(folder), quick) if pythons else []
        lines = [line for peer, python in pythons.items() for line in _quality(peer, python, sets)]
        lacks = [
            f"{peer.name} has no model here, and is not expected to find {peer.lacks}."
            for peer in pythons
            if peer.lacks
        ]
        yield Section("Classification, beside other classifiers", lines, [*lacks, *missing])
        if pythons:
            yield Section("Classification, time beside other classifiers", list(_times(pythons, Path(folder), quick)))


def judge(
    said: Iterable[Mapping[str, Found]], truths: Iterable[Mapping[str, str | None]], knows: frozenset[str] | None = None
) -> Judged:
    """Compare with what is true; where `knows` is given, only columns with these tags are there to be found."""
    judged = Judged()
    for found, tags in zip(said, truths, strict=True):
        for name, truth in tags.items():
            optional, real = (truth or "").startswith("?"), _real(truth)
            right = bool(found[name].tags & real)
            if (right or (real and not optional)) and (knows is None or real & knows):
                judged.there += 1
                judged.found += right
            judged.right += right
            judged.wrong += found[name].sensitive and not right
            judged.decoys += not real
            judged.flagged += found[name].sensitive and not real
    return judged


def within(found: Mapping[str, Found], truth: Mapping[str, str | None], knows: frozenset[str]) -> dict[str, Found]:
    """What has to do with these tags: is called or should be called one of them. Nothing is said of other columns."""
    return {name: one if one.tags & knows or _real(truth[name]) & knows else _said(()) for name, one in found.items()}


def ours(files: Iterable[Path], *, full: bool = False) -> list[Told]:
    """What we say of these files."""
    classifier, told = Classifier(), []
    for file in files:
        made = pd.read_csv(file, dtype="str", keep_default_na=False)
        began = time.perf_counter()
        found = classifier.find(made, full=full)
        seconds = time.perf_counter() - began
        told.append(Told(seconds, {name: _said([one.tag] if one.tag else []) for name, one in found.items()}))
    return told


def _said(tags: Collection[str]) -> Found:
    return Found(frozenset(tags), bool(tags))


def _real(truth: str | None) -> frozenset[str]:
    return frozenset((truth or "").removeprefix("?").split("/")) - {""}


def _sets(folder: Path, quick: bool) -> list[Set]:
    rows, countries = (60, 1) if quick else (_ROWS, _COUNTRIES)
    made = {
        "people": [people.frame(seed, rows, telling=True) for seed in people.HELD_OUT[:countries]],
        "others": [others.frame(seed, rows, telling=True) for seed in others.SEEDS[:countries]],
        "tables": [(table, tags) for _, table, tags in tables(rows)],
    }
    return [one for title, labelled in made.items() for one in _written(folder, title, labelled)]


def _written(folder: Path, title: str, labelled: Iterable[tuple[pd.DataFrame, dict[str, str | None]]]) -> Iterator[Set]:
    telling, neutral = Set(title, True, [], []), Set(title, False, [], [])
    for number, (made, tags) in enumerate(labelled):
        for kind, names in ((telling, list(tags)), (neutral, [f"c{column}" for column in range(len(tags))])):
            file = folder / f"{title} {number} {'telling' if kind.telling else 'neutral'}.csv"
            made.convert_dtypes().set_axis(names, axis=1).to_csv(file, index=False)
            kind.files.append(file)
            kind.truths.append(dict(zip(names, tags.values(), strict=True)))
    yield from (telling, neutral)


def _quality(peer: Peer, python: str, sets: Sequence[Set]) -> Iterator[Line]:
    said: list[dict[str, Found]] = []
    for one in sets:
        if one.telling or peer.reads_names:
            said = [told.found for told in theirs(peer, python, one.files)]
        else:  # the same values as before
            said = [dict(zip(tags, found.values(), strict=True)) for tags, found in zip(one.truths, said, strict=True)]
        yield from _compared(peer, said, one)


def _compared(peer: Peer, said: list[dict[str, Found]], one: Set) -> Iterator[Line]:
    own = [told.found for told in ours(one.files)]
    known = [within(found, tags, peer.knows) for found, tags in zip(own, one.truths, strict=True)]
    its, us = judge(said, one.truths, peer.knows), judge(known, one.truths, peer.knows)
    all_its, all_us = judge(said, one.truths), judge(own, one.truths)
    what = f"{peer.name}: {one.title}, {'telling' if one.telling else 'neutral'} names"
    note = f"all tags: {all_us.precision:.1f} %; {its.decoys} decoys: it flags {its.flagged}, we {all_us.flagged}"
    says = its.right + its.wrong
    yield Line(f"{what}, precision", us.precision, "%", None, note, _as_good(its.precision) if says else None)
    note = f"{its.there} columns of {len(peer.knows)} tags; all {all_its.there}: {all_us.recall:.1f} %"
    note += f", its {all_its.recall:.1f} %"
    yield Line(f"{what}, recall", us.recall, "%", None, note, _as_good(its.recall))


def _as_good(figure: float) -> Budget:
    return Budget(int(10 * figure) / 10, at_least=True)


def _times(pythons: Mapping[Peer, str], folder: Path, quick: bool) -> Iterator[Line]:
    """In turns on the same rows, each after a run that does not count."""
    for rows, columns in _SIZES[:1] if quick else _SIZES:
        made, _ = people.frame(people.HELD_OUT[0], rows, telling=False)
        file = folder / f"{rows}.csv"
        made.iloc[:, :columns].convert_dtypes().to_csv(file, index=False)
        ours([file])
        sampled, whole, its = [], [], defaultdict(list)
        for _ in range(1 if quick else 3):
            sampled.append(median(ours([file])[0].seconds for _ in range(3)))
            whole.append(median(ours([file], full=True)[0].seconds for _ in range(3)))
            for peer, python in pythons.items():
                its[peer].append(theirs(peer, python, [file])[0].seconds)
        for peer, took in its.items():
            for how, own in (("by sample", sampled), ("in full", whole)):
                note = f"{columns} columns of text; ours {how} {1000 * median(own):.0f} ms"
                ratio = median(slow / fast for slow, fast in zip(took, own, strict=True))
                yield Line(f"{peer.name} takes, {rows:,} rows", median(took), "s", ratio, note, peer.budget)
