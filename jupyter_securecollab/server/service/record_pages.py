"""Pages that show what is on record: the log's newest entries, each proven to be in it, and what was executed.

Read by whoever is signed in, as far as the door lets them. What stands here is the vault's own word for its own log:
who does not want to rely on it checks from outside, and the page says how.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

from ...core.collaboration import Collaboration
from ...errors import LogBroken
from ...lines import printable
from ...model import Caller, EntryView, Who
from ...proofs import Entry, parse_entry, verify_receipt
from ..pages import Page

if TYPE_CHECKING:
    from ..handlers import AsyncDoor

LOG_PAGE, EXECUTIONS_PAGE = "securecollab/log", "securecollab/executions"
_ENTRIES = 50
_RUNS = 100


class Line(NamedTuple):
    """An entry as shown, and whether a proof says that the signed log of `size` entries holds it."""

    number: int
    entry: Entry
    verdict: str
    proof: Literal["in the log", "not proven", "waits for witnesses"]
    size: int


class _RecordPage(Page):
    def initialize(self, async_door: AsyncDoor) -> None:
        self._async_door, self._door = async_door, async_door.door


class LogPage(_RecordPage):
    """`securecollab/log`."""

    async def get(self) -> None:
        """The newest entries that the reader may read, newest first."""
        who, lines = await self._async_door.call(newest_lines, self._door, self.caller)
        await self.show("securecollab_log.html", who=who, lines=lines, key=self._door.log_key, printable=printable)


class ExecutionsPage(_RecordPage):
    """`securecollab/executions`."""

    async def get(self) -> None:
        """What was executed last, as far as it is recorded and the reader may read it."""
        call, door = self._async_door.call, self._door
        who = await call(door.me, self.caller)
        state = await call(door.recording, self.caller)
        runs = await call(door.executions, self.caller, limit=_RUNS)
        newest = sorted(runs, key=lambda run: run.entry, reverse=True)
        await self.show("securecollab_executions.html", who=who, runs=newest, state=state, printable=printable)


def newest_lines(door: Collaboration, caller: Caller) -> tuple[Who, list[Line]]:
    """Who reads, and the newest entries they may read. One that no witness has confirmed is not waited for."""
    who = door.me(caller)
    found = door.audit(caller, limit=_ENTRIES)
    witnessed = door.witnessed()
    reach = None if witnessed is None else witnessed.confirmed
    return who, [_line(door, caller, one, reach) for one in reversed(found)]


def _line(door: Collaboration, caller: Caller, one: EntryView, reach: int | None) -> Line:
    entry = parse_entry(one.body)
    if reach is not None and one.index >= reach:
        return Line(one.index, entry, _verdict(entry), "waits for witnesses", 0)
    receipt = door.prove(caller, index=one.index)
    try:
        proven = verify_receipt(receipt, door.log_key)
    except LogBroken:
        return Line(one.index, entry, _verdict(entry), "not proven", 0)
    held = receipt.entry == one.body and proven.index == one.index
    return Line(one.index, entry, _verdict(entry), "in the log" if held else "not proven", proven.checkpoint.size)


def _verdict(entry: Entry) -> str:
    if entry.decision is None:
        return ""
    return "allowed" if entry.decision.allow else "denied: " + "; ".join(one.text for one in entry.decision.unmet)
