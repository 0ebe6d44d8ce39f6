"""What recording executions costs: `python -m benchmarks.execution`, or `make bench-execution`.

Servers that differ in nothing but `record_executions` run side by side, with a kernel each; cells go to them in turns,
in an order shuffled anew for every round. Two of the servers do not record: the difference between them is the noise.
How many records each vault holds afterwards is checked, so that what was measured is what ran.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import socket
import sqlite3
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack, closing
from pathlib import Path
from typing import Any

import httpx
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from serving import Served, served

from jupyter_securecollab.core.collaboration import Settings
from jupyter_securecollab.server.execution import Recording
from jupyter_securecollab.server.vault import now, open_vault

ARMS = {"off": "off", "off again": "off", "flag": "flag", "block": "block"}
PRINTED = 100 * 1024 * 1024


class Notebook:
    """A kernel on a server and the websocket to it."""

    def __init__(self, server: Served) -> None:
        self.server = server
        self.cells = 0
        self._headers = server.headers("alice")

    async def __aenter__(self) -> Notebook:
        async with httpx.AsyncClient(base_url=self.server.url, headers=self._headers, timeout=120) as http:
            body = {"path": f"{uuid.uuid4().hex}.ipynb", "type": "notebook", "name": "", "kernel": {"name": "python3"}}
            kernel = (await http.post("/api/sessions", json=body)).json()["kernel"]["id"]
        url = f"ws{self.server.url[4:]}/api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}"
        request = HTTPRequest(url, headers=self._headers)
        self._socket: WebSocketClientConnection = await websocket_connect(request, max_message_size=1 << 30)
        self._socket.stream.set_nodelay(True)
        for _ in range(15):
            await self.run("1")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._socket.close()

    async def run(self, code: str) -> tuple[float, int]:
        """Execute a cell: seconds until its reply and the kernel's being idle have come, and bytes printed."""
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "version": "5.4", "username": ""}
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        message = {"header": {**header, "session": "s", "date": ""}, "parent_header": {}, "metadata": {}}
        text = json.dumps({**message, "content": content, "channel": "shell", "buffers": []})
        began, printed, left = time.perf_counter(), 0, {"execute_reply", "idle"}
        await self._socket.write_message(text)
        stream = self._socket.stream
        while left:
            # Else the client's delayed acknowledgements, 40 ms each, are all that is measured.
            stream.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            answer = json.loads(await self._socket.read_message() or "")
            if answer["parent_header"].get("msg_id") == header["msg_id"]:
                left -= {answer["msg_type"], answer["content"].get("execution_state")}
                printed += len(answer["content"].get("text", ""))
        self.cells += 1
        return time.perf_counter() - began, printed


async def latency(notebooks: dict[str, Notebook], rounds: int) -> dict[str, list[float]]:
    """Seconds per trivial cell, by arm, in rounds."""
    taken: dict[str, list[float]] = {name: [] for name in notebooks}
    for _ in range(rounds):
        for name in random.sample(list(notebooks), len(notebooks)):
            taken[name].append((await notebooks[name].run("1"))[0])
    return taken


async def throughput(notebooks: dict[str, Notebook], rounds: int) -> dict[str, list[float]]:
    """Seconds for a cell that prints 100 MB."""
    code = f"for _ in range({PRINTED >> 20}): print('x' * ({1 << 20} - 1), flush=True)"
    taken: dict[str, list[float]] = {name: [] for name in notebooks}
    for _ in range(rounds):
        for name in random.sample(list(notebooks), len(notebooks)):
            seconds, printed = await notebooks[name].run(code)
            if printed != PRINTED:
                raise RuntimeError(f"{printed} bytes came instead of {PRINTED}")
            taken[name].append(seconds)
    return taken


def recorded(server: Served) -> dict[str, int]:
    """How many cells this server's vault has records of: their starts and their ends."""
    query = 'SELECT what, count(*) FROM execution WHERE body LIKE \'%"act":"execute"%\' GROUP BY what'
    with closing(sqlite3.connect(server.folder / "vault" / "vault.sqlite")) as rows:
        return dict(rows.execute(query).fetchall())


