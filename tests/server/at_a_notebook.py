"""People who execute in notebooks on a served vault, and what is found on record of it."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import time
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import httpx
from at_the_browser import V1, Person
from serving import Served


@asynccontextmanager
async def notebook(server: Served, name: str, path: str = "work.ipynb", protocol: str | None = V1):
    """A person's notebook with a kernel: the person, the kernel's id and the websocket."""
    person = Person(server.url + "/", {"Authorization": f"token {server.tokens[name]}"})
    session = (await person.session(path)).json()
    kernel = session["kernel"]["id"]
    try:
        yield person, kernel, await person.connect(kernel, protocol)
    finally:
        with suppress(httpx.TransportError):  # the server may have been killed meanwhile
            await person.delete(f"api/sessions/{session['id']}")
        await person.leave()


async def runs_of(server: Served, kernel: str | None = None, count: int = 0, **where):
    """What carol, the auditor, finds on record: of a kernel at least so many, once everything has ended.

    Without a kernel all there is: at least so many, whether or not they have an end. One whose end nobody heard of, as
    on a machine that does not keep up, counts as ended a minute after its reply.
    """
    until = time.monotonic() + (90 if kernel else 30)
    with closing(server.client("carol")) as client:
        while True:
            found = await asyncio.to_thread(client.executions, limit=1000, **where)
            if kernel is not None:
                found = [one for one in found if one.start.kernel == kernel and one.start.act != "kernel"]
            waited_for = [] if kernel is None else [one for one in found if one.start.act != "input_reply"]
            if (len(found) >= count and all(one.end for one in waited_for)) or time.monotonic() > until:
                return found
            await asyncio.sleep(0.1)


def only(found, **what):
    """The runs with these attributes of their start."""
    return [one for one in found if all(getattr(one.start, name) == value for name, value in what.items())]


def request(code: str, **options):
    return {
        "code": code,
        "silent": False,
        "store_history": True,
        "user_expressions": {},
        "allow_stdin": False,
        **options,
    }


async def reply_to(socket, msg_id: str, kind: str, seconds: int = 60):
    """The reply to a message, whatever else arrives before it."""
    async with asyncio.timeout(seconds):
        while True:
            message = await socket.receive()
            if message["parent_header"].get("msg_id") == msg_id and message["header"]["msg_type"] == kind:
                return message["content"]


def memory(server: Served) -> int:
    """The most memory the server has had so far, in MiB."""
    assert server.process is not None
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024


def open_rows(server: Served) -> sqlite3.Connection:
    """The vault's database, for counting."""
    return sqlite3.connect(f"file:{server.folder / 'vault' / 'vault.sqlite'}?mode=ro", uri=True)
