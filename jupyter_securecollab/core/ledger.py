"""The log as it stands in the database: its head, appending to it, and proofs from it.

Holds no more than the right edge of the tree and a cache of tiles, so that opening a log of millions takes no time.
What it reads is checked against the newest signed checkpoint; older entries are checked by `bundles.verify_log`.
Values are immutable: a `Head` that somebody holds stays true while the log grows.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import msgspec

from ..errors import LogBroken, NotFound, StoreBroken
from ..model import Receipt
from ..proofs import EMPTY_ROOT, Checkpoint, LogSigner, leaf_hash, open_checkpoint, parse_entry
from .catalog import CheckpointRow, EntryRow, TileRow
from .changes import LOGGED
from .ports import Row, Rows, Store
from .tree import WIDTH, Nodes, Tree, tile_nodes

_CACHED_TILES = 256
_PAGE = 1024


@dataclass(frozen=True, slots=True)
class Head:
    """One state of the log: its tree, the signed checkpoint over it, the time of its last entry."""

    tree: Tree
    note: str
    last: datetime | None


class Ledger:
    """Reads and extends the log's tables. Not a lock: appending happens inside the one write transaction."""

    def __init__(self, store: Store, signer: LogSigner) -> None:
        self._store = store
        self._signer = signer
        self._cached = lru_cache(_CACHED_TILES)(self._read_tile)
        self._one_reader = threading.Lock()

    def open(self) -> Head:
        """The head of the log in the database; begins the log if the database is empty.

        Raises `StoreBroken` if the newest checkpoint does not belong to this key or does not fit the entries.
        """
        with self._store.snapshot() as rows:
            newest = rows.find(CheckpointRow, newest=True, limit=1)
        if not newest:
            self._begin()
        with self._store.snapshot() as rows:
            size = self._newest(rows)[1].size
            known = Head(Tree.of_full_tiles(size - size % WIDTH, self._tile), "", None)
            head = self.catch_up(rows, known)
            if rows.after(EntryRow, head.tree.size - 1, limit=1):
                raise StoreBroken("the audit log holds entries that no checkpoint covers")
        return head

    def _begin(self) -> None:
        with self._store.transaction() as rows:
            if rows.find(CheckpointRow, limit=1):
                return  # another process was first
            kinds: tuple[type[Row], ...] = (EntryRow, TileRow, *LOGGED)
            if any(rows.find(kind, limit=1) for kind in kinds):
                raise StoreBroken("the database holds state, but the checkpoints of its audit log are gone")
            rows.put(CheckpointRow(0, self._signer.sign_checkpoint(0, EMPTY_ROOT)))

    def catch_up(self, rows: Rows, known: Head) -> Head:
        """The head in the database now: `known`, or one further on when another process has appended."""
        row = rows.find(CheckpointRow, newest=True, limit=1)
        if row and row[0].size == known.tree.size and _text(row[0].note) == _text(known.note):
            return known  # perhaps cosigned since
        note, checkpoint = self._newest(rows)
        if checkpoint.size < known.tree.size:
            raise StoreBroken("the audit log in the database is older than the one already seen: it was set back")
        tree = known.tree.copy()
        for entry in entries(rows, tree.size):
            if tree.size == checkpoint.size:
                break
            tree.append(leaf_hash(entry.body))
        if tree.size != checkpoint.size or tree.root() != checkpoint.root:
            raise StoreBroken("the newest entries of the audit log are not the ones its checkpoint was signed for")
        return Head(tree, note, _time_of(rows, tree.size - 1) if tree.size else None)

    def _newest(self, rows: Rows) -> tuple[str, Checkpoint]:
        found = rows.find(CheckpointRow, newest=True, limit=1)
        if not found:
            raise StoreBroken("the checkpoints of the audit log are gone")
        try:
            checkpoint = open_checkpoint(found[0].note, self._signer.log_key)
        except LogBroken:
            raise StoreBroken(
                "the audit log in the database was not signed with this log key",
                next_step="Stop the vault and restore the log key of this database, or both from one backup.",
            ) from None
        if checkpoint.size != found[0].size:
            raise StoreBroken("the newest checkpoint of the audit log is filed under a wrong size")
        return found[0].note, checkpoint

    def append(self, rows: Rows, head: Head, added: Sequence[EntryRow]) -> Head:
        """Write entries, the tiles they fill and the checkpoint over them; the head counts once that is committed."""
        tree = head.tree.copy()
        full = [tile for entry in added for tile in tree.append(leaf_hash(entry.body))]
        note = self._signer.sign_checkpoint(tree.size, tree.root())
        rows.put_many(added)
        rows.put_many([TileRow(tile.level, tile.index, tile.hashes) for tile in full])
        rows.put_many([CheckpointRow(tree.size, note)])
        return Head(tree, note, added[-1].at)

    def receipt(self, head: Head, index: int, body: bytes) -> Receipt:
        """The proof that this committed entry is in the log of `head`."""
        return Receipt(index=index, entry=body, path=head.tree.inclusion(index, self._tile), checkpoint=head.note)

    def read_receipt(self, rows: Rows, head: Head, index: int) -> Receipt:
        """The proof for any entry of the log of `head`; `NotFound` if it has no such entry."""
        if not 0 <= index < head.tree.size:
            raise NotFound(f"the audit log has no entry {index}")
        return self.receipt(head, index, _entry(rows, index).body)

    def consistency(self, head: Head, seen: int) -> tuple[bytes, ...]:
        """The proof that `head` continues the log of `seen` entries; `LogBroken` if it is shorter."""
        if not 0 <= seen <= head.tree.size:
            raise LogBroken(
                f"a checkpoint over {seen} entries was seen, but the log has only {head.tree.size}: it was set back",
                index=head.tree.size,
            )
        return head.tree.consistency(seen, self._tile) if seen else ()

    def _tile(self, level: int, index: int) -> Nodes:
        with self._one_reader:  # after a commit many ask for the same new tile
            return self._cached(level, index)

    def _read_tile(self, level: int, index: int) -> Nodes:
        with self._store.snapshot() as rows:
            row = rows.get(TileRow, level, index)
        if row is None:
            raise StoreBroken(f"tile {index} of level {level} of the audit log is missing")
        return tile_nodes(row.hashes)


def entries(rows: Rows, start: int) -> Iterator[EntryRow]:
    """The entries from index `start` on, in order, a page at a time."""
    while page := rows.after(EntryRow, start - 1, limit=_PAGE):
        yield from map(_in_bytes, page)
        start = page[-1].index + 1


def _text(note: str) -> str:
    """What of a checkpoint its signatures are about."""
    return note.partition("\n\n")[0]


def _entry(rows: Rows, index: int) -> EntryRow:
    row = rows.get(EntryRow, index)
    if row is None:
        raise StoreBroken(f"entry {index} of the audit log is missing")
    return _in_bytes(row)


def _time_of(rows: Rows, index: int) -> datetime:
    try:
        return parse_entry(_entry(rows, index).body).at
    except LogBroken:
        raise StoreBroken(f"entry {index} of the audit log is damaged") from None


def _in_bytes(row: EntryRow) -> EntryRow:
    """The entry as bytes even if an edit by hand left text, which SQLite allows: then its hash tells."""
    body: object = row.body
    return row if isinstance(body, bytes) else msgspec.structs.replace(row, body=str(body).encode())
