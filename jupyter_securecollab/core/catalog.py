"""The rows of the vault's state, and the questions asked of them.

Rows are frozen; a change is a new row put in place of the old. What a row does not list in `unlogged` is repeated in
the audit log, so that the log alone can rebuild and check the tables. No decisions here: see `policy`.
"""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar, Literal

from ..model import Can, Kind, Level, Role
from .ports import Row

PersonKind = Literal["person", "service", "agent"]


class PersonRow(Row, frozen=True):
    """An account. `epoch` grows whenever every session of the person must end. `token_sha256` is hex or empty."""

    table: ClassVar[str] = "person"
    key: ClassVar[tuple[str, ...]] = ("name",)
    unlogged: ClassVar[frozenset[str] | None] = frozenset()
    hashed: ClassVar[frozenset[str]] = frozenset({"password_hash", "token_sha256"})

    name: str
    kind: PersonKind
    clearance: Level
    roles: tuple[Role, ...]
    active: bool
    epoch: int
    acts_for: str | None = None
    password_hash: str = ""
    token_sha256: str = ""


class MembershipRow(Row, frozen=True):
    """One person's membership in one group (named without @)."""

    table: ClassVar[str] = "membership"
    key: ClassVar[tuple[str, ...]] = ("group", "person")
    unlogged: ClassVar[frozenset[str] | None] = frozenset()

    group: str
    person: str


class OriginRow(Row, frozen=True):
    """Which account of an identity provider outside a person is: `made` is when that one says it was made.

    Another value is another human under the same name. Empty: the next one of that name is taken for this person.
    """

    table: ClassVar[str] = "origin"
    key: ClassVar[tuple[str, ...]] = ("person",)
    unlogged: ClassVar[frozenset[str] | None] = frozenset()

    person: str
    made: str


class AssetRow(Row, frozen=True):
    """A named thing that is shared. `newest` is the number of its newest committed version, 0 before the first."""

    table: ClassVar[str] = "asset"
    key: ClassVar[tuple[str, ...]] = ("id",)
    unlogged: ClassVar[frozenset[str] | None] = frozenset()

    id: str
    name: str
    kind: Kind
    owner: str
    title: str
    withdrawn: bool
    newest: int
    changed: datetime


class VersionRow(Row, frozen=True):
    """One version. Begun versions are invisible; `number` is given at commit.

    `manifest` is the top manifest; its hash stands in the log. `access` is what is to be given at commit, as JSON.
    `size` is not logged, because all who open get the entry of the commit: it would tell how much lies above them.
    A version found to be the newest one over again is "unchanged", under the number of that one.
    """

    table: ClassVar[str] = "version"
    key: ClassVar[tuple[str, ...]] = ("id",)
    unlogged: ClassVar[frozenset[str] | None] = frozenset({"manifest", "access", "fingerprint", "size"})

    id: str
    asset: str
    number: int
    state: Literal["begun", "committed", "unchanged", "abandoned", "shredded"]
    by: str
    begun: datetime
    levels: tuple[Level, ...]
    committed: datetime | None = None
    entry: int | None = None
    size: int = 0
    manifest_sha256: str = ""
    manifest: bytes = b""
    fingerprint: bytes = b""
    access: str = ""


class LevelRow(Row, frozen=True):
    """The manifest of one level of a version; vouched for by the hash in the top manifest."""

    table: ClassVar[str] = "level_manifest"
    key: ClassVar[tuple[str, ...]] = ("version", "level")
    unlogged: ClassVar[frozenset[str] | None] = None

    version: str
    level: Level
    manifest: bytes


class PartRow(Row, frozen=True):
    """Where one sealed part lies. `object` is a random id, never used twice; the level manifest vouches
    for what it holds."""

    table: ClassVar[str] = "part"
    key: ClassVar[tuple[str, ...]] = ("version", "level", "partition")
    unlogged: ClassVar[frozenset[str] | None] = None

    version: str
    level: Level
    partition: int
    object: str
    size: int


class GrantRow(Row, frozen=True):
    """Access of one person or @group to one asset; `excluded` ends one person's access even through a group."""

    table: ClassVar[str] = "grant"
    key: ClassVar[tuple[str, ...]] = ("id",)
    unlogged: ClassVar[frozenset[str] | None] = frozenset()

    id: str
    asset: str
    grantee: str
    can: Can
    up_to: Level
    start: datetime | None
    until: datetime | None
    purposes: tuple[str, ...]
    excluded: bool
    given_by: str


class CorrectionRow(Row, frozen=True):
    """What one person said of columns with one fingerprint; `suggested` is what classification had said."""

    table: ClassVar[str] = "correction"
    key: ClassVar[tuple[str, ...]] = ("person", "fingerprint")
    unlogged: ClassVar[frozenset[str] | None] = frozenset()

    person: str
    fingerprint: str
    level: Level
    suggested: Level
    tag: str | None
    at: datetime


