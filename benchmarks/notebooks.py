"""Servers and notebooks to measure: Jupyter with and without us, and a kernel's websocket as a browser uses it."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1, serialize_msg_to_ws_v1
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from serving import Served, free_port, served

_PROTOCOL = "v1.kernel.websocket.jupyter.org"
_WARM = 15
_OPTIONS = ("--ZMQChannelsWebsocketConnection.limit_rate=False",)


class Stock(Served):
    """A Jupyter server as it comes, with a token for everybody."""

    def extension(self) -> tuple[str, ...]:
        """None."""
        return ("--ServerApp.jpserver_extensions={'jupyter_securecollab': False}", "--IdentityProvider.token=all")


@contextmanager
def server(folder: Path, mode: str) -> Iterator[Served]:
    """A server in `folder`: `stock`, or with the extension and `record_executions` set to this."""
    folder.mkdir()
    if mode != "stock":
        with served(folder, *_OPTIONS, f"--SecureCollabApp.record_executions={mode}") as one:
            yield one
        return
    stock = Stock(folder, free_port(), {"alice": "all"}, "", options=_OPTIONS)
    stock.start()
    try:
        if "jupyter_securecollab |" in stock.log:
            raise RuntimeError("the stock server has loaded the extension")
        yield stock
    finally:
        stock.stop()


def pid_of(one: Served) -> int:
    """The server's process."""
    if one.process is None:
        raise RuntimeError("the server does not run")
    return one.process.pid


def recorded(one: Served) -> dict[str, int]:
    """How many cells this server's vault has records of: their starts and their ends."""
    file = one.folder / "vault" / "vault.sqlite"
    if not file.exists():
        return {}
    query = 'SELECT what, count(*) FROM execution WHERE body LIKE \'%"act":"execute"%\' GROUP BY what'
    with closing(sqlite3.connect(file)) as rows:
        return dict(rows.execute(query).fetchall())


class Notebook:
    """A kernel on a server and the websocket to it."""

    def __init__(self, one: Served) -> None:
        self.server = one
        self.cells = 0
        self._headers = one.headers("alice")

    async def __aenter__(self) -> Notebook:
        async with httpx.AsyncClient(base_url=self.server.url, headers=self._headers, timeout=600) as http:
            body = {"path": f"{uuid.uuid4().hex}.ipynb", "type": "notebook", "name": "", "kernel": {"name": "python3"}}
            kernel = (await http.post("/api/sessions", json=body)).json()["kernel"]["id"]
        url = f"ws{self.server.url[4:]}/api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}"
        request = HTTPRequest(url, headers=self._headers, connect_timeout=120, request_timeout=120)
        self._socket: WebSocketClientConnection = await websocket_connect(
            request, max_message_size=1 << 30, subprotocols=[_PROTOCOL]
        )
        self._socket.stream.set_nodelay(True)
        for _ in range(_WARM):
            await self.run("1")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._socket.close()
        while await self._socket.read_message() is not None:  # until the server has closed it too
            pass

    async def run(self, code: str) -> tuple[float, int]:
        """Execute a cell: seconds until its reply and the kernel's being idle have come, and bytes printed."""
        began, printed, left = time.perf_counter(), 0, {"execute_reply", "idle"}
        msg_id = await self.send(code)
        stream = self._socket.stream
        while left:
            # Else the client's delayed acknowledgements, 40 ms each, are all that is measured.
            stream.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            parent, kind, content = await self._receive()
            if parent == msg_id:
                left -= {kind, content.get("execution_state")}
                printed += len(content.get("text", ""))
        return time.perf_counter() - began, printed

    async def send(self, code: str) -> str:
        """Ask for a cell to be executed; the message's id."""
        header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "version": "5.4", "username": ""}
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}, "allow_stdin": False}
        message = {"header": {**header, "session": "s", "date": ""}, "parent_header": {}, "metadata": {"cellId": "c"}}
        packed = serialize_msg_to_ws_v1(  # type: ignore[no-untyped-call]  # Jupyter's
            {**message, "content": content}, "shell", lambda part: json.dumps(part).encode()
        )
        await self._socket.write_message(packed, binary=True)
        self.cells += 1
        return header["msg_id"]

    async def replies(self, count: int) -> None:
        """Read until so many replies have come."""
        while count:
            _, kind, _ = await self._receive()
            count -= kind == "execute_reply"

    async def _receive(self) -> tuple[str | None, str, dict[str, Any]]:
        raw = await self._socket.read_message()
        if not isinstance(raw, bytes):
            raise ConnectionError("the server closed the websocket")
        _, parts = deserialize_msg_from_ws_v1(raw)  # type: ignore[no-untyped-call]  # Jupyter's
        header, parent, content = (json.loads(parts[place]) for place in (0, 1, 3))
        return parent.get("msg_id"), header["msg_type"], content


async def settled(one: Served, cells: int) -> dict[str, int]:
    """What is on record once there is a start and an end of so many cells, or nothing more has come for a while."""
    found, unchanged = recorded(one), 0
    while found != {"start": cells, "end": cells} and unchanged < 20:
        await asyncio.sleep(0.25)
        before, found = found, recorded(one)
        unchanged = unchanged + 1 if found == before else 0
    return found
