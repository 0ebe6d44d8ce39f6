"""Giving access and ending it, who sees which lines, and that what one may not know of does not seem to exist."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from material import (
    ALICE,
    BOB,
    CAROL,
    CONFIDENTIAL,
    DANA,
    DAY,
    EVE,
    INTERNAL,
    PATIENTS,
    PUBLIC,
    ROOT,
    SECRET,
    Vault,
)  # fmt: skip

from jupyter_securecollab.errors import (
    Conflict,
    Denied,
    Invalid,
    InvalidName,
    InvalidTime,
    NotFound,
    SecureCollabError,
    TooLarge,
)
from jupyter_securecollab.model import AccessSpec
from jupyter_securecollab.proofs import verify_receipt


def lines(vault: Vault, who=ALICE) -> dict[str, str]:
    return {line.grantee: line.state for line in vault.door.access(who, name=PATIENTS)}


def test_access_given_is_in_the_table_with_a_receipt(vault: Vault) -> None:
    changed = vault.door.grant(ALICE, name=PATIENTS, access=AccessSpec(("bob", "@analysts"), because="study 7"))
    assert [line.grantee for line in changed.access] == ["alice", "@analysts", "bob"]
    assert verify_receipt(changed.receipt, vault.door.log_key).entry.act == "grant"
    decision = vault.entries()[-1].decision
    assert decision is not None and decision.policies == ("allow.owner",)


def test_table_says_what_each_line_is_now(vault: Vault) -> None:
    now = vault.clock.now
    vault.grant("bob", until=now + DAY)
    vault.grant("eve", start=now + 2 * DAY)
    vault.grant("dana")
    vault.door.revoke(ALICE, name=PATIENTS, people=["carol"])
    vault.clock.turn(DAY)
    assert lines(vault) == {"alice": "owner", "bob": "over", "carol": "excluded", "dana": "active", "eve": "not yet"}


def test_giving_access_again_replaces_it_for_the_same_purposes_only(vault: Vault) -> None:
    vault.grant("bob", purposes=("care",))
    vault.grant("bob", up_to=PUBLIC)
    vault.grant("bob", up_to=INTERNAL)
    table = [line for line in vault.door.access(ALICE, name=PATIENTS) if line.grantee == "bob"]
    assert sorted((line.purposes, line.up_to) for line in table) == [((), INTERNAL), (("care",), INTERNAL)]


def test_somebody_named_twice_gets_one_line(vault: Vault) -> None:
    vault.grant("bob", "bob")
    assert list(lines(vault)) == ["alice", "bob"]
    vault.grant("@analysts")
    vault.door.revoke(ALICE, name=PATIENTS, people=["@analysts", "@analysts", "bob", "bob"])
    assert lines(vault) == {"alice": "owner", "bob": "excluded"}


@pytest.mark.parametrize(
    ("access", "error"),
    [
        ({"people": ()}, Invalid),
        ({"people": ("nobody",)}, NotFound),
        ({"people": ("@nobody",)}, NotFound),
        ({"people": ("bob", "../x")}, InvalidName),
        ({"people": ("bob", "'; --")}, InvalidName),
        ({"people": ("😀",)}, InvalidName),
        ({"people": ("alice",)}, Conflict),
        ({"people": ("bob",), "until": timedelta(0)}, InvalidTime),
        ({"people": ("bob",), "until": -DAY}, InvalidTime),
        ({"people": ("bob",), "start": 2 * DAY, "until": DAY}, InvalidTime),
        ({"people": ("bob",), "start": DAY, "until": DAY}, InvalidTime),
    ],
)
def test_access_that_makes_no_sense_is_refused_whole(vault: Vault, access: dict[str, Any], error) -> None:
    times = {name: vault.clock.now + value for name, value in access.items() if isinstance(value, timedelta)}
    with pytest.raises(error):
        vault.door.grant(ALICE, name=PATIENTS, access=AccessSpec(**access | times))
    assert lines(vault) == {"alice": "owner"}


def test_more_people_than_one_entry_holds_are_refused_before_anything_is_uploaded(vault: Vault) -> None:
    many = AccessSpec(tuple(f"p{n}" for n in range(200)))
    for act in (
        lambda: vault.door.grant(ALICE, name=PATIENTS, access=many),
        lambda: vault.door.begin(ALICE, name="a/b", kind="frame", levels=[INTERNAL], access=many),
        lambda: vault.grant("bob", "eve", "dana", purposes=tuple(f"{n:0160}" for n in range(120))),
    ):
        with pytest.raises(TooLarge, match="too many people at once"):
            act()
    for number in range(100):
        vault.door.add_user(ROOT, name=f"p{number}")
    vault.door.begin(ALICE, name="a/b", kind="frame", levels=[INTERNAL], access=AccessSpec(many.people[:100]))
    vault.grant(*many.people[:100])
    vault.grant(*many.people[:100])


def test_disabled_people_are_given_nothing_and_can_still_be_kept_out(vault: Vault) -> None:
    vault.grant("eve")
    vault.door.disable_user(ROOT, name="eve")
    with pytest.raises(NotFound):
        vault.grant("eve")
    vault.door.revoke(ALICE, name=PATIENTS, people=["eve"])
    assert lines(vault)["eve"] == "excluded"


def test_ending_access_names_who_had_opened_it(vault: Vault) -> None:
    vault.grant("@analysts", "eve")
    vault.door.open(BOB, name=PATIENTS)
    with pytest.raises(Denied):
        vault.door.open(EVE, name=PATIENTS, up_to=SECRET)
    changed = vault.door.revoke(ALICE, name=PATIENTS, people=["@analysts", "eve"])
    assert changed.opened_by == ("bob",)


@pytest.mark.parametrize(
    ("people", "error"),
    [(["alice"], Conflict), (["@analysts"], Conflict), (["nobody"], NotFound), (["a b"], InvalidName)],
)
def test_ending_access_that_cannot_be_ended_changes_nothing(vault: Vault, people: list[str], error) -> None:
    vault.grant("bob")
    with pytest.raises(error):
        vault.door.revoke(ALICE, name=PATIENTS, people=["bob", *people])
    assert lines(vault) == {"alice": "owner", "bob": "active"}


# ---- managing for somebody else --------------------------------------------------------------------------------


def test_manager_gives_no_more_than_he_has(vault: Vault) -> None:
    until = vault.clock.now + 10 * DAY
    vault.grant("dana", can="manage", up_to=CONFIDENTIAL, until=until)
    with pytest.raises(Denied) as error:
        vault.grant("eve", by=DANA, up_to=SECRET)
    assert error.value.decision.policies == ("deny.up_to",)
    with pytest.raises(InvalidTime, match="your own access ends at 2026-01-12"):
        vault.grant("eve", by=DANA, until=until + DAY)
    vault.grant("eve", by=DANA)
    (line,) = (line for line in vault.door.access(ALICE, name=PATIENTS) if line.grantee == "eve")
    assert (line.until, line.given_by) == (until, "dana")


def test_manager_cannot_prolong_himself(vault: Vault) -> None:
    until = vault.clock.now + DAY
    vault.grant("dana", can="manage", until=until)
    vault.grant("dana", by=DANA, can="manage")
    assert {line.until for line in vault.door.access(ALICE, name=PATIENTS) if line.grantee == "dana"} == {until}


def test_updating_is_not_managing(vault: Vault) -> None:
    vault.grant("bob", can="update")
    for act in (
        lambda: vault.grant("eve", by=BOB),
        lambda: vault.door.revoke(BOB, name=PATIENTS, people=["bob"]),
    ):
        with pytest.raises(Denied) as error:
            act()
        assert error.value.decision.policies == ("deny.can",)


# ---- who sees what ---------------------------------------------------------------------------------------------


def test_table_is_whole_for_managers_and_ones_own_lines_for_others(vault: Vault) -> None:
    vault.grant("@analysts", "eve", "bob")
    vault.grant("dana", can="manage")
    assert set(lines(vault, DANA)) == {"alice", "@analysts", "eve", "bob", "dana"}
    assert set(lines(vault, BOB)) == {"alice", "@analysts", "bob"}
    assert set(lines(vault, EVE)) == {"alice", "eve"}


def test_lists_hold_what_one_may_open_now_newest_first(vault: Vault) -> None:
    vault.clock.turn(DAY)
    vault.share(name="a/second")
    vault.grant("@analysts")
    vault.grant("bob", name="a/second", until=vault.clock.now + DAY)
    assert [one.name for one in vault.door.assets(BOB)] == ["a/second", PATIENTS]
    assert [one.name for one in vault.door.assets(ALICE)] == ["a/second", PATIENTS]
    assert vault.door.assets(EVE) == vault.door.assets(CAROL) == ()
    vault.clock.turn(DAY)
    assert [one.name for one in vault.door.assets(BOB)] == [PATIENTS]


def test_summary_says_how_far_one_reads_and_until_when(vault: Vault) -> None:
    until = vault.clock.now + DAY
    vault.grant("bob", up_to=SECRET, until=until)
    bobs, alices = vault.door.describe(BOB, name=PATIENTS), vault.door.describe(ALICE, name=PATIENTS)
    assert (bobs.up_to, bobs.can, bobs.mine, bobs.until, bobs.owner) == (INTERNAL, "open", False, until, "alice")
    assert (alices.up_to, alices.can, alices.mine, alices.until) == (SECRET, "manage", True, None)


def test_versions_show_levels_and_sizes_up_to_what_the_reader_may_fetch(vault: Vault) -> None:
    vault.grant("bob")
    (bobs,), (alices,) = vault.door.versions(BOB, name=PATIENTS), vault.door.versions(ALICE, name=PATIENTS)
    assert bobs.levels == (INTERNAL,) and alices.levels == (INTERNAL, SECRET)
    assert 0 < bobs.size < alices.size


def test_steward_sees_that_it_exists_and_no_level_of_it(vault: Vault) -> None:
    assert [one.levels for one in vault.door.versions(DANA, name=PATIENTS)] == [()]
    assert lines(vault, DANA) == {"alice": "owner"}
    with pytest.raises(Denied):
        vault.door.describe(DANA, name=PATIENTS)


def test_directory_lists_active_people_and_groups_for_who_may_share(vault: Vault) -> None:
    vault.door.disable_user(ROOT, name="eve")
    found = vault.door.directory(ALICE)
    assert (found.people, found.groups) == (("alice", "bob", "carol", "dana", "root"), ("analysts",))
    with pytest.raises(Denied):
        vault.door.directory(CAROL)


# ---- nothing tells a stranger that a name exists ---------------------------------------------------------------

HIDDEN = {
    "open": lambda vault, name: vault.door.open(EVE, name=name),
    "open a version": lambda vault, name: vault.door.open(EVE, name=name, number=9),
    "open columns": lambda vault, name: vault.door.open(EVE, name=name, columns=("ssn",)),
    "open up to": lambda vault, name: vault.door.open(EVE, name=name, up_to=SECRET, purpose="x"),
    "describe": lambda vault, name: vault.door.describe(EVE, name=name),
    "access": lambda vault, name: vault.door.access(EVE, name=name),
    "versions": lambda vault, name: vault.door.versions(EVE, name=name),
    "grant": lambda vault, name: vault.door.grant(EVE, name=name, access=AccessSpec(("bob",))),
    "grant to nobody": lambda vault, name: vault.door.grant(EVE, name=name, access=AccessSpec(("nobody",))),
    "grant to the owner": lambda vault, name: vault.door.grant(EVE, name=name, access=AccessSpec(("alice",))),
    "grant in the past": lambda vault, name: vault.door.grant(
        EVE, name=name, access=AccessSpec(("bob",), until=vault.clock.now)
    ),
    "revoke": lambda vault, name: vault.door.revoke(EVE, name=name, people=["alice"]),
    "revoke nobody": lambda vault, name: vault.door.revoke(EVE, name=name, people=["nobody"]),
    "shred": lambda vault, name: vault.door.shred(EVE, name=name, before=9),
}


def told(vault: Vault, ask, name: str) -> tuple[Any, ...]:
    """Everything a caller learns from one attempt: the error, and his own newest entry."""
    with pytest.raises(SecureCollabError) as raised:
        ask(vault, name)
    error: Any = raised.value
    entries = vault.door.audit(EVE, limit=1)
    body = entries[0].body.replace(name.encode(), b"NAME") if entries else b""
    return type(error), str(error).replace(name, "NAME"), error.next_step, error.decision, body, len(vault.entries())


@pytest.mark.parametrize("act", HIDDEN)
def test_what_one_may_not_know_of_looks_like_what_does_not_exist(vault: Vault, act: str) -> None:
    vault.grant("bob")
    begun_only = "oncology/begun000"
    vault.door.begin(ALICE, name=begun_only, kind="file", levels=[SECRET])
    size = len(vault.entries())
    seen = []
    for name in (PATIENTS, "oncology/nothing0", begun_only):
        answer = told(vault, HIDDEN[act], name)
        seen.append((*answer[:-1], answer[-1] - size))
        size = answer[-1]
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][0] is Denied and "alice" not in seen[0][1] + seen[0][2]


def statements(vault: Vault, ask, name: str) -> list[str]:
    """What the database is asked on the way to a refusal, transactions and the entry aside."""
    asked: list[str] = []
    store: Any = vault.door._store

    def listen(_connection, _cursor, statement: str, *_rest) -> None:
        asked.append(statement)

    engines = (store._readers, store._writers)
    for engine in engines:
        sa.event.listen(engine, "before_cursor_execute", listen)
    with suppress(Denied):
        ask(vault, name)
    for engine in engines:
        sa.event.remove(engine, "before_cursor_execute", listen)
    return [one for one in asked if one.startswith("SELECT")]


@pytest.mark.parametrize("act", [*HIDDEN, "audit"])
def test_refusing_takes_as_many_questions_whether_it_exists_or_not(vault: Vault, act: str) -> None:
    ask = {**HIDDEN, "audit": lambda vault, name: vault.door.audit(EVE, name=name)}[act]
    hidden = statements(vault, ask, PATIENTS)
    assert len(hidden) > 3 and hidden == statements(vault, ask, "oncology/nothing")


def test_who_may_list_everything_is_told_by_policy_that_a_name_does_not_exist(vault: Vault, caplog) -> None:
    with pytest.raises(Denied, match="Nobody has given you access"):
        vault.door.describe(DANA, name="oncology/nothing")
    assert "ALARM" not in caplog.text
    assert vault.door.access(DANA, name=PATIENTS)


def test_log_of_an_unknown_name_is_as_empty_as_of_one_that_does_not_exist(vault: Vault) -> None:
    vault.grant("bob")
    assert vault.door.audit(EVE, name=PATIENTS) == vault.door.audit(EVE, name="oncology/nothing") == ()


def test_disabled_stranger_is_told_no_more(vault: Vault) -> None:
    vault.door.disable_user(ROOT, name="eve")
    errors = []
    for name in (PATIENTS, "oncology/nothing0"):
        with pytest.raises(Denied) as error:
            vault.door.open(EVE, name=name)
        errors.append((str(error.value).replace(name, ""), error.value.decision))
    assert errors[0] == errors[1]


def test_access_bound_to_a_purpose_is_listed_without_naming_it(vault: Vault) -> None:
    vault.grant("eve", purposes=("research",))
    assert [one.name for one in vault.door.assets(EVE)] == [PATIENTS]
    assert vault.door.versions(EVE, name=PATIENTS)[0].levels == (INTERNAL,)
    with pytest.raises(Denied):
        vault.door.open(EVE, name=PATIENTS)
    assert vault.door.open(EVE, name=PATIENTS, purpose="research").up_to == INTERNAL
    assert vault.door.assets(BOB) == ()
