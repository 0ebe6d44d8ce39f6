"""Who may do what, rule by rule and at each boundary; what a denied person reads; what wrong facts lead to."""

from __future__ import annotations

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
import pytest

from jupyter_securecollab.core import explain
from jupyter_securecollab.core.policy import OWNER, AssetFact, GrantFact, Person, Policy, Question, Ruling
from jupyter_securecollab.model import Level

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)
PUBLIC, INTERNAL, CONFIDENTIAL, SECRET = Level
POLICY = Policy()


def person(name: str = "bob", **other: Any) -> Person:
    facts: dict[str, Any] = {
        "kind": "person", "clearance": INTERNAL, "roles": ("member",), "groups": ("analysts",), "active": True
    }  # fmt: skip
    return Person(name=name, **(facts | other))


def grant(**other: Any) -> GrantFact:
    facts: dict[str, Any] = {
        "id": "g1", "asset": "a1", "grantee": "bob", "can": "open", "up_to": INTERNAL,
        "start": None, "until": None, "purposes": (), "excluded": False,
    }  # fmt: skip
    return GrantFact(**(facts | other))


def ask(*grants: GrantFact, who: Person | None = None, action: str = "open", **other: Any) -> Ruling:
    on_vault = action in ("create", "audit", "administer", "approve")
    asset = None if on_vault else AssetFact(id="a1", owner="alice", withdrawn=False)
    facts: dict[str, Any] = {"person": who or person(), "action": action, "now": NOW, "asset": asset, "grants": grants}
    return POLICY.rule(Question(**(facts | other)))


def reasons(ruling: Ruling) -> tuple[str, ...]:
    assert not ruling.decision.allow
    assert ruling.grant is None and ruling.up_to is None
    assert ruling.decision.next_step
    assert tuple(unmet.policy for unmet in ruling.decision.unmet) == ruling.decision.policies
    return ruling.decision.policies


ALICE = person("alice", clearance=SECRET, groups=())
WITHDRAWN = AssetFact(id="a1", owner="alice", withdrawn=True)


def test_grant_opens_up_to_the_lower_of_clearance_and_grant() -> None:
    assert ask(grant(up_to=SECRET)).up_to == INTERNAL
    assert ask(grant(up_to=PUBLIC)).up_to == PUBLIC
    ruling = ask(grant())
    assert (ruling.decision.allow, ruling.decision.policies, ruling.grant) == (True, ("allow.grant",), "g1")


def test_group_grant_opens_for_members_and_for_nobody_else() -> None:
    assert ask(grant(grantee="@analysts")).grant == "g1"
    assert reasons(ask(grant(grantee="@doctors"))) == ("deny.no_grant",)
    assert reasons(ask(grant(grantee="analysts"))) == ("deny.no_grant",)


def test_owner_manages_without_grant_up_to_clearance() -> None:
    ruling = ask(who=ALICE, action="manage")
    assert (ruling.grant, ruling.up_to, ruling.decision.policies) == (OWNER, SECRET, ("allow.owner",))
    capped = person("alice", clearance=INTERNAL)
    assert ask(who=capped, action="manage").up_to == INTERNAL
    assert reasons(ask(who=capped, action="manage", level=CONFIDENTIAL)) == ("deny.clearance",)


@pytest.mark.parametrize(
    ("can", "allowed"),
    [
        ("open", {"describe", "open"}),
        ("update", {"describe", "open", "update"}),
        ("manage", {"describe", "open", "update", "manage"}),
    ],
)
def test_each_kind_of_access_includes_the_smaller_ones(can: str, allowed: set[str]) -> None:
    actions = ["describe", "open", "update", "manage"]
    assert {action for action in actions if ask(grant(can=can), action=action).decision.allow} == allowed
    for action in set(actions) - allowed:
        assert reasons(ask(grant(can=can), action=action)) == ("deny.can",)


