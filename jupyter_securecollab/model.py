"""The vocabulary as frozen types: what the parts of the system say to each other.

No behaviour beyond parsing and comparing; no IO. Times are timezone-aware UTC datetimes in whole milliseconds,
levels are `Level`, hashes and keys are `bytes` (base64 in JSON).
"""

from __future__ import annotations

import difflib
import re
import threading
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Literal, TypeVar

import msgspec

from .errors import InvalidName, UnknownLevel


class Level(StrEnum):
    """How sensitive; ordered. Compares by rank, travels by name."""

    PUBLIC = "public"
    INTERNAL = "internal"
    CONFIDENTIAL = "confidential"
    SECRET = "secret"

    @property
    def rank(self) -> int:
        """0 for the lowest level, 3 for the highest."""
        return _RANK[self.value]

    def __lt__(self, other: str) -> bool:
        return self.rank < Level(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Level(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Level(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Level(other).rank

    @classmethod
    def parse(cls, text: str) -> Level:
        """The level a person typed; raises `UnknownLevel` suggesting the nearest."""
        try:
            return cls(text.strip().lower())
        except ValueError:
            names = [level.value for level in cls]
            near = difflib.get_close_matches(text.strip().lower(), names, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"The levels are {', '.join(names)}."
            raise UnknownLevel(f"{clip(text)!r} is not a level", next_step=hint) from None


T = TypeVar("T")
_RANK = {level.value: rank for rank, level in enumerate(Level)}

Kind = Literal["frame", "model", "file"]
Can = Literal["open", "update", "manage"]
Role = Literal["member", "steward", "auditor", "admin"]
ROLES: tuple[Role, ...] = ("member", "steward", "auditor", "admin")
Via = Literal["browser", "kernel", "token", "cli", "service"]
"""How somebody asks. `token`: a personal one, or one of JupyterHub: scripts, kernels no server of ours started."""


_PART = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9])?"
_ASSET = re.compile(f"{_PART}/{_PART}")
_PERSON = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@+-]{0,126}[A-Za-z0-9])?")


def asset_name(text: str) -> str:
    """`text` if it is a well-formed `project/name`, else `InvalidName`. Names never become paths all the same."""
    if not _ASSET.fullmatch(text) or ".." in text:
        raise InvalidName(f"{clip(text)!r} is not a name for something shared")
    return text


def grantee_name(text: str) -> str:
    """`text` if it is a well-formed person or `@group` name, else `InvalidName`."""
    if not _PERSON.fullmatch(text.removeprefix("@")):
        step = "Write a user name, or @ and a group name; several with spaces between them."
        raise InvalidName(f"{clip(text)!r} is not a person or group", next_step=step)
    return text


def clip(text: str, limit: int = 80) -> str:
    """Enough of an untrusted text to recognise it in a message."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


_building = threading.Lock()


@cache
def _decoder(kind: Any) -> Any:
    return msgspec.json.Decoder(kind)


def decode(data: bytes | bytearray | str, kind: type[T]) -> T:
    """JSON as a value of this type. Raises `msgspec.DecodeError`.

    One thread at a time has msgspec look at a type: two that do so at once can crash the interpreter.
    """
    looked_up: Any = kind
    with _building:
        decoder = _decoder(looked_up)
    try:
        found: T = decoder.decode(data)
    except RecursionError:
        raise msgspec.DecodeError("nested too deeply") from None
    return found


class Value(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of all values: immutable, compared by content, unknown fields refused."""


