"""Where every operation of the vault is decided and recorded: facts in, ruling out, entry written.

An operation runs inside the journal's write transaction; the facts it decides on are read there, so nothing can
change between decision, entry and commit. A refusal is an outcome, not an exception, until its entry is durable.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal, TypeVar

import msgspec

from ..errors import Denied, NotFound
from ..model import Caller, Decision, Level, Receipt, Unmet, Value, clip
from .audit import JSON, Journal, Work
from .catalog import AssetRow, GrantRow, MembershipRow, PersonRow
from .policy import Policy
from .ports import Clock, Rows
from .question import Action, AssetFact, GrantFact, Person, Question, Ruling

T = TypeVar("T")


DURATIONS: Mapping[Level, timedelta] = {
    Level.PUBLIC: timedelta(days=365),
    Level.INTERNAL: timedelta(days=90),
    Level.CONFIDENTIAL: timedelta(days=30),
    Level.SECRET: timedelta(days=7),
}
"""How long access lasts when nobody says until when, by the level it reads up to."""


class Settings(Value, frozen=True):
    """What an administrator may choose for the vault."""

    name: str = "vault"
    deployment: Literal["embedded", "service"] = "embedded"
    default_up_to: Level = Level.INTERNAL
    lease: timedelta = timedelta(minutes=5)
    durations: Mapping[Level, timedelta] = msgspec.field(default_factory=lambda: dict(DURATIONS))
    staging_kept: timedelta = timedelta(days=1)


class Refused(Value, frozen=True):
    """An operation that ended in an error which must be on record before it is raised."""

    error: Denied


class Desk:
    """Reads facts, asks policy, writes entries. Its only state keeps repeated denials from flooding."""

    def __init__(self, journal: Journal, policy: Policy, settings: Settings, clock: Clock) -> None:
        self.journal = journal
        self.clock = clock
        self.settings = settings
        self._policy = policy
        self._denials = DenialMeter()

    def write(self, operation: Callable[[Work], T | Refused]) -> tuple[T, Receipt | None]:
        """Run, record and commit one operation; raise what it raised, or its refusal once that is durable."""
        written = self.journal.write(operation)
        if isinstance(written.value, Refused):
            raise written.value.error
        return written.value, written.receipt

    def recorded(self, operation: Callable[[Work], T | Refused]) -> tuple[T, Receipt]:
        """`write` for an operation that records an entry whenever it succeeds."""
        value, receipt = self.write(operation)
        if receipt is None:
            raise RuntimeError("an operation that releases something must record it")
        return value, receipt

    def rule(
        self,
        rows: Rows,
        now: datetime,
        caller: Caller,
        action: Action,
        asset: AssetRow | None = None,
        *,
        level: Level | None = None,
        purpose: str | None = None,
    ) -> Ruling:
        """The least that everyone behind `caller` may: one denial denies, the lowest reading level counts."""
        rulings = []
        for name in self._everyone(rows, caller):
            question = self._question(rows, now, name, action, asset, level, purpose)
            hidden = action in ("open", "manage") and _is_stranger(question)
            rulings.append(no_access() if hidden else self._policy.rule(question))
        own, *others = rulings
        if not own.decision.allow:
            return own
        if not all(ruling.decision.allow for ruling in others):
            # Whose permission is missing, and which, is not for the caller to learn.
            return _NOT_EVERYBODY
        return min(rulings, key=lambda ruling: (ruling.up_to or Level.SECRET).rank)

    def _everyone(self, rows: Rows, caller: Caller) -> tuple[str, ...]:
        """The caller, all whose permission caps his, and the people any agents among them act for; the caller first."""
        names = dict.fromkeys((caller.name, *caller.also))
        for name in tuple(names):
            row = rows.get(PersonRow, name)
            if row is not None and row.acts_for:
                names[row.acts_for] = None
        return tuple(names)

    def refuse(
        self, work: Work, caller: Caller, act: str, asset: AssetRow | None, name: str, ruling: Ruling
    ) -> Refused:
        """Put a denial on record (the first of a burst, and how many followed it) and hand it back for raising."""
        decision = ruling.decision
        times = self._denials.count((caller.name, act, name, decision.policies), work.now)
        if times:
            detail: Mapping[str, JSON] = {"times": times} if times > 1 else {}
            known = asset.id if asset else None
            work.record(act, caller, asset=known, name=clip(name, 160), decision=decision, detail=detail)
        return Refused(refusal(ruling, _WORDS.get(act, act), name))

    def person(self, rows: Rows, name: str) -> Person:
        """Facts about a person; one the vault does not know counts as inactive and may do nothing."""
        row = rows.get(PersonRow, name)
        if row is None:
            return Person(name, "person", Level.PUBLIC, (), (), False)
        groups = tuple(member.group for member in rows.find(MembershipRow, person=name))
        return Person(row.name, row.kind, row.clearance, row.roles, groups, row.active)

    def _question(
        self,
        rows: Rows,
        now: datetime,
        name: str,
        action: Action,
        asset: AssetRow | None,
        level: Level | None,
        purpose: str | None,
    ) -> Question:
        person = self.person(rows, name)
        row = rows.get(PersonRow, name)
        represented = self.person(rows, row.acts_for) if row and row.acts_for else None
        grants: tuple[GrantFact, ...] = ()
        if asset is not None:
            named = [person] if represented is None else [person, represented]
            grantees = tuple(word for one in named for word in (one.name, *(f"@{group}" for group in one.groups)))
            grants = tuple(_fact(grant) for grant in rows.find(GrantRow, asset=asset.id, grantee=grantees))
        return Question(
            person=person,
            action=action,
            now=now,
            asset=None if asset is None else AssetFact(asset.id, asset.owner, asset.withdrawn),
            grants=grants,
            level=level,
            purpose=purpose,
            on_behalf_of=represented,
        )


_WORDS = {"begin": "share", "commit": "share", "grant": "give access to", "revoke": "end access to"}


def _fact(row: GrantRow) -> GrantFact:
    return GrantFact(
        row.id, row.asset, row.grantee, row.can, row.up_to, row.start, row.until, row.purposes, row.excluded
    )


def _is_stranger(question: Question) -> bool:
    """Whether nothing connects the person with the asset: then he is not told that it exists."""
    asset, person = question.asset, question.person
    if asset is None or question.grants or question.subject.name == asset.owner:
        return False
    return person.active and "steward" not in person.roles


_NOT_EVERYBODY = Ruling(
    Decision(
        False,
        ("deny.not_everybody",),
        (Unmet("deny.not_everybody", "Others whose work is in this kernel, or for whom it acts, may not."),),
        "Restart the kernel to work in it alone.",
    )
)


def no_access() -> Ruling:
    """The ruling for a name that does not exist: the same as for one nobody gave the caller access to."""
    unmet = Unmet("deny.no_grant", "Nobody has given you access to anything of that name.")
    step = "Check the name with %shares, or ask its owner for access."
    return Ruling(Decision(False, ("deny.no_grant",), (unmet,), step))


def find_asset(rows: Rows, name: str) -> AssetRow | None:
    """The asset of that name, committed or not."""
    found = rows.find(AssetRow, name=name)
    return found[0] if found else None


def known(rows: Rows, grantee: str) -> str:
    """The grantee if there is such an active person or non-empty group, else `NotFound`."""
    if grantee.startswith("@"):
        if rows.find(MembershipRow, group=grantee[1:], limit=1):
            return grantee
    else:
        row = rows.get(PersonRow, grantee)
        if row is not None and row.active:
            return grantee
    kind = "group" if grantee.startswith("@") else "person"
    raise NotFound(f"there is no {kind} {clip(grantee)} here", next_step="Check the spelling; Tab completes names.")


class DenialMeter:
    """Keeps one denial from filling the log: the first is recorded, the rest of its minute is counted."""

    _WINDOW = timedelta(minutes=1)
    _MOST = 4096

    def __init__(self) -> None:
        self._seen: dict[tuple[object, ...], tuple[datetime, int]] = {}
        self._lock = threading.Lock()

    def count(self, denial: tuple[object, ...], now: datetime) -> int:
        """0: do not record this one; n ≥ 1: record it as the n-th since the last record."""
        with self._lock:
            since, held = self._seen.get(denial, (None, 0))
            if since is not None and now - since < self._WINDOW:
                self._seen[denial] = (since, held + 1)
                return 0
            if len(self._seen) >= self._MOST:
                self._seen.clear()
            self._seen[denial] = (now, 0)
            return held + 1


def refusal(ruling: Ruling, act: str, name: str) -> Denied:
    """The error for a denial: what, why, and the decision with its next step."""
    reasons = " ".join(unmet.text for unmet in ruling.decision.unmet) or "No rule allows it."
    return Denied(f"You may not {act} {clip(name)}. {reasons}", decision=ruling.decision)


def raise_if_refused(ruling: Ruling, act: str, name: str) -> None:
    """For reading operations, which leave no entry: raise the denial at once."""
    if not ruling.decision.allow:
        raise refusal(ruling, act, name)
