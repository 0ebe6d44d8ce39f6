"""Dask DataFrames: masked partition by partition, where the partitions are. Keys go by name: see `held`.

Every value is masked as it would be in one pandas frame. What goes by the place of a row is told how many rows come
before its partition; what needs all rows at once, as dealing them out anew does, is refused.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from operator import add
from typing import TYPE_CHECKING, Any

from ..errors import CannotHold, Invalid, SecureCollabError
from ..model import clip
from . import axes, held
from .keyed import MaskKey
from .techniques import Choice

if TYPE_CHECKING:
    import dask.dataframe as dd
    import pandas as pd

Part = Callable[..., Any]
"""Masks a partition: pandas frame, plan as data, tags, names of keys by column, rows before it."""


def sketch(frame: dd.DataFrame) -> pd.DataFrame:
    """A pandas frame without rows, with the same columns and types."""
    found: pd.DataFrame = frame._meta
    return found


def computed(tasks: Sequence[Any]) -> list[Any]:
    """What these tasks give. Raises `CannotHold` where they fail, without the error's words: they may quote values."""
    import dask

    try:
        return list(dask.compute(*tasks))
    except SecureCollabError:
        raise
    except Exception as problem:  # whatever the steps of somebody's frame raise
        kind = type(problem).__name__
        step = "Compute it, with .compute(), to see why."
        raise CannotHold(f"the Dask frame cannot be computed ({clip(kind)})", next_step=step) from None


def first(frame: dd.DataFrame, rows: int) -> pd.DataFrame:
    """Up to so many rows from the start, of no more partitions than that needs."""
    import dask
    import pandas as pd

    found: list[pd.DataFrame] = []
    for part in frame.to_delayed():
        found += computed([dask.delayed(_head)(part, rows - sum(map(len, found)))])
        if sum(map(len, found)) >= rows:
            break
    return without_numbers(sketch(frame), pd.concat(found))


def without_numbers(meta: pd.DataFrame, taken: pd.DataFrame) -> pd.DataFrame:
    """Rows taken out of a frame, whose numbers in the index say nothing where its index has no name."""
    return taken.reset_index(drop=True) if axes.names(meta) == axes.column_names(meta) else taken


def _head(part: pd.DataFrame, rows: int) -> pd.DataFrame:
    return part.head(rows)


def masked(
    frame: dd.DataFrame,
    choices: Mapping[str, Choice | None],
    tags: Mapping[str, str | None],
    keys: Mapping[str, MaskKey],
    part: Part,
) -> dd.DataFrame:
    """The frame with these columns masked when it is computed; columns without a choice are left out.

    Raises `Invalid` for index levels, for `shuffle`, and for categories whose order would have to be kept.
    """
    from dask.dataframe.utils import clear_known_categories

    meta = sketch(frame)
    for name, choice in choices.items():
        _check(meta, name, choice)
    plan = {name: "drop" if one is None else {"how": one.how, **one.options} for name, one in choices.items()}
    names = _held({name: keys[name] for name, choice in choices.items() if choice is not None and choice.keyed})
    made = part(meta.iloc[:0], plan, tags, names, 0)
    index = axes.names(meta)[: -len(axes.column_names(meta)) or None]
    if not choices.keys().isdisjoint(index):  # divisions are values of the index
        frame = frame.clear_divisions()
    coded = [name for name, dtype in made.dtypes.items() if str(name) in choices and dtype == "category"]
    made = clear_known_categories(made, cols=coded)
    if not any(choice is not None and choice.how == "noise" for choice in choices.values()):
        return frame.map_partitions(part, plan, dict(tags), names, 0, meta=made, enforce_metadata=False)
    return _with_rows_before(frame, part, (plan, dict(tags), names), made)


def _check(meta: pd.DataFrame, name: str, choice: Choice | None) -> None:
    if name not in axes.column_names(meta):
        raise Invalid(f"{clip(name)!r} is an index level of a Dask frame", next_step="Use reset_index() first.")
    if choice is None:
        return
    if choice.how == "shuffle":
        raise Invalid(f"column {clip(name)!r}: shuffle needs all rows at once", next_step="Use another technique.")
    dtype: Any = axes.values(meta, name).dtype
    if dtype == "category" and dtype.ordered and choice.technique.in_order:
        step = "Make it unordered first: frame[name].cat.as_unordered()."
        raise Invalid(f"column {clip(name)!r}: the order of its categories would differ by partition", next_step=step)


def _held(keys: Mapping[str, MaskKey]) -> dict[str, str]:
    """Names of keys that this process holds, and gives to the workers of the client there is, if there is one."""
    distributed = sys.modules.get("distributed")
    if keys:
        with suppress(ValueError, AttributeError):  # no cluster: the threads of this process
            held.serve(distributed.default_client())  # type: ignore[union-attr]  # None has none, see above
    return {column: held.hold(key) for column, key in keys.items()}


def _with_rows_before(frame: dd.DataFrame, part: Part, given: tuple[Any, ...], meta: pd.DataFrame) -> dd.DataFrame:
    """The same, with each partition told how many rows come before it."""
    import dask
    import dask.dataframe as dd

    before: Any = 0
    made = []
    for one in frame.to_delayed():
        made.append(dask.delayed(part)(one, *given, before))
        before = dask.delayed(add)(before, dask.delayed(len)(one))
    return dd.from_delayed(made, meta=meta, divisions=frame.divisions, verify_meta=False)
