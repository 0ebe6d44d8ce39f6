"""Versions and their parts: begin, upload, commit, open, read. Keys leave only after their entry is durable."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from ..errors import Conflict, Denied, Invalid, LeaseExpired, NotFound, SealBroken, TooLarge
from ..manifest import (
    LevelManifest,
    Stream,
    columns_of,
    parse_level,
    parse_top,
    part_sizes,
    select,
    stream_key,
    top_hash,
)
from ..model import (
    AccessSpec,
    Begun,
    Caller,
    Committed,
    Kind,
    Level,
    Opened,
    Receipt,
    StreamKey,
    Value,
    asset_name,
    clip,
)  # fmt: skip
from .access import AccessBook, project_of
from .audit import JSON, Work
from .catalog import AssetRow, LevelRow, PartRow, PersonRow, VersionRow
from .desk import Desk, Refused, find_asset, no_access
from .keys import Keyring, level_purpose, mask_purpose
from .ports import Objects, Rows, Upload
from .question import Action

T = TypeVar("T")

PART_LIMIT = 1 << 40
"""Largest sealed part, in bytes."""

_REWRAPPED_AT_ONCE = 200

_NAMED_COLUMNS = 400
"""How many column names an entry lists; beyond, their number and a hash of the list."""


class _Lease(Value, frozen=True):
    version: str
    levels: tuple[Level, ...]
    reader: str
    epoch: int
    session: str
    until: datetime


class Content:
    """Everything about what is inside an asset. Bytes it stores are ciphertext; it never holds any other."""

    def __init__(self, desk: Desk, access: AccessBook, keys: Keyring, objects: Objects) -> None:
        self._desk, self._access, self._keys, self._objects = desk, access, keys, objects
        # Leases end with the process: a reader then simply opens again.
        self._lease_key = secrets.token_bytes(32)

    def begin(
        self,
        caller: Caller,
        *,
        name: str,
        kind: Kind,
        levels: Sequence[Level],
        access: AccessSpec | None = None,
        title: str = "",
    ) -> Begun:
        """Begin a version of a new or existing asset; hands out the keys to seal it with.

        `access` is checked now and given at commit, so that a refusal comes before anything is sealed.
        Raises `Denied`, `NotFound` (a person or group), `InvalidTime`, `InvalidName`, `Conflict` (another kind).
        """
        asset_name(name)
        levels = tuple(sorted(set(levels), key=lambda level: level.rank))
        if not levels:
            raise Invalid("nothing to share: it has no columns")

        def operation(work: Work) -> Begun | Refused:
            asset = find_asset(work.rows, name)
            action: Action = "create" if asset is None else "update"
            ruling = self._desk.rule(work.rows, work.now, caller, action, asset, level=max(levels))
            if not ruling.decision.allow:
                return self._desk.refuse(work, caller, "begin", asset, name, ruling)
            if asset is None:
                asset = AssetRow(_random_id(), name, kind, caller.name, title, False, 0, work.now)
                work.put(asset)
            if asset.kind != kind:
                raise Conflict(f"{name} is a {asset.kind}, not a {kind}", next_step="Share it under another name.")
            if access is not None:
                refused = self._access.check(work, caller, asset, access)
                if refused is not None:
                    return refused
            spec = "" if access is None else msgspec.json.encode(access).decode()
            version = VersionRow(_random_id(), asset.id, 0, "begun", caller.name, work.now, levels, access=spec)
            work.put(version)
            detail: dict[str, JSON] = {"levels": [level.value for level in levels], "kind": kind}
            work.record(
                "begin", caller, asset=asset.id, name=name, version=version.id, decision=ruling.decision, detail=detail
            )
            return self._begun(work, asset, version)

        begun, _ = self._desk.recorded(operation)
        return begun

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
            row = self._own(rows, caller, version)
            if row.state != "begun" or level not in row.levels:
                raise Conflict("this version no longer takes parts", next_step="Share it again.")

        self._desk.journal.read(query)
        object_id = _random_id()
        return PartUpload(self, caller, version, level, partition, object_id, self._objects.create(_path(object_id)))

    def _uploaded(self, caller: Caller, part: PartRow) -> None:
        def operation(work: Work) -> None:
            row = self._own(work.rows, caller, part.version)
            if row.state != "begun":
                raise Conflict("this version no longer takes parts", next_step="Share it again.")
            work.put(part)

        self._desk.write(operation)

    def commit(
        self, caller: Caller, *, version: str, manifest: bytes, levels: Mapping[Level, bytes], fingerprint: bytes
    ) -> Committed:
        """Make a begun version visible under the next number; content and labels as before make no new version.

        Verifies that what lies in the store is what the manifests say. A retry with the same manifest gives the same
        answer. Raises `SealBroken` (parts and manifests do not agree), `Conflict` (already committed differently).
        """
        row = self._desk.journal.read(lambda rows: self._own(rows, caller, version))
        if row.state == "begun":
            self._verify_parts(row, manifest, levels)

        def operation(work: Work) -> tuple[VersionRow, AssetRow, bool] | Refused:
            row = self._own(work.rows, caller, version)
            asset = _present(work.rows.get(AssetRow, row.asset))
            if row.state == "committed" and row.manifest == manifest:
                return row, asset, False
            if row.state != "begun":
                raise Conflict("this version was already finished", next_step="Share it again.")
            ruling = self._desk.rule(work.rows, work.now, caller, "update", asset, level=max(row.levels))
            if not ruling.decision.allow:
                return self._desk.refuse(work, caller, "commit", asset, asset.name, ruling)
            newest = newest_version(work.rows, asset)
            same = newest is not None and hmac.compare_digest(newest.fingerprint, fingerprint)
            done = newest if same and newest else self._put_version(work, row, asset, manifest, levels, fingerprint)
            if done is newest:
                self._drop(work, row)
            else:
                asset = msgspec.structs.replace(asset, newest=done.number, changed=work.now)
                work.put(asset)
            if row.access:
                refused = self._access.give(work, caller, asset, msgspec.json.decode(row.access, type=AccessSpec))
                if refused is not None:
                    return refused
            detail: dict[str, JSON] = {"number": done.number, "unchanged": done is newest}
            detail["manifest_sha256"] = done.manifest_sha256
            work.record(
                "commit",
                caller,
                asset=asset.id,
                name=asset.name,
                version=done.id,
                decision=ruling.decision,
                detail=detail,
            )
            return done, asset, done is newest

        (done, asset, unchanged), receipt = self._desk.write(operation)
        return Committed(
            asset=asset.id,
            name=asset.name,
            version=done.id,
            number=done.number,
            unchanged=unchanged,
            access=self._access.table(asset),
            receipt=receipt or self._commit_receipt(done),
        )

    def _verify_parts(self, row: VersionRow, manifest: bytes, levels: Mapping[Level, bytes]) -> None:
        """Raise `SealBroken` unless manifests belong to this version and every stream in the store has its hash."""
        top = parse_top(manifest)
        if (top.asset, top.version) != (row.asset, row.id) or set(top.levels) != set(row.levels) != set(levels):
            raise SealBroken
        for level, level_bytes in levels.items():
            parsed = parse_level(level_bytes, top.levels[level])
            parts = self._parts(row.id, level)
            if {part.partition: part.size for part in parts} != part_sizes(parsed):
                raise SealBroken
            self._verify_streams(parsed, {part.partition: part.object for part in parts})

    def _parts(self, version: str, level: Level) -> list[PartRow]:
        return self._desk.journal.read(lambda rows: rows.find(PartRow, version=version, level=level))

    def _verify_streams(self, level: LevelManifest, objects: Mapping[int, str]) -> None:
        for stream in level.streams:
            digest = hashlib.sha256()
            for start, stop in _ranges(stream.offset, stream.offset + stream.size):
                digest.update(self._objects.read(_path(objects[stream.partition]), start, stop))
            if not hmac.compare_digest(digest.digest(), stream.sha256):
                raise SealBroken

    def _put_version(
        self,
        work: Work,
        row: VersionRow,
        asset: AssetRow,
        manifest: bytes,
        levels: Mapping[Level, bytes],
        fingerprint: bytes,
    ) -> VersionRow:
        parts = work.rows.find(PartRow, version=row.id)
        done = msgspec.structs.replace(
            row,
            number=asset.newest + 1,
            state="committed",
            committed=work.now,
            size=sum(part.size for part in parts),
            manifest=manifest,
            manifest_sha256=top_hash(manifest).hex(),
            fingerprint=fingerprint,
            entry=work.index,
            access="",
        )
        work.put(done)
        for level, level_bytes in levels.items():
            work.put(LevelRow(row.id, level, level_bytes))
        return done

    def abort(self, caller: Caller, *, version: str) -> None:
        """Give up a begun version: its keys and parts are gone. Harmless when there is nothing left to give up."""

        def operation(work: Work) -> tuple[PartRow, ...]:
            row = self._own(work.rows, caller, version)
            if row.state != "begun":
                return ()
            parts = self._drop(work, row)
            work.record("abort", caller, asset=row.asset, version=row.id)
            return parts

        parts, _ = self._desk.write(operation)
        for part in parts:
            self._objects.delete(_path(part.object))

    def _drop(self, work: Work, row: VersionRow) -> tuple[PartRow, ...]:
        """Forget a begun version: rows and keys now, objects by the caller or the collector later."""
        work.put(msgspec.structs.replace(row, state="abandoned", access=""))
        self._keys.forget(work, row.id)
        parts = tuple(work.rows.find(PartRow, version=row.id))
        for part in parts:
            work.remove(PartRow, part.version, part.level, part.partition)
        return parts

    def open(
        self,
        caller: Caller,
        *,
        name: str,
        number: int | None = None,
        columns: Sequence[str] | None = None,
        up_to: Level | None = None,
        purpose: str | None = None,
    ) -> Opened:
        """Keys, manifests and a lease for exactly the columns asked for that the caller may read.

        `up_to` None means as far as he may. Raises `Denied`; `NotFound` for a version or column that does not exist,
        or that he may not know of.
        """

        def operation(work: Work) -> Opened | Refused:
            asset = find_asset(work.rows, name)
            if asset is None or asset.newest == 0:
                return self._desk.refuse(work, caller, "open", None, name, no_access())
            ruling = self._desk.rule(work.rows, work.now, caller, "open", asset, level=up_to, purpose=purpose)
            if not ruling.decision.allow or ruling.up_to is None:
                return self._desk.refuse(work, caller, "open", asset, name, ruling)
            row = _numbered(work.rows, asset, number)
            reading = min(ruling.up_to, up_to or ruling.up_to)
            level_bytes, chosen = self._chosen(work.rows, row, reading, columns)
            opened = Opened(
                asset=asset.id,
                name=asset.name,
                kind=asset.kind,
                owner=asset.owner,
                version=row.id,
                number=row.number,
                up_to=reading,
                until=self._access.end(work.rows, ruling.grant),
                manifest=row.manifest,
                levels=level_bytes,
                keys=self._stream_keys(work.rows, row.id, chosen),
                lease=self._lease(work, caller, row.id, tuple(level_bytes)),
                lease_until=work.now + self._desk.settings.lease,
                committed=_UNSIGNED,
                receipt=_UNSIGNED,
            )
            detail = _columns_detail(columns_of(s for streams in chosen.values() for s in streams))
            detail |= {"number": row.number, "up_to": reading.value, "grant": ruling.grant, "purpose": purpose}
            work.record(
                "open", caller, asset=asset.id, name=name, version=row.id, decision=ruling.decision, detail=detail
            )
            return opened

        opened, receipt = self._desk.recorded(operation)
        row = self._desk.journal.read(lambda rows: _present(rows.get(VersionRow, opened.version)))
        return msgspec.structs.replace(opened, receipt=receipt, committed=self._commit_receipt(row))

    def _chosen(
        self, rows: Rows, row: VersionRow, reading: Level, columns: Sequence[str] | None
    ) -> tuple[dict[Level, bytes], dict[Level, tuple[Stream, ...]]]:
        stored = [level for level in rows.find(LevelRow, version=row.id) if level.level <= reading]
        if not stored:
            raise Denied(
                f"nothing in it is at {reading.value} or below", next_step="Ask its owner for access to a higher level."
            )
        top = parse_top(row.manifest)
        parsed = {level.level: parse_level(level.manifest, top.levels[level.level]) for level in stored}
        return {level.level: level.manifest for level in stored}, select(parsed, columns)

    def _stream_keys(self, rows: Rows, version: str, chosen: Mapping[Level, Sequence[Stream]]) -> tuple[StreamKey, ...]:
        keys = []
        for level, streams in chosen.items():
            level_key = self._keys.data_key(rows, version, level_purpose(level))
            keys += [StreamKey(level, s.number, stream_key(level_key, s.number)) for s in streams]
        return tuple(keys)

    def read_part(
        self, caller: Caller, *, version: str, level: Level, partition: int, start: int, stop: int, lease: str
    ) -> bytes:
        """Ciphertext `[start, stop)` of one part. Raises `LeaseExpired` unless the lease is this caller's and alive."""
        part = self._desk.journal.read(lambda rows: self._leased(rows, caller, version, level, partition, lease))
        if not 0 <= start <= stop <= part.size:
            raise Invalid("that range lies outside the part")
        return self._objects.read(_path(part.object), start, stop)

    def part_size(self, caller: Caller, *, version: str, level: Level, partition: int, lease: str) -> int:
        """Size of a part in bytes, under the same conditions as reading it."""
        return self._desk.journal.read(lambda rows: self._leased(rows, caller, version, level, partition, lease)).size

    def _lease(self, work: Work, caller: Caller, version: str, levels: tuple[Level, ...]) -> str:
        epoch = _present(work.rows.get(PersonRow, caller.name)).epoch
        until = work.now + self._desk.settings.lease
        body = msgspec.json.encode(_Lease(version, levels, caller.name, epoch, caller.session, until))
        return f"{hmac.digest(self._lease_key, body, 'sha256').hex()}.{body.hex()}"

    def _leased(self, rows: Rows, caller: Caller, version: str, level: Level, partition: int, lease: str) -> PartRow:
        mac, _, body = lease.partition(".")
        try:
            body_bytes = bytes.fromhex(body)
            if not hmac.compare_digest(hmac.digest(self._lease_key, body_bytes, "sha256").hex(), mac):
                raise LeaseExpired("this lease is not valid")
        except (ValueError, TypeError):
            raise LeaseExpired("this lease is not valid") from None
        found = msgspec.json.decode(body_bytes, type=_Lease)
        person = rows.get(PersonRow, caller.name)
        same = (found.version, found.reader, found.session) == (version, caller.name, caller.session)
        alive = person is not None and person.active and person.epoch == found.epoch
        if not same or not alive or level not in found.levels or self._desk.clock() >= found.until:
            raise LeaseExpired("the lease for reading this has ended")
        part = rows.get(PartRow, version, level, partition)
        if part is None:
            raise NotFound("there is no such part")
        return part

    def collect(self) -> Collected:
        """Remove what interrupted uploads left: begun versions past their time, and objects no version points to."""
        cutoff = self._desk.clock() - self._desk.settings.staging_kept

        def operation(work: Work) -> int:
            stale = [row for row in work.rows.find(VersionRow, state="begun") if row.begun < cutoff]
            for row in stale:
                self._drop(work, row)
                asset = work.rows.get(AssetRow, row.asset)
                if asset is not None and asset.newest == 0 and not _begun_versions(work.rows, asset.id):
                    self._keys.forget(work, asset.id)
                    work.remove(AssetRow, asset.id)
            if stale:
                work.record("collect", _COLLECTOR, detail={"versions": [row.id for row in stale]})
            return len(stale)

        versions, _ = self._desk.write(operation)
        return Collected(versions, self._collect_objects(cutoff))

    def rotate_keys(self, caller: Caller, *, project: str) -> int:
        """Give a project a new key and wrap everything anew under it; returns how many keys were wrapped.

        May be interrupted and repeated: keys wrapped under older project keys go on working until they are rewrapped.
        """

        def rotate(work: Work) -> Refused | None:
            ruling = self._desk.rule(work.rows, work.now, caller, "administer")
            if not ruling.decision.allow:
                return self._desk.refuse(work, caller, "keys.rotate", None, project, ruling)
            number = self._keys.rotate(work, project)
            work.record("keys.rotate", caller, name=project, decision=ruling.decision, detail={"number": number})
            return None

        self._desk.write(rotate)
        done = 0
        while count := self._desk.write(lambda work: self._keys.rewrap(work, project, limit=_REWRAPPED_AT_ONCE))[0]:
            done += count
        return done

    def _collect_objects(self, cutoff: datetime) -> int:
        found = [path for path, written in self._objects.list("objects/") if written < cutoff]
        orphans = [path for path in found if not self._is_part(path.rpartition("/")[2])]
        for path in orphans:
            self._objects.delete(path)
        return len(orphans)

    def _is_part(self, object_id: str) -> bool:
        return bool(self._desk.journal.read(lambda rows: rows.find(PartRow, object=object_id, limit=1)))

    def _own(self, rows: Rows, caller: Caller, version: str) -> VersionRow:
        """The version if this caller began it: to everybody else there is no such version."""
        row = rows.get(VersionRow, version)
        if row is None or row.by != caller.name:
            raise NotFound("you have begun no such version")
        return row

    def _commit_receipt(self, row: VersionRow) -> Receipt:
        if row.entry is None:
            raise NotFound("this version was never committed")
        return self._desk.journal.receipt(row.entry)


