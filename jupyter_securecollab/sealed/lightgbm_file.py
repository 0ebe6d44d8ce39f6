"""LightGBM boosters as text: a grammar that has one reading, and trees all of whose numbers lead somewhere.

LightGBM takes the children, features and categories of its nodes as they stand (a patched child crashes `predict`),
and finds trees by the sizes in the header. Here every line must be one it writes itself. Names of files among the
parameters are refused: they say where somebody's data lay, and LightGBM would read and write them.
"""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np

from ..errors import SealBroken
from .branches import MOST_CLASSES, Numbers, reached, require
from .confined import Refused, Why

NEEDS = ("lightgbm",)
_HEADER = {
    "version", "num_class", "num_tree_per_iteration", "label_index", "max_feature_idx", "objective", "average_output",
    "feature_names", "monotone_constraints", "feature_infos", "tree_sizes",
}  # fmt: skip
_OBJECTIVES = re.compile(
    "(regression|regression_l1|huber|fair|poisson|quantile|mape|gamma|tweedie|binary|multiclass|multiclassova"
    "|cross_entropy|cross_entropy_lambda|lambdarank|rank_xendcg|custom)((?: [a-z_]+:[-+0-9.e]+| sqrt)*)"
)
_INFO = re.compile(r"none|\[[-+0-9.einfa]+:[-+0-9.einfa]+\]|-?[0-9]+(?::-?[0-9]+)*")
_WHOLE = re.compile(r" *(?:-?[0-9]{1,18}(?: +|$))*")
_REAL = re.compile(r" *(?:[-+]?(?:[0-9]+(?:\.[0-9]*)?(?:e[-+]?[0-9]{1,4})?|inf|nan)(?: +|$))*", re.IGNORECASE)
_WHOLES = {
    "num_leaves", "num_cat", "split_feature", "decision_type", "left_child", "right_child", "leaf_count",
    "internal_count", "cat_boundaries", "cat_threshold", "is_linear", "num_features", "leaf_features",
}  # fmt: skip
_REALS = {
    "split_gain", "threshold", "leaf_value", "leaf_weight", "internal_value", "internal_weight", "shrinkage",
    "leaf_const", "leaf_coeff",
}  # fmt: skip
_NODES = ("split_feature", "split_gain", "threshold", "decision_type", "left_child", "right_child",
          "internal_value", "internal_weight", "internal_count")  # fmt: skip
FILES = (
    "data", "valid", "config", "input_model", "output_model", "output_result", "convert_model", "snapshot",
    "initscore_filename", "valid_data_initscores", "forcedsplits_filename", "forcedbins_filename",
    "parser_config_file", "machine_list_filename", "machines",
)  # fmt: skip
_PARAMETER = re.compile(r"\[([a-z0-9_]+): ?(.*)\]")
_IMPORTANCE = re.compile(r"\S+=[-+0-9.einfa]+")
_WORD = 32


def dumps(booster: Any) -> bytes:
    """The booster as LightGBM writes it, up to the iteration with which it predicts."""
    text: str = booster.model_to_string()
    return text.encode()


def loads(data: bytes) -> Any:
    """The booster; only of bytes that were vetted."""
    from lightgbm import Booster

    return Booster(model_str=data.decode())


def use(data: bytes) -> None:
    """Load it, and predict one row without values."""
    booster = loads(data)
    booster.predict(np.full((1, booster.num_feature()), np.nan), raw_score=True, num_threads=1)


def check(data: bytes) -> None:
    """Raise `SealBroken` unless this is a booster all of whose numbers lead somewhere."""
    try:
        _check_text(data.decode())
    except (LookupError, TypeError, ValueError, OverflowError, RecursionError):
        raise SealBroken() from None


def _check_text(text: str) -> None:
    require(text.startswith("tree\n"), not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text))
    head, blank, body = text.removeprefix("tree\n").partition("\n\n")
    require(blank)
    header = _fields(head.split("\n"), _HEADER, ("average_output",))
    features = _check_header(header)
    sizes = [_one_whole(size) for size in header["tree_sizes"].split(" ")] if header["tree_sizes"] else []
    require(len(sizes) % int(header["num_tree_per_iteration"]) == 0)
    at, encoded = 0, body.encode()
    for number, size in enumerate(sizes):
        require(0 < size <= len(encoded) - at)
        _check_tree(encoded[at : at + size].decode(), number, features)
        at += size
    _check_end(encoded[at:].decode())


def _check_header(header: dict[str, str]) -> int:
    """How many features there are."""
    require(header["version"] in ("v3", "v4"))
    classes, features = _one_whole(header["num_class"]), _one_whole(header["max_feature_idx"]) + 1
    require(1 <= classes <= MOST_CLASSES, _one_whole(header["num_tree_per_iteration"]) == classes, features >= 1)
    require(_one_whole(header["label_index"]) >= 0)
    require(len(header["feature_names"].split(" ")) == len(header["feature_infos"].split(" ")) == features)
    require(all(map(_INFO.fullmatch, header["feature_infos"].split(" "))))
    if "monotone_constraints" in header:
        require(_numbers(header["monotone_constraints"], _WHOLE, np.int64).size == features)
    if objective := header.get("objective"):
        known = _OBJECTIVES.fullmatch(objective)
        if known is None:
            raise Refused(Why.OBJECTIVE)
        many = known[1] in ("multiclass", "multiclassova")
        told = re.findall(" num_class:([^ ]*)", known[2])
        require([*map(_one_whole, told)] == [classes] if many else not told and (classes == 1 or known[1] == "custom"))
    return features


