"""The journal: the one writer, through which everything that changes state or releases anything is recorded.

Operations run one after another inside one write transaction, each in a savepoint of its own, as many as wait together
(group commit). Their entries, the changes of state and the signed checkpoint become durable with one commit, and only
then does any caller get an answer. It decides nothing: what is recorded comes from the operations.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Generic, TypeVar

from ..bundles import LogReport
from ..cosigning import Quorum
from ..errors import SecureCollabError, StoreBroken, TooLarge, Unavailable
from ..model import Caller, Decision, LogHead, Receipt
from ..proofs import MAX_ENTRY, LogSigner
from .catalog import CheckpointRow, EntryRow
from .changes import JSON, canonical, exact, logged
from .copies import Copies
from .export import export_bundle, verify_tables
from .ledger import Head, Ledger
from .ports import UNWATCHED, CheckpointCopy, Clock, R, Row, Rows, Store, Watch, WitnessLink
from .witnessing import Witnessed, Witnessing

__all__ = ["JSON", "Journal", "Proof", "Work", "Written"]

T = TypeVar("T")

_BATCH = 512
_FORMAT = 1
_log = logging.getLogger(__name__)


Proof = Callable[[], Receipt]
"""Makes the receipt of a recorded entry. Where witnesses are configured it waits until enough of them have confirmed
the log with that entry, and raises `Unavailable` when they do not."""


@dataclass(frozen=True, slots=True)
class Written(Generic[T]):
    """What an operation returned, and what makes the receipt of its first entry if it recorded one; both durable."""

    value: T
    proof: Proof | None

    @property
    def receipt(self) -> Receipt | None:
        """The receipt, if anything was recorded."""
        return self.proof() if self.proof else None


class Work:
    """What one operation gets: the state, the time to decide at, and the pen.

    `rows` is for reading; changes go through `put` and `remove`, which note them for the entry. `index` is the place
    in the log of the first entry this operation may record. Valid until the operation returns.
    """

    def __init__(self, rows: Rows, now: datetime, index: int) -> None:
        self.rows = rows
        self.now = now
        self.index = index
        self._before: tuple[EntryRow, ...] = ()
        self._begin()

    def _begin(self) -> None:
        self._changes: dict[tuple[str, tuple[object, ...]], dict[str, object]] = {}
        self._recorded: dict[str, object] | None = None
        self._row: tuple[str, str, str | None] | None = None

    def put(self, row: Row) -> None:
        """Insert or replace a row."""
        self.rows.put(row)
        if row.unlogged is not None:
            table, key, rest = logged(row)
            self._changes[table, tuple(key.values())] = {"put": table, "key": key, "row": rest}

    def remove(self, kind: type[R], *key: object) -> None:
        """Delete a row."""
        self.rows.remove(kind, *key)
        if kind.unlogged is not None:
            named = dict(zip(kind.key, key, strict=True))
            self._changes[kind.table, key] = {"remove": kind.table, "key": named}

    def record(
        self,
        act: str,
        caller: Caller,
        *,
        asset: str | None = None,
        name: str | None = None,
        version: str | None = None,
        decision: Decision | None = None,
        detail: Mapping[str, JSON] | None = None,
    ) -> None:
        """Say what happened, once per entry. The changes made are added to the entry by themselves."""
        if self._recorded is not None:
            raise RuntimeError("one entry says one thing")
        exact(detail)
        self._row = (act, caller.name, asset)
        self._recorded = {
            "act": act,
            "who": caller.name,
            "via": caller.via,
            "also": caller.also,
            "kernel": caller.kernel,
            "asset": asset,
            "name": name,
            "version": version,
            "decision": _decision(decision),
            "detail": detail,
        }

    def another(self) -> None:
        """Close the entry: what follows gets one of its own, for other readers than this one has."""
        self._before = self.entries()
        self._begin()

    def entries(self) -> tuple[EntryRow, ...]:
        """What to append; `TooLarge` if one exceeds what an entry may hold. For the journal alone."""
        if self._recorded is None or self._row is None:
            if self._changes:
                raise RuntimeError("an operation that changes the state must record it")
            return self._before
        said = {**self._recorded, "changes": list(self._changes.values()), "v": _FORMAT, "at": self.now}
        body = canonical({name: value for name, value in said.items() if value})
        if len(body) > MAX_ENTRY:
            raise TooLarge("this is too much for one entry of the audit log", next_step="Do it in several steps.")
        act, actor, asset = self._row
        return (*self._before, EntryRow(self.index + len(self._before), self.now, act, actor, asset, body))


def _decision(decision: Decision | None) -> dict[str, object] | None:
    if decision is None:
        return None
    unmet = [{"policy": one.policy, "text": one.text} for one in decision.unmet]
    return {"allow": decision.allow, "policies": decision.policies, "unmet": unmet}


@dataclass(frozen=True, slots=True)
class _Done:
    """How an operation ended inside the transaction: with a value and perhaps entries, or by raising."""

    value: Any = None
    entries: tuple[EntryRow, ...] = ()
    raised: Exception | None = None


@dataclass(frozen=True, slots=True)
class _Job:
    operation: Callable[[Work], Any]
    answer: Future[tuple[Any, tuple[EntryRow, ...], Head]]


class Journal:
    """The audit log over a store: writes, reads, proofs. One per process; several processes may share a database.

    Of `witnesses` `quorum` have to confirm the log (0: more than half) before a receipt or a head of it is given out.
    `tolerance` is how far the wall clock may lie behind the last entry before nothing is decided any more.
    """

    def __init__(
        self,
        store: Store,
        signer: LogSigner,
        *,
        clock: Clock,
        copies: Sequence[CheckpointCopy] = (),
        witnesses: Sequence[WitnessLink] = (),
        quorum: int = 0,
        tolerance: timedelta = timedelta(seconds=5),
        watch: Watch = UNWATCHED,
    ) -> None:
        self.log_key = signer.log_key
        self._store = store
        self._clock = clock
        self._tolerance = tolerance
        self._watch = watch
        self._ledger = Ledger(store, signer)
        self._head = self._ledger.open()
        self._copies = Copies(copies)
        self._copies.offer(self._head.tree.size, self._head.note)
        self._witnessing = None
        if witnesses:
            newest = self._current()
            self._witnessing = Witnessing(witnesses, quorum, self._ledger.consistency, lambda: self.read(newest))
            self._witnessing.offer(self._head)
        self._kept: CheckpointRow | None = None
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._closed = False
        self._writer = threading.Thread(target=self._serve, name="journal", daemon=True)
        self._writer.start()

    def write(self, operation: Callable[[Work], T]) -> Written[T]:
        """Run an operation and wait until it is durable; raise what it raised, which undoes it alone.

        Raises `Unavailable` if the log cannot be written: then nothing has happened. The operation runs on the
        journal's thread and must not write to the journal itself.
        """
        if threading.current_thread() is self._writer:
            raise RuntimeError("an operation cannot wait for another one")
        began = time.perf_counter()
        job = _Job(operation, Future())
        with self._gate:
            if self._closed:
                raise Unavailable("the vault is shutting down; nothing was changed")
            self._jobs.put(job)
        value, recorded, head = job.answer.result()
        if not recorded:
            return Written(value, None)
        self._watch.appended(time.perf_counter() - began)
        index, body = recorded[0].index, recorded[0].body
        return Written(value, lambda: self._ledger.receipt(self._confirmed(head), index, body))

    def read(self, query: Callable[[Rows], T]) -> T:
        """Ask a consistent view of the state."""
        with self._store.snapshot() as rows:
            return query(rows)

    def glance(self, query: Callable[[Rows], T]) -> T:
        """Ask one question without waiting for anybody; `Unavailable` if that cannot be."""
        with self._store.glance() as rows:
            return query(rows)

    def version(self) -> int:
        """A number that stays the same for as long as nothing is written by anybody; raises as `glance` does."""
        return self._store.version()

    def now(self, rows: Rows) -> datetime:
        """Time to decide a reading operation at, by the same rule as for writing ones. Raises `Unavailable`."""
        newest = rows.find(EntryRow, newest=True, limit=1)
        return self._now(newest[0].at if newest else None)

    def head(self, seen: int = 0) -> LogHead:
        """The newest checkpoint and the proof that it continues the one over `seen` entries (0: none seen yet).

        With witnesses it is the newest that enough of them confirmed. Raises `Unavailable` while there is none.
        """
        head = self.read(self._current()) if self._witnessing is None else self._witnessing.confirmed(seen)
        return LogHead(checkpoint=head.note, consistency=self._ledger.consistency(head, seen))

    def receipt(self, index: int) -> Receipt:
        """The receipt of any entry, at the newest checkpoint; `NotFound` if there is no such entry.

        With witnesses it is waited for as after writing it.
        """
        head = self.read(self._current())
        if index < head.tree.size:
            head = self._confirmed(head, max(0, index) + 1)
        return self.read(lambda rows: self._ledger.read_receipt(rows, head, index))

    def _confirmed(self, head: Head, size: int | None = None) -> Head:
        """This head, or with witnesses a newer one that they confirmed and that has so many entries, or all of it."""
        if self._witnessing is None:
            return head
        return self._witnessing.confirmed(head.tree.size if size is None else size)

    def _current(self) -> Callable[[Rows], Head]:
        known = self._head  # taken before the view is, which therefore is never older
        return lambda rows: self._ledger.catch_up(rows, known)

    def verify(self, *, state: bool = False, trusted: Sequence[str] = (), witnesses: Quorum | None = None) -> LogReport:
        """Check every entry, tile and checkpoint in the database, and with `state` the tables against a replay.

        `trusted` are signed checkpoints kept outside, `witnesses` who has to have confirmed the log: without either, a
        rewrite by whoever holds the log key goes unseen.
        Raises `LogBroken` naming the first bad entry or row.
        """
        return self.read(
            lambda rows: verify_tables(rows, self.log_key, state=state, trusted=trusted, witnesses=witnesses)
        )

    def bundle(self, destination: Path) -> None:
        """Write everything an auditor needs to verify the log offline to one file, as it is, verified or not."""
        self.read(lambda rows: export_bundle(rows, destination, self.log_key))

    def wipe(self) -> None:
        """Make sure that keys and manifests deleted so far are in no file any more."""
        self._store.wipe()

    def waiting(self) -> int:
        """How many operations wait for their turn."""
        return self._jobs.qsize()

    @property
    def failed_copies(self) -> int:
        """How many times a checkpoint could not be copied to a place, since the start."""
        return self._copies.failures

    def witnessed(self) -> Witnessed | None:
        """How far witnesses have confirmed the log; None where none are configured."""
        return None if self._witnessing is None else self._witnessing.state()

    def close(self) -> None:
        """Commit what waits, copy the last checkpoint, and stop. Later writes raise `Unavailable`."""
        with self._gate:
            if self._closed:
                return
            self._closed = True
            self._jobs.put(None)
        self._writer.join()
        self._copies.close()
        if self._witnessing is not None:
            self._witnessing.close()
            self._keep_confirmed()

    def _serve(self) -> None:
        while jobs := self._taken():
            self._commit(jobs)

    def _taken(self) -> list[_Job]:
        """The operations that wait, at least one; none when the journal is closed and all are done."""
        jobs: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            jobs.append(job)
            if len(jobs) == _BATCH or self._jobs.empty():
                return jobs
            job = self._jobs.get()
        self._jobs.put(None)  # seen again when these are done
        return jobs

    def _commit(self, jobs: Sequence[_Job]) -> None:
        try:
            head, outcomes = self._transact(jobs)
        except BaseException as error:  # whatever it is, somebody waits for an answer
            _log.error("the audit log could not be written: %s", type(error).__name__)
            for job in jobs:
                job.answer.set_exception(_failure(error))
            return
        if head is not self._head:
            self._copies.offer(head.tree.size, head.note)
            if self._witnessing is not None:
                self._witnessing.offer(head)
        self._head = head
        for job, done in zip(jobs, outcomes, strict=True):
            if done.raised:
                job.answer.set_exception(done.raised)
            else:
                job.answer.set_result((done.value, done.entries, head))

    def _transact(self, jobs: Sequence[_Job]) -> tuple[Head, list[_Done]]:
        confirmed = self._unkept()
        with self._store.transaction() as rows:
            head = self._ledger.catch_up(rows, self._head)
            now = self._now(head.last)
            outcomes: list[_Done] = []
            added: list[EntryRow] = []
            for job in jobs:
                done = _attempt(rows, job.operation, Work(rows, now, head.tree.size + len(added)))
                outcomes.append(done)
                added += done.entries
            if added:
                head = self._ledger.append(rows, head, added)
                if confirmed is not None:
                    rows.put(confirmed)
        if added and confirmed is not None:
            self._kept = confirmed
        return head, outcomes

    def _unkept(self) -> CheckpointRow | None:
        """A checkpoint with cosignatures that the database does not have yet; written with whatever is next."""
        found = None if self._witnessing is None else self._witnessing.newest()
        row = None if found is None else CheckpointRow(found.tree.size, found.note)
        return None if row == self._kept else row

    def _keep_confirmed(self) -> None:
        """Save the last cosignatures; a vault that starts with them has something to show at once."""
        row = self._unkept()
        if row is not None:
            with suppress(Unavailable), self._store.transaction() as rows:
                rows.put(row)

    def _now(self, last: datetime | None) -> datetime:
        """Time to decide at: never before the last entry, and nothing at all when the clock is far behind it."""
        wall = self._clock()
        if last is None or wall >= last:
            return wall
        if last - wall > self._tolerance:
            raise Unavailable(
                f"the vault's clock says {wall:%Y-%m-%d %H:%M:%S}, its last entry is of {last:%Y-%m-%d %H:%M:%S} (UTC)",
                next_step="Set the clock of the vault's machine right.",
            )
        return last


def _attempt(rows: Rows, operation: Callable[[Work], Any], work: Work) -> _Done:
    """Run one operation so that its failure undoes only itself."""
    raised: Exception | None = None
    try:
        with rows.savepoint():
            try:
                return _Done(operation(work), work.entries())
            except Exception as error:
                raised = error
                raise
    except Exception as error:
        if error is not raised:
            raise  # not the operation but its savepoint failed: nothing in this transaction can be relied on
        return _Done(raised=raised)


def _failure(error: BaseException) -> SecureCollabError:
    """What each waiting caller is told when the common transaction failed."""
    if isinstance(error, Unavailable | StoreBroken):
        told: SecureCollabError = type(error)(str(error), next_step=error.next_step)
    else:
        told = Unavailable("the audit log cannot be written; nothing was changed or released")
    told.__cause__ = error
    return told
