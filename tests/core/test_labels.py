"""What people said of columns: whose word reaches whom, what is on record, and what the vault does not learn."""

from __future__ import annotations

import pytest
from material import ALICE, BOB, CAROL, CONFIDENTIAL, DANA, DAY, EVE, INTERNAL, PUBLIC, ROOT, SECRET, Vault
from msgspec.structs import replace

from jupyter_securecollab.core.labels import MOST
from jupyter_securecollab.errors import Denied, LogBroken, TooLarge
from jupyter_securecollab.model import Caller, Correction, Level
from jupyter_securecollab.protocol import CORRECTIONS

SSN, RACE = "5" * 32, "a" * 32


def says(vault: Vault, who: Caller, level: Level, fingerprint: str = SSN, tag: str | None = None) -> None:
    vault.door.correct(who, corrections=(Correction(fingerprint, level, SECRET, tag),))


def heard(vault: Vault, who: Caller) -> dict[tuple[str, str], Level]:
    return {(one.by, one.correction.fingerprint): one.correction.level for one in vault.door.corrections(who)}


def test_ones_own_word_is_remembered_with_its_time_and_replaced_by_the_next(vault: Vault) -> None:
    says(vault, EVE, CONFIDENTIAL, tag="us_ssn")
    vault.clock.turn(DAY)
    says(vault, EVE, SECRET)
    (one,) = vault.door.corrections(EVE)
    assert (one.correction, one.by, one.at) == (Correction(SSN, SECRET, SECRET), "eve", vault.clock.now)
    vault.restart()
    assert heard(vault, EVE) == {("eve", SSN): SECRET}
    assert vault.door.verify(state=True).rows


def test_what_is_forgotten_is_gone_and_forgetting_again_is_harmless(vault: Vault) -> None:
    says(vault, EVE, SECRET)
    says(vault, EVE, SECRET, RACE)
    done = vault.door.correct(EVE, forget=(SSN, SSN))
    assert (done.remembered, done.forgotten) == (0, 1)
    assert heard(vault, EVE) == {("eve", RACE): SECRET}
    assert vault.door.correct(EVE, forget=(SSN,)).forgotten == 0
    assert vault.door.verify(state=True).rows


def test_nobody_forgets_for_somebody_else(vault: Vault) -> None:
    says(vault, ALICE, SECRET)
    vault.door.correct(BOB, forget=(SSN,))
    assert heard(vault, ALICE) == {("alice", SSN): SECRET}


def test_a_strangers_word_reaches_nobody(vault: Vault) -> None:
    says(vault, EVE, PUBLIC)
    says(vault, DANA, PUBLIC)  # a steward's neither
    assert heard(vault, ALICE) == {} == heard(vault, BOB)


@pytest.mark.parametrize("to", ["bob", "@analysts"])
def test_who_manages_an_asset_together_hears_each_other_for_as_long_as_it_lasts(vault: Vault, to: str) -> None:
    says(vault, ALICE, SECRET)
    says(vault, BOB, CONFIDENTIAL)
    vault.grant(to, can="manage", until=vault.clock.now + 2 * DAY)
    assert heard(vault, BOB) == {("alice", SSN): SECRET, ("bob", SSN): CONFIDENTIAL} == heard(vault, ALICE)
    vault.clock.turn(3 * DAY)
    assert heard(vault, ALICE) == {("alice", SSN): SECRET}
    assert heard(vault, BOB) == {("bob", SSN): CONFIDENTIAL}


@pytest.mark.parametrize("can", ["open", "update"])
def test_who_merely_reads_or_updates_is_not_heard_and_hears_nothing(vault: Vault, can: str) -> None:
    says(vault, ALICE, SECRET)
    says(vault, BOB, PUBLIC)
    vault.grant("bob", can=can)
    assert heard(vault, ALICE) == {("alice", SSN): SECRET}
    assert heard(vault, BOB) == {("bob", SSN): PUBLIC}


def test_making_an_asset_in_a_project_makes_nobody_heard_there(vault: Vault) -> None:
    vault.share(EVE, "oncology/mine", columns={"id": INTERNAL}, levels=(INTERNAL,))
    says(vault, EVE, PUBLIC)
    assert heard(vault, ALICE) == {}


