"""Takes records of executions from the event loop and has them written, in order, in batches, on a thread of its own.

Whatever waits is written together, so that load makes batches larger and not more numerous. When the vault cannot
write, records are kept and tried again; only beyond a limit are they dropped, and how many is itself recorded.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime

from ..core.ports import Clock
from ..errors import StoreBroken, Unavailable
from ..runs import VERSION, Record, Seen

BATCH = 1000
"""Most records in one entry of the log."""
KEPT = 50_000
"""Most records kept while none can be written."""
KEPT_CODE = 64 * 1024 * 1024
"""Most bytes of code kept with them, only to be hashed."""

_LINGER = 0.5
"""Seconds for which records nobody waits for may wait for others."""
_RETRY = 1.0
_log = logging.getLogger(__name__)


class ExecutionWriter:
    """`write` makes a batch durable or raises. `advanced` is called, on the thread, with how many have been so far.

    A ticket is the number of a record, from 1 on: it is durable once `advanced` has reached it.
    """

    def __init__(
        self, write: Callable[[Sequence[Seen]], None], clock: Clock, advanced: Callable[[int], None], name: str
    ) -> None:
        self._write, self._clock, self._advanced, self._name = write, clock, advanced, name
        self._waiting: deque[Seen] = deque()
        self._code = 0
        self._given = 0
        self._done = 0
        self._urgent = False
        self._closed = False
        self._gap: tuple[datetime, int] | None = None
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="execution-records", daemon=True)
        self._thread.start()

    @property
    def failing_since(self) -> datetime | None:
        """Since when the vault could not write what it was given; None while it can."""
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
        with self._changed:
            if self._closed or len(self._waiting) >= KEPT or self._code + size > KEPT_CODE:
                since, lost = self._gap or (self._clock(), 0)
                self._gap = (since, lost + 1)
                return None
            self._waiting.append(seen)
            self._code += size
            self._given += 1
            if urgent and not self._urgent:
                self._urgent = True
                self._changed.notify()
            return self._given

    def close(self) -> None:
        """Write what waits, if that is possible now, and stop."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                if not (self._urgent or self._closed):
                    self._changed.wait(_LINGER)
                batch = [self._waiting[place] for place in range(min(BATCH, len(self._waiting)))]
                self._urgent = len(self._waiting) > len(batch)
                closed = self._closed
            if batch and not self._attempt(batch) and not closed:
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, _RETRY)
            if closed and (not self._waiting or self._gap):
                return

    def _attempt(self, batch: Sequence[Seen]) -> bool:
        """Write a batch, and after a failure what there is to say of it; whether that worked."""
        gap = self._gap
        try:
            self._write([*self._told(gap), *batch])
        except (Unavailable, StoreBroken) as error:
            self._failed(gap, str(error))
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
            with self._changed:
                # What was dropped while this was being written is told with the next batch.
                more = (self._gap or gap)[1] - gap[1]
                self._gap = (self._clock(), more) if more else None
        self._finish(len(batch))
        return True

    def _failed(self, gap: tuple[datetime, int] | None, why: str) -> None:
        if gap is None:
            _log.error("executions cannot be recorded just now: %s", why)
            with self._changed:
                self._gap = self._gap or (self._clock(), 0)

    def _told(self, gap: tuple[datetime, int] | None) -> list[Seen]:
        if gap is None:
            return []
        run, at = f"{self._name}{self._given:016x}", self._clock()
        return [
            Seen(Record(v=VERSION, what="gap", run=run, at=at, act="gap", road="server", since=gap[0], lost=gap[1]))
        ]

    def _finish(self, count: int) -> None:
        with self._changed:
            for _ in range(count):
                self._code -= len(self._waiting.popleft().code or b"")
            self._done += count
            done = self._done
        self._advanced(done)
