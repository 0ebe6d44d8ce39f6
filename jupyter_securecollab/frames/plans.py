"""Masks a whole frame by a plan: which column how. The same on every library, and the frame given is never changed.

A plan is data: `{"ssn": "redact", "seen": {"how": "shift", "days": 30, "by": "id"}}`. Columns it does not name are
taken over as they are; those it says `drop` of are left out. Knows no levels and no vault: whoever calls brings a key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pyarrow as pa

from ..errors import CannotHold, Invalid
from ..model import clip
from . import axes, dasks, held, lazy
from .keyed import MaskKey
from .mask import check_fit, default_choice, kind_of, mask_column
from .techniques import DROP, Choice, Given, choose

How = str | Mapping[str, Given] | Choice
Masks = Mapping[str, str | Mapping[str, Given]]
"""How columns are to be masked: a choice as `techniques.choose` reads it, or `drop`, by column."""

_POSTCODES = 100


def default_plan(frame: Any, tags: Mapping[str, str | None]) -> dict[str, str]:
    """How columns that hold this (`tags.TAGS`) are masked unless somebody says otherwise: a plan to begin with."""
    known = sketch(frame)
    return {name: str(chosen(known, name, None, tag)) for name, tag in tags.items()}


def mask_frame(
    frame: Any,
    plan: Mapping[str, How],
    *,
    key: MaskKey | Mapping[str, MaskKey] | None = None,
    tags: Mapping[str, str | None] | None = None,
) -> Any:
    """A masked copy of a pandas or polars frame, a lazy polars frame, an Arrow table or a Dask frame.

    `tags` say what columns hold (`{"ssn": "us_ssn"}`); `redact`, `partial` and others go by that. `key` is needed by
    keyed techniques: one for all columns, or by column; every column gets its own from it, see `column_key`. Index
    levels of pandas are named as in `axes.names`; a name that several columns have means all of them. Rows, order,
    index, types, missing values and untouched columns stay. Lazy frames stay lazy: see `lazy` and `dasks`. Raises
    `Invalid` before anything is masked where the plan does not fit the frame, and for values that a technique cannot
    take; no error quotes a value.
    """
    known, tags = sketch(frame), tags or {}
    keys = dict.fromkeys(plan, key) if isinstance(key, MaskKey) else key or {}
    for name in tags:
        check_column(known, name)
    choices = _choices(known, plan, tags)
    for name, choice in choices.items():
        if choice is not None and choice.keyed and name not in keys:
            raise Invalid(f"column {clip(name)!r}: {choice.how} needs a key", next_step="Give mask_frame a key.")
    if axes.is_lazy(frame):
        return lazy.masked(
            frame, choices, lambda part, name, choice: masked(part, name, choice, tags.get(name), keys.get(name))
        )
    if axes.is_dask(frame):
        return dasks.masked(frame, choices, tags, keys, mask_part)
    return _masked(frame, choices, tags, keys)


def mask_part(
    part: Any, plan: Mapping[str, How], tags: Mapping[str, str | None], key_names: Mapping[str, str], rows_before: int
) -> Any:
    """Some rows of a frame, masked as they are in the whole of it. Keys, by column, go by their names, see `held`."""
    keys = {column: held.key_of(name) for column, name in key_names.items()}
    return _masked(part, _choices(part, plan, tags), tags, keys, rows_before)


def sketch(frame: Any) -> Any:
    """A frame with the same columns and types that can be looked at: itself, or one without rows where it is lazy.

    Raises `CannotHold` for what is no frame.
    """
    if axes.is_lazy(frame):
        return lazy.sketch(frame)
    if axes.is_dask(frame):
        return dasks.sketch(frame)
    if not axes.is_frame(frame):
        raise CannotHold(
            f"an object of type {clip(type(frame).__name__)} is not a frame",
            next_step=f"Give a pandas, polars or Dask frame or an Arrow table{axes.way_to_frame(frame)}.",
        )
    return frame


def first_rows(frame: Any, rows: int) -> Any:
    """Up to so many rows of a frame that is not there yet, from its start. Raises `CannotHold` where that fails."""
    return lazy.first(frame, rows) if axes.is_lazy(frame) else dasks.first(frame, rows)


def _choices(frame: Any, plan: Mapping[str, How], tags: Mapping[str, str | None]) -> dict[str, Choice | None]:
    """How each column is masked; None for those that are left out."""
    return {name: None if how == DROP else chosen(frame, name, how, tags.get(name)) for name, how in plan.items()}


def _masked(
    frame: Any,
    choices: Mapping[str, Choice | None],
    tags: Mapping[str, str | None],
    keys: Mapping[str, MaskKey],
    rows_before: int = 0,
) -> Any:
    made: dict[int, Any] = {}
    for position, name in enumerate(axes.names(frame)):
        if name in choices:
            choice, tag, key = choices[name], tags.get(name), keys.get(name)
            made[position] = (
                None if choice is None else masked(frame, name, choice, tag, key, position, rows_before=rows_before)
            )
    return axes.with_values(frame, made)


def chosen(frame: Any, name: str, how: How | None, tag: str | None) -> Choice:
    """How a column of a frame is masked: as said, or by default. Raises `Invalid` where that does not fit it."""
    check_column(frame, name)
    values = axes.values(frame, name)
    with naming(name):
        choice = default_choice(values, tag) if how is None else how if isinstance(how, Choice) else choose(how)
        check_fit(values, choice, tag)
        if tag == "postcode" and choice.how == "generalise" and kind_of(values) in ("integer", "float"):
            _check_postcodes(choice)
        if entity := choice.text("by"):
            check_column(frame, entity)
            if axes.names(frame).count(entity) > 1:
                raise Invalid(f"several columns are called {clip(entity)!r}", next_step="Rename them first.")
        return choice


def _check_postcodes(choice: Choice) -> None:
    """Refuses narrow bands of postcodes that are numbers: whoever wrote 3 meant the first three characters."""
    width = choice.number("to")
    if width is None or width < _POSTCODES:
        step = f"Write generalise:{_POSTCODES}, the first three of five digits; or make it text: read_csv(dtype=str)."
        raise Invalid(f"these postcodes are numbers, and {choice} would leave them nearly as they are", next_step=step)


def masked(
    frame: Any,
    name: str,
    choice: Choice,
    tag: str | None,
    key: MaskKey | None,
    position: int | None = None,
    *,
    rows_before: int = 0,
) -> Any:
    """A masked copy of one column, with a key of its own derived from `key`. `rows_before` are rows of another part."""
    by = choice.text("by")
    with naming(name):
        values = axes.values(frame, name) if position is None else axes.at(frame, position)
        entity = None if by is None else axes.values(frame, by)
        own = column_key(name, choice, key) if choice.keyed and key else None
        return mask_column(values, choice, tag, key=own, entity=entity, rows_before=rows_before)


def column_key(name: str, choice: Choice, key: MaskKey) -> MaskKey:
    """Every column has its own, but dates of one entity move together, and columns given one name can be joined."""
    return key.of_column(choice.how, choice.text("by") or name, choice.text("as"))


@contextmanager
def naming(column: str) -> Iterator[None]:
    """Errors say which column they are about, and quote no values."""
    try:
        yield
    except Invalid as problem:
        raise type(problem)(f"column {clip(column)!r}: {problem}", next_step=problem.next_step) from None
    except (pa.ArrowException, TypeError, ValueError, OverflowError):  # their texts quote values
        raise CannotHold(f"column {clip(column)!r} cannot be masked", next_step="Use null or drop for it.") from None


def check_column(frame: Any, column: str) -> None:
    """Raise `Invalid`, saying which there are, for a column that is not in the frame."""
    known = axes.names(frame)
    if column not in known:
        step = axes.not_among(known, str(column))
        raise Invalid(f"there is no column {clip(str(column))!r}", next_step=step)
