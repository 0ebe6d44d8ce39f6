"""Records of executions: written in batches, each vouched for by one entry of the log, and listed for their readers.

What is recorded comes from the server, which sees the messages; nothing is decided here. The rows are not repeated in
the log: an entry holds number and Merkle root of its batch, so that a thousand cells a second stay a few entries, and
every record can still be checked.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from datetime import datetime

import msgspec

from ..model import Caller
from ..proofs import Frontier, leaf_hash
from ..runs import ACT, Record, RecordingState, Run, Seen, parse_record
from .access import whole_milliseconds
from .audit import Work
from .catalog import DataKeyRow, ExecutionRow
from .desk import Desk
from .keys import Keyring
from .ports import Rows

_MOST = 1000
_RECORDER = Caller("recorder", "service", "")
_KEY = ("_executions", "_executions", "code")  # no project can be called that
_LISTED = ("start", "gap")


class ExecutionBook:
    """What the server saw being executed."""

    def __init__(self, desk: Desk, keys: Keyring) -> None:
        self._desk, self._keys = desk, keys
        self._key = b""  # kept: it is needed for every cell
        self._state: Callable[[], RecordingState] = _nobody_records

    def recorded_by(self, state: Callable[[], RecordingState]) -> None:
        """Who brings records here, and knows whether it can, is this."""
        self._state = state

    def recording(self, caller: Caller) -> RecordingState:
        """Whether what is executed on the server of this vault is being recorded. Everybody may know."""
        return self._state()

    def record(self, seen: Sequence[Seen]) -> None:
        """Write records and the entry that vouches for them, durably. Raises `Unavailable` if that cannot be."""
        if not seen:
            return
        self._key = self._key or self._code_key()
        records = [_with_code(one, self._key) for one in seen]
        bodies = [record.body() for record in records]
        tree = Frontier()
        for body in bodies:
            tree.append(leaf_hash(body.encode()))

        def operation(work: Work) -> None:
            newest = work.rows.find(ExecutionRow, newest=True, limit=1)
            first = newest[0].seq + 1 if newest else 0
            pairs = enumerate(zip(records, bodies, strict=True))
            rows = [_row(first + place, work.index, record, body) for place, (record, body) in pairs]
            work.record(ACT, _RECORDER, detail={"first": first, "count": len(rows), "root": tree.root().hex()})
            work.rows.put_many(rows)

        self._desk.write(operation)

    def _code_key(self) -> bytes:
        """The key under which code is hashed, made when it is first needed."""
        project, owner, purpose = _KEY
        if not self._desk.journal.read(lambda rows: rows.get(DataKeyRow, owner, purpose)):
            return self._desk.write(lambda work: self._keys.asset_key(work, project, owner, purpose))[0]
        return self._desk.journal.read(lambda rows: self._keys.data_key(rows, owner, purpose))

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


def _nobody_records() -> RecordingState:
    return RecordingState("off", ("This vault runs in no server that executes anything.",))


def _with_code(seen: Seen, key: bytes) -> Record:
    """The record, the code in it as length and keyed hash: short code could be guessed from a plain one."""
    if seen.code is None:
        return seen.record
    mark = hmac.digest(key, seen.code, "sha256").hex()
    return msgspec.structs.replace(seen.record, length=len(seen.code), code=mark)


def _row(seq: int, entry: int, record: Record, body: str) -> ExecutionRow:
    return ExecutionRow(seq, entry, *record.columns(), body)
