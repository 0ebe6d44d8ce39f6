"""Passwords: hashed with argon2id, checked off the event loop, and ever slower after wrong ones.

Personal tokens do not come through here: they are random, so neither slow hashing nor counting of guesses applies.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY

from ...model import Account

_HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
# Verified instead when there is no such account or no password, so that both take as long. Of a discarded random text.
NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$NA709b2f2SFuekoIumqWew$WXU6Uf4O4HIrpx9kYSqTCG0zj8Op67VaTJgFb4OOrnI"
LONGEST = 1024
"""Characters; anything longer is not a password and not worth hashing."""


def hash_password(password: str) -> str:
    """The text to keep in an account. Takes about a tenth of a second and 64 MiB, on purpose."""
    return _HASHER.hash(password)


class Passwords:
    """Checks passwords, two at a time: a flood of attempts must not take the memory or the threads of others."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="securecollab-password")

    async def fits(self, account: Account | None, password: str) -> bool:
        """Whether this is the account's password. Just as much work when there is no account."""
        if len(password) > LONGEST:
            return False
        known = account.password_hash if account else ""
        right = await asyncio.get_running_loop().run_in_executor(self._threads, _verify, known or NOBODY, password)
        return right and bool(known)


def _verify(password_hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(password_hash, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


class Backoff:
    """Makes guessing slow: after `FREE` wrong attempts each further one costs twice the wait of the one before.

    Counts per name and address, so that nobody can lock somebody else out from elsewhere. Bounded: the entries
    touched longest ago are forgotten first.
    """

    FREE = 5
    FIRST_WAIT = 10.0
    LONGEST_WAIT = 300.0
    ENTRIES = 4096

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._wrong: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()

    def attempt(self, name: str, address: str) -> float:
        """Seconds to wait first, or 0.0: then the attempt counts as wrong until `succeeded` says otherwise.

        Counting before the check keeps attempts made at the same time from all being free.
        """
        count, not_before = self._wrong.pop((name, address), (0, 0.0))
        now = self._clock()
        if now < not_before:
            self._wrong[name, address] = count, not_before
            return not_before - now
        over = count + 1 - self.FREE
        wait = min(self.FIRST_WAIT * 2.0 ** min(over, 16), self.LONGEST_WAIT) if over >= 0 else 0.0
        self._wrong[name, address] = count + 1, now + wait
        if len(self._wrong) > self.ENTRIES:
            self._wrong.popitem(last=False)
        return 0.0

    def succeeded(self, name: str, address: str) -> None:
        """Forget the wrong attempts of this name from this address."""
        self._wrong.pop((name, address), None)
