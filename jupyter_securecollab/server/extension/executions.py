"""What the server itself knows about kernels: whose they are, their tokens, and who executes what in them.

Nothing here is ever taken from what a kernel or a client claims. Only hashes of tokens are kept. Used from the
server's event loop only; gone with the server, as its kernels are.
"""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

from ...model import Value
from ..hashed import sha256_hex

IN_FLIGHT_LIMIT = 10_000
"""Unanswered messages remembered per kernel; beyond it the oldest is forgotten, and what it runs is refused."""


class KernelIdentity(Value, frozen=True):
    """What a kernel token stands for. `epoch` is that of the owner's account when the kernel started."""

    kernel_id: str
    owner: str
    epoch: int = 0


class KernelTokens:
    """One token per running kernel process: rotated on restart, dead with the kernel."""

    def __init__(self) -> None:
        self._by_hash: dict[str, KernelIdentity] = {}
        self._hash_of: dict[str, str] = {}

    def issue(self, kernel_id: str, owner: str, epoch: int = 0) -> str:
        """A new token for this kernel; the one before stops working."""
        self.revoke(kernel_id)
        token = "sck_" + secrets.token_urlsafe(32)
        self._hash_of[kernel_id] = sha256_hex(token)
        self._by_hash[sha256_hex(token)] = KernelIdentity(kernel_id, owner, epoch)
        return token

    def resolve(self, token: str) -> KernelIdentity | None:
        """Whose kernel speaks, or None if this token is not, or no longer, valid."""
        return self._by_hash.get(sha256_hex(token))

    def revoke(self, kernel_id: str) -> None:
        """End this kernel's token, if it has one."""
        digest = self._hash_of.pop(kernel_id, None)
        if digest is not None:
            del self._by_hash[digest]


@dataclass
class _Record:
    """One kernel process: messages not yet answered, and everybody who has sent one. No person: ambiguous."""

    in_flight: OrderedDict[str, str | None] = field(default_factory=OrderedDict)
    everyone: set[str] = field(default_factory=set)


class Executions:
    """Who is executing, and who has ever executed, in which kernel."""

    def __init__(self) -> None:
        self._of_kernel: dict[str, _Record] = {}

    def started(self, kernel_id: str, msg_id: str, person: str) -> None:
        """`person` sent a message that runs code. An id that two people use at once belongs to neither."""
        record = self._of_kernel.setdefault(kernel_id, _Record())
        record.everyone.add(person)
        record.in_flight[msg_id] = person if record.in_flight.get(msg_id, person) == person else None
        if len(record.in_flight) > IN_FLIGHT_LIMIT:
            record.in_flight.popitem(last=False)

    def finished(self, kernel_id: str, msg_id: str) -> None:
        """The kernel is done with this message: from here on it stands for nobody."""
        if kernel_id in self._of_kernel:
            self._of_kernel[kernel_id].in_flight.pop(msg_id, None)

    def person_of(self, kernel_id: str, msg_id: str) -> str | None:
        """Who sent the message that is being executed, or None if this server does not know."""
        record = self._of_kernel.get(kernel_id)
        return record.in_flight.get(msg_id) if record else None

    def everyone(self, kernel_id: str) -> frozenset[str]:
        """All who ever executed in this kernel since it started."""
        record = self._of_kernel.get(kernel_id)
        return frozenset(record.everyone) if record else frozenset()

    def forget(self, kernel_id: str) -> None:
        """The kernel process is gone, and with it everything people left in its memory."""
        self._of_kernel.pop(kernel_id, None)
