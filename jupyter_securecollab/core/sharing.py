"""Putting something in: begin a version, upload its sealed parts, commit it.

A version is invisible until its commit has checked that the store holds what the manifests say. Nobody seals anything
anew because of somebody else: ids are random from the start, numbers are given at commit.
"""

from __future__ import annotations

import hashlib
import hmac
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import msgspec

from ..errors import Conflict, Invalid, SealBroken, SecureCollabError, TooLarge
from ..manifest import Stream, parse_top, part_sizes, top_hash, verify
from ..model import AccessSpec, Begun, Caller, Committed, Join, Kind, Level, asset_name, decode
from .access import AccessBook, project_of
from .audit import JSON, Work
from .catalog import AssetRow, LevelRow, PartRow, VersionRow
from .desk import Desk, Refused, find_asset
from .joining import Joins, check_joins
from .keys import Keyring, level_purpose, mask_purpose
from .ports import Objects, Rows, Upload
from .question import Action
from .versions import (
    commit_receipt,
    delete_objects,
    newest_version,
    numbered,
    own_version,
    part_path,
    present,
    random_id,
)

PART_LIMIT = 1 << 40
"""Largest sealed part, in bytes."""

_PIECE = 8 * 1024 * 1024

_HASHING = 4
"""Threads that hash one version's parts at its commit: somebody waits, and hashing releases the interpreter lock."""


class _Commit(NamedTuple):
    """What is to be committed: manifests as sent, their parts as found in the store."""

    manifest: bytes
    levels: Mapping[Level, bytes]
    fingerprint: bytes
    parts: Sequence[PartRow]

    @property
    def digest(self) -> str:
        return top_hash(self.manifest).hex()


class _Finished(NamedTuple):
    """What a commit came to: the version begun, the one it became or turned out to be, parts no longer needed."""

    asset: AssetRow
    begun: VersionRow
    version: VersionRow
    dropped: tuple[PartRow, ...] = ()


