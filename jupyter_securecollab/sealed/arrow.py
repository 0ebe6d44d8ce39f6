"""Arrow types as the manifest spells them, and arrays fit to be sealed.

The allow-list works both ways: a type that is not in it is refused before sealing and while opening. Extension types
are refused unseen; nothing here looks at, registers or resolves one.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CannotHold, SealBroken
from ..manifest import BATCH_RAW, BATCH_ROWS, ZONE, ArrowType, Field

_DEPTH = 16
_SLICE_BYTES = 2**22
# The published stubs are of an older pyarrow and know neither all of its functions nor all of their arguments.
_pa: Any = pa

_SIMPLE: dict[str, pa.DataType] = {
    "null": pa.null(), "bool": pa.bool_(),
    "int8": pa.int8(), "int16": pa.int16(), "int32": pa.int32(), "int64": pa.int64(),
    "uint8": pa.uint8(), "uint16": pa.uint16(), "uint32": pa.uint32(), "uint64": pa.uint64(),
    "float16": pa.float16(), "float32": pa.float32(), "float64": pa.float64(),
    "string": pa.string(), "large_string": pa.large_string(), "binary": pa.binary(), "large_binary": pa.large_binary(),
    "date32": pa.date32(), "date64": pa.date64(), "month_day_nano_interval": pa.month_day_nano_interval(),
}  # fmt: skip
_NAMES = {data_type: name for name, data_type in _SIMPLE.items()}
_DECIMALS: dict[str, Any] = {
    "decimal32": pa.decimal32,
    "decimal64": pa.decimal64,
    "decimal128": pa.decimal128,
    "decimal256": pa.decimal256,
}
_UNITS: dict[str, Any] = {"time32": pa.time32, "time64": pa.time64, "duration": pa.duration}


def describe(data_type: pa.DataType, column: str) -> ArrowType:
    """The manifest's spelling of a type; `CannotHold` naming the column if it is not on the allow-list."""
    try:
        return _describe(data_type, 0)
    except _NotAllowed:
        shown = "an extension type" if isinstance(data_type, pa.BaseExtensionType) else f"type {data_type}"
        raise CannotHold(
            f"column {column!r} has {shown}, which a sealed frame cannot hold",
            next_step="Convert the column to a plain type, or leave it out.",
        ) from None


class _NotAllowed(Exception):
    pass


def _describe(data_type: pa.DataType, depth: int) -> ArrowType:
    if isinstance(data_type, pa.BaseExtensionType) or depth > _DEPTH or (depth and pa.types.is_null(data_type)):
        raise _NotAllowed
    if data_type in _NAMES:
        return ArrowType(_NAMES[data_type])  # type: ignore[arg-type]  # the keys of _SIMPLE are the Literal's words
    if pa.types.is_timestamp(data_type):
        if not re.search(ZONE, data_type.tz or ""):
            raise _NotAllowed
        return ArrowType("timestamp", unit=data_type.unit, zone=data_type.tz or "")
    for name in _UNITS:
        if getattr(pa.types, f"is_{name}")(data_type):
            return ArrowType(name, unit=data_type.unit)  # type: ignore[arg-type,attr-defined]  # as above
    for name in _DECIMALS:
        if getattr(pa.types, f"is_{name}")(data_type):
            return ArrowType(name, precision=data_type.precision, scale=data_type.scale)  # type: ignore[arg-type,attr-defined]  # as above
    if pa.types.is_fixed_size_binary(data_type):
        return ArrowType("fixed_size_binary", width=data_type.byte_width)
    return _describe_nested(data_type, depth + 1)


