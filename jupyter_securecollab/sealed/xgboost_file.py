"""XGBoost boosters as UBJSON: the structure is checked node by node before XGBoost sees the file.

XGBoost indexes memory with what the file says: child and feature numbers, the group a tree belongs to, segments of
categories. All that it would follow must lead somewhere. Only objectives of its own are accepted; trees whose leaves
are vectors are not.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import SealBroken
from . import ubjson
from .branches import MOST_CLASSES, Numbers, reached, require, rising
from .confined import Refused, Why

NEEDS = ("xgboost",)
_OBJECTIVES = re.compile(
    "reg:(squarederror|squaredlogerror|logistic|pseudohubererror|absoluteerror|quantileerror|expectileerror|gamma"
    "|tweedie)|binary:(logistic|logitraw|hinge)|count:poisson|survival:(cox|aft)|multi:(softmax|softprob)"
    "|rank:(ndcg|map|pairwise)"
)
_NO_PARENT = (-1, 2**31 - 1)
_MOST_FEATURES = 10_000_000
_MOST_CATEGORIES = 2**24  # XGBoost refuses more
_CATEGORY_BITS = 2**32  # of all nodes together: each gets room up to its highest category
_TREE = {
    "base_weights": "f", "categories": "iu", "categories_nodes": "iu", "categories_segments": "iu",
    "categories_sizes": "iu", "default_left": "iu", "left_children": "iu", "loss_changes": "f", "parents": "iu",
    "right_children": "iu", "split_conditions": "f", "split_indices": "iu", "split_type": "iu", "sum_hessian": "f",
}  # fmt: skip
_PER_NODE = [name for name in _TREE if not name.startswith("categories")]


def dumps(booster: Any) -> bytes:
    """The booster as XGBoost writes it."""
    return bytes(booster.save_raw("ubj"))


def loads(data: bytes) -> Any:
    """The booster; only of bytes that were vetted."""
    from xgboost import Booster

    booster = Booster()
    booster.load_model(bytearray(data))
    return booster


def use(data: bytes) -> None:
    """Load it, and predict one row without values."""
    from xgboost import DMatrix

    booster = loads(data)
    booster.set_param({"nthread": 1})
    row = np.full((1, booster.num_features()), np.nan, dtype=np.float32)
    plain = DMatrix(row, nthread=1)
    booster.predict(plain, output_margin=True, validate_features=False)


def check(data: bytes) -> None:
    """Raise `SealBroken` unless this is a booster all of whose numbers lead somewhere."""
    try:
        _check_model(ubjson.loads(data))
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, RecursionError):
        raise SealBroken() from None


def _check_model(model: Mapping[str, Any]) -> None:
    require(model.keys() == {"learner", "version"}, len(model["version"]) == 3, 2 <= model["version"][0] <= 3)
    learner = model["learner"]
    require(learner.keys() <= {"attributes", "feature_names", "feature_types", "gradient_booster",
                               "learner_model_param", "objective"})  # fmt: skip
    params = {name: _text(value) for name, value in learner["learner_model_param"].items()}
    features, classes = _whole(params["num_feature"]), _whole(params["num_class"])
    targets = _whole(params.get("num_target", "1"))
    groups = max(classes, 1) * max(targets, 1)
    require(features <= _MOST_FEATURES, groups <= MOST_CLASSES, classes == 0 or targets <= 1)
    base = json.loads(params["base_score"])
    require(len(base) in (1, groups) if isinstance(base, list) else isinstance(base, float | int))
    for name, value in learner["attributes"].items():
        require(_text(name) is not None, _text(value) is not None)
    for name in ("feature_names", "feature_types"):
        require(len(learner[name]) in (0, features), all(_text(one) is not None for one in learner[name]))
    _check_objective(learner["objective"], classes)
    _check_booster(learner["gradient_booster"], features, groups)


def _check_objective(objective: Mapping[str, Any], classes: int) -> None:
    if not _OBJECTIVES.fullmatch(objective["name"]):
        raise Refused(Why.OBJECTIVE)
    many = objective["name"].startswith("multi:")
    require(many == (classes > 1) or (not many and classes <= 1))
    if many:
        require(_whole(objective["softmax_multiclass_param"]["num_class"]) == classes)


def _check_booster(booster: Mapping[str, Any], features: int, groups: int) -> None:
    name = booster["name"]
    if name == "gblinear":
        require(booster["model"].keys() <= {"boosted_rounds", "weights"})
        require(_array(booster["model"]["weights"], "f").size == (features + 1) * groups)
    elif name == "dart":
        require(booster.keys() == {"gbtree", "name", "weight_drop"}, booster["gbtree"]["name"] == "gbtree")
        _check_weights(booster["weight_drop"], _check_trees(booster["gbtree"]["model"], features, groups))
    else:
        require(name == "gbtree", booster.keys() == {"model", "name"})
        _check_trees(booster["model"], features, groups)


def _check_trees(model: Mapping[str, Any], features: int, groups: int) -> int:
    """How many trees there are, all of them sound."""
    trees = model["trees"]
    require(model.keys() <= {"cats", "gbtree_model_param", "iteration_indptr", "tree_info", "trees", "weight_drop"})
    require(_whole(model["gbtree_model_param"]["num_trees"]) == len(trees))
    require(_whole(model["gbtree_model_param"]["num_parallel_tree"]) >= 1)
    owners = np.asarray(model["tree_info"])
    starts = np.asarray(model["iteration_indptr"])
    require(owners.shape == (len(trees),), starts.ndim == 1, len(starts) >= 1, starts.dtype.kind in "iu")
    require(starts[0] == 0, starts[-1] == len(trees), rising(starts))
    bits = 0
    for number, tree in enumerate(trees):
        require(tree["id"] == number)
        bits += _check_tree(tree, features)
        require(bits <= _CATEGORY_BITS)
    if trees:
        require(owners.dtype.kind in "iu", set(owners.tolist()) == set(range(groups)))
    if "cats" in model:
        _check_categories(model["cats"], features)
    if "weight_drop" in model:  # in 3.4; before, dart was a booster around this one
        _check_weights(model["weight_drop"], len(trees))
    return len(trees)


def _check_weights(weights: Any, trees: int) -> None:
    """One weight for each tree, where some are left out at random (dart)."""
    require(len(weights) == trees, all(isinstance(one, float | np.floating) for one in weights))


def _check_tree(tree: Mapping[str, Any], features: int) -> int:
    """The bits of room its categories take."""
    params = tree["tree_param"]
    if _whole(params["size_leaf_vector"]) > 1:
        raise Refused(Why.VECTORS)
    require(tree.keys() == {*_TREE, "id", "tree_param"}, _whole(params["num_feature"]) == features)
    parts = {name: _array(tree[name], kinds) for name, kinds in _TREE.items()}
    size = _whole(params["num_nodes"])
    require(all(len(parts[name]) == size for name in _PER_NODE))
    left, right = parts["left_children"], parts["right_children"]
    inner = left != -1
    require(((right != -1) == inner).all())
    there = reached(left, right, inner)
    require(size - there.sum() == _whole(params["num_deleted"]))
    tested = parts["split_indices"][inner]
    require((tested >= 0).all(), (tested < features).all(), int(parts["parents"][0]) in _NO_PARENT)
    for children in (left, right):
        require((parts["parents"][children[inner]] == np.flatnonzero(inner)).all())
    require(np.isin(parts["default_left"], (0, 1)).all(), np.isin(parts["split_type"], (0, 1)).all())
    return _check_splits(parts)


def _check_splits(parts: Mapping[str, Numbers]) -> int:
    """Splits by category: which node, and where in the list its categories stand."""
    nodes, starts, sizes = (parts[f"categories_{name}"] for name in ("nodes", "segments", "sizes"))
    categories = parts["categories"]
    require(np.array_equal(nodes, np.flatnonzero(parts["split_type"] == 1)))
    require(len(starts) == len(sizes) == len(nodes), (sizes > 0).all(), (sizes <= len(categories)).all())
    ends = np.cumsum(sizes, dtype=np.int64)
    require(np.array_equal(starts, ends - sizes), len(categories) == (ends[-1] if len(ends) else 0))
    if not len(categories):
        return 0
    require(categories.min() >= 0, categories.max() < _MOST_CATEGORIES)
    return int(np.maximum.reduceat(categories, starts.astype(np.int64)).sum(dtype=np.int64))


def _check_categories(held: Mapping[str, Any], features: int) -> None:
    """The categories of the frame it was trained on, by feature."""
    require(held.keys() == {"enc", "feature_segments", "sorted_idx"}, len(held["enc"]) in (0, features))
    counts = [_categories(one) for one in held["enc"]]
    starts, order = _array(held["feature_segments"], "iu"), _array(held["sorted_idx"], "iu")
    if not counts:
        require(not len(starts), not len(order))
        return
    require(np.array_equal(starts, np.cumsum([0, *counts])), len(order) == starts[-1])
    for start, count in zip(starts.tolist(), counts, strict=False):
        require(np.array_equal(np.sort(order[start : start + count]), np.arange(count)))


def _categories(held: Mapping[str, Any]) -> int:
    if held.keys() == {"offsets", "values"}:
        offsets, values = _array(held["offsets"], "iu"), _array(held["values"], "iu")
        if not len(offsets):
            require(not len(values))
            return 0
        require(offsets[0] == 0, offsets[-1] == len(values), rising(offsets), values.itemsize == 1)
        for start, stop in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True):
            values[start:stop].tobytes().decode()
        return len(offsets) - 1
    require(held.keys() == {"type", "values"}, isinstance(held["type"], int))
    return len(_array(held["values"], "iuf"))


def _array(value: Any, kinds: str) -> Numbers:
    """An array of numbers of one of these kinds; XGBoost writes empty ones as lists at times."""
    if isinstance(value, list) and not value:
        return np.zeros(0, dtype=np.int32 if "i" in kinds else np.float32)
    if not isinstance(value, np.ndarray) or value.dtype.kind not in kinds:
        raise SealBroken()
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise SealBroken()
    return value


def _whole(text: Any) -> int:
    if not isinstance(text, str) or not re.fullmatch("[0-9]{1,9}", text):
        raise SealBroken()
    return int(text)
