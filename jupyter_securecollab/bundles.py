"""Verifying a whole log, and the bundle in which it travels to an auditor.

A bundle is one text file of JSON lines: the newest checkpoint, then every entry with its leaf hash and every checkpoint
where it belongs, then a snapshot of the state. Nothing in it is trusted: it is read line by line under limits, checked
with the log's public key, which must come from elsewhere, and the first bad entry is named. Format and limits are in
docs/spec/audit.md. Knows no database.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import msgspec

from .cosigning import Quorum
from .errors import LogBroken, NotFound, Unavailable
from .files import replacing
from .model import Value, decode
from .proofs import MAX_ENTRY, OPENING, Change, Entry, Frontier, leaf_hash, open_checkpoint, parse_entry
from .runs import ACT, FORGET, TABLE

T = TypeVar("T")

FORMAT = "jupyter_securecollab audit bundle 1"

MAX_LINE = 1 << 20
_ENTRY_LINE = re.compile(
    rb'\{"index":(0|[1-9][0-9]{0,17}),"leaf":"([A-Za-z0-9+/]{43}=)","entry":(\{.*\})\}\n', re.DOTALL
)


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """An entry as stored: its place, the leaf hash kept beside it, its bytes."""

    index: int
    leaf: bytes
    body: bytes


class StateRow(Value, frozen=True):
    """One row of a logged table: the logged fields, the primary key apart. Of a record of an execution, its body."""

    table: str
    key: dict[str, Any]
    row: dict[str, Any]


class _Head(Value, frozen=True):
    """The first line. The log key is a hint to people: verifying with it would prove nothing."""

    format: str
    log_key: str
    checkpoint: str


class _Note(Value, frozen=True):
    checkpoint: str


Item = LoggedEntry | str | StateRow
"""Part of a log: an entry, a signed checkpoint right after the entries it covers, at the end the rows of the state."""


class Confirmed(Value, frozen=True):
    """The largest part of a log that enough witnesses confirmed: how many entries, by whom, how many were needed."""

    size: int
    names: tuple[str, ...]
    needed: int


class LogReport(Value, frozen=True):
    """What was verified: `size` entries under the checkpoint `note`; `rows` of state compared and `witnessed` None if
    not asked."""

    size: int
    root: bytes
    note: str
    checkpoints: int
    trusted: int
    rows: int | None
    witnessed: Confirmed | None = None


def verify_log(
    newest: str,
    items: Iterable[Item],
    log_key: str,
    *,
    trusted: Sequence[str] = (),
    state: bool = False,
    witnesses: Quorum | None = None,
) -> LogReport:
    """Check entries against checkpoints up to the newest, and with `state` the rows against a replay of the entries.

    `trusted` are checkpoints of this log kept elsewhere: they reveal a rewrite by somebody who holds the log key. So do
    `witnesses`, of whom enough must have confirmed one of its checkpoints. Raises `LogBroken`, with the index of the
    first bad entry where there is one.
    """
    check = _Check(newest, log_key, trusted, state, witnesses)
    for item in items:
        match item:
            case LoggedEntry():
                check.entry(item)
            case str():
                check.checkpoint(item)
            case StateRow():
                if not state:
                    break
                check.row(item)
    return check.report()


class _Check:
    """One pass over a log."""

    def __init__(
        self, newest: str, log_key: str, trusted: Sequence[str], state: bool, witnesses: Quorum | None
    ) -> None:
        self._log_key = log_key
        self._witnesses = witnesses
        self._confirmed: Confirmed | None = None
        self._note, self._newest = newest, open_checkpoint(newest, log_key)
        self._outside = sorted((open_checkpoint(note, log_key) for note in trusted), key=lambda one: one.size)
        self._trusted = len(trusted)
        self._agreed = 0  # entries covered by an outside checkpoint that fitted
        self._good = 0  # entries covered by a checkpoint of the log that fitted
        self._checkpoints = 0
        self._tree = Frontier()
        self._replay = Replay() if state else None
        self._compare()

    def entry(self, entry: LoggedEntry) -> None:
        """The next entry: at its place, with its hash."""
        index = self._tree.size
        if index == self._newest.size:
            raise LogBroken(f"entry {index} is covered by no checkpoint", index=index)
        if entry.index != index:
            raise LogBroken(f"entry {index} is missing or out of place: entry {entry.index} stands there", index=index)
        leaf = leaf_hash(entry.body)
        if leaf != entry.leaf or len(entry.body) > MAX_ENTRY:
            raise LogBroken(f"entry {index} was changed: its hash is not the one recorded", index=index)
        if self._replay:
            self._replay.apply(index, entry.body)
        self._tree.append(leaf)
        self._compare()

    def checkpoint(self, note: str) -> None:
        """A checkpoint of the log: signed, in its place, over exactly these entries."""
        size = self._tree.size
        try:
            found = open_checkpoint(note, self._log_key)
        except LogBroken as error:
            raise LogBroken(f"after {size} entries: {error}", index=self._good) from None
        if found.size != size or (self._checkpoints and size == self._good):
            raise LogBroken(f"after {size} entries stands a checkpoint over {found.size}", index=min(size, found.size))
        if found.root != self._tree.root():
            where = (
                f"entry {self._good}" if size == self._good + 1 else f"one of the entries {self._good} to {size - 1}"
            )
            raise LogBroken(f"{where} is not what was signed", index=self._good)
        self._good = size
        self._checkpoints += 1
        if self._witnesses is not None and size:
            names, needed = self._witnesses.cosigners(note), self._witnesses.needed
            if len(names) >= needed:
                self._confirmed = Confirmed(size, names, needed)

    def _compare(self) -> None:
        while self._outside and self._outside[0].size == self._tree.size:
            if self._outside.pop(0).root != self._tree.root():
                raise LogBroken(
                    f"a checkpoint kept outside was signed over other entries than {self._agreed} to "
                    f"{self._tree.size - 1}: the log was rewritten or forked",
                    index=self._agreed,
                )
            self._agreed = self._tree.size

    def row(self, row: StateRow) -> None:
        """A row of the state, which the entries must account for."""
        if self._replay:
            self._replay.compare(row)

    def report(self) -> LogReport:
        """After the last item: nothing may be missing."""
        size = self._tree.size
        if size < self._newest.size:
            raise LogBroken(f"entry {size} is missing; {self._newest.size} entries were signed", index=size)
        if self._good < size or self._tree.root() != self._newest.root or not self._checkpoints:
            raise LogBroken("the newest checkpoint is not over the entries before it", index=self._good)
        if self._outside:
            seen = self._outside[-1].size
            raise LogBroken(f"a checkpoint kept outside saw {seen} entries, the log has {size}: it was cut", index=size)
        if self._witnesses is not None and self._confirmed is None:
            raise LogBroken(f"no part of this log was confirmed by {self._witnesses.needed} of these witnesses")
        rows = self._replay.end() if self._replay else None
        checked = self._checkpoints, self._trusted, rows, self._confirmed
        return LogReport(size, self._newest.root, self._note, *checked)


_OWNER = "owner"
"""Stands in the entry of an open for the owner's own access, which is no row."""


