"""DataFrames: prepare, preview, seal, open. What a reader at a level gets is decided here, once, for all four.

`PreparedFrame.view` and `open_frame` build from the same batches with the same code, so a preview is what is opened.
No keys are made and nothing is fetched or stored here; the caller brings both.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import Any

import msgspec
import pyarrow as pa

from ..errors import CannotHold, NotFound, SealBroken
from ..manifest import FORMAT, META_RAW, Batch, Frame, LevelManifest, Placed, Role, Stream, Visible, choose, visible
from ..model import Label, Level, clip
from .arrow import batches, build, describe, is_sorted, refuse_too_large, width
from .columns import Axis, Column, FrameLibrary, Taken, library, library_of
from .opening import Payload, Unit, open_units, units, verified
from .sealing import Draft, DraftLevel, Sealing
from .streams import (
    DEFAULT_LIMITS,
    Allowance,
    Bound,
    Fetch,
    Keys,
    Limits,
    Progress,
    array_pieces,
    check_budget,
    opaque,
    read_arrays,
)

_NOTHING = bytes(32)
_NO_VALUES = pa.chunked_array([], pa.null())


@dataclass(frozen=True)
class Twin:
    """A masked copy: a column of the frame's own library, how it was masked, the level it is stored at."""

    values: Any
    how: str
    level: Level


@dataclass(frozen=True)
class _Slot:
    """A column or index level in the frame's order, in the clear and perhaps as a masked copy."""

    role: Role
    column: Column
    label: Label
    twin: Column | None = None
    how: str | None = None
    twin_level: Level | None = None

    def seen_at(self, level: Level) -> bool:
        return self.label.level <= level or (self.twin_level is not None and self.twin_level <= level)


@dataclass(frozen=True)
class _Built:
    """A column restored, its Arrow values let go; without a column, the frame's meta."""

    column: Column | None
    restored: Any


def prepare_frame(
    frame: Any, labels: Mapping[str, Label], twins: Mapping[str, Twin] = MappingProxyType({})
) -> PreparedFrame:
    """Convert a pandas, polars or pyarrow frame, ready to seal; raises `CannotHold` naming the column.

    `labels` and `twins` are by column name; index levels by their name, unnamed ones as `(index)`, or `(index 0)`,
    `(index 1)` and so on. What has no label is internal. A name the frame does not have is ignored in `labels`.
    """
    name = library_of(frame)
    taken = library(name).take(frame)
    axes: tuple[tuple[Role, tuple[Column, ...]], ...] = (("index", taken.index), ("column", taken.columns))
    slots = [
        _slot(library(name), taken.rows, role, column, labels, twins) for role, columns in axes for column in columns
    ]
    unknown = set(twins) - {slot.column.name for slot in slots}
    if unknown:
        raise CannotHold(f"there is a masked copy for {clip(min(unknown))!r}, which is not a column of this frame")
    return PreparedFrame(taken, slots)


def open_frame(
    opened_top: bytes,
    level_manifests: Mapping[Level, bytes],
    keys: Keys,
    fetch: Fetch,
    *,
    expected_top_hash: bytes | None,
    columns: Sequence[str] | None = None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress | None = None,
) -> Any:
    """The frame a reader of these level manifests may see, verified from the top manifest's hash down to each value.

    `fetch(level, partition, start, stop)` returns stored bytes and is called from several threads; `keys` are stream
    keys by (level, stream number). Raises `SealBroken`, `LimitExceeded`, `NotFound` for a column, and whatever `fetch`
    raises.
    """
    top, levels = verified(opened_top, level_manifests, expected_top_hash, "frame")
    chosen = choose(visible(levels), columns)
    wanted: list[Unit[_Built]] = units(levels, (*chosen.index, *chosen.columns, *chosen.others))
    with opaque():
        check_budget((stream for unit in wanted for stream in unit.streams), limits, _row_width)
    facts, rows = _facts(levels)
    bound = Bound(top.asset, top.version)
    build_one = partial(_build, library(facts.library), levels, rows, Allowance(limits))
    built = open_units(wanted, keys, fetch, bound, build_one, progress)
    return _assemble(facts, rows, chosen, built)


