"""Copies of signed checkpoints to places outside the database, off the write path.

A copy that cannot be made is logged and counted, and the next checkpoint is tried; the vault goes on. While a place is
slow, only the newest checkpoint waits for it: it says everything the ones before it said.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from .ports import CheckpointCopy

_log = logging.getLogger(__name__)


class Copies:
    """Saves the newest checkpoint offered to every place, on a thread of its own."""

    def __init__(self, places: Sequence[CheckpointCopy]) -> None:
        self.failures = 0
        self._places = places
        self._news = threading.Condition()
        self._next: tuple[int, str] | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name="checkpoint-copies", daemon=True)
        if places:
            self._thread.start()

    def offer(self, size: int, note: str) -> None:
        """Hand over a committed checkpoint; returns at once."""
        with self._news:
            self._next = (size, note)
            self._news.notify()

    def close(self) -> None:
        """Save what was offered last and stop."""
        with self._news:
            self._closed = True
            self._news.notify()
        if self._places:
            self._thread.join()

    def _serve(self) -> None:
        while True:
            with self._news:
                self._news.wait_for(lambda: self._next or self._closed)
                offered, self._next = self._next, None
            if offered is None:
                return
            for place in self._places:
                self._save(place, *offered)

    def _save(self, place: CheckpointCopy, size: int, note: str) -> None:
        try:
            place.save(size, note)
        except Exception as error:
            self.failures += 1
            _log.error("checkpoint %d could not be copied to %s: %s", size, type(place).__name__, error)
