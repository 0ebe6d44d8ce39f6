"""Reading the audit log: one's own entries, those about what one manages as far as one reads it, or, by role, all."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ..errors import NotFound
from ..model import Caller, EntryView, Level, Receipt
from ..proofs import OPENING, parse_entry
from ..runs import ACT
from .access import whole_milliseconds
from .audit import Work
from .catalog import AssetRow, EntryRow
from .desk import NOWHERE, Desk, Refused, find_asset
from .ports import Rows

_MOST = 1000


class Records:
    """What people may read of the log. Reading leaves no entry; taking a copy of the whole log does."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def audit(
        self,
        caller: Caller,
        *,
        name: str | None = None,
        by: str | None = None,
        since: datetime | None = None,
        limit: int = 200,
    ) -> tuple[EntryView, ...]:
        """Entries the caller may read, newest last, at most `limit`: about an asset, by a person, since a time."""
        since = whole_milliseconds(since)

        def query(rows: Rows) -> list[EntryRow]:
            asset = None if name is None else find_asset(rows, name) or NOWHERE
            found = self._readable(rows, caller, asset, by, min(limit, _MOST))
            return [row for row in found if since is None or row.at >= since]

        found = sorted(self._desk.journal.read(query), key=lambda row: row.index)[-min(limit, _MOST) :]
        return tuple(EntryView(row.index, row.body) for row in found)

    def _readable(
        self, rows: Rows, caller: Caller, asset: AssetRow | None, by: str | None, limit: int
    ) -> list[EntryRow]:
        where: dict[str, object] = {} if by is None else {"actor": by}
        if asset is not None:
            where["asset"] = asset.id
        if self._may_audit(rows, caller):
            return rows.find(EntryRow, newest=True, limit=limit, but=("act", ACT), **where)
        own = _alone(caller)
        mine = (
            rows.find(EntryRow, newest=True, limit=limit, but=None, **{**where, "actor": own})
            if by in (None, own)
            else []
        )
        managed = rows.find(AssetRow, owner=caller.name) if asset is None else [asset]
        reach = {row.id: up_to for row in managed if (up_to := self._reach(rows, caller, row)) is not None}
        about = rows.find(EntryRow, newest=True, limit=limit, but=None, **{**where, "asset": tuple(reach)})
        within = [row for row in about if _is_within(row, reach[row.asset or ""])]
        return list({row.index: row for row in (*mine, *within)}.values())

    def _may_audit(self, rows: Rows, caller: Caller) -> bool:
        return self._desk.rule(rows, self._desk.journal.now(rows), caller, "audit").decision.allow

    def _reach(self, rows: Rows, caller: Caller, asset: AssetRow) -> Level | None:
        """The level up to which the caller manages an asset, None if he does not."""
        ruling = self._desk.rule(rows, self._desk.journal.now(rows), caller, "manage", asset)
        return ruling.up_to if ruling.decision.allow else None

    def prove(self, caller: Caller, *, index: int) -> Receipt:
        """The offline proof of one entry the caller may read. `NotFound` for every other index."""

        def query(rows: Rows) -> bool:
            row = rows.get(EntryRow, index)
            if row is None:
                return False
            if row.actor == _alone(caller) or self._may_audit(rows, caller):
                return True
            asset = None if row.asset is None else rows.get(AssetRow, row.asset)
            reach = None if asset is None else self._reach(rows, caller, asset)
            return reach is not None and _is_within(row, reach)

        if not self._desk.journal.read(query):
            raise NotFound(f"there is no entry {index} that you may read")
        return self._desk.journal.receipt(index)

    def export(self, caller: Caller, *, destination: Path) -> None:
        """Write the whole log with its checkpoints and the state it vouches for to `destination`; itself recorded."""

        def operation(work: Work) -> Refused | None:
            ruling = self._desk.rule(work.rows, work.now, caller, "audit")
            if not ruling.decision.allow:
                return self._desk.refuse(work, caller, "export", None, "the audit log", ruling)
            work.record("export", caller, name="the audit log", decision=ruling.decision)
            return None

        self._desk.write(operation)
        self._desk.journal.bundle(destination)


def _is_within(row: EntryRow, reach: Level) -> bool:
    """Whether who manages something up to a level may read this: what was opened above it names columns above it."""
    opened = parse_entry(row.body).detail.get("up_to") if row.act in OPENING else None
    return opened is None or Level(opened) <= reach


def _alone(caller: Caller) -> str | None:
    """Whose own entries may be read: nobody's where others share the kernel, for theirs are his alone."""
    return None if caller.also else caller.name
