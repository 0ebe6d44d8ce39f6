"""Pseudonyms that join over a project: asked for by who wants to share with them, allowed by a steward.

Whoever has their key can try values on every column masked with them, other people's too. So the yes is for one person,
one name, one level, and a steward who says it sees whose data that reaches. It is never said from a kernel.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import msgspec

from ..errors import Conflict, Invalid, NotFound, TooLarge
from ..model import Caller, Decision, Join, Joining, JoinKey, Level, Unmet, asset_name
from .access import project_of
from .audit import Work
from .catalog import AssetRow, JoinedRow, JoinRow, PersonRow
from .desk import FROM_KERNEL, Desk, Refused, raise_if_refused
from .keys import Keyring
from .once import Once, done_once
from .ports import Rows
from .question import Ruling

_WAITING = 100
_LISTED = 1000


class Joins:
    """Requests for such pseudonyms, their answers, and the keys that follow from a yes."""

    def __init__(self, desk: Desk, keys: Keyring) -> None:
        self._desk, self._keys = desk, keys

    def ask_join(self, caller: Caller, *, name: str, level: Level, because: str, once: Once | None = None) -> Joining:
        """Ask for pseudonyms `project/name` on columns of a level. Asking again replaces what was asked before, under
        another id: a steward's yes is to the reason he has read.

        Raises `Denied` for who may share nothing of that level, `Conflict` for who may use them already.
        """
        asset_name(name)
        project, _, word = name.partition("/")

        def operation(work: Work) -> JoinRow | Refused:
            ruling = self._desk.rule(work.rows, work.now, caller, "create", level=level)
            if not ruling.decision.allow:
                return self._desk.refuse(work, caller, "join.ask", None, name, ruling)
            before = _of(work.rows, project, Join(word, level), caller.name)
            if before is not None and before.state == "allowed":
                raise Conflict(f"you may use {name} for {level} columns already")
            is_more = before is None or before.state != "asked"
            if is_more and _waiting(work.rows, caller.name) >= _WAITING:
                raise TooLarge(f"{_WAITING} requests of yours are waiting", next_step="Wait for a steward's answers.")
            if before is not None:
                work.remove(JoinRow, before.id)
            row = JoinRow(secrets.token_hex(16), project, word, level, caller.name, because, work.now, "asked")
            work.put(row)
            work.record("join.ask", caller, name=name, decision=ruling.decision, detail={"level": level.value})
            return row

        return _shown(done_once(self._desk, caller, once, JoinRow, operation)[0])

    def decide_join(self, caller: Caller, *, id: str, allow: bool, once: Once | None = None) -> Joining:
        """Say yes or no, or take a yes back: then no key is given out any more.

        For stewards who read up to that level, about what somebody else asked; never from a kernel. Raises `Denied`,
        `NotFound`, `Conflict` when that is the answer already.
        """

        def operation(work: Work) -> Joining | Refused:
            row = work.rows.get(JoinRow, id)
            ruling = self._may_decide(work, caller, row)
            act = "join.allow" if allow else "join.refuse"
            # an id is no name: who may not decide is not told whether there is such a request
            name = f"{row.project}/{row.name}" if row is not None and ruling.decision.allow else "a request"
            if not ruling.decision.allow:
                return self._desk.refuse(work, caller, act, None, name, ruling)
            if row is None:
                raise NotFound("there is no such request")
            state = "allowed" if allow else "refused"
            if row.state == state:
                raise Conflict(f"it is {state} already")
            done = msgspec.structs.replace(row, state=state, by=caller.name, decided=work.now)
            work.put(done)
            detail = {"level": row.level.value, "person": row.person}
            work.record(act, caller, name=name, decision=ruling.decision, detail=detail)
            return self._told(work.rows, done)

        return done_once(self._desk, caller, once, Joining, operation)[0]

    def joins(self, caller: Caller) -> tuple[Joining, ...]:
        """One's own requests; for stewards all of them, and what each reaches. Newest first."""

        def query(rows: Rows) -> list[Joining]:
            now = self._desk.journal.now(rows)
            if self._desk.rule(rows, now, caller, "approve").decision.allow:
                waiting = rows.find(JoinRow, state="asked", limit=_LISTED)
                decided = rows.find(JoinRow, state=("allowed", "refused"), limit=_LISTED)
                return [self._told(rows, row) for row in (*waiting, *decided)]
            raise_if_refused(self._desk.rule(rows, now, caller, "create"), "list", "requests")
            return [_shown(row) for row in rows.find(JoinRow, person=caller.name, limit=_LISTED)]

        return tuple(sorted(self._desk.journal.read(query), key=lambda one: one.asked, reverse=True))

    def refusal(self, rows: Rows, caller: Caller, project: str, wanted: Sequence[Join]) -> Ruling | None:
        """Why somebody behind `caller` may not use these, if so: everyone in a kernel would have the key."""
        for join in wanted:
            rows_of = [_of(rows, project, join, _subject(rows, name)) for name in (caller.name, *caller.also)]
            if not all(row is not None and row.state == "allowed" for row in rows_of):
                return _not_allowed(project, join, waiting=rows_of[0] is not None and rows_of[0].state == "asked")
        return None

    def keys(self, work: Work, asset: AssetRow, wanted: Sequence[Join]) -> tuple[JoinKey, ...]:
        """The keys, made on first use, for sharing this asset; whether they may be given out was decided before."""
        project, found = project_of(asset.name), []
        for join in wanted:
            if work.rows.get(JoinedRow, project, join.name, join.level, asset.id) is None:
                work.put(JoinedRow(project, join.name, join.level, asset.id))
            owner, purpose = f"project/{project}", f"join:{join.level.value}:{join.name}"  # no asset's id has a slash
            found.append(JoinKey(join, self._keys.asset_key(work, project, owner, purpose)))
        return tuple(found)

    def _may_decide(self, work: Work, caller: Caller, row: JoinRow | None) -> Ruling:
        if caller.via not in ("browser", "cli"):
            return FROM_KERNEL
        level = None if row is None else row.level
        ruling = self._desk.rule(work.rows, work.now, caller, "approve", level=level)
        own = row is not None and row.person in {caller.name, _subject(work.rows, caller.name), *caller.also}
        return _OWN_REQUEST if ruling.decision.allow and own else ruling

    def _told(self, rows: Rows, row: JoinRow) -> Joining:
        """With what a steward has to know: whose data the key reaches, and who has it."""
        used = rows.find(JoinedRow, project=row.project, name=row.name, level=row.level)
        assets = (rows.get(AssetRow, one.asset) for one in used)
        names = sorted(f"{one.name} ({one.owner})" for one in assets if one is not None)
        others = rows.find(JoinRow, project=row.project, name=row.name, level=row.level, state="allowed")
        held = sorted({one.person for one in others} - {row.person})
        return msgspec.structs.replace(_shown(row), assets=tuple(names), holders=tuple(held))