class Collected(Value, frozen=True):
    """What the collector removed."""

    versions: int
    objects: int


class PartUpload:
    """Writes one part to the store; enforces the size limit; `finish` makes it count, `abandon` leaves nothing."""

    def __init__(
        self,
        content: Content,
        caller: Caller,
        version: str,
        level: Level,
        partition: int,
        object_id: str,
        upload: Upload,
    ) -> None:
        self._content, self._caller, self._upload = content, caller, upload
        self._part = PartRow(version, level, partition, object_id, 0)
        self._size = 0

    def write(self, chunk: bytes) -> None:
        """Append ciphertext."""
        self._size += len(chunk)
        if self._size > PART_LIMIT:
            raise TooLarge("this part is larger than a part may be")
        self._upload.write(chunk)

    def finish(self) -> int:
        """Complete the part; returns its size in bytes."""
        self._upload.finish()
        self._content._uploaded(self._caller, msgspec.structs.replace(self._part, size=self._size))
        return self._size

    def abandon(self) -> None:
        """Drop what was written."""
        self._upload.abandon()


_COLLECTOR = Caller(name="collector", via="service", session="")
_UNSIGNED = Receipt(-1, b"", (), "")


def newest_version(rows: Rows, asset: AssetRow) -> VersionRow | None:
    """The newest committed version, or None before the first commit."""
    return _numbered(rows, asset, None) if asset.newest else None


