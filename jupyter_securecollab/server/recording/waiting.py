"""Those on the event loop who wait until the record of what they are about to do is durable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Waiting:
    """`done` gives the last ticket that is durable, and whether the vault is known to be unable to write.

    While it is, nobody waits, and nobody waits longer than `patience` seconds.
    """

    def __init__(self, done: Callable[[], tuple[int, bool]], patience: float) -> None:
        self._done = done
        self._patience = patience
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiters: list[tuple[int, asyncio.Future[bool]]] = []

    async def until(self, ticket: int) -> bool:
        """Wait for this ticket; whether it is durable."""
        self._loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = self._loop.create_future()
        self._waiters.append((ticket, waiter))
        self._wake()
        try:
            return await asyncio.wait_for(waiter, self._patience)
        except TimeoutError:
            return False

    def advanced(self) -> None:
        """On another thread: writing was tried."""
        if self._waiters and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        done, failing = self._done()
        for ticket, waiter in self._waiters:
            if (failing or ticket <= done) and not waiter.done():
                waiter.set_result(ticket <= done)
        self._waiters = [(ticket, waiter) for ticket, waiter in self._waiters if not waiter.done()]
