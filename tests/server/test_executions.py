"""Every execution through the server is on record, with the person its websocket was opened by."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import asynccontextmanager, closing

import pytest
from at_the_browser import V1, Person
from serving import Served, served


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("executions")) as server:
        yield server


@asynccontextmanager
async def notebook(server: Served, name: str, path: str = "work.ipynb", protocol: str | None = V1):
    """A person's notebook with a kernel: the person, the kernel's id and the websocket."""
    person = Person(server.url + "/", {"Authorization": f"token {server.tokens[name]}"})
    session = (await person.session(path)).json()
    kernel = session["kernel"]["id"]
    try:
        yield person, kernel, await person.connect(kernel, protocol)
    finally:
        await person.delete(f"api/sessions/{session['id']}")
        await person.leave()


async def runs_of(server: Served, reader: str = "carol", **where):
    """What carol, the auditor, finds on record, once everything has ended."""
    with closing(server.client(reader)) as client:
        for _ in range(100):
            found = await asyncio.to_thread(client.executions, limit=1000, **where)
            if all(one.end is not None for one in found if one.start.act not in ("kernel", "input_reply")):
                break
            await asyncio.sleep(0.1)
    return found


def cells(found, kernel):
    return [one for one in found if one.start.kernel == kernel and one.start.act != "kernel"]


@pytest.mark.parametrize("protocol", [None, V1])
async def test_a_cell_is_on_record_with_who_where_what_and_how_it_went(running: Served, protocol) -> None:
    async with notebook(running, "alice", "study/a.ipynb", protocol) as (_, kernel, socket):
        await socket.run("1 + 1")
        await socket.run("1 / 0")
        found = cells(await runs_of(running), kernel)
    assert [one.start.who for one in found] == ["alice", "alice"]
    assert [one.start.notebook for one in found] == ["study/a.ipynb"] * 2
    assert [(one.start.act, one.start.road, one.remarks) for one in found] == [("execute", "websocket", ())] * 2
    assert [one.start.length for one in found] == [5, 5]
    assert [(one.end.status, one.end.error) for one in found] == [("ok", None), ("error", "ZeroDivisionError")]
    assert all(0 < one.end.took < 60_000_000 for one in found)
    assert len({one.start.code for one in found}) == 2
