"""When the vault cannot record: nothing is executed, or it is and the gap is on record; nothing answered is lost."""

from __future__ import annotations

import asyncio
import fcntl
import resource
import signal
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest
from at_a_notebook import memory, notebook, only, open_rows, reply_to, request, runs_of
from serving import Served, served

from jupyter_securecollab.errors import Unavailable
from jupyter_securecollab.runs import Record, RecordingState, Seen, parse_record
from jupyter_securecollab.server.recording import execution_writer
from jupyter_securecollab.server.recording.execution import OPEN_LIMIT
from jupyter_securecollab.server.recording.execution_writer import ExecutionWriter
from jupyter_securecollab.server.vault import now

WAITING = 500
"""Cells sent before their replies are awaited; far more are refused."""

LOCKED = 3.0
"""Seconds for which the vault is unavailable; with 60.0 this takes longer and comes out the same."""


@pytest.fixture(scope="module")
def flagging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("flag")) as server:
        yield server


@pytest.fixture(scope="module")
def blocking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("block"), "--SecureCollabApp.record_executions=block") as server:
        yield server


@contextmanager
def disk_full(server: Served) -> Iterator[None]:
    """No file of the server's can be written any more."""
    assert server.process is not None
    before = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, before)


def counted(rows: sqlite3.Connection, kernel: str) -> tuple[int, int]:
    """How many starts and ends of cells of a kernel are on record."""
    count = 'SELECT count(*) FROM execution WHERE what = ? AND body LIKE ? AND body NOT LIKE \'%"act":"kernel"%\''
    start, end = (rows.execute(count, (what, f"%{kernel}%")).fetchone()[0] for what in ("start", "end"))
    return start, end


async def counted_at_last(rows: sqlite3.Connection, kernel: str, ends: int) -> tuple[int, int]:
    """The same, once so many have ended: one whose end nobody heard of counts as ended a minute after its reply."""
    for _ in range(180):
        if counted(rows, kernel)[1] >= ends:
            break
        await asyncio.sleep(1)
    return counted(rows, kernel)


def gaps(rows: sqlite3.Connection) -> list[int]:
    """How many records were lost, by gap on record."""
    found = rows.execute("SELECT body FROM execution WHERE what = 'gap' ORDER BY seq")
    return [parse_record(body).lost for (body,) in found]


def recording(server: Served) -> RecordingState:
    """What the server says of its recording."""
    with closing(server.client("carol")) as client:
        return client.recording()


async def outcome(socket, code: str, seconds: int = 60):
    """The reply to a cell."""
    msg_id = await socket.send("execute_request", request(code))
    return await reply_to(socket, msg_id, "execute_reply", seconds)


async def test_block_lets_a_cell_run_once_it_is_on_record(blocking: Served) -> None:
    async with notebook(blocking, "alice") as (_, kernel, socket):
        assert (await outcome(socket, "x = 1"))["status"] == "ok"
        (one,) = await runs_of(blocking, kernel, 1)
    assert one.end.status == "ok"


@pytest.mark.parametrize("protocol", [None, "v1.kernel.websocket.jupyter.org"])
async def test_block_executes_nothing_while_the_disk_is_full_and_says_so_in_the_cell(
    blocking: Served, protocol
) -> None:
    async with notebook(blocking, "alice", protocol=protocol) as (_, kernel, socket):
        await socket.run("x = 1")
        with disk_full(blocking):
            shown = await socket.output_of(await socket.send("execute_request", request("x = 2")))
            refused = await outcome(socket, "x = 3")
        assert "this was not executed: it cannot be put on record" in shown and "Next: " in shown
        assert (refused["status"], refused["ename"]) == ("error", "NotRecorded")
        while (await outcome(socket, "y = 4"))["status"] == "error":
            await asyncio.sleep(0.2)
        assert (await socket.run("print(x)"))[0] == "1\n"
        found = await runs_of(blocking, kernel, 5)
    assert [one.end.status for one in found[:3]] == ["ok", "refused", "refused"]
    assert found[-1].end.status == "ok"