class Sharing:
    """New versions. The bytes it stores are ciphertext; it never holds any other."""

    def __init__(self, desk: Desk, access: AccessBook, joins: Joins, keys: Keyring, objects: Objects) -> None:
        self._desk, self._access, self._joins, self._keys, self._objects = desk, access, joins, keys, objects

    def begin(
        self,
        caller: Caller,
        *,
        name: str,
        kind: Kind,
        levels: Sequence[Level],
        access: AccessSpec | None = None,
        title: str = "",
        joins: Sequence[Join] = (),
    ) -> Begun:
        """Begin a version of a new or existing asset; hands out the keys to seal it with.

        `access` is checked now and given at commit, so that a refusal comes before anything is sealed. `joins` are
        pseudonyms that join over the project, for which a steward must have said yes.
        Raises `Denied`, `NotFound` (a person or group), `InvalidTime`, `InvalidName`, `Conflict` (another kind).
        """
        asset_name(name)
        levels = tuple(sorted(set(levels), key=lambda level: level.rank))
        if not levels:
            raise Invalid("nothing to share: it has no columns")
        joins = tuple(dict.fromkeys(joins))
        check_joins(joins, levels)

        def operation(work: Work) -> Begun | Refused:
            found = find_asset(work.rows, name)
            asset = found or AssetRow(random_id(), name, kind, caller.name, title, False, 0, work.now)
            action: Action = "update" if found else "create"
            ruling = self._desk.rule(work.rows, work.now, caller, action, found, level=max(levels))
            if not ruling.decision.allow:
                return self._desk.refuse(work, caller, "begin", found, name, ruling)
            stopped = self._joins.refusal(work.rows, caller, project_of(name), joins)
            if stopped is not None:
                return self._desk.refuse(work, caller, "begin", found, name, stopped)
            if asset.kind != kind:
                raise Conflict(f"{name} is a {asset.kind}, not a {kind}", next_step="Share it under another name.")
            if access is not None:
                window = self._access.window(work, caller, asset, access)
                if isinstance(window, Refused):
                    return window
            if found is None:
                work.put(asset)
            spec = "" if access is None else msgspec.json.encode(access).decode()
            version = VersionRow(random_id(), asset.id, 0, "begun", caller.name, work.now, levels, access=spec)
            work.put(version)
            detail: dict[str, JSON] = {"levels": [level.value for level in levels], "kind": kind}
            if joins:
                detail["joins"] = [f"{join.name} ({join.level})" for join in joins]
            decision = ruling.decision
            join_keys = self._joins.keys(work, asset, joins)
            work.record(
                "begin", caller, asset=asset.id, name=name, version=version.id, decision=decision, detail=detail
            )
            return msgspec.structs.replace(self._begun(work, asset, version), join_keys=join_keys)

        return self._desk.recorded(operation)[0]

    def _begun(self, work: Work, asset: AssetRow, version: VersionRow) -> Begun:
        project = project_of(asset.name)
        new, old = self._keys.new_data_key, self._keys.asset_key
        return Begun(
            asset=asset.id,
            version=version.id,
            keys={level: new(work, project, version.id, level_purpose(level)) for level in version.levels},
            mask_keys={level: old(work, project, asset.id, mask_purpose(level)) for level in version.levels},
            fingerprint_key=old(work, project, asset.id, "fingerprint"),
        )

    def upload(self, caller: Caller, *, version: str, level: Level, partition: int) -> PartUpload:
        """A writer for one part of a version the caller has begun; the part counts once it is finished."""

        def query(rows: Rows) -> None:
            if level not in _still_begun(rows, caller, version).levels:
                raise Conflict(f"this version was not begun with {level} parts", next_step="Share it again.")

        def count(size: int) -> None:
            self._desk.write(lambda work: put(work, size))

        def put(work: Work, size: int) -> None:
            _still_begun(work.rows, caller, version)
            work.put(PartRow(version, level, partition, object_id, size))

        self._desk.journal.read(query)
        object_id = random_id()
        return PartUpload(self._objects.create(part_path(object_id)), count)

    def commit(
        self, caller: Caller, *, version: str, manifest: bytes, levels: Mapping[Level, bytes], fingerprint: bytes
    ) -> Committed:
        """Make a begun version visible under the next number; content and labels as before make no new version.

        Verifies that what lies in the store is what the manifests say. A retry with the same manifest gives the same
        answer. Raises `SealBroken` (parts and manifests do not agree), `Conflict` (already committed differently).
        """
        begun, asset = self._desk.journal.read(lambda rows: _own_with_asset(rows, caller, version))
        parts = self._verified_parts(begun, asset, manifest, levels) if begun.state == "begun" else ()
        sent = _Commit(manifest, levels, fingerprint, parts)
        done, proof = self._desk.write(lambda work: self._finish(work, caller, version, sent))
        delete_objects(self._objects, done.dropped)
        return Committed(
            asset=done.asset.id,
            name=done.asset.name,
            version=done.version.id,
            number=done.version.number,
            unchanged=done.version.id != version,
            access=self._desk.journal.read(lambda rows: self._access.visible(rows, caller, done.asset)),
            receipt=proof() if proof else commit_receipt(self._desk.journal, done.begun),
        )

    def _finish(self, work: Work, caller: Caller, version: str, sent: _Commit) -> _Finished | Refused:
        begun, asset = _own_with_asset(work.rows, caller, version)
        if begun.state in ("committed", "unchanged") and begun.manifest_sha256 == sent.digest:
            return _Finished(asset, begun, numbered(work.rows, asset, begun.number))
        if begun.state != "begun" or work.rows.find(PartRow, version=begun.id) != [*sent.parts]:
            raise Conflict("this version was already finished, or is still being changed", next_step="Share it again.")
        ruling = self._desk.rule(work.rows, work.now, caller, "update", asset, level=max(begun.levels))
        if not ruling.decision.allow:
            return self._desk.refuse(work, caller, "commit", asset, asset.name, ruling)
        access = decode(begun.access, AccessSpec) if begun.access else None
        window = None if access is None else self._access.window(work, caller, asset, access)
        if isinstance(window, Refused):
            return window
        done = self._put(work, asset, msgspec.structs.replace(begun, access="", entry=work.index), sent)
        unchanged = done.version.id != begun.id
        detail: dict[str, JSON] = {
            "number": done.version.number,
            "unchanged": unchanged,
            "manifest_sha256": sent.digest,
        }
        work.record(
            "commit",
            caller,
            asset=asset.id,
            name=asset.name,
            version=done.version.id,
            decision=ruling.decision,
            detail=detail,
        )
        if access is not None and window is not None:
            work.another()  # every reader gets the entry of the commit as proof; who else has access is not for them
            self._access.give(work, caller, asset, access, window)
        return done

    def _put(self, work: Work, asset: AssetRow, begun: VersionRow, sent: _Commit) -> _Finished:
        newest = newest_version(work.rows, asset)
        # With other levels it is another version: "unchanged" would tell of content above what was sent.
        if newest and newest.levels == begun.levels and hmac.compare_digest(newest.fingerprint, sent.fingerprint):
            known = msgspec.structs.replace(begun, state="unchanged", number=newest.number, manifest_sha256=sent.digest)
            return _Finished(asset, known, newest, drop_version(work, self._keys, known))
        version = msgspec.structs.replace(
            begun,
            number=asset.newest + 1,
            state="committed",
            committed=work.now,
            size=sum(part.size for part in sent.parts),
            manifest=sent.manifest,
            manifest_sha256=sent.digest,
            fingerprint=sent.fingerprint,
        )
        work.put(version)
        for level, level_bytes in sent.levels.items():
            work.put(LevelRow(version.id, level, level_bytes))
        asset = msgspec.structs.replace(asset, newest=version.number, changed=work.now)
        work.put(asset)
        return _Finished(asset, version, version)

    def _verified_parts(
        self, begun: VersionRow, asset: AssetRow, manifest: bytes, levels: Mapping[Level, bytes]
    ) -> list[PartRow]:
        """The parts of a version; `SealBroken` unless the manifests are its own and the store holds what they say."""
        top = parse_top(manifest)
        if (top.asset, top.version, top.kind) != (begun.asset, begun.id, asset.kind):
            raise SealBroken
        if not set(top.levels) == set(begun.levels) == set(levels):
            raise SealBroken
        declared = verify(top, levels)
        sizes = {(level, at): size for level, one in declared.items() for at, size in part_sizes(one).items()}
        parts = self._desk.journal.read(lambda rows: rows.find(PartRow, version=begun.id))
        if {(part.level, part.partition): part.size for part in parts} != sizes:
            raise SealBroken
        objects = {(part.level, part.partition): part.object for part in parts}
        streams = [(level, stream) for level, one in declared.items() for stream in one.streams]
        paths = [part_path(objects[level, stream.partition]) for level, stream in streams]
        with ThreadPoolExecutor(_HASHING) as threads:
            list(threads.map(self._verify_stream, (stream for _, stream in streams), paths))  # raises what one raised
        return parts

    def _verify_stream(self, stream: Stream, path: str) -> None:
        digest, stop = hashlib.sha256(), stream.offset + stream.size
        for start in range(stream.offset, stop, _PIECE):
            digest.update(self._objects.read(path, start, min(start + _PIECE, stop)))
        if not hmac.compare_digest(digest.digest(), stream.sha256):
            raise SealBroken

    def abort(self, caller: Caller, *, version: str) -> None:
        """Give up a begun version: its keys and parts are gone. Harmless when there is nothing left to give up."""

        def operation(work: Work) -> tuple[PartRow, ...]:
            row = own_version(work.rows, caller, version)
            if row.state != "begun":
                return ()
            work.record("abort", caller, asset=row.asset, version=row.id)
            return abandon(work, self._keys, row)

        delete_objects(self._objects, self._desk.write(operation)[0])


