"""What masking costs, beside `Series.map` with HMAC as one would write it; time per value, and memory beside a column.

    python -m benchmarks.masking ROWS HOW

in a process of its own says what memory one technique takes: MB needed, MB of the column, as JSON.
"""

from __future__ import annotations

import ctypes
import gc
import hashlib
import hmac
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from statistics import median

import numpy as np
import pandas as pd
import pyarrow as pa

from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.frames.mask import mask_column

from .harness import Budget, Line, Section, Way, cpu, extra_memory, ratio, take_turns, wall

_KEY = MaskKey(bytes(range(32)))
_PLAIN = "`Series.map` with HMAC-SHA-256"
_PSEUDONYM_REPEATED, _PSEUDONYM_UNIQUE, _FF1 = (Budget(limit, at_least=True) for limit in (2.0, 0.5, 0.5))
_MEMORY = Budget(2.0, of="ratio")

_TECHNIQUES: dict[str, tuple[str, str, Budget | None]] = {
    "pseudonym, 20 % unique": ("repeated", "pseudonym", _PSEUDONYM_REPEATED),
    "pseudonym, all unique": ("unique", "pseudonym", _PSEUDONYM_UNIQUE),
    "FF1, sixteen digits": ("cards", "fpe:digits", _FF1),
    "FF1, card numbers with check digits": ("cards", "fpe:card", _FF1),
    "FF1, letters and digits": ("codes", "fpe", None),
    "FF1, whole numbers": ("numbers", "fpe", None),
    "token, all unique": ("unique", "token", None),
    "pseudonym, whole numbers": ("numbers", "pseudonym", None),
    "generalise:1000": ("numbers", "generalise:1000", None),
    "clip::500000000000": ("numbers", "clip::500000000000", None),
    "noise:1000": ("numbers", "noise:1000", None),
    "shuffle, whole numbers": ("numbers", "shuffle", None),
    "shuffle": ("unique", "shuffle", None),
    "partial": ("unique", "partial", None),
    "scrub": ("unique", "scrub", None),
}


def column(kind: str, rows: int) -> pd.Series:
    """Addresses, card numbers, codes or whole numbers, the same ones every time."""
    rng = np.random.default_rng(20_240_202)
    if kind == "repeated":
        return pd.Series(
            [f"person{one:08d}@example.org" for one in rng.integers(0, max(rows // 5, 1), rows)], dtype="str"
        )
    if kind == "cards":
        return pd.Series([f"{one:016d}" for one in rng.integers(0, 10**16, rows)], dtype="str")
    if kind == "codes":
        return pd.Series([f"AB{one:06X}" for one in rng.integers(0, 16**6, rows)], dtype="str")
    if kind == "numbers":
        return pd.Series(rng.integers(10**11, 10**12, rows))
    return pd.Series([f"person{one:08d}@example.org" for one in rng.permutation(rows)], dtype="str")


def run(quick: bool) -> Iterator[Section]:
    """Time of every technique, then memory."""
    rows, rounds = (2_000, 1) if quick else (1_000_000, 5)
    columns = {kind: column(kind, rows) for kind, _, _ in _TECHNIQUES.values()}
    ways = {name: Way(partial(_masked, columns[kind], how)) for name, (kind, how, _) in _TECHNIQUES.items()}
    plain = {kind: f"{_PLAIN}, {kind}" for kind in ("repeated", "unique")}
    ways |= {name: Way(partial(_mapped, columns[kind])) for kind, name in plain.items()}
    samples = take_turns(ways, rounds)
    lines = []
    for name, taken in samples.items():
        kind, _, budget = _TECHNIQUES.get(name, ("", "", None))
        beside = ratio(taken, samples[plain[kind]], wall) if kind in plain else None
        note = f"{rows / max(median(map(cpu, taken)), 1e-9) / 1e6:.3g} M per second of CPU"
        speed = rows / median(map(wall, taken)) / 1e6
        lines.append(Line(name, speed, "M values/s", beside, note, None if quick else budget))
    yield Section(f"Masking: {rows:,} values", lines, ("Ratios are of the time taken.",))
    yield Section(f"Memory of masking: {rows:,} values", [_memory(name, rows) for name in _TECHNIQUES])


def _masked(values: pd.Series, how: str) -> pd.Series:
    masked: pd.Series = mask_column(values, how, "email", key=_KEY)
    return masked


def _mapped(values: pd.Series) -> pd.Series:
    return values.map(lambda one: hmac.new(_KEY.secret, one.encode(), hashlib.sha256).hexdigest()[:16])


def _memory(name: str, rows: int) -> Line:
    kind, how, _ = _TECHNIQUES[name]
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.masking", kind, how, str(rows)], stdout=subprocess.PIPE, check=True
    )
    needed, held = json.loads(told.stdout)
    budget = _MEMORY if rows >= 1_000_000 else None
    return Line(name, needed, "MB", needed / held, f"column of {held:.0f} MB; masked column included", budget)


def _measured(kind: str, how: str, rows: int) -> tuple[float, float]:
    """MB needed at the peak beyond the column itself, and MB of the column."""
    _masked(column(kind, 1_000), how)
    values = column(kind, rows)
    gc.collect()
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)  # what making the column left behind would be used without being counted
    with extra_memory(os.getpid()) as used:
        masked = _masked(values, how)
        needed = used()
    del masked
    return needed, values.memory_usage(index=False) / 2**20


if __name__ == "__main__":
    print(json.dumps(_measured(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