def _describe_nested(data_type: pa.DataType, depth: int) -> ArrowType:
    if pa.types.is_map(data_type):
        return ArrowType(
            "map",
            sorted=data_type.keys_sorted,
            fields=(_field(data_type.key_field, depth), _field(data_type.item_field, depth)),
        )
    if pa.types.is_struct(data_type):
        return ArrowType("struct", fields=tuple(_field(one, depth) for one in data_type.fields))
    if pa.types.is_fixed_size_list(data_type):
        return ArrowType("fixed_size_list", width=data_type.list_size, fields=(_field(data_type.value_field, depth),))
    if pa.types.is_list(data_type):
        return ArrowType("list", fields=(_field(data_type.value_field, depth),))
    if pa.types.is_large_list(data_type):
        return ArrowType("large_list", fields=(_field(data_type.value_field, depth),))
    raise _NotAllowed


def _field(field: pa.Field[Any], depth: int) -> Field:
    if field.metadata and any(key.startswith(b"ARROW:extension") for key in field.metadata):
        raise _NotAllowed
    return Field(field.name, _describe(field.type, depth), nullable=field.nullable)


def build(described: ArrowType, depth: int = 0) -> Any:
    """The `pa.DataType` a manifest describes. What is not on the allow-list ends in `SealBroken`."""
    name = described.name
    if depth > _DEPTH or (depth and name == "null"):
        raise SealBroken()
    if name in _SIMPLE:
        return _SIMPLE[name]
    if name == "timestamp":
        return _pa.timestamp(described.unit, tz=described.zone or None)
    if name in _UNITS:
        return _UNITS[name](described.unit)
    if name in _DECIMALS:
        return _DECIMALS[name](described.precision, described.scale)
    if name == "fixed_size_binary":
        return pa.binary(described.width)
    return _build_nested(described, depth + 1)


def _build_nested(described: ArrowType, depth: int) -> Any:
    name = described.name
    fields = [_pa.field(one.name, build(one.type, depth), nullable=one.nullable) for one in described.fields]
    if name == "struct":
        return pa.struct(fields)
    if len(fields) != (2 if name == "map" else 1):
        raise SealBroken()
    if name == "map":
        return _pa.map_(fields[0], fields[1], keys_sorted=described.sorted)
    if name == "fixed_size_list":
        return pa.list_(fields[0], described.width)
    return pa.list_(fields[0]) if name == "list" else pa.large_list(fields[0])


def width(data_type: pa.DataType) -> int:
    """Bytes one row may take in memory whatever the sealed bytes say: what the budget charges per row at least."""
    if pa.types.is_fixed_size_list(data_type):
        return 8 + int(data_type.list_size) * width(data_type.value_type)
    if pa.types.is_struct(data_type):
        return 8 + sum(width(one.type) for one in data_type.fields)
    return max(8, int(data_type.byte_width) if pa.types.is_fixed_size_binary(data_type) else 0)


def read_batch(raw: pa.Buffer, schema: pa.Schema) -> pa.RecordBatch:
    """The record batch in an IPC message, not yet validated. Raises whatever hostile bytes provoke."""
    message = _pa.ipc.read_message(raw)
    if _compressed_within(memoryview(message.metadata).cast("B")):
        raise SealBroken()
    read: pa.RecordBatch = _pa.ipc.read_record_batch(message, schema)
    return read


def _compressed_within(metadata: memoryview) -> bool:
    """Whether the buffers are compressed once more: Arrow would allocate whatever they declare (sealed.md 3).

    Reads the message's flatbuffer, which pyarrow has checked and does not show: Message.header is field 2,
    RecordBatch.compression field 3.
    """

    def field(table: int, number: int) -> int:
        vtable = table - _number("<i", metadata, table)
        place = 4 + 2 * number
        offset = _number("<H", metadata, vtable + place) if place < _number("<H", metadata, vtable) else 0
        return table + offset if offset else 0

    header = field(_number("<I", metadata, 0), 2)
    return bool(field(header + _number("<I", metadata, header), 3))


def _number(kind: str, data: memoryview, at: int) -> int:
    found: int = struct.unpack_from(kind, data, at)[0]
    return found


