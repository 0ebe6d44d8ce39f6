"""A copy of a model that carries less, and predicts the same once its inputs are renamed alike.

Names of features and labels of categories above a level are replaced, texts beside the model are removed; labels become
keyed pseudonyms, those a column of the same name gets under the same key. What predictions are made from stays, and the
copy is searched again for it: what is said to be left is what was found, not what was meant. The model is not changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from ..frames.classify import Classifier
from ..frames.keyed import MaskKey, pseudonym
from ..model import Level
from . import booster_copies, boosters, estimator_copies, graph_copies, graphs
from .find import Carried, find, names_found, parts_of
from .parts import merged


@dataclass(frozen=True)
class Changes:
    """What is to be replaced or removed: names of features, values by feature (none for classes), places of notes."""

    names: Mapping[str, str] = field(repr=False)
    values: Mapping[str, Mapping[str, str]] = field(repr=False)
    notes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class MaskedModel:
    """The copy, what was done to it, and what is left above the level, each with the reason.

    `columns` and `values` map what inputs are called to what the copy knows: they hold what was masked, and are as
    secret as that: of `level`.
    """

    model: Any
    done: tuple[tuple[str, str], ...]
    left: tuple[Carried, ...]
    columns: Mapping[str, str] = field(repr=False)
    values: Mapping[str, Mapping[str, str]] = field(repr=False)
    level: Level

    def inputs(self, frame: Any) -> Any:
        """A pandas frame as the copy takes it: columns and categories renamed; the frame itself is not changed."""
        renamed = frame.copy()
        for name, known in self.values.items():
            if name in renamed.columns:
                renamed[name] = _renamed(renamed[name], known)
        return renamed.rename(columns=dict(self.columns))

    def outputs(self, labels: Any) -> list[Any]:
        """Predicted labels as the model itself would give them."""
        back = {new: old for old, new in self.values.get("", {}).items()}
        return [back.get(one, one) for one in labels]


def mask(model: Any, up_to: Level, classifier: Classifier, keys: Callable[[Level], MaskKey]) -> MaskedModel:
    """Mask what a model carries above a level. `keys` gives the key for what is at some level.

    Raises `CannotHold` for whatever is no model that we know.
    """
    found = find(model, classifier)
    above = [one for one in found if one.label.level > up_to and not one.stays]
    changes = Changes(
        _names(model, up_to, classifier),
        _values(above, keys),
        frozenset(one.where for one in above if one.part.holds == "note"),
    )
    copy, columns, values = _copied(model, changes)
    missed = [one for one in find(copy, classifier) if one.label.level > up_to and not one.stays]
    stays = [one for one in found if one.label.level > up_to and one.stays]  # as they were called before
    still = {one.where for one in missed}
    done = tuple((one.where, _HOW[one.part.holds]) for one in above if one.where not in still)
    level = max((one.label.level for one in above), default=up_to)
    return MaskedModel(copy, done, (*missed, *stays), columns, values, level)


_HOW = {"names": "renamed", "texts": "pseudonyms", "note": "removed"}


def _copied(model: Any, changes: Changes) -> tuple[Any, Mapping[str, str], Mapping[str, Mapping[str, str]]]:
    """The copy, and what was really replaced in it."""
    if boosters.is_booster(model):
        return booster_copies.copied(model, changes.names, changes.values, changes.notes)
    if graphs.is_graph(model):
        return graph_copies.copied(model, changes.names, changes.values.get("", {}))
    if isinstance(model, Mapping) or not hasattr(model, "__dict__"):
        return model, {}, {}
    return estimator_copies.copied(model, changes.names, changes.values, changes.notes)


def _names(model: Any, up_to: Level, classifier: Classifier) -> dict[str, str]:
    """New names for features whose names say something above the level, by their place."""
    listed = [one for one in merged(parts_of(model)) if one.holds == "names" and not one.stays]
    listed.sort(key=lambda one: "feature_names" not in one.where)  # chosen columns are some of these
    known = list(listed[0].values) if listed else []
    said = names_found(known, classifier)
    taken, made = set(known), {}
    for number, name in enumerate(known):
        if said[name].level > up_to:
            new = f"feature_{number}"
            while new in taken:
                new += "_"
            made[name] = new
            taken.add(new)
    return made


def _values(above: list[Carried], keys: Callable[[Level], MaskKey]) -> dict[str, dict[str, str]]:
    """Pseudonyms for all values of a feature, those a column of that name gets; classes have no name."""
    levels: dict[str, Level] = {}
    texts: dict[str, list[str]] = {}
    for one in above:
        if one.part.holds == "texts":
            about = one.part.about
            levels[about] = max(levels.get(about, one.label.level), one.label.level)
            texts.setdefault(about, []).extend(one.part.values)
    return {about: _pseudonyms(texts[about], keys(levels[about]).of_column("pseudonym", about)) for about in texts}


def _pseudonyms(texts: list[str], key: MaskKey) -> dict[str, str]:
    distinct = list(dict.fromkeys(texts))
    column: Any = pa.chunked_array([pa.array(distinct, pa.large_string())])
    made: Any = pseudonym(column, key)
    return dict(zip(distinct, made.to_pylist(), strict=True))


def _renamed(column: Any, known: Mapping[str, str]) -> Any:
    if hasattr(column, "cat"):
        return column.cat.rename_categories(lambda one: known.get(one, one))
    return column.map(lambda one: known.get(one, one))
