"""Pages that show what is on record: the log's newest entries, each proven to be in it, and what was executed.

Read by whoever is signed in, as far as the door lets them. What stands here is the vault's own word for its own log:
who does not want to rely on it checks from outside, and the page says how.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..core.collaboration import Collaboration
from ..errors import LogBroken
from ..lines import printable
from ..model import Caller, Who
from ..proofs import Entry, parse_entry, verify_receipt
from .pages import Page

if TYPE_CHECKING:
    from .handlers import AsyncDoor

LOG_PAGE, EXECUTIONS_PAGE = "securecollab/log", "securecollab/executions"
_ENTRIES = 50
_RUNS = 100


class Line(NamedTuple):
    """An entry as shown. `proven` is the size of the log it was found in, None where its proof does not verify."""

    number: int
    entry: Entry
    verdict: str
    proven: int | None


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
    """Who reads, and the newest entries they may read, each with whether it is proven to be in the signed log."""
    who = door.me(caller)
    found = door.audit(caller, limit=_ENTRIES)
    return who, [_line(door, caller, one.index, one.body) for one in reversed(found)]


def _line(door: Collaboration, caller: Caller, index: int, body: bytes) -> Line:
    entry = parse_entry(body)
    receipt = door.prove(caller, index=index)
    try:
        proven = verify_receipt(receipt, door.log_key)
    except LogBroken:
        proven = None
    held = proven is not None and receipt.entry == body and proven.index == index
    return Line(index, entry, _verdict(entry), proven.checkpoint.size if held and proven else None)


def _verdict(entry: Entry) -> str:
    if entry.decision is None:
        return ""
    return "allowed" if entry.decision.allow else "denied: " + "; ".join(one.text for one in entry.decision.unmet)
