"""Takes records of executions from the event loop and has them written, in order, in batches, on a thread of its own.

Whatever waits is written together, so that load makes batches larger and not more numerous. When the vault cannot
write, records are kept and tried again; only beyond a limit are they dropped, and how many is itself recorded.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice

from ..core.ports import Clock
from ..errors import StoreBroken, Unavailable
from ..runs import VERSION, Record, Seen

BATCH = 1000
"""Most records in one entry of the log."""
KEPT = 50_000
"""Most records kept while none can be written, unless an administrator says otherwise."""
KEPT_CODE = 64 * 1024 * 1024
"""Most bytes of code kept with them, only to be hashed."""

_LINGER = 0.5
"""Seconds for which records nobody waits for may wait for others."""
_RETRY = 1.0
_log = logging.getLogger(__name__)


class ExecutionWriter:
    """`write` makes a batch durable or raises. After each attempt `advanced` is called, on the thread, with how many
    have been written so far.

    A ticket is the number of a record, from 1 on: it is durable once `advanced` has reached it.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Seen]], None],
        clock: Clock,
        advanced: Callable[[int], None],
        name: str,
        kept: int = KEPT,
    ) -> None:
        self._write, self._clock, self._advanced, self._name, self._kept = write, clock, advanced, name, kept
        self._waiting: deque[Seen] = deque()
        self._code = 0
        self._given = 0
        self._done = 0
        self._urgent = False
        self._gap: tuple[datetime, int] | None = None
        # Apart, so that whoever puts never waits for a thread that has the lock, but not the interpreter.
        self._lock = threading.Lock()
        self._wake: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="execution-records", daemon=True)
        self._thread.start()

    @property
    def failing_since(self) -> datetime | None:
        """Since when the vault could not write, or not in time, what it was given; None while it can."""
        gap = self._gap
        return gap[0] if gap else None

    @property
    def lost(self) -> int:
        """How many records of the present failure had to be dropped."""
        gap = self._gap
        return gap[1] if gap else 0

    def put(self, seen: Seen, *, urgent: bool = False) -> int | None:
        """Take a record and return its ticket, or None if there was no room for it. `urgent`: somebody waits for it."""
        size = len(seen.code or b"")
        with self._lock:
            if self._closed.is_set() or len(self._waiting) >= self._kept or self._code + size > KEPT_CODE:
                since, lost = self._gap or (self._clock(), 0)
                self._gap = (since, lost + 1)
                return None
            self._waiting.append(seen)
            self._code += size
            self._given += 1
            ticket, wake = self._given, urgent and not self._urgent
            self._urgent = self._urgent or urgent
        if wake:
            self._wake.put(None)
        return ticket

    def overdue(self) -> None:
        """Somebody has waited for too long: a failure until all that waits now is written."""
        self._failed("they wait to be written for too long")

    def close(self) -> None:
        """Write what waits, if that is possible now, and stop."""
        self._closed.set()
        self._wake.put(None)
        self._thread.join()

    def _run(self) -> None:
        while True:
            if not self._urgent:
                with suppress(queue.Empty):
                    self._wake.get(timeout=_LINGER)
            closed = self._closed.is_set()
            with self._lock:
                batch = list(islice(self._waiting, BATCH))
                self._urgent = len(self._waiting) > len(batch)
            if (batch or self._gap) and not self._attempt(batch) and not closed:
                self._closed.wait(_RETRY)
            if closed and (not self._waiting or self._gap):
                return

    def _attempt(self, batch: Sequence[Seen]) -> bool:
        """Write a batch, and after a failure what there is to say of it; whether that worked."""
        gap = self._gap
        try:
            self._write([*self._told(gap), *batch])
        except (Unavailable, StoreBroken) as error:
            self._failed(str(error))
            self._advanced(self._done)
            return False
        except Exception as error:  # a mistake of ours: one record must not stop all that follow it
            if len(batch) > 1:
                return all(self._attempt([one]) for one in batch)
            _log.error("a record of an execution cannot be written: %s", type(error).__name__)
            self._gap = (gap[0] if gap else self._clock(), (gap[1] if gap else 0) + 1)
            self._finish(1)
            return True
        if gap is not None:
            _log.warning("executions are recorded again; %d records were lost", gap[1])
            with self._lock:
                # What was dropped while this was being written is told with the next batch.
                more = (self._gap or gap)[1] - gap[1]
                self._gap = (self._clock(), more) if more else None
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
                self._code -= len(self._waiting.popleft().code or b"")
            self._done += count
            done = self._done
        self._advanced(done)
