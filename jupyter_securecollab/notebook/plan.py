"""Decides, before anything is sealed, what readers at each level will get of a frame: clear, masked copy, or nothing.

The same plan is masked, previewed, shared and described, so what is announced is what happens.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec
import pyarrow as pa

from ..errors import CannotHold, Invalid
from ..frames import axes
from ..frames.classify import classify
from ..frames.mask import DROP, default_technique, mask_column
from ..model import Kind, Label, Level, clip
from ..sealed.frame import PreparedFrame, Twin, prepare_frame
from ..sealed.sealing import Sealing
from .display import listed
from .labels import Memory


@dataclass(frozen=True)
class Seen:
    """Names of columns as a reader meets them: clear, or as masked copies (with the technique)."""

    clear: tuple[str, ...]
    masked: tuple[tuple[str, str], ...] = ()

    def cells(self) -> tuple[str, str]:
        """What is clear and what is a masked copy, for a table."""
        return listed(self.clear), listed(f"{name} ({how})" for name, how in self.masked)


class Sealable(Protocol):
    """What `sealed` has converted and can seal."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels at which something is stored."""

    def seal(
        self,
        *,
        asset: str,
        version: str,
        keys: Mapping[Level, bytes],
        parents: Sequence[str] = (),
        progress: Callable[[int, int], None] | None = None,
    ) -> Sealing:
        """Start sealing."""


class Subject(Protocol):
    """Something ready to be shared: a `Plan` for a frame, or a `Whole`."""

    @property
    def kind(self) -> Kind:
        """What the vault calls it."""

    @property
    def labels(self) -> Mapping[str, Label]:
        """Its labels, by column."""

    @property
    def prepared(self) -> Sealable:
        """What is sealed."""

    def seen(self, up_to: Level) -> Seen:
        """What a reader up to this level gets."""


@dataclass(frozen=True)
class Plan:
    """A frame with its labels and masked copies, ready to be previewed or sealed."""

    labels: Mapping[str, Label]
    twins: Mapping[str, Twin]
    prepared: PreparedFrame
    kind: Kind = "frame"

    def seen(self, up_to: Level) -> Seen:
        """What a reader up to this level gets."""
        clear = tuple(name for name, label in self.labels.items() if label.level <= up_to)
        above = [name for name, label in self.labels.items() if label.level > up_to]
        masked = tuple((name, self.twins[name].how) for name in above if self._has_twin(name, up_to))
        return Seen(clear, masked)

    def _has_twin(self, name: str, up_to: Level) -> bool:
        return name in self.twins and self.twins[name].level <= up_to


def labels_for(frame: Any, memory: Memory, settings: Mapping[str, str], by: str) -> dict[str, Label]:
    """Labels of every column: what `settings` (column to level) say now, else what is remembered, else suggested."""
    given = memory.labels_of(frame)
    for column, text in settings.items():
        _check_column(frame, column)
        suggested = classify(frame, given)[column]
        given[column] = msgspec.structs.replace(suggested, level=Level.parse(text), confirmed_by=by)
    return classify(frame, given)


def confirmed(labels: Mapping[str, Label], by: str) -> dict[str, Label]:
    """The same labels, as reviewed by somebody; who reviewed a label first stays on it."""
    return {
        name: label if label.confirmed_by else msgspec.structs.replace(label, confirmed_by=by)
        for name, label in labels.items()
    }


def unreviewed(labels: Mapping[str, Label]) -> dict[str, Label]:
    """Columns that look sensitive and that nobody has looked at."""
    return {name: label for name, label in labels.items() if label.level > Level.INTERNAL and not label.confirmed_by}


def plan(frame: Any, labels: Mapping[str, Label], up_to: Level, masks: Mapping[str, str]) -> Plan:
    """Make the masked copies for what lies above `up_to`, by `masks` (column to technique) or each tag's default."""
    for column in masks:
        _check_column(frame, column)
        if labels[column].level <= up_to:
            raise Invalid(
                f"column {clip(column)!r} is {labels[column].level}, and everybody here reads up to {up_to}",
                next_step="Raise its level above that first, with %classify X --set COLUMN=LEVEL.",
            )
    above = [name for name, label in labels.items() if label.level > up_to]
    twins = {
        name: _twin(frame, name, labels[name], up_to, masks.get(name)) for name in above if masks.get(name) != DROP
    }
    return Plan(labels, twins, prepare_frame(frame, labels, twins))


def _twin(frame: Any, name: str, label: Label, up_to: Level, how: str | None) -> Twin:
    try:
        values = axes.values(frame, name)
        technique = how or default_technique(values, label.tag)
        return Twin(mask_column(values, technique, label.tag), technique, up_to)
    except Invalid as problem:
        raise type(problem)(f"column {clip(name)!r}: {problem}", next_step=problem.next_step) from None
    except (pa.ArrowException, TypeError, ValueError, OverflowError):  # their texts quote values
        raise CannotHold(
            f"column {clip(name)!r} cannot be masked", next_step=f"Leave it out: --mask {name}=drop."
        ) from None


def _check_column(frame: Any, column: str) -> None:
    known = axes.names(frame)
    if column not in known:
        near = difflib.get_close_matches(column, known, n=1)
        raise Invalid(
            f"there is no column {clip(column)!r}",
            next_step=f"Did you mean {near[0]}?" if near else f"The columns are {listed(known)}.",
        )
