"""Files that leave or enter the server, terminals, what the server is asked to execute: read off requests it answered.

Tornado tells one function of every request it has answered; this is that function, and it passes on to the one that was
there before. Paths are recorded as they were asked for. What a terminal is made to do is not seen here, nor what an
extension then has a kernel execute: only who asked for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from jupyter_server.serverapp import ServerApp
from tornado import web
from tornado.escape import url_unescape

from ..extension.identity import People

_CONTENTS = {"GET": "download", "PUT": "upload", "POST": "create", "PATCH": "rename", "DELETE": "delete"}


class _Done(NamedTuple):
    """What a request did: the act, to what, and whether that may have been looking into a folder, which is no act."""

    act: str
    what: str
    perhaps_folder: bool = False


class RequestRecord:
    """The server's `log_function`: records what is to be recorded, then calls who did this before."""

    def __init__(self, serverapp: ServerApp, before: Callable[[web.RequestHandler], None]) -> None:
        self._serverapp, self._before = serverapp, before
        self._looking: set[asyncio.Task[None]] = set()

    def __call__(self, handler: web.RequestHandler) -> None:
        try:
            self._note(handler)
        finally:
            self._before(handler)

    def _note(self, handler: web.RequestHandler) -> None:
        path = url_unescape(handler.request.path, plus=False).removeprefix(self._serverapp.base_url)
        done = _done(handler, path)
        if done is None:
            return
        if done.perhaps_folder:
            task = asyncio.ensure_future(self._unless_folder(handler, done))
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)
        else:
            self._record(handler, done)

    async def _unless_folder(self, handler: web.RequestHandler, done: _Done) -> None:
        folder = Path(self._serverapp.root_dir, done.what.strip("/"))
        try:
            is_folder = await asyncio.to_thread(folder.is_dir)
        except ValueError:  # no path at all
            is_folder = False
        if not is_folder:
            self._record(handler, done)

    def _record(self, handler: web.RequestHandler, done: _Done) -> None:
        people = People.of(self._serverapp)
        person = people.person_of(getattr(handler, "_jupyter_current_user", None))
        status = handler.get_status()
        people.recording.done(person, done.act, done.what, _size(handler), "ok" if status < 400 else "refused")


def _done(handler: web.RequestHandler, path: str) -> _Done | None:
    method = handler.request.method or ""
    where, _, rest = path.partition("/")
    if where == "files" and method == "GET":
        return _Done("download", rest)
    if where == "nbconvert" and method in ("GET", "POST"):
        return _Done("download", rest)
    if path.startswith("terminals/websocket/"):
        return _Done("terminal", path.rpartition("/")[2])
    if where != "api":
        return None
    kind, _, rest = rest.partition("/")
    if kind == "kernels" and rest.endswith("/execute") and method == "POST":
        return _Done("ask_execute", rest.removesuffix("/execute"))
    if kind == "terminals" and method in ("POST", "DELETE"):
        return _Done("terminal" if method == "POST" else "end_terminal", rest)
    if kind != "contents" or method not in _CONTENTS:
        return None
    if method != "GET":
        return _Done(_CONTENTS[method], rest)
    if handler.get_query_argument("content", "1") == "0" or handler.get_query_argument("type", "") == "directory":
        return None
    return _Done("download", rest, perhaps_folder=not handler.get_query_argument("type", ""))


def _size(handler: web.RequestHandler) -> int | None:
    """Bytes sent or taken, as they travelled."""
    if handler.request.method in ("PUT", "POST", "PATCH"):
        return len(handler.request.body)
    length = handler._headers.get("Content-Length", "")
    return int(length) if length.isdecimal() else None
