"""What vault and kernel agree on about a sealed version: manifests, stream keys and contexts, who needs which stream.

Bytes are unverified until `parse_top`, `parse_level` or `verify` returns them as types; all three raise. Canonical
JSON (RFC 8785) has one spelling per value, so re-encoding what was read and comparing refuses every other one.
Pure: no data library, no IO. The format in words: docs/spec/sealed.md.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from hmac import compare_digest
from typing import Annotated, Literal, TypeVar

import msgspec
import rfc8785
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Meta

from .errors import LimitExceeded, NotFound, SealBroken, UnknownFormat
from .model import Kind, Label, Level, Value, clip, decode

FORMAT = 1
BATCH_ROWS = 262_144

# Limits no honest writer reaches; a manifest past them is refused before anything is allocated (sealed.md 7).
MANIFEST_BYTES = 32 * 2**20
STREAMS = 65_536
ROWS = 2**40
BATCH_RAW = 2**30
META_RAW = 2**25
OBJECT_SIZE = 2**50

Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Digest = Annotated[bytes, Meta(min_length=32, max_length=32)]
# A name of the time zone database or an offset. pandas takes `dateutil/...` for the path of a file to read.
ZONE = r"\A(?!dateutil/)(?:[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+)*|[+-][0-9]{2}:[0-9]{2})?\Z"
Zone = Annotated[str, Meta(max_length=64, pattern=ZONE)]
Role = Literal["column", "index", "range", "categories", "meta", "blob"]
TypeName = Literal[
    "null", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float16", "float32", "float64",
    "string", "large_string", "binary", "large_binary", "fixed_size_binary",
    "decimal32", "decimal64", "decimal128", "decimal256",
    "date32", "date64", "time32", "time64", "timestamp", "duration", "month_day_nano_interval",
    "list", "large_list", "fixed_size_list", "struct", "map",
]  # fmt: skip


class ArrowType(Value, frozen=True, omit_defaults=True):
    """An Arrow type, by name. `width` is bytes of fixed-size binary, or items of a fixed-size list."""

    name: TypeName
    unit: Literal["", "s", "ms", "us", "ns"] = ""
    zone: Zone = ""
    width: Count = 0
    precision: Count = 0
    scale: int = 0
    sorted: bool = False
    fields: tuple[Field, ...] = ()


class Field(Value, frozen=True, omit_defaults=True):
    """A child of a nested Arrow type."""

    name: str
    type: ArrowType
    nullable: bool = True


class Held(Value, frozen=True, omit_defaults=True):
    """What the values were in the frame's own library, where the Arrow type alone does not say it.

    `missing` is the object that stands for a missing value; `ordered` is for categories. Libraries parse these texts,
    in more than linear time: they are short.
    """

    kind: Annotated[str, Meta(max_length=32)]
    detail: Annotated[str, Meta(max_length=200)] = ""
    missing: Literal["", "None", "nan", "NA"] = ""
    ordered: bool = False


class Batch(Value, frozen=True):
    """One record batch, or one chunk of a blob: rows, bytes before and after compression."""

    rows: Count
    raw: Count
    packed: Count


class Stream(Value, frozen=True, omit_defaults=True):
    """One sealed message inside one object.

    `position` counts among what a reader at this level sees. `categories` is the number of the stream, in the same
    level, that holds the categories of these codes. `masked` says how a masked copy was made; None means clear.
    """

    number: Count
    role: Role
    offset: Count
    size: Count
    sha256: Digest
    batches: tuple[Batch, ...]
    partition: Count = 0
    column: str = ""
    column_kind: Literal["str", "int", "none"] = "str"
    position: Count = 0
    label: Label | None = None
    masked: str | None = None
    type: ArrowType | None = None
    nullable: bool = True
    held: Held | None = None
    categories: Count | None = None
    origin: str | None = None


class Frame(Value, frozen=True, omit_defaults=True):
    """Facts of a frame as a reader at this level sees it: its library, and what the column axis is made of."""

    library: Literal["pandas", "polars", "pyarrow"]
    axis: Literal["str", "object", "int64", "range"] = "str"


class LevelManifest(Value, frozen=True, omit_defaults=True):
    """Everything stored at one level. The salt keeps its hash from telling what it says."""

    format: Count
    level: Level
    salt: Digest
    rows: Count
    streams: tuple[Stream, ...]
    frame: Frame | None = None


class TopManifest(Value, frozen=True, omit_defaults=True):
    """One version: which levels it has, each vouched for by the hash of its level manifest."""

    format: Count
    asset: str
    version: str
    kind: Kind
    levels: dict[Level, Digest]
    parents: Annotated[tuple[Annotated[str, Meta(max_length=64)], ...], Meta(max_length=1000)] = ()
    signatures: Annotated[tuple[str, ...], Meta(max_length=0)] = ()
    recipients: Annotated[tuple[str, ...], Meta(max_length=0)] = ()


class Placed(Value, frozen=True):
    """A stream and the level it is stored at."""

    level: Level
    stream: Stream


class Visible(Value, frozen=True):
    """What a reader of some level manifests sees: index levels and columns in order, and what is not tabular."""

    index: tuple[Placed, ...]
    columns: tuple[Placed, ...]
    others: tuple[Placed, ...]


M = TypeVar("M", TopManifest, LevelManifest)


class _Probe(msgspec.Struct):
    format: int


class _Name(msgspec.Struct):
    role: Role
    column: str = ""
    masked: str | None = None


class _Names(msgspec.Struct):
    streams: tuple[_Name, ...]


def encode(manifest: TopManifest | LevelManifest) -> bytes:
    """Canonical bytes (RFC 8785)."""
    return rfc8785.dumps(msgspec.to_builtins(manifest, str_keys=True))


def level_hash(level_bytes: bytes) -> bytes:
    """What the top manifest holds for these level manifest bytes."""
    return sha256(b"securecollab/sealed/v1/level\x00" + level_bytes).digest()


def top_hash(manifest_bytes: bytes) -> bytes:
    """What the log entry of the commit holds for these top manifest bytes."""
    return sha256(b"securecollab/sealed/v1/top\x00" + manifest_bytes).digest()


def stream_key(level_key: bytes, number: int) -> bytes:
    """The key of one stream, derived from its level's key."""
    info = b"securecollab/sealed/v1/stream" + struct.pack(">I", number)
    return HKDF(SHA256(), 32, salt=None, info=info).derive(level_key)


