"""Reading the log through the door, and what denials may add to it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from material import ALICE, BOB, CAROL, DANA, DAY, EVE, INTERNAL, PATIENTS, SECRET, Hands, Vault

from jupyter_securecollab.bundles import verify_bundle
from jupyter_securecollab.core.desk import DenialMeter
from jupyter_securecollab.errors import Denied, NotFound
from jupyter_securecollab.model import Caller
from jupyter_securecollab.proofs import parse_entry, verify_receipt


@pytest.fixture
def told(vault: Vault) -> Vault:
    """Some history: bob opened what is alice's, eve tried to, and shared something of her own."""
    vault.grant("bob")
    vault.door.open(BOB, name=PATIENTS)
    with pytest.raises(Denied):
        vault.door.open(EVE, name=PATIENTS)
    vault.share(EVE, "eves/own", levels=(INTERNAL,), columns={"id": INTERNAL})
    return vault


def acts(vault: Vault, who: Caller, **query) -> list[tuple[str, str]]:
    found = (parse_entry(view.body) for view in vault.door.audit(who, **query))
    return [(entry.who, entry.act) for entry in found]


def test_people_read_their_own_entries_and_those_about_what_they_own(told: Vault) -> None:
    assert acts(told, BOB) == [("bob", "open")]
    assert acts(told, ALICE) == [("alice", "begin"), ("alice", "commit"), ("alice", "grant"), ("bob", "open")]
    assert acts(told, EVE) == [("eve", "open"), ("eve", "begin"), ("eve", "commit")]


@pytest.mark.parametrize("who", [CAROL, DANA])
def test_auditors_and_stewards_read_everything(told: Vault, who: Caller) -> None:
    assert len(acts(told, who)) == len(told.entries())
    assert acts(told, who, by="eve") == [("eve", "open"), ("eve", "begin"), ("eve", "commit")]


def test_about_one_asset_its_managers_read_all_and_others_their_own(told: Vault) -> None:
    assert acts(told, ALICE, name=PATIENTS)[-1] == ("bob", "open")
    assert acts(told, BOB, name=PATIENTS) == [("bob", "open")]
    assert acts(told, EVE, name=PATIENTS) == []
    told.grant("dana", can="manage")
    assert ("bob", "open") in acts(told, DANA, name=PATIENTS)


def test_who_manages_up_to_a_level_is_not_told_what_was_opened_above_it(told: Vault) -> None:
    told.grant("eve", can="manage")
    told.door.open(ALICE, name=PATIENTS)
    above = len(told.entries()) - 1
    assert ("alice", "open") not in acts(told, EVE, name=PATIENTS)
    assert ("bob", "open") in acts(told, EVE, name=PATIENTS)
    with pytest.raises(NotFound):
        told.door.prove(EVE, index=above)
    told.grant("dana", can="manage", up_to=SECRET)
    assert told.door.prove(DANA, index=above)
    assert ("alice", "open") in acts(told, ALICE, name=PATIENTS)


def test_asking_for_somebody_elses_entries_gives_those_one_may_read(told: Vault) -> None:
    assert acts(told, ALICE, by="bob") == [("bob", "open")]
    assert acts(told, ALICE, name=PATIENTS, by="bob") == [("bob", "open")]
    assert acts(told, BOB, by="alice") == acts(told, BOB, name=PATIENTS, by="alice") == []
    assert acts(told, EVE, by="bob") == []


def test_entries_are_the_newest_and_since_a_time(told: Vault) -> None:
    told.clock.turn(DAY)
    told.door.open(BOB, name=PATIENTS)
    assert acts(told, ALICE, limit=2) == [("bob", "open"), ("bob", "open")]
    assert acts(told, ALICE, since=told.clock.now) == [("bob", "open")]
    assert acts(told, ALICE, since=told.clock.now + DAY) == []
    assert len(acts(told, CAROL, limit=10**9)) == len(told.entries())


def test_in_a_shared_kernel_nobody_reads_what_is_not_everybodys(told: Vault) -> None:
    shared = Caller("alice", "kernel", "s", also=("bob",), kernel="k")
    assert acts(told, shared) == acts(told, shared, name=PATIENTS) == []
    own = next(view.index for view in told.door.audit(ALICE))
    with pytest.raises(NotFound):
        told.door.prove(shared, index=own)
    told.grant("dana", can="manage", up_to=SECRET)
    assert ("bob", "open") in acts(told, Caller("alice", "kernel", "s", also=("dana",)), name=PATIENTS)


