"""Fitted estimators of scikit-learn whose compiled code takes the size of one array from another: they must agree.

libsvm, k-means and the brute-force search for neighbours read past the end of an array, or divide by its size, when a
patched file makes them. What is checked here is what they rely on; whether the numbers are any good is not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.cluster._kmeans import _BaseKMeans
from sklearn.neighbors._base import NeighborsBase
from sklearn.svm._base import BaseLibSVM

from ..errors import SealBroken

# Not "precomputed", which indexes the input by what the file says.
_KERNELS = ("linear", "poly", "rbf", "sigmoid")
_MOST_THREADS = 1024


def check_estimators(found: Iterable[Any]) -> None:
    """Refuse estimators whose arrays do not fit each other; unfitted ones have none."""
    for one in found:
        state = vars(one) if isinstance(one, BaseLibSVM | NeighborsBase | _BaseKMeans) else {}
        if "_dual_coef_" in state and not _machine_fits(state, is_classifier(one)):
            raise SealBroken(f"this model is a {type(one).__name__} that is not opened: its arrays cannot be checked")
        if "_fit_X" in state and not _is_table(state["_fit_X"], state):
            raise SealBroken()
        if "cluster_centers_" in state and not _centres_fit(state):
            raise SealBroken()


def _machine_fits(state: Mapping[str, Any], classifies: bool) -> bool:
    vectors: Any = state.get("support_vectors_")
    counts: Any = state.get("_n_support")
    if state.get("kernel") not in _KERNELS or state.get("_sparse") is not False or "_impl" in state:
        return False
    if not (_is_table(vectors, state) and isinstance(counts, np.ndarray) and counts.ndim == 1 and len(counts) > 1):
        return False
    rows, classes = len(vectors), len(counts)
    pairs = classes * (classes - 1) // 2
    counted = counts if classifies else counts[:1]  # the others count in the first place alone, for two classes
    return bool(
        _is(counts, np.int32, classes if classifies else 2)
        and (counted >= 0).all()
        and counted.sum(dtype=np.int64) == rows
        and _is(vectors, np.float64, rows, vectors.shape[1])
        and _is(state.get("support_"), np.int32, rows)
        and _is(state.get("_dual_coef_"), np.float64, classes - 1, rows)
        and _is(state.get("_intercept_"), np.float64, pairs)
        and any(all(_is(state.get(name), np.float64, size) for name in ("_probA", "_probB")) for size in (0, pairs))
    )


def _centres_fit(state: Mapping[str, Any]) -> bool:
    threads = state.get("_n_threads")  # of OpenMP, as many as it says
    return _is_table(state["cluster_centers_"], state) and type(threads) is int and 1 <= threads <= _MOST_THREADS


def _is_table(array: Any, state: Mapping[str, Any]) -> bool:
    """Whether this is what was fitted on: at least one row, as wide as the estimator checks its input to be."""
    width = state.get("n_features_in_")
    return isinstance(array, np.ndarray) and array.ndim == 2 and len(array) > 0 and array.shape[1] == width != 0


def _is(array: Any, dtype: type, *shape: int) -> bool:
    return isinstance(array, np.ndarray) and array.dtype == dtype and array.shape == shape and array.flags.c_contiguous
