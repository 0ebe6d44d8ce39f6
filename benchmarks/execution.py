"""What recording executions costs, beside Jupyter as it comes: latency, large outputs, many kernels.

Servers that differ in nothing else run side by side, and cells go to them in turns, in an order shuffled anew for every
round. Two of the servers are the same, so the difference between them is the noise. How many records each vault holds
afterwards is checked, so that what was measured is what ran.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, closing
from pathlib import Path
from statistics import median, quantiles

from jupyter_securecollab.core.collaboration import Settings
from jupyter_securecollab.server.recording.execution import Recording
from jupyter_securecollab.server.recording.spool import Spool
from jupyter_securecollab.server.vault import now, open_vault

from .harness import Budget, Line, Section, cpu_of, extra_memory
from .notebooks import Notebook, Served, pid_of, recorded, server, settled

ARMS = {"stock": "stock", "stock again": "stock", "off": "off", "flag": "flag", "block": "block"}
"""Each arm's `record_executions`; stock has no extension at all."""
_RECORDS = ("flag", "block")
_KERNELS, _RATE = 50, 20
_LATENCY_NOTE = (
    "From sending a cell `1` over the websocket until its reply and the kernel's being idle are back. Added: the "
    "median of what each round took longer than stock, and the difference of the 99th percentiles; *stock again* is "
    "the noise. Every cell of *flag* and *block* was found on record, start and end, and none of the others."
)
_WHERE_NOTE = (
    "Where the time goes, by CPU clocks: *off* looks a second time at each message and asks whether its sender is "
    "still signed in, which is looked up anew only when something was written to the vault. *Flag* adds the record: "
    "made, sealed and written into the spool by the thread that saw the message, some 0.03 ms in a busy process and a "
    "few times that where caches are cold, and a commit of the vault every half second, 1 to 3 ms of CPU whether it "
    "holds one record or fifty, for which no cell waits. *Block* waits for a commit of its own before the kernel is "
    "given anything: the disk's 4 to 5 ms."
)
_MANY_NOTE = (
    "Real kernels, each sent {rate} cells a second whether or not it keeps up, until all are answered: server, kernels "
    "and the client share the machine's cores. The last table leaves out kernels and websockets: what record, vault "
    "and disk carry by themselves."
)


def run(quick: bool) -> Iterator[Section]:
    """Sections: a trivial cell, 100 MB printed, many kernels, the record by itself."""
    cells, prints, megabytes = (20, 1, 4) if quick else (1200, 9, 100)
    kernels, seconds = (2, 1) if quick else (_KERNELS, 5)
    arms = ("stock", "stock again", "flag") if quick else tuple(ARMS)
    with tempfile.TemporaryDirectory(prefix="securecollab-bench-") as folder:
        with ExitStack() as stack:
            servers = {
                name: stack.enter_context(server(Path(folder) / name.replace(" ", "-"), ARMS[name])) for name in arms
            }
            taken, cpu, printed, memory = asyncio.run(_side_by_side(servers, cells, prints, megabytes))
        yield Section(
            f"A trivial cell, {cells} times in each", list(_latency(taken, cpu)), [_LATENCY_NOTE, _WHERE_NOTE]
        )
        yield Section(f"{megabytes} MB printed, {prints} times in each", list(_printed(printed, memory)))
        rates = {
            mode: _crowd(Path(folder) / f"{mode}-crowd", mode, kernels, _RATE, seconds) for mode in ("stock", "flag")
        }
        notes = [_MANY_NOTE.format(rate=_RATE)]
        yield Section(f"{kernels} kernels × {_RATE} cells/s for {seconds} s", list(_crowds(rates)), notes)
        alone = asyncio.run(_record_alone(Path(folder) / "alone", kernels, _RATE, 4 * seconds))
        yield Section(f"The record alone: {kernels} × {_RATE} cells/s for {4 * seconds} s", alone)


# -- one cell at a time ------------------------------------------------------------------------------------------------


async def _side_by_side(
    servers: Mapping[str, Served], cells: int, prints: int, megabytes: int
) -> tuple[dict[str, list[float]], dict[str, float], dict[str, list[float]], dict[str, float]]:
    """By arm: seconds and the server's CPU seconds per trivial cell; seconds per large output, most MB it took."""
    async with AsyncExitStack() as stack:
        notebooks = {name: await stack.enter_async_context(Notebook(one)) for name, one in servers.items()}
        taken: dict[str, list[float]] = {name: [] for name in notebooks}
        before = {name: cpu_of(pid_of(one)) for name, one in servers.items()}
        for _ in range(cells):
            for name in random.sample(list(notebooks), len(notebooks)):
                taken[name].append((await notebooks[name].run("1"))[0])
        cpu = {name: (cpu_of(pid_of(one)) - before[name]) / cells for name, one in servers.items()}
        code = f"for _ in range({megabytes}): print('x' * ({1 << 20} - 1), flush=True)"
        printed: dict[str, list[float]] = {name: [] for name in notebooks}
        memory = dict.fromkeys(notebooks, 0.0)
        for number in range(prints + 1):
            for name in random.sample(list(notebooks), len(notebooks)):
                with extra_memory(pid_of(servers[name])) as grown:
                    seconds, size = await notebooks[name].run(code)
                    memory[name] = max(memory[name], grown())
                if size != megabytes << 20:
                    raise RuntimeError(f"{size} bytes came instead of {megabytes << 20}")
                if number:  # the first warms up
                    printed[name].append(seconds)
        for name, one in notebooks.items():
            await _check(servers[name], ARMS[name], one.cells)
    return taken, cpu, printed, memory


