"""A column on its way in or out: Arrow values, and what they were in the frame's own library.

The modules `pandas_frames`, `polars_frames` and `arrow_frames` turn frames into these and back; everything else in
`sealed` knows columns only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal, Protocol, cast

import pyarrow as pa

from ..errors import CannotHold
from ..manifest import Held

ColumnKind = Literal["str", "int", "none"]
Axis = Literal["str", "object", "int64", "range"]
Library = Literal["pandas", "polars", "pyarrow"]


@dataclass(frozen=True)
class Column:
    """One column or index level. With `categories`, `values` are codes into them."""

    name: str
    kind: ColumnKind
    values: pa.ChunkedArray[Any]
    held: Held | None = None
    categories: Column | None = None
    nullable: bool = True
    is_range: bool = False


@dataclass(frozen=True)
class Taken:
    """A whole frame as columns. `meta` is JSON: what belongs to the frame as a whole, such as attrs."""

    library: Library
    rows: int
    index: tuple[Column, ...]
    columns: tuple[Column, ...]
    axis: Axis = "str"
    meta: Mapping[str, Any] = field(default_factory=dict)


class FrameLibrary(Protocol):
    """What a library's module offers. Both directions know nothing of levels or keys."""

    def take(self, frame: Any) -> Taken:
        """The frame's columns; `CannotHold` naming the first one that cannot be held."""

    def take_twin(self, original: Column, values: Any) -> Column:
        """A masked copy to stand in for `original`, its categories recomputed from what it uses."""

    def objects(self, column: Column) -> int:
        """How many Python objects restoring it makes; what Arrow or NumPy hold does not count."""

    def restore(self, column: Column, rows: int) -> Any:
        """One column in the library's own type. Runs in worker threads; may raise anything on hostile input."""

    def assemble(self, taken: Taken, index: Sequence[Any], columns: Sequence[Any]) -> Any:
        """The frame made of restored columns; `taken` names them and carries axis and meta."""


def refuse_unwritable(names: Sequence[str]) -> None:
    """Column names must be different from each other, and text that can be written as UTF-8."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise CannotHold(f"two columns are named {name!r}", next_step="Give every column its own name.")
        seen.add(name)
        try:
            name.encode()
        except UnicodeEncodeError:
            raise CannotHold(f"the column name {name!r} is not valid text", next_step="Rename it.") from None


_MODULES: dict[Library, str] = {"pandas": ".pandas_frames", "polars": ".polars_frames", "pyarrow": ".arrow_frames"}


def library_of(frame: Any) -> Library:
    """Which library this frame is from; `CannotHold` if it is none that can be sealed."""
    for name in _MODULES:
        if any(base.__module__.split(".")[0] == name for base in type(frame).__mro__):
            return name
    raise CannotHold(
        f"an object of type {type(frame).__name__} is not a frame", next_step="Share a pandas, polars or pyarrow frame."
    )


def library(name: Library) -> FrameLibrary:
    """The module for a library, imported only when a frame of it is at hand: polars is not always installed."""
    try:
        return cast(FrameLibrary, import_module(_MODULES[name], __package__))
    except ModuleNotFoundError:
        raise CannotHold(
            f"this is a {name} frame and {name} is not installed", next_step=f"pip install {name}"
        ) from None
