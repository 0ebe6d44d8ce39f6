"""What a server wrote down before the vault had it: taken in once after it was killed, and nothing else is."""

from __future__ import annotations

import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from at_a_notebook import notebook, only, reply_to, request, runs_of
from serving import served

from jupyter_securecollab.core.collaboration import Collaboration, Settings
from jupyter_securecollab.errors import SealBroken, Unavailable
from jupyter_securecollab.model import Caller
from jupyter_securecollab.runs import Record, Seen
from jupyter_securecollab.server.extension.app import NO_SPOOL
from jupyter_securecollab.server.recording.execution_writer import ExecutionWriter
from jupyter_securecollab.server.recording.reporting import Reporting
from jupyter_securecollab.server.recording.spool import Spool, take_in
from jupyter_securecollab.server.vault import now, open_vault, operator

CODE = b"xyzzy = 'a secret of alice'"


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Collaboration]:
    with closing(open_vault(tmp_path / "vault", Settings())) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "vault" / "spool"


def seen(number: int) -> Seen:
    return Seen(Record(v=1, what="start", run=f"{number:032x}", at=now(), act="execute", who="alice"), CODE)


def left(folder: Path, door: Collaboration, *segments: int) -> list[Path]:
    """The files of a server that is gone: so many records in each segment, numbered throughout."""
    spool, number = Spool(folder, door), 0
    for place, count in enumerate(segments):
        if place:
            spool.turn(spool.next())
        for _ in range(count):
            number += 1
            spool.append(number, door.finish(seen(number)))
    spool.end(empty=False)
    return sorted(folder.rglob("*.segment"))


def on_record(door: Collaboration) -> tuple[list[int], list[int]]:
    """The numbers of executions on record, and what each gap says is lost."""
    found = [one.start for one in door.executions(Caller(operator(), "cli", ""), limit=1000)]
    return [int(one.run, 16) for one in found if one.what == "start"], [one.lost for one in found if one.what == "gap"]


def test_what_a_killed_server_left_is_recorded_once_and_the_gap_with_it(door: Collaboration, folder: Path) -> None:
    files = left(folder, door, 2, 3)
    assert [file.stat().st_mode & 0o777 for file in files] == [0o600] * 2
    assert not any(b"xyzzy" in file.read_bytes() or b"alice" in file.read_bytes() for file in files)
    spool, replayed = bytes.fromhex(files[0].parent.name), files[0].read_bytes()
    door.take_segment(spool, 1, replayed)
    take_in(folder, door, now)
    take_in(folder, door, now)
    assert on_record(door) == ([1, 2, 3, 4, 5], [0])
    assert [*folder.iterdir()] == []
    # Its key is gone: what is put there again is nobody's.
    with pytest.raises(SealBroken):
        door.take_segment(spool, 1, replayed)
    files[0].parent.mkdir()
    files[0].write_bytes(replayed)
    take_in(folder, door, now)
    assert on_record(door) == ([1, 2, 3, 4, 5], [0])
    assert door.verify(state=True).rows


def _edited(files: list[Path]) -> None:
    files[0].write_bytes(files[0].read_bytes()[:-3] + b"\0\0\0")


def _cut(files: list[Path]) -> None:
    files[1].write_bytes(files[1].read_bytes()[:-3])


def _swapped(files: list[Path]) -> None:
    one, other = (file.read_bytes() for file in files)
    files[0].write_bytes(other)
    files[1].write_bytes(one)


def _mixed(files: list[Path]) -> None:
    files[1].write_bytes(files[1].read_bytes() + files[0].read_bytes()[108:])


def _forged(files: list[Path]) -> None:
    files[0].write_bytes(b"SCspool1" + bytes(500))


def _named_anyhow(files: list[Path]) -> None:
    files[0].rename(files[0].with_name("x.segment"))


def _gone(files: list[Path]) -> None:
    for file in files:
        file.unlink()
    files[0].parent.rmdir()


@pytest.mark.parametrize(
    ("damage", "there", "lost"),
    [
        (_edited, [1, 3, 4], [1]),
        (_cut, [1, 2, 3], [1]),
        (_swapped, [], [2]),
        (_mixed, [1, 2, 3, 4], [1]),
        (_forged, [3, 4], [1]),
        (_named_anyhow, [3, 4], [1]),
        (_gone, [], [1]),
    ],
)
def test_what_was_changed_by_hand_is_not_taken_for_a_record_and_is_told(
    door: Collaboration, folder: Path, damage, there, lost
) -> None:
    damage(left(folder, door, 2, 2))
    take_in(folder, door, now)
    assert on_record(door) == (there, lost)
    assert door.spools() == ()


