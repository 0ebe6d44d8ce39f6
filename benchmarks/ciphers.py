"""Format-preserving encryption beside other libraries': whether FF1 is that of fpr-ff1, and how long each takes.

ff3 and fpr-ff1 are asked where the environment variable PEERS names Pythons that have them (`fpe_peer`).
"""

from __future__ import annotations

import json
import string
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple, TypedDict

import numpy as np
import pandas as pd

from jupyter_securecollab.frames.fpe import FF1
from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.frames.mask import mask_column

from .harness import Budget, Line, Section
from .peers import python_with

_CHARACTERS = string.digits + string.ascii_lowercase
_MODULES = {"ff3": "ff3", "fpr-ff1": "fpr_ff1", "fpr-ff1 rust": "fpr_ff1"}
_BUDGETS = {"ff3": Budget(90, of="ratio", at_least=True)}
_KEY = bytes(range(32))


class Job(TypedDict):
    """Texts to encrypt, all under one key and tweak, and what they are made of."""

    library: str
    key: str
    tweak: str
    alphabet: str
    texts: list[str]


class Done(NamedTuple):
    """The encrypted texts, and the seconds it took."""

    seconds: float
    made: list[str]


def run(quick: bool) -> Iterator[Section]:
    """Agreement, then time."""
    pythons = {library: python for library, module in _MODULES.items() if (python := python_with(module))}
    lines = []
    if "fpr-ff1" in pythons:
        lines += _agreement(pythons["fpr-ff1"], 20 if quick else 200)
    if pythons:
        lines += _times(pythons, quick)
    missing = [f"{one} is in none of the Pythons that PEERS names." for one in _MODULES if one not in pythons]
    notes = ("ff3 computes FF3-1, another cipher with eight rounds where FF1 has ten: its results are not compared.",)
    yield Section("Format-preserving encryption, beside other libraries", lines, (*notes, *missing))


def _agreement(python: str, each: int) -> Iterator[Line]:
    """Ours beside fpr-ff1's: radixes, lengths, keys and tweaks of all sizes, so that both our paths are taken."""
    rng = np.random.default_rng(800_38)
    for radix, shortest in ((10, 6), (36, 4)):
        jobs: list[Job] = []
        same = count = 0
        ours: list[list[str]] = []
        for length in range(shortest, shortest + 27):
            key, tweak = rng.bytes([16, 24, 32][length % 3]), rng.bytes(int(rng.integers(0, 25)))
            rows = rng.integers(0, radix, (each, length)).astype(np.uint8)
            ours.append(_written(FF1(key, radix, tweak).encrypt_rows(rows)))
            texts, alphabet = _written(rows), _CHARACTERS[:radix]
            jobs.append(Job(library="fpr-ff1", key=key.hex(), tweak=tweak.hex(), alphabet=alphabet, texts=texts))
        for own, its in zip(ours, _theirs(python, jobs), strict=True):
            same += sum(one == other for one, other in zip(own, its.made, strict=True))
            count += len(own)
        note = f"{count:,} random values of {shortest} to {shortest + 26} characters, radix {radix}"
        yield Line("equal to fpr-ff1", 100 * same / count, "%", None, note, Budget(100, at_least=True))


def _times(pythons: dict[str, str], quick: bool) -> Iterator[Line]:
    """In turns: texts of sixteen digits, ours a column of them, theirs one by one; ratios are of time for a value."""
    rows, few, rounds = (2_000, 200, 1) if quick else (1_000_000, 20_000, 5)
    digits = [f"{one:016d}" for one in np.random.default_rng(1).integers(0, 10**16, rows)]
    column = pd.Series(digits, dtype="str")
    job: dict[str, Any] = {"key": _KEY.hex(), "alphabet": string.digits, "texts": digits[:few]}
    ours, its = [], defaultdict(list)
    for number in range(rounds + 1):
        began = time.perf_counter()
        mask_column(column, "fpe:digits", "account_id", key=MaskKey(_KEY))
        seconds = time.perf_counter() - began
        for library, python in pythons.items():
            tweak = bytes(7 if library == "ff3" else 0).hex()
            (done,) = _theirs(python, [Job(library=library, tweak=tweak, **job)])
            if number:
                its[library].append(done.seconds / few)
        if number:
            ours.append(seconds / rows)
    speed = f"ours {1e-6 / median(ours):.2f} M values/s"
    for library, taken in its.items():
        ratio = median(slow / fast for slow, fast in zip(taken, ours, strict=True))
        budget = None if quick else _BUDGETS.get(library)
        yield Line(f"{library}, sixteen digits", 1e-3 / median(taken), "k values/s", ratio, speed, budget)


def _theirs(python: str, jobs: Sequence[Job]) -> list[Done]:
    program = str(Path(__file__).with_name("fpe_peer.py"))
    said = subprocess.run([python, program], input=json.dumps(jobs), check=True, stdout=subprocess.PIPE, text=True)
    return [Done(**json.loads(line)) for line in said.stdout.splitlines()]


def _written(rows: Any) -> list[str]:
    return ["".join(_CHARACTERS[one] for one in row) for row in rows.tolist()]
