"""The report: what was measured, on what, under which conditions, and which budgets hold."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from .harness import Budget, Line, Section

_LIBRARIES = (
    *("cryptography", "pyarrow", "pandas", "numpy", "sqlalchemy", "cedarpy"),
    *("jupyter_server", "jupyter_client", "ipykernel", "tornado"),
)
_CONDITIONS = """\
Ways that are compared take turns; the first round is dropped; figures are medians, and each ratio is the median of the
rounds' own ratios to the plain way. The server runs on the same machine, over loopback, with its files on the same disk
as everything else: database and stored parts are synced to disk, plain files are not. CPU ratios count all processes
and matter more than the clock where the load average shows that other things were running. Memory is what a fresh
process needs at its peak beyond what it had before."""


def conditions(load_before: tuple[float, float, float]) -> str:
    """Machine, versions and load."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    loads = " → ".join(" ".join(f"{one:.2f}" for one in load) for load in (load_before, os.getloadavg()))
    facts = {
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GB, {platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "libraries": f"{libraries}, SQLite {sqlite3.sqlite_version}",
        "load average (1, 5, 15 min)": loads,
    }
    return "\n".join(f"* {name}: {fact}" for name, fact in facts.items()) + f"\n\n{_CONDITIONS}"


def text(sections: Iterable[Section], facts: str) -> str:
    """The whole report as Markdown."""
    sections = list(sections)
    lines = [line for section in sections for line in section.lines if line.budget]
    kept = sum(1 for line in lines if line.met)
    tables = "\n\n".join(map(table, sections))
    return f"# What it costs\n\n{facts}\n\n**{kept} of {len(lines)} budgets are kept.**\n\n{tables}\n"


def table(section: Section) -> str:
    """One section."""
    return "\n".join(_table(section))


def _table(section: Section) -> Iterator[str]:
    yield f"## {section.title}\n"
    yield "| | | against plain | budget | | |\n|---|--:|--:|--:|---|---|"
    for line in section.lines:
        ratio = "" if line.ratio is None else f"{line.ratio:.2f}×"
        met = {None: "", True: "met", False: "**missed**"}[line.met]
        yield f"| {line.what} | {_figure(line)} | {ratio} | {_budget(line.budget, line.unit)} | {met} | {line.note} |"
    for note in section.notes:
        yield f"\n{note}"


def _figure(line: Line) -> str:
    digits = 0 if line.value >= 100 else 1 if line.value >= 10 else 2
    return f"{line.value:,.{digits}f} {line.unit}"


def _budget(budget: Budget | None, unit: str) -> str:
    if budget is None:
        return ""
    return f"{'≥' if budget.at_least else '≤'} {budget.limit:g}{'×' if budget.of == 'ratio' else f' {unit}'}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
