"""Pseudonyms that join over a project: only with a steward's yes, for one person, one name, one level."""

from __future__ import annotations

from typing import Any

import pytest
from material import ALICE, BOB, CAROL, CONFIDENTIAL, DANA, EVE, INTERNAL, PATIENTS, ROOT, SECRET, Vault
from msgspec.structs import replace

from jupyter_securecollab.errors import Conflict, Denied, Invalid, InvalidName, LogBroken, NotFound, TooLarge
from jupyter_securecollab.model import Begun, Caller, Join, Joining, Level

PERSON = "oncology/person"
VISITS = "oncology/visits"
AT_THE_PAGE = replace(DANA, via="browser")
JOIN = Join("person", SECRET)


def ask(vault: Vault, who: Caller = ALICE, name: str = PERSON, level: Level = SECRET) -> Joining:
    return vault.door.ask_join(who, name=name, level=level, because="visits and labs of one cohort")


def allowed(vault: Vault, who: Caller = ALICE, name: str = PERSON, level: Level = SECRET) -> Joining:
    return vault.door.decide_join(AT_THE_PAGE, id=ask(vault, who, name, level).id, allow=True)


def begin(vault: Vault, who: Caller = ALICE, name: str = PATIENTS, *joins: Join, **other: Any) -> Begun:
    levels = other.pop("levels", (INTERNAL, SECRET))
    return vault.door.begin(who, name=name, kind="frame", levels=levels, joins=joins or (JOIN,), **other)


def refused(vault: Vault, *how: Any, **other: Any) -> Denied:
    with pytest.raises(Denied) as caught:
        begin(vault, *how, **other)
    assert caught.value.decision is not None and caught.value.decision.policies == ("deny.join",)
    return caught.value


@pytest.fixture
def cleared(vault: Vault) -> Vault:
    """Bob reads up to secret, too, and manages nothing of alice's."""
    vault.door.change_user(ROOT, name="bob", clearance=SECRET)
    return vault


# ---- before and after the yes ------------------------------------------------------------------------------------


def test_before_the_yes_a_share_is_refused_and_told_who_decides_and_how_to_ask(vault: Vault) -> None:
    before = len(vault.sql("SELECT * FROM version")), len(vault.sql("SELECT * FROM data_key"))
    error = refused(vault)
    assert "steward" in str(error) and "%join oncology/person --level secret" in error.next_step
    ask(vault)
    assert "has yet to decide" in refused(vault).next_step
    assert (len(vault.sql("SELECT * FROM version")), len(vault.sql("SELECT * FROM data_key"))) == before
    last = [one for one in vault.entries() if one.act == "begin"][-1]
    assert not last.decision.allow and not last.changes


def test_after_the_yes_two_assets_of_the_project_get_one_key(vault: Vault) -> None:
    allowed(vault)
    (first,), (second,) = begin(vault).join_keys, begin(vault, ALICE, VISITS).join_keys
    assert first.join == second.join == JOIN and first.key == second.key and len(first.key) == 32
    assert str(first.key) not in repr(first)
    own = begin(vault)
    assert first.key not in own.mask_keys.values() and first.key not in own.keys.values()
    entry = vault.entries()[-1]
    assert entry.detail["joins"] == ["person (secret)"]
    assert vault.door.verify(state=True).rows


def test_a_share_without_them_gets_no_such_key(vault: Vault) -> None:
    allowed(vault)
    assert vault.door.begin(ALICE, name=PATIENTS, kind="frame", levels=(INTERNAL, SECRET)).join_keys == ()


def test_the_yes_is_for_one_project_name_level_and_person(cleared: Vault) -> None:
    allowed(cleared)
    refused(cleared, ALICE, "cardio/visits")
    refused(cleared, ALICE, PATIENTS, Join("family", SECRET))
    refused(cleared, ALICE, PATIENTS, Join("person", INTERNAL))
    refused(cleared, ALICE, PATIENTS, JOIN, Join("family", SECRET))
    refused(cleared, BOB, "oncology/bobs")


def test_keys_differ_over_projects_names_and_levels(vault: Vault) -> None:
    for name, level in ((PERSON, SECRET), (PERSON, INTERNAL), ("oncology/family", SECRET), ("cardio/person", SECRET)):
        allowed(vault, name=name, level=level)
    given = begin(vault, ALICE, PATIENTS, JOIN, Join("person", INTERNAL), Join("family", SECRET)).join_keys
    given += begin(vault, ALICE, "cardio/visits").join_keys
    assert len({one.key for one in given}) == len(given) == 4


