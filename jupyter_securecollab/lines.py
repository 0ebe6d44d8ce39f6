"""Entries of the log and executions as lines for a terminal.

Everything in them was typed by somebody: what a terminal would obey is taken out here, where lines are made.
"""

from __future__ import annotations

from .model import EntryView
from .proofs import parse_entry
from .runs import Run


def entry_line(entry: EntryView) -> str:
    """One line of a listing; the times are those of the log to the second, the whole entry has the rest."""
    found = parse_entry(entry.body)
    verdict = ""
    if found.decision is not None:
        why = "; ".join(unmet.text for unmet in found.decision.unmet)
        verdict = "allowed" if found.decision.allow else f"denied: {why}"
    at = f"{found.at:%Y-%m-%dT%H:%M:%SZ}"
    return printable(f"{entry.index:>7}  {at}  {found.who:14} {found.act:14} {found.name or '':32} {verdict}".rstrip())


def run_line(run: Run) -> str:
    """One line of a listing of executions."""
    start = run.start
    took = "" if run.end is None or run.end.took is None else f"{run.end.took / 1e6:.3f}s"
    where = start.notebook or start.target or (start.kernel or "")[:8]
    size = "" if start.length is None else f"{start.length} bytes"
    level = "" if run.level is None else run.level.value
    columns = (
        f"{run.entry:>7}  {start.at:%Y-%m-%dT%H:%M:%SZ}  {start.who or '?':14} {start.act:10} {where:32} {size:>12}",
        f"{run.outcome:16} {took:>10} {level:12}",
        ", ".join((*run.remarks, *(one.name for one in (run.end.assets if run.end else ())))),
    )
    return printable("  ".join(columns).rstrip())


def printable(text: str) -> str:
    """What people typed into the log, without what a terminal would obey."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
