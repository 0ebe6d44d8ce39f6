"""Finds what a fitted model carries along and what that says of people: the recognizers of columns, on a model's parts.

Rows of the training data are as sensitive as the data: what nothing else is known of counts as confidential. No
evidence holds a value. Changes nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ..errors import CannotHold, Invalid
from ..frames import axes
from ..frames.classify import Classifier, Finding
from ..model import Label, Level, clip
from . import boosters, estimators, graphs
from .parts import Part, merged, part

_HEADER = 100 * 2**20
_COLUMNS = 1_000
_WORDS = 10_000

# A place in somebody's home: the name in it is a person's.
_HOMES = re.compile(r"(?:/(?:home|Users|export/home)/|[A-Za-z]:\\(?:Users|Documents and Settings)\\|~)([\w.-]{2,})")
_PLACES = re.compile(r"(?:^|[\s'\"=:,])(?:/[\w.-]+){2,}|\b[A-Za-z]:\\[\w.-]+|\\\\[\w.-]+\\|\.\./|\bs3://|\bgs://")


@dataclass(frozen=True)
class Carried:
    """One thing a model carries: where, what it holds in words, a label nobody has confirmed, and why it must stay.

    `stays` is empty where masking can replace or remove it.
    """

    where: str
    holds: str
    label: Label
    stays: str
    part: Part

    def __str__(self) -> str:
        return f"{self.where}: {self.holds}, {self.label.tag or 'none'}, {self.label.level}"


def is_model(x: Any) -> bool:
    """Whether this is something whose parts we know, or a file of safetensors."""
    if isinstance(x, Path):
        return x.suffix == ".safetensors"
    return boosters.is_booster(x) or graphs.is_graph(x) or _is_estimator(x) or _is_tensors(x)


def find(model: Any, classifier: Classifier) -> list[Carried]:
    """What a model carries: what says most comes first, then in the order found.

    Raises `CannotHold` for whatever is no model that we know.
    """
    found = [_labelled(one, classifier) for one in merged(parts_of(model))]
    quiet = ("note", "groups", "names")  # nothing to say unless something was found
    told = [one for one in found if one.part.holds not in quiet or one.label.tag or one.part.few]
    return sorted(told, key=lambda one: -one.label.level.rank)


def parts_of(model: Any) -> Iterator[Part]:
    """The parts of a model, not yet looked into."""
    if not is_model(model):
        raise CannotHold(
            f"an object of type {clip(type(model).__name__)} is not a model that can be looked into",
            next_step="Give an estimator, booster, ONNX model, dict of arrays or the Path of a .safetensors file.",
        )
    root = type(model).__name__.lower().removesuffix("proto")
    if isinstance(model, Path):
        yield from _header(model)
    elif boosters.is_booster(model):
        yield from boosters.parts(model, root)
    elif graphs.is_graph(model):
        yield from graphs.parts(model, root)
    elif isinstance(model, Mapping):
        yield part("tensors", "names", list(model), stays="they are how the tensors are found", says="names of tensors")
    else:
        yield from estimators.parts(model, root)


def names_found(names: Iterable[str], classifier: Classifier) -> dict[str, Finding]:
    """What each name of a feature says: by itself, and by a value in it, as `city_Springfield` has from an encoder.

    Names that begin alike are the values of one column, as it was before.
    """
    found = {name: classifier.suggest(name) for name in names}
    columns: dict[str, dict[str, str]] = {}
    for name in found:
        before, value = re.fullmatch(r"(?s)(?:.*__)?(?:(.*)[_=])?(.*)", name).groups()  # type: ignore[union-attr]
        columns.setdefault(before or "", {})[name] = value
    for about, values in list(columns.items())[:_COLUMNS]:
        inside = _of_texts(list(values.values()), about, classifier)
        for name in values if inside.check else ():
            found[name] = max(found[name], inside, key=_most)
    return found


def _labelled(one: Part, classifier: Classifier) -> Carried:
    finding, evidence = _finding(one, classifier)
    level = finding.level
    if one.holds == "rows" and level < Level.CONFIDENTIAL:
        level = Level.CONFIDENTIAL
    return Carried(one.where, one.told(), Label(level, finding.tag, round(finding.confidence, 3), evidence),
                   one.stays, one)  # fmt: skip


def _finding(one: Part, classifier: Classifier) -> tuple[Finding, str]:
    """What a part says most of people, and why we think so."""
    nothing = Finding(Level.INTERNAL)
    if one.holds in ("groups", "unread"):
        return nothing, one.told() if one.holds == "groups" else one.says
    if one.holds == "names":
        found = max(names_found(one.values, classifier).values(), key=_most, default=nothing)
        return found, found.evidence()
    if one.holds == "note":
        return _of_note(one, classifier)
    if one.holds in ("rows", "values"):
        return _of_rows(one, classifier)
    found = _of_texts(list(one.values), one.about, classifier)
    pairs = [text for text in one.values if isinstance(text, str) and "=" in text][:_WORDS]
    if pairs:  # `city=Springfield`, as vectorizers of dicts call things
        found = max(found, *names_found(pairs, classifier).values(), key=_most)
    return found, found.evidence()


def _of_texts(texts: list[Any], about: str, classifier: Classifier) -> Finding:
    return classifier.find(_table(about, texts), full=True)[about]


def _of_note(one: Part, classifier: Classifier) -> tuple[Finding, str]:
    if any(_HOMES.search(text) for text in one.values):
        level = classifier.level_of("username")
        return Finding(level, "username", 0.9), "a place in somebody's home, whose name is in it"
    if any(_PLACES.search(text) for text in one.values):
        return Finding(classifier.level_of("url"), "url", 0.7), "a place of files"
    words = [word for text in one.values for word in re.findall(r"[^\s,;()<>\"']+", text)][:_WORDS]
    found = max((_of_texts(texts, one.about, classifier) for texts in (list(one.values), words)), key=_most)
    return found, found.evidence()


def _of_rows(one: Part, classifier: Classifier) -> tuple[Finding, str]:
    """Each column of the rows as if it stood in a frame; a name alone says nothing of numbers scaled beforehand."""
    if axes.is_frame(one.values):
        found = classifier.find(one.values)
    else:
        array = np.asarray(one.values)
        columns = array.T if array.ndim == 2 else array[None, :]
        named = one.columns if len(one.columns) == len(columns) else [str(number) for number in range(len(columns))]
        found = {}
        for name, column in zip(named, columns, strict=True):
            found[name] = classifier.find(_table(name, column))[name]
    best = max(found.items(), key=lambda item: _most(item[1]), default=("", Finding(Level.INTERNAL)))
    why = "the training data itself, as it was or scaled" if one.holds == "rows" else "single values of single rows"
    said = f"; column {clip(best[0])!r}: {best[1].evidence()}" if best[1].tag else ""
    return best[1], why + said


def _most(finding: Finding) -> tuple[int, float]:
    return finding.level.rank, finding.confidence


def _table(name: str, values: Any) -> Any:
    """One column of a table, whatever its values are: a list, or an array of one dimension."""
    try:
        column: Any = pa.array(values)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):
        column = pa.array([one if isinstance(one, str) else None for one in values], pa.string())
    return pa.table({name: column})


def _header(path: Path) -> Iterator[Part]:
    """Names and metadata of a file of safetensors, from its header alone."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = file.read(size) if size <= _HEADER else b""
    try:
        told = json.loads(header)
        metadata, names = told.pop("__metadata__", {}), list(told)
        notes = [(str(name), str(value)) for name, value in metadata.items()]
    except (ValueError, RecursionError, AttributeError, TypeError):
        raise Invalid(f"{clip(path.name)!r} is not a file of safetensors") from None
    yield part("tensors", "names", names, stays="they are how the tensors are found", says="names of tensors")
    for name, value in notes:
        yield part(f"metadata[{clip(name)}]", "note", [value], about=name)


def _is_estimator(x: Any) -> bool:
    return any(base.__name__ == "BaseEstimator" and base.__module__.startswith("sklearn") for base in type(x).__mro__)


def _is_tensors(x: Any) -> bool:
    if not isinstance(x, Mapping) or not x or not all(isinstance(name, str) for name in x):
        return False
    return all(isinstance(one, np.ndarray) or type(one).__module__.startswith("torch") for one in x.values())
