"""Masked copies of frames for one cell: which columns are sensitive, how each is masked, and which values to look for.

Labels are those of `%classify`: remembered, else suggested. A column nobody reviewed that holds values of a sensitive
one is as sensitive. Whole pandas, polars and pyarrow frames keep their library, index and types; no frame is changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ...errors import Invalid
from ...frames import axes
from ...frames.keyed import MaskKey
from ...frames.plans import Masks, chosen, masked
from ...frames.techniques import DROP, Choice
from ...model import Label, Level
from ..labelling import labelled
from ..session import Session
from .known import Known, Source

_SOME_STAY = frozenset({"clip", "fake", "generalise", "noise", "partial", "scrub", "shift", "shuffle"})
"""Techniques whose masks may be values of the column, or begin as they do."""


@dataclass
class Copies:
    """Masks frames up to a level. `masked` says of each name which columns were masked and how."""

    up_to: Level
    masks: Masks
    session: Session
    known: Known = field(default_factory=Known)
    masked: dict[str, dict[str, str]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    _suggested: dict[int, tuple[Any, dict[str, Label]]] = field(default_factory=dict)
    _learned: set[int] = field(default_factory=set)
    _told: dict[str, Label] = field(default_factory=dict)
    _ready: dict[tuple[int, int, Label], Any] = field(default_factory=dict)

    def learn(self, frame: Any) -> None:
        """Look for the values of its sensitive columns from now on."""
        self._know(frame, self._suggestions(frame))

    def copy(self, frame: Any, name: str) -> Any:
        """A copy with its sensitive columns masked; the frame itself where it has none. Raises `Invalid`."""
        labels = self._labels(frame)
        self._know(frame, labels)
        if self.known.source_of_any(map(str, axes.names(frame))):
            raise Invalid("columns are named after sensitive values", next_step="Take such columns out before.")
        above = {column: label for column, label in labels.items() if label.level > self.up_to}
        if not above:
            return frame
        made = {
            position: self._masked(frame, position, column, above[column])
            for position, column in enumerate(axes.names(frame))
            if column in above
        }
        how = {column: str(self._choice(frame, column, label) or DROP) for column, label in above.items()}
        self.masked.setdefault(name, {}).update(how)
        told = {
            column: Label(self.up_to, label.tag, evidence=f"masked copy ({how[column]})")
            for column, label in above.items()
        }
        self._told.update(told)
        copy = axes.with_values(frame, made)
        self.session.memory.remember(copy, {**labels, **told}, "what a cell masked")
        return copy

    def labels_of_copy(self, frame: Any) -> dict[str, Label]:
        """The labels of the masked columns that a frame made in the cell has."""
        columns = [one for one in axes.names(frame) if one in self._told]
        return {one: self._told[one] for one in columns if not self.known.source_of(axes.values(frame, one))}

    def keep(self, part: Any, whole: Any) -> None:
        """What is remembered of a column or array holds for the frame that was made of it alone."""
        self._suggested[id(whole)] = (
            whole,
            labelled(self.session, whole, without_vault=True).labels | self.session.memory.labels_of(part),
        )

    def _suggestions(self, frame: Any) -> dict[str, Label]:
        if id(frame) not in self._suggested:
            self._suggested[id(frame)] = (frame, labelled(self.session, frame, without_vault=True).labels)
        return self._suggested[id(frame)][1]

    def _labels(self, frame: Any) -> dict[str, Label]:
        """The labels of a frame; an unreviewed column that holds values of a sensitive one is sensitive too."""
        labels = dict(self._suggestions(frame))
        for column, label in labels.items():
            if label.level <= self.up_to and not label.confirmed_by:
                source = self.known.source_of(axes.values(frame, column))
                if source is not None:
                    labels[column] = msgspec.structs.replace(label, level=Level.SECRET, tag=source.tag)
        return labels

    def _know(self, frame: Any, labels: Mapping[str, Label]) -> None:
        """Remember the values of its sensitive columns, but for what their masks and reviewed columns show anyway."""
        if id(frame) in self._learned:
            return
        self._learned.add(id(frame))
        above = {one for one, label in labels.items() if label.level > self.up_to}
        shown = [one for one, label in labels.items() if label.confirmed_by and one not in above] if above else []
        harmless = [self.known.hashes(axes.values(frame, one)) for one in shown]
        for position, (column, values) in enumerate(axes.columns(frame)):
            if column in above:
                label, own = labels[column], []
                choice = self._choice(frame, column, label)
                if choice and choice.how in _SOME_STAY:
                    masks = self._mask(frame, position, column, label)
                    own.append(self.known.hashes(masks))
                    self._ready[id(frame), position, label] = masks
                self.known.add(Source(column, label.tag), values, [*own, *harmless])

    def _choice(self, frame: Any, column: str, label: Label) -> Choice | None:
        """How a column is masked; None where it is left out."""
        given = self.masks.get(column)
        if given is not None:
            self.used.add(column)
        return None if given == DROP else chosen(frame, column, given, label.tag)

    def _masked(self, frame: Any, position: int, column: str, label: Label) -> Any:
        """The masked values of a column for its copy: those made before, to know them, or new ones."""
        ready = self._ready.pop((id(frame), position, label), None)
        return self._mask(frame, position, column, label) if ready is None else ready

    def _mask(self, frame: Any, position: int, column: str, label: Label) -> Any:
        """The masked values of a column; None where it is left out."""
        choice = self._choice(frame, column, label)
        if choice is None:
            return None
        return masked(frame, column, choice, label.tag, MaskKey(self.session.mask_keys[label.level]), position)