async def test_flag_goes_on_while_the_disk_is_full_and_records_all_of_it_afterwards_with_the_gap(
    flagging: Served,
) -> None:
    async with notebook(flagging, "alice") as (_, kernel, socket):
        await socket.run("x = 0")
        with disk_full(flagging):
            for _ in range(50):
                assert (await outcome(socket, "x += 1"))["status"] == "ok"
        assert (await socket.run("print(x)"))[0] == "50\n"
        found = await runs_of(flagging, kernel, 52)
        everything = await runs_of(flagging)
    assert [one.end.status for one in found] == ["ok"] * 52
    gaps = [one for one in everything if one.start.what == "gap"]
    assert gaps and {gap.start.lost for gap in gaps} == {0}
    assert all(gap.start.since < gap.start.at for gap in gaps)
    assert "executions cannot be recorded just now" in flagging.log or "recorded again" in flagging.log


@contextmanager
def locked(server: Served) -> Iterator[None]:
    """Another program writes to the vault's database, and takes its time."""
    with closing(sqlite3.connect(server.folder / "vault" / "vault.sqlite", isolation_level=None)) as rows:
        rows.execute("BEGIN IMMEDIATE")
        yield
        rows.execute("ROLLBACK")


async def cells_for(seconds: float, socket) -> list[str]:
    """How cells end that are run one after another for so long, and 100 at least: each waiting would take minutes."""
    ended, until = [], asyncio.get_running_loop().time() + seconds
    while len(ended) < 100 or asyncio.get_running_loop().time() < until:
        ended.append((await outcome(socket, "x += 1"))["status"])
    return ended


async def test_flag_goes_on_while_the_vault_is_locked_under_load_and_records_all_of_it_afterwards(
    flagging: Served,
) -> None:
    async with (
        notebook(flagging, "alice", "1.ipynb") as (_, kernel, first),
        notebook(flagging, "bob", "2.ipynb") as (_, other, second),
    ):
        for socket in (first, second):
            await socket.run("x = 0")
        with closing(open_rows(flagging)) as rows:
            before = len(gaps(rows))
        with locked(flagging):
            ended = await asyncio.gather(cells_for(LOCKED, first), cells_for(LOCKED, second))
            while (state := recording(flagging)).mode == "flag" and not state.why_not:
                await asyncio.sleep(0.05)
            assert "the vault cannot write records. What is executed runs all the same" in state.why_not[0]
        assert {status for one in ended for status in one} == {"ok"}
        await runs_of(flagging, kernel, min(900, len(ended[0]) + 1))
        await runs_of(flagging, other, min(900, len(ended[1]) + 1))
        with closing(open_rows(flagging)) as rows:
            for one, made in ((kernel, ended[0]), (other, ended[1])):
                assert counted(rows, one) == (len(made) + 1, len(made) + 1)
            assert set(gaps(rows)[before:]) == {0}
    assert recording(flagging).why_not == ()


async def test_block_refuses_at_once_while_the_vault_is_locked_and_runs_again_afterwards(blocking: Served) -> None:
    async with notebook(blocking, "alice") as (_, kernel, socket):
        await socket.run("x = 0")
        with locked(blocking):
            # Each waiting as long as the first would take minutes.
            refused = [await outcome(socket, "x += 1") for _ in range(100)]
            assert "the vault cannot write records. Until it can, nothing" in recording(blocking).why_not[0]
            asked = {"type": "request", "seq": 1, "command": "debugInfo", "arguments": {}}
            msg_id = await socket.send("debug_request", asked, channel="control")
            assert (await reply_to(socket, msg_id, "debug_reply"))["success"] is True  # it executes nothing
        assert {(one["status"], one["ename"]) for one in refused} == {("error", "NotRecorded")}
        assert "cannot be put on record" in refused[-1]["evalue"]
        while (await outcome(socket, "y = 4"))["status"] == "error":
            await asyncio.sleep(0.2)
        assert (await socket.run("print(x)"))[0] == "0\n"
        found = await runs_of(blocking, kernel, 103)
    assert [one.end.status for one in found[1:101]] == ["refused"] * 100


