"""Dask DataFrames: masked partition by partition, where the partitions are. Keys go by name: see `held`.

Every value is masked as it would be in one pandas frame. What goes by the place of a row is told how many rows come
before its partition; what needs all rows at once, as dealing them out anew does, is refused.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from operator import add
from typing import TYPE_CHECKING, Any

from ..errors import Invalid
from ..model import clip
from . import axes, held
from .keyed import MaskKey
from .techniques import Choice

if TYPE_CHECKING:
    import dask.dataframe as dd
    import pandas as pd

Part = Callable[..., Any]
"""Masks a partition: pandas frame, plan as data, tags, name of the key or None, rows before it."""


def is_dask(frame: Any) -> bool:
    """Whether this is a Dask DataFrame, without importing Dask."""
    return any(
        (kind.__module__.partition(".")[0], kind.__name__) == ("dask", "DataFrame") for kind in type(frame).__mro__
    )


def sketch(frame: dd.DataFrame) -> pd.DataFrame:
    """A pandas frame without rows, with the same columns and types."""
    found: pd.DataFrame = frame._meta
    return found


def masked(
    frame: dd.DataFrame,
    choices: Mapping[str, Choice | None],
    tags: Mapping[str, str | None],
    key: MaskKey | None,
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
    needed = any(choice is not None and choice.keyed for choice in choices.values())
    name_of_key = _held(key) if needed and key is not None else None
    made = part(meta.iloc[:0], plan, tags, name_of_key, 0)
    coded = [name for name, dtype in made.dtypes.items() if str(name) in choices and dtype == "category"]
    made = clear_known_categories(made, cols=coded)
    if not any(choice is not None and choice.how == "noise" for choice in choices.values()):
        return frame.map_partitions(part, plan, dict(tags), name_of_key, 0, meta=made, enforce_metadata=False)
    return _with_rows_before(frame, part, (plan, dict(tags), name_of_key), made)


def _check(meta: pd.DataFrame, name: str, choice: Choice | None) -> None:
    if name not in axes.column_names(meta):
        raise Invalid(f"{clip(name)!r} is an index level of a Dask frame", next_step="Use reset_index() first.")
    if choice is None:
        return
    if choice.how == "shuffle":
        raise Invalid(f"column {clip(name)!r}: shuffle needs all rows at once", next_step="Use another technique.")
    dtype: Any = axes.values(meta, name).dtype
    if dtype == "category" and dtype.ordered and not choice.keyed and choice.how != "null":
        step = "Make it unordered first: frame[name].cat.as_unordered()."
        raise Invalid(f"column {clip(name)!r}: the order of its categories would differ by partition", next_step=step)


def _held(key: MaskKey) -> str:
    """The name of a key that this process holds, and gives to the workers of the client there is, if there is one."""
    name, distributed = held.hold(key), sys.modules.get("distributed")
    with suppress(ValueError, AttributeError):  # no cluster: the threads of this process
        held.serve(distributed.default_client())  # type: ignore[union-attr]  # None has none, see above
    return name


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
