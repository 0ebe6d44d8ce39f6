"""Browsers that are signed in: what is known of each, in memory, under a hash of the secret its cookie holds.

A session ends by signing out, by its time, when its person begins too many others, and with the process. It says who
signed in and when, and decides nothing.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from ...errors import Denied
from ..hashed import sha256_hex
from .vouching import KnownPerson

FRESH_SECONDS = 5 * 60
"""How old a sign-in may be under which something is decided."""

PER_PERSON = 5
"""Sessions of one person at a time: the oldest gives way."""


class SignedIn(NamedTuple):
    """Who signed in, as the provider said then, and the token it gave us to ask again; it never leaves this process.

    `age` is how many seconds before they had been with the provider, infinite where it does not say.
    """

    person: KnownPerson
    token: str = ""
    age: float = 0.0

    def __repr__(self) -> str:
        return f"<SignedIn {self.person.name}>"


@dataclass(frozen=True)
class Session:
    """One browser. `began` is on the clock of `Sessions`."""

    id: str
    signed_in: SignedIn
    began: float
    xsrf: str

    def check_xsrf(self, given: str) -> None:
        """Raise `Denied` unless this stood in a form of ours, made for this session."""
        if not hmac.compare_digest(self.xsrf.encode(), given.encode()):
            raise Denied("this form is not, or no longer, valid", next_step="Open the page anew and try again.")


class Sessions:
    """All of them; each lasts so many seconds, whatever is done in it. Used by the event loop alone."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._sessions: dict[str, Session] = {}  # in the order in which they began

    def begin(self, signed_in: SignedIn) -> str:
        """A new session, never one that the browser brought along; the secret for its cookie."""
        self._forget_ended()
        own = [one.id for one in self._sessions.values() if one.signed_in.person.name == signed_in.person.name]
        for old in own[: max(0, len(own) - PER_PERSON + 1)]:
            del self._sessions[old]
        secret = secrets.token_urlsafe(32)
        found = sha256_hex(secret)
        self._sessions[found] = Session(found, signed_in, self._clock(), secrets.token_urlsafe(32))
        return secret

    def of(self, secret: str | None) -> Session | None:
        """The session of this cookie, if it lasts."""
        self._forget_ended()
        return self._sessions.get(sha256_hex(secret)) if secret else None

    def end(self, session: Session) -> None:
        """Sign out: the cookie is worth nothing any more, whoever kept it."""
        self._sessions.pop(session.id, None)

    def age(self, session: Session) -> float:
        """Seconds since they were with the provider."""
        return self._clock() - session.began + session.signed_in.age

    def _forget_ended(self) -> None:
        for one in list(self._sessions.values()):
            if self._clock() - one.began < self._seconds:
                break
            del self._sessions[one.id]
