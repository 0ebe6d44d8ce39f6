"""What tests put into vaults: people, a clock to turn, and sealed content made by hand.

The content has honest manifests and sizes but random bytes for ciphertext: a vault cannot tell, and must not need to.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jupyter_securecollab.adapters.keyfile import KeyFile, secret_file
from jupyter_securecollab.adapters.objects import ObjectFolder
from jupyter_securecollab.adapters.sql import SqlStore
from jupyter_securecollab.core.collaboration import Collaboration, Settings
from jupyter_securecollab.manifest import (
    ArrowType,
    Batch,
    Frame,
    LevelManifest,
    Stream,
    TopManifest,
    encode,
    level_hash,
    sealed_size,
    select,
    verify,
)  # fmt: skip
from jupyter_securecollab.model import AccessSpec, Begun, Caller, Committed, Kind, Label, Level, Opened
from jupyter_securecollab.proofs import Entry, LogSigner, parse_entry

PUBLIC, INTERNAL, CONFIDENTIAL, SECRET = Level
PATIENTS = "oncology/patients"
DAY = timedelta(days=1)
MOMENT = timedelta(milliseconds=1)

ROOT = Caller("root", "cli", "s-root")
ALICE = Caller("alice", "kernel", "s-alice")
BOB = Caller("bob", "kernel", "s-bob")
CAROL = Caller("carol", "kernel", "s-carol")
DANA = Caller("dana", "kernel", "s-dana")
EVE = Caller("eve", "kernel", "s-eve")

MIXED: Mapping[str, Level] = {"id": INTERNAL, "ssn": SECRET, "age": INTERNAL}
"""Columns of the frame tests share unless they say otherwise; `ssn` has a masked copy."""


class Hands:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def turn(self, by: timedelta) -> None:
        self.now += by


@dataclass(frozen=True)
class Parcel:
    """Sealed content, ready to be uploaded and committed."""

    top: bytes
    levels: dict[Level, bytes]
    parts: dict[tuple[Level, int], bytes]
    fingerprint: bytes

    def changed(self, **fields: Any) -> Parcel:
        return replace(self, **fields)


def noise(seed: str, size: int) -> bytes:
    """The same random-looking bytes for the same seed."""
    return hashlib.shake_256(seed.encode()).digest(size)


def parcel(
    begun: Begun,
    columns: Mapping[str, Level] = MIXED,
    *,
    content: str = "first",
    size: int = 40,
    kind: Kind = "frame",
    how: str = "redact",
    twins: Level = SECRET,
) -> Parcel:
    """A frame with these columns, or a file of one stream; those at level `twins` have a masked copy at internal."""
    parts, levels = {}, {}
    for level in sorted(begun.keys):
        streams, data = _streams(level, columns, content + begun.version, size, kind, how, twins)
        frame = Frame("pandas") if kind == "frame" else None
        rows = 3 if kind == "frame" else 0
        levels[level] = encode(LevelManifest(1, level, noise(f"salt{level}{begun.version}", 32), rows, streams, frame))
        if data:
            parts[level, 0] = data
    top = TopManifest(1, begun.asset, begun.version, kind, {level: level_hash(one) for level, one in levels.items()})
    fingerprint = hashlib.sha256(begun.fingerprint_key + content.encode()).digest()
    return Parcel(encode(top), levels, parts, fingerprint)


def _streams(
    level: Level, columns: Mapping[str, Level], seed: str, size: int, kind: Kind, how: str, twins: Level
) -> tuple[tuple[Stream, ...], bytes]:
    wanted = _columns_at(level, columns, how, twins) if kind == "frame" else [("", 0, None)]
    streams: list[Stream] = []
    data = b""
    for number, (column, position, masked) in enumerate(wanted):
        piece = noise(f"{seed}{level}{column}", sealed_size(size))
        streams.append(
            Stream(
                number=number, role="column" if kind == "frame" else "blob", offset=len(data), size=len(piece),
                sha256=hashlib.sha256(piece).digest(), batches=(Batch(3 if kind == "frame" else 0, size, size),),
                column=column, position=position, label=Label(level), masked=masked,
                type=ArrowType("string") if kind == "frame" else None,
            )
        )  # fmt: skip
        data += piece
    return tuple(streams), data


def _columns_at(
    level: Level, columns: Mapping[str, Level], how: str, twins: Level
) -> Iterator[tuple[str, int, str | None]]:
    position = 0
    for column, own in columns.items():
        twin = own == twins and level == INTERNAL
        if own == level or twin:
            yield column, position, how if twin else None
        if own <= level or (own == twins and level >= INTERNAL):
            position += 1


class Vault:
    """A real vault in a folder: SQLite, files, key files, and a clock of ours."""

    def __init__(self, folder: Path, settings: Settings | None = None) -> None:
        self.folder = folder
        self.clock = Hands()
        self.settings = settings or Settings()
        self.door = self.opened()

    def opened(self) -> Collaboration:
        """The door, as a process that starts now opens it."""
        log_key = secret_file(self.folder / "log.key", may_create=True)
        return Collaboration(
            store=SqlStore(f"sqlite:///{self.database}"),
            signer=LogSigner(Ed25519PrivateKey.from_private_bytes(log_key), "vault"),
            objects=ObjectFolder(self.folder),
            key_service=KeyFile(secret_file(self.folder / "root.key", may_create=True)),
            settings=self.settings,
            clock=self.clock,
        )

    @property
    def database(self) -> Path:
        return self.folder / "vault.sqlite"

    def restart(self) -> None:
        self.door.close()
        self.door = self.opened()

    def found(self) -> None:
        """Root the administrator, alice the owner, bob of the analysts, carol the auditor, dana the steward, eve."""
        self.door.found("root")
        for name, clearance, roles in (
            ("alice", SECRET, ("member",)), ("bob", INTERNAL, ("member",)), ("carol", INTERNAL, ("auditor",)),
            ("dana", SECRET, ("member", "steward")), ("eve", INTERNAL, ("member",)),
        ):  # fmt: skip
            self.door.add_user(ROOT, name=name, clearance=clearance, roles=roles)
        self.door.add_member(ROOT, group="analysts", person="bob")

    def share(
        self,
        who: Caller = ALICE,
        name: str = PATIENTS,
        *,
        to: str | None = None,
        columns: Mapping[str, Level] = MIXED,
        content: str = "first",
        kind: Kind = "frame",
        levels: tuple[Level, ...] = (INTERNAL, SECRET),
        how: str = "redact",
        **access: Any,
    ) -> Committed:
        """Share through the door: begin, upload, commit; access to one person or group if `to` names it."""
        spec = AccessSpec(people=(to,), **access) if to else None
        begun = self.door.begin(who, name=name, kind=kind, levels=levels, access=spec)
        made = parcel(begun, columns, content=content, kind=kind, how=how)
        self.upload(who, begun, made)
        return self.commit(who, begun, made)

    def upload(self, who: Caller, begun: Begun, made: Parcel) -> None:
        for (level, partition), data in made.parts.items():
            upload = self.door.upload(who, version=begun.version, level=level, partition=partition)
            upload.write(data)
            upload.finish()

    def commit(self, who: Caller, begun: Begun, made: Parcel) -> Committed:
        return self.door.commit(
            who, version=begun.version, manifest=made.top, levels=made.levels, fingerprint=made.fingerprint
        )

    def grant(self, *people: str, by: Caller = ALICE, name: str = PATIENTS, **access: Any) -> None:
        self.door.grant(by, name=name, access=AccessSpec(people=people, **access))

    def read(self, who: Caller, opened: Opened) -> dict[str, bytes]:
        """Fetch every stream an open gave keys for, checking each against the manifests; by level and column."""
        top = verify_top(opened)
        found = {}
        for level, streams in select(top, None).items():
            for stream in streams:
                if (level, stream.number) not in {(key.level, key.stream) for key in opened.keys}:
                    continue
                data = self.part(who, opened, level, stream.offset, stream.offset + stream.size)
                assert hashlib.sha256(data).digest() == stream.sha256
                found[f"{level}:{stream.column}"] = data
        return found

    def part(
        self, who: Caller, opened: Opened, level: Level, start: int = 0, stop: int = 1, lease: str | None = None
    ) -> bytes:
        lease = opened.lease if lease is None else lease
        return self.door.read_part(
            who, version=opened.version, level=level, partition=0, start=start, stop=stop, lease=lease
        )

    def entries(self) -> list[Entry]:
        """The log as it lies in the database."""
        return [parse_entry(bytes(body)) for (body,) in self.sql('SELECT body FROM entry ORDER BY "index"')]

    def sql(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """What somebody with the database file can do."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            return connection.execute(statement, values).fetchall()

    def objects(self) -> list[Path]:
        """Every file in the object store, finished or not."""
        return sorted(path for path in self.folder.glob("objects/**/*") if path.is_file())


def verify_top(opened: Opened) -> dict[Level, LevelManifest]:
    """The level manifests of what was opened, checked as a reader does."""
    from jupyter_securecollab.manifest import parse_top

    return verify(parse_top(opened.manifest), opened.levels)