def test_the_spool_of_a_server_that_lives_is_left_alone(door: Collaboration, folder: Path) -> None:
    living = Spool(folder, door)
    living.append(1, door.finish(seen(1)))
    left(folder, door, 0)
    take_in(folder, door, now)
    assert on_record(door) == ([], [0])
    assert len(door.spools()) == 1
    living.end(empty=True)
    assert door.spools() == () and [*folder.iterdir()] == []


def test_a_spool_that_cannot_begin_leaves_nothing_behind(door: Collaboration, folder: Path) -> None:
    door.close()
    with pytest.raises(Unavailable):
        Spool(folder, door)
    assert [*folder.iterdir()] == []


def test_what_the_vault_has_leaves_the_spool_and_what_it_has_not_stays_there(door: Collaboration, folder: Path) -> None:
    away = threading.Event()

    def write(batch: list[Seen]) -> None:
        if away.is_set():
            raise Unavailable("the vault is away")
        door.record(batch)

    writer = ExecutionWriter(write, now, "a" * 16, spool=Spool(folder, door))
    for number in range(1, 4):
        writer.put(door.finish(seen(number)))
    assert writer.catch_up(30)
    away.set()
    writer.put(door.finish(seen(4)))
    assert not writer.catch_up(30)
    writer.close()
    assert len([*folder.rglob("*.segment")]) <= 2
    take_in(folder, door, now)
    assert on_record(door) == ([1, 2, 3, 4], [0])


def test_a_disk_that_is_full_is_a_failure_and_another_segment_is_tried(
    door: Collaboration, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(folder, door)
    spool.append(1, door.finish(seen(1)))
    with pytest.raises(OSError, match="part"), monkeypatch.context() as full:
        full.setattr("os.write", lambda file, data: len(data) - 1)
        spool.append(2, door.finish(seen(2)))
    with pytest.raises(OSError, match="nothing to write to"):
        spool.append(3, door.finish(seen(3)))
    assert spool.wants_next
    spool.turn(spool.next())
    spool.append(4, door.finish(seen(4)))
    spool.end(empty=False)
    take_in(folder, door, now)
    assert on_record(door) == ([1, 4], [0])


async def test_a_server_killed_while_the_vault_is_locked_loses_nothing_it_answered(tmp_path) -> None:
    with served(tmp_path) as server:
        async with notebook(server, "alice") as (_, kernel, socket):
            await socket.run("x = 0")
            with closing(sqlite3.connect(server.folder / "vault" / "vault.sqlite", isolation_level=None)) as rows:
                rows.execute("BEGIN IMMEDIATE")
                for number in range(60):
                    msg_id = await socket.send("execute_request", request("x += 1" + " " * number))
                    assert (await reply_to(socket, msg_id, "execute_reply"))["status"] == "ok"
                server.stop(signal.SIGKILL)
                rows.execute("ROLLBACK")
        server.start()
        everything = await runs_of(server)
        found = only(everything, act="execute", kernel=kernel)
        assert sorted(one.start.length for one in found) == [5, *range(6, 66)]
        assert [one.outcome for one in everything if one.start.what == "gap"] == ["server died"]


async def test_without_a_spool_flag_goes_on_and_says_so(tmp_path) -> None:
    with served(tmp_path) as server:
        server.stop()
        assert not any((tmp_path / "vault" / "spool").iterdir())
        (tmp_path / "vault" / "spool").rmdir()
        (tmp_path / "vault" / "spool").write_text("a file where a folder should be")
        server.start()
        async with notebook(server, "alice") as (_, kernel, socket):
            await socket.run("x = 0")
            assert len(await runs_of(server, kernel, 1)) == 1
        with closing(server.client("carol")) as client:
            assert client.recording().why_not == (NO_SPOOL,)
        assert NO_SPOOL in server.log


def test_what_lies_in_the_folder_and_is_no_spool_or_no_key_stops_nothing(tmp_path: Path) -> None:
    """With the service away: of a key that was half written nothing is sealed, and other names are left alone."""
    away = Reporting("http://127.0.0.1:9", "token", tmp_path, now)
    for name in ("z" * 32, "F" * 32, "ab " * 10 + "cd", "a" * 31):
        (tmp_path / name).mkdir()
    (tmp_path / ("a" * 32)).touch()
    assert away.spools() == ()
    (tmp_path / ("c" * 32)).mkdir()
    assert away.spools() == (bytes.fromhex("c" * 32),)
    for kept in (b"", b"k" * 31, b"k" * 33):
        (tmp_path / "service.key").write_bytes(kept)
        with pytest.raises(Unavailable):
            Spool(tmp_path, away)
    (tmp_path / "service.key").write_bytes(b"k" * 32)
    Spool(tmp_path, away).end(empty=False)
    away.close()
