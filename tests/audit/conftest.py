"""A vault's log in a folder, a clock one can turn, and a way into the database past the vault."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jupyter_securecollab.adapters.sql import SqlStore
from jupyter_securecollab.core.audit import Journal, Work
from jupyter_securecollab.core.catalog import GrantRow
from jupyter_securecollab.core.ports import CheckpointCopy
from jupyter_securecollab.model import Caller, Level
from jupyter_securecollab.proofs import LogSigner

ALICE = Caller("alice", "kernel", "session-1")


class Hands:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def turn(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Lab:
    """One database, its log key, and what is open on it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "vault.db"
        self.signer = LogSigner(Ed25519PrivateKey.from_private_bytes(b"L" * 32), "vault.example/log")
        self.clock = Hands()
        self._open: list[SqlStore | Journal] = []

    def store(self) -> SqlStore:
        store = SqlStore(f"sqlite:///{self.path}")
        self._open.append(store)
        return store

    def journal(
        self, *, signer: LogSigner | None = None, copies: tuple[CheckpointCopy, ...] = (), store: SqlStore | None = None
    ) -> Journal:
        journal = Journal(store or self.store(), signer or self.signer, clock=self.clock, copies=copies)
        self._open.append(journal)
        return journal

    @staticmethod
    def row(number: int, **changes: object) -> GrantRow:
        """A row of the state."""
        fields: dict[str, object] = {
            "id": f"g{number}", "asset": "a1", "grantee": "bob", "can": "open", "up_to": Level.INTERNAL,
            "start": datetime(2026, 1, 1, tzinfo=UTC), "until": None, "purposes": ("care", "research"),
            "excluded": False, "given_by": "alice",
        }  # fmt: skip
        return GrantRow(**{**fields, **changes})  # type: ignore[arg-type]  # the fields are those above

    @classmethod
    def grant(cls, number: int, **changes: object) -> Callable[[Work], int]:
        """An operation that gives access and records it."""

        def operation(work: Work) -> int:
            work.put(cls.row(number, **changes))
            work.record("grant", ALICE, asset="a1", name="oncology/patients", detail={"number": number})
            return number

        return operation

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """What somebody with the database file can do."""
        with closing(sqlite3.connect(self.path)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def close(self) -> None:
        while self._open:
            self._open.pop().close()


@pytest.fixture(scope="session")
def lab_class() -> type[Lab]:
    """For fixtures that live longer than one test."""
    return Lab


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    lab = Lab(tmp_path)
    yield lab
    lab.close()


@pytest.fixture(scope="session")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a log of 300 entries: one full tile and a tail."""
    lab = Lab(tmp_path_factory.mktemp("grown"))
    journal = lab.journal()
    for number in range(300):
        journal.write(lab.grant(number))
    lab.close()
    lab.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return lab.path


@pytest.fixture
def old(lab: Lab, grown: Path) -> Lab:
    """A copy of that log of 300 entries, to be attacked."""
    shutil.copy(grown, lab.path)
    return lab