async def test_what_does_not_fit_into_memory_is_counted(tmp_path) -> None:
    with served(tmp_path, "--SecureCollabApp.record_backlog=20", "--SecureCollabApp.record_seconds=0.5") as server:
        async with notebook(server, "alice") as (_, kernel, socket):
            await socket.run("x = 0")
            with locked(server):
                for _ in range(40):
                    assert (await outcome(socket, "x += 1"))["status"] == "ok"
            while recording(server).why_not:
                await asyncio.sleep(0.05)
            assert (await socket.run("print(x)"))[0] == "40\n"
            # 42 cells ran: what is not there is counted, to the last.
            with closing(open_rows(server)) as rows:
                async with asyncio.timeout(30):
                    while sum(counted(rows, kernel)) + (lost := sum(gaps(rows))) < 84:
                        await asyncio.sleep(0.1)
                assert lost >= 60 and sum(counted(rows, kernel)) + sum(gaps(rows)) == 84


@contextmanager
def unreadable(server: Served) -> Iterator[None]:
    """Nobody can read the vault's database, as while it is being recovered: SQLite's locks (sqlite.org/walformat)."""
    with (server.folder / "vault" / "vault.sqlite-shm").open("r+b") as shared:
        while True:
            try:
                fcntl.lockf(shared, fcntl.LOCK_EX | fcntl.LOCK_NB, 8, 120)
                break
            except BlockingIOError:
                time.sleep(0.01)
        yield


async def test_while_the_vault_cannot_be_read_flag_goes_on_with_who_it_was_and_block_refuses(
    flagging: Served, blocking: Served
) -> None:
    for server, status in ((flagging, "ok"), (blocking, "error")):
        async with notebook(server, "alice") as (_, kernel, socket):
            await socket.run("x = 0")
            await runs_of(server, kernel, 1)
            with unreadable(server):
                reply = await outcome(socket, "x = 1")
            assert reply["status"] == status, reply
            assert status == "ok" or "whether you are still signed in" in reply["evalue"]
            while (await outcome(socket, "y = 4"))["status"] == "error":
                await asyncio.sleep(0.2)
            assert {one.start.who for one in await runs_of(server, kernel, 2)} == {"alice"}


async def test_a_server_killed_under_load_has_every_execution_it_answered(tmp_path) -> None:
    with served(tmp_path) as server:
        answered: list[str] = []

        async def load(number: int) -> None:
            async with notebook(server, "alice", f"{number}.ipynb") as (_, kernel, socket):
                for count in range(10_000):
                    await outcome(socket, f"'{number}'" + " " * count)
                    answered.append(f"{kernel} {count + len(str(number)) + 2}")

        tasks = [asyncio.create_task(load(number)) for number in range(2)]
        while len(answered) < 100:
            await asyncio.sleep(0.05)
        server.stop(signal.SIGKILL)
        await asyncio.gather(*tasks, return_exceptions=True)
        server.start()
        found = only(await runs_of(server), act="execute")
        there = {f"{one.start.kernel} {one.start.length}" for one in found}
        assert len(answered) >= 100 and set(answered) <= there
        with closing(server.client("carol")) as client:
            assert any(one.end is None for one in client.executions(limit=1000))


@pytest.mark.slow
async def test_a_flood_of_ten_thousand_cells_is_recorded_to_the_last_and_stays_within_bounds(flagging: Served) -> None:
    cells = 10_000
    async with notebook(flagging, "bob") as (_, kernel, socket):
        await socket.run("n = 0")
        before = memory(flagging)
        async with asyncio.timeout(900):
            for number in range(cells + WAITING):
                if number < cells:
                    await socket.send("execute_request", request("n += 1", silent=number % 10 > 0))
                while number >= WAITING and (await socket.receive())["header"]["msg_type"] != "execute_reply":
                    pass
        assert (await outcome(socket, f"assert n == {cells}"))["status"] == "ok"
        assert memory(flagging) - before < 150
        await runs_of(flagging, kernel, 1000)
        with closing(open_rows(flagging)) as rows:
            assert await counted_at_last(rows, kernel, cells + 2) == (cells + 2, cells + 2)
            (entries,) = rows.execute("SELECT count(*) FROM entry WHERE act = 'executions'").fetchone()
    assert entries < cells


