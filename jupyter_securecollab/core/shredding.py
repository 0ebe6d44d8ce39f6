"""Destroying versions for good: their keys are deleted first, so that no copy of the ciphertext opens any more."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from ..errors import Conflict
from ..model import Caller, Shredded
from .audit import Work
from .catalog import AssetRow, LevelRow, PartRow, VersionRow
from .desk import Desk, Refused, find_asset
from .keys import Keyring
from .once import Once, done_once
from .ports import Objects, Rows
from .sharing import drop_version
from .versions import delete_objects

_SHREDDED_AT_ONCE = 50  # an entry has room for the rows of so many


class _Ended(NamedTuple):
    """Versions that are no more, and their parts, which are to be cleared away."""

    numbers: tuple[int, ...]
    parts: tuple[PartRow, ...]


class Shredding:
    """For whoever manages an asset. What readers already opened they keep."""

    def __init__(self, desk: Desk, keys: Keyring, objects: Objects) -> None:
        self._desk, self._keys, self._objects = desk, keys, objects

    def shred(self, caller: Caller, *, name: str, before: int, once: Once | None = None) -> Shredded:
        """Destroy committed versions with a number below `before`, never the newest; repeat until none is returned.

        A backup of the database still holds the keys until it expires. Raises `Denied`, `Conflict`.
        """

        def operation(work: Work) -> _Ended | Refused:
            asset = find_asset(work.rows, name)
            if asset is None or asset.newest == 0:
                ruling = self._desk.no_such(work.rows, work.now, caller, "manage")
                return self._desk.refuse(work, caller, "shred", None, name, ruling)
            ruling = self._desk.rule(work.rows, work.now, caller, "manage", asset)
            ended = _oldest(work.rows, asset, before) if ruling.decision.allow else []
            if ended:  # nobody destroys what he may not read
                level = max(one for row in ended for one in row.levels)
                ruling = self._desk.rule(work.rows, work.now, caller, "manage", asset, level=level)
            if not ruling.decision.allow:
                return self._desk.refuse(work, caller, "shred", asset, name, ruling)
            if before > asset.newest:
                raise Conflict(
                    f"the newest version of {name} cannot be destroyed", next_step="Withdraw access instead."
                )
            parts = tuple(part for row in ended for part in self._shred(work, row))
            numbers = tuple(row.number for row in ended)
            detail = {"numbers": list(numbers)}
            work.record("shred", caller, asset=asset.id, name=name, decision=ruling.decision, detail=detail)
            return _Ended(numbers, parts)

        # Asked again it clears away again: what did not answer may have been killed before it had.
        (numbers, parts), receipt = done_once(self._desk, caller, once, _Ended, operation)
        self._desk.journal.wipe()
        delete_objects(self._objects, parts)
        return Shredded(name, numbers, receipt)

    def _shred(self, work: Work, row: VersionRow) -> tuple[PartRow, ...]:
        for level in work.rows.find(LevelRow, version=row.id):
            work.remove(LevelRow, level.version, level.level)
        return drop_version(
            work, self._keys, msgspec.structs.replace(row, state="shredded", manifest=b"", fingerprint=b"")
        )


def _oldest(rows: Rows, asset: AssetRow, before: int) -> list[VersionRow]:
    committed = sorted(rows.find(VersionRow, asset=asset.id, state="committed"), key=lambda row: row.number)
    return [row for row in committed if row.number < before][:_SHREDDED_AT_ONCE]
