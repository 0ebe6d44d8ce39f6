"""What is asked for twice is done once: a caller's key for a request and what became of it, in the commit that did it.

For callers who were cut off and cannot know whether they were heard. A key is a caller's own and for one request.
Nothing that opens anything is kept here: what gives out keys decides and records anew each time. See ADR 21.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import msgspec

from ..errors import Conflict
from ..model import Caller, Receipt, Value, decode
from .audit import Proof, Work
from .catalog import AnswerRow
from .desk import Desk, Refused

T = TypeVar("T")

KEPT = timedelta(minutes=10)
"""How long an answer is remembered at least: far longer than any client goes on asking."""

_FORGOTTEN_AT_ONCE = 20  # with each that is remembered, so that the table ends up no larger than ten minutes' worth


class Once(Value, frozen=True):
    """The key a client chose for one request, and the SHA-256 (hex) of that request."""

    key: str
    request: str


def done_once(
    desk: Desk, caller: Caller, once: Once | None, kind: type[T], operation: Callable[[Work], T | Refused]
) -> tuple[T, Receipt]:
    """`Desk.recorded`, but what this caller has had done under this key is not done again: he gets what came of it.

    `kind` is the type of the operation's value, as JSON holds it. Refusals and errors are not remembered, as nothing
    was done. Raises `Conflict` where the key was used for something else.
    """
    if once is None:
        return desk.recorded(operation)
    request = _digest(caller, once)

    def attempt(work: Work) -> T | Refused | AnswerRow:
        before = _remembered(work, caller, once)
        if before is not None:
            if before.request != request:
                raise Conflict("this key was used for another request", next_step="Every request has a key of its own.")
            return before
        value = operation(work)
        if not isinstance(value, Refused):
            said = msgspec.json.encode(value).decode()
            work.put(AnswerRow(work.index, caller.name, once.key, request, work.now, said))
        return value

    written: tuple[T | AnswerRow, Proof | None] = desk.write(attempt)
    value, proof = written
    if isinstance(value, AnswerRow):
        return decode(value.said, kind), desk.journal.receipt(value.entry)
    if proof is None:
        raise RuntimeError("what is done once must be recorded")
    return value, proof()


def _digest(caller: Caller, once: Once) -> str:
    """The request as this caller made it: with others in his kernel since, it is another one."""
    return hashlib.sha256("\n".join((once.request, *caller.also)).encode()).hexdigest()


def _remembered(work: Work, caller: Caller, once: Once) -> AnswerRow | None:
    """What was answered before; None for who has no role any more, who is then refused like everybody without."""
    for old in work.rows.find(AnswerRow, limit=_FORGOTTEN_AT_ONCE):
        if work.now - old.at >= KEPT:
            work.remove(AnswerRow, old.entry)
    if caller.vouched is not None and not caller.vouched.roles:
        return None
    for found in work.rows.find(AnswerRow, person=caller.name, once=once.key):
        if work.now - found.at < KEPT:
            return found
        work.remove(AnswerRow, found.entry)
    return None
