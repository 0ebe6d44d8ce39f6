"""Both evaluators on thousands of random questions: same answer, same reasons; and the ways Cedar can fail open."""

from __future__ import annotations

import json
import random
import re
from datetime import UTC, datetime, timedelta
from importlib import resources
from typing import Any, Literal

import cedarpy
import msgspec
import pytest

from jupyter_securecollab.core import rules
from jupyter_securecollab.core.cedar import CedarFailed, Evaluator
from jupyter_securecollab.core.policy import OWNER, AssetFact, GrantFact, Person, Policy, Question, Ruling
from jupyter_securecollab.model import Level, Role

Kind = Literal["person", "service", "agent"]

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
TIMES = [None, None, *(NOW + timedelta(milliseconds=ms) for ms in (-60_000, -1, 0, 1, 60_000))]
ACTIONS = ["describe", "open", "update", "manage", "create", "audit", "administer", "approve"]
ORDER = ["open", "update", "manage"]
ROLES: list[Role] = ["member", "steward", "auditor", "admin"]
KINDS: list[Kind] = ["person", "person", "person", "person", "person", "service", "agent"]

FOLDER = resources.files("jupyter_securecollab.core") / "policies"
BUILT_IN = (FOLDER / "builtin.cedar").read_text("utf-8")
SCHEMA = (FOLDER / "schema.cedarschema").read_text("utf-8")
CEDAR = Evaluator(BUILT_IN, SCHEMA)
POLICY = Policy()


def some_person(rng: random.Random, name: str) -> Person:
    return Person(
        name=name,
        kind="agent" if name == "helper" and rng.random() < 0.9 else rng.choice(KINDS),
        clearance=rng.choice(list(Level)),
        roles=tuple(rng.sample(ROLES, rng.choice([0, 1, 1, 1, 2]))),
        groups=tuple(rng.sample(["analysts", "doctors"], rng.choice([0, 1, 1, 2]))),
        active=rng.random() < 0.95,
    )


def some_grant(rng: random.Random, number: int) -> GrantFact:
    return GrantFact(
        id=f"g{number}",
        asset="a1" if rng.random() < 0.9 else "a2",
        grantee=rng.choice(["bob", "bob", "@analysts", "@analysts", "@doctors", "alice", "eve", "helper"]),
        can=rng.choice(["open", "open", "update", "manage"]),
        up_to=rng.choice(list(Level)),
        start=rng.choice(TIMES),
        until=rng.choice(TIMES),
        purposes=rng.choice([(), (), ("trial",), ("trial", "care")]),
        excluded=rng.random() < 0.1,
    )


def some_question(rng: random.Random) -> Question:
    name = rng.choice(["alice", "bob", "bob", "bob", "helper"])
    behalf = rng.choice(["alice", "bob", "bob"]) if rng.random() < (0.9 if name == "helper" else 0.03) else None
    action: Any = rng.choice([*ACTIONS, "describe", "open", "open", "open", "update", "manage"])
    asset = AssetFact(id="a1", owner=rng.choice(["alice", "alice", "alice", "bob"]), withdrawn=rng.random() < 0.1)
    return Question(
        person=some_person(rng, name),
        action=action,
        now=NOW,
        asset=None if action in ("create", "audit", "administer", "approve") else asset,
        grants=tuple(some_grant(rng, number) for number in range(rng.choice([0, 1, 1, 2, 3]))),
        level=rng.choice([None, None, *Level]),
        purpose=rng.choice([None, "trial", "care", "fun"]),
        on_behalf_of=some_person(rng, behalf) if behalf not in (None, name) else None,
    )


QUESTIONS = [some_question(random.Random(seed)) for seed in range(6000)]


def tries(question: Question) -> list[GrantFact | None]:
    """Everything that could be tried, foreign grants included; only exclusions are no grants at all."""
    return [None, *(grant for grant in question.grants if not grant.excluded)]


def cedar_says(evaluator: Evaluator, question: Question, grant: GrantFact | None) -> tuple[bool, frozenset[str]]:
    verdict = evaluator.judge(question, grant, rules.granted_level(question, grant))
    return verdict.allow, frozenset() if verdict.allow else verdict.ids


