"""Copies of scikit-learn's estimators with other names of features, categories and classes.

Names and labels stand in many places that have to agree: all are found by walking the copy. Where an estimator would
put labels in order anew, or choose columns by names that steps before it make, nothing of that kind is replaced.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ..errors import CannotHold

Values = Mapping[str, Mapping[str, str]]


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Estimators that take labels as they stand, tested one by one; others sort them, and would mix them up.
_CLASSIFIERS = _set(
    """AdaBoostClassifier BaggingClassifier BernoulliNB ComplementNB DecisionTreeClassifier DummyClassifier
    ExtraTreeClassifier ExtraTreesClassifier GaussianNB GaussianProcessClassifier GradientBoostingClassifier
    GridSearchCV HistGradientBoostingClassifier KNeighborsClassifier LabelBinarizer LabelEncoder
    LinearDiscriminantAnalysis LinearSVC LogisticRegression MLPClassifier MultinomialNB NearestCentroid
    OneVsRestClassifier Perceptron QuadraticDiscriminantAnalysis RandomForestClassifier RidgeClassifier
    SGDClassifier SVC TargetEncoder VotingClassifier _BinaryGaussianProcessClassifierLaplace _ConstantPredictor
    Pipeline"""
)
_ENCODERS = frozenset({"OneHotEncoder", "OrdinalEncoder", "TargetEncoder"})
_MOST = 200_000


def copied(
    model: Any, names: Mapping[str, str], values: Values, notes: frozenset[str]
) -> tuple[Any, Mapping[str, str], Values]:
    """The copy, and the names and values that were replaced in it. Raises `CannotHold` for what cannot be copied."""
    try:
        made = copy.deepcopy(model)
    except (TypeError, ValueError, AttributeError, RecursionError, NotImplementedError):
        raise CannotHold(f"a {type(model).__name__} with these parts cannot be copied") from None
    objects = list(_objects(made))
    own = next((_names(one) for one in objects if _known(one) is not None), [])
    if not _names_agree(objects, set(own)):
        names = {}
    sorts = any(hasattr(one, "classes_") and type(one).__name__ not in _CLASSIFIERS for one in objects)
    values = {about: known for about, known in values.items() if about or not sorts}
    for one in objects:
        _relabel(one, values)
        _rename(one, names, set(own))
        if "memory" in vars(one) and any(".memory" in where for where in notes):
            one.memory = None  # where results were kept while fitting
    return made, names, values


def _known(one: Any) -> Any:
    return vars(one).get("feature_names_in_")


def _names(one: Any) -> list[str]:
    return [str(name) for name in _known(one)]


def _names_agree(objects: list[Any], own: set[str]) -> bool:
    """Whether every choice of columns by name is among the names of the inputs."""
    return all(own.issuperset(chosen) for one in objects for chosen in _chosen(vars(one)))


def _chosen(state: Mapping[str, Any]) -> Iterator[list[str]]:
    for name in ("transformers", "transformers_"):
        for entry in state.get(name) or ():
            chosen = entry[2] if isinstance(entry, tuple) and len(entry) == 3 else None
            if isinstance(chosen, str) or _are_texts(chosen):
                yield [chosen] if isinstance(chosen, str) else [str(name) for name in chosen or ()]


def _rename(one: Any, names: Mapping[str, str], own: set[str]) -> None:
    state = vars(one)
    known = _known(one)
    if not names:
        return
    if known is not None and own.issuperset(known):
        one.feature_names_in_ = np.array([names.get(name, name) for name in known], dtype=object)
    elif known is not None:
        del one.feature_names_in_  # made of names and categories by a step before, and only compared
    for attribute in ("transformers", "transformers_"):
        if isinstance(state.get(attribute), list):
            state[attribute] = [_entry(entry, names) for entry in state[attribute]]
    if isinstance(state.get("_remainder"), tuple):
        one._remainder = _entry(state["_remainder"], names)
    if isinstance(state.get("_columns"), list):
        one._columns = [_columns(chosen, names) for chosen in state["_columns"]]


def _entry(entry: Any, names: Mapping[str, str]) -> Any:
    return (*entry[:2], _columns(entry[2], names)) if isinstance(entry, tuple) and len(entry) == 3 else entry


def _columns(chosen: Any, names: Mapping[str, str]) -> Any:
    if isinstance(chosen, str):
        return names.get(chosen, chosen)
    return [names.get(name, name) for name in chosen] if _are_texts(chosen) else chosen


def _relabel(one: Any, values: Values) -> None:
    state = vars(one)
    if type(one).__name__ in _ENCODERS:
        for attribute in ("categories_", "categories", "drop"):
            lists = state.get(attribute)
            if isinstance(lists, list | np.ndarray) and len(lists):
                state[attribute] = _by_feature(lists, _known(one), values)
    for attribute in ("classes_", "classes", "outlier_label_"):
        if attribute in state:
            state[attribute] = _classes(state[attribute], values.get("", {}))
    if "class_weight" in state:
        state["class_weight"] = _weights(state["class_weight"], values.get("", {}))


def _by_feature(held: Any, features: Any, values: Values) -> Any:
    """Categories of each feature, or one of each. What was never fitted does not know its features."""
    every: Mapping[str, str] = {old: new for known in values.values() for old, new in known.items()}
    known = [every] * len(held)
    if features is not None and len(features) == len(held):
        known = [values.get(about, {}) for about in features]
    made = [_labels(one, each) for one, each in zip(held, known, strict=True)]
    return np.array(made, dtype=object) if isinstance(held, np.ndarray) else made


def _classes(held: Any, known: Mapping[str, str]) -> Any:
    """Classes, of several outputs a list of them."""
    if isinstance(held, list) and any(isinstance(one, np.ndarray) for one in held):
        return [_labels(one, known) for one in held]
    return _labels(held, known)


def _weights(held: Any, known: Mapping[str, str]) -> Any:
    """Weights by class, of several outputs a list of them."""
    if isinstance(held, list):
        return [_weights(one, known) for one in held]
    return {known.get(one, one): weight for one, weight in held.items()} if isinstance(held, dict) else held


def _labels(held: Any, known: Mapping[str, str]) -> Any:
    if not known or isinstance(held, str) or not isinstance(held, np.ndarray | list | tuple):
        return known.get(held, held) if isinstance(held, str) else held
    made = [known.get(one, one) if isinstance(one, str) else one for one in held]
    if not isinstance(held, np.ndarray):
        return type(held)(made)
    return np.array(made, dtype=object if held.dtype == object else None) if made else held


def _are_texts(value: Any) -> bool:
    return (
        isinstance(value, list | tuple | np.ndarray) and len(value) > 0 and all(isinstance(one, str) for one in value)
    )


def _objects(model: Any) -> Iterator[Any]:
    """Every object of scikit-learn inside, from the outside in."""
    pending, seen = [model], set[int]()
    while pending and len(seen) < _MOST:
        one = pending.pop(0)
        if id(one) in seen or isinstance(one, str | bytes | int | float | type):
            continue
        seen.add(id(one))
        if isinstance(one, Mapping):
            pending += one.values()
        elif isinstance(one, list | tuple) or (isinstance(one, np.ndarray) and one.dtype == object):
            pending += one.ravel().tolist() if isinstance(one, np.ndarray) else one
        elif type(one).__module__.startswith("sklearn") and hasattr(one, "__dict__"):
            yield one
            pending += vars(one).values()
