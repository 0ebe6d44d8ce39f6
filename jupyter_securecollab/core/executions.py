"""Records of executions: written in batches, each vouched for by one entry of the log, and listed for their readers.

What is recorded comes from the server, which sees the messages; nothing is decided here. The rows are not repeated in
the log: an entry holds number and Merkle root of its batch, so that a thousand cells a second stay a few entries, and
every record can still be checked.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import takewhile

import msgspec

from ..errors import NotFound, SealBroken
from ..kept_code import CodeKeeping, digest
from ..model import Caller, Value
from ..proofs import Frontier, leaf_hash
from ..runs import ACT, FORGET, Record, RecordingState, Run, Seen, parse_record
from ..spooled import Opened, open_segment, public_key_of
from .access import whole_milliseconds
from .audit import Work
from .catalog import CodeRow, DataKeyRow, ExecutionRow
from .desk import Desk, Refused
from .keys import Keyring
from .ports import Rows

_MOST = 1000
_AT_ONCE = 500
_RECORDER = Caller("recorder", "service", "")
_OWNER, _SPOOLS = "_executions", "_spools"  # no project or asset can be called that
_CODE = "code"
_LISTED = ("start", "gap")
_FORGOTTEN_AT_ONCE = 3000  # more than the records of one entry, which go together


class Forgotten(Value, frozen=True):
    """How many records, and texts of code, were deleted."""

    records: int
    code: int


class ExecutionBook:
    """What the server saw being executed."""

    def __init__(self, desk: Desk, keys: Keyring) -> None:
        self._desk, self._keys = desk, keys
        self._key = b""  # kept: it is needed for every cell
        self._state: Callable[[], RecordingState] = _nobody_records
        self._catch_up: Callable[[], object] = lambda: None
        self._keeping = CodeKeeping()

    def recorded_by(self, state: Callable[[], RecordingState], catch_up: Callable[[], object] = lambda: None) -> None:
        """Who brings records here, and knows whether it can, is `state`; `catch_up` has it bring what it holds."""
        self._state, self._catch_up = state, catch_up

    def keep_code(self, keeping: CodeKeeping) -> None:
        """What is kept of code from now on."""
        self._keeping = keeping

    def recording(self, caller: Caller) -> RecordingState:
        """Whether what is executed on the server of this vault, or on the caller's own, is being recorded."""
        state = self._state()
        if self._state is _nobody_records:
            state = self._desk.journal.read(lambda rows: _reported(rows, caller.name)) or state
        return msgspec.structs.replace(state, code=self._keeping.how)

    def finish(self, seen: Seen) -> Seen:
        """The record as it will be written: the code in it as length and keyed hash, and what is kept of it beside it.

        Short code could be guessed from a plain hash.
        """
        if seen.code is None:
            return seen
        self._key = self._key or self.vault_key(_CODE)
        mark = hmac.digest(self._key, seen.code, "sha256").hex()
        record = msgspec.structs.replace(seen.record, length=len(seen.code), code=mark)
        kept = self._keeping.kept(record, seen.code)
        if kept is not None:
            record = msgspec.structs.replace(record, kept=digest(kept))
        return Seen(record, kept=kept)

    def record(self, seen: Sequence[Seen]) -> None:
        """Write records and the entry that vouches for them, durably. Raises `Unavailable` if that cannot be."""
        finished = [self.finish(one) for one in seen]
        if finished:
            self._desk.write(lambda work: _write(work, finished))

    def vault_key(self, purpose: str) -> bytes:
        """A key of the vault itself, made when it is first needed."""
        if not self._desk.journal.read(lambda rows: rows.get(DataKeyRow, _OWNER, purpose)):
            return self._desk.write(lambda work: self._keys.asset_key(work, _OWNER, _OWNER, purpose))[0]
        return self._desk.journal.read(lambda rows: self._keys.data_key(rows, _OWNER, purpose))

    # -- what servers write down before it is here -------------------------------------------------------------------

    def begin_spool(self, spool: bytes) -> bytes:
        """A public key for one spool (16 random bytes name it), which is expected to be taken in and ended.

        From here on `finish` waits for nothing.
        """
        self._key = self._key or self.vault_key(_CODE)
        return public_key_of(
            self._desk.write(lambda work: self._keys.new_data_key(work, _OWNER, _SPOOLS, spool.hex()))[0]
        )

    def spools(self) -> tuple[bytes, ...]:
        """The spools that were begun and not ended."""
        rows = self._desk.journal.read(lambda rows: rows.find(DataKeyRow, owner=_SPOOLS))
        return tuple(bytes.fromhex(row.purpose) for row in rows)

    def take_segment(self, spool: bytes, number: int, segment_bytes: bytes) -> Opened:
        """Record what is in a segment, as far as it can be read and is not on record yet.

        Raises `SealBroken` if it is not that segment, or of a spool that has ended, and `Unavailable`.
        """
        try:
            key = self._desk.journal.read(lambda rows: self._keys.data_key(rows, _SPOOLS, spool.hex()))
        except NotFound:
            raise SealBroken from None
        opened = open_segment(segment_bytes, spool, number, key)
        self.record_new(opened.seen)
        return opened

    def end_spool(self, spool: bytes, last: Seen | None = None) -> None:
        """Nothing more is taken from it, whatever is found of it: its key is deleted. `last` is recorded with that."""

        def operation(work: Work) -> None:
            if work.rows.get(DataKeyRow, _SPOOLS, spool.hex()) is None:
                return  # somebody else was first
            work.remove(DataKeyRow, _SPOOLS, spool.hex())
            if last is not None:
                _write(work, [last])

        self._desk.write(operation)

    def record_new(self, seen: Sequence[Seen]) -> None:
        """Write those of these records that are not there yet, each once; others may write in between."""
        for start in range(0, len(seen), _AT_ONCE):
            self._record_new(seen[start : start + _AT_ONCE])

    def _record_new(self, seen: Sequence[Seen]) -> None:
        finished: dict[tuple[str, str], Seen] = {}
        for one in seen:
            finished.setdefault((one.record.what, one.record.run), self.finish(one))

        def operation(work: Work) -> None:
            runs = tuple({run for _, run in finished})
            there = {(row.what, row.run) for row in work.rows.find(ExecutionRow, run=runs)}
            _write(work, [one for mark, one in finished.items() if mark not in there])

        self._desk.write(operation)

    # -- reading -----------------------------------------------------------------------------------------------------

    def executions(
        self,
        caller: Caller,
        *,
        by: str | None = None,
        notebook: str | None = None,
        since: datetime | None = None,
        limit: int = 200,
    ) -> tuple[Run, ...]:
        """Executions the caller may read, newest last, at most `limit`: his own, or all for who may read the log."""
        since = whole_milliseconds(since)
        self._catch_up()

        def query(rows: Rows) -> list[Run]:
            where: dict[str, object] = {"what": _LISTED}
            if not self._desk.rule(rows, self._desk.journal.now(rows), caller, "audit").decision.allow:
                if caller.also or by not in (None, caller.name):
                    return []
                where["who"] = caller.name
            elif by is not None:
                where["who"] = by
            if notebook is not None:
                where["notebook"] = notebook
            started = rows.find(ExecutionRow, newest=True, limit=min(limit, _MOST), but=None, **where)
            started = [row for row in started if since is None or row.at >= since]
            ended = rows.find(ExecutionRow, what="end", run=tuple(row.run for row in started)) if started else []
            ends = {row.run: parse_record(row.body) for row in ended}
            return [Run(row.entry, parse_record(row.body), ends.get(row.run)) for row in reversed(started)]

        return tuple(self._desk.journal.read(query))

    def code(self, caller: Caller, *, runs: Sequence[str]) -> Mapping[str, tuple[Record, bytes]]:
        """By run, the record of its start and what is kept of its code, for who may read the log; itself recorded.

        What is kept is for `kept_code.read_code`. Runs of which nothing is kept are left out. Raises `Denied`.
        """

        def operation(work: Work) -> dict[str, tuple[Record, bytes]] | Refused:
            ruling = self._desk.rule(work.rows, work.now, caller, "audit")
            if not ruling.decision.allow:
                return self._desk.refuse(work, caller, "executions.code", None, "the code of executions", ruling)
            found = {}
            for row in work.rows.find(ExecutionRow, what="start", run=tuple(runs[:_MOST])):
                if kept := work.rows.get(CodeRow, row.seq):
                    found[row.run] = parse_record(row.body), kept.kept
            work.record("executions.code", caller, decision=ruling.decision, detail={"runs": sorted(found)})
            return found

        return self._desk.recorded(operation)[0]

    def forget(self, caller: Caller, *, before: datetime, code_only: bool = False) -> Forgotten:
        """Delete records from before that time, and what is kept of their code; or only the latter. For administrators.

        Records go by whole batches, the newest stays. An entry says up to which number they are gone, so that nothing
        else can be. May be interrupted and repeated.
        """
        records = code = 0
        while True:
            gone = self._desk.write(lambda work: self._forget(work, caller, before, code_only))[0]
            if gone == Forgotten(0, 0):
                break
            records, code = records + gone.records, code + gone.code
        self._desk.journal.wipe()
        return Forgotten(records, code)

    def _forget(self, work: Work, caller: Caller, before: datetime, code_only: bool) -> Forgotten | Refused:
        ruling = self._desk.rule(work.rows, work.now, caller, "administer")
        if not ruling.decision.allow:
            return self._desk.refuse(work, caller, FORGET, None, "records of executions", ruling)
        old = [] if code_only else _old_batches(work.rows, before)
        code = _old_code(work.rows, before) if code_only else _code_below(work.rows, old[-1].seq + 1 if old else 0)
        if not old and not code:
            return Forgotten(0, 0)
        detail = {"code": code[-1].seq + 1} if code_only else {"records": old[-1].seq + 1, "code": old[-1].seq + 1}
        for row in code:
            work.rows.remove(CodeRow, row.seq)
        for record in old:
            work.rows.remove(ExecutionRow, record.seq)
        work.record(FORGET, caller, name="records of executions", decision=ruling.decision, detail=detail)
        return Forgotten(len(old), len(code))


