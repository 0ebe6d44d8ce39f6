"""Models without anything executable: scikit-learn through skops, arrays and torch state dicts through safetensors.

Whatever else is refused, naming the supported ways. skops, scikit-learn, safetensors and torch belong to the extra
`[models]` and are imported where an object of theirs is at hand: frames and files must work without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import CannotHold, SealBroken
from ..manifest import Held
from ..model import Label, Level
from .blob import PreparedBlob, open_bytes
from .streams import DEFAULT_LIMITS, Fetch, Keys, Limits, Progress, opaque

_WAYS = "Share a scikit-learn estimator, a numpy array, a dict of arrays, or a torch state_dict()."


def prepare_model(model: Any, label: Label) -> PreparedBlob:
    """A model ready to seal; raises `CannotHold` naming what is not supported and what is."""
    data, held = _dumps(model)
    return PreparedBlob("model", held, label, len(data), lambda start, stop: data[start:stop])


def open_model(
    opened_top: bytes,
    level_manifests: Mapping[Level, bytes],
    keys: Keys,
    fetch: Fetch,
    *,
    expected_top_hash: bytes | None,
    limits: Limits = DEFAULT_LIMITS,
    progress: Progress | None = None,
) -> Any:
    """The model. Arguments and errors as for `frame.open_frame`."""
    data, held = open_bytes("model", opened_top, level_manifests, keys, fetch, expected_top_hash, limits, progress)
    with opaque():
        return _loads(data, held)


def _dumps(model: Any) -> tuple[bytes, Held]:
    if isinstance(model, np.ndarray):
        return _dump_arrays({"array": model}), Held("safetensors", detail="array")
    if isinstance(model, Mapping) and model and all(type(key) is str for key in model):
        if all(isinstance(value, np.ndarray) for value in model.values()):
            return _dump_arrays(model), Held("safetensors", detail="arrays")
        if all(_is_from("torch", value) for value in model.values()):
            return _dump_tensors(model), Held("safetensors", detail="torch")
    if _is_from("sklearn", model):
        return _skops().dumps(model), Held("skops")
    raise CannotHold(f"an object of type {type(model).__name__} is not a model that can be held", next_step=_WAYS)


def _loads(data: bytes, held: Held) -> Any:
    if held == Held("skops"):
        return _skops().loads(data)
    if held.kind != "safetensors" or held.detail not in ("array", "arrays", "torch"):
        raise SealBroken()
    if held.detail == "torch":
        return _safetensors("torch").load(data)
    arrays = _safetensors("numpy").load(data)
    return arrays["array"] if held.detail == "array" else arrays


def _dump_arrays(arrays: Mapping[str, np.ndarray[Any, Any]]) -> bytes:
    for name, array in arrays.items():
        if (
            type(array) is not np.ndarray
            or not array.dtype.isnative
            or array.dtype.kind not in "biufc"
            or array.dtype.itemsize > 8
        ):
            raise CannotHold(f"array {name!r} has dtype {array.dtype}, which safetensors cannot hold", next_step=_WAYS)
    # safetensors writes the memory of an array as it lies: what is not laid out row by row would come back scrambled.
    laid_out = {name: array if array.flags.c_contiguous else array.copy(order="C") for name, array in arrays.items()}
    data: bytes = _safetensors("numpy").save(laid_out)
    return data


def _dump_tensors(tensors: Mapping[str, Any]) -> bytes:
    try:
        data: bytes = _safetensors("torch").save(dict(tensors))
    except (RuntimeError, ValueError, KeyError) as problem:  # tensors that share memory, sparse or quantised ones
        raise CannotHold(f"safetensors cannot hold these tensors: {type(problem).__name__}", next_step=_WAYS) from None
    return data


def _is_from(library: str, thing: Any) -> bool:
    return any(base.__module__.split(".")[0] == library for base in type(thing).__mro__)


def _skops() -> Any:
    try:
        from . import skops_file
    except ModuleNotFoundError:
        raise _missing("scikit-learn and skops") from None
    return skops_file


def _safetensors(flavour: str) -> Any:
    from importlib import import_module

    try:
        return import_module(f"safetensors.{flavour}")
    except ModuleNotFoundError:
        raise _missing("safetensors" if flavour == "numpy" else "torch") from None


def _missing(what: str) -> CannotHold:
    return CannotHold(
        f"this model needs {what}, which is not installed", next_step='pip install "jupyter_securecollab[models]"'
    )
