"""Keys that open tokens: who gets one, for what, what is on record, and what a refusal does not tell."""

from __future__ import annotations

from typing import Any

import pytest
from material import ALICE, BOB, CAROL, CONFIDENTIAL, DANA, DAY, EVE, INTERNAL, PATIENTS, ROOT, SECRET, Vault, parcel
from msgspec.structs import replace

from jupyter_securecollab.errors import Denied, Invalid, LogBroken, NotFound, SecureCollabError
from jupyter_securecollab.maskkeys import column_key
from jupyter_securecollab.model import Caller, Level, Unmasked

VISITS = "oncology/visits"


@pytest.fixture
def tokens(empty: Vault) -> Vault:
    """Alice has shared a frame whose secret column `ssn` others see as tokens."""
    empty.share(how="token")
    return empty


def unmask(vault: Vault, who: Caller = ALICE, column: str = "ssn", name: str = PATIENTS, **more: Any) -> Unmasked:
    return vault.door.unmask(who, name=name, column=column, because="to call them back", **more)


def refusal(vault: Vault, who: Caller, **how: Any) -> SecureCollabError:
    with pytest.raises(SecureCollabError) as caught:
        unmask(vault, who, **how)
    return caught.value


def test_who_may_open_the_column_gets_the_key_of_its_tokens_alone(tokens: Vault) -> None:
    level_key = tokens.door.begin(ALICE, name=PATIENTS, kind="frame", levels=(INTERNAL, SECRET)).mask_keys[SECRET]
    given = unmask(tokens)
    assert given.key == column_key(level_key, "token", "ssn") != level_key
    assert (given.name, given.number, given.column, given.level) == (PATIENTS, 1, "ssn", SECRET)
    others = [column_key(level_key, how, column) for how, column in (("pseudonym", "ssn"), ("token", "id"))]
    assert given.key not in others and str(given.key) not in repr(given)


def test_it_is_on_record_with_column_level_and_reason_before_it_is_released(tokens: Vault) -> None:
    tokens.grant("dana", up_to=SECRET)
    given = unmask(tokens, DANA)
    entry = tokens.entries()[-1]
    assert (entry.act, entry.who, entry.name, entry.decision.allow) == ("unmask", "dana", PATIENTS, True)
    assert entry.detail["columns"] == ["ssn"] and entry.detail["up_to"] == "secret" and entry.detail["number"] == 1
    assert entry.detail["because"] == "to call them back" and entry.detail["grant"]
    assert given.receipt.index == len(tokens.entries()) - 1
    assert tokens.door.verify(state=True).rows
    assert "dana" in tokens.door.revoke(ALICE, name=PATIENTS, people=["dana"]).opened_by


def test_nothing_is_released_when_the_log_cannot_be_written(tokens: Vault) -> None:
    tokens.sql("CREATE TRIGGER full BEFORE INSERT ON entry BEGIN SELECT RAISE(FAIL, 'disk full'); END")
    assert refusal(tokens, ALICE).code in ("unavailable", "store_broken")


def test_a_masked_reader_is_refused_and_not_told_how_high_the_column_lies(tokens: Vault) -> None:
    tokens.grant("bob", up_to=INTERNAL)
    error = refusal(tokens, BOB)
    assert isinstance(error, Denied) and error.decision is not None and error.decision.policies == ("deny.up_to",)
    assert "secret" not in str(error) + error.next_step and "alice" in error.next_step
    entry = tokens.entries()[-1]
    assert (entry.act, entry.who, entry.decision.allow) == ("unmask", "bob", False)


@pytest.mark.parametrize("up_to", [INTERNAL, CONFIDENTIAL])
def test_access_has_to_reach_the_level_of_the_column(tokens: Vault, up_to: Level) -> None:
    tokens.grant("dana", up_to=up_to)
    assert isinstance(refusal(tokens, DANA), Denied)


def test_clearance_has_to_reach_it_too(tokens: Vault) -> None:
    tokens.grant("bob", up_to=SECRET)
    assert isinstance(refusal(tokens, BOB), Denied)
    tokens.door.change_user(ROOT, name="bob", clearance=SECRET)
    assert unmask(tokens, BOB).key == unmask(tokens).key


def test_it_ends_with_window_access_and_account(tokens: Vault) -> None:
    tokens.grant("dana", up_to=SECRET, until=tokens.clock.now + DAY)
    unmask(tokens, DANA)
    tokens.clock.turn(DAY)
    assert isinstance(refusal(tokens, DANA), Denied)
    tokens.grant("dana", up_to=SECRET)
    unmask(tokens, DANA)
    tokens.door.revoke(ALICE, name=PATIENTS, people=["dana"])
    assert isinstance(refusal(tokens, DANA), Denied)
    tokens.grant("dana", up_to=SECRET)
    tokens.door.disable_user(ROOT, name="dana")
    assert isinstance(refusal(tokens, DANA), Denied)


