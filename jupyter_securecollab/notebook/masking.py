"""The verb mask: a masked copy of a frame for oneself, what would change, and what each technique keeps and leaks.

Keyed techniques use keys of this kernel here, not the vault's: what is made is like what others would get, but not
the same, and joins with nothing that was shared.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from typing import Any

from IPython.display import display

from ..carried.find import is_model
from ..errors import Invalid
from ..frames import axes
from ..frames.plans import Masks, first_rows, mask_frame, sketch
from ..frames.techniques import TECHNIQUES, Choice, Given
from ..model import Label, Level
from .careful import Facts, careful
from .display import Report, Shown, Table, columns_listed, listed
from .labelling import labelled
from .modelling import mask_model
from .plan import Plan, check_frame
from .plan import plan as plan_frame
from .plan_files import masks_of
from .risks import anonymised, generalised
from .session import Session, current

PREVIEW_ROWS = 5
_WIDEST = 12
_LEFT_OUT = "(left out)"
_COPY = re.compile(r"masked copy \((.*)\)", re.DOTALL)


@dataclass(frozen=True, repr=False)
class MaskPreview(Shown):
    """What masking would change. `plan` is how, column by column: data to keep, compare and give to `--plan`."""

    plan: Mapping[str, str]


def mask(
    x: Any = None,
    *,
    up_to: str | None = None,
    mask: Masks | None = None,
    plan: str | PathLike[str] | Mapping[str, str | Mapping[str, Given]] | None = None,
    preview: bool = False,
    explain: bool = False,
    k: int | None = None,
) -> Any:
    """A copy of a frame as somebody reads it up to a level (the vault's default unless given). `x` is unchanged.

    `mask` says how columns are masked, `plan` the same from a JSON or YAML file or as data; the tags' defaults hold
    for the rest. `preview` shows the first rows before and after instead, `explain` what the techniques keep and leak;
    without `x`, all of them. `k` goes on to generalise what others may know of people, by its tags, until every row
    looks like at least k - 1 others. Pseudonyms and all else that needs a key use one of this kernel.

    A lazy polars frame or a Dask frame stays one: nothing is masked until it is computed, and a preview computes the
    first rows alone. `k` needs all rows and raises `CannotHold`.

    Of a fitted model, what it carries above the level is replaced or removed where it can be: see `ModelCopy`.
    """
    if x is None:
        if explain:
            return Report("Ways to mask", tables=(_techniques(),))
        raise Invalid("there is nothing to mask", next_step="Give the name of a frame.")
    session = current()
    if is_model(x):
        unfit = bool(mask or plan or explain or k is not None)
        return mask_model(x, _reading(session, up_to), session, preview=preview, unfit=unfit)
    check_frame(x, later=k is None)
    level = _reading(session, up_to)
    labels, masks = labelled(session, x).labels, masks_of(plan, mask)
    planned = plan_frame(sketch(x), labels, level, masks)  # of a frame that is not there yet: without rows
    if explain:
        return _explained(planned)
    if axes.way_to_rows(x):
        copy = _masked_later(x, planned, session)
        if not preview:
            return _remembered(session, copy, planned)
        planned = plan_frame(first_rows(x, PREVIEW_ROWS), labels, level, planned.how)
    finished = planned.finished(session.mask_keys, session.join_keys(planned.joins))
    if warnings := () if preview else careful(planned):
        display(Report(f"masked up to {level}", warnings))  # type: ignore[no-untyped-call]  # IPython has no types for it
    if k is not None:
        copy, found = anonymised(finished.view(level), planned.labels, k)
        told = generalised(found)
        if preview:
            return MaskPreview(told, {name: str(choice) for name, choice in found.choices.items()})
        display(told)  # type: ignore[no-untyped-call]  # as above
        return _remembered(session, copy, planned, found.choices)
    if preview:
        return _preview(planned, finished.view(level, PREVIEW_ROWS))
    return _remembered(session, finished.view(level), planned)


def changed(copy: Any) -> Facts:
    """Which columns of a masked copy just made are clear, masked or left out; nothing of what is no frame."""
    labels = current().memory.labels_of(copy)
    if not labels:
        return ()
    there = axes.names(sketch(copy))
    how = {name: found[1] for name in there if (found := _COPY.fullmatch(labels[name].evidence))}
    left_out = [name for name in labels if name not in there]
    if not (how or left_out):
        return (("careful", "nothing in it is above that level: every column is clear"),)
    masked = columns_listed(f"{name} ({one})" for name, one in how.items())
    facts = (("clear", columns_listed(name for name in there if name not in how)), ("masked copy", masked))
    return (*facts, ("left out", columns_listed(left_out))) if left_out else facts


def _remembered(session: Session, copy: Any, planned: Plan, then: Mapping[str, Choice] = {}) -> Any:
    """The copy, with its labels in this kernel's memory from now on; `then` is what was done to it after masking."""
    how = dict(planned.seen(planned.up_to).masked)
    how |= {name: f"{how[name]}, then {choice}" if name in how else str(choice) for name, choice in then.items()}
    labels = {
        name: Label(planned.up_to, planned.labels[name].tag, evidence=f"masked copy ({one})")
        for name, one in how.items()
    }
    session.memory.remember(copy, {**planned.labels, **labels}, "what you masked")
    return copy


def _masked_later(x: Any, planned: Plan, session: Session) -> Any:
    """The copy of a frame that is not there yet, by a plan for it without rows."""
    how = planned.how
    keys = planned.keys(session.mask_keys, session.join_keys(planned.joins))
    return mask_frame(x, how, key=keys, tags={name: planned.labels[name].tag for name in how})


def _reading(session: Session, up_to: str | None) -> Level:
    return session.client.me().default_up_to if up_to is None else Level.parse(up_to)


def own_key(planned: Plan) -> tuple[tuple[str, str], ...]:
    """A fact to show where a key of this kernel stands in for the vault's."""
    if not planned.keyed:
        return ()
    return (("key", f"{listed(planned.keyed)}: made with a key of this kernel; what is shared gets another"),)


def _preview(planned: Plan, after: Any) -> MaskPreview:
    clear, masked = planned.seen(planned.up_to).cells()
    facts = (("clear", clear), ("masked copy", masked), *own_key(planned), *careful(planned))
    tables = (_before_and_after(planned, after),)
    return MaskPreview(Report(f"masked up to {planned.up_to}, it would be", facts, tables), planned.how)


def _before_and_after(planned: Plan, after: Any) -> Table:
    """Changed columns, each cell as `before → after` where it differs."""
    above = [name for name, label in planned.labels.items() if label.level > planned.up_to]
    shown = above[:_WIDEST]
    rest = len(planned.labels) - len(shown)
    left = set(axes.names(after))
    columns = []
    changed: set[tuple[int, int]] = set()
    for place, name in enumerate(shown):
        before = [_text(value) for value in _first(axes.values(planned.frame, name))]
        made = [_text(value) for value in axes.values(after, name)] if name in left else [_LEFT_OUT] * len(before)
        changed |= {(line, place) for line, (a, b) in enumerate(zip(before, made, strict=True)) if a != b}
        columns.append([a if a == b else f"{a} → {b}" for a, b in zip(before, made, strict=True)])
    caption = f"The first rows, before → after; {rest} other columns." if rest else "The first rows, before → after."
    rows = tuple(zip(*columns, strict=True))
    return Table(tuple(shown), rows, caption, marked=frozenset(changed))


def _text(value: Any) -> str:
    return str(value).removesuffix(" 00:00:00")  # a date as one


def _first(values: Any) -> Any:
    # not [:n], which goes by label where a pandas index holds floats
    return values.head(PREVIEW_ROWS) if hasattr(values, "head") else values.slice(0, PREVIEW_ROWS)


def _explained(planned: Plan) -> Report:
    rows = tuple(
        (name, str(choice), choice.technique.keeps, choice.technique.leaks) for name, choice in planned.copies.items()
    )
    table = Table(("column", "masked copy", "keeps", "still leaks"), rows)
    return Report(f"masked up to {planned.up_to}", tables=(table,) if rows else ())


def _techniques() -> Table:
    rows = tuple(
        (one.spelling, one.does, one.keeps, one.leaks, ", ".join(sorted(one.fits))) for one in TECHNIQUES.values()
    )
    return Table(("written", "what it does", "keeps", "still leaks", "for"), rows)
