"""What is recorded of executions: single records as they are hashed, and the runs they add up to.

A run is one thing somebody had a kernel or the server do. It has a record when it starts and one when it ends, so that
the first can be durable before anybody sees the result. What was printed is in neither. Every text in a record was
written by somebody and is cut to a length; nothing in here is ever a path or an address to use.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Literal

import msgspec

from .errors import LogBroken
from .model import Level, Value, clip, decode

VERSION = 1
ACT = "executions"
"""The act of the log's entry that vouches for a batch of records."""
FORGET = "executions.forget"
"""The act of the entry that says up to which number records, or the code kept beside them, were deleted."""
TABLE = "execution"

Road = Literal["websocket", "other", "server"]
"""How it got where it ran: a notebook's websocket; another road to the kernel; the server's own routes."""

Mode = Literal["block", "flag", "off"]
"""What happens when records cannot be written: nothing is executed, or it is and the gap is recorded."""

KeptAs = Literal["off", "sealed", "plain"]
"""Whether the text of code is kept: not at all, sealed to the auditors' key, or as it is."""

Outcome = Literal["ok", "error", "aborted", "refused", "restarted", "died", "ended", "server stopped"]

_NAMED = ("debug", "comm_open", "hook")


class Touched(msgspec.Struct, frozen=True):
    """Something shared that was opened or sealed during a run, and the highest level of it that was."""

    name: str
    level: Level


class Record(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One record. A start says who had what run where; an end how that went; a gap that records are missing.

    `who` None: nobody this server knows. `length` is of the code in UTF-8 bytes, `code` a keyed hash of it in hex,
    `kept` the SHA-256 in hex of what is kept of its text elsewhere.
    `reported_by`: whose own server says so, which is advisory; None where the vault's server saw it itself, or
    `recorder` did, out of reach of those it records.
    `took` is in microseconds. `level` is the highest that was opened in the kernel until then. `lost` counts records.
    """

    v: int
    what: Literal["start", "end", "gap"]
    run: str
    at: datetime
    act: str
    road: Road = "websocket"
    who: str | None = None
    kernel: str | None = None
    notebook: str | None = None
    cell: str | None = None
    subshell: str | None = None
    silent: bool = False
    history: bool = True
    expressions: int = 0
    length: int | None = None
    code: str | None = None
    kept: str | None = None
    target: str | None = None
    status: Outcome | None = None
    error: str | None = None
    took: int | None = None
    assets: tuple[Touched, ...] = ()
    level: Level | None = None
    since: datetime | None = None
    lost: int = 0
    reported_by: str | None = None
    recorder: str | None = None

    def body(self) -> str:
        """The bytes that are hashed, as text: RFC 8785 JSON, as for entries of the log."""
        return msgspec.json.encode(self, order="sorted").decode()

    def columns(self) -> tuple[datetime, str, str, str | None, str | None]:
        """What it is found by in the database, where columns repeat it."""
        return self.at, self.what, self.run, self.who, self.notebook


class Seen(Value, frozen=True):
    """A record about to be written: with the code it is about, to be hashed, or finished, with what is kept of it."""

    record: Record
    code: bytes | None = None
    kept: bytes | None = None


def parse_record(body: str) -> Record:
    """A record decoded; its bytes must have been verified before."""
    try:
        return decode(body, Record)
    except (msgspec.DecodeError, UnicodeError):
        raise LogBroken("this is not a record of an execution") from None


def plain(text: object, most: int = 160) -> str | None:
    """A text somebody else chose, cut, and without what cannot be written as UTF-8; None if it is none."""
    if not isinstance(text, str) or not text:
        return None
    return clip(text.encode("utf-8", "replace").decode(), most)


class Run(Value, frozen=True):
    """One execution as listed: its start, its end if there is one, and the entry of the log that vouches for it."""

    entry: int
    start: Record
    end: Record | None = None

    @property
    def level(self) -> Level | None:
        """The highest level in play: of what was opened in its kernel until it ended."""
        found = [one.level for one in (self.start, self.end) if one is not None and one.level is not None]
        return max(found) if found else None

    @property
    def outcome(self) -> str:
        """How it went, in one or two words."""
        if self.start.what == "gap":
            late = "server died" if self.start.status == "died" else "written late"
            return f"{self.start.lost} records lost" if self.start.lost else late
        if self.start.status is not None:  # what the server does itself has one record
            return self.start.status
        if self.end is None:
            return "not ended"
        return self.end.error or self.end.status or ""

    @property
    def did(self) -> str:
        """What was done, with what the message names where that says more."""
        named = self.start.target if self.start.act in _NAMED else None
        return f"{self.start.act} {named}" if named else self.start.act

    @property
    def where(self) -> str:
        """The notebook; else the file or the specification of the kernel; else the kernel's id, cut."""
        start = self.start
        return start.notebook or (None if start.act in _NAMED else start.target) or (start.kernel or "")[:8]

    @property
    def opened(self) -> tuple[str, ...]:
        """The names of what was opened or sealed by it."""
        return tuple(one.name for one in self.end.assets) if self.end else ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is unusual about how it was run."""
        start = self.start
        found: Iterable[tuple[bool, str]] = (
            (start.reported_by is not None, f"advisory: {start.reported_by}'s own server says so"),
            (start.road == "other", "unattributed"),
            (start.silent, "silent"),
            (not start.history and not start.silent, "no history"),
            (start.expressions > 0, f"{start.expressions} expressions"),
            (start.subshell is not None, "subshell"),
        )
        return tuple(text for so, text in found if so)


class SpoolKey(Value, frozen=True):
    """The public key to which a person's own server seals what it reports (`spooled`)."""

    key: bytes


class Reported(Value, frozen=True):
    """How many records could be read in a segment, and whether that was all of it."""

    records: int
    whole: bool


Notebook = Annotated[str, msgspec.Meta(max_length=1024)]


class RecordingState(Value, frozen=True):
    """Whether what somebody executes is recorded, and what stands in the way.

    `advisory`: by a server that is his own. `waiting` records have been kept there, sealed, `since` the vault stopped
    taking them; they go there when it does again. `newest` is of when the vault's newest record of him is, where other
    servers than the vault's report.
    """

    mode: Mode
    why_not: tuple[str, ...]
    code: KeptAs = "off"
    advisory: bool = False
    waiting: int = 0
    since: datetime | None = None
    newest: datetime | None = None
