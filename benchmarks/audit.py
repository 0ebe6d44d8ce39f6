"""What the audit log costs: appends against plain inserts grouped alike, restart and proofs at a million entries.

Plain is the least one could do instead: the same row put by the same kind of writer thread, many operations to a
commit, no entry, no tree, no signature. Rounds are interleaved because disks drift. Nothing here is a test.
"""

from __future__ import annotations

import queue
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jupyter_securecollab.adapters.sql import SqlStore
from jupyter_securecollab.core.audit import JSON, Journal, Work
from jupyter_securecollab.core.catalog import EntryRow, GrantRow
from jupyter_securecollab.core.ledger import Ledger
from jupyter_securecollab.core.ports import Rows
from jupyter_securecollab.model import Caller, Decision, Level
from jupyter_securecollab.proofs import LogSigner

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SIGNER = LogSigner(Ed25519PrivateKey.from_private_bytes(b"L" * 32), "bench.example/log")
ALICE = Caller("alice", "kernel", "session")
ALLOWED = Decision(True, ("grant.open",))


class Result(NamedTuple):
    """One line of the report; `ratio` against the plain way where there is one."""

    what: str
    value: float
    unit: str
    ratio: float | None = None


class Plain:
    """Inserts, grouped into one commit while they wait, each in its savepoint; nothing else."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self._jobs: queue.SimpleQueue[tuple[int, Future[None]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def write(self, number: int) -> None:
        done: Future[None] = Future()
        self._jobs.put((number, done))
        done.result()

    def close(self) -> None:
        self._jobs.put(None)
        self._thread.join()

    def _serve(self) -> None:
        while job := self._jobs.get():
            batch = [job]
            while len(batch) < 512 and not self._jobs.empty() and (more := self._jobs.get()):
                batch.append(more)
            with self._store.transaction() as rows:
                for number, _ in batch:
                    with rows.savepoint():
                        rows.put(grant(number))
            for _, done in batch:
                done.set_result(None)


def grant(number: int) -> GrantRow:
    return GrantRow(f"g{number}", "a1", "bob", "open", Level.INTERNAL, None, NOW, (), False, "alice")


def record(work: Work, number: int) -> None:
    detail: dict[str, JSON] = {"columns": ["age", "city", "ward"], "number": number}
    work.record("open", ALICE, asset="a1", name="oncology/patients", decision=ALLOWED, detail=detail)


def entry_only(number: int) -> Callable[[Work], None]:
    return lambda work: record(work, number)


def entry_and_row(number: int) -> Callable[[Work], None]:
    def operation(work: Work) -> None:
        work.put(grant(number))
        record(work, number)

    return operation


@contextmanager
def folder() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="securecollab-bench-"))
    yield path
    shutil.rmtree(path)


def per_second(way: str, writers: int, count: int) -> float:
    """Operations acknowledged per second."""
    with folder() as path:
        store = SqlStore(f"sqlite:///{path}/vault.db")
        plain = Plain(store) if way == "plain" else None
        journal = None if plain else Journal(store, SIGNER, clock=lambda: NOW)
        make = entry_only if way == "entry" else entry_and_row

        def work(first: int) -> None:
            for number in range(first, first + count // writers):
                if journal:
                    journal.write(make(number))
                elif plain:
                    plain.write(number)

        threads = [threading.Thread(target=work, args=(place * count,)) for place in range(writers)]
        start = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        taken = time.perf_counter() - start
        for opened in (journal, plain, store):
            if opened:
                opened.close()
    return writers * (count // writers) / taken


def appends(rounds: int) -> Iterator[Result]:
    """Throughput at 1 and 32 writers, the ways taking turns."""
    named = {"plain": "one row, no audit", "entry": "one entry", "both": "one row and its entry"}
    for writers, count in ((1, 400), (32, 6400)):
        measured: dict[str, list[float]] = {way: [] for way in named}
        for _ in range(rounds):
            for way in named:
                measured[way].append(per_second(way, writers, count))
        for way, what in named.items():
            ratios = [ours / plain for ours, plain in zip(measured[way], measured["plain"], strict=True)]
            what = f"append {what}, {writers} writer{'s' if writers > 1 else ''}"
            yield Result(what, statistics.median(measured[way]), "per second", statistics.median(ratios))


def grow(store: SqlStore, size: int) -> None:
    """A log of `size` entries, written the fast way."""
    ledger = Ledger(store, SIGNER)
    head = ledger.open()
    body = b'{"act":"open","at":"2026-01-02T03:04:05Z","detail":{"n":%d,"pad":"%b"},"v":1,"via":"cli","who":"bob"}'
    for start in range(0, size, 5000):
        with store.transaction() as rows:
            stop = min(start + 5000, size)
            added = [EntryRow(n, NOW, "open", "bob", None, body % (n, b"x" * 200)) for n in range(start, stop)]
            head = ledger.append(rows, head, added)


def milliseconds(call: Callable[[int], object], arguments: list[int]) -> float:
    taken = []
    for argument in arguments:
        start = time.perf_counter()
        call(argument)
        taken.append(time.perf_counter() - start)
    return 1000 * statistics.median(taken)


def scale(rounds: int) -> Iterator[Result]:
    """Restart and proofs, at ten thousand and a million entries."""
    for size in (10_000, 1_000_000):
        with folder() as path:
            store = SqlStore(f"sqlite:///{path}/vault.db")
            grow(store, size - 77)
            store.close()
            openings = []
            for _ in range(rounds):
                start = time.perf_counter()
                store = SqlStore(f"sqlite:///{path}/vault.db")
                journal = Journal(store, SIGNER, clock=lambda: NOW)
                openings.append(time.perf_counter() - start)
                journal.close()
                store.close()
            yield Result(f"start on {size:,} entries", 1000 * statistics.median(openings), "ms")
            store = SqlStore(f"sqlite:///{path}/vault.db")
            yield from proofs(store, size)
            store.close()


def proofs(store: SqlStore, size: int) -> Iterator[Result]:
    """Receipts and consistency proofs from a log, tiles not cached and cached."""

    def known(rows: Rows) -> int:
        return rows.find(EntryRow, newest=True, limit=1)[0].index

    journal = Journal(store, SIGNER, clock=lambda: NOW)
    newest = journal.read(known)
    spread = list(range(0, newest, newest // 400))
    yield Result(f"receipt of any of {size:,} entries", milliseconds(journal.receipt, spread), "ms")
    yield Result(
        f"receipt of a recent one of {size:,}", milliseconds(journal.receipt, [newest - n for n in range(400)]), "ms"
    )
    yield Result(f"consistency with any of {size:,} sizes", milliseconds(journal.head, spread), "ms")
    journal.close()


def run(rounds: int) -> list[Result]:
    """Everything, as lines of a report."""
    return [*appends(rounds), *scale(rounds)]


if __name__ == "__main__":
    for result in run(int(sys.argv[1]) if len(sys.argv) > 1 else 5):
        ratio = "" if result.ratio is None else f"  {result.ratio:.2f}x plain"
        print(f"{result.what:45} {result.value:10.2f} {result.unit}{ratio}")
