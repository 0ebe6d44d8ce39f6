"""Sharing: review, plan, then preview, or seal and send; or give access to what is there already.

Either a version becomes visible whole or nothing does: whatever goes wrong in between, an interruption included,
gives up what was begun.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from os import PathLike
from typing import Any, cast, get_args

from ..errors import Denied, Invalid, NeedsReview, SecureCollabError
from ..frames import axes
from ..frames.plans import Masks
from ..model import Access, AccessSpec, Can, Committed, Level, Name, Text, clip, grantee_name
from ..sealed.sealing import SealedPart
from ..times import window
from .asking import agreed, can_ask
from .careful import careful
from .display import Report, Shown, Table, listed
from .labelling import Labelled, labelled
from .labels import Memory
from .listing import Listing, changed, ending
from .masking import own_key
from .modelling import BESIDE, ModelCopy, renaming_of
from .plan import Plan, Subject, check_there, confirmed, unreviewed
from .plan import plan as plan_frame
from .plan_files import masks_of
from .progress import progress
from .risks import view_risk
from .session import Session, current, fitting
from .wholes import Whole, prepare_whole

_PREVIEW_ROWS = 5
_SORTED_BY_CHANCE = 10  # fewer rows than this are in order often enough without meaning it


def share(
    x: Any,
    name: str | None = None,
    *,
    people: str | Sequence[str] = (),
    up_to: str | None = None,
    level: str | None = None,
    start: str | datetime | None = None,
    until: str | datetime | None = None,
    purpose: str | None = None,
    because: str | None = None,
    can: str = "open",
    mask: Masks | None = None,
    plan: str | PathLike[str] | Masks | None = None,
    preview: bool = False,
    yes: bool = False,
) -> Shared | Preview | Listing[Access]:
    """Share a frame, a model or a file (a `pathlib.Path`) under `name`, or give access to the asset called `x`.

    `people` are user names and `@groups`; `up_to` is the level to which they read, the vault's default unless given.
    What lies above it, or above what earlier readers read to, goes out masked: `mask` maps columns to
    techniques or drop, `plan` does the same from a JSON or YAML file. `level` is the level of a model or file. `start`
    and `until` are ISO times or durations such as `30d`. Raises `NeedsReview` for sensitive columns nobody has looked
    at, unless `yes`.
    """
    session = current()
    times = window(start, until, datetime.now(UTC))
    grantees = tuple(map(grantee_name, (people,) if isinstance(people, str) else people))
    if isinstance(x, str) and (name is not None or level is not None or mask or plan or preview):
        raise Invalid(
            f"{clip(x)!r} is a name, and giving access to it takes no --as, --level, --mask, --plan or --preview",
            next_step="To share something new, put the variable that holds it first.",
        )
    if not isinstance(x, str) and name is None:
        raise Invalid("it needs a name to be shared under", next_step="Give it one: share(x, 'project/name').")
    name = session.asset(name or x)
    who = session.client.me()
    reads = who.default_up_to if up_to is None else Level.parse(up_to)
    access = _access(grantees, reads, times, purpose, because, can)
    session.refresh()
    if isinstance(x, str):
        return _give(session, name, access)
    readers = _readers(session, name)
    if access:
        readers |= dict.fromkeys(access.people, reads)
    # A new version replaces what earlier readers open: masked copies are made for whoever reads least of them all.
    least = min([reads, *readers.values()])
    subject = _subject(session, x, least, level, masks_of(plan, mask), who.name, accepted=yes or preview)
    kept = renaming_of(x, who.name) if isinstance(x, ModelCopy) else None
    if preview:
        return _preview(name, subject, readers or {"whoever is given access": reads}, session)
    beside = (*(_keep(session, name, kept, access) if kept else ()), *_otherwise(session, name, subject))
    done = _send(session, name, subject, access)
    session.masked[name] = subject.how if isinstance(subject, Plan) else {}
    session.memory.remember(x, subject.labels, done.name)
    session.learn(done.name)
    return Shared(_shared_report(done, subject, who.vault, beside), done)


@dataclass(frozen=True, repr=False)
class Shared(Shown):
    """A version that is now visible to those who have access to it."""

    committed: Committed


@dataclass(frozen=True, repr=False)
class Preview(Shown):
    """What each would get; nothing was shared. `views` holds the first rows of a frame as read up to each level."""

    views: Mapping[Level, Any]


def _keep(session: Session, name: str, kept: Plan, access: AccessSpec | None) -> tuple[tuple[str, str], ...]:
    """Share what turns a masked model's labels back, before the model: to those alone who read that far."""
    (level,) = kept.levels
    reads = access if access and access.up_to >= level else None
    done = _send(session, session.asset(f"{name}{BESIDE}"), kept, reads)
    return (("what was renamed", f"in {done.name}, version {done.number}, for those who read up to {level}"),)