def test_a_purpose_is_asked_for_where_access_is_bound_to_one(tokens: Vault) -> None:
    tokens.grant("dana", up_to=SECRET, purposes=("care",))
    assert isinstance(refusal(tokens, DANA), Denied)
    assert isinstance(refusal(tokens, DANA, purpose="fun"), Denied)
    assert unmask(tokens, DANA, purpose="care").key


@pytest.mark.parametrize("who", [EVE, CAROL, Caller("nobody", "kernel", "s"), replace(ALICE, also=("bob",))])
def test_strangers_auditors_and_kernels_of_several_are_refused(tokens: Vault, who: Caller) -> None:
    assert isinstance(refusal(tokens, who), Denied)


def test_a_stranger_cannot_tell_whether_it_exists(tokens: Vault) -> None:
    for who in (EVE, BOB):
        there, not_there = refusal(tokens, who), refusal(tokens, who, name="oncology/nothing")
        assert str(there).replace("patients", "nothing") == str(not_there) and there.next_step == not_there.next_step


def test_a_column_one_may_not_know_of_is_like_one_that_does_not_exist(empty: Vault) -> None:
    empty.share(columns={"id": INTERNAL, "age": CONFIDENTIAL}, levels=(INTERNAL, CONFIDENTIAL), to="bob")
    hidden, absent = refusal(empty, BOB, column="age"), refusal(empty, BOB, column="wage")
    assert isinstance(hidden, NotFound) and str(hidden).replace("age", "wage") == str(absent)
    assert hidden.next_step == absent.next_step


def test_a_column_withheld_since_is_like_one_that_does_not_exist(empty: Vault) -> None:
    empty.share(to="bob", columns={"id": INTERNAL, "age": INTERNAL}, levels=(INTERNAL,))
    assert isinstance(refusal(empty, BOB, column="age"), Invalid)
    empty.share(columns={"id": INTERNAL, "age": CONFIDENTIAL}, levels=(INTERNAL, CONFIDENTIAL), content="second")
    assert isinstance(refusal(empty, BOB, column="age", number=1), NotFound)


@pytest.mark.parametrize("how", ["redact", "pseudonym", "pseudonym:ssn", "fpe", "tokens"])
def test_other_masks_are_not_undone(empty: Vault, how: str) -> None:
    empty.share(how=how)
    error = refusal(empty, ALICE)
    assert isinstance(error, Invalid) and how in str(error)
    assert isinstance(refusal(empty, ALICE, column="id"), Invalid)  # not masked at all
    assert not [one for one in empty.entries() if one.act == "unmask"]


def test_keys_differ_by_asset_and_column_and_stay_over_versions(tokens: Vault) -> None:
    tokens.share(name=VISITS, how="token", columns={"id": INTERNAL, "ssn": SECRET, "mrn": SECRET})
    keys = {unmask(tokens).key, unmask(tokens, name=VISITS).key, unmask(tokens, name=VISITS, column="mrn").key}
    assert len(keys) == 3
    tokens.share(how="token", content="second")
    assert unmask(tokens, number=1).key == unmask(tokens, number=2).key == unmask(tokens).key
    with pytest.raises(NotFound):
        unmask(tokens, number=3)


def test_a_column_raised_since_is_opened_at_its_new_level(empty: Vault) -> None:
    begun = empty.door.begin(ALICE, name=PATIENTS, kind="frame", levels=(INTERNAL, CONFIDENTIAL))
    made = parcel(begun, {"id": INTERNAL, "ssn": CONFIDENTIAL}, how="token", twins=CONFIDENTIAL)
    empty.upload(ALICE, begun, made)
    empty.commit(ALICE, begun, made)
    empty.grant("dana", up_to=CONFIDENTIAL)
    before = unmask(empty, DANA, number=1)
    assert before.level == CONFIDENTIAL
    empty.share(columns={"id": INTERNAL, "ssn": SECRET}, how="token", content="second")
    assert isinstance(refusal(empty, DANA, number=1), Denied)
    after = unmask(empty, ALICE, number=1)
    assert (after.key, after.level) == (before.key, SECRET)
    assert unmask(empty).key != after.key  # each level has its own


def test_who_manages_up_to_a_level_is_not_told_what_was_unmasked_above_it(tokens: Vault) -> None:
    tokens.grant("bob", can="manage", up_to=INTERNAL)
    unmask(tokens)
    assert not [one for one in tokens.door.audit(BOB, name=PATIENTS) if b'"act":"unmask"' in one.body]
    assert [one for one in tokens.door.audit(ALICE, name=PATIENTS) if b'"act":"unmask"' in one.body]


def test_access_put_in_by_hand_to_unmask_is_found(tokens: Vault) -> None:
    tokens.grant("eve", up_to=SECRET)
    columns = "asset, can, up_to, start, until, purposes, excluded, given_by"
    tokens.sql(f"INSERT INTO \"grant\" (id, grantee, {columns}) SELECT 'by-hand', 'dana', {columns} FROM \"grant\"")
    unmask(tokens, DANA)
    tokens.sql("DELETE FROM \"grant\" WHERE id = 'by-hand'")
    with pytest.raises(LogBroken, match="allowed by access that no entry before it gave"):
        tokens.door.verify(state=True)
