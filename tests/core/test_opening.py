"""Getting something out: views, leases, parts, the time that decides, and kernels with several people in them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from material import (
    ALICE,
    BOB,
    CAROL,
    CONFIDENTIAL,
    DANA,
    DAY,
    EVE,
    INTERNAL,
    MOMENT,
    PATIENTS,
    PUBLIC,
    ROOT,
    SECRET,
    Vault,
)  # fmt: skip

from jupyter_securecollab.core.audit import Work
from jupyter_securecollab.core.catalog import PersonRow
from jupyter_securecollab.core.desk import Settings
from jupyter_securecollab.errors import Denied, Invalid, LeaseExpired, NotFound, StoreBroken, Unavailable
from jupyter_securecollab.model import Caller
from jupyter_securecollab.proofs import verify_receipt


def open_(vault: Vault, who=BOB, **wanted):
    return vault.door.open(who, name=PATIENTS, **wanted)


def policies(error) -> tuple[str, ...]:
    return error.value.decision.policies


@pytest.fixture
def shared(vault: Vault) -> Vault:
    """The frame is open to the analysts, up to internal."""
    vault.grant("@analysts")
    return vault


# ---- what one gets ---------------------------------------------------------------------------------------------


def test_what_holds_keys_prints_without_them(vault: Vault) -> None:
    begun = vault.door.begin(ALICE, name=PATIENTS, kind="frame", levels=(INTERNAL,))
    opened = vault.door.open(ALICE, name=PATIENTS)
    assert repr((begun, opened, opened.keys[0])) == "(<Begun>, <Opened>, <StreamKey>)"


def test_a_kernel_of_an_embedded_vault_is_told_the_files_of_what_it_may_read(shared: Vault) -> None:
    opened = open_(shared)
    assert set(opened.files) == {INTERNAL} == set(opened.levels)
    for level, (file,) in opened.files.items():
        size = shared.door.part_size(BOB, version=opened.version, level=level, partition=0, lease=opened.lease)
        whole = {"version": opened.version, "level": level, "partition": 0, "lease": opened.lease}
        assert Path(file).read_bytes() == shared.door.read_part(BOB, **whole, start=0, stop=size)


def test_nobody_else_is_told_of_files(shared: Vault, tmp_path: Path) -> None:
    assert open_(shared, Caller("bob", "browser", "s-bob")).files == {}
    service = Vault(tmp_path / "service", Settings(deployment="service"))
    service.found()
    service.share(to="bob")
    assert open_(service).files == {}
    service.door.close()


def test_reader_gets_the_streams_up_to_his_level_and_nothing_of_the_others(shared: Vault) -> None:
    opened = open_(shared)
    assert (opened.up_to, set(opened.levels)) == (INTERNAL, {INTERNAL})
    assert set(shared.read(BOB, opened)) == {"internal:id", "internal:ssn", "internal:age"}
    secret = open_(shared, ALICE)
    assert not {key.key for key in opened.keys} & {key.key for key in secret.keys if key.level == SECRET}


def test_open_of_some_columns_releases_keys_and_levels_for_these_alone(shared: Vault) -> None:
    opened = open_(shared, ALICE, columns=("ssn",))
    assert [(key.level, key.stream) for key in opened.keys] == [(SECRET, 0)]
    shared.part(ALICE, opened, SECRET)
    with pytest.raises(LeaseExpired):
        shared.part(ALICE, opened, INTERNAL)
    entry = shared.entries()[-1]
    assert msgspec.json.decode(opened.receipt.entry)["detail"]["columns"] == ["ssn"] and entry.who == "alice"


def test_both_receipts_of_an_open_verify(shared: Vault) -> None:
    opened = open_(shared)
    assert verify_receipt(opened.receipt, shared.door.log_key).entry.act == "open"
    assert verify_receipt(opened.committed, shared.door.log_key).entry.act == "commit"


def test_an_explicit_level_is_given_exactly_or_denied(shared: Vault) -> None:
    assert open_(shared, ALICE, up_to=INTERNAL).up_to == INTERNAL
    with pytest.raises(Denied) as error:
        open_(shared, up_to=SECRET)
    assert set(policies(error)) == {"deny.clearance", "deny.up_to"}
    assert error.value.next_step == "Open it without --up-to to get the masked copy."


def test_nothing_at_or_below_the_readers_level_is_a_recorded_denial(shared: Vault) -> None:
    with pytest.raises(Denied, match="Nothing in it is at public or below") as error:
        open_(shared, up_to=PUBLIC)
    assert policies(error) == ("deny.up_to",)
    assert (shared.entries()[-1].act, shared.entries()[-1].decision.allow) == ("open", False)


def test_columns_above_and_columns_that_do_not_exist_give_the_same_error(empty: Vault) -> None:
    empty.share(columns={"id": INTERNAL, "salary": CONFIDENTIAL}, levels=(INTERNAL, CONFIDENTIAL))
    empty.grant("bob")
    messages = []
    for column in ("salary", "nothing"):
        with pytest.raises(NotFound) as error:
            open_(empty, columns=(column,))
        messages.append(str(error.value).replace(column, "X") + error.value.next_step)
    assert messages[0] == messages[1]
    open_(empty, ALICE, columns=("salary",))


def test_a_numbered_version_is_opened_and_one_that_is_not_there_is_not(shared: Vault) -> None:
    shared.share(content="second")
    assert (open_(shared).number, open_(shared, number=1).number) == (2, 1)
    for number in (0, 3, 2**40):
        with pytest.raises(NotFound, match=f"has no version {number}"):
            open_(shared, number=number)


def test_very_many_columns_are_recorded_by_number_and_hash(empty: Vault) -> None:
    empty.share(columns={f"c{n}": INTERNAL for n in range(401)}, levels=(INTERNAL,))
    detail = msgspec.json.decode(open_(empty, ALICE).receipt.entry)["detail"]
    assert (detail["columns"], len(detail["columns_sha256"])) == (401, 64)


def test_a_retried_open_is_recorded_anew(shared: Vault) -> None:
    first, second = open_(shared), open_(shared)
    assert first.receipt.index != second.receipt.index
    assert first.keys == second.keys and first.lease == second.lease


# ---- who and when ----------------------------------------------------------------------------------------------


def test_window_of_access_includes_its_start_and_excludes_its_end(vault: Vault) -> None:
    start, until = vault.clock.now + DAY, vault.clock.now + 2 * DAY
    vault.grant("bob", start=start, until=until)
    for at, allowed in ((start - MOMENT, False), (start, True), (until - MOMENT, True), (until, False)):
        vault.clock.now = at
        if allowed:
            assert open_(vault).until == until
        else:
            with pytest.raises(Denied) as error:
                open_(vault)
            assert policies(error)[0] in ("deny.not_yet", "deny.expired")


@pytest.mark.parametrize(("level", "days"), [(PUBLIC, 365), (INTERNAL, 90), (CONFIDENTIAL, 30), (SECRET, 7)])
def test_access_without_an_end_lasts_as_long_as_its_level_says(vault: Vault, level, days: int) -> None:
    vault.grant("dana", up_to=level)
    (line,) = (line for line in vault.door.access(ALICE, name=PATIENTS) if line.grantee == "dana")
    assert line.until == vault.clock.now + days * DAY


def test_clock_moved_back_neither_reopens_access_nor_prolongs_a_lease(vault: Vault) -> None:
    until = vault.clock.now + DAY
    vault.grant("bob", until=until)
    vault.clock.now = until - timedelta(minutes=6)
    opened = open_(vault)
    vault.clock.now = until
    vault.grant("eve")
    vault.clock.turn(-timedelta(seconds=3))  # within the tolerance: time stands still
    with pytest.raises(Denied) as error:
        open_(vault)
    assert policies(error) == ("deny.expired",)
    with pytest.raises(Denied):
        vault.door.describe(BOB, name=PATIENTS)
    assert vault.door.assets(BOB) == ()
    with pytest.raises(LeaseExpired):
        vault.part(BOB, opened, INTERNAL)


def test_clock_far_behind_the_log_decides_nothing(vault: Vault) -> None:
    opened = open_(vault, ALICE)
    vault.clock.turn(-timedelta(seconds=6))
    for ask in (
        lambda: open_(vault, ALICE),
        lambda: vault.door.assets(ALICE),
        lambda: vault.door.describe(ALICE, name=PATIENTS),
        lambda: vault.part(ALICE, opened, INTERNAL),
        lambda: vault.door.audit(ALICE),
    ):
        with pytest.raises(Unavailable, match="clock"):
            ask()


def test_removed_from_the_group_is_removed_from_the_data(shared: Vault) -> None:
    open_(shared)
    shared.door.remove_member(ROOT, group="analysts", person="bob")
    with pytest.raises(Denied) as error:
        open_(shared)
    assert policies(error) == ("deny.no_grant",)


def test_exclusion_beats_every_group_until_access_is_given_anew(shared: Vault) -> None:
    shared.door.add_member(ROOT, group="doctors", person="bob")
    shared.grant("@doctors")
    shared.door.revoke(ALICE, name=PATIENTS, people=["bob"])
    with pytest.raises(Denied) as error:
        open_(shared)
    assert "deny.excluded" in policies(error)
    shared.grant("@analysts", up_to=INTERNAL)
    with pytest.raises(Denied):
        open_(shared)
    shared.grant("bob")
    open_(shared)


def test_retried_open_after_revocation_decides_again(shared: Vault) -> None:
    open_(shared)
    shared.door.revoke(ALICE, name=PATIENTS, people=["@analysts"])
    with pytest.raises(Denied):
        open_(shared)


def test_purpose_has_to_be_named_and_fit(vault: Vault) -> None:
    vault.grant("bob", purposes=("care",))
    for purpose in (None, "research", "care "):
        with pytest.raises(Denied) as error:
            open_(vault, purpose=purpose)
        assert policies(error) == ("deny.purpose",)
    assert msgspec.json.decode(open_(vault, purpose="care").receipt.entry)["detail"]["purpose"] == "care"


def test_auditor_sees_no_data_even_with_a_grant_and_steward_none_without(vault: Vault) -> None:
    vault.grant("carol")
    with pytest.raises(Denied) as error:
        open_(vault, CAROL)
    assert policies(error) == ("deny.auditor_data",)
    with pytest.raises(Denied) as error:
        open_(vault, DANA)
    assert policies(error) == ("deny.no_grant",)


def test_disabled_person_opens_nothing(shared: Vault) -> None:
    shared.door.disable_user(ROOT, name="bob")
    with pytest.raises(Denied) as error:
        open_(shared)
    assert "deny.inactive" in policies(error)
    shared.door.enable_user(ROOT, name="bob")
    open_(shared)


def test_lowered_clearance_counts_from_the_next_open_on(vault: Vault) -> None:
    vault.grant("dana", up_to=SECRET)
    assert open_(vault, DANA).up_to == SECRET
    vault.door.change_user(ROOT, name="dana", clearance=INTERNAL)
    assert open_(vault, DANA).up_to == INTERNAL


# ---- leases and parts ------------------------------------------------------------------------------------------


def test_lease_ends_after_five_minutes(shared: Vault) -> None:
    opened = open_(shared)
    assert opened.lease_until == shared.clock.now + timedelta(minutes=5)
    shared.clock.now = opened.lease_until - MOMENT
    shared.part(BOB, opened, INTERNAL)
    shared.clock.turn(MOMENT)
    with pytest.raises(LeaseExpired, match="has ended"):
        shared.part(BOB, opened, INTERNAL)


def test_lease_serves_its_reader_session_and_levels_only(shared: Vault) -> None:
    shared.grant("eve")
    opened, others = open_(shared), open_(shared, EVE)
    another_session = Caller("bob", "kernel", "another session")
    for who, level, lease in (
        (EVE, INTERNAL, opened.lease), (another_session, INTERNAL, opened.lease), (BOB, SECRET, opened.lease),
        (BOB, INTERNAL, others.lease), (BOB, PUBLIC, opened.lease),
    ):  # fmt: skip
        with pytest.raises(LeaseExpired):
            shared.part(who, opened, level, lease=lease)
    shared.part(BOB, opened, INTERNAL)


def test_lease_of_one_version_is_none_for_another(shared: Vault) -> None:
    first = open_(shared)
    shared.share(content="second")
    second = open_(shared)
    with pytest.raises(LeaseExpired):
        shared.part(BOB, second, INTERNAL, lease=first.lease)


@pytest.mark.parametrize("forge", [
    lambda lease: "", lambda lease: "x", lambda lease: ".", lambda lease: lease[:-2], lambda lease: "00" + lease[2:],
    lambda lease: lease + "00", lambda lease: lease.partition(".")[2], lambda lease: "é.é", lambda lease: "ab.zz",
    lambda lease: lease.replace(".", ".20"), lambda lease: "0" * 64 + "." + lease.partition(".")[2],
])  # fmt: skip
def test_forged_leases_are_refused(shared: Vault, forge) -> None:
    opened = open_(shared)
    with pytest.raises(LeaseExpired, match="not valid"):
        shared.part(BOB, opened, INTERNAL, lease=forge(opened.lease))


def test_lease_dies_with_the_process_that_gave_it(shared: Vault) -> None:
    opened = open_(shared)
    shared.restart()
    with pytest.raises(LeaseExpired):
        shared.part(BOB, opened, INTERNAL)


@pytest.mark.parametrize("end", ["disable_user", "new_token"])
def test_lease_dies_with_the_readers_sessions(shared: Vault, end: str) -> None:
    opened = open_(shared)
    shared.part(BOB, opened, INTERNAL)
    getattr(shared.door, end)(ROOT, name="bob")
    with pytest.raises(LeaseExpired):
        shared.part(BOB, opened, INTERNAL)


@pytest.mark.parametrize(("start", "stop"), [(0, 10_000), (-1, 1), (5, 5), (9, 3), (10_000, 10_001), (2**62, 2**63)])
def test_ranges_outside_a_part_are_refused(shared: Vault, start: int, stop: int) -> None:
    opened = open_(shared)
    with pytest.raises(Invalid, match="outside the part"):
        shared.part(BOB, opened, INTERNAL, start, stop)


def test_part_number_that_does_not_exist_is_not_found(shared: Vault) -> None:
    opened = open_(shared)
    with pytest.raises(NotFound):
        shared.door.read_part(
            BOB, version=opened.version, level=INTERNAL, partition=1, start=0, stop=1, lease=opened.lease
        )


def test_size_of_a_part_is_told_under_the_same_conditions(shared: Vault) -> None:
    opened = open_(shared)
    where = {"version": opened.version, "level": INTERNAL, "partition": 0}
    size = shared.door.part_size(BOB, **where, lease=opened.lease)
    assert len(shared.part(BOB, opened, INTERNAL, 0, size)) == size
    with pytest.raises(LeaseExpired):
        shared.door.part_size(EVE, **where, lease=opened.lease)


def test_deleted_and_truncated_parts_are_not_found(shared: Vault) -> None:
    opened = open_(shared, ALICE)
    size = shared.door.part_size(ALICE, version=opened.version, level=SECRET, partition=0, lease=opened.lease)
    parts = shared.objects()
    for path in parts:
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(NotFound, match="shorter"):
        shared.part(ALICE, opened, SECRET, 0, size)
    for path in parts:
        path.unlink()
    with pytest.raises(NotFound, match="missing"):
        shared.part(ALICE, opened, SECRET)


# ---- damaged and exchanged keys --------------------------------------------------------------------------------


def test_exchanged_or_damaged_keys_in_the_database_open_nothing(shared: Vault) -> None:
    """A row cannot stand in for another, and a broken one says that it is broken."""
    version = open_(shared).version
    ((secret,),) = shared.sql("SELECT wrapped FROM data_key WHERE owner = ? AND purpose = 'level:secret'", version)
    for wrapped in (secret, b"", b"x" * 60):
        shared.sql("UPDATE data_key SET wrapped = ? WHERE owner = ? AND purpose = 'level:internal'", wrapped, version)
        entries = len(shared.entries())
        with pytest.raises(StoreBroken, match="damaged or was exchanged"):
            open_(shared)
        assert len(shared.entries()) == entries
    shared.sql("DELETE FROM data_key WHERE owner = ?", version)
    with pytest.raises(NotFound, match="has been deleted"):
        open_(shared)


def test_missing_project_key_is_a_broken_store(shared: Vault) -> None:
    shared.sql("DELETE FROM project_key")
    with pytest.raises(StoreBroken, match="project key is missing"):
        open_(shared)


# ---- kernels with several people in them -----------------------------------------------------------------------


def kernel(name: str, *others: str) -> Caller:
    return Caller(name, "kernel", "s-shared", also=others, kernel="k1")


def test_shared_kernel_gets_the_least_of_everybody(shared: Vault) -> None:
    shared.grant("dana", up_to=SECRET)
    assert open_(shared, kernel("alice")).up_to == SECRET
    assert open_(shared, kernel("alice", "dana")).up_to == SECRET
    assert open_(shared, kernel("alice", "bob")).up_to == INTERNAL
    assert open_(shared, kernel("bob", "alice", "dana")).up_to == INTERNAL


@pytest.mark.parametrize("others", [("eve",), ("bob", "eve"), ("carol",), ("nobody",)])
def test_one_in_the_kernel_without_access_stops_it_and_is_not_named(shared: Vault, others: tuple[str, ...]) -> None:
    with pytest.raises(Denied) as error:
        open_(shared, kernel("alice", *others))
    assert policies(error) == ("deny.not_everybody",)
    said = str(error.value) + error.value.next_step
    assert not any(name in said for name in others)


def test_explicit_level_needs_everybody_in_the_kernel(shared: Vault) -> None:
    assert open_(shared, kernel("alice", "bob"), up_to=INTERNAL).up_to == INTERNAL
    with pytest.raises(Denied) as error:
        open_(shared, kernel("alice", "bob"), up_to=SECRET)
    assert policies(error) == ("deny.not_everybody",)


def test_sharing_and_giving_access_from_a_shared_kernel_needs_everybody_too(shared: Vault) -> None:
    with pytest.raises(Denied, match="Others whose work is in this kernel"):
        shared.share(kernel("alice", "bob"), content="second")
    with pytest.raises(Denied, match="Others whose work is in this kernel"):
        shared.grant("eve", by=kernel("alice", "bob"))
    assert shared.door.assets(kernel("alice", "eve")) == ()


def test_entry_names_everybody_behind_the_caller(shared: Vault) -> None:
    open_(shared, kernel("alice", "bob"))
    entry = msgspec.json.decode(shared.sql('SELECT body FROM entry ORDER BY "index" DESC LIMIT 1')[0][0])
    assert (entry["who"], entry["also"], entry["kernel"]) == ("alice", ["bob"], "k1")


# ---- agents ----------------------------------------------------------------------------------------------------


@pytest.fixture
def agent(shared: Vault) -> Caller:
    shared.door.add_user(ROOT, name="helper", kind="agent", acts_for="bob", clearance=SECRET)
    return Caller("helper", "service", "s-helper")


def test_agent_reads_what_both_may(shared: Vault, agent: Caller) -> None:
    assert open_(shared, agent).up_to == INTERNAL
    shared.door.change_user(ROOT, name="helper", clearance=PUBLIC)
    with pytest.raises(Denied):
        open_(shared, agent, up_to=INTERNAL)


def test_agent_loses_access_with_its_person_or_by_itself(shared: Vault, agent: Caller) -> None:
    shared.door.revoke(ALICE, name=PATIENTS, people=["helper"])
    with pytest.raises(Denied):
        open_(shared, agent)
    open_(shared, BOB)
    shared.grant("helper")  # ends the exclusion; a grant to an agent itself gives nothing
    open_(shared, agent)
    shared.door.revoke(ALICE, name=PATIENTS, people=["bob"])
    with pytest.raises(Denied):
        open_(shared, agent)
    shared.grant("bob")
    shared.door.disable_user(ROOT, name="bob")
    with pytest.raises(Denied):
        open_(shared, agent)


def test_what_was_worked_out_beforehand_counts_only_if_nothing_has_changed(shared: Vault) -> None:
    journal = shared.door._journal
    writing = threading.Event()

    def meanwhile(work: Work) -> None:
        writing.set()
        while journal._jobs.empty():  # until bob's open waits for its turn
            writing.wait(0.001)
        bob = work.rows.get(PersonRow, "bob")
        assert bob is not None
        work.put(msgspec.structs.replace(bob, clearance=PUBLIC))
        work.record("user.change", ROOT, name="bob")

    with ThreadPoolExecutor(1) as pool:
        changed = pool.submit(journal.write, meanwhile)
        writing.wait()
        with pytest.raises(Denied, match="Nothing in it is at public or below"):
            shared.door.open(BOB, name=PATIENTS)
        changed.result()
