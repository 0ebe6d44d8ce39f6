"""The structure of binary trees that compiled code will follow without asking: checked in one place for all formats."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import SealBroken

Numbers = NDArray[Any]

MOST_CLASSES = 100_000
"""Room is made for as many as a header says, whether there are trees for them or not."""


def reached(left: Numbers, right: Numbers, inner: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which nodes the first one leads to, where `inner` ones have two children.

    Raises `SealBroken` unless each is the child of one node alone, so that every path ends. Takes time in proportion
    to the nodes, however deep the tree is.
    """
    size = len(left)
    sources = np.flatnonzero(inner)
    children = np.concatenate([left[sources], right[sources]]).astype(np.int64)
    if size == 0 or bool(((children <= 0) | (children >= size)).any()) or np.bincount(children, minlength=1).max() > 1:
        raise SealBroken()
    # Every node has one parent at most and the first has none: what it does not lead to hangs together in rings.
    seen = np.zeros(size, dtype=np.bool_)
    front = np.zeros(1, dtype=np.int64)
    while len(front):
        seen[front] = True
        front = front[inner[front]]
        front = np.concatenate([left[front], right[front]]).astype(np.int64)
    return seen


def rising(numbers: Numbers) -> bool:
    """Whether none is less than the one before. Without differences, which could run over."""
    return bool((numbers[1:] >= numbers[:-1]).all())


def require(*facts: object) -> None:
    """Raise `SealBroken` unless all of these hold."""
    if not all(facts):
        raise SealBroken()
