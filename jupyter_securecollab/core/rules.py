"""The built-in rules, written out in Python: what stands against a question, one grant at a time.

Says the same as `policies/builtin.cedar`, by the same ids, and shares no code with it, so that a hole in one of them
is not a hole in the vault. Does not know the organisation's own policies.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..model import Level
from .question import AssetFact, GrantFact, Person, Question

_ROLES = {
    "create": {"member", "steward"},
    "audit": {"auditor", "steward"},
    "administer": {"admin"},
    "approve": {"steward"},
}
_ENOUGH = {
    "describe": {"open", "update", "manage"},
    "open": {"open", "update", "manage"},
    "update": {"update", "manage"},
    "manage": {"manage"},
}


def denials(question: Question, grant: GrantFact | None) -> frozenset[str]:
    """Ids of every rule against it with this one grant, or with none; empty means yes."""
    return standing_denials(question) | grant_denials(question, grant)


def standing_denials(question: Question) -> frozenset[str]:
    """Ids of the rules against it whatever the grant.

    Raises (ValueError, KeyError, TypeError) on facts that make no sense: no rule may be decided on them.
    """
    found = set(_about_people(question))
    if (question.asset is None) != (question.action in _ROLES):
        raise ValueError(f"{question.action} is either about an asset or not")
    if question.asset is not None:
        found.update(_about_asset(question, question.asset))
    elif not all(_ROLES[question.action].intersection(one.roles) for one in question.everyone):
        found.add("deny.role")
    if granted_level(question, None) > _clearance(question):
        found.add("deny.clearance")
    return frozenset(found)


def grant_denials(question: Question, grant: GrantFact | None) -> frozenset[str]:
    """Ids of the rules that this one grant, or having none, leaves unmet. Raises as `standing_denials` does."""
    if question.asset is None:
        return frozenset()
    return frozenset(_about_grant(question, question.asset, grant))


def granted_level(question: Question, grant: GrantFact | None) -> Level:
    """The level a yes would open up to: the one asked for, or the most that clearance and grant give."""
    if question.level is not None and question.action != "describe":
        return Level(question.level)
    return _clearance(question) if grant is None else min(_clearance(question), Level(grant.up_to))


def binds(grant: GrantFact, person: Person, asset: AssetFact) -> bool:
    """Whether the row is about this asset and names this person or one of his groups."""
    names = {person.name, *("@" + group for group in person.groups)}
    return grant.asset == asset.id and grant.grantee in names


def _clearance(question: Question) -> Level:
    return min(Level(one.clearance) for one in question.everyone)


def _about_people(question: Question) -> Iterator[str]:
    person, subject = question.person, question.subject
    if not all(one.active for one in question.everyone):
        yield "deny.inactive"
    if person.kind == "agent":
        if subject.name == person.name or subject.kind != "person":
            yield "deny.on_behalf"
    elif subject.name != person.name:
        yield "deny.on_behalf"
    if question.action in ("open", "update") and any("auditor" in one.roles for one in question.everyone):
        yield "deny.auditor_data"


def _about_asset(question: Question, asset: AssetFact) -> Iterator[str]:
    owns = question.subject.name == asset.owner
    if asset.withdrawn and (question.action in ("open", "update") or (question.action == "manage" and not owns)):
        yield "deny.withdrawn"
    if _lists_by_role(question):
        return
    rows = [grant for grant in question.grants if grant.excluded]
    for one in question.everyone:
        if one.name != asset.owner and any(binds(row, one, asset) for row in rows):
            yield "deny.excluded"


def _about_grant(question: Question, asset: AssetFact, grant: GrantFact | None) -> Iterator[str]:
    if grant is None:
        if question.subject.name != asset.owner and not _lists_by_role(question):
            yield "deny.no_grant"
        return
    if grant.excluded or not binds(grant, question.subject, asset):
        yield "deny.no_grant"
    if grant.can not in _ENOUGH[question.action]:
        yield "deny.can"
    if grant.start is not None and question.now < grant.start:
        yield "deny.not_yet"
    if grant.until is not None and question.now >= grant.until:
        yield "deny.expired"
    if question.action != "describe" and grant.purposes and question.purpose not in grant.purposes:
        yield "deny.purpose"
    if granted_level(question, grant) > Level(grant.up_to):
        yield "deny.up_to"


def _lists_by_role(question: Question) -> bool:
    return question.action == "describe" and all("steward" in one.roles for one in question.everyone)
