"""Answers of a vault that may be newer than whoever asked: fields that are not known here are left out.

So kernels and servers go on while the vault is upgraded before them. Requests are read strictly (a field that nobody
knows may limit what is asked for), and so is whatever was sealed or signed.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from .model import decode

T = TypeVar("T")


def read(data: bytes, kind: type[T]) -> T:
    """The answer as a value of this type. Raises `msgspec.DecodeError`, also for a word or a type not known here."""
    try:
        return decode(data, kind)
    except msgspec.ValidationError:
        anything: Any = Any
        return msgspec.convert(_known(decode(data, anything), inspect.type_info(kind)), kind)


def _known(value: Any, kind: inspect.Type) -> Any:
    """The value without fields that its type does not have, all the way down; what does not fit it stays as it is."""
    if isinstance(kind, inspect.UnionType):
        for one in kind.types:
            value = _known(value, one)
        return value
    if isinstance(value, list) and isinstance(kind, inspect.VarTupleType | inspect.ListType):
        return [_known(one, kind.item_type) for one in value]
    if isinstance(value, dict) and isinstance(kind, inspect.DictType):
        return {name: _known(one, kind.value_type) for name, one in value.items()}
    if isinstance(value, dict) and isinstance(kind, inspect.StructType):
        fields = {field.encode_name: field.type for field in kind.fields}
        return {name: _known(one, fields[name]) for name, one in value.items() if name in fields}
    return value
