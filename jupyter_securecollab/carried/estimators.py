"""What fitted estimators and the objects in them carry, found by walking their attributes; nothing of theirs is called.

scikit-learn's attributes are known by name: what they hold is documented there. Any other array with one entry for each
row of the training is taken for rows. Objects of other libraries are walked in the same way; what has no attributes to
look at is said to be unread.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..frames import axes
from . import boosters
from .parts import FEW, WORDS, Part, part


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_MOST = 200_000
_LISTED = 4  # members of longer lists are shown as one

_ROWS = _set(
    """_fit_X _X_fit_ X_fit_ X_train_ y_train_ _y support_vectors_ cluster_centers_ components_ _raw_data
    embedding_ training_data_ oob_prediction_ oob_decision_function_ affinity_matrix_ cluster_centers_indices_
    labels_ row_labels_ decision_scores_ dictionary_ _distances_fit_X_"""
)
_ROWS_OF = {
    # these names mean something else elsewhere: centres and components that are no rows
    "cluster_centers_": {"AffinityPropagation"},
    "components_": {"DBSCAN", "OPTICS", "Nystroem"},
    "dictionary_": set[str](),
}
_VALUES = _set(
    """data_min_ data_max_ data_range_ max_abs_ quantiles_ X_thresholds_ y_thresholds_ X_min_ X_max_ statistics_
    bin_edges_ bin_thresholds_ medoids_"""
)
_TEXTS = _set("categories_ categories classes_ classes outlier_label_ infrequent_categories_ constant fill_value")
_WORDS = frozenset({"vocabulary_", "vocabulary", "feature_names_", "stop_words_", "stop_words"})
_NAMES = frozenset({"feature_names_in_", "_columns", "feature_names"})
_TREES = ("cKDTree", "KDTree", "BallTree", "KDTree64", "BallTree64", "KDTree32", "BallTree32")
_READABLE = ("sklearn", "numpy", "scipy", "builtins", "joblib", "pandas", "_cython", "datetime", "collections")


def parts(model: Any, root: str) -> Iterator[Part]:
    """Everything found in a model, from the outside in. Each object is looked at once."""
    pending: list[tuple[str, str, Any, Any]] = [(root, "", model, None)]
    seen: set[int] = set()
    kept = []  # so that no identity is given out twice
    outer = _features(model)
    while pending and len(seen) < _MOST:
        where, name, value, owner = pending.pop()
        if value is None or isinstance(value, bool | int | float | complex | np.generic):
            continue
        if not isinstance(value, str) and id(value) in seen:
            continue
        seen.add(id(value))
        kept.append(value)
        if boosters.is_booster(value):
            yield from boosters.parts(value, where)
            continue
        found = list(_here(where, name, value, owner, outer))
        yield from found
        if not found:
            pending += reversed([(place, called, one, value) for place, called, one in _inside(where, name, value)])
    if pending:
        yield part(where, "unread", says=f"more than {_MOST:,} objects: the rest was not looked into")


def _here(where: str, name: str, value: Any, owner: Any, outer: tuple[str, ...]) -> Iterator[Part]:
    """What one attribute holds by itself; nothing where it has to be gone into. `outer` are the model's features."""
    kind = type(value).__name__
    if isinstance(value, str):
        yield part(where, "note", [value], about=name)
    elif kind in _TREES:
        yield _rows(where, np.asarray(value.data), _features(owner) or outer)
    elif kind == "Tree" and hasattr(value, "n_node_samples"):
        yield _groups(where, np.asarray(value.n_node_samples)[np.asarray(value.children_left) < 0])
    elif name in _WORDS and isinstance(value, Mapping | list | tuple | np.ndarray | set | frozenset):
        yield part(where, "texts", [str(one) for one in value], stays=WORDS)
    elif name == "class_weight" and isinstance(value, Mapping):
        yield part(where, "texts", [one for one in value if isinstance(one, str | int)])
    elif name in _NAMES and _is_texts(value):
        yield part(where, "names", [str(one) for one in value])
    elif name in _TEXTS:
        yield from _texts(where, value, owner)
    elif isinstance(value, np.ndarray):
        yield from _array(where, name, value, owner, outer)
    elif axes.is_frame(value):
        yield part(where, "rows", value, count=axes.length(value), columns=axes.names(value))
    elif hasattr(value, "tocsr") and hasattr(value, "data"):
        if _is_rows(name, value, owner):
            yield part(where, "rows", np.asarray(value.data).reshape(-1, 1), count=value.shape[0])
    elif hasattr(value, "to_numpy") and hasattr(value, "dtype"):  # a series or an index
        yield part(where, "rows", np.asarray(value.to_numpy()).reshape(-1, 1), columns=(str(value.name),))
    elif isinstance(value, types.FunctionType | types.MethodType | types.BuiltinFunctionType):
        if not str(getattr(value, "__module__", "")).startswith(_READABLE):
            yield part(where, "unread", says="a function: what it refers to was not looked into")
    elif type(value).__module__.startswith(_READABLE) or hasattr(value, "__dict__"):
        return
    else:
        yield part(where, "unread", says=f"an object of type {kind[:60]}: not looked into")


