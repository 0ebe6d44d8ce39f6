"""Copies of ONNX models without comments and properties, and with other names of inputs and categories."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .graphs import NOTES

# Where operators of ai.onnx.ml keep texts they look up or give out.
_TEXTS = frozenset({"keys_strings", "values_strings", "cats_strings", "classlabels_strings", "string_vocabulary"})


def copied(model: Any, names: Mapping[str, str], values: Mapping[str, str]) -> tuple[Any, Any, Any]:
    """The copy, and the names and values that were replaced in it."""
    made = type(model)()
    made.CopyFrom(model)
    for message in _walk(made):
        for field in {field.name for field, _ in message.ListFields()} & NOTES:
            message.ClearField(field)
        if hasattr(message, "op_type"):
            message.ClearField("name")
            _rename(message.input, names)
            _rename(message.output, names)
        elif hasattr(message, "type_protos"):
            _replace(message, values)
        elif hasattr(message, "name") and message.name in names:
            message.name = names[message.name]
    return made, names, {"": values} if values else {}


def _rename(listed: Any, names: Mapping[str, str]) -> None:
    for number, one in enumerate(listed):
        listed[number] = names.get(one, one)


def _replace(attribute: Any, values: Mapping[str, str]) -> None:
    if attribute.name in _TEXTS:
        for number, one in enumerate(attribute.strings):
            attribute.strings[number] = values.get(one.decode(), one.decode()).encode()
    elif attribute.name == "default_string":
        attribute.s = values.get(attribute.s.decode(), attribute.s.decode()).encode()


def _walk(message: Any) -> Iterator[Any]:
    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for one in [value] if hasattr(value, "ListFields") else list(value):
                yield from _walk(one)