def test_both_evaluators_give_the_same_answer_for_the_same_reasons() -> None:
    seen = {True: 0, False: 0}
    for question in QUESTIONS:
        for grant in tries(question):
            denials = rules.denials(question, grant)
            assert cedar_says(CEDAR, question, grant) == (not denials, denials), (question, grant)
            seen[not denials] += 1
    assert seen[True] > 1000
    assert seen[False] > 5000


def test_each_built_in_policy_is_needed() -> None:
    # Without it some question gets another answer: no policy is dead, and the comparison above would see a hole in any.
    policies = re.findall(r'(^@id\("(\w+\.\w+)"\)\n.*?;\n)', BUILT_IN, re.DOTALL | re.MULTILINE)
    assert len(policies) == BUILT_IN.count("@id(")
    for text, name in policies:
        without = Evaluator(BUILT_IN.replace(text, ""), SCHEMA)
        concerned = (
            (question, grant)
            for question in QUESTIONS
            for grant in tries(question)
            if cedar_says(without, question, grant)
            != (not rules.denials(question, grant), rules.denials(question, grant))
        )
        assert next(concerned, None) is not None, name


def fitting(question: Question, ruling: Ruling) -> bool:
    """What must be true of an allowed open, update or manage, said once more and differently."""
    asset, subject = question.asset, question.subject
    assert asset is not None and ruling.up_to is not None
    people = [question.person, subject]
    if not all(one.active and ruling.up_to <= one.clearance for one in people):
        return False
    if question.action != "manage" and (asset.withdrawn or any("auditor" in one.roles for one in people)):
        return False
    if ruling.grant == OWNER:
        return asset.owner == subject.name
    (grant,) = (one for one in question.grants if one.id == ruling.grant)
    return (
        grant.asset == asset.id
        and not grant.excluded
        and (grant.grantee == subject.name or grant.grantee[1:] in subject.groups)
        and not any(one.excluded and one.asset == asset.id and one.grantee == subject.name for one in question.grants)
        and (grant.start or NOW) <= NOW < (grant.until or datetime.max.replace(tzinfo=UTC))
        and ORDER.index(question.action) <= ORDER.index(grant.can)
        and ruling.up_to <= grant.up_to
        and (not grant.purposes or question.purpose in grant.purposes)
        and (question.level is None or question.level == ruling.up_to)
    )


def test_whatever_is_allowed_has_a_fitting_title_and_whatever_is_denied_says_why() -> None:
    allowed = 0
    for question in QUESTIONS:
        ruling = POLICY.rule(question)
        assert not {"deny.error", "deny.mismatch"} & set(ruling.decision.policies), question
        if not ruling.decision.allow:
            assert ruling.decision.unmet and ruling.decision.next_step
        elif question.action in ORDER:
            allowed += 1
            assert fitting(question, ruling), (question, ruling)
    assert allowed > 300


def test_grants_together_allow_only_what_one_of_them_allows_alone() -> None:
    allowed = denied = 0
    for question in (one for one in QUESTIONS if len(one.grants) > 1):
        exclusions = tuple(grant for grant in question.grants if grant.excluded)
        alone = [
            POLICY.rule(msgspec.structs.replace(question, grants=(*exclusions, *single)))
            for single in [(), *((grant,) for grant in question.grants if not grant.excluded)]
        ]
        together = POLICY.rule(question)
        assert together.decision.allow == any(one.decision.allow for one in alone), question
        if together.decision.allow:
            allowed += 1
            assert together.up_to in {one.up_to for one in alone}
        denied += not together.decision.allow
    assert min(allowed, denied) > 300


def test_foreign_grants_change_nothing() -> None:
    changed = 0
    for question in QUESTIONS[:3000]:
        foreign = tuple(
            msgspec.structs.replace(grant, asset="a2") if number % 2 else msgspec.structs.replace(grant, grantee="eve")
            for number, grant in enumerate(question.grants)
        )
        ruling = POLICY.rule(msgspec.structs.replace(question, grants=foreign))
        assert ruling == POLICY.rule(msgspec.structs.replace(question, grants=()))
        changed += ruling != POLICY.rule(question)
    assert changed > 300


