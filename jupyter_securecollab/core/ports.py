"""What the vault needs from outside, as small interfaces owned here and filled by `adapters`.

An adapter moves rows, bytes and keys; it makes no decisions and holds no policy. Every method may raise
`errors.Unavailable`; the contract suites in tests/ run on every adapter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import ClassVar, Protocol, TypeVar

import msgspec


class Row(msgspec.Struct, frozen=True):
    """Base of the table rows in `catalog`.

    `table` and `key` name the table and its primary key fields; `unlogged` the fields that the audit log does not
    repeat, None when it repeats nothing of the table; `hashed` those of which it holds a SHA-256 only.
    """

    table: ClassVar[str]
    key: ClassVar[tuple[str, ...]]
    unlogged: ClassVar[frozenset[str] | None]
    hashed: ClassVar[frozenset[str]] = frozenset()


R = TypeVar("R", bound=Row)


class Rows(Protocol):
    """Typed access to tables inside one transaction."""

    def get(self, kind: type[R], *key: object) -> R | None:
        """The row with this primary key (in the order of `kind.key`), or None."""

    def find(
        self,
        kind: type[R],
        *,
        limit: int | None = None,
        newest: bool = False,
        but: tuple[str, str] | None = None,
        **where: object,
    ) -> list[R]:
        """Rows whose fields equal the given values; a tuple value means "one of" (an empty tuple matches nothing).

        `but` names a field and a value it must not have. Ordered by primary key, ascending, or descending when
        `newest`; at most `limit`.
        """

    def put(self, row: Row) -> None:
        """Insert, or replace the row with the same primary key."""

    def put_many(self, rows: Sequence[Row]) -> None:
        """Insert rows of one kind in one statement; none of them may exist."""

    def remove(self, kind: type[R], *key: object) -> None:
        """Delete the row with this primary key, if it is there."""

    def after(self, kind: type[R], key: object, *, limit: int) -> list[R]:
        """Rows of a kind with a single-column key, whose key is greater than `key`, ascending, at most `limit`."""

    def savepoint(self) -> AbstractContextManager[None]:
        """What happens inside is undone alone if it raises."""


class Store(Protocol):
    """The database. Writers exclude each other across processes from the first statement on."""

    def transaction(self) -> AbstractContextManager[Rows]:
        """Begin exclusively; commit durably at the end of the block, or roll back if it raises."""

    def snapshot(self) -> AbstractContextManager[Rows]:
        """A consistent view for reading; never blocks writers."""

    def glance(self) -> AbstractContextManager[Rows]:
        """For one question that must hold nobody up: raises `errors.Unavailable` rather than wait for a lock."""

    def version(self) -> int:
        """A number that stays the same for as long as nobody commits anything; as quick and impatient as `glance`."""

    def wipe(self) -> None:
        """Make sure that nothing deleted so far can be found in the files; waits for readers that may still need it."""

    def close(self) -> None:
        """Release every connection."""


class Upload(Protocol):
    """One object being written; invisible until `finish`."""

    def write(self, chunk: bytes) -> None:
        """Append bytes."""

    def finish(self) -> None:
        """Make the object complete and visible to `read`."""

    def abandon(self) -> None:
        """Drop everything written, finished or not."""


class Objects(Protocol):
    """Ciphertext by opaque path (random ids only: never a user's text). An object is written once and never changed."""

    def create(self, path: str) -> Upload:
        """Start writing an object."""

    def read(self, path: str, start: int, stop: int) -> bytes:
        """Bytes `[start, stop)`, start < stop; `errors.NotFound` if the object is missing or shorter."""

    def file(self, path: str) -> str | None:
        """Where on this machine the object lies as a file, there or not; None if objects are not files."""

    def size(self, path: str) -> int | None:
        """Size in bytes, or None if there is no such object."""

    def list(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """Paths below a prefix with the time they were last written; also what unfinished uploads left there."""

    def delete(self, path: str) -> None:
        """Remove an object; not an error if it is already gone."""


class KeyService(Protocol):
    """Wraps and unwraps keys under the root key, which never leaves it."""

    def wrap(self, key: bytes, context: bytes) -> bytes:
        """Encrypt a key; `context` is authenticated and must be given again to unwrap."""

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        """Decrypt a key, or raise `errors.StoreBroken`."""


class CheckpointCopy(Protocol):
    """A place outside the vault's database that receives a copy of each signed checkpoint."""

    def save(self, size: int, note: str) -> None:
        """Store the checkpoint of a log of `size` entries. Called off the write path, after its commit."""


class Clock(Protocol):
    """Time, injectable."""

    def __call__(self) -> datetime:
        """Now, timezone-aware UTC, whole milliseconds."""


class WitnessLink(Protocol):
    """The way to one witness (C2SP tlog-witness)."""

    key: str
    """The witness's public key."""

    def add_checkpoint(self, old: int, proof: Sequence[bytes], note: str) -> str | int:
        """Ask it to cosign: the signature lines it answered, not verified; or the size it knows, if that is not `old`.

        Raises `errors.Unavailable` when it does not answer, `errors.LogBroken` when it refuses.
        """

    def close(self) -> None:
        """Release connections."""


class Watch(Protocol):
    """Told of what happens inside, so that it is counted. Called from any thread; raises nothing, waits for nothing."""

    def decided(self, action: str, allow: bool) -> None:
        """Policy was asked about an action."""

    def appended(self, seconds: float) -> None:
        """What an operation recorded is durable, so long after it was asked for."""


class _Unwatched:
    """Nobody counts."""

    def decided(self, action: str, allow: bool) -> None:
        """Nothing."""

    def appended(self, seconds: float) -> None:
        """Nothing."""


UNWATCHED = _Unwatched()
