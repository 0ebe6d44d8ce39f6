"""Audit hooks: code an administrator chose, asked before something is executed and told when it has ended.

Hooks run in threads of their own with a time limit. One that raises, hangs or is too slow is put on record; what it
was asked then counts as refused, or as allowed, as configured. They are trusted: they run in the server, and see the
code.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol, TypeVar

from ...model import Value, clip
from ...runs import Record

Failure = Literal["closed", "open"]
T = TypeVar("T")

_AT_ONCE = 16
_TOLD_AT_MOST = 10_000


class Asked(Value, frozen=True):
    """What is about to be executed: its record, the code, and the groups of the person."""

    start: Record
    code: str
    groups: tuple[str, ...]


class Hook(Protocol):
    """What a factory makes. Both methods are called from threads, several at a time."""

    def before(self, asked: Asked) -> str | None:
        """Why this may not be executed, in words for the person; None if it may."""

    def after(self, ended: Record) -> None:
        """Something has ended."""


class Hooks:
    """The hooks of one server, in order. `note` is told of every failure: the hook's name and what happened."""

    def __init__(
        self, hooks: Mapping[str, Hook], *, seconds: float, failure: Failure, note: Callable[[str, str], None]
    ) -> None:
        self._hooks, self._seconds, self._failure, self._note = hooks, seconds, failure, note
        self._running = dict.fromkeys(hooks, 0)
        self._tellers = {name: _Teller(hook.after) for name, hook in hooks.items()}

    def __bool__(self) -> bool:
        return bool(self._hooks)

    async def refusal(self, asked: Asked) -> str | None:
        """Why this may not be executed; None if no hook minds."""
        for name, hook in self._hooks.items():
            try:
                reason = await asyncio.wait_for(self._call(name, hook.before, asked), self._seconds)
                if reason is not None and not isinstance(reason, str):
                    raise TypeError("a hook answers with a reason or None")
            except Exception as error:
                self._note(name, str(error) or type(error).__name__)
                reason = None if self._failure == "open" else f"the server's hook {name} failed, and it has to agree"
            if reason is not None:
                return clip(reason, 500)
        return None

    def ended(self, record: Record) -> None:
        """Tell every hook; none of them holds anything up."""
        for name, teller in self._tellers.items():
            if trouble := teller.tell(record):
                self._note(name, trouble)

    async def _call(self, name: str, act: Callable[[Asked], T], asked: Asked) -> T:
        """On a thread nobody waits for at the end: it may hang for ever."""
        if self._running[name] >= _AT_ONCE:
            raise TimeoutError
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()
        self._running[name] += 1

        def run() -> None:
            try:
                result, error = act(asked), None
            except BaseException as raised:  # whatever it raises stays in here
                result, error = None, raised
            loop.call_soon_threadsafe(finish, result, error)

        def finish(result: Any, error: BaseException | None) -> None:
            self._running[name] -= 1
            if answer.done():
                return
            if error is None:
                answer.set_result(result)
            else:
                answer.set_exception(_Raised(type(error).__name__))  # its text may hold code

        threading.Thread(target=run, name=f"hook-{name}", daemon=True).start()
        return await answer


class _Raised(Exception):
    """A hook raised; says what kind of error."""


class _Teller:
    """Calls one hook's `after`, record by record, on a thread of its own."""

    def __init__(self, after: Callable[[Record], None]) -> None:
        self._after = after
        self._waiting: queue.Queue[Record] = queue.Queue(_TOLD_AT_MOST)
        self._trouble = ""
        threading.Thread(target=self._run, name="hook-after", daemon=True).start()

    def tell(self, record: Record) -> str:
        """Hand a record on; what went wrong since the last time, if anything did."""
        trouble, self._trouble = self._trouble, ""
        try:
            self._waiting.put_nowait(record)
        except queue.Full:
            trouble = "overflow"
        return trouble

    def _run(self) -> None:
        while True:
            record = self._waiting.get()
            try:
                self._after(record)
            except BaseException as error:
                self._trouble = type(error).__name__


def no_hooks() -> Hooks:
    """None at all."""
    return Hooks({}, seconds=0, failure="closed", note=lambda name, what: None)