@pytest.mark.parametrize(
    ("start", "until", "why"),
    [
        (NOW, None, ()),
        (NOW + MOMENT, None, ("deny.not_yet",)),
        (None, NOW + MOMENT, ()),
        (None, NOW, ("deny.expired",)),
        (None, NOW - MOMENT, ("deny.expired",)),
        (NOW, NOW, ("deny.expired",)),
        (NOW + MOMENT, NOW, ("deny.expired", "deny.not_yet")),
        (NOW.astimezone(), None, ()),
    ],
)
def test_window_includes_its_start_and_excludes_its_end(
    start: datetime | None, until: datetime | None, why: tuple[str, ...]
) -> None:
    for action in ("open", "describe"):
        ruling = ask(grant(start=start, until=until), action=action)
        assert (ruling.decision.policies if ruling.decision.allow else reasons(ruling)) == (why or ("allow.grant",))


@pytest.mark.parametrize(
    ("purposes", "named", "why"),
    [
        ((), None, ()),
        ((), "trial", ()),
        (("trial",), "trial", ()),
        (("trial", "care"), "care", ()),
        (("trial",), None, ("deny.purpose",)),
        (("trial",), "care", ("deny.purpose",)),
        (("trial",), "", ("deny.purpose",)),
    ],
)
def test_purpose_must_be_one_of_the_grants(purposes: tuple[str, ...], named: str | None, why: tuple[str, ...]) -> None:
    ruling = ask(grant(purposes=purposes), purpose=named)
    assert (() if ruling.decision.allow else reasons(ruling)) == why
    assert ask(grant(purposes=purposes), purpose=named, action="describe").decision.allow


@pytest.mark.parametrize(
    ("clearance", "up_to", "level", "why"),
    [
        (CONFIDENTIAL, CONFIDENTIAL, CONFIDENTIAL, ()),
        (INTERNAL, CONFIDENTIAL, CONFIDENTIAL, ("deny.clearance",)),
        (CONFIDENTIAL, INTERNAL, CONFIDENTIAL, ("deny.up_to",)),
        (INTERNAL, PUBLIC, SECRET, ("deny.clearance", "deny.up_to")),
        (SECRET, SECRET, PUBLIC, ()),
    ],
)
def test_level_asked_for_must_be_within_clearance_and_grant(
    clearance: Level, up_to: Level, level: Level, why: tuple[str, ...]
) -> None:
    ruling = ask(grant(up_to=up_to), who=person(clearance=clearance), level=level)
    if why:
        assert reasons(ruling) == why
    else:
        assert (ruling.decision.allow, ruling.up_to) == (True, level)


def test_exclusion_ends_access_through_a_group_and_by_name_but_never_the_owners() -> None:
    group = grant(grantee="@analysts")
    assert reasons(ask(group, grant(id="x", excluded=True))) == ("deny.excluded",)
    assert reasons(ask(group, grant(id="x", excluded=True), action="describe")) == ("deny.excluded",)
    assert ask(group, grant(id="x", grantee="eve", excluded=True)).decision.allow
    assert ask(group, grant(id="x", asset="other", excluded=True)).decision.allow
    assert ask(grant(grantee="alice", excluded=True), who=ALICE).grant == OWNER


def test_exclusion_knows_no_window_and_reaches_a_whole_group() -> None:
    over = grant(id="x", excluded=True, until=NOW - MOMENT)
    assert reasons(ask(grant(grantee="@analysts"), over)) == ("deny.excluded",)
    assert reasons(ask(grant(), grant(id="x", grantee="@analysts", excluded=True))) == ("deny.excluded",)


def test_exclusion_is_never_itself_access() -> None:
    assert reasons(ask(grant(excluded=True))) == ("deny.no_grant", "deny.excluded")


def test_withdrawn_asset_is_managed_by_its_owner_alone_and_opened_by_nobody() -> None:
    for action in ("open", "update"):
        assert reasons(ask(who=ALICE, action=action, asset=WITHDRAWN)) == ("deny.withdrawn",)
        assert reasons(ask(grant(can="manage"), action=action, asset=WITHDRAWN)) == ("deny.withdrawn",)
    assert reasons(ask(grant(can="manage"), action="manage", asset=WITHDRAWN)) == ("deny.withdrawn",)
    assert ask(who=ALICE, action="manage", asset=WITHDRAWN).decision.allow
    assert ask(grant(), action="describe", asset=WITHDRAWN).decision.allow


