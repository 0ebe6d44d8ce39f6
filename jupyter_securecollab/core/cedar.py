"""Asks Cedar: turns one question and one grant into entities and a request, and reads the verdict.

Entities and request are checked against the schema on every call, because Cedar skips a forbid whose evaluation fails:
a missing clearance would read as "nothing forbids it". For the same reason any error at all is `CedarFailed`, never a
verdict.
"""

from __future__ import annotations

from datetime import UTC, datetime

import cedarpy
import msgspec

from ..model import Can, Level
from .question import AssetFact, GrantFact, Person, Question

_GRANTED: tuple[Can, ...] = ("open", "update", "manage")
_VAULT = {"type": "Vault", "id": "vault"}


class CedarFailed(Exception):
    """Cedar gave no clean answer; the only safe reading is no."""


class Verdict(msgspec.Struct, frozen=True):
    """What Cedar said and the ids of all policies that determined it."""

    allow: bool
    ids: frozenset[str]


class Evaluator:
    """A parsed policy set and schema. Both are immutable, so threads may share one evaluator."""

    def __init__(self, policies: str, schema: str) -> None:
        self._schema = cedarpy.Schema.from_str(schema)
        valid = cedarpy.validate_policies(policies, self._schema)
        if not valid:
            raise ValueError("; ".join(str(error) for error in valid.errors))
        self._policies = cedarpy.PolicySet.from_str(policies)

    def judge(self, question: Question, grant: GrantFact | None, level: Level) -> Verdict:
        """Cedar's verdict on opening up to `level` with this one grant; raises `CedarFailed`."""
        resource = _VAULT if question.asset is None else _uid("Asset", question.asset.id)
        request = {
            "principal": _uid("User", question.person.name),
            "action": _uid("Action", question.action),
            "resource": resource,
            "context": _text(_context(question, grant, level)),
        }
        result = cedarpy.is_authorized(request, self._policies, _text(_entities(question)), self._schema)
        seen = result.diagnostics
        if seen.errors or result.decision is cedarpy.Decision.NoDecision:
            raise CedarFailed("; ".join(seen.errors) or "no decision")
        names = seen.id_annotations_by_reason
        return Verdict(allow=result.allowed, ids=frozenset(names[reason] for reason in seen.reasons))


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _uid(kind: str, name: str) -> dict[str, str]:
    return {"type": kind, "id": name}


def _entities(question: Question) -> list[object]:
    people: list[object] = [_person(one) for one in question.everyone]
    return people if question.asset is None else [*people, _asset(question.asset, question.grants)]


def _person(person: Person) -> dict[str, object]:
    groups = [_uid("Group", group) for group in person.groups]
    roles = [_uid("Role", role) for role in person.roles]
    attributes = {"kind": person.kind, "clearance": Level(person.clearance).rank, "active": person.active}
    return {"uid": _uid("User", person.name), "attrs": attributes, "parents": groups + roles}


def _asset(asset: AssetFact, rows: tuple[GrantFact, ...]) -> dict[str, object]:
    excluded = [row.grantee for row in rows if row.excluded and row.asset == asset.id]
    attributes = {
        "owner": _uid("User", asset.owner),
        "withdrawn": asset.withdrawn,
        "excluded_people": [_uid("User", name) for name in excluded if not name.startswith("@")],
        "excluded_groups": [_uid("Group", name[1:]) for name in excluded if name.startswith("@")],
    }
    return {"uid": _uid("Asset", asset.id), "attrs": attributes, "parents": []}


def _context(question: Question, grant: GrantFact | None, level: Level) -> dict[str, object]:
    context: dict[str, object] = {
        "now": _time(question.now),
        "subject": _uid("User", question.subject.name),
        "level": Level(level).rank,
    }
    if question.purpose is not None:
        context["purpose"] = question.purpose
    if grant is not None:
        context["grant"] = _grant(grant)
    return context


def _grant(grant: GrantFact) -> dict[str, object]:
    if grant.excluded or grant.can not in _GRANTED:
        raise CedarFailed("not a grant")
    group = grant.grantee.startswith("@")
    record: dict[str, object] = {
        "asset": _uid("Asset", grant.asset),
        "group" if group else "person": _uid("Group", grant.grantee[1:]) if group else _uid("User", grant.grantee),
        "can": grant.can,
        "up_to": Level(grant.up_to).rank,
        "purposes": grant.purposes,
    }
    if grant.start is not None:
        record["start"] = _time(grant.start)
    if grant.until is not None:
        record["until"] = _time(grant.until)
    return record


def _time(when: datetime) -> str:
    if when.tzinfo is None:
        raise CedarFailed("a time without zone")
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