# ---- how Cedar fails open, and what stops it -----------------------------------------------------------------------

ALLOW_ALL = "permit (principal, action, resource);"
BOB = Person(name="bob", kind="person", clearance=Level.PUBLIC, roles=("member",), groups=(), active=True)
CREATE = Question(person=BOB, action="create", now=NOW)


def bare_cedar(policies: str, **attributes: object) -> cedarpy.AuthzResult:
    entity = {"uid": {"type": "User", "id": "bob"}, "attrs": attributes, "parents": []}
    request = {"principal": 'User::"bob"', "action": 'Action::"create"', "resource": 'Vault::"vault"', "context": {}}
    return cedarpy.is_authorized(request, policies, json.dumps([entity]))


def test_forbid_that_errors_is_skipped_by_cedar_and_is_a_no_here() -> None:
    forbid = "forbid (principal, action, resource) when { principal.clearance < 3 };"
    skipped = bare_cedar(ALLOW_ALL + forbid)
    assert skipped.allowed and skipped.diagnostics.errors
    assert not bare_cedar(ALLOW_ALL + forbid, clearance=0).allowed

    overflow = (
        '@id("org.x") forbid (principal, action, resource) when { (context.level + 9223372036854775807) * 2 == 0 };'
    )
    with pytest.raises(CedarFailed, match="overflow"):
        Evaluator(BUILT_IN + overflow, SCHEMA).judge(CREATE, None, Level.PUBLIC)
    assert CEDAR.judge(CREATE, None, Level.PUBLIC).allow
    broken = Policy({"own.cedar": overflow}).rule(CREATE)
    assert broken.decision.policies == ("deny.error",)


@pytest.mark.parametrize("wrong", [{"active": 1}, {"kind": 7}, {"groups": (7,)}])
def test_entity_that_does_not_fit_the_schema_is_no_verdict(wrong: dict[str, Any]) -> None:
    with pytest.raises(CedarFailed, match="failed to parse entities"):
        CEDAR.judge(msgspec.structs.replace(CREATE, person=msgspec.structs.replace(BOB, **wrong)), None, Level.PUBLIC)
    assert CEDAR.judge(CREATE, None, Level.PUBLIC).allow


def test_request_that_does_not_fit_the_schema_is_no_verdict() -> None:
    on_asset: Any = msgspec.structs.replace(CREATE, asset=AssetFact(id="a1", owner="bob", withdrawn=False))
    with pytest.raises(CedarFailed, match="failed to build request"):
        CEDAR.judge(on_asset, None, Level.PUBLIC)
    with pytest.raises(CedarFailed, match="without zone"):
        CEDAR.judge(msgspec.structs.replace(CREATE, now=NOW.replace(tzinfo=None)), None, Level.PUBLIC)


def test_silence_of_cedar_is_named_by_the_built_in_policies() -> None:
    silent = bare_cedar('permit (principal, action == Action::"open", resource);')
    assert not silent.allowed and not silent.diagnostics.reasons
    nobody = Question(person=BOB, action="open", now=NOW, asset=AssetFact(id="a1", owner="alice", withdrawn=False))
    assert CEDAR.judge(nobody, None, Level.PUBLIC).ids == {"deny.no_grant"}


def test_exclusion_cannot_be_tried_as_a_grant() -> None:
    row = GrantFact(
        id="x", asset="a1", grantee="bob", can="open", up_to=Level.SECRET,
        start=None, until=None, purposes=(), excluded=True,
    )  # fmt: skip
    opens = Question(person=BOB, action="open", now=NOW, asset=AssetFact(id="a1", owner="alice", withdrawn=False))
    assert CEDAR.judge(opens, msgspec.structs.replace(row, excluded=False), Level.PUBLIC).allow
    with pytest.raises(CedarFailed, match="not a grant"):
        CEDAR.judge(opens, row, Level.PUBLIC)
    assert "deny.no_grant" in rules.denials(opens, row)


def test_policies_that_do_not_fit_the_schema_are_refused() -> None:
    with pytest.raises(ValueError, match="clearence"):
        Evaluator('@id("x") forbid (principal, action, resource) when { principal.clearence < 3 };', SCHEMA)