def test_auditor_sees_the_log_and_never_the_data() -> None:
    carol = person("carol", roles=("auditor", "member"))
    assert ask(who=carol, action="audit").decision.allow
    for action in ("open", "update"):
        assert reasons(ask(grant(grantee="carol", can="manage"), who=carol, action=action)) == ("deny.auditor_data",)
        assert reasons(ask(who=person("alice", roles=("auditor",)), action=action)) == ("deny.auditor_data",)
    assert ask(grant(grantee="carol"), who=carol, action="describe").decision.allow


@pytest.mark.parametrize(
    ("action", "roles"),
    [
        ("create", {"member", "steward"}),
        ("audit", {"auditor", "steward"}),
        ("administer", {"admin"}),
        ("approve", {"steward"}),
    ],
)
def test_acts_on_the_vault_need_a_role(action: str, roles: set[str]) -> None:
    for role in ("member", "steward", "auditor", "admin"):
        ruling = ask(who=person(roles=(role,)), action=action)
        assert ruling.decision.allow == (role in roles)
        assert ruling.decision.policies == (("allow.role",) if role in roles else ("deny.role",))
        assert ruling.grant is None
    assert reasons(ask(who=person(roles=()), action=action)) == ("deny.role",)


def test_creating_is_capped_by_clearance() -> None:
    assert ask(action="create").up_to == INTERNAL
    assert ask(action="create", level=PUBLIC).up_to == PUBLIC
    assert reasons(ask(action="create", level=CONFIDENTIAL)) == ("deny.clearance",)


def test_steward_lists_everything_and_opens_nothing_by_role() -> None:
    dana = person("dana", roles=("steward",), clearance=SECRET)
    listed = ask(who=dana, action="describe")
    assert (listed.decision.allow, listed.grant, listed.up_to) == (True, None, None)
    for action in ("open", "update", "manage"):
        assert reasons(ask(who=dana, action=action)) == ("deny.no_grant",)
    assert ask(grant(grantee="dana", excluded=True), who=dana, action="describe").decision.allow
    assert reasons(ask(action="describe")) == ("deny.no_grant",)


def test_disabled_account_may_nothing() -> None:
    gone: dict[str, Any] = {"active": False, "roles": ("member", "steward", "auditor", "admin")}
    for action in ("describe", "open", "update", "manage", "create", "audit", "administer", "approve"):
        assert "deny.inactive" in reasons(ask(who=person("alice", **gone), action=action))
        assert "deny.inactive" in reasons(ask(grant(can="manage"), who=person(**gone), action=action))


def test_grants_are_tried_one_at_a_time() -> None:
    far = grant(id="far", up_to=SECRET, until=NOW)
    near = grant(id="near", up_to=INTERNAL)
    who = person(clearance=SECRET)
    assert reasons(ask(far, near, who=who, level=SECRET)) == ("deny.up_to",)
    assert ask(far, near, who=who).up_to == INTERNAL
    manages = grant(id="m", can="manage", up_to=PUBLIC)
    assert reasons(ask(manages, near, who=who, action="manage", level=INTERNAL)) == ("deny.up_to",)


def test_the_grant_that_gives_most_decides_and_among_equals_the_one_that_ends_last() -> None:
    who = person(clearance=SECRET)
    soon, later = NOW + timedelta(days=1), NOW + timedelta(days=9)
    grants = [grant(id="a", up_to=PUBLIC), grant(id="b", up_to=SECRET, until=soon), grant(id="c", up_to=CONFIDENTIAL)]
    assert ask(*grants, who=who).grant == "b"
    assert ask(*grants, grant(id="d", up_to=SECRET, until=later), who=who).grant == "d"
    assert ask(*grants, grant(id="e", up_to=SECRET), grant(id="d", up_to=SECRET, until=later), who=who).grant == "e"
    assert ask(grant(grantee="alice"), who=ALICE).grant == OWNER


