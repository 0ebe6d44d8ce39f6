"""Decides, before anything is sealed, what readers at each level will get of a frame: clear, masked copy, or nothing.

The same plan is masked, previewed, shared and described, so what is announced is what happens. Masked copies that need
a key are made last, by `Plan.finished`, with the vault's keys or with ones of this kernel: nothing else differs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from ..errors import CannotHold, Invalid
from ..frames import axes
from ..frames.keyed import MaskKey
from ..frames.mask import few_values
from ..frames.plans import Masks, check_column, chosen, masked
from ..frames.techniques import DROP, Choice, joined_name
from ..model import Join, Kind, Label, Level, clip
from ..sealed.frame import PreparedFrame, Twin, prepare_frame
from ..sealed.sealing import Sealing
from .display import columns_listed


@dataclass(frozen=True)
class Seen:
    """Names of columns as a reader meets them: clear, or as masked copies (with the technique)."""

    clear: tuple[str, ...]
    masked: tuple[tuple[str, str], ...] = ()

    def cells(self) -> tuple[str, str]:
        """What is clear and what is a masked copy, for a table."""
        return columns_listed(self.clear), columns_listed(f"{name} ({how})" for name, how in self.masked)


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
    def levels(self) -> tuple[Level, ...]:
        """The levels at which something will be stored, lowest first."""

    @property
    def joins(self) -> tuple[Join, ...]:
        """The pseudonyms in it that join over a whole project."""

    def finished(self, mask_keys: Mapping[Level, bytes], join_keys: Mapping[Join, bytes] = {}) -> Sealable:
        """What is sealed, masked with the mask keys of these levels, and with the keys of its `joins`."""

    def seen(self, up_to: Level) -> Seen:
        """What a reader up to this level gets."""


@dataclass(frozen=True)
class Plan:
    """A frame with its labels and how its masked copies are made; those that need no key are made already."""

    frame: Any = field(repr=False)
    labels: Mapping[str, Label]
    copies: Mapping[str, Choice]
    up_to: Level
    prepared: PreparedFrame
    kind: Kind = "frame"

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels at which something will be stored, lowest first."""
        return tuple(sorted({*self.prepared.levels, *([self.up_to] if self.copies else [])}))

    @property
    def keyed(self) -> tuple[str, ...]:
        """The columns whose masked copies need a key."""
        return tuple(name for name, choice in self.copies.items() if choice.keyed)

    def given_away(self) -> tuple[str, ...]:
        """Columns of few values whose masked copies keep how often each of them occurs."""
        equal = (name for name, choice in self.copies.items() if choice.technique.equal)
        return tuple(name for name in equal if few_values(axes.values(self.frame, name)))

    @property
    def how(self) -> dict[str, str]:
        """How each column above the level is masked, as `--plan` takes it."""
        above = (name for name, label in self.labels.items() if label.level > self.up_to)
        return {name: str(self.copies.get(name, DROP)) for name in above}

    @property
    def joins(self) -> tuple[Join, ...]:
        """The pseudonyms in it that join over a whole project, each for columns of one level."""
        found = (self._join(name) for name in self.keyed)
        return tuple(dict.fromkeys(join for join in found if join is not None))

    def _join(self, name: str) -> Join | None:
        word = joined_name(self.copies[name])
        return None if word is None else Join(word, self.labels[name].level)

    def finished(self, mask_keys: Mapping[Level, bytes], join_keys: Mapping[Join, bytes] = {}) -> PreparedFrame:
        """The frame with all its masked copies. A column is masked with the key of its own level, never a lower one."""
        if not self.keyed:
            return self.prepared
        twins = {
            name: _twin(self.frame, name, self.labels[name], self.up_to, self.copies[name], key)
            for name, key in self.keys(mask_keys, join_keys).items()
        }
        return self.prepared.with_twins(twins)

    def keys(self, mask_keys: Mapping[Level, bytes], join_keys: Mapping[Join, bytes]) -> dict[str, MaskKey]:
        """Of each column whose masked copy needs a key, the one it gets."""
        joins = {name: self._join(name) for name in self.keyed}
        return {
            name: MaskKey(mask_keys[self.labels[name].level] if join is None else join_keys[join])
            for name, join in joins.items()
        }

    def seen(self, up_to: Level) -> Seen:
        """What a reader up to this level gets."""
        clear = tuple(name for name, label in self.labels.items() if label.level <= up_to)
        above = [name for name, label in self.labels.items() if label.level > up_to]
        copied = above if self.up_to <= up_to else []
        return Seen(clear, tuple((name, str(self.copies[name])) for name in copied if name in self.copies))


def confirmed(labels: Mapping[str, Label], by: str) -> dict[str, Label]:
    """The same labels, as reviewed by somebody; who reviewed a label first stays on it."""
    return {
        name: label if label.confirmed_by else msgspec.structs.replace(label, confirmed_by=by)
        for name, label in labels.items()
    }


def unreviewed(labels: Mapping[str, Label]) -> dict[str, Label]:
    """Columns that look sensitive and that nobody has looked at."""
    return {name: label for name, label in labels.items() if label.level > Level.INTERNAL and not label.confirmed_by}


def _raised(column: str, up_to: Level) -> str:
    """How one says that a column lies above a level, ready to type where nothing in its name needs quotes."""
    name = column if re.fullmatch(r"[\w.-]{1,60}", column) else "COLUMN"
    level = next((level for level in Level if level > up_to), up_to)
    return f"What readers may see anyway is not masked. Raise its level first: %classify X --set {name}={level}"


def plan(frame: Any, labels: Mapping[str, Label], up_to: Level, masks: Masks) -> Plan:
    """Decide how columns above `up_to` are masked, by `masks` or their tags' defaults; make copies that need no key."""
    for column in masks:
        check_column(frame, column)
        if labels[column].level <= up_to:
            raise Invalid(
                f"column {clip(column)!r} is {labels[column].level}, and everybody here reads up to {up_to}",
                next_step=_raised(column, up_to),
            )
    above = [name for name, label in labels.items() if label.level > up_to and masks.get(name) != DROP]
    copies = {name: chosen(frame, name, masks.get(name), labels[name].tag) for name in above}
    twins = {
        name: _twin(frame, name, labels[name], up_to, choice) for name, choice in copies.items() if not choice.keyed
    }
    return Plan(frame, labels, copies, up_to, prepare_frame(frame, labels, twins))


def _twin(frame: Any, name: str, label: Label, up_to: Level, choice: Choice, key: MaskKey | None = None) -> Twin:
    return Twin(masked(frame, name, choice, label.tag, key), choice.told, up_to)


def check_frame(x: Any, *, later: bool = False) -> None:
    """Raise `CannotHold`, saying how it is made one, for whatever is not a frame.

    Lazy polars frames and Dask frames are some where rows may come `later`.
    """
    if not later:
        check_there(x)
    if not (axes.is_frame(x) or axes.way_to_rows(x)):
        raise CannotHold(
            f"an object of type {clip(type(x).__name__)} is not a frame",
            next_step=f"Give a pandas or polars DataFrame or an Arrow table{axes.way_to_frame(x)}.",
        )


def check_there(x: Any) -> None:
    """Raise `CannotHold`, saying what makes its rows, for a frame that is not there yet."""
    if way := axes.way_to_rows(x):
        raise CannotHold(
            "this needs all rows of the frame, which is not there yet", next_step=f"Give what {way} makes."
        )