def test_who_is_disabled_or_excluded_is_heard_no_more(vault: Vault) -> None:
    says(vault, BOB, SECRET)
    says(vault, EVE, SECRET)
    vault.grant("bob", "eve", can="manage")
    assert len(heard(vault, ALICE)) == 2
    vault.door.disable_user(ROOT, name="bob")
    vault.door.revoke(ALICE, name="oncology/patients", people=["eve"])
    assert heard(vault, ALICE) == {}


def test_in_a_kernel_of_several_the_least_of_them_is_heard(vault: Vault) -> None:
    says(vault, BOB, SECRET)
    vault.grant("bob", can="manage")
    assert heard(vault, ALICE) == {("bob", SSN): SECRET}
    assert heard(vault, replace(ALICE, also=("eve",))) == {}


@pytest.mark.parametrize("who", [CAROL, Caller("nobody", "kernel", "s"), replace(ALICE, also=("carol",))])
def test_who_may_share_nothing_gets_neither_key_nor_corrections_and_says_nothing(vault: Vault, who: Caller) -> None:
    for act in (
        lambda: vault.door.label_key(who),
        lambda: vault.door.correct(who, corrections=(Correction(SSN, PUBLIC, SECRET),)),
        lambda: vault.door.corrections(who),
    ):
        with pytest.raises(Denied):
            act()
    assert vault.sql("SELECT * FROM correction") == []
    refused = [one for one in vault.entries() if one.act in ("label_key", "correct")]
    assert len(refused) == 2 and not any(one.decision.allow for one in refused)
    assert vault.sql("SELECT * FROM data_key WHERE owner = '_labels'") == []


def test_the_key_is_one_for_all_over_restarts_and_each_release_is_on_record(vault: Vault) -> None:
    first = vault.door.label_key(ALICE)
    assert first.key not in repr(first).encode() and len(first.key) == 32
    vault.restart()
    assert vault.door.label_key(EVE).key == first.key
    released = [(one.act, one.who) for one in vault.entries() if one.act == "label_key"]
    assert released == [("label_key", "alice"), ("label_key", "eve")]
    assert first.key not in b"".join(body for (body,) in vault.sql("SELECT body FROM entry"))


def test_the_largest_request_fits_into_one_entry(vault: Vault) -> None:
    name = "n" * 128
    vault.door.add_user(ROOT, name=name)
    who = Caller(name, "kernel", "s", kernel="k" * 36)
    for level in (SECRET, CONFIDENTIAL):
        said = tuple(Correction(f"{n:032x}", level, CONFIDENTIAL, "t" * 64) for n in range(CORRECTIONS))
        vault.door.correct(who, corrections=said)
    more = tuple(replace(one, fingerprint=one.fingerprint[::-1]) for one in said)
    vault.door.correct(who, corrections=more, forget=[one.fingerprint for one in said])
    assert vault.door.verify(state=True).rows


def test_there_is_an_end_to_what_is_remembered_for_one_person(vault: Vault) -> None:
    for start in range(0, MOST, CORRECTIONS):
        said = tuple(Correction(f"{n:032x}", SECRET, SECRET) for n in range(start, start + CORRECTIONS))
        vault.door.correct(EVE, corrections=said)
    with pytest.raises(TooLarge):
        says(vault, EVE, SECRET)
    assert len(heard(vault, EVE)) == MOST
    vault.door.correct(EVE, corrections=(Correction(SSN, SECRET, SECRET),), forget=(said[0].fingerprint,))


@pytest.mark.parametrize("statement", [
    "UPDATE correction SET level = 'public'",
    "UPDATE correction SET person = 'bob'",
    "DELETE FROM correction",
    "INSERT INTO correction SELECT 'bob', fingerprint, level, suggested, tag, at FROM correction",
])  # fmt: skip
def test_words_put_into_the_database_by_hand_are_found(vault: Vault, statement: str) -> None:
    says(vault, ALICE, SECRET, tag="us_ssn")
    assert vault.door.verify(state=True).rows
    vault.sql(statement)
    with pytest.raises(LogBroken, match="correction"):
        vault.door.verify(state=True)
