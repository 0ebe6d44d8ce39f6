"""Entries of the log and executions as lines for a terminal.

Everything in them was typed by somebody: what a terminal would obey is taken out here, where lines are made.
"""

from __future__ import annotations

from .model import EntryView, Joining
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


def request_lines(one: Joining) -> str:
    """A request for pseudonyms that join over a project, with what a yes would reach."""
    head = f"{one.id}  {one.state:8} {one.person:14} {one.name} on {one.level} columns: {one.because}"
    assets, holders = ", ".join(one.assets) or "nothing", ", ".join(one.holders) or "nobody"
    reach = f"masked with them: {assets}; who else has the key: {holders}"
    return f"{printable(head)}\n    {printable(reach)}"


def run_line(run: Run) -> str:
    """One line of a listing of executions."""
    start = run.start
    took = "" if run.end is None or run.end.took is None else f"{run.end.took / 1e6:.3f}"
    level = "" if run.level is None else run.level.value
    return _run_columns(
        str(run.entry), f"{start.at:%Y-%m-%dT%H:%M:%SZ}", start.who or "unattributed", run.did, run.where,
        "" if start.length is None else str(start.length), took, run.outcome, level,
        ", ".join((*run.opened, *run.remarks)),
    )  # fmt: skip


def run_header() -> str:
    """What the columns of `run_line` are; `level` is the highest opened in that kernel until then."""
    return _run_columns(
        "entry", "when", "who", "did", "where", "bytes", "seconds", "how it went", "level", "opened, remarks"
    )


def _run_columns(*columns: str) -> str:
    entry, at, who, did, where, size, took, outcome, level, rest = columns
    line = f"{entry:>7}  {at:20}  {who:14} {did:16} {where:32} {size:>8} {took:>9}  {outcome:18} {level:12} {rest}"
    return printable(line.rstrip())


def printable(text: str) -> str:
    """What people typed into the log, without what a terminal would obey."""
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)
