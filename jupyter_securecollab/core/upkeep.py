"""Upkeep, for administrators: clearing away what interrupted uploads left, and renewing project keys."""

from __future__ import annotations

from ..errors import NotFound
from ..model import Caller, Value, clip
from .audit import Work
from .catalog import PartRow, VersionRow
from .desk import Desk, Refused
from .keys import Keyring
from .ports import Objects, Rows
from .sharing import abandon
from .versions import PART_FOLDER

_REWRAPPED_AT_ONCE = 200
_DROPPED_AT_ONCE = 50  # an entry has room for the rows of so many


class Collected(Value, frozen=True):
    """What the collector removed."""

    versions: int
    objects: int


class Upkeep:
    """Every operation may be interrupted and repeated."""

    def __init__(self, desk: Desk, keys: Keyring, objects: Objects) -> None:
        self._desk, self._keys, self._objects = desk, keys, objects

    def collect(self, caller: Caller) -> Collected:
        """Remove begun versions nobody finished in the time they are kept for, and objects no version points to."""
        versions = 0
        while count := self._desk.write(lambda work: self._drop_stale(work, caller))[0]:
            versions += count
        cutoff = self._desk.clock() - self._desk.settings.staging_kept
        old = [path for path, written in self._objects.list(PART_FOLDER) if written < cutoff]
        orphans = self._desk.journal.read(lambda rows: [path for path in old if not _is_part(rows, path)])
        for path in orphans:
            self._objects.delete(path)
        return Collected(versions, len(orphans))

    def _drop_stale(self, work: Work, caller: Caller) -> int | Refused:
        """Drop one entry's worth of begun versions, and the names they alone kept; returns how many."""
        ruling = self._desk.rule(work.rows, work.now, caller, "administer")
        if not ruling.decision.allow:
            return self._desk.refuse(work, caller, "collect", None, "unfinished uploads", ruling)
        cutoff = work.now - self._desk.settings.staging_kept
        stale = [row for row in work.rows.find(VersionRow, state="begun") if row.begun < cutoff][:_DROPPED_AT_ONCE]
        for row in stale:
            abandon(work, self._keys, row)
        if stale:
            work.record("collect", caller, decision=ruling.decision, detail={"versions": [row.id for row in stale]})
        return len(stale)

    def rotate_keys(self, caller: Caller, *, project: str) -> int:
        """Give a project a new key and wrap everything anew under it; returns how many keys were wrapped.

        May be interrupted and repeated: keys wrapped under older project keys go on working until they are rewrapped.
        """

        def rotate(work: Work) -> Refused | None:
            ruling = self._desk.rule(work.rows, work.now, caller, "administer")
            if not ruling.decision.allow:
                return self._desk.refuse(work, caller, "keys.rotate", None, project, ruling)
            if not self._keys.has_project(work.rows, project):
                raise NotFound(f"nothing was ever shared in a project {clip(project)}")
            number = self._keys.rotate(work, project).number
            work.record("keys.rotate", caller, name=project, decision=ruling.decision, detail={"number": number})
            return None

        self._desk.write(rotate)
        done = 0
        while count := self._desk.write(lambda work: self._keys.rewrap(work, project, limit=_REWRAPPED_AT_ONCE))[0]:
            done += count
        self._desk.journal.wipe()
        return done


def _is_part(rows: Rows, path: str) -> bool:
    return bool(rows.find(PartRow, object=path.rpartition("/")[2], limit=1))
