"""The verb unmask: what the tokens in a column stood for, by leave of the vault.

The vault decides at the level of the column, records who asked and why, and gives the key of that column alone; the
tokens stay in the kernel.
"""

from __future__ import annotations

from typing import Any

from IPython.display import display

from ..errors import CannotHold, Invalid
from ..frames import axes
from ..frames.keyed import MaskKey
from ..frames.mask import check_fit, unmask_column
from ..frames.plans import check_column, naming
from ..frames.techniques import choose
from ..model import Label, Name, Text, clip
from .display import Report
from .labels import WHOLE
from .session import current, fitting


def unmask(
    x: Any, name: str, *, column: str, because: str, version: int | None = None, purpose: str | None = None
) -> Any:
    """A copy of a frame, or of one column of it, with the values that the tokens in `column` were made of.

    `name` is what was shared with the column masked as `token`, `column` what it is called there; of a frame it is
    the column of that name. `because` goes on record. `version` matters where the column's level has changed since.
    Raises `Denied` for who may not open the column itself, and `SealBroken`, without saying which, where something is
    no token of it. `x` is unchanged.
    """
    session = current()
    name = session.asset(name)
    if not because.strip():
        raise Invalid("the reason is missing", next_step="Say why, with --because.")
    tokens = _tokens(x, column)
    reason = None if purpose is None else fitting(purpose, Name, "a purpose")
    given = session.client.unmask(name, column, fitting(because, Text, "a reason"), number=version, purpose=reason)
    with naming(column):
        values = unmask_column(tokens, MaskKey(given.key))
    label = Label(given.level)
    if axes.is_frame(x):
        known = session.memory.labels_of(x)
        values = axes.with_values(x, {axes.names(x).index(column): values})
        session.memory.remember(values, {**known, column: label}, given.name)
    else:
        session.memory.remember(values, {WHOLE: label}, given.name)
    facts = (("column", f"{column} ({given.level})"), ("receipt", f"entry {given.receipt.index} of the log"))
    display(Report(f"unmasked from {given.name}, version {given.number}", facts))  # type: ignore[no-untyped-call]  # IPython has no types for it
    return values


def _tokens(x: Any, column: str) -> Any:
    """The column to be unmasked, found fit before anybody is asked for a key."""
    if axes.is_frame(x):
        check_column(x, column)
        if axes.names(x).count(column) > 1:
            raise Invalid(f"several columns are called {clip(column)!r}", next_step="Rename them first.")
        x = axes.values(x, column)
    elif not axes.is_column(x):
        raise CannotHold(
            f"an object of type {clip(type(x).__name__)} is neither a frame nor a column of one",
            next_step="Give a pandas or polars DataFrame or Series, or an Arrow table or array.",
        )
    with naming(column):
        check_fit(x, choose("token"))
    return x
