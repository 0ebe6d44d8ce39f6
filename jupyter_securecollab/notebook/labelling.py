"""The labels of a frame: what is known of this very object, else what the vault remembers of such columns, else
what classification suggests.

What is known of an object holds for the values it had: where a column was written to and looks like something more
sensitive now, that is suggested anew. Values that stand under another name now keep a label that is higher.

One's own earlier word counts, as long as no more is suggested now than when it was given. Somebody else's may raise a
level; it lowers none and changes no tag, for a tag decides how a column is masked. What is not taken over is shown,
and taken over by saying so oneself.
"""

from __future__ import annotations

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from ..errors import Denied, NotSignedIn, Unavailable, UnknownLevel
from ..frames.classify import classify
from ..frames.classify_parts import classify_parts, looked_at
from ..frames.fingerprint import fingerprints
from ..frames.keyed import MaskKey
from ..frames.plans import check_column
from ..frames.tags import TAGS
from ..model import Correction, Label, Level, Remembered, clip
from .classifying import classifier
from .session import Session

NO_TAG = "none"

_TAG = re.compile("[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True)
class Labelled:
    """Labels by column, in order.

    `looked` are the rows that were looked at: the frame itself, where it is there. `suggested` is what classification
    says by itself, where it was asked. `taken` are the corrections that made a label, `open` those that would make it
    another one but may not. `mine` are one's own, by fingerprint. `outgrown` are labels that were known of columns
    which hold something more sensitive since.
    """

    labels: dict[str, Label]
    looked: Any = field(repr=False)
    suggested: Mapping[str, Label] = field(default_factory=dict)
    taken: Mapping[str, Remembered] = field(default_factory=dict)
    open: Mapping[str, Remembered] = field(default_factory=dict)
    mine: Mapping[str, Remembered] = field(default_factory=dict)
    outgrown: Mapping[str, Label] = field(default_factory=dict)

    @property
    def lowered(self) -> dict[str, Label]:
        """Columns that an earlier word puts below what is suggested now."""
        below = (name for name in self.taken if self.labels[name].level < self.suggested[name].level)
        return {name: self.labels[name] for name in below}


def labelled(
    session: Session, frame: Any, *, full: bool = False, anew: bool = False, without_vault: bool = False
) -> Labelled:
    """The labels of a frame. `anew` also asks what would be suggested for columns whose label is known already.

    A frame that is not there yet is read only where some label is not known, or where it is looked at `anew`.
    `without_vault` makes do with suggestions where the vault does not answer; where there is none, or where it
    remembers nothing for this person, that is always so.
    """
    known = session.memory.labels_of(frame)
    changed, moved = session.memory.changed(frame)
    given = {} if anew else {name: label for name, label in known.items() if name not in changed}
    looked = looked_at(frame, given)
    if looked is frame:
        suggested = classify(frame, given, classifier=classifier(), full=full)
    else:
        suggested = classify_parts(frame, given, classifier=classifier(), full=full, looked=looked)
    outgrown = {name: known[name] for name in changed & set(suggested) if _outgrown(known[name], suggested[name])}
    known = {name: label for name, label in known.items() if name in suggested and name not in outgrown}
    known |= {name: label for name, label in moved.items() if label.level > {**suggested, **known}[name].level}
    labels = {**suggested, **known}
    try:
        by, said = _remembered(session)
    except Unavailable:
        if not without_vault:
            raise
        by, said = "", ()
    taken: dict[str, Remembered] = {}
    unused: dict[str, Remembered] = {}
    about: defaultdict[str, list[Remembered]] = defaultdict(list)
    for one in said:
        about[one.correction.fingerprint].append(one)
    if said:
        for name, fingerprint in fingerprints(looked, label_key(session), set(labels) - set(known)).items():
            labels[name], used, left = weighed(labels[name], about[fingerprint], by)
            taken |= {name: used} if used else {}
            unused |= {name: left} if left else {}
    mine = {one.correction.fingerprint: one for one in said if one.by == by}
    return Labelled(labels, looked, suggested, taken, unused, mine, outgrown)


def _outgrown(known: Label, suggested: Label) -> bool:
    """Whether a column that has changed looks more sensitive than its label says.

    Where somebody put it lower, knowing that it looked like that, it stays there.
    """
    return suggested.level > known.level and (known.confirmed_by is None or suggested.tag != known.tag)


def _remembered(session: Session) -> tuple[str, tuple[Remembered, ...]]:
    try:
        return session.client.me().name, session.client.corrections()
    except (NotSignedIn, Denied):
        return "", ()


def label_key(session: Session) -> MaskKey:
    """The key for fingerprints, asked for once in the life of a kernel."""
    if session.label_key is None:
        session.label_key = session.client.label_key()
    return MaskKey(session.label_key)


def weighed(
    suggested: Label, said: Sequence[Remembered], by: str
) -> tuple[Label, Remembered | None, Remembered | None]:
    """A label in the light of what people said of such columns: the label, whose word made it, whose was left out."""
    own = next((one for one in said if one.by == by), None)
    if own is not None:
        word = own.correction
        if suggested.level > word.suggested and word.level < suggested.level:
            return suggested, None, own  # it was said of something that looked more harmless
        return msgspec.structs.replace(suggested, level=word.level, tag=word.tag, confirmed_by=by), own, None
    highest = max(said, key=lambda one: (one.correction.level.rank, one.at), default=None)
    if highest is None or highest.correction.level < suggested.level:
        return suggested, None, highest
    label = msgspec.structs.replace(suggested, level=highest.correction.level, confirmed_by=highest.by)
    return label, highest, highest if highest.correction.tag != suggested.tag else None


def corrected(found: Labelled, settings: Mapping[str, str], by: str) -> dict[str, Label]:
    """The labels with what somebody says now: by column a level, or a tag, which brings its level along."""
    made = dict(found.labels)
    for column, word in settings.items():
        check_column(found.looked, column)
        made[column] = _said(found.labels[column], word.strip().lower(), by)
    return made


def _said(label: Label, word: str, by: str) -> Label:
    rules = classifier()
    if word in list(Level):
        return msgspec.structs.replace(label, level=Level(word), confirmed_by=by)
    if word == NO_TAG or rules.knows(word):
        tag = None if word == NO_TAG else word
        return msgspec.structs.replace(label, level=rules.level_of(tag), tag=tag, confirmed_by=by)
    near = difflib.get_close_matches(word, (*Level, *TAGS), n=1)
    every = f"The levels are {', '.join(Level)}; the tags are {', '.join(TAGS)}."
    hint = f"Did you mean {near[0]}?" if near else every
    raise UnknownLevel(f"{clip(word)!r} is neither a level nor a tag", next_step=hint)


def to_remember(
    found: Labelled, labels: Mapping[str, Label], said: Iterable[str], key: MaskKey
) -> tuple[Correction, ...]:
    """What is new in these labels about the columns somebody spoke of, for the vault to remember."""
    made = []
    for name, fingerprint in fingerprints(found.looked, key, said).items():
        label, before = labels[name], found.mine.get(fingerprint)
        tag = label.tag if _TAG.fullmatch(label.tag or "") else None  # plug-ins spell theirs as they like
        correction = Correction(fingerprint, label.level, found.suggested[name].level, tag)
        if before is None or before.correction != correction:
            made.append(correction)
    return tuple(made)


def on(when: datetime) -> str:
    """A day for people: 3 Nov 2026."""
    local = when.astimezone()
    return f"{local.day} {local:%b %Y}"
