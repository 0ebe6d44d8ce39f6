"""What masking costs, beside `Series.map` with HMAC as one would write it; time per value, and memory beside a column.

    python -m benchmarks.masking KIND HOW ROWS

in a process of its own says what memory one technique takes: MB needed, MB of the column, of the
masked one, and of the column without polars' views of texts, as JSON.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
import polars as pl

from jupyter_securecollab.frames.keyed import MaskKey
from jupyter_securecollab.frames.mask import mask_column

from .harness import Budget, Line, Section, Way, cpu, extra_memory, give_back, ratio, take_turns, wall

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

_MEMORY_TOO: dict[str, tuple[str, str]] = {
    "pseudonym, texts a fifth of which are missing": ("unique missing", "pseudonym"),
    "pseudonym, whole numbers, 20 % unique": ("repeated numbers", "pseudonym"),
    "fake, 20 % unique": ("repeated", "fake"),
    "shuffle, texts a fifth of which are missing": ("unique missing", "shuffle"),
    "shuffle, numbers a fifth of which are missing": ("numbers missing", "shuffle"),
    "token, 20 % unique": ("repeated", "token"),
    "shuffle, 32-bit numbers": ("short numbers", "shuffle"),
    **{
        f"{how}, 50 categories{told}": (f"categories{told[1:]}", how)
        for how in ("pseudonym", "partial", "shuffle")
        for told in ("", ", polars")
    },
    "pseudonym, 20 % unique categories": ("many categories", "pseudonym"),
    **{
        f"{how}, {told}, polars": (f"{kind} polars", how)
        for kind, told in (("unique", "all unique"), ("repeated", "20 % unique"))
        for how in ("pseudonym", "token", "partial", "shuffle")
    },
}
"""What is measured of memory alone."""

_REASONS = (
    "Tokens are nearly twice as long as these texts: where all differ the masked column alone takes 1.94× the column,"
    " with polars' views 1.76×, so that a piece of an allocator's memory more or less decides.",
    "pandas holds every text by itself. Where equal tokens are made once, the different ones (0.35×) and a number for"
    " each row (0.12×) lie beside a masked column of 1.94×; to make each anew would take two and a half times as long.",
    "pandas keeps a table of categories with every column that has them, to look whether they differ: one of 20 MB for"
    " two hundred thousand texts. That is twice the column by itself.",
    "Allocators take memory in pieces of 2 to 4 MB: beside a column of 8 MB that is 0.5×, beside one of 32 MB a tenth.",
)
"""Why some techniques need more than twice the column."""


def column(kind: str, rows: int) -> Any:
    """Addresses, card numbers, codes or whole numbers, the same ones every time; of pandas where polars is not named.

    A fifth of the values of a `missing` one are null.
    """
    rng = np.random.default_rng(20_240_202)
    kind, _, other = kind.partition(" ")
    if other == "polars":
        return pl.from_pandas(column(kind, rows))
    if other == "missing":
        return column(kind, rows).mask(rng.random(rows) < 0.2)
    if kind == "short":
        return pd.Series(rng.integers(0, 2**31, rows).astype("int32"))
    if "categories" in (kind, other):
        different = 50 if kind == "categories" else max(rows // 5, 1)
        return pd.Series([f"person{one:08d}@example.org" for one in rng.integers(0, different, rows)], dtype="category")
    if other == "numbers":
        return pd.Series(rng.integers(0, max(rows // 5, 1), rows) + 10**11)
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
    yield Section(
        f"Memory of masking: {rows:,} values", [_memory(name, rows) for name in (*_TECHNIQUES, *_MEMORY_TOO)], _REASONS
    )


def _masked(values: pd.Series, how: str) -> pd.Series:
    masked: pd.Series = mask_column(values, how, "email", key=_KEY)
    return masked


def _mapped(values: pd.Series) -> pd.Series:
    return values.map(lambda one: hmac.new(_KEY.secret, one.encode(), hashlib.sha256).hexdigest()[:16])


def _memory(name: str, rows: int) -> Line:
    kind, how = _MEMORY_TOO[name] if name in _MEMORY_TOO else _TECHNIQUES[name][:2]
    told = subprocess.run(
        [sys.executable, "-m", "benchmarks.masking", kind, how, str(rows)], stdout=subprocess.PIPE, check=True
    )
    needed, held, made, apart = json.loads(told.stdout)
    budget = _MEMORY if rows >= 1_000_000 else None
    note = f"column of {held:.0f} MB; masked column included: {made:.0f} MB"
    note += f"; {needed / apart:.2f}× what the column takes without its views" if apart < held else ""
    return Line(name, needed, "MB", needed / held, note, budget)


def _measured(kind: str, how: str, rows: int) -> tuple[float, float, float, float]:
    """MB: needed at the peak beyond the column, the column, the masked one, the column without polars' views."""
    _masked(column(kind, 1_000), how)
    values = column(kind, rows)
    give_back()
    with extra_memory(os.getpid()) as used:
        masked = _masked(values, how)
        needed = used()
    held = _held(values)
    views = 16 * len(values) / 2**20 if values.dtype == pl.String else 0
    return needed, held, _held(masked), held - views


def _held(values: Any) -> float:
    """MB that a column takes, with its categories; each piece of memory once."""
    if not isinstance(values, pl.Series):
        taken: float = values.memory_usage(index=False) / 2**20
        return taken
    if values.dtype != pl.String:
        return (values.estimated_size() + values.unique().cast(pl.String).estimated_size()) / 2**20
    chunks: list[Any] = [chunk.to_arrow(compat_level=pl.CompatLevel.newest()) for chunk in values.get_chunks()]
    pieces = {piece.address: piece.size for chunk in chunks for piece in chunk.buffers() if piece is not None}
    return sum(pieces.values()) / 2**20


if __name__ == "__main__":
    print(json.dumps(_measured(sys.argv[1], sys.argv[2], int(sys.argv[3]))))
