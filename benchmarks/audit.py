"""What the audit log costs: appends against plain inserts grouped alike, restart and proofs at a million entries.

Plain is the least one could do instead: the same row put by the same kind of writer thread, many operations to a
commit, no entry, no tree, no signature. Rounds are interleaved because disks drift.
"""

from __future__ import annotations

import queue
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jupyter_securecollab.adapters.sql import SqlStore
from jupyter_securecollab.core.audit import JSON, Journal, Work
from jupyter_securecollab.core.catalog import EntryRow, GrantRow
from jupyter_securecollab.core.ledger import Ledger
from jupyter_securecollab.core.ports import Rows
from jupyter_securecollab.model import Caller, Decision, Level
from jupyter_securecollab.proofs import LogSigner

from .harness import Budget, Line, Section

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SIGNER = LogSigner(Ed25519PrivateKey.from_private_bytes(b"L" * 32), "bench.example/log")
ALICE = Caller("alice", "kernel", "session")
ALLOWED = Decision(True, ("grant.open",))
_FLAT = Budget(2, of="ratio")
"""For a hundred times the entries: the tree is one tile higher."""


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


def appends(counts: dict[int, int], rounds: int) -> Iterator[Line]:
    """Throughput by number of writers, the ways taking turns; the first round is dropped."""
    named = {"plain": "one row, no audit", "entry": "one entry", "both": "one row and its entry"}
    for writers, count in counts.items():
        measured: dict[str, list[float]] = {way: [] for way in named}
        for _ in range(rounds + 1):
            for way in named:
                measured[way].append(per_second(way, writers, count))
        plain = measured["plain"][1:]
        for way, what in named.items():
            kept = measured[way][1:]
            ratio = median(ours / other for ours, other in zip(kept, plain, strict=True))
            what = f"append {what}, {writers} writer{'s' if writers > 1 else ''}"
            budget = Budget(0.8, of="ratio", at_least=True) if way == "entry" and writers > 1 else None
            yield Line(what, median(kept), "per s", ratio, "", budget)


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
    return 1000 * median(taken)


def scale(sizes: tuple[int, ...], rounds: int) -> Iterator[Line]:
    """Restart and proofs, few entries and many: proofs must not grow with the log."""
    fewest: dict[str, float] = {}
    for size in sizes:
        with folder() as path:
            store = SqlStore(f"sqlite:///{path}/vault.db")
            grow(store, size - 77)
            store.close()
            yield Line(f"start on {size:,} entries", starting(path, rounds), "ms", None, "", Budget(1000))
            store = SqlStore(f"sqlite:///{path}/vault.db")
            for what, taken in proofs(store).items():
                ratio = taken / fewest.setdefault(what, taken)
                budget = _FLAT if size > sizes[0] else None
                yield Line(f"{what}, {size:,} entries", taken, "ms", ratio if budget else None, "", budget)
            store.close()


def starting(path: Path, rounds: int) -> float:
    """Milliseconds until a log that is there already takes entries."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        store = SqlStore(f"sqlite:///{path}/vault.db")
        journal = Journal(store, SIGNER, clock=lambda: NOW)
        taken.append(time.perf_counter() - start)
        journal.close()
        store.close()
    return 1000 * median(taken)


def proofs(store: SqlStore) -> dict[str, float]:
    """Milliseconds for receipts and consistency proofs: of any entry with nothing cached, of recent ones in a row."""

    def known(rows: Rows) -> int:
        return rows.find(EntryRow, newest=True, limit=1)[0].index

    with closing(Journal(store, SIGNER, clock=lambda: NOW)) as journal:
        newest = journal.read(known)
        recent = milliseconds(journal.receipt, [newest - number for number in range(min(400, newest))])
    spread = range(1, newest, max(1, newest // 100))
    return {
        "receipt of any entry": median(once(store, Journal.receipt, place) for place in spread),
        "receipt of a recent entry": recent,
        "consistency with any size": median(once(store, Journal.head, place) for place in spread),
    }


def once(store: SqlStore, call: Callable[[Journal, int], object], argument: int) -> float:
    """Milliseconds for one call to a journal just opened."""
    with closing(Journal(store, SIGNER, clock=lambda: NOW)) as journal:
        return milliseconds(lambda argument: call(journal, argument), [argument])


_RATIOS = (
    "Ratios: beside the shorter log. Any entry: its tiles are read from the database, three of them for a million "
    "entries, of which few are in memory; those of recent entries are."
)


def run(quick: bool) -> Iterator[Section]:
    """Two sections: what appending costs, and what does not grow with the log."""
    counts, sizes, rounds = ({1: 10, 4: 40}, (300, 600), 1) if quick else ({1: 300, 32: 6400}, (10_000, 1_000_000), 5)
    yield Section("Audit log: appending, beside plain inserts grouped alike", list(appends(counts, rounds)))
    yield Section("Audit log: restart and proofs", list(scale(sizes, rounds)), [_RATIOS])
