"""How rows of the state appear in the log: as canonical JSON, key apart, without the fields that stay out of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from .catalog import ROWS
from .ports import Row

JSON = None | bool | int | str | Sequence["JSON"] | Mapping[str, "JSON"]

LOGGED: tuple[type[Row], ...] = tuple(kind for kind in ROWS if kind.unlogged is not None)
"""The tables that the log alone can rebuild, apart from the fields they name in `unlogged`."""

_EXACT = 1 << 53


class Logged(NamedTuple):
    """What the log says of a row."""

    table: str
    key: dict[str, Any]
    row: dict[str, Any]


def logged(row: Row) -> Logged:
    """The logged fields of a row of a logged table."""
    kind = type(row)
    hidden = {*kind.key, *(kind.unlogged or ())}
    key = {name: getattr(row, name) for name in kind.key}
    rest = {name: getattr(row, name) for name in kind.__struct_fields__ if name not in hidden}
    # What is hashed was random or salted before: the log tells that it changed, not what it is.
    return Logged(kind.table, key, rest | {name: _digest(rest[name]) for name in kind.hashed})


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def canonical(value: Mapping[str, object]) -> bytes:
    """RFC 8785 JSON. That holds for what `exact` admits; times become RFC 3339, bytes base64, levels their names."""
    return msgspec.json.encode(value, order="sorted")


def exact(value: JSON) -> None:
    """Raise `TypeError` for what JSON libraries write differently: fractions, huge integers, names beyond ASCII."""
    if value is None or isinstance(value, str | bool) or (isinstance(value, int) and -_EXACT < value < _EXACT):
        return
    if isinstance(value, Mapping) and all(map(str.isascii, value)):
        value = tuple(value.values())
    if not isinstance(value, list | tuple):
        raise TypeError(f"{type(value).__name__} has no exact form in the audit log")
    for item in value:
        exact(item)