@pytest.mark.slow
async def test_more_than_a_kernel_can_cope_with_is_refused_and_the_rest_runs(flagging: Served, tmp_path) -> None:
    go_on = tmp_path / "go on"
    async with notebook(flagging, "bob") as (_, kernel, socket):
        await socket.run(f"n = 0; import time, pathlib; go_on = pathlib.Path({str(go_on)!r})")
        await socket.send("execute_request", request("while not go_on.exists(): time.sleep(0.1)"))
        for _ in range(OPEN_LIMIT + 500):
            await socket.send("execute_request", request("n += 1", silent=True))
        go_on.touch()
        ended: list[str] = []
        async with asyncio.timeout(200):
            while len(ended) < OPEN_LIMIT + 501:
                message = await socket.receive()
                if message["header"]["msg_type"] == "execute_reply":
                    ended.append(message["content"].get("ename") or message["content"]["status"])
        ran = ended.count("ok") - 1
        assert ran >= OPEN_LIMIT - 1 and set(ended) == {"ok", "NotRecorded"}
        assert (await outcome(socket, f"assert n == {ran}"))["status"] == "ok"
        await runs_of(flagging, kernel, 1000)
        with closing(open_rows(flagging)) as rows:
            assert await counted_at_last(rows, kernel, ran + 3) == (ran + 3, ran + 3)


@pytest.mark.slow
async def test_a_gigabyte_that_a_cell_prints_is_not_kept(flagging: Served) -> None:
    async with notebook(flagging, "bob") as (_, kernel, socket):
        printing = "for _ in range(1024): print('xyzzy' * 200_000, flush=True)"
        assert (await outcome(socket, printing, seconds=400))["status"] == "ok"
        found = await runs_of(flagging, kernel, 1)
    assert found[-1].start.length == len(printing)
    kept = [file.read_bytes() for file in (flagging.folder / "vault").rglob("*") if file.is_file()]
    assert kept and not any(b"xyzzyxyzzy" in content for content in kept)


class Wall:
    """What a vault is to the writer: takes batches, or cannot."""

    def __init__(self) -> None:
        self.up = False
        self.batches: list[list[Record]] = []
        self.tried = threading.Event()

    def __call__(self, batch) -> None:
        self.tried.set()
        if self.up:
            raise Unavailable("the wall is up")
        if any(one.record.act == "poison" for one in batch):
            raise ValueError("cannot be encoded")
        self.batches.append([one.record for one in batch])

    @property
    def written(self) -> list[Record]:
        return [record for batch in self.batches for record in batch]


def start(number: int, act: str = "execute") -> Seen:
    return Seen(Record(v=1, what="start", run=f"{number:032x}", at=now(), act=act), b"x" * 100)


@pytest.fixture
def wall(monkeypatch) -> Wall:
    monkeypatch.setattr(execution_writer, "_RETRY", 0.01)
    return Wall()


def test_beyond_the_limit_records_are_dropped_and_counted(wall: Wall) -> None:
    writer = ExecutionWriter(wall, now, "a" * 16, kept=10)
    wall.up = True
    tickets = [writer.put(start(number), urgent=True) for number in range(25)]
    assert tickets == [*range(1, 11), *[None] * 15]
    wall.tried.wait(5)
    assert writer.failing_since is not None and writer.lost == 15
    wall.up = False
    writer.close()
    assert [one.lost for one in wall.written if one.what == "gap"] == [15]
    assert [int(one.run, 16) for one in wall.written if one.what == "start"] == list(range(10))
    assert writer.done == 10 and writer.failing_since is None


def test_a_lot_of_code_counts_as_much_as_many_records(wall: Wall, monkeypatch) -> None:
    monkeypatch.setattr(execution_writer, "KEPT_CODE", 250)
    wall.up = True
    writer = ExecutionWriter(wall, now, "a" * 16)
    assert [writer.put(start(number)) for number in range(3)] == [1, 2, None]
    wall.up = False
    writer.close()
    assert [one.lost for one in wall.written if one.what == "gap"] == [1]


def test_one_record_that_cannot_be_written_stops_no_others(wall: Wall) -> None:
    wall.up = True
    writer = ExecutionWriter(wall, now, "a" * 16)
    for number, act in enumerate(("execute", "poison", "execute")):
        writer.put(start(number, act), urgent=True)
    wall.tried.wait(5)
    wall.up = False
    writer.put(start(3), urgent=True)
    writer.close()
    assert [int(one.run, 16) for one in wall.written if one.what == "start"] == [0, 2, 3]


def test_a_writer_that_is_closed_takes_nothing(wall: Wall) -> None:
    writer = ExecutionWriter(wall, now, "a" * 16)
    assert writer.put(start(1)) == 1
    writer.close()
    assert writer.put(start(2)) is None
    assert len(wall.written) == 1