class PreparedFrame:
    """A frame converted and checked, not yet sealed. Holds the plaintext until it is dropped."""

    def __init__(self, taken: Taken, slots: Sequence[_Slot]) -> None:
        self._taken, self._slots = taken, tuple(slots)
        top = max([Level.INTERNAL, *(slot.label.level for slot in slots)])
        used = {slot.label.level for slot in slots} | {slot.twin_level for slot in slots if slot.twin_level}
        used |= {top} if taken.meta or not used else set()
        self._levels = {
            level: self._draft_level(level, meta=taken.meta if level == top else {}) for level in sorted(used)
        }

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels at which something is stored, lowest first."""
        return tuple(self._levels)

    @property
    def rows(self) -> int:
        """Rows, the same at every level."""
        return self._taken.rows

    def with_twins(self, twins: Mapping[str, Twin]) -> PreparedFrame:
        """The same frame with these masked copies as well; the columns are not converted again."""
        found, rows = library(self._taken.library), self._taken.rows
        slots = [
            _slot(found, rows, slot.role, slot.column, {slot.column.name: slot.label}, twins)
            if slot.column.name in twins
            else slot
            for slot in self._slots
        ]
        return PreparedFrame(self._taken, slots)

    def view(self, up_to: Level, rows: int | None = None) -> Any:
        """What a reader up to this level gets, or its first rows. Raises `NotFound` where that is nothing at all."""
        levels = {name: level.manifest for name, level in self._levels.items() if name <= up_to}
        if not levels:
            raise NotFound(f"nothing in it can be read up to {up_to}")
        facts, count = _facts(levels)
        count = count if rows is None else min(rows, count)
        chosen = visible(levels)
        build_one = partial(_build, library(facts.library), levels, count, Allowance(DEFAULT_LIMITS))
        wanted = (*chosen.index, *chosen.columns, *chosen.others)
        built = [build_one(one, partial(self._payload, one.level, count)) for one in wanted]
        return _assemble(facts, count, chosen, built)

    def sorted_by_hidden(self, up_to: Level) -> tuple[str, ...]:
        """Columns above this level by which the rows are sorted: the order tells their ranks to every reader."""
        hidden = [slot.column for slot in self._slots if slot.label.level > up_to]
        return tuple(column.name for column in hidden if not column.is_range and is_sorted(column.values))

    def seal(
        self,
        *,
        asset: str,
        version: str,
        keys: Mapping[Level, bytes],
        parents: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> Sealing:
        """Start sealing under one key per level of `levels`."""
        return Sealing("frame", self._levels, Bound(asset, version), keys, parents, progress)

    def _payload(self, level: Level, rows: int, stream: Stream) -> Iterable[tuple[Batch, pa.Buffer]]:
        draft = self._levels[level].drafts[stream.number]
        return ((Batch(count, len(raw), 0), raw) for count, raw in draft.pieces(rows))

    def _draft_level(self, level: Level, meta: Mapping[str, Any]) -> DraftLevel:
        drafts: list[Draft] = []
        position = {"index": 0, "column": 0}
        seen = [slot for slot in self._slots if slot.seen_at(level)]
        for slot in seen:
            if slot.label.level == level:
                _draft_column(drafts, slot.role, slot.column, position[slot.role], slot.label, None)
            elif slot.twin and slot.twin_level == level:
                _draft_column(drafts, slot.role, slot.twin, position[slot.role], Label(level=level), slot.how)
            position[slot.role] += 1
        if meta:
            drafts.append(_draft_meta(len(drafts), meta))
        facts = Frame(self._taken.library, self._axis([slot.column for slot in seen if slot.role == "column"]))
        streams = tuple(draft.stream for draft in drafts)
        return DraftLevel(LevelManifest(FORMAT, level, _NOTHING, self.rows, streams, facts), tuple(drafts))

    def _axis(self, seen: Sequence[Column]) -> Axis:
        """The column axis as this level shows it; mixed labels above it leave no trace."""
        kinds = {column.kind for column in seen}
        mixed = len({column.kind for column in self._taken.columns}) > 1
        if mixed and len(kinds) == 1:
            return "int64" if kinds == {"int"} else "str"
        return self._taken.axis


def _slot(
    found: FrameLibrary, rows: int, role: Role, column: Column, labels: Mapping[str, Label], twins: Mapping[str, Twin]
) -> _Slot:
    label = labels.get(column.name, Label())
    twin = twins.get(column.name)
    if twin is None:
        return _Slot(role, column, label)
    if twin.level >= label.level:
        raise CannotHold(f"the masked copy of column {column.name!r} would not be below the column's own level")
    masked = found.take_twin(column, twin.values)
    if len(masked.values) != rows:
        raise CannotHold(f"the masked copy of column {column.name!r} has {len(masked.values)} rows, not {rows}")
    return _Slot(role, column, label, masked, twin.how, twin.level)


def _draft_column(
    drafts: list[Draft], role: Role, column: Column, position: int, label: Label, masked: str | None
) -> None:
    categories = None
    if column.categories is not None:
        categories = len(drafts)
        drafts.append(_draft_values(categories, "categories", column.categories))
    draft = _draft_values(len(drafts), "range" if column.is_range else role, column)
    stream = _changed(
        draft.stream, column_kind=column.kind, position=position, label=label, masked=masked, categories=categories
    )
    drafts.append(replace(draft, stream=stream))


def _draft_values(number: int, role: Role, column: Column) -> Draft:
    refuse_too_large(column.values, column.name)
    _refuse_invalid(column)
    stream = Stream(
        number=number,
        role=role,
        offset=0,
        size=0,
        sha256=_NOTHING,
        batches=(),
        column=column.name,
        type=describe(column.values.type, column.name),
        nullable=column.nullable,
        held=column.held,
    )
    whole = role in ("categories", "range")
    return Draft(stream, column.values.nbytes, partial(_pieces, column, whole))


def _refuse_invalid(column: Column) -> None:
    """What opening would refuse is not sealed: Arrow takes values over unseen, such as text that is not UTF-8."""
    try:
        column.values.validate(full=True)
    except pa.ArrowInvalid:
        raise CannotHold(
            f"column {column.name!r} holds values that are not valid for their type",
            next_step="Text has to be UTF-8: make the column binary, or decode it anew.",
        ) from None


def _pieces(column: Column, whole: bool, rows: int | None) -> Iterable[tuple[int, pa.Buffer]]:
    return array_pieces(batches(column.values if rows is None or whole else column.values.slice(0, rows)))


def _draft_meta(number: int, meta: Mapping[str, Any]) -> Draft:
    raw = json.dumps(meta, sort_keys=False, separators=(",", ":")).encode()
    if len(raw) > META_RAW:
        raise CannotHold(
            f"what belongs to the frame as a whole, such as df.attrs, takes more than {META_RAW:,} bytes",
            next_step="Remove it from the frame, or share it as a file.",
        )
    stream = Stream(number=number, role="meta", offset=0, size=0, sha256=_NOTHING, batches=())
    return Draft(stream, len(raw), lambda rows: [(0, pa.py_buffer(raw))])


def _changed(stream: Stream, **fields: Any) -> Stream:
    return msgspec.structs.replace(stream, **fields)


def _facts(levels: Mapping[Level, LevelManifest]) -> tuple[Frame, int]:
    """What the highest of these levels says about the frame, and its rows."""
    level = levels[max(levels)]
    if level.frame is None:
        raise SealBroken()
    return level.frame, level.rows


def _row_width(stream: Stream) -> int:
    return 0 if stream.type is None else width(build(stream.type))


def _build(
    found: FrameLibrary,
    levels: Mapping[Level, LevelManifest],
    rows: int,
    allowance: Allowance,
    placed: Placed,
    payload: Payload,
) -> _Built:
    """One column, restored to what it was; or the bytes of the meta stream."""
    stream = placed.stream
    if stream.role == "meta":
        with opaque():
            text = b"".join(raw.to_pybytes() for _, raw in payload(stream))
            allowance.take(sum(map(text.count, (b",", b":", b"[", b"{"))))  # values in it, and names, at most
            meta = json.loads(text)
        if not isinstance(meta, dict):
            raise SealBroken()
        return _Built(None, meta)
    categories = None
    if stream.categories is not None:
        source = levels[placed.level].streams[stream.categories]
        categories = _column(source, read_arrays(payload(source), source), None)
    column = _column(stream, read_arrays(payload(stream), stream), categories)
    with opaque():
        allowance.take(found.objects(column))
        restored = found.restore(column, rows)
    return _Built(replace(column, values=_NO_VALUES, categories=None), restored)


def _column(stream: Stream, values: pa.ChunkedArray[Any], categories: Column | None) -> Column:
    return Column(
        stream.column, stream.column_kind, values, stream.held, categories, stream.nullable, stream.role == "range"
    )


def _assemble(facts: Frame, rows: int, chosen: Visible, built: Sequence[_Built]) -> Any:
    """`built` holds index levels, columns and the rest, in that order."""
    columns = [one for one in built if one.column is not None]
    named = [one.column for one in columns if one.column is not None]
    cut = len(chosen.index)
    meta = {key: value for one in built if one.column is None for key, value in one.restored.items()}
    taken = Taken(facts.library, rows, tuple(named[:cut]), tuple(named[cut:]), facts.axis, meta)
    values = [one.restored for one in columns]
    with opaque():
        return library(facts.library).assemble(taken, values[:cut], values[cut:])
