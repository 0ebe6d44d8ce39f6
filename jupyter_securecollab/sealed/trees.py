"""Decision trees of scikit-learn, checked node by node before and after they are built from a skops file.

`Tree` indexes raw memory with what the file says: a patched child index crashes `predict`, a wrong `node_count` or
`max_depth` writes past a buffer. Nothing is built before its numbers hold together, and no estimator is given out whose
checks let through an input narrower than its trees.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import BaseEnsemble, IsolationForest
from sklearn.ensemble._forest import BaseForest
from sklearn.tree import BaseDecisionTree
from sklearn.tree._tree import NODE_DTYPE, TREE_LEAF, Tree

from ..errors import SealBroken

_STATE = {"max_depth", "node_count", "nodes", "values"}


def check_state(args: Any, state: Any) -> None:
    """Refuse the constructor arguments and state of a `Tree` unless they describe a tree."""
    if (
        type(args) is not tuple
        or list(map(type, args)) != [int, np.ndarray, int]
        or type(state) is not dict
        or set(state) != _STATE
    ):
        raise SealBroken()
    features, classes, outputs = args
    nodes, values = state["nodes"], state["values"]
    sound = (
        features > 0
        and type(nodes) is np.ndarray
        and nodes.dtype == NODE_DTYPE
        and nodes.ndim == 1
        and nodes.flags.c_contiguous
        and type(state["node_count"]) is type(state["max_depth"]) is int
        and len(nodes) == state["node_count"] > 0
        and classes.dtype == np.intp
        and classes.shape == (outputs,)
        and outputs > 0
        and bool((classes > 0).all())
        and type(values) is np.ndarray
        and values.dtype == np.float64
        and values.flags.c_contiguous
        and values.shape == (len(nodes), outputs, int(classes.max()))
        and _depth(nodes, features) == state["max_depth"]
    )
    if not sound:
        raise SealBroken()


def check_estimators(found: Iterable[Any]) -> None:
    """Refuse estimators whose own input check does not protect the trees they hold."""
    objects = list(found)
    owners = [one for one in objects if isinstance(one, BaseEstimator) and isinstance(vars(one).get("tree_"), Tree)]
    owned = {id(owner.tree_) for owner in owners}
    for one in objects:
        if isinstance(one, Tree) and id(one) not in owned:
            raise SealBroken()
    for owner in owners:
        if not isinstance(owner, BaseDecisionTree) or _features(owner) != owner.tree_.n_features:
            raise SealBroken()
    for one in objects:
        if isinstance(one, BaseForest | IsolationForest):
            _check_forest(one)
        elif isinstance(one, BaseEnsemble) and _compiled(one):
            raise SealBroken(f"this model is a {type(one).__name__}, which is not opened: its trees cannot be checked")


def _depth(nodes: np.ndarray[Any, Any], features: int) -> int:
    """Depth of a tree whose every node but the first is the child of exactly one node before it; -1 if it is none."""
    left, right = nodes["left_child"], nodes["right_child"]
    inner = np.flatnonzero(left != TREE_LEAF)
    children = np.concatenate([left[inner], right[inner]])
    parents = np.concatenate([inner, inner])
    tested = nodes["feature"][inner]
    if not np.array_equal(np.sort(children), np.arange(1, len(nodes))) or bool((children <= parents).any()):
        return -1
    if bool(((tested < 0) | (tested >= features)).any()) or bool((right[left == TREE_LEAF] != TREE_LEAF).any()):
        return -1
    depth = np.zeros(len(nodes), dtype=np.int64)
    order = np.argsort(parents, kind="stable")
    for child, parent in zip(children[order].tolist(), parents[order].tolist(), strict=True):
        depth[child] = depth[parent] + 1
    return int(depth.max())


def _features(estimator: Any) -> int | None:
    count = vars(estimator).get("n_features_in_")
    return int(count) if isinstance(count, int | np.integer) else None


def _check_forest(forest: Any) -> None:
    # Forests check the input once and hand it to their trees unchecked.
    members = vars(forest).get("estimators_", [])
    if not isinstance(members, list) or (_features(forest) is None and members):
        raise SealBroken()
    if any(not isinstance(one, BaseDecisionTree) or _features(one) != _features(forest) for one in members):
        raise SealBroken()


def _compiled(ensemble: Any) -> bool:
    # Gradient boosting hands the raw arrays of all its trees to compiled code.
    members = vars(ensemble).get("estimators_")
    return isinstance(members, np.ndarray) and any(isinstance(one, BaseDecisionTree) for one in members.ravel())