def test_the_key_stays_over_restarts_and_new_project_keys(vault: Vault) -> None:
    allowed(vault)
    before = begin(vault).join_keys
    vault.door.rotate_keys(ROOT, project="oncology")
    vault.restart()
    assert begin(vault).join_keys == before


def test_taken_back_it_gives_out_no_key_any_more_and_can_be_asked_for_again(vault: Vault) -> None:
    done = allowed(vault)
    begin(vault)
    vault.door.decide_join(AT_THE_PAGE, id=done.id, allow=False)
    refused(vault)
    again = ask(vault)
    refused(vault)
    vault.door.decide_join(AT_THE_PAGE, id=again.id, allow=True)
    assert begin(vault).join_keys
    assert vault.door.verify(state=True).rows


# ---- who gets a key he should not ---------------------------------------------------------------------------------


def test_who_makes_an_asset_in_a_project_cannot_try_out_its_pseudonyms(cleared: Vault) -> None:
    # with the key bob could mask a list of all numbers and compare
    allowed(cleared)
    begin(cleared)
    refused(cleared, BOB, "oncology/list")
    ask(cleared, BOB)
    refused(cleared, BOB, "oncology/list")


def test_a_key_of_a_level_needs_clearance_for_it(vault: Vault) -> None:
    allowed(vault)
    with pytest.raises(Denied, match="read up to internal"):
        ask(vault, EVE)
    with pytest.raises(Denied, match="read up to internal"):
        begin(vault, EVE, "oncology/eves")
    with pytest.raises(Invalid, match="nothing of level secret"):
        begin(vault, ALICE, PATIENTS, JOIN, levels=(INTERNAL,))


def test_in_a_kernel_of_several_everybody_needs_the_yes(cleared: Vault) -> None:
    allowed(cleared)
    both = replace(ALICE, also=("bob",))
    refused(cleared, both, VISITS)
    allowed(cleared, BOB)
    assert begin(cleared, both, VISITS).join_keys


def test_an_agent_needs_the_yes_of_whom_it_acts_for(cleared: Vault) -> None:
    cleared.door.add_user(ROOT, name="helper", kind="agent", acts_for="alice", clearance=SECRET)
    helper = Caller("helper", "kernel", "s")
    refused(cleared, helper, VISITS)
    allowed(cleared)
    assert begin(cleared, helper, VISITS).join_keys


def test_a_disabled_holder_gets_nothing(vault: Vault) -> None:
    allowed(vault)
    vault.door.disable_user(ROOT, name="alice")
    with pytest.raises(Denied, match="disabled"):
        begin(vault)


@pytest.mark.parametrize("name", ["", "a b", "a/b", "../x", "x" * 65, "@project", "é"])
def test_names_that_are_none_are_refused(vault: Vault, name: str) -> None:
    with pytest.raises(InvalidName):
        begin(vault, ALICE, PATIENTS, Join(name, SECRET))
    with pytest.raises(InvalidName):
        ask(vault, name=f"oncology/{name}")


# ---- asking and deciding ------------------------------------------------------------------------------------------


def test_asking_is_on_record_and_does_nothing_by_itself(vault: Vault) -> None:
    one = ask(vault)
    assert (one.name, one.level, one.person, one.state, one.by) == (PERSON, SECRET, "alice", "asked", None)
    assert vault.entries()[-1].act == "join.ask" and vault.entries()[-1].who == "alice"
    assert vault.door.joins(ALICE) == (one,)
    assert vault.sql("SELECT * FROM data_key WHERE owner LIKE 'project/%'") == []
    again = ask(vault)
    assert vault.door.joins(ALICE) == (again,)
    vault.door.decide_join(AT_THE_PAGE, id=again.id, allow=True)
    with pytest.raises(Conflict):
        ask(vault)


def test_a_yes_is_to_the_reason_that_was_read(vault: Vault) -> None:
    read = ask(vault)
    instead = vault.door.ask_join(ALICE, name=PERSON, level=SECRET, because="something else altogether")
    with pytest.raises(NotFound):
        vault.door.decide_join(AT_THE_PAGE, id=read.id, allow=True)
    refused(vault)
    assert vault.door.decide_join(AT_THE_PAGE, id=instead.id, allow=True).because == "something else altogether"


