"""The live tables as a log to verify or to export: where `bundles` meets the database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..bundles import Item, LoggedEntry, LogReport, StateRow, verify_log, write_bundle
from ..cosigning import Quorum
from ..errors import LogBroken
from ..kept_code import digest
from ..proofs import leaf_hash, node_hash, parse_entry
from ..runs import FORGET, parse_record
from .catalog import CheckpointRow, CodeRow, EntryRow, ExecutionRow, TileRow
from .changes import LOGGED, logged
from .ledger import entries
from .ports import Rows
from .tree import WIDTH, tile_nodes

_PAGE = 1024


def export_bundle(rows: Rows, destination: Path, log_key: str) -> None:
    """Write the log and the state as they are, verified or not."""
    write_bundle(destination, _newest(rows), _items(rows, entries(rows, 0), _records(rows)), log_key)


def verify_tables(
    rows: Rows, log_key: str, *, state: bool, trusted: Sequence[str], witnesses: Quorum | None
) -> LogReport:
    """Verify entries, checkpoints, tiles, the columns that repeat entries for searching, and on request the state."""
    found = _items(rows, _as_listed(entries(rows, 0)), _as_found(_records(rows)))
    report = verify_log(_newest(rows), found, log_key, trusted=trusted, state=state, witnesses=witnesses)
    _verify_tiles(rows, report.size)
    if state:
        _verify_code(rows)
    return report


def _newest(rows: Rows) -> str:
    found = rows.find(CheckpointRow, newest=True, limit=1)
    if not found:
        raise LogBroken("the checkpoints of the log are gone", index=0)
    return found[0].note


def _items(rows: Rows, stored: Iterator[EntryRow], records: Iterator[ExecutionRow]) -> Iterator[Item]:
    """The log in order, each checkpoint after the entries it covers, then the state."""
    waiting = next(stored, None)
    leaves = _Leaves(rows)
    for checkpoint in _checkpoints(rows):
        while waiting and waiting.index < checkpoint.size:
            yield LoggedEntry(waiting.index, leaves.of(waiting), waiting.body)
            waiting = next(stored, None)
        yield checkpoint.note
    while waiting:
        yield LoggedEntry(waiting.index, leaves.of(waiting), waiting.body)
        waiting = next(stored, None)
    for kind in LOGGED:
        for row in rows.find(kind):
            yield StateRow(*logged(row))
    for record in records:
        yield StateRow(record.table, {"seq": record.seq}, {"body": record.body})


def _records(rows: Rows) -> Iterator[ExecutionRow]:
    """The records of executions, in order."""
    seq = -1
    while page := rows.after(ExecutionRow, seq, limit=_PAGE):
        yield from page
        seq = page[-1].seq


def _as_found(stored: Iterator[ExecutionRow]) -> Iterator[ExecutionRow]:
    """The records, each checked against the columns by which it is found."""
    for row in stored:
        if parse_record(row.body).columns() != (row.at, row.what, row.run, row.who, row.notebook):
            raise LogBroken(f"record {row.seq} of an execution is listed under something it does not say")
        yield row


def _verify_code(rows: Rows) -> None:
    """What is kept of code is what the records, verified before, say; nothing is missing but by an entry of the log."""
    gone = max((parse_entry(row.body).detail["code"] for row in rows.find(EntryRow, act=FORGET)), default=0)
    for row in _records(rows):
        kept = parse_record(row.body).kept
        if kept is not None and row.seq >= gone and rows.get(CodeRow, row.seq) is None:
            raise LogBroken(f"what was kept of the code of record {row.seq} of an execution is gone")
    for code in _code(rows):
        record = rows.get(ExecutionRow, code.seq)
        if record is None or parse_record(record.body).kept != digest(code.kept):
            raise LogBroken(f"what is kept of the code of record {code.seq} of an execution is not what was recorded")


def _code(rows: Rows) -> Iterator[CodeRow]:
    seq = -1
    while page := rows.after(CodeRow, seq, limit=100):
        yield from page
        seq = page[-1].seq


def _checkpoints(rows: Rows) -> Iterator[CheckpointRow]:
    size = -1
    while page := rows.after(CheckpointRow, size, limit=_PAGE):
        yield from page
        size = page[-1].size


class _Leaves:
    """Leaf hashes as the tiles have kept them since the entries were written; the newest entries have no tile yet."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._tile: TileRow | None = None

    def of(self, entry: EntryRow) -> bytes:
        tile, place = divmod(entry.index, WIDTH)
        if self._tile is None or self._tile.index != tile:
            self._tile = self._rows.get(TileRow, 0, tile)
        if self._tile is None:
            return leaf_hash(entry.body)
        return self._tile.hashes[32 * place : 32 * place + 32]


def _as_listed(stored: Iterator[EntryRow]) -> Iterator[EntryRow]:
    """The entries, each checked against the columns by which it is found."""
    for row in stored:
        yield row
        entry = parse_entry(row.body)
        if (entry.at, entry.act, entry.who, entry.asset) != (row.at, row.act, row.actor, row.asset):
            raise LogBroken(f"entry {row.index} is listed under something it does not say", index=row.index)


def _verify_tiles(rows: Rows, size: int) -> None:
    """Every full tile is there and holds the roots of those below it; level 0 was compared with the entries."""
    below: list[bytes] = []
    level = 0
    while count := size // WIDTH ** (level + 1):
        above = []
        for index in range(count):
            tile = rows.get(TileRow, level, index)
            if tile is None or (level and tile.hashes != b"".join(below[index * WIDTH : (index + 1) * WIDTH])):
                first = index * WIDTH ** (level + 1)
                raise LogBroken(f"tile {index} of level {level} is missing or wrong", index=first)
            above.append(node_hash(*tile_nodes(tile.hashes)[-1]))
        below, level = above, level + 1