def test_foreign_grant_allows_nothing() -> None:
    assert reasons(ask(grant(grantee="eve"))) == ("deny.no_grant",)
    assert reasons(ask(grant(asset="other"))) == ("deny.no_grant",)
    assert reasons(ask(grant(grantee="@eve"), grant(grantee="alice", can="manage"))) == ("deny.no_grant",)


AGENT = person("helper", kind="agent", groups=(), clearance=INTERNAL)


def test_agent_uses_the_grants_of_the_person_it_acts_for_and_the_lower_clearance() -> None:
    bob = person(clearance=SECRET)
    assert ask(grant(up_to=SECRET), who=AGENT, on_behalf_of=bob).up_to == INTERNAL
    assert ask(grant(grantee="@analysts"), who=AGENT, on_behalf_of=bob).decision.allow
    assert ask(who=AGENT, on_behalf_of=ALICE, action="manage").grant == OWNER
    low = person(clearance=PUBLIC)
    assert ask(grant(up_to=SECRET), who=AGENT, on_behalf_of=low).up_to == PUBLIC
    assert reasons(ask(grant(grantee="helper"), who=AGENT, on_behalf_of=bob)) == ("deny.no_grant",)


@pytest.mark.parametrize(
    ("who", "behalf", "why"),
    [
        (AGENT, person(active=False), "deny.inactive"),
        (msgspec.structs.replace(AGENT, active=False), person(), "deny.inactive"),
        (AGENT, person(roles=("auditor",)), "deny.auditor_data"),
        (msgspec.structs.replace(AGENT, roles=("auditor",)), person(), "deny.auditor_data"),
        (AGENT, None, "deny.on_behalf"),
        (AGENT, person(kind="agent"), "deny.on_behalf"),
        (AGENT, person(kind="service"), "deny.on_behalf"),
        (person("eve"), person(), "deny.on_behalf"),
        (person("cron", kind="service"), person(), "deny.on_behalf"),
    ],
)
def test_only_an_agent_acts_for_another_and_both_must_be_fit(who: Person, behalf: Person | None, why: str) -> None:
    assert why in reasons(ask(grant(), grant(grantee="helper"), who=who, on_behalf_of=behalf))


def test_excluding_the_agent_or_its_person_ends_access_of_both_together() -> None:
    shut_out = grant(id="x", grantee="helper", excluded=True)
    assert reasons(ask(grant(), shut_out, who=AGENT, on_behalf_of=person())) == ("deny.excluded",)
    assert reasons(ask(who=AGENT, on_behalf_of=ALICE, grants=(shut_out,))) == ("deny.excluded",)
    assert ask(grant(), shut_out).decision.allow
    both = ask(grant(), grant(id="x", excluded=True), who=AGENT, on_behalf_of=person())
    assert reasons(both) == ("deny.excluded",)


def test_agent_needs_the_role_as_its_person_does() -> None:
    admin = person("erin", roles=("admin",))
    assert reasons(ask(who=AGENT, on_behalf_of=admin, action="administer")) == ("deny.role",)
    both = msgspec.structs.replace(AGENT, roles=("admin",))
    assert ask(who=both, on_behalf_of=admin, action="administer").decision.allow


# ---- what people read ----------------------------------------------------------------------------------------------


def test_denial_names_every_unmet_condition_in_sentences_and_one_next_step() -> None:
    late = grant(up_to=INTERNAL, until=NOW, purposes=("trial", "care"))
    decision = ask(late, who=person(clearance=INTERNAL), level=SECRET, purpose="fun").decision
    assert [unmet.text for unmet in decision.unmet] == [
        "Your access ended on 2025-06-01 12:00 UTC.",
        "You read up to internal; secret was asked for.",
        "Your access reads up to internal; secret was asked for.",
        "Your access is for these purposes only: trial, care; 'fun' is not one of them.",
    ]
    assert decision.next_step == "Ask alice, the owner, to renew your access."


