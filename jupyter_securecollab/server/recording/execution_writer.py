"""Takes records of executions from the event loop and has them written, in order, in batches, on a thread of its own.

Whatever waits is written together, so that load makes batches larger and not more numerous. Meanwhile records are in
memory, and in a spool on disk if there is one. When the vault cannot write they stay there and are tried again; only
beyond a limit are they dropped, and how many is itself recorded.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice

from ...core.ports import Clock
from ...errors import StoreBroken, Unavailable
from ...runs import VERSION, Record, Seen
from .spool import Spool

BATCH = 1000
"""Most records in one entry of the log."""
KEPT = 50_000
"""Most records kept while none can be written, unless an administrator says otherwise."""
KEPT_CODE = 64 * 1024 * 1024
"""Most bytes of code, or of what is kept of it, among them."""
PATIENCE = 3.0
"""Seconds the vault may take for a batch before it counts as unable to write, and nobody waits for it any more."""
CATCHING_UP = 2.0
"""Most seconds for which whoever reads records waits for those not written yet."""

_LINGER = 0.5
"""Seconds for which records nobody waits for may wait for others."""
_RETRY = 1.0
_log = logging.getLogger(__name__)


class ExecutionWriter:
    """`write` makes a batch durable or raises. After each attempt `advanced` is called, on the thread.

    A ticket is the number of a record, from 1 on: it is durable once `done` has reached it. With a `spool` each record
    is on disk, though not synced, when `put` returns. A vault that takes more than `patience` seconds for a batch
    counts as unable to write.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Seen]], None],
        clock: Clock,
        name: str,
        *,
        spool: Spool | None = None,
        advanced: Callable[[], None] = lambda: None,
        kept: int = KEPT,
        patience: float = PATIENCE,
    ) -> None:
        self._write, self._clock, self._name, self._spool = write, clock, name, spool
        self._advanced, self._kept, self._patience = advanced, kept, patience
        self._waiting: deque[Seen] = deque()
        self._bytes = 0
        self._given = 0
        self.done = 0
        self._urgent = False
        self._gap: tuple[datetime, int] | None = None
        self._trying: tuple[float, datetime] | None = None
        # Apart, so that whoever puts never waits for a thread that has the lock, but not the interpreter.
        self._lock = threading.Lock()
        self._attempted = threading.Condition(self._lock)
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="execution-records", daemon=True)
        self._thread.start()

    @property
    def failing_since(self) -> datetime | None:
        """Since when the vault could not write, or not in time, what it was given; None while it can."""
        gap, trying = self._gap, self._trying
        if gap is not None:
            return gap[0]
        return trying[1] if trying is not None and time.monotonic() - trying[0] > self._patience else None

    @property
    def waiting(self) -> int:
        """How many records the vault does not have yet."""
        return len(self._waiting)

    @property
    def lost(self) -> int:
        """How many records of the present failure had to be dropped."""
        gap = self._gap
        return gap[1] if gap else 0

    def put(self, seen: Seen, *, urgent: bool = False) -> int | None:
        """Take a record and return its ticket, or None if there was no room for it. `urgent`: somebody waits for it."""
        size, why = _size(seen), ""
        with self._lock:
            if self._closed.is_set() or len(self._waiting) >= self._kept or self._bytes + size > KEPT_CODE:
                since, lost = self._gap or (self._clock(), 0)
                self._gap = (since, lost + 1)
                return None
            self._waiting.append(seen)
            self._bytes += size
            self._given += 1
            if self._spool is not None:
                try:
                    self._spool.append(self._given, seen)
                except OSError as error:
                    why = error.strerror or str(error)
            ticket, wake = self._given, urgent and not self._urgent
            self._urgent = self._urgent or urgent
        if why:
            self._failed(f"they cannot be written down meanwhile either: {why}")
        if wake:
            self._wake.put(None)
        return ticket

    def catch_up(self, seconds: float = CATCHING_UP) -> bool:
        """Wait, so long at most, until all that was put so far is durable; whether it is. From any other thread."""
        with self._lock:
            if self._gap is None and self.done < self._given:
                self._urgent = True
                self._wake.put(None)
            upto = self._given
            return (
                self._attempted.wait_for(lambda: self.done >= upto or self._gap is not None, seconds) and not self._gap
            )

    def close(self) -> None:
        """Write what waits, if that is possible now, and stop. What was not written stays in the spool."""
        self._closed.set()
        self._wake.put(None)
        self._thread.join()
        if self._spool is not None:
            try:
                self._spool.end(empty=self.done == self._given)
            except (OSError, Unavailable, StoreBroken) as error:
                _log.error("the spool of executions cannot be ended: %s", type(error).__name__)

    def _run(self) -> None:
        while True:
            if not self._urgent:
                with suppress(queue.Empty):
                    self._wake.get(timeout=_LINGER)
            closed = self._closed.is_set()
            self._turn()
            with self._lock:
                batch = list(islice(self._waiting, BATCH))
                self._urgent = len(self._waiting) > len(batch)
            if (batch or self._gap) and not self._attempt(batch) and not closed:
                self._closed.wait(_RETRY)
            if closed and (not self._waiting or self._gap):
                return

    def _turn(self) -> None:
        """Begin another segment of the spool, so that the one in use can go when its records are in the vault."""
        if self._spool is None or not self._spool.wants_next:
            return
        with suppress(OSError):  # tried again with the next batch
            segment = self._spool.next()
            with self._lock:
                self._spool.turn(segment)

    def _attempt(self, batch: Sequence[Seen]) -> bool:
        """Write a batch, and after a failure what there is to say of it; whether that worked. Then all are told."""
        worked = self._wrote_all(batch)
        with self._lock:
            self._attempted.notify_all()
            gone = [] if self._spool is None else self._spool.taken(self.done)
        for segment in gone:  # takes its time
            segment.remove()
        self._advanced()
        return worked

    def _wrote_all(self, batch: Sequence[Seen]) -> bool:
        gap = self._gap
        self._trying = began, at = time.monotonic(), self._clock()
        try:
            self._write([*self._told(gap), *batch])
        except (Unavailable, StoreBroken) as error:
            self._failed(str(error))
            return False
        except Exception as error:  # a mistake of ours: one record must not stop all that follow it
            if len(batch) > 1:
                return all(self._wrote_all([one]) for one in batch)
            _log.error("a record of an execution cannot be written: %s", type(error).__name__)
            self._gap = (gap[0] if gap else self._clock(), (gap[1] if gap else 0) + 1)
            self._finish(1)
            return True
        finally:
            self._trying = None
        if gap is not None:
            _log.warning("executions are recorded again; %d records were lost", gap[1])
            with self._lock:
                # What was dropped while this was being written is told with the next batch.
                more = (self._gap or gap)[1] - gap[1]
                self._gap = (self._clock(), more) if more else None
        elif time.monotonic() - began > self._patience:
            with self._lock:
                self._gap = self._gap or (at, 0)
        self._finish(len(batch))
        return True

    def _failed(self, why: str) -> None:
        with self._lock:
            known, self._gap = self._gap, self._gap or (self._clock(), 0)
        if known is None:
            _log.error("executions cannot be recorded just now: %s", why)

    def _told(self, gap: tuple[datetime, int] | None) -> list[Seen]:
        if gap is None:
            return []
        run, at = f"{self._name}{self._given:016x}", self._clock()
        return [
            Seen(Record(v=VERSION, what="gap", run=run, at=at, act="gap", road="server", since=gap[0], lost=gap[1]))
        ]

    def _finish(self, count: int) -> None:
        with self._lock:
            for _ in range(count):
                self._bytes -= _size(self._waiting.popleft())
            self.done += count


def _size(seen: Seen) -> int:
    return len(seen.code or b"") + len(seen.kept or b"")