def peak(pid: int | str) -> int:
    """The most memory a process has had, in MiB."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) // 1024  # type: ignore[index]


async def many_kernels(folder: Path, kernels: int, rate: int, seconds: int) -> dict[str, object]:
    """Messages of so many kernels with so many cells a second each, handed to the record as the websockets do it.

    The kernels themselves would need far more than this machine has; the record, the vault and its disk are real.
    """
    door = open_vault(folder, Settings())
    recording = Recording("flag", door.record, now)
    late: list[float] = []
    ids = [uuid.uuid4().hex for _ in range(kernels)]

    async def cell(kernel: str) -> None:
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request"}
        began = time.perf_counter()
        run = recording.asked(kernel, "alice", "shell", header, {"cellId": "c"}, {"code": "x" * 200})
        recording.is_busy(kernel, header)
        recording.ran(kernel, header, "x" * 200)
        recording.replied(kernel, header["msg_id"], "ok", None)
        recording.is_idle(kernel, header)
        if run is not None:
            await recording.durable(run)
        late.append(time.perf_counter() - began)

    before, began, cells = peak("self"), time.perf_counter(), 0
    waiting: set[asyncio.Task[None]] = set()
    for tick in range(rate * seconds):
        for kernel in ids:
            waiting.add(task := asyncio.create_task(cell(kernel)))
            task.add_done_callback(waiting.discard)
            cells += 1
        await asyncio.sleep(max(0.0, began + (tick + 1) / rate - time.perf_counter()))
    await asyncio.gather(*waiting)
    took = time.perf_counter() - began
    await asyncio.to_thread(recording.close)
    verified = door.verify(state=True)
    door.close()
    with closing(sqlite3.connect(folder / "vault.sqlite")) as rows:
        (records,) = rows.execute("SELECT count(*) FROM execution").fetchone()
        (entries,) = rows.execute("SELECT count(*) FROM entry WHERE act = 'executions'").fetchone()
    return {
        "cells": cells, "cells a second": round(cells / took), "records": records, "lost": 2 * cells - records,
        "entries of the log": entries, "durable after, p50 ms": round(1e3 * statistics.median(late), 1),
        "durable after, p99 ms": round(1e3 * statistics.quantiles(late, n=100)[98], 1),
        "memory grown by, MiB": peak("self") - before, "rows verified": verified.rows,
    }  # fmt: skip


def told(taken: dict[str, list[float]], unit: float) -> None:
    """Median and p99 by arm, and the median of what each round took more than the first arm."""
    base = taken["off"]
    for name, values in taken.items():
        p99 = statistics.quantiles(values, n=100)[98] if len(values) >= 100 else max(values)
        base99 = statistics.quantiles(base, n=100)[98] if len(values) >= 100 else max(base)
        more = statistics.median(one - other for one, other in zip(values, base, strict=True))
        print(
            f"| {name} | {unit * statistics.median(values):.2f} | {unit * p99:.2f} | {unit * more:+.3f} "
            f"| {unit * (p99 - base99):+.2f} | {statistics.median(values) / statistics.median(base):.3f} |"
        )


async def measure(servers: dict[str, Served], cells: int, prints: int) -> None:
    """Both measurements over the same servers."""
    async with AsyncExitStack() as stack:
        notebooks = {name: await stack.enter_async_context(Notebook(server)) for name, server in servers.items()}
        print("\n| trivial cell, ms | median | p99 | paired median difference | difference of p99 | ratio |")
        print("|---|---|---|---|---|---|")
        told(await latency(notebooks, cells), 1e3)
        print("\n| 100 MB printed, s | median | worst | paired median difference | difference of worst | ratio |")
        print("|---|---|---|---|---|---|")
        told(await throughput(notebooks, prints), 1.0)
        ran = {name: one.cells for name, one in notebooks.items()}
    await asyncio.sleep(2)
    for name, server in servers.items():
        found: dict[str, Any] = recorded(server)
        expected = {} if ARMS[name] == "off" else {"start": ran[name], "end": ran[name]}
        print(f"{name}: {ran[name]} cells ran, on record {found or 'none'}")
        if found != expected:
            raise RuntimeError(f"{name} recorded {found} instead of {expected}")


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=1000)
    parser.add_argument("--prints", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=20)
    arguments = parser.parse_args(argv)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        print("50 kernels, 20 cells a second each:")
        print(json.dumps(asyncio.run(many_kernels(folder / "many", 50, 20, arguments.seconds)), indent=1))
        servers = {}
        for name, mode in ARMS.items():
            (folder / name).mkdir()
            options = (
                f"--SecureCollabApp.record_executions={mode}",
                "--ZMQChannelsWebsocketConnection.limit_rate=False",
            )
            servers[name] = stack.enter_context(served(folder / name, *options))
        asyncio.run(measure(servers, arguments.cells, arguments.prints))


if __name__ == "__main__":
    main()
