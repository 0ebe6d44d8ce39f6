"""What boosters of XGBoost and LightGBM carry: names of features, categories, attributes, parameters, small leaves."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from .parts import FEW, Part, part

# Objectives whose Hessian is 1 for each row, so that its sum counts rows.
_COUNTS_ROWS = ("reg:squarederror", "reg:pseudohubererror", "rank:pairwise")


def is_booster(value: Any) -> bool:
    """Whether this is a booster of either library, without importing it."""
    return library(value) != ""


def library(value: Any) -> str:
    """`xgboost`, `lightgbm`, or nothing."""
    for base in type(value).__mro__:
        top = base.__module__.partition(".")[0]
        if base.__name__ == "Booster" and top in ("xgboost", "lightgbm"):
            return top
    return ""


def parts(booster: Any, root: str) -> Iterator[Part]:
    """What a booster carries."""
    yield from _xgboost(booster, root) if library(booster) == "xgboost" else _lightgbm(booster, root)


def xgboost_model(booster: Any) -> dict[str, Any]:
    """The whole model as XGBoost writes it in JSON."""
    model: dict[str, Any] = json.loads(bytes(booster.save_raw("json")))
    return model


def trees_of(model: dict[str, Any]) -> dict[str, Any]:
    """The part of it that holds trees; nothing in linear boosters."""
    held = model["learner"]["gradient_booster"]
    found: dict[str, Any] = held.get("gbtree", held)["model"]
    return found


def category_names(held: dict[str, Any]) -> list[str] | None:
    """The categories of one feature, if they are texts."""
    if "offsets" not in held:
        return None
    data = np.array(held["values"], dtype=np.int8).tobytes()
    at = held["offsets"]
    return [data[start:stop].decode() for start, stop in itertools.pairwise(at)]


def categorical(text: str, names: list[str]) -> list[str]:
    """Names of the features that LightGBM was told are categories, in order; it keeps categories in that order."""
    said = re.search(r"(?m)^\[categorical_feature: ([0-9,]+)\]$", text)
    return [names[int(one)] for one in said[1].split(",") if int(one) < len(names)] if said else []


def _xgboost(booster: Any, root: str) -> Iterator[Part]:
    model = xgboost_model(booster)
    learner, trees = model["learner"], trees_of(model)
    names = learner["feature_names"]
    if names:
        yield part(f"{root}.feature_names", "names", names)
    for name, value in learner["attributes"].items():
        yield part(f"{root}.attributes[{name}]", "note", [value], about=name)
    for number, held in enumerate(trees.get("cats", {}).get("enc", [])):
        about = names[number] if number < len(names) else ""
        texts = category_names(held)
        values = held["values"] if texts is None else texts
        if values:
            yield part(f"{root}.categories[{number}]", "texts", values, about=about)
    if learner["objective"]["name"] in _COUNTS_ROWS and trees.get("trees"):
        sizes = np.concatenate(
            [np.array(one["sum_hessian"])[np.array(one["left_children"]) < 0] for one in trees["trees"]]
        )
        yield part(f"{root}.trees[*].leaves", "groups", count=len(sizes), few=int((sizes < FEW).sum()))


def _lightgbm(booster: Any, root: str) -> Iterator[Part]:
    text = booster.model_to_string()
    names = booster.feature_name()
    yield part(f"{root}.feature_names", "names", names)
    infos = re.search(r"(?m)^feature_infos=(.*)$", text)
    ends = re.findall(r"\[([^:\]]+):([^\]]+)\]", infos[1]) if infos else []
    if ends:
        yield part(f"{root}.feature_infos", "values", [float(one) for pair in ends for one in pair])
    abouts = categorical(text, names)
    for number, categories in enumerate(booster.pandas_categorical or []):
        about = abouts[number] if number < len(abouts) else ""
        yield part(f"{root}.pandas_categorical[{number}]", "texts", list(categories), about=about)
    for name, value in re.findall(r"(?m)^\[([a-z_]+): (.*)\]$", text):
        if re.search(r"[A-Za-z]{2}", value):
            yield part(f"{root}.params[{name}]", "note", [value], about=name)
    sizes = np.array([int(one) for line in re.findall(r"(?m)^leaf_count=(.*)$", text) for one in line.split()])
    if len(sizes):
        yield part(f"{root}.trees[*].leaves", "groups", count=len(sizes), few=int((sizes < FEW).sum()))
