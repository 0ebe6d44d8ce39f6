"""Undoing tokens: the key of one column, for who may open it at its own level.

Who has the key reads every token of that column, so releasing it is an open: decided at the level of the column as it
is labelled now, recorded, and released once that is durable. Tokens are opened in the kernel; none comes here.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from ..errors import Invalid, NotFound
from ..manifest import LevelManifest, Stream, clear_names, raised, stored_level, visible
from ..maskkeys import column_key
from ..model import Caller, Decision, Level, Receipt, Unmasked, Unmet, clip
from .audit import Work
from .catalog import AssetRow, VersionRow
from .desk import Desk, Refused, find_asset
from .keys import Keyring, mask_purpose
from .opening import hidden_since, later
from .ports import Rows
from .question import Ruling
from .versions import level_bytes, numbered

_TOKEN = "token"


class Unmasking:
    """Keys of columns whose masked copies are tokens."""

    def __init__(self, desk: Desk, keys: Keyring) -> None:
        self._desk, self._keys = desk, keys

    def unmask(
        self,
        caller: Caller,
        *,
        name: str,
        column: str,
        because: str,
        number: int | None = None,
        purpose: str | None = None,
    ) -> Unmasked:
        """The key that opens the tokens of one column of a version (None: the newest).

        Raises `Denied`; `NotFound` for a column that does not exist or that the caller may not know of; `Invalid` for
        one whose copy is not made of tokens.
        """

        def operation(work: Work) -> Unmasked | Refused:
            asset = find_asset(work.rows, name)
            if asset is None or asset.newest == 0:
                ruling = self._desk.no_such(work.rows, work.now, caller, "open")
                return self._desk.refuse(work, caller, "unmask", None, name, ruling)
            seen = self._desk.rule(work.rows, work.now, caller, "open", asset, purpose=purpose)
            if not seen.decision.allow or seen.up_to is None:
                return self._desk.refuse(work, caller, "unmask", asset, name, seen)
            row = numbered(work.rows, asset, number)
            own, now = _levels(work.rows, row, seen.up_to, column)
            ruling = self._desk.rule(work.rows, work.now, caller, "open", asset, level=now, purpose=purpose)
            if not ruling.decision.allow:
                return self._desk.refuse(work, caller, "unmask", asset, name, _above(asset))
            told = {"number": row.number, "up_to": now.value, "grant": ruling.grant, "purpose": purpose}
            detail = {"columns": [clip(column, 200)], "because": because, **told}
            work.record(
                "unmask", caller, asset=asset.id, name=name, version=row.id, decision=ruling.decision, detail=detail
            )
            level_key = self._keys.data_key(work.rows, asset.id, mask_purpose(own))
            key = column_key(level_key, _TOKEN, column)
            return Unmasked(asset.id, name, row.number, column, now, key, _UNSIGNED)

        unmasked, receipt = self._desk.recorded(operation)
        return msgspec.structs.replace(unmasked, receipt=receipt)


_UNSIGNED = Receipt(-1, b"", (), "")


def _levels(rows: Rows, row: VersionRow, up_to: Level, column: str) -> tuple[Level, Level]:
    """At which level a version holds the column whose tokens are seen from below, and the highest it has had since."""
    levels = {level: stored_level(data) for level, data in level_bytes(rows, row).items()}
    below = {level: one for level, one in levels.items() if level <= up_to}
    withheld, _ = raised(below, hidden_since(rows, row, up_to))
    copies = [one.masked for _, one in _streams(below, column) if one.masked is not None]
    if not copies and (column in withheld or column not in _names(below)):
        raise _no_such(column)
    if copies != [_TOKEN]:
        how = f"its masked copy is made with {clip(copies[0])}, which nothing undoes" if copies else "it is not masked"
        raise Invalid(f"column {clip(column)!r} has no tokens to open: {how}", next_step="Ask for access to it itself.")
    clear = [level for level, one in _streams(levels, column) if one.masked is None]
    if not clear:  # a copy of nothing: no honest sharer makes one
        raise _no_such(column)
    since = (level for one in later(rows, row) for level, data in one.items() if column in clear_names(data))
    return clear[0], max((*clear, *since))


def _streams(levels: Mapping[Level, LevelManifest], column: str) -> list[tuple[Level, Stream]]:
    """The streams that hold a column or index level of this name."""
    roles = ("column", "index")
    return [
        (level, stream)
        for level, one in levels.items()
        for stream in one.streams
        if stream.column == column and stream.role in roles
    ]


def _names(levels: Mapping[Level, LevelManifest]) -> set[str]:
    if not levels:
        return set()
    seen = visible(levels)
    return {one.stream.column for one in (*seen.index, *seen.columns)}


def _no_such(column: str) -> NotFound:
    return NotFound(f"there is no column {clip(column)!r} that you may read", next_step="Open it to see them all.")


def _above(asset: AssetRow) -> Ruling:
    """Says no more than that the column lies above: its masked copy does not tell at which level."""
    unmet = Unmet("deny.up_to", "This column lies above what you read up to here.")
    return Ruling(Decision(False, ("deny.up_to",), (unmet,), f"Ask {asset.owner}, the owner, for access to it."))
