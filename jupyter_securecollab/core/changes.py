"""How rows of the state appear in the log: as JSON, split into key and rest, without the fields that stay out of it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from .catalog import ROWS
from .ports import Row

JSON = None | bool | int | float | str | Sequence["JSON"] | Mapping[str, "JSON"]

LOGGED: tuple[type[Row], ...] = tuple(kind for kind in ROWS if kind.unlogged is not None)
"""The tables that the log alone can rebuild, apart from the fields they name in `unlogged`."""


class Logged(NamedTuple):
    """What the log says of a row."""

    table: str
    key: dict[str, JSON]
    row: dict[str, JSON]


def logged(row: Row) -> Logged:
    """The logged fields of a row of a logged table."""
    hidden = row.unlogged or frozenset()
    fields = [name for name in row.__struct_fields__ if name not in hidden and name not in row.key]
    return Logged(row.table, key_of(type(row), *(getattr(row, name) for name in row.key)), {
        name: plain(getattr(row, name)) for name in fields
    })  # fmt: skip


def key_of(kind: type[Row], *key: object) -> dict[str, JSON]:
    """A primary key by field name."""
    return {name: plain(value) for name, value in zip(kind.key, key, strict=True)}


def plain(value: object) -> JSON:
    """A field as JSON: times in UTC with milliseconds, bytes in base64, levels by name."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        case bytes():
            return base64.b64encode(value).decode()
        case Mapping():
            return {str(name): plain(item) for name, item in value.items()}
        case Sequence():
            return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} has no place in the audit log")
