"""The verb classify: suggestions, one's own decisions, and what the vault remembers of them for the next frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..carried.find import is_model
from ..errors import Invalid
from ..frames.classify_parts import looked_at
from ..frames.fingerprint import fingerprints
from ..frames.plans import check_column
from ..model import Label, Remembered, clip
from .classifying import Classification, labels_report
from .display import Report, Table, counted
from .labelling import NO_TAG, Labelled, corrected, label_key, labelled, on, to_remember
from .listing import Listing
from .modelling import classify_model
from .plan import check_frame, confirmed, unreviewed
from .risks import risk_line
from .session import Session, current

_ID = 8
"""Digits of a fingerprint that are shown, and enough to name it."""


def classify(
    x: Any,
    *,
    set: Mapping[str, str] | None = None,
    accept: bool = False,
    forget: str | Sequence[str] = (),
    full: bool = False,
) -> Classification:
    """The labels of a frame: suggested, or as `set` says (column to level or tag); `accept` takes the suggestions.

    Looks at some thousand rows, `full` at all of them, of lazy polars and Dask frames too. What is set or accepted
    holds for this very object, and the vault remembers it for columns of the same name, kind and shape, without
    learning their names; `forget` undoes that for these columns. What others said of such columns raises levels only.
    The frame itself is not changed. Suggestions alone need no vault.

    Of a fitted model: what it carries along, where that is, and what it says of people.
    """
    if is_model(x):
        return classify_model(x, decided=bool(set or accept or forget))
    session = current()
    check_frame(x, later=True)
    by = session.client.me().name if set or accept or forget else ""
    if forget:
        _forget_columns(session, x, (forget,) if isinstance(forget, str) else forget, by)
    found = labelled(session, x, full=full, anew=bool(set or accept), without_vault=not by)
    labels = corrected(found, set or {}, by)
    accepted = [name for name, label in labels.items() if accept and not label.confirmed_by]
    if accept:
        labels = confirmed(labels, by)
    if set or accept:
        new = to_remember(found, labels, {*(set or {}), *accepted}, label_key(session))
        if new:
            session.client.correct(new)
        session.memory.remember(x, labels, "what you classified")
    return Classification(_report(found, labels, risk_line(x, labels)), labels)


def _report(found: Labelled, labels: Mapping[str, Label], risk: str) -> Report:
    """The table; what was remembered says since when, unless something else has been said now."""
    same = [name for name in labels if labels[name] == found.labels[name]]
    since = {name: f", {on(found.taken[name].at)}" for name in same if name in found.taken}
    proposals = [_proposal(name, found.open[name]) for name in same if name in found.open]
    proposals += [_outgrown(name, found.outgrown[name]) for name in same if name in found.outgrown]
    return labels_report(labels, len(unreviewed(labels)), since, proposals, risk)


def _proposal(name: str, one: Remembered) -> str:
    word = one.correction
    said = f"{word.level}, {word.tag or NO_TAG}"
    return f"{one.by} said on {on(one.at)} that {clip(name)} is {said}; %classify X --set says so in your name"


def _outgrown(name: str, known: Label) -> str:
    return f"{clip(name)} was {known.level} and has other values since; %classify X --set says so of these"


def _forget_columns(session: Session, x: Any, columns: Sequence[str], by: str) -> None:
    looked = looked_at(x)
    for column in columns:
        check_column(looked, column)
    session.client.correct(forget=tuple(fingerprints(looked, label_key(session), columns).values()))
    known = session.memory.labels_of(x)
    if known:
        kept = {name: one for name, one in known.items() if name not in columns or one.confirmed_by != by}
        session.memory.remember(x, kept, "what you classified")


def remembered(*, forget: str | Sequence[str] = ()) -> Listing[Remembered]:
    """What the vault remembers of what you said of columns, newest first; `forget` undoes it, by the ids shown.

    It knows no names: classify a frame to see which of its columns are meant.
    """
    session = current()
    ids = (forget,) if isinstance(forget, str) else tuple(forget)
    if ids:
        session.client.correct(forget=tuple(_named(_own(session), ids)))
    found = tuple(sorted(_own(session), key=lambda one: one.at, reverse=True))
    rows = tuple(
        (one.correction.fingerprint[:_ID], one.correction.level.value, one.correction.tag or NO_TAG, on(one.at))
        for one in found
    )
    table = Table(("id", "level", "tag", "since"), rows)
    title = f"{counted(len(found), 'sort')} of columns you spoke of"
    return Listing(Report(title, tables=(table,) if rows else ()), found)


def _own(session: Session) -> tuple[Remembered, ...]:
    by = session.client.me().name
    return tuple(one for one in session.client.corrections() if one.by == by)


def _named(own: Sequence[Remembered], ids: Sequence[str]) -> Iterator[str]:
    for text in ids:
        meant = [one.correction.fingerprint for one in own if one.correction.fingerprint.startswith(text.lower())]
        if len(text) < _ID or len(meant) != 1:
            raise Invalid(f"{clip(text)!r} is nothing that is remembered", next_step="%classify --remembered has ids.")
        yield meant[0]