def _check_tree(text: str, number: int, features: int) -> None:
    first, *lines = text.rstrip("\n").split("\n")
    require(first == f"Tree={number}", text.endswith("\n\n"))
    fields = _fields(lines, _WHOLES | _REALS, ())
    tree: dict[str, Numbers] = {
        name: _numbers(value, _WHOLE, np.int64) if name in _WHOLES else _numbers(value, _REAL, np.float64)
        for name, value in fields.items()
    }
    leaves, by_category = int(_single(tree["num_leaves"])), int(_single(tree["num_cat"]))
    require(leaves >= 1, by_category >= 0, len(tree["leaf_value"]) == leaves)
    require(all(name not in tree or len(tree[name]) in (0, leaves) for name in ("leaf_weight", "leaf_count")))
    if leaves > 1:
        require(all(len(tree[name]) == leaves - 1 for name in _NODES))
        _check_structure(tree, leaves, features)
    _check_categories(tree, by_category, leaves)
    if _single(tree.get("is_linear", np.zeros(1))):
        _check_linear(tree, leaves, features)


def _check_structure(tree: dict[str, Numbers], leaves: int, features: int) -> None:
    """Children below zero are leaves, counted from -1; put behind the nodes, they make a tree as any other."""
    left, right = tree["left_child"], tree["right_child"]
    for children in (left, right):
        require((children >= -leaves).all(), (children < leaves - 1).all())
    inner = np.arange(2 * leaves - 1) < leaves - 1
    ends = np.full(leaves, -1)
    placed = [np.concatenate([np.where(one < 0, leaves - 2 - one, one), ends]) for one in (left, right)]
    require(reached(placed[0], placed[1], inner).all())
    require((tree["split_feature"] >= 0).all(), (tree["split_feature"] < features).all())
    require((tree["decision_type"] >= 0).all(), (tree["decision_type"] < 16).all())


def _check_categories(tree: dict[str, Numbers], count: int, leaves: int) -> None:
    if not count:
        require("cat_boundaries" not in tree, "cat_threshold" not in tree)
        require(leaves == 1 or not (tree["decision_type"] & 1).any())
        return
    bounds, words = tree["cat_boundaries"], tree["cat_threshold"]
    require(leaves > 1, len(bounds) == count + 1, bounds[0] == 0, bounds[-1] == len(words), (np.diff(bounds) > 0).all())
    require((words >= 0).all(), (words < 2**_WORD).all())
    which = tree["threshold"][(tree["decision_type"] & 1) == 1]
    require((which >= 0).all(), (which < count).all(), (which == np.floor(which)).all())


def _check_linear(tree: dict[str, Numbers], leaves: int, features: int) -> None:
    counts, used = tree["num_features"], tree["leaf_features"]
    # No more of any leaf than there are of all: a sum of greater numbers could run over.
    require(len(tree["leaf_const"]) == len(counts) == leaves, (counts >= 0).all(), (counts <= len(used)).all())
    require(counts.sum() == len(used) == len(tree["leaf_coeff"]), (used >= 0).all(), (used < features).all())


def _check_end(text: str) -> None:
    """What follows the trees: importances, parameters, and categories of the frame it was trained on."""
    parts = re.fullmatch(
        r"end of trees\n\nfeature_importances:\n((?:[^\n]+\n)*)"
        r"(?:\nparameters:\n((?:[^\n]+\n)*)\nend of parameters\n)?\npandas_categorical:([^\n]*)\n",
        text,
    )
    if parts is None:
        raise SealBroken()
    require(all(map(_IMPORTANCE.fullmatch, parts[1].splitlines())))
    for line in (parts[2] or "").splitlines():
        said = _PARAMETER.fullmatch(line)
        if said is None:
            raise SealBroken()
        if said[1] in FILES and said[2]:
            raise Refused(Why.PATHS)
    held = json.loads(parts[3])
    require(held is None or isinstance(held, list))
    for categories in held or ():
        require(isinstance(categories, list), all(isinstance(one, str | int | float) for one in categories))


def _fields(lines: list[str], known: set[str], flags: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        name, equals, value = line.partition("=")
        require(name in known, name not in found, equals or name in flags)
        found[name] = value
    return found


def _numbers(text: str, form: re.Pattern[str], dtype: Any) -> Numbers:
    require(form.fullmatch(text))
    words = text.split()
    return np.array(words, dtype=np.bytes_).astype(dtype) if words else np.zeros(0, dtype)


def _single(values: Numbers) -> Any:
    require(len(values) == 1)
    return values[0]


def _one_whole(text: str) -> int:
    require(re.fullmatch("[0-9]{1,9}", text))
    return int(text)
