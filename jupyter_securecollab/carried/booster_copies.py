"""Copies of boosters with other names of features and categories, and without what stands beside the trees.

Made by rewriting the file the library itself writes: trees refer to features and categories by number, and stay as they
are to the last bit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .boosters import categorical, category_names, library, trees_of, xgboost_model

Values = Mapping[str, Mapping[str, str]]


def copied(booster: Any, names: Mapping[str, str], values: Values, notes: frozenset[str]) -> tuple[Any, Any, Values]:
    """The copy, and the names and values that were replaced in it."""
    if library(booster) == "xgboost":
        return _xgboost(booster, names, values, notes), names, values
    return _lightgbm(booster, names, values), names, values


def _xgboost(booster: Any, names: Mapping[str, str], values: Values, notes: frozenset[str]) -> Any:
    from xgboost import Booster

    model = xgboost_model(booster)
    learner, cats = model["learner"], trees_of(model).get("cats", {})
    features = learner["feature_names"]
    for number, held in enumerate(cats.get("enc", [])):
        about = features[number] if number < len(features) else ""
        texts = category_names(held)
        if about in values and texts:
            _replace(held, [values[about].get(one, one) for one in texts])
    if cats.get("enc"):
        cats["sorted_idx"] = [place for held in cats["enc"] for place in _order(held)]
    removed = {where.rpartition("[")[2].rstrip("]") for where in notes}
    learner["attributes"] = {name: one for name, one in learner["attributes"].items() if name not in removed}
    learner["feature_names"] = [names.get(one, one) for one in features]
    made = Booster()
    made.load_model(bytearray(json.dumps(model).encode()))
    return made


def _replace(held: dict[str, Any], texts: list[str]) -> None:
    encoded = [one.encode() for one in texts]
    held["offsets"] = np.cumsum([0, *map(len, encoded)]).tolist()
    held["values"] = np.frombuffer(b"".join(encoded), np.int8).tolist()


def _order(held: dict[str, Any]) -> list[int]:
    """The order in which XGBoost looks categories up."""
    texts = category_names(held)
    keys: list[Any] = held["values"] if texts is None else [one.encode() for one in texts]
    return sorted(range(len(keys)), key=keys.__getitem__)


def _lightgbm(booster: Any, names: Mapping[str, str], values: Values) -> Any:
    from lightgbm import Booster

    text = booster.model_to_string()
    abouts = categorical(text, booster.feature_name())
    head, _, held = text.rpartition("\npandas_categorical:")
    lists: list[list[Any]] | None = json.loads(held) if held else None
    for number, categories in enumerate(lists or []):
        known = values.get(abouts[number] if number < len(abouts) else "", {})
        categories[:] = [known.get(one, one) if isinstance(one, str) else one for one in categories]
    made = "\n".join(_lines(head, names))
    return Booster(model_str=f"{made}\npandas_categorical:{json.dumps(lists)}\n")


def _lines(text: str, names: Mapping[str, str]) -> Iterator[str]:
    """The lines with other names of features, and no places or machines among the parameters."""
    inside = ""
    for line in text.split("\n"):
        inside = line if line.endswith(":") and "=" not in line else inside
        name, equals, rest = line.partition("=")
        if name == "feature_names" and equals:
            yield f"{name}={' '.join(names.get(one, one) for one in rest.split(' '))}"
        elif inside == "feature_importances:" and equals:
            feature, _, count = line.rpartition("=")
            yield f"{names.get(feature, feature)}={count}"
        elif said := re.fullmatch(rf"\[({'|'.join(_FILES)}): .*\]", line):
            yield f"[{said[1]}: ]"
        else:
            yield line


_FILES = (
    "data", "valid", "config", "input_model", "output_model", "output_result", "convert_model", "snapshot",
    "initscore_filename", "valid_data_initscores", "forcedsplits_filename", "forcedbins_filename",
    "parser_config_file", "machine_list_filename", "machines", "label_column", "weight_column", "group_column",
    "ignore_column",
)  # fmt: skip