async def _check(one: Served, mode: str, cells: int) -> None:
    """Raise unless exactly these cells are on record, or none where none should be."""
    expected = {"start": cells, "end": cells} if mode in _RECORDS else {}
    found = await settled(one, cells) if expected else recorded(one)
    if found != expected:
        raise RuntimeError(f"{mode}: {found} on record instead of {expected}")


def _latency(taken: Mapping[str, list[float]], cpu: Mapping[str, float]) -> Iterator[Line]:
    stock = taken["stock"]
    yield Line("stock, median", 1e3 * median(stock), "ms")
    yield Line("stock, p99", 1e3 * _p99(stock), "ms")
    for name, values in list(taken.items())[1:]:
        kept = name in _RECORDS
        added = median(one - other for one, other in zip(values, stock, strict=True))
        note = f"median {1e3 * median(values):.2f} ms, p99 {1e3 * _p99(values):.2f} ms"
        yield Line(f"{name}, added", 1e3 * added, "ms", None, note, Budget(1) if kept else None)
        p99 = 1e3 * (_p99(values) - _p99(stock))
        yield Line(f"{name}, added to p99", p99, "ms", None, "", Budget(5) if kept else None)
    for name, seconds in cpu.items():
        yield Line(f"{name}: CPU of the server per cell", 1e3 * seconds, "ms", seconds / cpu["stock"])


def _p99(values: list[float]) -> float:
    return quantiles(values, n=100)[98] if len(values) >= 100 else max(values)


def _printed(printed: Mapping[str, list[float]], memory: Mapping[str, float]) -> Iterator[Line]:
    for name, values in printed.items():
        ratio = median(one / other for one, other in zip(values, printed["stock"], strict=True))
        budget = Budget(1.05, of="ratio") if name in _RECORDS else None
        yield Line(name, 1e3 * median(values), "ms", ratio, f"{min(values):.2f} to {max(values):.2f} s", budget)
    for name, grown in memory.items():
        ratio = grown / memory["stock"] if memory["stock"] else None
        yield Line(f"{name}: the server's memory grew by", grown, "MB", ratio, "at most")


# -- many kernels ------------------------------------------------------------------------------------------------------


def _crowd(folder: Path, mode: str, kernels: int, rate: int, seconds: int) -> tuple[float, float, int]:
    """Cells answered per second, MB the server grew by, and records lost, with so many real kernels."""
    with server(folder, mode) as one:
        return asyncio.run(_busy(one, mode, kernels, rate, seconds))


async def _busy(one: Served, mode: str, kernels: int, rate: int, seconds: int) -> tuple[float, float, int]:
    few = asyncio.Semaphore(4)  # all starting at once would time out
    async with AsyncExitStack() as stack:

        async def start() -> Notebook:
            async with few:
                return await stack.enter_async_context(Notebook(one))

        notebooks = await asyncio.gather(*(start() for _ in range(kernels)))
        before = sum(notebook.cells for notebook in notebooks)

        async def pace(notebook: Notebook) -> None:
            for tick in range(rate * seconds):
                await asyncio.sleep(max(0.0, began + tick / rate - time.perf_counter()))
                await notebook.send("1")

        with extra_memory(pid_of(one)) as grown:
            began = time.perf_counter()
            reading = [notebook.replies(rate * seconds) for notebook in notebooks]
            await asyncio.gather(*map(pace, notebooks), *reading)
            took, memory = time.perf_counter() - began, grown()
        cells = sum(notebook.cells for notebook in notebooks)
        lost = 0
        if mode in _RECORDS:
            lost = 2 * cells - sum((await settled(one, cells)).values())
    return (cells - before) / took, memory, lost


def _crowds(rates: Mapping[str, tuple[float, float, int]]) -> Iterator[Line]:
    for mode, (rate, memory, lost) in rates.items():
        yield Line(f"{mode}: answered", rate, "cells/s", rate / rates["stock"][0])
        yield Line(f"{mode}: the server's memory grew by", memory, "MB", None, "at most")
        if mode in _RECORDS:
            yield Line(f"{mode}: records lost", lost, "", None, "starts and ends", Budget(0))


async def _record_alone(folder: Path, kernels: int, rate: int, seconds: int) -> list[Line]:
    """Messages of so many kernels, handed to the record as the websockets do it, onto a real disk."""
    door = open_vault(folder, Settings())
    recording = Recording("flag", door.record, now, finish=door.finish, spool=Spool(folder / "spool", door))
    written: list[float] = []
    ids = [uuid.uuid4().hex for _ in range(kernels)]

    def cell(kernel: str) -> None:
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request"}
        began = time.perf_counter()
        recording.asked(kernel, "alice", "shell", header, {"cellId": "c"}, {"code": "x" * 200})
        written.append(time.perf_counter() - began)
        recording.is_busy(kernel, header)
        recording.ran(kernel, header, "x" * 200)
        recording.replied(kernel, header["msg_id"], "ok", None)
        recording.is_idle(kernel, header)

    began, cells = time.perf_counter(), 0
    for tick in range(rate * seconds):
        for kernel in ids:
            cell(kernel)
            cells += 1
        await asyncio.sleep(max(0.0, began + (tick + 1) / rate - time.perf_counter()))
    took = time.perf_counter() - began
    await asyncio.to_thread(recording.close)
    verified = door.verify(state=True)
    door.close()
    return [
        Line("recorded", cells / took, "cells/s", None, f"{verified.rows} rows verified with the log"),
        Line("records lost", 2 * cells - _records(folder), "", None, "starts and ends", Budget(0)),
        Line("written down after, median", 1e3 * median(written), "ms"),
        Line("written down after, p99", 1e3 * _p99(written), "ms"),
    ]


def _records(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "vault.sqlite")) as rows:
        (count,) = rows.execute("SELECT count(*) FROM execution").fetchone()
    return int(count)
