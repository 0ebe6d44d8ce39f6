"""Models without anything executable: scikit-learn through skops, arrays and torch state dicts through safetensors,
boosters and ONNX models in the formats of their own libraries.

Whatever else is refused, naming the supported ways. The libraries of models are optional and imported where an object
of theirs is at hand: frames and files must work without them. Files of the last three are vetted by another process
(`confined`) before they are sealed, and again before they are loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Any

import numpy as np

from ..errors import CannotHold, SealBroken
from ..manifest import Held
from ..model import Label, Level
from . import confined
from .blob import PreparedBlob, open_bytes
from .streams import DEFAULT_LIMITS, Fetch, Keys, Limits, Progress, opaque

_WAYS = (
    "Share a scikit-learn estimator, a booster of XGBoost or LightGBM, an ONNX model, a numpy array, a dict of arrays,"
    " or a torch state_dict()."
)
_VETTED = {"xgboost": "Booster", "lightgbm": "Booster", "onnx": "ModelProto"}

# Not in our extra: xgboost and xgboost-cpu hold the same files, and one would overwrite the other.
_INSTALLED_AS = {"xgboost": "xgboost-cpu (without a graphics card) or xgboost"}

# Estimators that wrap what can be held, and where it is in them.
_WRAPPED = {"xgboost": ("XGBModel", ".get_booster()"), "lightgbm": ("LGBMModel", ".booster_")}


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
    for library, kind in _VETTED.items():
        if _is_from(library, model, kind):
            return _dump_vetted(library, model), Held(library)
    for library, (kind, inside) in _WRAPPED.items():
        if _is_from(library, model, kind):
            step = f"Share the booster in it: model{inside}"
            raise CannotHold(f"a {type(model).__name__} cannot be held as it is", next_step=step)
    if _is_from("sklearn", model):
        return _skops().dumps(model), Held("skops")
    raise CannotHold(f"an object of type {type(model).__name__} is not a model that can be held", next_step=_WAYS)


def _loads(data: bytes, held: Held) -> Any:
    if held == Held("skops"):
        return _skops().loads(data)
    if held.kind in _VETTED and held == Held(held.kind):
        return _load_vetted(held.kind, data)
    if held.kind != "safetensors" or held.detail not in ("array", "arrays", "torch"):
        raise SealBroken()
    if held.detail == "torch":
        tensors = _safetensors("torch").load(data)
        _check_truths(one.numpy() for one in tensors.values() if str(one.dtype) == "torch.bool")
        return tensors
    arrays = _safetensors("numpy").load(data)
    _check_truths(arrays.values())
    return arrays["array"] if held.detail == "array" else arrays


def _check_truths(arrays: Iterable[np.ndarray[Any, Any]]) -> None:
    """A truth is a byte of 0 or 1: compiled code that takes it for a number would count others more than once."""
    if any(one.dtype.kind == "b" and one.size and one.view(np.uint8).max() > 1 for one in arrays):
        raise SealBroken()


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


def _dump_vetted(library: str, model: Any) -> bytes:
    """The bytes, if they are what would be opened again."""
    data: bytes = _format(library).dumps(model)
    try:
        confined.vet(library, data)
    except SealBroken as refusal:
        why = "it is not built as that library builds them" if str(refusal) == str(SealBroken()) else str(refusal)
        step = "Use a model without these parts, or share its parameters as arrays."
        raise CannotHold(f"this model of {library} cannot be held: {why}", next_step=step) from None
    return data


def _load_vetted(library: str, data: bytes) -> Any:
    known = _format(library)
    confined.vet(library, data)
    return known.loads(data)


def _format(library: str) -> Any:
    try:
        import_module(library)
    except ModuleNotFoundError:
        raise _missing(library, _INSTALLED_AS.get(library, library)) from None
    return import_module(f"{__package__}.{confined.FORMATS[library]}")


def _is_from(library: str, thing: Any, kind: str | None = None) -> bool:
    """Whether a thing's type, or one it is made from, is a library's, and called `kind` where that is given."""
    mro = type(thing).__mro__
    return any(base.__module__.split(".")[0] == library and kind in (None, base.__name__) for base in mro)


def _skops() -> Any:
    try:
        from . import skops_file
    except ModuleNotFoundError:
        raise _missing("scikit-learn and skops") from None
    return skops_file


def _safetensors(flavour: str) -> Any:
    try:
        return import_module(f"safetensors.{flavour}")
    except ModuleNotFoundError:
        raise _missing("safetensors" if flavour == "numpy" else "torch") from None


def _missing(what: str, package: str = '"jupyter_securecollab[models]"') -> CannotHold:
    return CannotHold(f"this model needs {what}, which is not installed", next_step=f"pip install {package}")
