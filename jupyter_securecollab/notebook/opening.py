"""Opening: what the vault answers is checked from the log entry of the commit down to each value before it is used."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Any

from IPython.display import display

from ..errors import LogBroken
from ..manifest import Visible, choose, parse_top, verify, visible
from ..model import Label, Level, Name, Opened
from ..proofs import verify_receipt
from ..sealed.blob import open_blob
from ..sealed.frame import open_frame
from ..sealed.models import open_model
from ..times import shown
from .display import Report
from .labels import WHOLE
from .plan import Seen
from .progress import progress
from .session import Session, current, fitting
from .wholes import opened_file

_SHA256 = re.compile("[0-9a-f]{64}")


def open(
    name: str,
    *,
    version: int | None = None,
    columns: str | Sequence[str] | None = None,
    up_to: str | None = None,
    purpose: str | None = None,
) -> Any:
    """Open what was shared with you, as far as you may read: a frame or model comes back as what it was.

    `columns` are names, or one text with commas; `up_to` opens less than you may. Shows what was opened and returns it.
    Raises `Denied` with the reasons and the next step, `SealBroken` or `LogBroken` when something was tampered with.
    """
    session = current()
    name = session.asset(name)
    wanted = [one.strip() for one in columns.split(",")] if isinstance(columns, str) else columns
    level = None if up_to is None else Level.parse(up_to)
    reason = None if purpose is None else fitting(purpose, Name, "a purpose")
    session.refresh()
    opened = session.client.open(name, number=version, columns=wanted, up_to=level, purpose=reason)
    wanted = wanted if opened.columns is None else opened.columns
    commit_hash = vouched(opened, name, session.client.log_key)
    value = _unsealed(session, opened, commit_hash, wanted)
    levels = verify(parse_top(opened.manifest), opened.levels)
    chosen = choose(visible(levels), wanted)
    session.memory.remember(value, _labels(chosen), opened.name)
    session.learn(opened.name)
    rows = next(iter(levels.values())).rows
    display(_report(opened, chosen, rows))  # type: ignore[no-untyped-call]  # IPython has no types for it
    return value


def vouched(opened: Opened, name: str, log_key: str) -> bytes:
    """The hash of the top manifest as the log has it, from the entry of the commit of this very version."""
    entry = verify_receipt(opened.committed, log_key).entry
    found = (entry.act, entry.name, entry.asset, entry.version, entry.detail.get("number"))
    manifest_hash = entry.detail.get("manifest_sha256")
    expected = ("commit", name, opened.asset, opened.version, opened.number)
    if found != expected or not isinstance(manifest_hash, str) or not _SHA256.fullmatch(manifest_hash):
        raise LogBroken("the log entry that came along is not about what was opened")
    return bytes.fromhex(manifest_hash)


def _unsealed(session: Session, opened: Opened, commit_hash: bytes, columns: Sequence[str] | None) -> Any:
    keys = {(key.level, key.stream): key.key for key in opened.keys}
    fetch = partial(session.client.read_part, opened)
    with progress(f"opening {opened.name}") as report:
        sealed = (opened.manifest, opened.levels, keys, fetch)
        if opened.kind == "frame":
            return open_frame(*sealed, expected_top_hash=commit_hash, columns=columns, progress=report)
        if opened.kind == "model":
            return open_model(*sealed, expected_top_hash=commit_hash, progress=report)
        return opened_file(opened.name, open_blob(*sealed, expected_top_hash=commit_hash, progress=report))


def _labels(chosen: Visible) -> dict[str, Label]:
    streams = [one.stream for one in (*chosen.index, *chosen.columns, *chosen.others)]
    return {stream.column or WHOLE: stream.label for stream in streams if stream.label is not None}


def _report(opened: Opened, chosen: Visible, rows: int) -> Report:
    streams = [one.stream for one in (*chosen.index, *chosen.columns)]
    seen = Seen(
        tuple(stream.column for stream in streams if stream.masked is None),
        tuple((stream.column, stream.masked) for stream in streams if stream.masked is not None),
    )
    clear, masked = seen.cells()
    facts = [("owner", opened.owner), ("you read up to", opened.up_to.value)]
    if opened.kind == "frame":
        facts += [("rows", f"{rows:,}"), ("clear", clear), ("masked copy", masked)]
    facts += [("access until", "–" if opened.until is None else shown(opened.until))]
    facts += [("receipt", f"entry {opened.receipt.index} of the log")]
    step = f"For the masked columns in the clear, ask {opened.owner} for access." if seen.masked else ""
    return Report(f"{opened.name}, version {opened.number}", tuple(facts), next_step=step)
