"""Where every operation of the vault is decided and recorded: facts in, ruling out, entry written.

An operation runs inside the journal's write transaction; the facts it decides on are read there, so nothing can
change between decision, entry and commit. A refusal is an outcome, not an exception, until its entry is durable.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, TypeVar

import msgspec

from ..errors import Denied, NotFound, Unavailable
from ..model import Caller, Decision, Level, Receipt, Unmet, Value, Vouched, clip
from .audit import JSON, Journal, Proof, Work
from .catalog import AssetRow, EntryRow, GrantRow, MembershipRow, PersonRow
from .policy import Policy
from .ports import UNWATCHED, Clock, Rows, Watch
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

    def __init__(
        self, journal: Journal, policy: Policy, settings: Settings, clock: Clock, watch: Watch = UNWATCHED
    ) -> None:
        self.journal = journal
        self.clock = clock
        self.settings = settings
        self._policy = policy
        self._watch = watch
        self._denials = DenialMeter()

    def adopt_policy(self) -> None:
        """Put on record which policy text decides from here on, unless the log says so already."""

        def operation(work: Work) -> None:
            told = work.rows.find(EntryRow, actor=_VAULT.name, act="policy.adopt", newest=True, limit=1)
            if not told or self._policy.digest.encode() not in told[0].body:
                work.record("policy.adopt", _VAULT, name="policy", detail={"sha256": self._policy.digest})

        self.write(operation)

    def write(self, operation: Callable[[Work], T | Refused]) -> tuple[T, Proof | None]:
        """Run, record and commit one operation; raise what it raised, or its refusal once that is durable.

        With the value comes what makes the receipt of the entry, where one was recorded: see `Written`.
        """
        try:
            written = self.journal.write(operation)
        except Unavailable:
            self._denials.forget()  # what it took for recorded may not be
            raise
        if isinstance(written.value, Refused):
            raise written.value.error
        return written.value, written.proof

    def recorded(self, operation: Callable[[Work], T | Refused]) -> tuple[T, Receipt]:
        """`write` for an operation that records an entry whenever it succeeds, with its receipt.

        Raises `Unavailable` when what is recorded is not confirmed by enough witnesses: nothing may be released then.
        """
        value, proof = self.write(operation)
        if proof is None:
            raise RuntimeError("an operation that releases something must record it")
        return value, proof()

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
        ruling = self._rule(rows, now, caller, action, asset, level, purpose)
        self._watch.decided(action, ruling.decision.allow)
        return ruling

    def _rule(
        self,
        rows: Rows,
        now: datetime,
        caller: Caller,
        action: Action,
        asset: AssetRow | None,
        level: Level | None,
        purpose: str | None,
    ) -> Ruling:
        if caller.vouched is not None and not caller.vouched.roles:
            return NO_ROLE
        if action == "administer" and caller.via in ("kernel", "token"):
            return FROM_KERNEL
        people = self._everyone(rows, caller)
        asked = (action, asset, level, purpose)
        caps = {caller.name: caller.vouched}
        own, *others = (self._rule_one(rows, now, name, people, caps.get(name), *asked) for name in people)
        if not own.decision.allow:
            return own
        if not all(ruling.decision.allow for ruling in others):
            # Whose permission is missing, and which, is not for the caller to learn.
            return _NOT_EVERYBODY
        if own.up_to is None:
            return own
        return msgspec.structs.replace(own, up_to=min(one.up_to for one in (own, *others) if one.up_to is not None))

    def no_such(self, rows: Rows, now: datetime, caller: Caller, action: Action) -> Ruling:
        """The ruling for a name that does not exist, after as much work as for one that does: time must not tell."""
        ruling = self.rule(rows, now, caller, action, NOWHERE)
        return NO_ROLE if ruling == NO_ROLE else NO_ACCESS

    def _everyone(self, rows: Rows, caller: Caller) -> dict[str, PersonRow | None]:
        """The caller, all whose permission caps his, and the people any agents among them act for; the caller first."""
        people = {name: rows.get(PersonRow, name) for name in (caller.name, *caller.also)}
        for row in tuple(people.values()):
            if row is not None and row.acts_for and row.acts_for not in people:
                people[row.acts_for] = rows.get(PersonRow, row.acts_for)
        return people

    def refuse(
        self, work: Work, caller: Caller, act: str, asset: AssetRow | None, name: str, ruling: Ruling
    ) -> Refused:
        """Put a denial on record (unless that person had many this minute) and hand it back for raising.

        To be called before the operation changes anything: its entry would carry the changes.
        """
        decision = ruling.decision
        passed_over = self._denials.passed_over(caller.name, (act, clip(name), decision.policies), work.now)
        if passed_over is not None:
            # People read their own entries: an id there would tell a stranger that the name exists.
            known = None if asset is None or ruling in _HIDING else asset.id
            detail: Mapping[str, JSON] = {"passed_over": passed_over} if passed_over else {}
            work.record(act, caller, asset=known, name=clip(name, 160), decision=decision, detail=detail)
        return Refused(refusal(ruling, _WORDS.get(act, act), name))

    def person(self, rows: Rows, name: str) -> Person:
        """Facts about a person; one the vault does not know counts as inactive and may do nothing."""
        return _person(rows, name, rows.get(PersonRow, name))

    def _rule_one(
        self,
        rows: Rows,
        now: datetime,
        name: str,
        people: Mapping[str, PersonRow | None],
        vouched: Vouched | None,
        action: Action,
        asset: AssetRow | None,
        level: Level | None,
        purpose: str | None,
    ) -> Ruling:
        row = people[name]
        person = capped(_person(rows, name, row), vouched, reads=action in ("open", "update"))
        represented = None if row is None or not row.acts_for else _person(rows, row.acts_for, people[row.acts_for])
        grants: tuple[GrantFact, ...] = ()
        if asset is not None:
            named = [person] if represented is None else [person, represented]
            grantees = tuple(word for one in named for word in (one.name, *(f"@{group}" for group in one.groups)))
            grants = tuple(_fact(grant) for grant in rows.find(GrantRow, asset=asset.id, grantee=grantees))
        question = Question(
            person=person,
            action=action,
            now=now,
            asset=None if asset is None else AssetFact(asset.id, asset.owner, asset.withdrawn),
            grants=grants,
            level=level,
            purpose=purpose,
            on_behalf_of=represented,
        )
        if _is_stranger(question):
            return _TAKEN if action == "update" else NO_ACCESS
        return self._policy.rule(question)


_VAULT = Caller("vault", "service", "")
NOWHERE = AssetRow("", "", "frame", "", "", False, 0, datetime.min)
"""Stands for an asset that does not exist, so that looking for it takes as long as looking at one."""

_WORDS = {
    "label_key": "correct",
    "unmask": "unmask columns of",
    "join.ask": "ask for pseudonyms",
    "join.allow": "decide on",
    "join.refuse": "decide on",
    "begin": "share",
    "commit": "share",
    "grant": "give access to",
    "revoke": "end access to",
    "collect": "clear away",
    "executions.code": "read",
    "executions.forget": "delete",
    "keys.rotate": "renew the key of",
    "user.add": "add the account",
    "user.change": "change the account",
    "user.disable": "disable the account",
    "user.enable": "enable the account",
    "user.admit": "admit to the account",
    "user.vouch": "be",
    "user.token": "make a token for",
    "token.make": "make a token for",
    "token.end": "end the token of",
    "user.password": "set the password of",
    "group.add": "add people to the group",
    "group.remove": "take people out of the group",
}


def _fact(row: GrantRow) -> GrantFact:
    return GrantFact(
        row.id, row.asset, row.grantee, row.can, row.up_to, row.start, row.until, row.purposes, row.excluded
    )


def _person(rows: Rows, name: str, row: PersonRow | None) -> Person:
    if row is None:
        return Person(name, "person", Level.PUBLIC, (), (), False)
    groups = tuple(member.group for member in rows.find(MembershipRow, person=name))
    return Person(row.name, row.kind, row.clearance, row.roles, groups, row.active)


def capped(person: Person, vouched: Vouched | None, *, reads: bool = False) -> Person:
    """The person as far as the token at hand carries him. Who is an auditor reads no data, whatever token he shows."""
    if vouched is None:
        return person
    kept = {*vouched.roles, "auditor"} if reads else set(vouched.roles)
    roles = tuple(role for role in person.roles if role in kept)
    groups = tuple(group for group in person.groups if group in vouched.groups)
    return msgspec.structs.replace(person, roles=roles, groups=groups)


def _is_stranger(question: Question) -> bool:
    """Whether nothing connects the person with the asset: then he is not told that it exists."""
    asset = question.asset
    if asset is None or question.grants or question.subject.name == asset.owner:
        return False
    return "steward" not in question.person.roles


def _denial(policy: str, text: str, next_step: str) -> Ruling:
    return Ruling(Decision(False, (policy,), (Unmet(policy, text),), next_step))


NO_ACCESS = _denial(
    "deny.no_grant",
    "Nobody has given you access to anything of that name.",
    "Check the name with %shares, or ask its owner for access.",
)
"""The ruling for a name that does not exist, and for one that the person has nothing to do with."""

_TAKEN = _denial(
    "deny.no_grant",
    "The name is taken, and you have no access that reaches as far as updating what has it.",
    "Share it under another name.",
)
_HIDING = (NO_ACCESS, _TAKEN)

_NOT_EVERYBODY = _denial(
    "deny.not_everybody",
    "Others whose work is in this kernel, or for whom it acts, may not.",
    "Restart the kernel to work in it alone.",
)

FROM_KERNEL = _denial(
    "deny.from_kernel",
    "Accounts and keys are not administered, and requests not decided, from a kernel or by a script: any notebook "
    "could do it in your name.",
    "Use `jupyter securecollab` on the server, or the vault's page in your browser: securecollab/requests.",
)

NO_ROLE = _denial(
    "deny.no_role",
    "The token you come with carries no role for this vault.",
    "Ask the Hub's administrator for the role of a member; then stop your server and start it again.",
)
"""The ruling for whoever the identity provider knows and gives no part in this vault."""


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
    raise unknown_grantee(grantee)


def unknown_grantee(grantee: str) -> NotFound:
    """The error for a person or group that is not here."""
    kind = "group" if grantee.startswith("@") else "person"
    return NotFound(
        f"there is no {kind} {clip(grantee)} here",
        next_step="Check the spelling; Tab completes names. An administrator adds people and groups with"
        " jupyter securecollab user add and group add; those of a Hub are known once they have come.",
    )


class _Minute(NamedTuple):
    """The denials of one person since `since`: those on record, and how many were not put there."""

    since: datetime
    recorded: set[tuple[object, ...]]
    passed_over: int


class DenialMeter:
    """Keeps denials from filling the log: per person and minute each is recorded once, and at most 30 different ones.

    How many were passed over stands in the person's next recorded denial. Used by the journal's thread alone.
    """

    _WINDOW = timedelta(minutes=1)
    _DIFFERENT = 30
    _PEOPLE = 1024

    def __init__(self) -> None:
        self._minutes: dict[str, _Minute] = {}

    def passed_over(self, person: str, denial: tuple[object, ...], now: datetime) -> int | None:
        """How many denials of this person went unrecorded before this one; None if this one is to be passed over."""
        minute = self._minutes.pop(person, _Minute(now, set(), 0))
        if now - minute.since >= self._WINDOW:
            minute = _Minute(now, set(), minute.passed_over)
        skip = denial in minute.recorded or len(minute.recorded) >= self._DIFFERENT
        if not skip:
            minute.recorded.add(denial)
        self._minutes[person] = minute._replace(passed_over=minute.passed_over + 1 if skip else 0)
        if len(self._minutes) > self._PEOPLE:
            del self._minutes[next(iter(self._minutes))]
        return None if skip else minute.passed_over

    def forget(self) -> None:
        """Record anew what comes: the log could not be written."""
        self._minutes.clear()


def refusal(ruling: Ruling, act: str, name: str) -> Denied:
    """The error for a denial: what, why, and the decision with its next step."""
    reasons = " ".join(unmet.text for unmet in ruling.decision.unmet) or "No rule allows it."
    return Denied(f"You may not {act} {clip(name)}. {reasons}", decision=ruling.decision)


def raise_if_refused(ruling: Ruling, act: str, name: str) -> None:
    """For reading operations, which leave no entry: raise the denial at once."""
    if not ruling.decision.allow:
        raise refusal(ruling, act, name)