def _array(where: str, name: str, values: Any, owner: Any, outer: tuple[str, ...]) -> Iterator[Part]:
    if values.dtype.names and {"count", "is_leaf"} <= set(values.dtype.names):
        yield _groups(where, values["count"][values["is_leaf"] == 1])
    elif name == "class_count_":
        yield _groups(where, values.ravel())
    elif _is_rows(name, values, owner):
        yield _rows(where, values, _features(owner) or outer)
    elif name in _VALUES and values.dtype.kind != "O":
        yield part(where, "values", np.atleast_2d(values), columns=_features(owner) or outer, count=values.size)
    elif values.dtype.kind in "US" and values.size:
        yield part(where, "texts", [str(one) for one in values.ravel()])
    elif name == "statistics_":
        yield part(where, "texts", [str(one) for one in values], says="the value put in place of missing ones")


def _is_rows(name: str, values: Any, owner: Any) -> bool:
    """Whether an array has rows of the training, by its name, or by having an entry for each of them."""
    if not values.ndim or not values.shape[0] or values.dtype.kind not in "biufOUS":
        return False
    kind = {base.__name__ for base in type(owner).__mro__}
    if name in _ROWS:
        return name not in _ROWS_OF or bool(_ROWS_OF[name] & kind)
    return bool(values.shape[0] == _trained_on(owner)) and values.ndim <= 2 and values.dtype.kind != "b"


def _trained_on(owner: Any) -> int:
    """How many rows an estimator says it was trained on; -1 where it does not."""
    state = getattr(owner, "__dict__", {})
    for name in ("n_samples_fit_", "_n_samples", "shape_fit_"):
        count = state.get(name)
        count = count[0] if isinstance(count, tuple) and count else count
        if isinstance(count, int | np.integer) and count > FEW:
            return int(count)
    return -1


def _texts(where: str, value: Any, owner: Any) -> Iterator[Part]:
    """Categories by feature, or classes; numbers count too, as long as they are whole."""
    if isinstance(value, np.ndarray) and value.dtype.kind in "OUSiu" and value.ndim == 1:
        yield part(where, "texts", _plain(value))
    elif isinstance(value, list | tuple) and value:
        features = _features(owner)
        several = [one for one in value if isinstance(one, np.ndarray | list | tuple)]
        if not several and all(isinstance(one, str) for one in value):
            yield part(where, "texts", list(value))
        for number, one in enumerate(several):
            array = np.asarray(one)
            if array.dtype.kind in "OUSiu" and array.ndim == 1:
                by_feature = "categories" in where.rpartition(".")[2] and number < len(features)
                about = features[number] if by_feature else ""
                yield part(f"{where}[{number}]", "texts", _plain(array), about=about)
            elif array.dtype.kind == "f" and array.ndim == 1:
                yield part(f"{where}[{number}]", "values", array)


def _plain(values: Any) -> list[Any]:
    return [one for one in values.tolist() if isinstance(one, str | int | bytes)]


def _rows(where: str, values: Any, features: tuple[str, ...]) -> Part:
    if values.ndim == 1 and values.dtype.kind in "biuf":
        return part(
            where, "values", values, says=f"{len(values):,} values, one for each of as many rows of the training"
        )
    return part(where, "rows", values, columns=features)


def _groups(where: str, sizes: Any) -> Part:
    return part(where, "groups", count=len(sizes), few=int((sizes < FEW).sum()))


def _features(owner: Any) -> tuple[str, ...]:
    names = getattr(owner, "__dict__", {}).get("feature_names_in_")
    return tuple(str(one) for one in names) if isinstance(names, np.ndarray) else ()


def _is_texts(value: Any) -> bool:
    return (
        isinstance(value, np.ndarray | list | tuple) and len(value) > 0 and all(isinstance(one, str) for one in value)
    )


def _inside(where: str, name: str, value: Any) -> Iterator[tuple[str, str, Any]]:
    """What is one step further in: the way to it, the attribute it is under, and itself."""
    if isinstance(value, Mapping):
        for key, one in value.items():
            yield f"{where}[{key if isinstance(key, int) else '*'}]", name, one
            if isinstance(key, str):
                yield f"{where}.keys", "keys", key  # what a thing of that name is called does not matter
    elif isinstance(value, list | tuple | set | frozenset) or (isinstance(value, np.ndarray) and value.dtype == object):
        members = list(value.ravel()) if isinstance(value, np.ndarray) else list(value)
        for number, one in enumerate(members):
            place = f"{where}[{number if len(members) <= _LISTED else '*'}]"
            yield from _member(place, name, one)
    elif not isinstance(value, type | types.ModuleType | np.random.Generator | np.random.RandomState | bytes):
        for attribute, one in list(getattr(value, "__dict__", {}).items()):
            yield f"{where}.{attribute}", attribute, one


def _member(place: str, name: str, value: Any) -> Iterator[tuple[str, str, Any]]:
    """A member of a list. scikit-learn writes steps and transformers as (name, estimator[, columns])."""
    if (
        isinstance(value, tuple)
        and len(value) in (2, 3)
        and isinstance(value[0], str)
        and not isinstance(value[1], str)
    ):
        yield f"{place}.{value[0]}", "", value[1]
        if len(value) == 3 and _is_texts(value[2]):
            yield f"{place}.columns", "_columns", value[2]
        yield f"{place}.name", "name", value[0]
    else:
        yield place, name, value
