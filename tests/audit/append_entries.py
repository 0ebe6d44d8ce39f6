"""A vault's journal in a process of its own: `append_entries.py DATABASE NAME WRITERS COUNT`.

Prints `index sha256(entry)` the moment an append is acknowledged.
"""

from __future__ import annotations

import hashlib
import os
import sys
import threading
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jupyter_securecollab.adapters.sql import SqlStore
from jupyter_securecollab.core.audit import Journal, Work
from jupyter_securecollab.core.catalog import GrantRow
from jupyter_securecollab.model import Caller, Level
from jupyter_securecollab.proofs import LogSigner

database, name, writers, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
signer = LogSigner(Ed25519PrivateKey.from_private_bytes(b"L" * 32), "vault.example/log")
caller = Caller(name, "cli", "session")


def now() -> datetime:
    return datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def append(journal: Journal, writer: int) -> None:
    for number in range(count):

        def operation(work: Work, key: str = f"{name}-{writer}-{number}") -> None:
            work.put(GrantRow(key, "a1", "bob", "open", Level.INTERNAL, None, None, (), False, name))
            work.record("grant", caller, asset="a1", detail={"id": key})

        receipt = journal.write(operation).receipt
        assert receipt is not None
        os.write(1, f"{receipt.index} {hashlib.sha256(receipt.entry).hexdigest()}\n".encode())


store = SqlStore(f"sqlite:///{database}")
journal = Journal(store, signer, clock=now)
threads = [threading.Thread(target=append, args=(journal, writer)) for writer in range(writers)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
journal.close()
store.close()
