"""Killed, crowded and out of disk: what was acknowledged stays, what was not never happened."""

from __future__ import annotations

import hashlib
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_securecollab.core.catalog import DataKeyRow, EntryRow, GrantRow
from jupyter_securecollab.errors import SecureCollabError, Unavailable
from jupyter_securecollab.proofs import verify_receipt

SCRIPT = Path(__file__).with_name("append_entries.py")


def start(lab, name: str, *, writers: int, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, str(SCRIPT), str(lab.path), name, str(writers), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def acknowledged(lines) -> dict[int, str]:
    return {int(index): digest for index, digest in (line.split() for line in lines if line.endswith("\n"))}


def stored(journal) -> dict[int, str]:
    rows = journal.read(lambda rows: rows.find(EntryRow))
    return {row.index: hashlib.sha256(row.body).hexdigest() for row in rows}


@pytest.mark.parametrize("after", [1, 150, 400])
def test_nothing_acknowledged_is_lost_when_the_vault_is_killed_under_eight_writers(lab, after) -> None:
    lab.journal().close()
    with start(lab, "victim", writers=8, count=100_000) as process:
        lines = [process.stdout.readline() for _ in range(after)]
        process.kill()
        lines += process.stdout.readlines()
    acked = acknowledged(lines)
    assert len(acked) >= after
    journal = lab.journal()
    assert acked.items() <= stored(journal).items()
    report = journal.verify(state=True)
    assert report.rows == report.size >= len(acked)
    for index in acked:
        assert verify_receipt(journal.receipt(index), journal.log_key).index == index
    assert journal.write(lab.grant(0)).receipt.index == report.size


def test_processes_that_share_a_database_write_one_log(lab) -> None:
    journal = lab.journal()
    processes = [start(lab, name, writers=2, count=40) for name in ("one", "two")]
    ours = [journal.write(lab.grant(number)).receipt for number in range(40)]
    acked = {receipt.index: hashlib.sha256(receipt.entry).hexdigest() for receipt in ours}
    for process in processes:
        output, _ = process.communicate()
        assert process.returncode == 0
        acked |= acknowledged(output.splitlines(keepends=True))
    assert sorted(acked) == list(range(200))
    assert stored(journal) == acked
    assert journal.verify(state=True).rows == 200


@pytest.fixture
def full_disk(lab):
    """No file may grow past what the database's log file has now; lifted by calling the fixture."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def fill(room: int) -> None:
        size = lab.path.with_name(lab.path.name + "-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + room, limits[1]))

    fill.lift = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    yield fill
    fill.lift()


@pytest.mark.parametrize("room", [0, 100, 6_000])
def test_on_a_full_disk_nothing_is_answered_and_nothing_happens(lab, full_disk, room) -> None:
    journal = lab.journal()
    journal.write(lab.grant(0))
    full_disk(room)
    with pytest.raises(Unavailable):
        journal.write(lab.grant(1))
    full_disk.lift()
    assert journal.read(lambda rows: rows.get(GrantRow, "g1")) is None
    assert journal.write(lab.grant(2)).receipt.index == 1
    assert journal.verify(state=True).rows == 2


def test_an_operation_that_fills_the_disk_itself_releases_nothing(lab, full_disk) -> None:
    journal = lab.journal()
    journal.write(lab.grant(0))
    full_disk(100_000)

    def greedy(work) -> str:
        lab.grant(1)(work)
        for number in range(2_000):  # more than the page cache holds, so it reaches the disk before the commit
            work.put(DataKeyRow(f"v{number}", "level:secret", "p", 1, bytes(8_000)))
        return "a key"

    with pytest.raises(SecureCollabError):
        journal.write(greedy)
    full_disk.lift()
    assert journal.read(lambda rows: (rows.get(GrantRow, "g1"), rows.find(DataKeyRow))) == (None, [])
    assert journal.write(lab.grant(2)).receipt.index == 1
    assert journal.verify(state=True).rows == 2