class PartUpload:
    """Writes one part to the store; enforces the size limit; `finish` makes it count, `abandon` leaves nothing.

    May be abandoned from another thread while it is being written: then writing ends with `Conflict`.
    """

    def __init__(self, upload: Upload, count: Callable[[int], None]) -> None:
        self._upload, self._count = upload, count
        self._size = 0
        self._open = True
        self._one_at_a_time = threading.Lock()

    def write(self, chunk: bytes) -> None:
        """Append ciphertext."""
        with self._one_at_a_time:
            self._check()
            self._size += len(chunk)
            if self._size > PART_LIMIT:
                raise TooLarge("this part is larger than a part may be")
            self._upload.write(chunk)

    def finish(self) -> int:
        """Complete the part; returns its size in bytes. If the version no longer takes it, nothing of it stays."""
        with self._one_at_a_time:
            self._check()
            self._open = False
            try:
                self._upload.finish()
                self._count(self._size)
            except SecureCollabError:
                self._upload.abandon()
                raise
            return self._size

    def abandon(self) -> None:
        """Drop what was written. Harmless when it is finished or abandoned already."""
        with self._one_at_a_time:
            if self._open:
                self._open = False
                self._upload.abandon()

    def _check(self) -> None:
        if not self._open:
            raise Conflict("this upload has ended")


def abandon(work: Work, keys: Keyring, begun: VersionRow) -> tuple[PartRow, ...]:
    """Drop a begun version, and the name if it alone kept it: a share that failed must not keep a name from others."""
    parts = drop_version(work, keys, msgspec.structs.replace(begun, state="abandoned", access=""))
    asset = work.rows.get(AssetRow, begun.asset)
    others = work.rows.find(VersionRow, asset=begun.asset, state="begun", limit=1)
    if asset is not None and asset.newest == 0 and not others:
        keys.forget(work, asset.id)
        work.remove(AssetRow, asset.id)
    return parts


def drop_version(work: Work, keys: Keyring, ended: VersionRow) -> tuple[PartRow, ...]:
    """Put down how a begun version ended without becoming one; its keys and parts are forgotten."""
    work.put(ended)
    keys.forget(work, ended.id)
    parts = tuple(work.rows.find(PartRow, version=ended.id))
    for part in parts:
        work.remove(PartRow, part.version, part.level, part.partition)
    return parts


def _own_with_asset(rows: Rows, caller: Caller, version: str) -> tuple[VersionRow, AssetRow]:
    row = own_version(rows, caller, version)
    return row, present(rows.get(AssetRow, row.asset))


def _still_begun(rows: Rows, caller: Caller, version: str) -> VersionRow:
    row = own_version(rows, caller, version)
    if row.state != "begun":
        raise Conflict("this version no longer takes parts", next_step="Share it again.")
    return row
