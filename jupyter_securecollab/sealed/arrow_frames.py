"""pyarrow tables to columns and back: types, nullability, dictionaries, schema and field metadata.

Metadata belongs to the table as a whole (pandas puts every column name there), so it travels in the meta stream.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from ..errors import CannotHold
from ..manifest import Held
from .columns import Column, Taken, refuse_unwritable

_RESERVED = b"ARROW:extension"


def take(frame: pa.Table) -> Taken:
    """All columns of a table; raises `CannotHold` naming the first that cannot be held."""
    if not isinstance(frame, pa.Table):
        raise CannotHold(f"a pyarrow {type(frame).__name__} is not a table", next_step="Share a pyarrow.Table.")
    refuse_unwritable(frame.column_names)
    columns = tuple(_take(field.name, values, field) for field, values in zip(frame.schema, frame.columns, strict=True))
    fields = {field.name: encoded(field.metadata) for field in frame.schema if field.metadata}
    meta: dict[str, Any] = {"fields": fields} if fields else {}
    if frame.schema.metadata:
        meta["schema"] = encoded(frame.schema.metadata)
    return Taken("pyarrow", frame.num_rows, (), columns, meta=meta)


def take_twin(original: Column, values: Any) -> Column:
    """A masked copy: any Arrow array of as many rows."""
    if not isinstance(values, (pa.Array, pa.ChunkedArray)):
        raise CannotHold(f"the masked copy of column {original.name!r} is not an Arrow array")
    whole = values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])
    if pa.types.is_dictionary(whole.type):
        whole = _without_unused(whole)
    return _take(original.name, whole, pa.field(original.name, whole.type))


def _without_unused(values: Any) -> pa.ChunkedArray[Any]:
    """Without words that no row has; the others stay in their order, which may mean something."""
    one = values.unify_dictionaries().combine_chunks()
    found: Any = pc.unique(one.indices).drop_null().sort()
    codes: Any = pc.index_in(one.indices, value_set=found, skip_nulls=True).cast(values.type.index_type)
    kept = pa.DictionaryArray.from_arrays(codes, one.dictionary.take(found), ordered=values.type.ordered)
    return pa.chunked_array([kept])


def objects(column: Column) -> int:
    """None."""
    return 0


def restore(column: Column, rows: int) -> tuple[pa.ChunkedArray[Any], bool]:
    """The values, as a dictionary array where there are categories, and whether they may be null."""
    values = column.values
    if column.held is not None:
        if column.held.kind != "dictionary" or column.categories is None:
            raise ValueError("no such kind")
        values = _dictionary(values, column.categories.values.combine_chunks(), column.held.ordered)
    return values, column.nullable


def assemble(taken: Taken, index: Sequence[Any], columns: Sequence[Any]) -> pa.Table:
    """The table. A table of no columns has no rows either, in pyarrow too."""
    metadata = taken.meta.get("fields", {})
    fields = [
        pa.field(column.name, values.type, nullable=nullable, metadata=_decoded(metadata.get(column.name)))
        for column, (values, nullable) in zip(taken.columns, columns, strict=True)
    ]
    schema = pa.schema(fields, metadata=_decoded(taken.meta.get("schema")))
    return pa.table([values for values, _ in columns], schema=schema)


def _take(name: str, values: pa.ChunkedArray[Any], field: pa.Field[Any]) -> Column:
    if isinstance(values.type, pa.BaseExtensionType) or any(key.startswith(_RESERVED) for key in field.metadata or {}):
        raise CannotHold(
            f"column {name!r} has an extension type, which a sealed frame cannot hold",
            next_step="Take its storage instead.",
        )
    if not pa.types.is_dictionary(values.type):
        return Column(name, "str", values, nullable=field.nullable)
    held = Held("dictionary", ordered=values.type.ordered)
    unified: Any = values.unify_dictionaries()
    words = unified.chunk(0).dictionary if unified.num_chunks else pa.array([], values.type.value_type)
    codes = pa.chunked_array([chunk.indices for chunk in unified.chunks], values.type.index_type)
    return Column(name, "str", codes, held, Column(name, "str", pa.chunked_array([words])), field.nullable)


def _dictionary(codes: Any, words: Any, ordered: bool) -> Any:
    # safe=True checks every code against the dictionary.
    chunks = [pa.DictionaryArray.from_arrays(chunk, words, ordered=ordered, safe=True) for chunk in codes.chunks]
    dictionary: Any = pa.dictionary  # the published stubs accept only a literal for `ordered`
    return pa.chunked_array(cast("list[Any]", chunks), dictionary(codes.type, words.type, ordered))


def encoded(metadata: Mapping[bytes, bytes]) -> list[list[str]]:
    """Metadata as JSON can hold it."""
    return [[base64.b64encode(part).decode() for part in pair] for pair in metadata.items()]


def _decoded(pairs: list[list[str]] | None) -> dict[bytes | str, bytes | str] | None:
    if pairs is None:
        return None
    found: dict[bytes | str, bytes | str] = {base64.b64decode(key): base64.b64decode(value) for key, value in pairs}
    if any(bytes(key).startswith(_RESERVED) for key in found if isinstance(key, bytes)):
        raise ValueError("metadata that pyarrow would act upon")
    return found
