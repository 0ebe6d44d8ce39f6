"""Runs the cells of a notebook as one person on a Jupyter server: a session over HTTP, execution over the websocket."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable
from types import TracebackType
from typing import Any, cast

import httpx
import nbformat
from nbformat import NotebookNode
from nbformat.v4 import output_from_msg
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class NotebookSession:
    """One person's session and kernel for one notebook path. Use as an async context manager."""

    def __init__(self, server: str, token: str, path: str) -> None:
        self._headers = {"Authorization": f"token {token}"}
        self._server, self._path = server.rstrip("/"), path
        self._http = httpx.AsyncClient(base_url=self._server, headers=self._headers, timeout=60, trust_env=False)
        self._socket: WebSocketClientConnection | None = None
        self._session = ""

    async def __aenter__(self) -> NotebookSession:
        wanted = {"path": self._path, "name": self._path, "type": "notebook", "kernel": {"name": "python3"}}
        answer = await self._http.post("/api/sessions", json=wanted)
        answer.raise_for_status()
        self._session, kernel = answer.json()["id"], answer.json()["kernel"]["id"]
        address = f"ws{self._server.removeprefix('http')}/api/kernels/{kernel}/channels?session_id={uuid.uuid4().hex}"
        self._socket = await websocket_connect(HTTPRequest(address, headers=self._headers))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._socket is not None:
            self._socket.close()
        await self._http.delete(f"/api/sessions/{self._session}")
        await self._http.aclose()

    async def run(self, cells: Iterable[NotebookNode]) -> None:
        """Execute code cells in order, outputs into the cells. A cell tagged `raises-exception` has to raise."""
        for cell in cells:
            if cell.cell_type != "code":
                continue
            ok = await self._execute(cell)
            expected = "raises-exception" not in cell.metadata.get("tags", [])
            if ok != expected:
                raise UnexpectedOutcome(self._path, cell)

    async def _execute(self, cell: NotebookNode) -> bool:
        if self._socket is None:
            raise RuntimeError("the session has not begun")
        message = _execute_request(cell)
        await self._socket.write_message(json.dumps(message))
        cell.outputs, cell.execution_count = [], None
        reply: dict[str, Any] | None = None
        idle = False
        while reply is None or not idle:
            raw = await self._socket.read_message()
            if raw is None:
                raise ConnectionError("the server closed the kernel's websocket")
            answer = json.loads(raw)
            if answer["parent_header"].get("msg_id") != message["header"]["msg_id"]:
                continue
            if answer["msg_type"] == "execute_reply":
                reply = answer["content"]
            elif answer["msg_type"] == "status":
                idle = answer["content"]["execution_state"] == "idle"
            else:
                _collect(cell, answer)
        cell.execution_count = reply.get("execution_count")
        return bool(reply["status"] == "ok")


class UnexpectedOutcome(Exception):
    """A cell failed that should have worked, or the other way round."""

    def __init__(self, path: str, cell: NotebookNode) -> None:
        super().__init__(f"{path}: unexpected outcome of the cell\n{cell.source}\n--- it said:\n{text_of(cell)}")


def text_of(cell: NotebookNode) -> str:
    """Everything a cell printed or displayed, as plain text."""
    found = []
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            found.append(output.text)
        elif output.output_type == "error":
            found.append(_ANSI.sub("", "\n".join(output.traceback)) + "\n")
        else:
            found.append(str(output.data.get("text/plain", "")) + "\n")
    return "".join(found)


def _execute_request(cell: NotebookNode) -> dict[str, Any]:
    content = {"code": cell.source, "silent": False, "store_history": True, "user_expressions": {}}
    header = {"msg_id": uuid.uuid4().hex, "msg_type": "execute_request", "version": "5.4"}
    return {
        "header": {**header, "username": "", "session": "demo", "date": ""},
        "parent_header": {},
        "metadata": {"cellId": cell.get("id")},
        "channel": "shell",
        "buffers": [],
        "content": {**content, "allow_stdin": False, "stop_on_error": True},
    }  # fmt: skip


def _collect(cell: NotebookNode, answer: dict[str, Any]) -> None:
    kind, content = answer["msg_type"], answer["content"]
    if kind not in ("stream", "display_data", "execute_result", "error"):
        return
    last = cell.outputs[-1] if cell.outputs else None
    if kind == "stream" and last is not None and last.get("name") == content["name"]:
        last.text += content["text"]
    else:
        cell.outputs.append(output_from_msg(answer))


def read(path: str) -> NotebookNode:
    """A notebook from disk."""
    return cast(NotebookNode, nbformat.read(path, 4))
