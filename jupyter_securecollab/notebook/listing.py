"""What the listing verbs return: sequences of model values that display as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar, overload

from ..model import Access, Changed
from ..times import shown
from .display import Report, Shown, Table, listed

T = TypeVar("T")


@dataclass(frozen=True, repr=False)
class Listing(Shown, Sequence[T], Generic[T]):
    """The values, newest or first in line first."""

    items: tuple[T, ...]

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[T, ...]: ...
    def __getitem__(self, at: int | slice) -> T | tuple[T, ...]:
        return self.items[at]


def access_table(lines: Sequence[Access]) -> Table:
    """Who may do what, until when."""
    rows = tuple(
        (
            one.grantee,
            "ended" if one.excluded else one.can,
            "–" if one.excluded else one.up_to.value,
            "–" if one.start is None else shown(one.start),
            ending(one),
            listed(one.purposes),
            one.state,
            one.given_by,
        )
        for one in lines
    )
    return Table(("who", "can", "reads up to", "from", "until", "purposes", "state", "given by"), rows)


def ending(access: Access) -> str:
    """When access ends, for people."""
    return "–" if access.until is None else shown(access.until)


def changed(title: str, done: Changed, facts: tuple[tuple[str, str], ...] = ()) -> Listing[Access]:
    """The access table after a change, with its receipt."""
    receipt = ("receipt", f"entry {done.receipt.index} of the log")
    return Listing(Report(title, (*facts, receipt), (access_table(done.access),)), done.access)