def _old_batches(rows: Rows, before: datetime) -> list[ExecutionRow]:
    """The oldest records, as far as all of their batch are from before a time; never of the newest batch."""
    page = rows.find(ExecutionRow, limit=_FORGOTTEN_AT_ONCE)
    old = list(takewhile(lambda row: row.at < before, page))
    newest = rows.find(ExecutionRow, newest=True, limit=1)
    following = page[len(old)].entry if len(old) < len(page) else page[-1].entry if page else 0
    return [row for row in old if row.entry != following and row.entry != newest[0].entry]


def _old_code(rows: Rows, before: datetime) -> list[CodeRow]:
    """The oldest code kept, as far as it is from before a time."""
    page = rows.find(CodeRow, limit=200)
    records = {row.seq: row.at for row in rows.find(ExecutionRow, seq=tuple(row.seq for row in page))}
    return list(takewhile(lambda row: records[row.seq] < before, page))


def _code_below(rows: Rows, seq: int) -> list[CodeRow]:
    return [row for row in rows.find(CodeRow, limit=_FORGOTTEN_AT_ONCE) if row.seq < seq] if seq else []


def _reported(rows: Rows, person: str) -> RecordingState | None:
    """What the newest record of this person says, if another server than the vault's brought it."""
    newest = rows.find(ExecutionRow, who=person, newest=True, limit=1)
    record = parse_record(newest[0].body) if newest else None
    if record is None or (record.reported_by is None and record.recorder is None):
        return None
    return RecordingState("flag", (), advisory=record.recorder is None, newest=record.at)


def _nobody_records() -> RecordingState:
    return RecordingState("off", ("This vault runs in no server that executes anything.",))


def _write(work: Work, seen: Sequence[Seen]) -> None:
    """Finished records, and the entry that vouches for them."""
    if not seen:
        return
    newest = work.rows.find(ExecutionRow, newest=True, limit=1)
    first = newest[0].seq + 1 if newest else 0
    tree, rows, kept = Frontier(), [], []
    for seq, one in enumerate(seen, first):
        body = one.record.body()
        tree.append(leaf_hash(body.encode()))
        rows.append(ExecutionRow(seq, work.index, *one.record.columns(), body))
        if one.kept is not None:
            kept.append(CodeRow(seq, one.kept))
    work.record(ACT, _RECORDER, detail={"first": first, "count": len(rows), "root": tree.root().hex()})
    work.rows.put_many(rows)
    work.rows.put_many(kept)