class JoinRow(Row, frozen=True):
    """One person's request for pseudonyms that join over a project, among columns of one level, and its answer."""

    table: ClassVar[str] = "join_request"
    key: ClassVar[tuple[str, ...]] = ("id",)
    unlogged: ClassVar[frozenset[str] | None] = frozenset()

    id: str
    project: str
    name: str
    level: Level
    person: str
    because: str
    asked: datetime
    state: Literal["asked", "allowed", "refused"]
    by: str | None = None
    decided: datetime | None = None


class JoinedRow(Row, frozen=True):
    """An asset for which the key of such pseudonyms was given out."""

    table: ClassVar[str] = "joined"
    key: ClassVar[tuple[str, ...]] = ("project", "name", "level", "asset")
    unlogged: ClassVar[frozenset[str] | None] = frozenset()

    project: str
    name: str
    level: Level
    asset: str


class KekRow(Row, frozen=True):
    """One version of a project's key-encryption key, wrapped under the root key."""

    table: ClassVar[str] = "project_key"
    key: ClassVar[tuple[str, ...]] = ("project", "number")
    unlogged: ClassVar[frozenset[str] | None] = None

    project: str
    number: int
    wrapped: bytes


class DataKeyRow(Row, frozen=True):
    """A key wrapped under a project key: the data key of (version, level), or a key of an asset.

    `owner` is a version id or an asset id; `purpose` is `level:secret`, `mask:secret` or `fingerprint`.
    Keys of the vault itself have names no asset can have: see `labels` and `executions`.
    """

    table: ClassVar[str] = "data_key"
    key: ClassVar[tuple[str, ...]] = ("owner", "purpose")
    unlogged: ClassVar[frozenset[str] | None] = None

    owner: str
    purpose: str
    project: str
    number: int
    wrapped: bytes


class EntryRow(Row, frozen=True):
    """One leaf of the audit log: `body` is the canonical JSON that is hashed; the rest repeats it for searching."""

    table: ClassVar[str] = "entry"
    key: ClassVar[tuple[str, ...]] = ("index",)
    unlogged: ClassVar[frozenset[str] | None] = None

    index: int
    at: datetime
    act: str
    actor: str
    asset: str | None
    body: bytes


class TileRow(Row, frozen=True):
    """A full tile of 256 hashes of the Merkle tree, as in C2SP tlog-tiles."""

    table: ClassVar[str] = "tile"
    key: ClassVar[tuple[str, ...]] = ("level", "index")
    unlogged: ClassVar[frozenset[str] | None] = None

    level: int
    index: int
    hashes: bytes


class CheckpointRow(Row, frozen=True):
    """A signed checkpoint, stored in the transaction that made it true."""

    table: ClassVar[str] = "checkpoint"
    key: ClassVar[tuple[str, ...]] = ("size",)
    unlogged: ClassVar[frozenset[str] | None] = None

    size: int
    note: str


class ExecutionRow(Row, frozen=True):
    """One record of an execution: `body` is what was hashed into the log's entry `entry`; the rest is for searching."""

    table: ClassVar[str] = "execution"
    key: ClassVar[tuple[str, ...]] = ("seq",)
    unlogged: ClassVar[frozenset[str] | None] = None

    seq: int
    entry: int
    at: datetime
    what: str
    run: str
    who: str | None
    notebook: str | None
    body: str


class CodeRow(Row, frozen=True):
    """What is kept of the code of one record, by its number: sealed or salted; the record holds its SHA-256."""

    table: ClassVar[str] = "execution_code"
    key: ClassVar[tuple[str, ...]] = ("seq",)
    unlogged: ClassVar[frozenset[str] | None] = None

    seq: int
    kept: bytes


class AnswerRow(Row, frozen=True):
    """What a person had done under a key of his own for one request, with the entry that says so: see `once`.

    `request` is hex, of the request and who made it; `said` the operation's value as JSON, without any key.
    """

    table: ClassVar[str] = "answer"
    key: ClassVar[tuple[str, ...]] = ("entry",)
    unlogged: ClassVar[frozenset[str] | None] = None

    entry: int
    person: str
    once: str
    request: str
    at: datetime
    said: str


ROWS: tuple[type[Row], ...] = (
    PersonRow, MembershipRow, AssetRow, VersionRow, LevelRow, PartRow, GrantRow, CorrectionRow, JoinRow, JoinedRow,
    KekRow, DataKeyRow, EntryRow, TileRow, CheckpointRow, ExecutionRow, CodeRow, OriginRow,
    AnswerRow,
)  # fmt: skip