class Confidential(Value, frozen=True):
    """A value that holds keys or passwords: printed without its fields, so that no log or notebook shows them."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class Label(Value, frozen=True):
    """What is known of a column or object. `evidence` never holds raw values."""

    level: Level = Level.INTERNAL
    tag: str | None = None
    confidence: float = 0.0
    evidence: str = ""
    confirmed_by: str | None = None


class Vouched(Value, frozen=True):
    """What an identity provider outside (JupyterHub) says of a person, with the one token a request came with.

    `roles` are those this token carries, `groups` (names without @) those the person is in: neither counts beyond this,
    whatever the vault has on record.
    """

    roles: tuple[Role, ...]
    groups: tuple[str, ...]


class Caller(Value, frozen=True):
    """Who asks, as established by the server: never built from what a client claims.

    `also` are further people whose own permission caps the answer (a kernel they executed in, the person an agent
    acts for): every one of them must be allowed. `session` names the token or cookie a lease is bound to. `vouched`
    caps the caller himself, where people come from an identity provider outside. `recorder`: no person, but a server
    that reports what people execute; `recorder_name` is its name then.
    """

    name: str
    via: Via
    session: str
    also: tuple[str, ...] = ()
    kernel: str | None = None
    vouched: Vouched | None = None
    recorder: bool = False


def recorder_name(service: str) -> str:
    """What a recorder is called that an identity provider knows under this name: no person can be called so."""
    return f"recorder:{service}"


class Account(Confidential, frozen=True):
    """What signing in needs to know of a person. A session lasts while `active` holds and `epoch` stays the same."""

    name: str
    active: bool
    epoch: int
    password_hash: str = ""


class Unmet(Value, frozen=True):
    """One condition that was not met, with the id of the policy that asks for it."""

    policy: str
    text: str


class Decision(Value, frozen=True):
    """Allow or deny, the policies that determined it, everything that was missing, and what to do next."""

    allow: bool
    policies: tuple[str, ...]
    unmet: tuple[Unmet, ...] = ()
    next_step: str = ""


Name = Annotated[str, msgspec.Meta(max_length=160)]
Text = Annotated[str, msgspec.Meta(max_length=2000)]


Tag = Annotated[str, msgspec.Meta(pattern="^[a-z][a-z0-9_]{0,63}$")]
Fingerprint = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
"""Names columns of one sort without telling what they are called: keyed, in hex (`frames.fingerprint`)."""


class AccessSpec(Value, frozen=True):
    """Access somebody wants to give along with a share. `people` are user names or `@group`s."""

    people: Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=1000)]
    can: Can = "open"
    up_to: Level = Level.INTERNAL
    start: datetime | None = None
    until: datetime | None = None
    purposes: Annotated[tuple[Name, ...], msgspec.Meta(max_length=20)] = ()
    because: Text = ""


class Access(Value, frozen=True):
    """One line of who may do what with an asset."""

    id: str
    grantee: str
    can: Can
    up_to: Level
    start: datetime | None
    until: datetime | None
    purposes: tuple[str, ...]
    excluded: bool
    given_by: str
    state: Literal["active", "not yet", "over", "owner", "excluded"]


class Who(Value, frozen=True):
    """The caller as the vault knows him, and what kind of protection this vault gives."""

    name: str
    clearance: Level
    roles: tuple[Role, ...]
    groups: tuple[str, ...]
    vault: str
    deployment: Literal["embedded", "service"]
    log_key: str
    default_up_to: Level


class Directory(Value, frozen=True):
    """Whom one can share with: active people, and groups without the @."""

    people: tuple[str, ...]
    groups: tuple[str, ...]


class AssetSummary(Value, frozen=True):
    """What a person may know of an asset without opening it. `up_to` is what opening would show at most."""

    id: str
    name: str
    kind: Kind
    owner: str
    title: str
    up_to: Level
    can: Can
    mine: bool
    number: int
    changed: datetime
    until: datetime | None


class VersionSummary(Value, frozen=True):
    """One committed version. `levels` are those up to the caller's reading level."""

    id: str
    number: int
    by: str
    committed: datetime
    levels: tuple[Level, ...]
    size: int


class LogHead(Value, frozen=True):
    """The newest signed checkpoint, and the proof that it extends the one the client has seen."""

    checkpoint: str
    consistency: tuple[bytes, ...] = ()


