"""Masked copies of frames for one cell: which columns are sensitive, how each is masked, and which values to look for.

Labels are those of `%classify`: remembered, else suggested. A column nobody reviewed that holds values of a sensitive
one is as sensitive. Whole pandas, polars and pyarrow frames keep their library, index and types; no frame is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pyarrow as pa

from ...errors import CannotHold, Invalid
from ...frames import axes
from ...frames.keyed import MaskKey
from ...frames.mask import check_fit, default_choice, mask_column
from ...frames.plans import Masks
from ...frames.techniques import DROP, Choice, choose
from ...model import Label, Level, clip
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
        made = {column: self._mask(frame, column, label) for column, label in above.items()}
        how = {column: str(self._choice(frame, column, label) or DROP) for column, label in above.items()}
        self.masked.setdefault(name, {}).update(how)
        told = {
            column: Label(self.up_to, label.tag, evidence=f"masked copy ({how[column]})")
            for column, label in above.items()
        }
        self._told.update(told)
        copy = _with(frame, made)
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
        shown = [one for one, label in labels.items() if label.level <= self.up_to and label.confirmed_by]
        harmless = [axes.values(frame, one) for one in shown]
        for column, label in labels.items():
            if label.level > self.up_to:
                choice = self._choice(frame, column, label)
                own = [self._mask(frame, column, label)] if choice and choice.how in _SOME_STAY else []
                self.known.add(Source(column, label.tag), axes.values(frame, column), [*own, *harmless])

    def _choice(self, frame: Any, column: str, label: Label) -> Choice | None:
        """How a column is masked; None where it is left out."""
        given = self.masks.get(column)
        if given is not None:
            self.used.add(column)
        if given == DROP:
            return None
        with _naming(column):
            values = axes.values(frame, column)
            choice = default_choice(values, label.tag) if given is None else choose(given)
            check_fit(values, choice)
            return choice

    def _mask(self, frame: Any, column: str, label: Label) -> Any:
        """The masked values of a column; None where it is left out."""
        choice = self._choice(frame, column, label)
        if choice is None:
            return None
        with _naming(column):
            by = choice.text("by")
            level_key = MaskKey(self.session.mask_keys[label.level])
            key = level_key.of_column(choice.how, by or column, choice.text("as"))
            entity = None if by is None else axes.values(frame, by)
            return mask_column(axes.values(frame, column), choice, label.tag, key=key, entity=entity)


@contextmanager
def _naming(column: str) -> Iterator[None]:
    """Errors say which column they are about, and quote no values."""
    try:
        yield
    except Invalid as problem:
        raise type(problem)(f"column {clip(column)!r}: {problem}", next_step=problem.next_step) from None
    except (pa.ArrowException, TypeError, ValueError, OverflowError):  # their texts quote values
        step = f"Leave it out: --mask {clip(column)}=drop."
        raise CannotHold(f"column {clip(column)!r} cannot be masked", next_step=step) from None


def _with(frame: Any, masks: Mapping[str, Any]) -> Any:
    """A copy of a frame with these columns in place of its own; empty ones are left out."""
    levels = len(axes.names(frame)) - len(axes.column_names(frame))
    index = axes.names(frame)[:levels]
    copy = frame.copy() if hasattr(frame, "iloc") else frame
    if hasattr(frame, "attrs"):
        copy.attrs = {}
    # levels of the index last: a pandas column goes to where its index says
    for column, values in sorted(masks.items(), key=lambda one: one[0] in index):
        if column in index:
            copy = _with_level(copy, column, values)
        elif values is None:
            copy = _without(copy, column)
        else:
            copy = axes.replaced(copy, column, values)
    return copy


def _without(frame: Any, column: str) -> Any:
    """A frame without a column, whatever its name is to the library."""
    position = axes.column_names(frame).index(column)
    if hasattr(frame, "iloc"):
        return frame.iloc[:, [one for one in range(frame.shape[1]) if one != position]]
    return frame.drop([column])


def _with_level(frame: Any, name: str, values: Any) -> Any:
    """A pandas frame whose index has other values at one of its levels, or not that level."""
    import pandas as pd

    names = list(axes.names(frame)[: len(axes.names(frame)) - len(axes.column_names(frame))])
    levels = {one: frame.index.get_level_values(number) for number, one in enumerate(names)}
    if values is None:
        del levels[name]
    else:
        levels[name] = pd.Index(values.array, name=frame.index.names[names.index(name)])
    if not levels:
        return frame.reset_index(drop=True)
    several = list(levels.values())
    index = several[0] if len(several) == 1 else pd.MultiIndex.from_arrays(several)
    return frame.set_axis(index, axis=0)
