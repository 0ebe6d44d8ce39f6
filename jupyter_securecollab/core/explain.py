"""Puts a denial into words: every unmet condition as a sentence, and one next step.

The words are for the person who asked. They speak of himself, of the asset if he has to do with it, and of the one
grant that came nearest; never of anybody else's access. To somebody who has nothing to do with the asset they say
only that there is no access.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime

import msgspec

from ..model import Decision, Level, Unmet, clip
from . import rules
from .organisation import Rule
from .question import GrantFact, Question

# Hardest to put right first: the order in which reasons are named and the next step is chosen.
HARDEST_FIRST = (
    "deny.error",
    "deny.mismatch",
    "deny.inactive",
    "deny.on_behalf",
    "deny.role",
    "deny.auditor_data",
    "deny.no_grant",
    "deny.excluded",
    "deny.withdrawn",
    "deny.expired",
    "deny.not_yet",
    "deny.can",
    "deny.clearance",
    "deny.up_to",
    "deny.purpose",
)

_ABOUT_HIMSELF = {"deny.inactive", "deny.on_behalf", "deny.role", "deny.auditor_data", "deny.no_grant"}
_FAILED = {
    "deny.error": "The question could not be decided, so the answer is no.",
    "deny.mismatch": "Two checks that must agree do not, so the answer is no.",
}


def nearness(denials: Collection[str]) -> list[float]:
    """Sorts attempts by how near they came: greater is nearer to a yes."""
    return [*sorted(HARDEST_FIRST.index(one) for one in denials), float("inf")]


def failed(policy: str) -> Decision:
    """The denial for a decision that went wrong (`deny.error`, `deny.mismatch`)."""
    unmet = Unmet(policy=policy, text=_FAILED[policy])
    step = "Tell whoever runs the vault; nothing was released."
    return Decision(allow=False, policies=(policy,), unmet=(unmet,), next_step=step)


def denied(
    question: Question, grant: GrantFact | None, denials: Collection[str], own_rules: Mapping[str, Rule]
) -> Decision:
    """The denial for built-in `denials` and the organisation's `own_rules` that stand against it."""
    ids = [one for one in HARDEST_FIRST if one in denials]
    if not _concerned(question):
        ids = [one for one in ids if one in _ABOUT_HIMSELF]
        own_rules = {}
    unmet = [Unmet(policy=one, text=_SAYS[one](question, grant)) for one in ids]
    unmet += [Unmet(policy=one, text=rule.says) for one, rule in sorted(own_rules.items())]
    steps = [_next_step(question, grant, ids)] if ids else [rule.next_step for _, rule in sorted(own_rules.items())]
    return Decision(allow=False, policies=tuple(one.policy for one in unmet), unmet=tuple(unmet), next_step=steps[0])


def _concerned(question: Question) -> bool:
    """Whether he may know that the asset exists: it is his, he lists by role, or some row of it is about him."""
    asset = question.asset
    if asset is None or question.subject.name == asset.owner:
        return True
    if any("steward" in one.roles for one in question.everyone):
        return True
    return any(rules.binds(row, one, asset) for row in question.grants for one in question.everyone)


def _you(question: Question) -> str:
    return "You" if question.on_behalf_of is None else f"You, acting for {question.on_behalf_of.name},"


def _clearance(question: Question, _grant: GrantFact | None) -> str:
    reads = min(Level(one.clearance) for one in question.everyone)
    return f"{_you(question)} read up to {reads}; {question.level} was asked for."


def _role(question: Question, _grant: GrantFact | None) -> str:
    return {
        "create": "Only members and stewards share something new.",
        "audit": "Only auditors and stewards read the whole log.",
        "administer": "Only administrators change accounts and policy.",
        "approve": "Only stewards decide on what others ask for.",
    }[question.action]


def _purpose(question: Question, grant: GrantFact | None) -> str:
    allowed = ", ".join(clip(purpose) for purpose in _of(grant).purposes)
    named = "no purpose was named" if question.purpose is None else f"{clip(question.purpose)!r} is not one of them"
    return f"Your access is for these purposes only: {allowed}; {named}."


def _can(question: Question, grant: GrantFact | None) -> str:
    return f"Your access lets you {_of(grant).can} this, but not {question.action} it."


def _of(grant: GrantFact | None) -> GrantFact:
    if grant is None:
        raise ValueError("this reason is about a grant")
    return grant


def _moment(when: datetime | None) -> str:
    if when is None:
        raise ValueError("this reason is about a time")
    return f"{when.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


_SAYS: dict[str, Callable[[Question, GrantFact | None], str]] = {
    "deny.inactive": lambda question, _: (
        "Your account is disabled."
        if question.on_behalf_of is None
        else f"Your account, or that of {question.on_behalf_of.name}, is disabled."
    ),
    "deny.on_behalf": lambda *_: "An assistant or job acts for one person, and everybody else for themselves.",
    "deny.role": _role,
    "deny.auditor_data": lambda *_: "Auditors see the log, never the data.",
    "deny.no_grant": lambda *_: "You have no access to this.",
    "deny.excluded": lambda *_: "Your access has been ended.",
    "deny.withdrawn": lambda *_: "It has been withdrawn.",
    "deny.expired": lambda _, grant: f"Your access ended on {_moment(_of(grant).until)}.",
    "deny.not_yet": lambda _, grant: f"Your access begins on {_moment(_of(grant).start)}.",
    "deny.can": _can,
    "deny.clearance": _clearance,
    "deny.up_to": lambda question, grant: (
        f"Your access reads up to {_of(grant).up_to}; {question.level} was asked for."
    ),
    "deny.purpose": _purpose,
}


def _next_step(question: Question, grant: GrantFact | None, ids: list[str]) -> str:
    """What to do about the hardest reason."""
    hardest = ids[0]
    owner = "the owner" if question.asset is None else f"{question.asset.owner}, the owner,"
    if hardest in ("deny.clearance", "deny.up_to") and _opens_lower(question, grant):
        lower = "Open it without --up-to to get the masked copy"
        ask = f", or ask {owner} for access up to {question.level}"
        return f"{lower}{ask if hardest == 'deny.up_to' else ''}."
    if hardest == "deny.no_grant" and not _concerned(question):
        return "Ask whoever told you of it to have you given access."
    if hardest == "deny.withdrawn" and question.asset is not None and question.subject.name == question.asset.owner:
        return "It stays withdrawn; share the data again under another name."
    return {
        "deny.inactive": "Ask an administrator to enable the account.",
        "deny.on_behalf": "Sign in as yourself, or start the assistant for a person.",
        "deny.role": "Ask somebody who has that role, or an administrator to give it to you.",
        "deny.auditor_data": "Ask somebody who is not an auditor to look at the data.",
        "deny.no_grant": f"Ask {owner} for access.",
        "deny.excluded": f"Ask {owner} to give you access again.",
        "deny.withdrawn": f"Ask {owner} what replaces it.",
        "deny.expired": f"Ask {owner} to renew your access.",
        "deny.not_yet": "Try again then.",
        "deny.can": f"Ask {owner} for leave to {question.action} it.",
        "deny.clearance": "Ask an administrator to raise what you read up to, or use a lower level.",
        "deny.up_to": f"Ask {owner} for access up to {question.level}.",
        "deny.purpose": "Name one of these purposes with --for.",
    }[hardest]


def _opens_lower(question: Question, grant: GrantFact | None) -> bool:
    return question.action == "open" and not rules.denials(msgspec.structs.replace(question, level=None), grant)
