"""What this kernel remembers of the labels of objects it opened, classified or shared, for as long as they live.

By identity, through weak references: `attrs` do not survive a merge, and an object's label must not travel to another
object by accident. A derived object is therefore unknown here, and treated with the caution that follows from the
highest level this kernel has seen.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

from ..model import Label, Level

WHOLE = ""
"""The name an object's own label is kept under when it has no columns."""


class Memory:
    """Labels by object, and the highest level seen together with where it came from."""

    def __init__(self) -> None:
        self._labels: dict[int, tuple[weakref.ref[Any], Mapping[str, Label]]] = {}
        self.highest = Level.PUBLIC
        self.highest_from = ""

    def remember(self, value: Any, labels: Mapping[str, Label], source: str) -> None:
        """Keep the labels of an object; `source` says in words where it came from."""
        for label in labels.values():
            if label.level > self.highest:
                self.highest, self.highest_from = label.level, source
        key = id(value)
        try:
            self._labels[key] = (weakref.ref(value, lambda _: self._labels.pop(key, None)), dict(labels))
        except TypeError:  # dicts and other objects without weak references; the highest level is kept all the same
            return

    def labels_of(self, value: Any) -> dict[str, Label]:
        """The labels remembered for this very object; empty when it is unknown."""
        reference, labels = self._labels.get(id(value), (None, {}))
        return dict(labels) if reference is not None and reference() is value else {}