def values_in(values: Any) -> int:
    """How many values these are, those inside others included: nested ones can be many in few bytes."""
    if isinstance(values, pa.ChunkedArray):
        return sum(map(values_in, values.chunks))
    if pa.types.is_struct(values.type):
        inner = [values.field(i) for i in range(values.type.num_fields)]
    elif pa.types.is_map(values.type):
        inner = [values.keys, values.items]
    else:
        inner = [values.values] if pa.types.is_nested(values.type) else []
    return len(values) + sum(map(values_in, inner))


def batches(values: pa.ChunkedArray[Any]) -> Iterator[Any]:
    """Slices of at most `BATCH_ROWS` rows and about 4 MiB, cleaned of what nulls hide.

    The cut depends on rows and bytes of the whole column only, not on how it happened to be chunked.
    """
    for piece in _cut(values):
        yield clean(piece.chunk(0) if piece.num_chunks == 1 else pa.concat_arrays(piece.chunks))


def refuse_too_large(values: pa.ChunkedArray[Any], column: str) -> None:
    """A single cell larger than a batch may be cannot be held; raises `CannotHold` naming the column."""
    limit = BATCH_RAW // 2
    if values.nbytes > limit and any(piece.nbytes > limit for piece in _cut(values)):
        raise CannotHold(
            f"column {column!r} has a single value of more than {limit:,} bytes", next_step="Share it as a file."
        )


def _cut(values: Any) -> Iterator[Any]:
    rows = max(1, min(BATCH_ROWS, _SLICE_BYTES * len(values) // max(1, values.nbytes)))
    for start in range(0, len(values), rows):
        yield from _halved(values.slice(start, rows))


def _halved(piece: Any) -> Iterator[Any]:
    if len(piece) == 1 or piece.nbytes <= 4 * _SLICE_BYTES:
        yield piece
    else:
        half = len(piece) // 2
        yield from _halved(piece.slice(0, half))
        yield from _halved(piece.slice(half))


def is_sorted(values: Any) -> bool:
    """Whether the values rise or fall throughout and are not all equal; missing ones aside."""
    kept = values.drop_null()
    if pa.types.is_floating(kept.type):
        kept = kept.filter(pc.invert(pc.is_nan(kept)))
    try:
        first, second = kept.slice(0, max(0, len(kept) - 1)), kept.slice(1)
        rising, falling = pc.all(pc.less_equal(first, second)).as_py(), pc.all(pc.greater_equal(first, second)).as_py()
    except pa.ArrowNotImplementedError:  # nested types have no order
        return False
    return len(kept) > 1 and bool(rising) != bool(falling)


def clean(array: Any) -> Any:
    """The same values with nothing left in the slots under nulls: those bytes would be sealed along, and readable."""
    if not pa.types.is_nested(array.type):
        return _compact(array) if array.null_count else array
    compact = _compact(array)
    return _clean_structs(compact) if _has_struct(compact.type) else compact


def _compact(array: Any) -> Any:
    # Taking every row in order rebuilds the buffers: null slots come out zero or empty, except below null structs.
    return array.take(pa.array(np.arange(len(array))))


def _has_struct(data_type: pa.DataType) -> bool:
    return pa.types.is_struct(data_type) or any(
        _has_struct(data_type.field(i).type) for i in range(data_type.num_fields)
    )


def _clean_structs(array: Any) -> Any:
    mask = array.is_null() if array.null_count else None
    if pa.types.is_struct(array.type):
        if not array.type.num_fields:
            return array
        return pa.StructArray.from_arrays(
            [clean(child) for child in array.flatten()], fields=array.type.fields, mask=mask
        )
    if pa.types.is_map(array.type):
        return _pa.MapArray.from_arrays(array.offsets, clean(array.keys), clean(array.items), array.type, mask=mask)
    if pa.types.is_fixed_size_list(array.type):
        return _pa.FixedSizeListArray.from_arrays(clean(array.values), type=array.type, mask=mask)
    return type(array).from_arrays(array.offsets, clean(array.values), type=array.type, mask=mask)