def stream_context(asset: str, version: str, level: Level, partition: int, number: int) -> bytes:
    """What a stream is bound to: each part as UTF-8 behind its length, format version first."""
    parts = [str(FORMAT), asset, version, level.value, str(partition), str(number)]
    encoded = [part.encode() for part in parts]
    return b"".join(struct.pack(">I", len(part)) + part for part in encoded)


def sealed_size(plain: int) -> int:
    """Bytes that sealing makes of `plain` bytes: salt, commitment, and a tag per 16 KiB and for the last chunk."""
    return 24 + 32 + plain + 16 * (plain // 16_384 + 1)


def parse_top(manifest_bytes: bytes) -> TopManifest:
    """The top manifest, if these are canonical bytes of a known format; says nothing about who vouches for it."""
    return _canonical(manifest_bytes, TopManifest)


def parse_level(level_bytes: bytes, expected_hash: bytes) -> LevelManifest:
    """The level manifest, if these are the bytes the top manifest vouches for and they make sense."""
    if not compare_digest(level_hash(level_bytes), expected_hash):
        raise SealBroken()
    level = _canonical(level_bytes, LevelManifest)
    _check_limits(level)
    _check_streams(level)
    part_sizes(level)
    return level


def stored_level(level_bytes: bytes) -> LevelManifest:
    """A level manifest that was verified when it was stored and whose hash was checked since."""
    return decode(level_bytes, LevelManifest)


def clear_names(level_bytes: bytes) -> frozenset[str]:
    """The columns and index levels that a stored level manifest holds in the clear; of a blob its empty name."""
    streams = decode(level_bytes, _Names).streams
    return frozenset(one.column for one in streams if one.masked is None and one.role not in ("categories", "meta"))


def verify(top: TopManifest, level_bytes: Mapping[Level, bytes]) -> dict[Level, LevelManifest]:
    """All given level manifests, checked against the top manifest and each other."""
    levels = {}
    for name in sorted(level_bytes):
        level = parse_level(level_bytes[name], top.levels.get(name, b""))
        is_frame = top.kind == "frame"
        if level.level != name or (level.frame is not None) != is_frame:
            raise SealBroken()
        if any((stream.role == "blob") == is_frame for stream in level.streams):
            raise SealBroken()
        levels[name] = level
    if len({(level.rows, level.frame.library if level.frame else None) for level in levels.values()}) > 1:
        raise SealBroken()
    visible(levels)
    return levels


def visible(levels: Mapping[Level, LevelManifest]) -> Visible:
    """What somebody who has these level manifests sees, masked copies replaced where the clear column is there."""
    index: list[Placed] = []
    columns: list[Placed] = []
    others: list[Placed] = []
    for name in sorted(levels):
        own = [Placed(name, stream) for stream in levels[name].streams]
        index = _merge(index, [one for one in own if one.stream.role in ("index", "range")])
        columns = _merge(columns, [one for one in own if one.stream.role == "column"])
        others += [one for one in own if one.stream.role in ("meta", "blob")]
    if len(index) > 1 and any(one.stream.role == "range" for one in index):
        raise SealBroken()
    return Visible(tuple(index), tuple(columns), tuple(others))


def choose(seen: Visible, columns: Sequence[str] | None) -> Visible:
    """What is seen with only these columns, in the order asked for.

    A column that does not exist and one above the reader's level raise the same `NotFound`.
    """
    if columns is None:
        return seen
    by_name = {one.stream.column: one for one in seen.columns}
    for column in columns:
        if column not in by_name:
            raise NotFound(
                f"there is no column {clip(column)!r} that you may read",
                next_step="Open it without --columns to see them all.",
            )
    return Visible(seen.index, tuple(by_name[column] for column in dict.fromkeys(columns)), seen.others)


def select(
    levels: Mapping[Level, LevelManifest], columns: Sequence[str] | None, withheld: Collection[str] = ()
) -> dict[Level, tuple[Stream, ...]]:
    """Exactly the streams a reader of these level manifests needs for these columns (None: all he may read).

    Clear columns named in `withheld` are as if they did not exist.
    """
    seen = visible(levels)
    kept = tuple(one for one in seen.columns if one.stream.masked is not None or one.stream.column not in withheld)
    chosen = choose(Visible(seen.index, kept, seen.others), columns)
    numbers: dict[Level, set[int]] = {name: set() for name in levels}
    for one in (*chosen.index, *chosen.columns, *chosen.others):
        numbers[one.level].add(one.stream.number)
        if one.stream.categories is not None:
            numbers[one.level].add(one.stream.categories)
    return {
        name: tuple(levels[name].streams[number] for number in sorted(found))
        for name, found in numbers.items()
        if found
    }


def raised(levels: Mapping[Level, LevelManifest], hidden: Collection[str]) -> tuple[frozenset[str], bool]:
    """What of a version is withheld when later ones hold `hidden` (from `clear_names`) above the reader.

    The names of such columns, and whether an index level or the object as a whole is among it: those cannot be left
    out of what he opens.
    """
    seen = visible(levels)
    columns = {one.stream.column for one in seen.columns if one.stream.masked is None}
    rest = [one for one in (*seen.index, *seen.others) if one.stream.masked is None and one.stream.role != "meta"]
    return frozenset(columns.intersection(hidden)), any(one.stream.column in hidden for one in rest)


def columns_of(streams: Iterable[Stream]) -> tuple[str, ...]:
    """The names of the index levels and columns among these streams, each once, sorted: for the log entry."""
    return tuple(sorted({stream.column for stream in streams if stream.role in ("column", "index", "range")}))


def part_sizes(level: LevelManifest) -> dict[int, int]:
    """Size of each object of this level; raises unless the streams fill it without gap or overlap."""
    sizes: dict[int, int] = {}
    for stream in level.streams:
        if stream.offset != sizes.get(stream.partition, 0):
            raise SealBroken()
        sizes[stream.partition] = stream.offset + stream.size
    return sizes


def _canonical(manifest_bytes: bytes, kind: type[M]) -> M:
    if len(manifest_bytes) > MANIFEST_BYTES:
        raise LimitExceeded("this manifest is larger than any honest one")
    try:
        version = decode(manifest_bytes, _Probe).format
        if version > FORMAT:
            raise UnknownFormat(f"sealed in format {version}; this release knows up to {FORMAT}")
        manifest = decode(manifest_bytes, kind)
        same = version == FORMAT and encode(manifest) == manifest_bytes
    except (msgspec.MsgspecError, rfc8785.CanonicalizationError, UnicodeError, RecursionError):
        raise SealBroken() from None
    if not same:
        raise SealBroken()
    return manifest


def _check_limits(level: LevelManifest) -> None:
    batches = [batch for stream in level.streams for batch in stream.batches]
    absurd = (
        len(level.streams) > STREAMS
        or level.rows > ROWS
        or any(stream.offset + stream.size > OBJECT_SIZE for stream in level.streams)
        or sum(batch.raw for stream in level.streams if stream.role == "meta" for batch in stream.batches) > META_RAW
        or any(batch.rows > BATCH_ROWS or batch.raw > BATCH_RAW or batch.packed > BATCH_RAW for batch in batches)
    )
    if absurd:
        raise LimitExceeded("this manifest declares more than any honest one would")


_START_STOP_STEP = 3


def _check_streams(level: LevelManifest) -> None:
    for number, stream in enumerate(level.streams):
        sound = (
            stream.number == number
            and stream.size == sealed_size(sum(batch.packed for batch in stream.batches))
            and (stream.role not in ("column", "index") or sum(batch.rows for batch in stream.batches) == level.rows)
            and (stream.role != "range" or sum(batch.rows for batch in stream.batches) == _START_STOP_STEP)
            and (stream.role in ("meta", "blob") or stream.type is not None)
            and (stream.label is None or stream.label.level == level.level)
            and (stream.categories is None or _is_categories(level, stream.categories))
        )
        if not sound:
            raise SealBroken()


def _is_categories(level: LevelManifest, number: int) -> bool:
    return number < len(level.streams) and level.streams[number].role == "categories"


def _merge(lower: list[Placed], own: list[Placed]) -> list[Placed]:
    """Insert one level's streams, ascending, at the positions they have among everything seen up to this level."""
    names = [one.stream.column for one in own]
    clear = {one.stream.column for one in own if one.stream.masked is None}
    merged = [one for one in lower if one.stream.masked is None or one.stream.column not in clear]
    taken = {one.stream.column for one in merged}
    if len(set(names)) != len(names) or not taken.isdisjoint(names):
        raise SealBroken()
    for one in sorted(own, key=lambda placed: placed.stream.position):
        if one.stream.position > len(merged):
            raise SealBroken()
        merged.insert(one.stream.position, one)
    return merged
