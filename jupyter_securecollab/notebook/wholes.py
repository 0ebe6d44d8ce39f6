"""What is shared and opened as a whole: models and files. They have one level, and are read entirely or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..carried.find import is_model
from ..errors import NeedsReview
from ..model import Join, Kind, Label, Level
from ..sealed.blob import PreparedBlob, prepare_file
from ..sealed.models import prepare_model
from .display import Report, Shown
from .labels import WHOLE, Memory
from .modelling import ModelCopy, warning
from .plan import Seen


@dataclass(frozen=True)
class Whole:
    """A model or file, ready to be sealed."""

    kind: Kind
    label: Label
    prepared: PreparedBlob
    careful: tuple[tuple[str, str], ...] = ()
    """Facts to show beside it: what it carries above its level."""

    @property
    def labels(self) -> Mapping[str, Label]:
        """Its one label."""
        return {WHOLE: self.label}

    @property
    def levels(self) -> tuple[Level, ...]:
        """The one level it is stored at."""
        return self.prepared.levels

    @property
    def joins(self) -> tuple[Join, ...]:
        """None: it has no columns."""
        return ()

    def finished(self, mask_keys: Mapping[Level, bytes], join_keys: Mapping[Join, bytes] = {}) -> PreparedBlob:
        """What is sealed: nothing of it is masked."""
        return self.prepared

    def seen(self, up_to: Level) -> Seen:
        """All of it, or nothing."""
        return Seen((f"the {self.kind}",) if self.label.level <= up_to else ())


def prepare_whole(x: Any, level: str | None, memory: Memory, by: str) -> Whole:
    """A file (`pathlib.Path`) or a model, at the level somebody typed or at what this kernel's past suggests."""
    x = x.model if isinstance(x, ModelCopy) else x
    kind: Kind = "file" if isinstance(x, Path) else "model"
    label = Label(_level(kind, x, level, memory), confirmed_by=by if level is not None else None)
    if isinstance(x, Path):
        return Whole(kind, label, prepare_file(x, label))
    return Whole(kind, label, prepare_model(x, label), warning(x, label.level) if is_model(x) else ())


def _level(kind: Kind, x: Any, level: str | None, memory: Memory) -> Level:
    if level is not None:
        return Level.parse(level)
    if WHOLE in memory.labels_of(x):
        return memory.labels_of(x)[WHOLE].level
    if memory.highest > Level.INTERNAL:
        raise NeedsReview(
            f"this kernel has held {memory.highest} data ({memory.highest_from}), which the {kind} may give away",
            next_step=f"Say how sensitive it is: --level internal, or --level {memory.highest}.",
        )
    return Level.INTERNAL


@dataclass(frozen=True, repr=False)
class OpenedFile(Shown):
    """A file that was opened: in memory until somebody says where to put it."""

    data: bytes

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write it to a place of your choice, readable by you alone; an existing file is replaced in one step."""
        target = Path(path).expanduser()
        partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                out.write(self.data)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        return target


def opened_file(name: str, data: bytes) -> OpenedFile:
    """A file as it was opened; it displays its name and size, not its content."""
    return OpenedFile(
        Report(f"{name}, {len(data):,} bytes", next_step="Keep it with .save(path), or read .data."), data
    )