class Replay:
    """The state that the entries alone describe, row by row as hashes, to hold the tables against."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, bytes], tuple[bytes, int]] = {}
        self._records = Records()
        self._compared = 0

    def apply(self, index: int, body: bytes) -> None:
        """Make the changes that an entry recorded; what was opened must have been opened by access on record."""
        try:
            entry = parse_entry(body)
        except LogBroken:
            raise LogBroken(f"entry {index} cannot be read", index=index) from None
        for change in entry.changes:
            self._apply(index, change)
        if entry.act == ACT:
            self._records.expect(index, entry)
        if entry.act == FORGET and "records" in entry.detail:
            self._records.forget(index, entry.detail["records"])
        grant = entry.detail.get("grant") if entry.act in OPENING else None
        if grant not in (None, _OWNER) and ("grant", _canonical({"id": grant})) not in self._rows:
            raise LogBroken(f"entry {index} was allowed by access that no entry before it gave", index=index)

    def _apply(self, index: int, change: Change) -> None:
        if change.put is not None:
            self._rows[change.put, _canonical(change.key)] = (_digest(change.row), index)
        elif change.remove is not None:
            self._rows.pop((change.remove, _canonical(change.key)), None)

    def compare(self, row: StateRow) -> None:
        """Take a row of the state off the books, or say what is wrong with it."""
        if row.table == TABLE:
            self._records.take(row)
            self._compared += 1
            return
        known = self._rows.pop((row.table, _canonical(row.key)), None)
        if known is None:
            raise LogBroken(f"{_named(row.table, row.key)} was never recorded: no entry of the log put it there")
        digest, index = known
        if digest != _digest(row.row):
            raise LogBroken(f"{_named(row.table, row.key)} is not as entry {index} recorded it", index=index)
        self._compared += 1

    def end(self) -> int:
        """How many rows were compared; none may be left over."""
        for (table, key), (_, index) in self._rows.items():
            row = _named(table, msgspec.json.decode(key))
            raise LogBroken(f"{row} is gone; entry {index} recorded it and none removed it", index=index)
        self._records.end()
        return self._compared


@dataclass(frozen=True, slots=True)
class _Batch:
    """Records of executions that one entry vouches for: the numbers `[first, stop)`, and their root."""

    entry: int
    first: int
    stop: int
    root: str


class _Vouched(msgspec.Struct, frozen=True):
    """What the entry over a batch of records says in its detail."""

    first: int
    count: int
    root: str


class Records:
    """Holds the records of executions against the entries that vouch for them, batch by batch, in order."""

    def __init__(self) -> None:
        self._batches: deque[_Batch] = deque()
        self._tree = Frontier()

    def expect(self, index: int, entry: Entry) -> None:
        """Note what an entry vouches for."""
        try:
            told = msgspec.convert(entry.detail, _Vouched)
        except msgspec.ValidationError:
            raise LogBroken(f"entry {index} does not say which records it vouches for", index=index) from None
        self._batches.append(_Batch(index, told.first, told.first + told.count, told.root))

    def forget(self, index: int, stop: Any) -> None:
        """An entry says that the records with smaller numbers were deleted: whole batches."""
        if type(stop) is not int:
            raise LogBroken(f"entry {index} does not say which records were deleted", index=index)
        while self._batches and self._batches[0].stop <= stop:
            self._batches.popleft()
        if self._batches and self._batches[0].first < stop:
            raise LogBroken(f"entry {index} says that a part of a batch of records was deleted", index=index)

    def take(self, row: StateRow) -> None:
        """The next record: at its place, and the last of a batch completes its root."""
        number, body = row.key.get("seq"), row.row.get("body")
        if not self._batches or not isinstance(body, str):
            raise LogBroken(f"record {number} of an execution was never recorded: no entry of the log vouches for it")
        batch = self._batches[0]
        expected = batch.first + self._tree.size
        if number != expected:
            raise _gone(expected, batch)
        self._tree.append(leaf_hash(body.encode()))
        if expected + 1 == batch.stop:
            if self._tree.root().hex() != batch.root:
                numbers = f"{batch.first} to {batch.stop - 1}"
                what = f"one of the records {numbers} of executions is not as entry {batch.entry} vouches for"
                raise LogBroken(what, index=batch.entry)
            self._batches.popleft()
            self._tree = Frontier()

    def end(self) -> None:
        """No record may be missing at the end."""
        if self._batches:
            batch = self._batches[0]
            raise _gone(batch.first + self._tree.size, batch)


def _gone(record: int, batch: _Batch) -> LogBroken:
    return LogBroken(f"record {record} of an execution is gone; entry {batch.entry} recorded it", index=batch.entry)


def _canonical(value: dict[str, Any]) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def _digest(row: dict[str, Any]) -> bytes:
    return hashlib.sha256(_canonical(row)).digest()


def _named(table: str, key: dict[str, Any]) -> str:
    return f"in table {table} the row {', '.join(f'{name}={value}' for name, value in key.items())}"


def write_bundle(path: Path, newest: str, items: Iterable[Item], log_key: str) -> None:
    """Write a log, verified or not, as a bundle: readable by its owner alone, complete or not there at all.

    Raises `Unavailable` if the file cannot be written.
    """
    try:
        with replacing(path, durable=True) as file:
            file.write(msgspec.json.encode(_Head(FORMAT, log_key, newest)) + b"\n")
            file.writelines(map(_line, items))
    except OSError as error:
        raise Unavailable(f"the bundle cannot be written to {path}: {error.strerror}", next_step="") from None


def _line(item: Item) -> bytes:
    match item:
        case LoggedEntry():
            # Not through a JSON library: the entry's own bytes are what was hashed.
            return b'{"index":%d,"leaf":"%b","entry":%b}\n' % (item.index, base64.b64encode(item.leaf), item.body)
        case str():
            return msgspec.json.encode(_Note(item)) + b"\n"
        case StateRow():
            return msgspec.json.encode(item) + b"\n"


def verify_bundle(
    path: Path,
    log_key: str,
    *,
    trusted: Sequence[str] = (),
    state: bool = False,
    witnesses: Quorum | None = None,
) -> LogReport:
    """Verify a bundle offline, with nothing but the log's public key; see `verify_log`."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise NotFound(f"there is no bundle to read at {path}: {error.strerror}") from None
    with file:
        head = _decode(file.readline(MAX_LINE), _Head, 1)
        if head.format != FORMAT:
            raise LogBroken("this bundle is of a format that this release does not know")
        return verify_log(head.checkpoint, _items(file), log_key, trusted=trusted, state=state, witnesses=witnesses)


def _items(file: BinaryIO) -> Iterator[Item]:
    number, index, covered = 1, 0, 0
    while line := file.readline(MAX_LINE):
        number += 1
        if line.startswith(b'{"checkpoint"'):
            yield _decode(line, _Note, number, covered).checkpoint
            covered = index
        elif line.startswith(b'{"table"'):
            yield _decode(line, StateRow, number)
        else:
            yield _entry(line, number, index)
            index += 1


def _entry(line: bytes, number: int, index: int) -> LoggedEntry:
    match = _ENTRY_LINE.fullmatch(line)
    if not match:
        raise LogBroken(f"line {number} of the bundle, where entry {index} should stand, is damaged", index=index)
    return LoggedEntry(int(match[1]), base64.b64decode(match[2]), match[3])


def _decode(line: bytes, kind: type[T], number: int, index: int | None = None) -> T:
    try:
        return decode(line, kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise LogBroken(f"line {number} of the bundle is damaged", index=index) from None