SAID = [
    (
        ask(grant(up_to=INTERNAL), who=person(clearance=SECRET), level=CONFIDENTIAL),
        "Your access reads up to internal; confidential was asked for.",
        "Open it without --up-to to get the masked copy, or ask alice, the owner, for access up to confidential.",
    ),
    (
        ask(grant(up_to=SECRET), level=CONFIDENTIAL),
        "You read up to internal; confidential was asked for.",
        "Open it without --up-to to get the masked copy.",
    ),
    (
        ask(grant(can="update"), who=person(clearance=SECRET), action="update", level=SECRET),
        "Your access reads up to internal; secret was asked for.",
        "Ask alice, the owner, for access up to secret.",
    ),
    (
        ask(action="create", level=SECRET),
        "You read up to internal; secret was asked for.",
        "Ask an administrator to raise what you read up to, or use a lower level.",
    ),
    (
        ask(grant(), action="update"),
        "Your access lets you open this, but not update it.",
        "Ask alice, the owner, for leave to update it.",
    ),
    (
        ask(grant(start=NOW + timedelta(hours=1))),
        "Your access begins on 2025-06-01 13:00 UTC.",
        "Try again then.",
    ),
    (
        ask(grant(purposes=("trial",))),
        "Your access is for these purposes only: trial; no purpose was named.",
        "Name one of these purposes with --for.",
    ),
    (
        ask(grant(grantee="@analysts"), grant(id="x", excluded=True)),
        "Your access has been ended.",
        "Ask alice, the owner, to give you access again.",
    ),
    (ask(grant(), asset=WITHDRAWN), "It has been withdrawn.", "Ask alice, the owner, what replaces it."),
    (
        ask(who=ALICE, asset=WITHDRAWN),
        "It has been withdrawn.",
        "It stays withdrawn; share the data again under another name.",
    ),
    (
        ask(who=person("dana", roles=("steward",))),
        "You have no access to this.",
        "Ask alice, the owner, for access.",
    ),
    (
        ask(grant(), who=person(active=False)),
        "Your account is disabled.",
        "Ask an administrator to enable the account.",
    ),
    (
        ask(grant(), who=AGENT, on_behalf_of=person(active=False)),
        "Your account, or that of bob, is disabled.",
        "Ask an administrator to enable the account.",
    ),
    (
        ask(grant(up_to=SECRET), who=AGENT, on_behalf_of=person(clearance=PUBLIC), level=INTERNAL),
        "You, acting for bob, read up to public; internal was asked for.",
        "Open it without --up-to to get the masked copy.",
    ),
    (
        ask(action="audit"),
        "Only auditors and stewards read the whole log.",
        "Ask somebody who has that role, or an administrator to give it to you.",
    ),
]


@pytest.mark.parametrize(("ruling", "text", "step"), SAID)
def test_denial_says_what_to_do_next(ruling: Ruling, text: str, step: str) -> None:
    assert [unmet.text for unmet in ruling.decision.unmet] == [text]
    assert ruling.decision.next_step == step


def test_masked_copy_is_offered_only_where_it_would_open() -> None:
    late = ask(grant(purposes=("trial",)), who=person(clearance=SECRET), level=SECRET)
    assert "deny.up_to" in reasons(late)
    assert "masked" not in late.decision.next_step


def test_stranger_reads_only_that_there_is_no_access() -> None:
    others = (
        grant(grantee="eve", purposes=("oncology trial",), until=NOW),
        grant(id="x", grantee="mallory", excluded=True),
    )
    for asset in (WITHDRAWN, AssetFact(id="a1", owner="alice", withdrawn=False)):
        decision = ask(*others, level=SECRET, asset=asset, purpose="spying").decision
        assert [unmet.text for unmet in decision.unmet] == ["You have no access to this."]
        assert decision.policies == ("deny.no_grant",)
        assert decision.next_step == "Ask whoever told you of it to have you given access."


def test_denial_never_speaks_of_somebody_elses_grant() -> None:
    others = (grant(id="o", grantee="eve", purposes=("oncology trial",)), grant(id="p", grantee="@board", up_to=SECRET))
    decision = ask(grant(until=NOW), *others).decision
    assert decision.policies == ("deny.expired",)
    assert not re.search("eve|board|oncology", msgspec.json.encode(decision).decode())


