"""Share and open through a real server, beside plain Parquet and what people do today; time, memory, bytes fetched.

The kernel's side runs in real kernels with the product's own verbs; the server is JupyterLab's, started as a user
starts it, and so keeps its database, its log and its files as durable as always.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from demo.team import found, serve
from demo.websocket import NotebookSession, text_of

from .harness import Budget, Line, Sample, Section, compared, wall
from .ways import OURS, PLAIN, SLOW, WAYS

_HERE = str(Path(__file__).parents[1])
_WHERE_IT_GOES = (
    "CPU of an open: a third unpacks zstd, a sixth hashes every stream with SHA-256, a sixth validates every value and"
    " copies into writable NumPy arrays, a tenth decrypts and reads files; the decision and its durable entry take "
    "about 12 ms. Parquet unpacks too, and does none of the rest."
)
_NOT_SLOWER = Budget(1.0, of="ratio")
_MEMORY = Budget(1.5, of="ratio")
_VERBS = {"write": "share", "read": "open"}
_SAY = {PLAIN: {"write": "`to_parquet`", "read": "`read_parquet`"}, OURS: _VERBS}


@dataclass(frozen=True)
class Vault:
    """A running server: its process, its address, and the token of somebody who may start kernels."""

    process: int
    address: str
    token: str


def run(quick: bool) -> Iterator[Section]:
    """One section for each size of frame."""
    with _vault() as vault:
        for rows, rounds in ((2_000, 1),) if quick else ((100_000, 9), (1_000_000, 7)):
            with tempfile.TemporaryDirectory(prefix="securecollab-bench-") as folder:
                lines = [*_times(vault, rows, rounds, folder), *_column(vault, rows, rounds, folder)]
                lines += _memory(vault, rows, folder, 1 if quick else 3)
            notes = [_WHERE_IT_GOES] + ([] if SLOW in WAYS else ["gpg is not installed: csv + gpg is left out."])
            yield Section(f"Share and open: {rows:,} rows × 12 mixed columns", lines, notes)


@contextmanager
def _vault() -> Iterator[Vault]:
    with tempfile.TemporaryDirectory(prefix="securecollab-bench-") as folder:
        team = found(Path(folder) / "home")
        before = _children()
        with serve(team) as address:
            (process,) = _children() - before
            yield Vault(process, address, team.tokens["alice"])


def _children() -> set[int]:
    return set(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))


def _job(vault: Vault, job: str, rows: int, rounds: int, folder: str, *way: str) -> Any:
    arguments = (job, rows, rounds, folder, vault.process, *way)
    source = f"import sys; sys.path.insert(0, {_HERE!r})\nfrom benchmarks import worker; worker.work(*{arguments!r})"
    cell = new_code_cell(source, metadata={"tags": []})
    asyncio.run(_execute(vault, cell))
    return json.loads(text_of(cell).splitlines()[-1])


async def _execute(vault: Vault, cell: NotebookNode) -> None:
    async with NotebookSession(vault.address, vault.token, "bench.ipynb") as session:
        await session.run([cell])


def _median_job(vault: Vault, job: str, rows: int, folder: str, way: str, kernels: int) -> list[float]:
    """Each figure the median of so many fresh kernels."""
    found = [_job(vault, job, rows, 0, folder, way) for _ in range(kernels)]
    return [median(them) for them in zip(*found, strict=True)]


def _samples(told: Mapping[str, list[dict[str, float]]]) -> dict[str, list[Sample]]:
    return {name: [Sample(**one) for one in them] for name, them in told.items()}


def _times(vault: Vault, rows: int, rounds: int, folder: str) -> Iterator[Line]:
    told = _job(vault, "times", rows, rounds, folder)
    for what, verb in _VERBS.items():
        samples = _samples(told[what])
        plain = samples[PLAIN]
        yield Line(_SAY[PLAIN][what], 1000 * median(map(wall, plain)), "ms", 1.0)
        yield compared(verb, samples[OURS], plain, budget=_NOT_SLOWER if rows >= 1_000_000 else None)
        if "masked" in samples:
            yield compared(f"{verb}, one column masked as well", samples["masked"], plain)
        for way in [name for name in WAYS if name not in (PLAIN, OURS)]:
            yield compared(f"{way}, {what}", samples[way], plain)


def _column(vault: Vault, rows: int, rounds: int, folder: str) -> Iterator[Line]:
    told = _job(vault, "column", rows, rounds, folder)
    samples = _samples(told["samples"])
    yield compared("open 1 of the 12 columns, beside all", samples["one"], samples["all"])
    note = f"of {told['all'] / 1e6:.2f} MB; the column's sealed bytes are {told['column'] / 1e6:.2f} MB"
    yield Line("fetched for it", told["one"] / 1e6, "MB", told["one"] / told["column"], note, Budget(1.0, of="ratio"))


def _memory(vault: Vault, rows: int, folder: str, kernels: int) -> Iterator[Line]:
    for what, job in (("write", "memory_writing"), ("read", "memory_reading")):
        used = {way: _median_job(vault, job, rows, folder, way, kernels) for way in WAYS if way != SLOW}
        plain = used[PLAIN][0]
        for way, (here, there) in used.items():
            name = _SAY.get(way, {}).get(what, f"{way}, {what}")
            note = f"and {there:.0f} MB in the server" if way == OURS else ""
            budget = _MEMORY if way == OURS and rows >= 1_000_000 else None
            yield Line(f"peak memory of {name}", here, "MB", here / max(plain, 0.1), note, budget)
