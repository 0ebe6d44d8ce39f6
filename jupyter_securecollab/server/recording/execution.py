"""What is executed on this server, by whom, and how it went: watched on the event loop, handed on to be recorded.

Two places see messages. A notebook's websocket knows the person, and sees every message before the kernel does. The
server's own subscription to what a kernel broadcasts sees the rest: what came by another road is `unattributed`, and
when anything was done. Who and what come from the first alone, so no kernel or client can claim them; how it went is
what the kernel says.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from ...core.ports import Clock
from ...model import Level
from ...runs import VERSION, Mode, Outcome, Record, RecordingState, Seen, Touched, plain
from .asked import NOT_RECORDED, act, code_of, only_asks, start_of, started, utf8
from .execution_writer import KEPT, PATIENCE, ExecutionWriter
from .spool import Spool
from .waiting import Waiting

OPEN_LIMIT = 1500
"""Unanswered messages per kernel; more are refused. Sent some thousands at once, ipykernel stops answering for good."""

_MEANWHILE: dict[Mode, str] = {
    "flag": "What is executed runs all the same, and the record will say from when on it was late.",
    "block": "Until it can, nothing is executed.",
}

_AFTERWARDS = 0.005
"""Seconds after which an end is recorded, so that the messages that tell of it go out first: nobody waits for it."""

_GRACE = 0.5
_UNHEARD = 60.0
"""Seconds after its reply at which a run has ended, whether or not the kernel was heard to say so."""

_ASSETS = 50


@dataclass(eq=False)
class Watched:
    """One run from its message until the kernel is idle again. `ticket` None: nothing to wait for.

    `waits`: a websocket passed it on, and the kernel has neither answered it nor ended it.
    `asks`: it runs nothing, and is known only so that it is not taken for something that came by another road.
    """

    start: Record
    code: bytes | None
    digest: bytes
    began: float
    ticket: int | None = None
    told: bool = False
    waits: bool = False
    asks: bool = False
    busy: bool = False
    idle: bool = False
    replied: bool = False
    took: float = 0.0
    error: str | None = None
    status: Outcome | None = None
    assets: list[Touched] = field(default_factory=list)


@dataclass
class _Kernel:
    """What is known of one kernel process. `waiting` counts the runs that wait."""

    runs: dict[str, deque[Watched]] = field(default_factory=lambda: defaultdict(deque))
    waiting: int = 0
    level: Level | None = None
    own: Watched | None = None


def as_it_is(seen: Seen) -> Seen:
    """Nothing is done to it before it is written."""
    return seen


class Recording:
    """The server's record of executions. All methods are for the event loop's thread; none of them waits."""

    def __init__(
        self,
        mode: Mode,
        write: Callable[[Sequence[Seen]], None],
        clock: Clock,
        *,
        finish: Callable[[Seen], Seen] = as_it_is,
        spool: Spool | None = None,
        patience: float = PATIENCE,
        kept: int = KEPT,
        advisory: bool = False,
    ) -> None:
        """`finish` makes of a record what is to be kept of it until `write` gets it, in memory and in `spool`.

        `advisory`: the server belongs to who executes on it.
        """
        self.mode: Mode = mode
        self._advisory = advisory
        self._finish = finish
        self._clock = clock
        self._kernels: dict[str, _Kernel] = defaultdict(_Kernel)
        self._notebooks: dict[str, str] = {}
        self._waiting = Waiting(self._done, patience)
        self._problems: Callable[[], tuple[str, ...]] = tuple
        self._ended: Callable[[Record], None] = lambda _: None
        self._writer: ExecutionWriter | None = None
        if mode != "off":
            self._writer = ExecutionWriter(
                write,
                clock,
                secrets.token_hex(8),
                spool=spool,
                advanced=self._waiting.advanced,
                kept=kept,
                patience=patience,
            )

    # -- what others need to know ------------------------------------------------------------------------------------

    def state(self) -> RecordingState:
        """Whether executions are being recorded, as things are now. From any thread."""
        writer = self._writer
        since = None if writer is None else writer.failing_since
        if writer is None or since is None or not self._advisory or self.mode != "flag":
            return RecordingState(self.mode, self._why_not(since), advisory=self._advisory and writer is not None)
        # A service elsewhere is away now and then, and nothing is missing for that.
        lost = (f"There is no more room here: {writer.lost} records were lost.",) if writer.lost else ()
        return RecordingState(self.mode, (*lost, *self._problems()), advisory=True, waiting=writer.waiting, since=since)

    def _why_not(self, since: datetime | None) -> tuple[str, ...]:
        if self._writer is None:
            return ("An administrator switched the recording of executions off.",)
        if since is None:
            return self._problems()
        cannot = f"Since {since:%Y-%m-%d %H:%M:%S} UTC the vault cannot write records. {_MEANWHILE[self.mode]}"
        return (cannot, *self._problems())

    def tell(self, ended: Callable[[Record], None]) -> None:
        """Who is to be told of every end. Must not wait."""
        self._ended = ended

    def check_with(self, problems: Callable[[], tuple[str, ...]]) -> None:
        """How to find out what stands in the way, asked each time: others may change the server while it runs."""
        self._problems = problems

    def notebook(self, kernel_id: str, path: object) -> None:
        """The server was told that this kernel belongs to this notebook."""
        if named := plain(path, 1024):
            self._notebooks[kernel_id] = named

    # -- from the websocket ------------------------------------------------------------------------------------------

    def asked(
        self, kernel_id: str, person: str, channel: str, header: Mapping[str, Any], metadata: Any, content: Any
    ) -> Watched | None:
        """A message about to go to a kernel. None if there is nothing to watch; `ticket` None if it was not taken."""
        kind = str(header.get("msg_type"))
        if self._writer is None or kind in NOT_RECORDED:
            return None
        content = content if isinstance(content, dict) else {}
        notebook = self._notebooks.get(kernel_id)
        start = start_of(person, kernel_id, notebook, self._clock(), header, metadata, content)
        if only_asks(channel, kind, content):
            run = Watched(start, None, b"", time.monotonic(), ticket=0, told=True, asks=True)
        else:
            run = self._begin(start, code_of(kind, content), _digest(utf8(content.get("code"))))
        if channel == "stdin":  # nothing ever answers it
            return run
        self._kernels[kernel_id].runs[str(header["msg_id"])].append(run)
        self._kernels[kernel_id].waiting += 1
        run.waits = True
        return run

    def is_full(self, kernel_id: str) -> bool:
        """Whether so much waits in this kernel that more is refused."""
        return self._kernels[kernel_id].waiting >= OPEN_LIMIT

    def refused(self, kernel_id: str, msg_id: str, run: Watched, why: str) -> None:
        """It was not passed on after all."""
        run.status, run.error = "refused", plain(why)
        self._close(kernel_id, msg_id, run)

    def run_of(self, kernel_id: str, msg_id: str) -> Watched | None:
        """The run that a kernel's message answers."""
        runs = self._kernels[kernel_id].runs.get(msg_id) if kernel_id in self._kernels else None
        return runs[0] if runs else None

    def replied(self, kernel_id: str, msg_id: str, status: object, error: object) -> None:
        """The kernel's reply on its way to the websocket."""
        if (run := self.run_of(kernel_id, msg_id)) is None:
            return
        run.replied = True
        run.status = "error" if status == "error" else "aborted" if status in ("aborted", "abort") else "ok"
        run.error = plain(error) or run.error
        self._answered(kernel_id, run)
        if not run.idle:  # what a kernel broadcasts is lost when it broadcasts more than is read
            run.took = time.monotonic() - run.began
        self._close_in(_AFTERWARDS if run.idle else _UNHEARD, kernel_id, msg_id, run)

    async def durable(self, run: Watched) -> bool:
        """Wait, not for ever, until the start of a run is durable in the vault; whether it is.

        While the vault is known to be unable to write nobody waits: it is tried again meanwhile.
        """
        return run.ticket is not None and await self._waiting.until(run.ticket)

    def catch_up(self) -> None:
        """Wait, not for long, until what was seen so far is in the vault. From any other thread."""
        if self._writer is not None:
            self._writer.catch_up()

    # -- from the server's own subscription --------------------------------------------------------------------------

    def is_busy(self, kernel_id: str, parent: Mapping[str, Any]) -> None:
        """The kernel began with this message. One that no websocket passed on came by another road."""
        if self._writer is None or parent.get("msg_type", "kernel_info_request") in NOT_RECORDED:
            return
        msg_id = str(parent.get("msg_id"))
        for run in self._kernels[kernel_id].runs.get(msg_id, ()):
            if not run.busy and run.start.act == act(parent):
                run.busy = True
                run.began = time.monotonic()
                return
        self._unattributed(kernel_id, msg_id, parent)

    def _unattributed(self, kernel_id: str, msg_id: str, parent: Mapping[str, Any]) -> None:
        start = started(
            at=self._clock(),
            act=act(parent),
            road="other",
            kernel=kernel_id,
            notebook=self._notebooks.get(kernel_id),
            subshell=plain(parent.get("subshell_id")),
            silent=True,  # unless the code is broadcast in a moment
        )
        run = Watched(start, None, b"", time.monotonic(), busy=True)
        self._kernels[kernel_id].runs[msg_id].append(run)
        asyncio.get_running_loop().call_later(_GRACE, self._tell, run)

    def ran(self, kernel_id: str, parent: Mapping[str, Any], code: object) -> None:
        """The kernel says which code it runs for this message. Other code than was passed on is somebody else's."""
        msg_id = str(parent.get("msg_id"))
        code_bytes = utf8(code)
        busy = [run for run in self._kernels[kernel_id].runs.get(msg_id, ()) if run.busy and not run.idle]
        if self._writer is None or any(run.digest == _digest(code_bytes) for run in busy):
            return
        for run in busy:
            if not run.told:
                run.start = msgspec.structs.replace(run.start, silent=False)
                run.code, run.digest = code_bytes, _digest(code_bytes)
                self._tell(run)
                return
        self._unattributed(kernel_id, msg_id, parent)
        self.ran(kernel_id, parent, code)

    def raised(self, kernel_id: str, parent: Mapping[str, Any], error: object) -> None:
        """The kernel broadcast an error for this message."""
        if run := self._running(kernel_id, str(parent.get("msg_id"))):
            run.status, run.error = "error", plain(error)

    def is_idle(self, kernel_id: str, parent: Mapping[str, Any]) -> None:
        """The kernel is done with this message. A reply still on its way says more; it is not waited for long."""
        msg_id = str(parent.get("msg_id"))
        run = self._running(kernel_id, msg_id)
        if run is None:
            return
        run.idle = True
        run.took = time.monotonic() - run.began
        heard_all = run.replied or run.start.road == "other" or run.start.act.startswith("comm_")
        self._close_in(_AFTERWARDS if heard_all else _GRACE, kernel_id, msg_id, run)

    def _running(self, kernel_id: str, msg_id: str) -> Watched | None:
        runs = self._kernels[kernel_id].runs.get(msg_id, ()) if kernel_id in self._kernels else ()
        return next((run for run in runs if run.busy and not run.idle), None)

    # -- kernels, and what is done without one -----------------------------------------------------------------------

    def kernel_started(self, kernel_id: str, person: str | None, spec: str, command: Sequence[str]) -> None:
        """A kernel process is about to start: for whom, from which specification, with which command."""
        if self._writer is None:
            return
        start = started(
            at=self._clock(),
            act="kernel",
            road="server",
            who=person,
            kernel=kernel_id,
            target=plain(spec),
        )
        self._kernels[kernel_id].own = self._begin(start, json.dumps(list(command)).encode())

    def kernel_ended(self, kernel_id: str, how: Outcome) -> None:
        """The process is gone, and whatever ran in it has ended."""
        kernel = self._kernels.pop(kernel_id, None)
        if kernel is None:
            return
        for run in [run for runs in kernel.runs.values() for run in runs]:
            self._end(run, run.status if run.idle else how, kernel.level)
        if kernel.own is not None:
            self._end(kernel.own, how, kernel.level)

    def touched(self, kernel_id: str, msg_id: str, name: str, level: Level) -> None:
        """Something shared was opened or sealed in this kernel, up to a level."""
        kernel = self._kernels[kernel_id]
        kernel.level = level if kernel.level is None else max(kernel.level, level)
        run = self._running(kernel_id, msg_id) or self.run_of(kernel_id, msg_id)
        if run is not None and len(run.assets) < _ASSETS:
            run.assets.append(Touched(name, level))

    def done(self, person: str | None, act: str, what: object, size: int | None, status: Outcome) -> None:
        """Something the server itself did for somebody: a file sent or taken, a terminal."""
        record = started(
            at=self._clock(),
            act=act,
            road="server",
            who=person,
            target=plain(what, 1024),
            length=size,
            status=status,
        )
        self._put(Seen(record))

    def close(self) -> None:
        """The server stops: everything that still runs ends with it. Nothing is recorded any more."""
        for kernel_id in list(self._kernels):
            self.kernel_ended(kernel_id, "server stopped")
        if self._writer is not None:
            self._writer.close()

    # -- writing -----------------------------------------------------------------------------------------------------

    def _begin(self, start: Record, code: bytes | None, digest: bytes = b"") -> Watched:
        run = Watched(start, code, digest, time.monotonic())
        self._tell(run)
        return run

    def _answered(self, kernel_id: str, run: Watched) -> None:
        """It no longer waits, and makes room for another."""
        if run.waits:
            run.waits = False
            self._kernels[kernel_id].waiting -= 1

    def _tell(self, run: Watched) -> None:
        """Hand the start of a run on, once."""
        if run.told or self._writer is None:
            return
        run.told = True
        run.ticket = self._put(Seen(run.start, run.code), urgent=self.mode == "block")
        run.code = None

    def _put(self, seen: Seen, *, urgent: bool = False) -> int | None:
        return None if self._writer is None else self._writer.put(self._finish(seen), urgent=urgent)

    def _close_in(self, seconds: float, kernel_id: str, msg_id: str, run: Watched) -> None:
        asyncio.get_running_loop().call_later(seconds, self._close, kernel_id, msg_id, run)

    def _close(self, kernel_id: str, msg_id: str, run: Watched) -> None:
        """A run is over."""
        kernel = self._kernels.get(kernel_id)
        runs = kernel.runs.get(msg_id) if kernel is not None else None
        if kernel is None or runs is None or run not in runs:
            return  # closed before: by its reply, or because the kernel is gone
        runs.remove(run)
        self._answered(kernel_id, run)
        if not runs:
            del kernel.runs[msg_id]
        self._end(run, run.status or "ok", kernel.level)

    def _end(self, run: Watched, status: Outcome | None, level: Level | None) -> None:
        if run.asks:
            return
        self._tell(run)
        end = Record(
            v=VERSION,
            what="end",
            run=run.start.run,
            at=self._clock(),
            act=run.start.act,
            road=run.start.road,
            who=run.start.who,
            kernel=run.start.kernel,
            notebook=run.start.notebook,
            status=status or "ok",
            error=run.error,
            took=int(1e6 * (run.took if run.idle or run.replied else time.monotonic() - run.began)),
            assets=tuple(run.assets),
            level=level,
        )
        if self._writer is not None:
            self._put(Seen(end))
            self._ended(end)

    def _done(self) -> tuple[int, bool]:
        """The last ticket in the vault, and whether it cannot write now. From any thread."""
        writer = self._writer
        return (0, False) if writer is None else (writer.done, writer.failing_since is not None)


def not_recording() -> Recording:
    """A record that is switched off."""
    return Recording("off", lambda _: None, lambda: datetime.now(UTC))


def _digest(code: bytes) -> bytes:
    return hashlib.sha256(code).digest()