def _shared_report(done: Committed, subject: Subject, vault: str, beside: tuple[tuple[str, str], ...] = ()) -> Report:
    """Per grantee: what he reads clear, what as masked copies, until when."""
    title = f"{done.name} is unchanged: it stays version {done.number}"
    if not done.unchanged:
        title = f"shared {done.name}, version {done.number}"
    rows = tuple(
        (one.grantee, one.can, one.up_to.value, *subject.seen(one.up_to).cells(), ending(one))
        for one in done.access
        if _reads(one)
    )
    caption = "Whoever is cleared for less reads less."
    table = Table(("who", "can", "reads up to", "clear", "masked copy", "until"), rows, caption)
    facts = (("vault", vault), ("receipt", f"entry {done.receipt.index} of its log"), *beside, *_careful(subject))
    step = "" if rows else f"Nobody else has access yet: %share {done.name} --with PERSON"
    return Report(title, facts, (table,) if rows else (), step)


def _careful(subject: Subject) -> tuple[tuple[str, str], ...]:
    """Warnings about what is told all the same: by the order of rows, what masks keep, what a model carries."""
    if isinstance(subject, Whole):
        return subject.careful
    return (*_order_tells(subject), *careful(subject)) if isinstance(subject, Plan) else ()


def _otherwise(session: Session, name: str, subject: Subject) -> tuple[tuple[str, str], ...]:
    """Columns masked otherwise than when this kernel shared them last: choices are not kept, and easily left out."""
    now = subject.how if isinstance(subject, Plan) else {}
    before = session.masked.get(name, {})
    changed = [
        f"{column} was {how}, is {now.get(column, 'clear')}"
        for column, how in before.items()
        if column in subject.labels and now.get(column) != how
    ]
    return (("careful", f"masked otherwise than before: {'; '.join(changed)}"),) if changed else ()


def _order_tells(subject: Plan) -> tuple[tuple[str, str], ...]:
    """Rows sorted by a column tell its order to everybody who reads any other column."""
    if subject.prepared.rows < _SORTED_BY_CHANCE:
        return ()
    found = subject.prepared.sorted_by_hidden(min(subject.levels))
    return (("careful", f"rows are sorted by {listed(found)}: their order tells every reader"),) if found else ()


def _access(
    people: tuple[str, ...],
    reads: Level,
    times: tuple[datetime | None, datetime | None],
    purpose: str | None,
    because: str | None,
    can: str,
) -> AccessSpec | None:
    if can not in get_args(Can):
        raise Invalid(f"{clip(can)!r} is not something one can do", next_step=f"Use one of {', '.join(get_args(Can))}.")
    if not people:
        if any(times) or purpose or because or can != "open":
            raise Invalid(
                "times, purposes, reasons and what one can do belong to access, and nobody is named",
                next_step="Name people with --with.",
            )
        return None
    purposes = () if purpose is None else (fitting(purpose, Name, "a purpose"),)
    return AccessSpec(people, cast(Can, can), reads, *times, purposes, fitting(because or "", Text, "a reason"))


def _give(session: Session, name: str, access: AccessSpec | None) -> Listing[Access]:
    if access is None:
        raise Invalid(f"{name} is a name; whom should it be shared with?", next_step=f"%share {name} --with PERSON")
    return changed(f"access to {name}", session.client.grant(name, access))


