"""What this kernel remembers of the labels of objects it opened, classified or shared, for as long as they live.

By identity, through weak references: `attrs` do not survive a merge, and an object's label must not travel to another
object by accident. A derived object is therefore unknown here, and treated with the caution that follows from the
highest level this kernel has seen. Columns of a frame that was written to since are told (`changed`).
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

from ..frames import axes
from ..model import Label, Level

WHOLE = ""
"""The name an object's own label is kept under when it has no columns."""


class Memory:
    """Labels by object, and the highest level seen together with where it came from."""

    def __init__(self) -> None:
        self._labels: dict[int, tuple[weakref.ref[Any], Mapping[str, Label], Mapping[str, bytes]]] = {}
        self.highest = Level.PUBLIC
        self.highest_from = ""

    def remember(self, value: Any, labels: Mapping[str, Label], source: str) -> None:
        """Keep the labels of an object; `source` says in words where it came from."""
        for label in labels.values():
            if label.level > self.highest:
                self.highest, self.highest_from = label.level, source
        key = id(value)
        try:
            reference = weakref.ref(value, lambda _: self._labels.pop(key, None))
        except TypeError:  # dicts and other objects without weak references; the highest level is kept all the same
            return
        self._labels[key] = (reference, dict(labels), _looks(value))

    def labels_of(self, value: Any) -> dict[str, Label]:
        """The labels remembered for this very object; empty when it is unknown."""
        reference, labels, _ = self._labels.get(id(value), (None, {}, {}))
        return dict(labels) if reference is not None and reference() is value else {}

    def changed(self, value: Any) -> tuple[set[str], dict[str, Label]]:
        """The columns of this very object whose label is remembered and that look other than they did then; and those,
        of them and of new ones, that look as a column did then, with the highest label of such: it was given to that.
        """
        labels = self.labels_of(value)
        if not labels:
            return set(), {}
        then, now = self._labels[id(value)][2], _looks(value)
        changed = {name for name in labels if now.get(name) != then.get(name)}
        highest: dict[bytes, Label] = {}
        for name in sorted(then.keys() & labels, key=lambda one: labels[one].level.rank):
            highest[then[name]] = labels[name]
        moved = {
            name: highest[look]
            for name, look in now.items()
            if name not in labels or name in changed
            if look in highest
        }
        return changed, moved


def _looks(value: Any) -> dict[str, bytes]:
    if not (axes.is_frame(value) or axes.is_dask(value)):
        return {}
    from .looks import looks  # loads Arrow, which is not needed before there is a frame

    return looks(value)