def test_proof_is_for_who_may_read_the_entry(told: Vault) -> None:
    (opened,) = (view.index for view in told.door.audit(BOB))
    for who in (BOB, ALICE, CAROL):
        assert verify_receipt(told.door.prove(who, index=opened), told.door.log_key).entry.who == "bob"
    with pytest.raises(NotFound) as known:
        told.door.prove(EVE, index=opened)
    with pytest.raises(NotFound) as unknown:
        told.door.prove(EVE, index=10**6)
    assert str(known.value).replace(str(opened), "N") == str(unknown.value).replace(str(10**6), "N")
    with pytest.raises(NotFound):
        told.door.prove(CAROL, index=-1)


def test_export_verifies_offline_with_the_state_and_is_itself_on_record(told: Vault, tmp_path: Path) -> None:
    told.door.export(CAROL, destination=tmp_path / "bundle")
    report = verify_bundle(tmp_path / "bundle", told.door.log_key, trusted=[], state=True)
    assert report.size == len(told.entries())
    assert (told.entries()[-1].who, told.entries()[-1].act) == ("carol", "export")


def test_export_is_for_auditors_and_stewards(told: Vault, tmp_path: Path) -> None:
    with pytest.raises(Denied):
        told.door.export(ALICE, destination=tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
    assert (told.entries()[-1].act, told.entries()[-1].decision.allow) == ("export", False)


def test_every_state_the_door_can_make_is_what_the_log_says(told: Vault) -> None:
    told.share(content="second", to="@analysts")
    told.share(content="second")
    begun = told.door.begin(ALICE, name="a/given-up", kind="file", levels=[SECRET])
    told.door.abort(ALICE, version=begun.version)
    told.door.revoke(ALICE, name=PATIENTS, people=["bob", "@analysts"])
    told.clock.turn(3 * DAY)
    root = Caller("root", "cli", "s")
    told.door.begin(ALICE, name="a/left", kind="file", levels=[SECRET])
    told.clock.turn(3 * DAY)
    told.door.collect(root)
    told.door.rotate_keys(root, project="oncology")
    told.door.new_token(root, name="bob")
    told.door.remove_member(root, group="analysts", person="bob")
    told.door.disable_user(root, name="eve")
    assert told.door.verify(state=True).size == len(told.entries())
    told.sql('DELETE FROM "grant" WHERE grantee = ?', "bob")
    with pytest.raises(Exception, match="grant"):
        told.door.verify(state=True)


def test_policy_text_that_decides_is_on_record_once(vault: Vault) -> None:
    for _ in range(2):
        vault.door.adopt_policy()
    told = [entry for entry in vault.entries() if entry.act == "policy.adopt"]
    assert len(told) == 1 and len(told[0].detail["sha256"]) == 64


# ---- denials ---------------------------------------------------------------------------------------------------


def attempt(vault: Vault, name: str, who: Caller = EVE) -> None:
    with pytest.raises(Denied):
        vault.door.open(who, name=name)


def test_the_same_denial_is_recorded_once_a_minute_and_the_rest_counted(vault: Vault) -> None:
    size = len(vault.entries())
    for _ in range(50):
        attempt(vault, PATIENTS)
    assert len(vault.entries()) == size + 1
    vault.clock.turn(timedelta(minutes=1))
    attempt(vault, PATIENTS)
    newest = msgspec.json.decode(vault.sql('SELECT body FROM entry ORDER BY "index" DESC LIMIT 1')[0][0])
    assert newest["detail"] == {"passed_over": 49} and len(vault.entries()) == size + 2


def test_different_denials_are_recorded_each(vault: Vault) -> None:
    size = len(vault.entries())
    attempt(vault, "a/one")
    attempt(vault, "a/two")
    attempt(vault, "a/one", BOB)
    assert len(vault.entries()) == size + 3


def test_a_flood_of_names_adds_a_bounded_number_of_entries(vault: Vault) -> None:
    size = len(vault.entries())
    for number in range(200):
        attempt(vault, f"a/{number}")
    assert len(vault.entries()) == size + 30
    attempt(vault, "a/b", BOB)  # somebody else's is not lost in it
    assert vault.entries()[-1].who == "bob"


def test_very_long_names_do_not_fill_the_log(vault: Vault) -> None:
    attempt(vault, "a/" + "x" * 1_000_000)
    assert len(vault.sql('SELECT body FROM entry ORDER BY "index" DESC LIMIT 1')[0][0]) < 2000


def test_the_meter_remembers_a_bounded_number_of_people() -> None:
    meter, clock = DenialMeter(), Hands()
    for number in range(5000):
        assert meter.passed_over(f"p{number}", ("open", "x"), clock.now) == 0
    assert len(meter._minutes) <= 1024
    assert meter.passed_over("p4999", ("open", "x"), clock.now) is None
    meter.forget()
    assert meter.passed_over("p4999", ("open", "x"), clock.now) == 0
