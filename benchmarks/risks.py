"""What measuring risk costs on a million rows, and whether k, l and t are those of pycanon on small frames.

pycanon is asked where the environment variable PEERS names a Python that has it.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from jupyter_securecollab.frames.risk import risk

from .harness import Budget, Line, Section
from .peers import python_with

_QUASI = ["postcode", "born", "gender", "country"]
_SENSITIVE = "illness"
_FEW = _QUASI[:2]
_SMALL = (200, 1_000, 3_000)


def people(rows: int, seed: int = 0) -> pd.DataFrame:
    """Four quasi-identifiers and an illness."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "postcode": rng.integers(100, 100 + max(4, rows // 2_000), rows).astype(str),
            "born": rng.integers(1940, 1944 + rows // 10_000, rows),
            "gender": rng.choice(np.array(["F", "M", "X"]), rows, p=[0.5, 0.49, 0.01]),
            "country": rng.choice(np.array(["DE", "FR", "NL"]), rows),
            "illness": rng.choice(
                np.array(["asthma", "gout", "flu", "none", "lupus"]), rows, p=[0.1, 0.1, 0.2, 0.5, 0.1]
            ),
        }
    )


def run(quick: bool) -> Iterator[Section]:
    """Time, then agreement."""
    rows = 20_000 if quick else 1_000_000
    made = people(rows)
    times = [_seconds(made) for _ in range(1 if quick else 4)][-3:]
    note = f"{rows:,} rows × {len(_QUASI)} quasi-identifiers and one sensitive column"
    lines = [Line("k, l, t and uniques", median(times), "s", None, note, Budget(2.5))]
    python = python_with("pycanon")
    if python:
        lines += _agreement(python, _SMALL[:1] if quick else _SMALL)
    yield Section("Risk", lines, () if python else ("pycanon is in none of the Pythons that PEERS names.",))


def _seconds(made: pd.DataFrame) -> float:
    began = time.perf_counter()
    risk(made, _QUASI, [_SENSITIVE])
    return time.perf_counter() - began


_PYCANON = """
import json, sys, time
import pandas as pd
from pycanon import anonymity

found = []
for path in sys.argv[3:]:
    made = pd.read_csv(path, dtype=str)
    quasi, hidden = json.loads(sys.argv[1]), [sys.argv[2]]
    began = time.perf_counter()
    k = anonymity.k_anonymity(made, quasi)
    l, t = anonymity.l_diversity(made, quasi, hidden), anonymity.t_closeness(made, quasi, hidden)
    found.append([int(k), int(l), float(t), time.perf_counter() - began])
print(json.dumps(found))
"""


def _agreement(python: str, sizes: tuple[int, ...]) -> Iterator[Line]:
    """Ours beside pycanon's on the same frames, all columns of text."""
    frames = [people(rows, seed).astype("str") for seed, rows in enumerate(sizes)]
    with tempfile.TemporaryDirectory(prefix="securecollab-bench-") as folder:
        paths = [Path(folder, f"{number}.csv") for number in range(len(frames))]
        for made, path in zip(frames, paths, strict=True):
            made.to_csv(path, index=False)
        command = [python, "-c", _PYCANON, json.dumps(_FEW), _SENSITIVE, *paths]
        said = subprocess.run(command, check=True, capture_output=True, text=True)
    theirs = json.loads(said.stdout.splitlines()[-1])
    for made, (k, diverse, t, seconds) in zip(frames, theirs, strict=True):
        began = time.perf_counter()
        ours = risk(made, _FEW, [_SENSITIVE])
        took = time.perf_counter() - began
        (hidden,) = ours.sensitive
        same = (ours.k, hidden.l) == (k, diverse) and abs(hidden.t - t) < 1e-9
        times = f"pycanon {seconds:.2f} s, ours {1000 * took:.0f} ms"
        note = f"{len(made):,} rows: k = {k}, l = {diverse}, t = {t:.4f}; {times}"
        yield Line("equal to pycanon", 100.0 * same, "%", seconds / took, note, Budget(100, at_least=True))
