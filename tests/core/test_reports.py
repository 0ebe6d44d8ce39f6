"""What people's own servers report of executions: their word, which counts for nobody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from material import ALICE, BOB, CAROL, Vault

from jupyter_securecollab.errors import Denied, SealBroken
from jupyter_securecollab.model import Caller, Level, Vouched, recorder_name
from jupyter_securecollab.runs import Record, Seen, Touched
from jupyter_securecollab.spooled import Sealing

SPOOL = bytes(range(16))


def segment(vault: Vault, *seen: Seen, number: int = 0, spool: bytes = SPOOL) -> bytes:
    sealing = Sealing(spool, number, vault.door.spool_key(ALICE).key)
    return sealing.head + b"".join(map(sealing.frame, seen))


def ran(vault: Vault, number: int, **fields) -> list[Seen]:
    """Start and end of one execution, as a server saw it."""
    fields = {"v": 1, "run": f"{number:032x}", "at": vault.clock.now, "act": "execute", "who": "alice", **fields}
    return [Seen(Record(what="start", **fields), b"x = 1"), Seen(Record(what="end", status="ok", **fields))]


def report(vault: Vault, *seen: Seen, who: Caller = ALICE, **options):
    return vault.door.report(who, spool=SPOOL.hex(), number=0, segment=segment(vault, *seen), **options)


def test_what_a_server_reports_is_on_record_once_as_advisory_with_the_code_hashed_here(empty: Vault) -> None:
    for _ in range(2):
        assert report(empty, *ran(empty, 1), *ran(empty, 2, who=None, road="other")).records == 4
    first, second = empty.door.executions(CAROL)
    assert (first.start.who, second.start.who, first.start.reported_by) == ("alice", None, "alice")
    assert first.remarks == ("advisory: alice's own server says so",) and first.end is not None
    told = empty.door.recording(ALICE)
    assert (told.mode, told.why_not, told.advisory, told.newest) == ("flag", (), True, first.end.at)
    empty.restart()
    assert empty.door.recording(ALICE) == told and empty.door.recording(BOB).mode == "off"
    empty.door.record(ran(empty, 3))
    assert first.start.code == empty.door.executions(CAROL)[-1].start.code and first.start.length == 5
    assert empty.door.verify(state=True).rows


def test_nobody_speaks_for_another_or_for_his_runs_or_for_times_to_come(empty: Vault) -> None:
    empty.door.record(ran(empty, 1, who="bob")[:1])
    lie = ran(
        empty, 1, who="bob", at=empty.clock.now + timedelta(days=9), code="f" * 64, kept="e" * 64, reported_by="bob",
        notebook="n" * 5000, lost=-1, assets=(Touched("a" * 999, Level.SECRET),) * 99,
    )  # fmt: skip
    naive = ran(empty, 2, at=datetime(2026, 1, 1), who="bob")  # as a forger may write it
    report(empty, *lie, *naive)
    (his,) = empty.door.executions(BOB)
    assert his.end is None
    hers = empty.door.executions(ALICE)
    assert [(one.start.who, one.start.reported_by, one.start.at) for one in hers] == [
        ("alice",) * 2 + (empty.clock.now,)
    ] * 2
    told = hers[0].end
    assert (told.code, told.kept, told.lost, len(told.notebook), len(told.assets)) == (None, None, 0, 1024, 50)


def test_what_was_not_sealed_to_this_vault_is_refused_and_what_was_cut_is_told(empty: Vault) -> None:
    whole = segment(empty, *ran(empty, 1))
    for number, spool, forged in ((1, SPOOL, whole), (0, bytes(16), whole), (0, SPOOL, b"SCspool1" + bytes(300))):
        with pytest.raises(SealBroken):
            empty.door.report(ALICE, spool=spool.hex(), number=number, segment=forged)
    for _ in range(2):
        told = empty.door.report(ALICE, spool=SPOOL.hex(), number=0, segment=whole[:-1] + b"\0")
        assert (told.records, told.whole) == (1, False)
    run, gap = empty.door.executions(CAROL)
    assert (run.end, gap.start.lost, gap.start.reported_by) == (None, 1, "alice")


def test_a_flood_of_records_is_written_in_pieces_and_each_once(empty: Vault) -> None:
    flood = [ran(empty, number)[0] for number in range(900)]
    for _ in range(2):
        assert report(empty, *flood, *flood[:50]).records == 950
    runs = empty.door.executions(CAROL, limit=1_000)
    assert len(runs) == len({one.start.run for one in runs}) == 900
    assert len({one.entry for one in runs}) == 2, "others come in between"
    assert empty.door.verify(state=True).rows


@pytest.mark.parametrize("roles", [(), ("auditor",)])
def test_who_is_no_member_reports_nothing(empty: Vault, roles) -> None:
    stranger = Caller("alice", "token", "t", vouched=Vouched(roles, ()))
    with pytest.raises(Denied):
        report(empty, *ran(empty, 1), who=stranger)
    assert empty.door.executions(CAROL) == ()


def test_times_are_those_of_the_vaults_zone(empty: Vault) -> None:
    at = datetime(2026, 1, 1, 0, 0, 0, 1234, tzinfo=UTC)
    report(empty, *ran(empty, 1, at=at))
    assert empty.door.executions(ALICE)[0].start.at == at.replace(microsecond=1000)
    assert empty.door.verify(state=True).rows


def test_what_a_recorder_reports_names_who_executed_and_is_not_advisory(empty: Vault) -> None:
    recorder = Caller(recorder_name("kernels"), "service", "", vouched=Vouched((), ()), recorder=True)
    report(empty, *ran(empty, 1, who="bob"), *ran(empty, 2, who=None, road="other"), who=recorder)
    first, second = empty.door.executions(CAROL)
    assert (first.start.who, first.start.reported_by, first.start.recorder) == ("bob", None, "recorder:kernels")
    assert first.remarks == () and second.remarks == ("unattributed",) and second.start.who is None
    told = empty.door.recording(BOB)
    assert (told.mode, told.advisory) == ("flag", False) and empty.door.recording(ALICE).mode == "off"
    assert empty.door.verify(state=True).rows


def test_no_member_passes_for_a_recorder_and_a_recorder_for_no_person(empty: Vault) -> None:
    report(empty, *ran(empty, 1, who="bob", recorder="recorder:kernels"))
    (hers,) = empty.door.executions(CAROL)
    assert (hers.start.who, hers.start.reported_by, hers.start.recorder) == ("alice", "alice", None)
    recorder = Caller(recorder_name("alice"), "service", "", vouched=Vouched((), ()), recorder=True)
    assert empty.door.executions(recorder) == ()  # not hers, though it is called as she is
    report(empty, *ran(empty, 1), who=recorder)  # nor does its run stand in the way of hers
    assert len(empty.door.executions(ALICE)) == 2
    assert empty.door.audit(recorder) == () and empty.door.assets(recorder) == ()