def _subject(
    session: Session, x: Any, reads: Level, level: str | None, masks: Masks, by: str, *, accepted: bool
) -> Subject:
    check_there(x)
    if not axes.is_frame(x):
        if masks:
            raise Invalid(
                "only columns of a frame can be masked",
                next_step="Leave --mask out; %mask makes a copy of a model that carries less.",
            )
        return prepare_whole(x, level, session.memory, by)
    if level is not None:
        raise Invalid("a frame has a level per column", next_step="Use %classify X --set COLUMN=LEVEL.")
    found = labelled(session, x)
    if not accepted:
        _review(found, session.memory)
    return plan_frame(x, confirmed(found.labels, by), reads, masks)


def _review(labels: Labelled, memory: Memory) -> None:
    """Ask for a yes to levels nobody has looked at; whoever cannot be asked, or says no, shares nothing.

    An earlier word that such columns are harmless was said of other values and is asked about too; where this kernel
    has held something sensitive, so is every earlier word.
    """
    doubts, found = "these columns look sensitive", unreviewed(labels.labels) | labels.lowered
    unknown = {name: one for name, one in labels.labels.items() if not one.confirmed_by or name in labels.taken}
    if memory.highest > Level.INTERNAL and unknown:
        doubts, found = f"this kernel has held {memory.highest} data ({memory.highest_from})", unknown
    if found:
        columns = listed(f"{name} ({label.level})" for name, label in found.items())
        question = f"{doubts}, and nobody has reviewed the level of {columns} here"
        if not (can_ask() and agreed(f"{question[0].upper()}{question[1:]}. Accept and share?")):
            raise NeedsReview(f"nothing was shared: {question}")


def _readers(session: Session, name: str) -> dict[str, Level]:
    """Who has access already, and up to which level. A new name has no readers yet."""
    with suppress(Denied):
        return {one.grantee: one.up_to for one in session.client.access(name) if _reads(one)}
    return {}


def _preview(name: str, subject: Subject, readers: Mapping[str, Level], session: Session) -> Preview:
    levels = sorted(set(readers.values()))
    views, risks, facts = {}, {}, (*_careful(subject), *_otherwise(session, name, subject))
    if isinstance(subject, Plan):
        finished = subject.finished(session.mask_keys, session.join_keys(subject.joins))
        readable = [level for level in levels if level >= min(finished.levels)]
        views = {level: finished.view(level, _PREVIEW_ROWS) for level in readable}
        risks = {level: view_risk(finished.view(level), subject.labels) for level in readable}
        facts += own_key(subject)
    tables = tuple(_preview_table(level, readers, subject, views, risks.get(level, "")) for level in levels)
    title = f"{name}: nothing was shared; this is what each would get"
    return Preview(Report(title, facts, tables), views)


def _preview_table(
    level: Level, readers: Mapping[str, Level], subject: Subject, views: Mapping[Level, Any], risk: str
) -> Table:
    who = listed(name for name, up_to in readers.items() if up_to == level)
    clear, masked = subject.seen(level).cells()
    caption = f"{who}: up to {level}, or less where cleared for less. Clear: {clear}. Masked copy: {masked}."
    caption += f" {risk}" if risk else ""
    return Table(*_rows(views[level]), caption) if level in views else Table((), (), caption)


def _reads(access: Access) -> bool:
    return access.state in ("active", "not yet")


def _rows(view: Any) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """A small frame as text, whatever its library."""
    names = axes.names(view)
    columns = [[str(value) for value in axes.values(view, name)] for name in names]
    return names, tuple(zip(*columns, strict=True))


def _send(session: Session, name: str, subject: Subject, access: AccessSpec | None) -> Committed:
    client = session.client
    begun = client.begin(name, subject.kind, subject.levels, access=access, joins=subject.joins)
    try:
        with progress(f"sharing {name}") as report:
            prepared = subject.finished(begun.mask_keys, {one.join: one.key for one in begun.join_keys})
            sealing = prepared.seal(asset=begun.asset, version=begun.version, keys=begun.keys, progress=report)
            with closing(cast(Generator[SealedPart, None, None], sealing.parts())) as parts:
                for part in parts:
                    client.upload(begun.version, part.level, part.partition, part.chunks)
        made = sealing.finish(begun.fingerprint_key)
        return client.commit(begun.version, made.top, made.levels, made.fingerprint)
    except BaseException:
        with suppress(SecureCollabError):  # what went wrong first is what people need to hear
            client.abort(begun.version)
        raise