class Receipt(Value, frozen=True):
    """Proof that an entry is in the log: the entry, its index, the inclusion path and a signed checkpoint."""

    index: int
    entry: bytes
    path: tuple[bytes, ...]
    checkpoint: str


class Join(Value, frozen=True):
    """Pseudonyms under this name join over a whole project, among columns of this level."""

    name: Name
    level: Level


class JoinKey(Confidential, frozen=True):
    """The key of such pseudonyms: whoever has it can find out, by trying, whose they are."""

    join: Join
    key: bytes


class Joining(Value, frozen=True):
    """Somebody's request to use such pseudonyms, and what became of it. `name` is `project/name`.

    `assets` are those masked with them already, and `holders` all others who have the key: for stewards alone.
    """

    id: str
    name: str
    level: Level
    person: str
    because: str
    asked: datetime
    state: Literal["asked", "allowed", "refused"]
    by: str | None
    decided: datetime | None
    assets: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()


class Begun(Confidential, frozen=True):
    """A version begun: where to put it and what to seal it with."""

    asset: str
    version: str
    keys: dict[Level, bytes]
    mask_keys: dict[Level, bytes]
    fingerprint_key: bytes
    join_keys: tuple[JoinKey, ...] = ()


class Committed(Value, frozen=True):
    """A version committed (or found unchanged), with who got what."""

    asset: str
    name: str
    version: str
    number: int
    unchanged: bool
    access: tuple[Access, ...]
    receipt: Receipt


class StreamKey(Confidential, frozen=True):
    """The key of one stream of one level."""

    level: Level
    stream: int
    key: bytes


class Opened(Confidential, frozen=True):
    """Everything a reader needs to fetch and open exactly what he may see.

    `manifest` is the top manifest, `levels` the level manifests up to `up_to`; all bytes are to be verified by the
    reader against `committed`, the receipt of the commit. `lease` goes with every part read. `columns` are those the
    keys are for where they are fewer than asked for: the newest version holds the others above the reader. `files` are
    the files of each level's partitions, for a kernel on the vault's own machine: it may read the ciphertext there.
    """

    asset: str
    name: str
    kind: Kind
    owner: str
    version: str
    number: int
    up_to: Level
    until: datetime | None
    manifest: bytes
    levels: dict[Level, bytes]
    keys: tuple[StreamKey, ...]
    lease: str
    lease_until: datetime
    committed: Receipt
    receipt: Receipt
    columns: tuple[str, ...] | None = None
    files: dict[Level, tuple[str, ...]] = {}


class Unmasked(Confidential, frozen=True):
    """The key that opens the tokens of one column of a version, and the level at which that counts as an open."""

    asset: str
    name: str
    number: int
    column: str
    level: Level
    key: bytes
    receipt: Receipt


class Changed(Value, frozen=True):
    """Access given or ended: the table as it now is, who had opened it before, and the receipt."""

    name: str
    access: tuple[Access, ...]
    opened_by: tuple[str, ...]
    receipt: Receipt


class Shredded(Value, frozen=True):
    """Versions destroyed, by number, and the receipt."""

    name: str
    numbers: tuple[int, ...]
    receipt: Receipt


class LabelKey(Confidential, frozen=True):
    """The key under which columns get their fingerprints, the same for everybody who shares here."""

    key: bytes
    receipt: Receipt


class Correction(Value, frozen=True):
    """What a person says of all columns with one fingerprint. `suggested` is the level classification gave then."""

    fingerprint: Fingerprint
    level: Level
    suggested: Level
    tag: Tag | None = None


class Remembered(Value, frozen=True):
    """A correction, by whom and when."""

    correction: Correction
    by: str
    at: datetime


class Corrected(Value, frozen=True):
    """Corrections remembered and forgotten: how many, and the receipt."""

    remembered: int
    forgotten: int
    receipt: Receipt


class EntryView(Value, frozen=True):
    """One log entry for display; `body` is the canonical JSON that was hashed."""

    index: int
    body: bytes
