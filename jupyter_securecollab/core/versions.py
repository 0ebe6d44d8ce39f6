"""Finding versions and their parts: what sharing, opening and upkeep have in common. Decides nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from contextlib import suppress
from typing import TypeVar

from ..errors import NotFound, StoreBroken, Unavailable
from ..manifest import level_hash, parse_top, top_hash
from ..model import Caller, Level, Receipt
from .audit import Journal
from .catalog import AssetRow, LevelRow, PartRow, VersionRow
from .ports import Objects, Rows

T = TypeVar("T")

PART_FOLDER = "objects/"


def random_id() -> str:
    """A new name for an asset, version or object: 128 random bits, so that nobody guesses one or makes it twice."""
    return secrets.token_hex(16)


def part_path(object_id: str) -> str:
    """Where an object lies in the store."""
    return f"{PART_FOLDER}{object_id[:2]}/{object_id}"


def present(row: T | None) -> T:
    """The row, or `NotFound`."""
    if row is None:
        raise NotFound("that is no longer here")
    return row


def own_version(rows: Rows, caller: Caller, version: str) -> VersionRow:
    """The version if this caller began it: to everybody else there is no such version."""
    row = rows.get(VersionRow, version)
    if row is None or row.by != caller.name:
        raise NotFound("you have begun no such version")
    return row


def numbered(rows: Rows, asset: AssetRow, number: int | None) -> VersionRow:
    """The committed version of that number, None meaning the newest."""
    wanted = asset.newest if number is None else number
    found = rows.find(VersionRow, asset=asset.id, number=wanted, state="committed")
    if not found:
        raise NotFound(f"{asset.name} has no version {wanted}", next_step=f"See %versions {asset.name}.")
    return found[0]


def newest_version(rows: Rows, asset: AssetRow) -> VersionRow | None:
    """The newest committed version, or None before the first commit."""
    return numbered(rows, asset, None) if asset.newest else None


def delete_objects(objects: Objects, parts: Iterable[PartRow]) -> None:
    """Free the space of parts no row names any more, where the store answers; else the collector does it later."""
    for part in parts:
        with suppress(Unavailable):
            objects.delete(part_path(part.object))


def level_bytes(rows: Rows, row: VersionRow) -> dict[Level, bytes]:
    """The level manifests of a committed version, all of them; `StoreBroken` unless they are those of its log entry."""
    found = {one.level: one.manifest for one in rows.find(LevelRow, version=row.id)}
    hashes = {level: level_hash(manifest) for level, manifest in found.items()}
    if top_hash(row.manifest).hex() != row.manifest_sha256 or hashes != parse_top(row.manifest).levels:
        raise StoreBroken("the manifests of a version in the database are not those of its commit")
    return found


def commit_receipt(journal: Journal, row: VersionRow) -> Receipt:
    """The proof of the entry with which this version was finished."""
    if row.entry is None:
        raise NotFound("this version was never committed")
    return journal.receipt(row.entry)
