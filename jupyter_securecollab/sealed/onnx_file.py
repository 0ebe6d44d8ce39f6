"""ONNX models: only operators of ONNX itself, every tensor inside the file and as large as it says.

A model that points at other files would have whoever runs it read them (absolute paths and `../` included), and an
operator of another domain runs whatever library is registered for it; both are refused wherever they stand, in nested
graphs and functions too. Functions of the model's own are fine while they do not lead back to themselves. Nothing is
run here.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

from onnx import (
    GraphProto,
    ModelProto,
    NodeProto,
    SparseTensorProto,
    TensorProto,
    TrainingInfoProto,
    TypeProto,
)
from onnx.checker import check_model

from ..errors import SealBroken
from .branches import require
from .confined import Refused, Why

NEEDS = ("onnx.checker",)
_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml"})
_DEEPEST = 16
_REFUSED = (SparseTensorProto, TrainingInfoProto, TypeProto.Opaque)

# Where the values of a type stand when they are not raw bytes, and how many bits each takes (onnx.proto).
_HOLDS = {
    "float_data": {"FLOAT": 32, "COMPLEX64": 64},
    "double_data": {"DOUBLE": 64, "COMPLEX128": 128},
    "int64_data": {"INT64": 64},
    "uint64_data": {"UINT32": 32, "UINT64": 64},
    "string_data": {"STRING": 0},
    "int32_data": {
        "INT32": 32, "INT16": 16, "UINT16": 16, "FLOAT16": 16, "BFLOAT16": 16, "INT8": 8, "UINT8": 8, "BOOL": 8,
        "FLOAT8E4M3FN": 8, "FLOAT8E4M3FNUZ": 8, "FLOAT8E5M2": 8, "FLOAT8E5M2FNUZ": 8, "FLOAT8E8M0": 8,
        "INT4": 4, "UINT4": 4, "FLOAT4E2M1": 4, "INT2": 2, "UINT2": 2,
    },
}  # fmt: skip


def dumps(model: Any) -> bytes:
    """The model as ONNX writes it, one spelling for one model."""
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def loads(data: bytes) -> Any:
    """The model; only of bytes that were vetted."""
    return ModelProto.FromString(data)


def use(data: bytes) -> None:
    """Have ONNX check it: known operators, names that are there, an order in which nothing waits for itself."""
    check_model(loads(data))


def check(data: bytes) -> None:
    """Raise `SealBroken` unless this is a model that needs nothing but itself."""
    try:
        _check_model(loads(data))
    except SealBroken:
        raise
    except Exception:  # what protobuf raises has no common base
        raise SealBroken() from None


def _check_model(model: Any) -> None:
    size = model.ByteSize()
    model.DiscardUnknownFields()
    require(model.ByteSize() == size, model.HasField("graph"), model.opset_import)
    messages = list(_walk(model))
    own = {(one.domain, one.name) for one in model.functions}
    domains = _DOMAINS | {domain for domain, _ in own}
    for message in messages:
        if isinstance(message, TensorProto):
            _check_tensor(message)
        elif isinstance(message, NodeProto):
            _check_operator(message, own)
        elif isinstance(message, _REFUSED):
            raise Refused(Why.KINDS)
    imported = [one.domain for holder in (model, *model.functions) for one in holder.opset_import]
    require(len(own) == len(model.functions), domains.issuperset(imported))
    require(not any(domain in _DOMAINS for domain, _ in own))
    _check_calls(model.functions)


def _check_operator(node: Any, own: set[tuple[str, str]]) -> None:
    if node.domain not in _DOMAINS and (node.domain, node.op_type) not in own:
        raise Refused(Why.OPERATORS)


def _check_tensor(tensor: Any) -> None:
    """Every value is inside, and there are as many as the dimensions say."""
    if tensor.external_data or tensor.data_location != TensorProto.DEFAULT:
        raise Refused(Why.FILES)
    name = TensorProto.DataType.Name(tensor.data_type)
    place, bits = next((place, kinds[name]) for place, kinds in _HOLDS.items() if name in kinds)
    require(not tensor.HasField("segment"), all(size >= 0 for size in tensor.dims))
    require(all(not getattr(tensor, other) for other in _HOLDS if other != place))
    count = math.prod(tensor.dims)
    if tensor.HasField("raw_data"):
        require(bits, not getattr(tensor, place), len(tensor.raw_data) == -(-count * bits // 8))
    else:
        packed = 8 // bits if 0 < bits < 8 else 1
        parts = 2 if name.startswith("COMPLEX") else 1
        require(len(getattr(tensor, place)) == -(-count * parts // packed))


def _check_calls(functions: Iterable[Any]) -> None:
    """Functions call each other in some order: none that is left waits for nothing but itself."""
    own = {(one.domain, one.name): one for one in functions}
    waiting = {
        name: {
            (node.domain, node.op_type)
            for node in _walk(one)
            if isinstance(node, NodeProto) and (node.domain, node.op_type) in own
        }
        for name, one in own.items()
    }
    while waiting:
        ready = {name for name, calls in waiting.items() if not calls & waiting.keys()}
        require(ready)
        for name in ready:
            del waiting[name]


def _walk(message: Any) -> Iterator[Any]:
    """Every message inside, itself included. Raises `SealBroken` for graphs too deep, and texts that are no UTF-8."""
    pending = [(message, 0)]
    while pending:
        one, depth = pending.pop()
        require(depth <= _DEEPEST)
        yield one
        depth += isinstance(one, GraphProto)
        for field, value in one.ListFields():
            _check_text(field, value)
            if field.message_type is not None:
                inside = [value] if hasattr(value, "ListFields") else value
                pending += [(each, depth) for each in inside]


def _check_text(field: Any, value: Any) -> None:
    """Texts of this format are not checked by protobuf."""
    if field.type == field.TYPE_STRING:
        for text in [value] if isinstance(value, str | bytes) else value:
            require(isinstance(text, str))  # protobuf gives bytes where they are no UTF-8