def check_joins(wanted: Sequence[Join], levels: Sequence[Level]) -> None:
    """Raise `Invalid` for names that are none, and for levels at which nothing is shared."""
    for join in wanted:
        asset_name(f"project/{join.name}")
        if join.level not in levels:
            raise Invalid(f"nothing of level {join.level} is shared, so nothing of it can be joined")


def _of(rows: Rows, project: str, join: Join, person: str) -> JoinRow | None:
    found = rows.find(JoinRow, person=person, project=project, name=join.name, level=join.level, limit=1)
    return found[0] if found else None


def _waiting(rows: Rows, person: str) -> int:
    return len(rows.find(JoinRow, person=person, state="asked", limit=_WAITING))


def _subject(rows: Rows, name: str) -> str:
    """The person himself, or the one an agent acts for."""
    row = rows.get(PersonRow, name)
    return name if row is None or row.acts_for is None else row.acts_for


def _shown(row: JoinRow) -> Joining:
    return Joining(
        id=row.id,
        name=f"{row.project}/{row.name}",
        level=row.level,
        person=row.person,
        because=row.because,
        asked=row.asked,
        state=row.state,
        by=row.by,
        decided=row.decided,
    )


def _not_allowed(project: str, join: Join, *, waiting: bool) -> Ruling:
    name = f"{project}/{join.name}"
    text = f"Pseudonyms {name} on {join.level} columns join over the whole project: a steward has to say yes."
    step = f"Ask for it: %join {name} --level {join.level} --because WHY. Until then use pseudonym:{join.name}."
    if waiting:
        step = f"A steward has yet to decide. Until then use pseudonym:{join.name}, which joins inside the asset."
    return Ruling(Decision(False, ("deny.join",), (Unmet("deny.join", text),), step))


_OWN_REQUEST = Ruling(
    Decision(
        False,
        ("deny.own_request",),
        (Unmet("deny.own_request", "You asked for it yourself."),),
        "Another steward has to decide.",
    )
)
