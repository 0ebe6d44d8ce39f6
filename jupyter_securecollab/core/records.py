"""Reading the audit log: one's own entries, those about what one owns, or, for auditors and stewards, everything."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from ..errors import NotFound
from ..model import Caller, EntryView, Receipt
from .access import whole_milliseconds
from .audit import Work
from .catalog import AssetRow, EntryRow
from .desk import Desk, Refused, find_asset
from .ports import Rows
from .question import Action

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
            asset = None if name is None else find_asset(rows, name)
            if name is not None and asset is None:
                return []
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
        if self._may(rows, caller, "audit") or (asset is not None and self._may(rows, caller, "manage", asset)):
            return rows.find(EntryRow, newest=True, limit=limit, **where)
        own = _alone(caller)
        mine = rows.find(EntryRow, newest=True, limit=limit, **{**where, "actor": own}) if by in (None, own) else []
        if asset is not None:
            return mine
        owned = [row for row in rows.find(AssetRow, owner=caller.name) if self._may(rows, caller, "manage", row)]
        where["asset"] = tuple(row.id for row in owned)
        about = rows.find(EntryRow, newest=True, limit=limit, **where)
        return list({row.index: row for row in (*mine, *about)}.values())

    def _may(self, rows: Rows, caller: Caller, action: Action, asset: AssetRow | None = None) -> bool:
        return self._desk.rule(rows, self._desk.journal.now(rows), caller, action, asset).decision.allow

    def prove(self, caller: Caller, *, index: int) -> Receipt:
        """The offline proof of one entry the caller may read. `NotFound` for every other index."""

        def query(rows: Rows) -> bool:
            row = rows.get(EntryRow, index)
            if row is None:
                return False
            if row.actor == _alone(caller) or self._may(rows, caller, "audit"):
                return True
            asset = None if row.asset is None else rows.get(AssetRow, row.asset)
            return asset is not None and self._may(rows, caller, "manage", asset)

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


def _alone(caller: Caller) -> str | None:
    """Whose own entries may be read: nobody's where others share the kernel, for theirs are his alone."""
    return None if caller.also else caller.name