def test_long_purpose_is_shortened_in_the_text() -> None:
    decision = ask(grant(purposes=("trial",)), purpose="x" * 10_000_000).decision
    assert len(decision.unmet[0].text) < 300


def test_no_internal_word_reaches_people() -> None:
    texts = [text for _, unmet, step in SAID for text in (unmet, step)]
    for text in texts:
        assert not re.search(r"\b(clearance|up_to|grant|principal|twin|deny|policy)\b", text), text
        assert text[0].isupper() and text.endswith(".")


# ---- wrong facts ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "facts",
    [
        {"who": person(clearance="topsecret")},
        {"who": person(clearance=None)},
        {"who": person(active="yes")},
        {"who": person(kind=None)},
        {"who": person(groups=None)},
        {"who": person(roles=(None,))},
        {"who": person("bob\ud800"), "grants": (grant(grantee="bob\ud800"),)},
        {"grants": (grant(up_to="topsecret"),)},
        {"grants": (grant(can="look"),), "action": "describe"},
        {"grants": (grant(start=NOW.replace(tzinfo=None)),)},
        {"grants": (grant(until="2099-01-01"),)},
        {"grants": (grant(purposes=None),)},
        {"grants": None},
        {"level": "topsecret"},
        {"now": NOW.replace(tzinfo=None)},
        {"now": None},
        {"action": "destroy"},
        {"asset": None},
        {"asset": AssetFact(id="a1", owner=None, withdrawn=False)},  # type: ignore[arg-type]  # that is the case
        {"action": "audit", "asset": WITHDRAWN},
        {"who": person(), "on_behalf_of": person(clearance=SECRET)},
        {"person": None},
    ],
)
def test_facts_that_make_no_sense_deny(facts: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    assert ask(grant()).decision.allow
    ruling = ask(**({"grants": (grant(),)} | facts))
    assert reasons(ruling) == ("deny.error",)
    assert ruling.decision.next_step == "Tell whoever runs the vault; nothing was released."
    assert caplog.records


def test_disagreement_of_the_evaluators_denies_and_raises_an_alarm(caplog: pytest.LogCaptureFixture) -> None:
    # Cedar's clock ticks in milliseconds, Python's in microseconds: within one of them they see different things.
    inside = grant(start=NOW + timedelta(microseconds=900))
    ruling = ask(inside, now=NOW + timedelta(microseconds=100))
    assert reasons(ruling) == ("deny.mismatch",)
    assert [record.levelno for record in caplog.records] == [logging.CRITICAL]
    assert "ALARM" in caplog.text
    assert ask(inside, now=NOW + MOMENT).decision.allow


def test_threads_share_one_policy() -> None:
    questions = [
        Question(person=person(clearance=clearance), action=action, now=NOW, grants=(grant(can=can, up_to=up_to),),
                 asset=AssetFact(id="a1", owner="alice", withdrawn=False))
        for clearance in Level for up_to in Level for can in ("open", "manage") for action in ("open", "update")
    ]  # fmt: skip
    alone = [POLICY.rule(question) for question in questions]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(POLICY.rule, questions * 8))
    assert together == alone * 8
    assert {ruling.decision.allow for ruling in alone} == {True, False}


def test_every_policy_is_documented() -> None:
    text = (resources.files("jupyter_securecollab.core") / "policies" / "builtin.cedar").read_text("utf-8")
    named = re.findall(r'^@id\("([^"]+)"\)$', text, re.MULTILINE)
    assert len(named) == len(re.findall(r"^(?:permit|forbid) \(", text, re.MULTILINE))
    denials = {name for name in named if name.startswith("deny.")}
    assert denials | {"deny.error", "deny.mismatch"} == set(explain.HARDEST_FIRST)
    page = (Path(__file__).parents[2] / "docs" / "policy.md").read_text("utf-8")
    documented = set(re.findall(r"^\| `((?:allow|deny)\.\w+)` \|", page, re.MULTILINE))
    assert documented == set(named) | set(explain.HARDEST_FIRST)