@pytest.mark.parametrize("who", [CAROL, Caller("nobody", "kernel", "s"), replace(ALICE, also=("carol",))])
def test_who_may_share_nothing_asks_for_nothing(vault: Vault, who: Caller) -> None:
    with pytest.raises(Denied):
        ask(vault, who)
    assert vault.sql("SELECT * FROM join_request") == []


def test_nobody_asks_without_end(vault: Vault) -> None:
    for number in range(100):
        ask(vault, name=f"p{number}/person")
    with pytest.raises(TooLarge):
        ask(vault)
    vault.door.decide_join(AT_THE_PAGE, id=ask(vault, name="p0/person").id, allow=False)
    ask(vault)
    with pytest.raises(TooLarge):  # what was refused counts again when it is asked again
        ask(vault, name="p0/person")


def test_a_steward_decides_on_record_and_sees_whose_data_it_reaches(cleared: Vault) -> None:
    done = allowed(cleared)
    assert (done.state, done.by, done.decided) == ("allowed", "dana", cleared.clock.now)
    entry = cleared.entries()[-1]
    assert (entry.act, entry.who, entry.name, entry.detail["person"]) == ("join.allow", "dana", PERSON, "alice")
    begin(cleared)
    ask(cleared, BOB)
    (told,) = (one for one in cleared.door.joins(AT_THE_PAGE) if one.person == "bob")
    assert told.assets == ("oncology/patients (alice)",) and told.holders == ("alice",)
    (own,) = cleared.door.joins(BOB)
    assert own.assets == own.holders == ()  # whose data there is, is not for him to learn


@pytest.mark.parametrize("who", [
    DANA,  # a steward, but from a kernel: any notebook could say yes in her name
    replace(DANA, via="token"),
    replace(ALICE, via="browser"), replace(BOB, via="browser"), replace(CAROL, via="browser"), ROOT,
    replace(AT_THE_PAGE, also=("alice",)),
    Caller("nobody", "browser", "s"),
], ids=["kernel", "script", "self", "member", "auditor", "admin", "together", "nobody"])  # fmt: skip
@pytest.mark.parametrize("allow", [True, False])
def test_nobody_else_decides(vault: Vault, who: Caller, allow: bool) -> None:
    one = ask(vault)
    if who is ROOT:  # founded as a steward too
        vault.door.change_user(ROOT, name="root", roles=("member", "admin"))
    with pytest.raises(Denied):
        vault.door.decide_join(who, id=one.id, allow=allow)
    assert vault.door.joins(ALICE)[0].state == "asked"
    last = vault.entries()[-1]
    assert last.act.startswith("join.") and not last.decision.allow and PERSON not in (last.name or "")


def test_no_steward_decides_on_his_own_request_nor_on_his_agents(vault: Vault) -> None:
    one = ask(vault, DANA)
    with pytest.raises(Denied) as caught:
        vault.door.decide_join(AT_THE_PAGE, id=one.id, allow=True)
    assert caught.value.decision is not None and caught.value.decision.policies == ("deny.own_request",)
    vault.door.add_user(ROOT, name="robot", kind="agent", acts_for="dana", clearance=SECRET, roles=("steward",))
    with pytest.raises(Denied):
        vault.door.decide_join(Caller("robot", "browser", "s"), id=one.id, allow=True)
    assert vault.door.decide_join(ROOT, id=one.id, allow=True).by == "root"


def test_a_steward_decides_no_higher_than_he_reads(vault: Vault) -> None:
    one = ask(vault)
    vault.door.change_user(ROOT, name="dana", clearance=CONFIDENTIAL)
    with pytest.raises(Denied, match="read up to confidential"):
        vault.door.decide_join(AT_THE_PAGE, id=one.id, allow=True)


def test_what_is_not_there_or_decided_already_is_said(vault: Vault) -> None:
    with pytest.raises(NotFound):
        vault.door.decide_join(AT_THE_PAGE, id="0" * 32, allow=True)
    done = allowed(vault)
    with pytest.raises(Conflict):
        vault.door.decide_join(AT_THE_PAGE, id=done.id, allow=True)


@pytest.mark.parametrize("statement", [
    "UPDATE join_request SET state = 'allowed'", "UPDATE join_request SET person = 'eve'",
    "UPDATE join_request SET level = 'internal'", "DELETE FROM join_request",
])  # fmt: skip
def test_a_yes_put_in_by_hand_is_found(vault: Vault, statement: str) -> None:
    ask(vault)
    assert vault.door.verify(state=True).rows
    vault.sql(statement)
    with pytest.raises(LogBroken, match="join_request"):
        vault.door.verify(state=True)
