"""A newer vault may say more than is known here: answers are read, requests and everything sealed or signed are not."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from jupyter_securecollab import answers
from jupyter_securecollab.manifest import TopManifest
from jupyter_securecollab.model import decode
from jupyter_securecollab.protocol import ROUTES, ErrorReply, Grant, Reply

ANSWERS = {one.name: Reply[one.response] for one in ROUTES} | {"error": ErrorReply}  # type: ignore[name-defined]


def example(kind: inspect.Type, newer: bool = False) -> Any:
    """Something of this type, as JSON has it, nothing left out or empty; `newer`: each object has a field more."""
    match kind:
        case inspect.StructType():
            fields = {field.encode_name: example(field.type, newer) for field in kind.fields}
            return {"zz_newer": {"a": [1]}, **fields} if newer else fields
        case inspect.UnionType():
            shaped = inspect.StructType | inspect.VarTupleType | inspect.DictType
            return example(max(kind.types, key=lambda one: isinstance(one, shaped)), newer)
        case inspect.VarTupleType():
            return [example(kind.item_type, newer)] * 2
        case inspect.DictType():
            return {example(kind.key_type): example(kind.value_type, newer)}
        case inspect.StrType():
            return "a" * 32 if kind.pattern else "a/b"
        case inspect.BytesType():
            return base64.b64encode(bytes(kind.min_length or 1)).decode()
    return _SIMPLE[type(kind)](kind)


_SIMPLE: dict[type, Callable[[Any], Any]] = {
    inspect.EnumType: lambda kind: next(iter(kind.cls)).value,
    inspect.LiteralType: lambda kind: kind.values[0],
    inspect.DateTimeType: lambda kind: "2026-01-01T00:00:00Z",
    inspect.BoolType: lambda kind: True,
    inspect.IntType: lambda kind: 1,
    inspect.FloatType: lambda kind: 1.5,
    inspect.NoneType: lambda kind: None,
}


@pytest.mark.parametrize("name", ANSWERS)
def test_fields_of_a_newer_vault_are_left_out_of_every_answer(name: str) -> None:
    kind: Any = ANSWERS[name]
    plain, newer = (msgspec.json.encode(example(inspect.type_info(kind), more)) for more in (False, True))
    assert answers.read(newer, kind) == answers.read(plain, kind) == decode(plain, kind)
    assert newer.count(b"zz_newer") > 1


@pytest.mark.parametrize(
    "wrong",
    [
        b'{"result":{"zz_newer":1},"log":{"checkpoint":"x"}}',
        b'{"result":{"code":5,"zz_newer":1}}',
        b'{"error":{"code":"denied","message":5,"zz_newer":1}}',
        b'{"error":{"zz_newer":' + b"[" * 100_000,
        b"<html>",
    ],
)
def test_what_is_no_answer_is_none_with_more_fields_either(wrong: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        answers.read(wrong, ErrorReply)


def test_requests_and_manifests_with_fields_nobody_knows_are_refused() -> None:
    """They may say how far somebody may go: to leave them out would be to allow more."""
    for kind in (Grant, TopManifest):
        plain = example(inspect.type_info(kind))
        with pytest.raises(msgspec.ValidationError, match="zz_newer"):
            decode(msgspec.json.encode({"zz_newer": 1, **plain}), kind)
