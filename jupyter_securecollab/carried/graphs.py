"""What ONNX models carry: comments, properties, names of inputs and nodes, texts and support vectors of operators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .parts import Part, part

# Fields that say what something is for the model itself, and are nobody's.
_STRUCTURE = frozenset(
    {"op_type", "domain", "op_domain", "input", "output", "ref_attr_name", "denotation", "dim_param"}
)
NOTES = frozenset({"doc_string", "producer_name", "producer_version", "metadata_props"})
"""Fields that are for people alone."""


def is_graph(value: Any) -> bool:
    """Whether this is an ONNX model, without importing ONNX."""
    return any(base.__module__.startswith("onnx") and base.__name__ == "ModelProto" for base in type(value).__mro__)


def parts(model: Any, root: str) -> Iterator[Part]:
    """What a model carries, functions and nested graphs included."""
    names = [one.name for one in model.graph.input]
    if names:
        yield part(f"{root}.graph.input", "names", names)
    yield from _message(model, root)


def _message(message: Any, where: str) -> Iterator[Part]:
    for field, value in message.ListFields():
        place = f"{where}.{field.name}"
        if field.name in ("metadata_props", "external_data"):
            yield part(place, "note", [text for one in value for text in (one.key, one.value)], about=field.name)
        elif field.name == "strings" or (field.name == "string_data" and value):
            yield part(where, "texts", [one.decode("utf-8", "replace") for one in value])
        elif field.name == "s":
            yield part(where, "note", [value.decode("utf-8", "replace")], about=str(message.name))
        elif field.message_type is not None:
            if hasattr(value, "ListFields"):
                yield from _message(value, place)
            else:
                for one in value:
                    yield from _message(one, _step(place, one))
        elif isinstance(value, str) and _is_said(message, field.name):
            yield part(place, "note", [value], about=field.name)
    if getattr(message, "op_type", "").startswith("SVM"):
        yield from _support_vectors(message, where)


def _is_said(message: Any, field: str) -> bool:
    """Whether a text says something: of names those of nodes and graphs, the others are part of the structure."""
    if field == "name":
        return hasattr(message, "op_type") or hasattr(message, "node")
    return field not in _STRUCTURE


def _step(place: str, message: Any) -> str:
    """Nodes by what they do, attributes by their names, all else together."""
    if hasattr(message, "op_type"):
        return f"{place}.{message.op_type}"
    if "attribute" in place.rpartition(".")[2]:
        return f"{place.rpartition('.')[0]}.{message.name}"
    return f"{place}[*]"


def _support_vectors(node: Any, where: str) -> Iterator[Part]:
    held = {one.name: one for one in node.attribute}
    if "support_vectors" in held and len(held["support_vectors"].floats):
        values = np.array(held["support_vectors"].floats)
        per_class = sum(held["vectors_per_class"].ints) if "vectors_per_class" in held else 0
        count = per_class or (held["n_supports"].i if "n_supports" in held else 0)
        rows = values.reshape(count, -1) if count and len(values) % count == 0 else values
        yield part(f"{where}.support_vectors", "rows", rows)