def _numbered(rows: Rows, asset: AssetRow, number: int | None) -> VersionRow:
    wanted = asset.newest if number is None else number
    found = rows.find(VersionRow, asset=asset.id, number=wanted, state="committed")
    if not found:
        raise NotFound(f"{asset.name} has no version {wanted}", next_step=f"See %versions {asset.name}.")
    return found[0]


def _begun_versions(rows: Rows, asset: str) -> bool:
    return bool(rows.find(VersionRow, asset=asset, state="begun", limit=1))


def _present(row: T | None) -> T:
    if row is None:
        raise NotFound("that is no longer here")
    return row


def _columns_detail(columns: Sequence[str]) -> dict[str, JSON]:
    if len(columns) <= _NAMED_COLUMNS and sum(map(len, columns)) <= 16_000:
        return {"columns": [clip(column, 200) for column in columns]}
    digest = hashlib.sha256("\0".join(columns).encode()).hexdigest()
    return {"columns": len(columns), "columns_sha256": digest}


def _ranges(start: int, stop: int) -> list[tuple[int, int]]:
    step = 8 * 1024 * 1024
    return [(at, min(at + step, stop)) for at in range(start, stop, step)]


def _path(object_id: str) -> str:
    return f"objects/{object_id[:2]}/{object_id}"


def _random_id() -> str:
    return secrets.token_hex(16)
