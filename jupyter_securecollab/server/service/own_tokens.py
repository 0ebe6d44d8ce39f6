"""Tokens that people make for their own kernels where there is no Hub: until a time, and for what a member may.

The time stands in the token itself; what is kept is a hash of the whole, so that nobody can change it.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ...errors import NotSignedIn
from ...model import Caller, Vouched
from ..hashed import sha256_hex

if TYPE_CHECKING:
    from ..handlers import AsyncDoor

_OWN = re.compile(r"sct_([0-9]{10,12})_[\w-]{43}", re.ASCII)


def make_token(until: float) -> str:
    """A fresh one that ends at `until`, in seconds since 1970."""
    return f"sct_{int(until)}_{secrets.token_urlsafe(32)}"


def kept(token: str) -> str:
    """The form in which it is kept: of no use where a personal token, which has no end and no cap, is looked up."""
    return sha256_hex(f"for kernels: {token}")


class OwnTokens:
    """Who calls with a token of this kind, or with one that an administrator made with `user token`."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    async def caller(self, door: AsyncDoor, token: str, *, fresh: bool) -> Caller:
        """Whose token this is, looked up each time: never more than a member. Raises `NotSignedIn`."""
        own = _OWN.fullmatch(token)
        if own is not None and int(own[1]) <= self._clock():
            raise NotSignedIn("this token has ended", next_step="Make a new one on the vault's page for tokens.")
        digest = kept(token) if own is not None else sha256_hex(token)
        account = await door.call(door.door.account_of_token, digest)
        if account is None or not account.active:
            raise NotSignedIn(
                "the vault does not, or no longer, know this token",
                next_step="Make a new one on the vault's page for tokens.",
            )
        groups = await door.call(door.door.groups_of, account.name)
        return Caller(account.name, "token", digest, vouched=Vouched(("member",), groups))

    async def close(self) -> None:
        """Nothing to close."""
