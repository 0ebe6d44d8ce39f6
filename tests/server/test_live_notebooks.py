"""One notebook edited live by several people, and cells that the server executes for them.

Runs where jupyter-server-ydoc and jupyter-server-nbmodel are installed: they enable themselves for every server of an
environment, so that of the other tests does without them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from importlib.util import find_spec

import nbformat
import pytest
from at_a_notebook import notebook, only, runs_of
from at_the_browser import Person
from serving import Served, served
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

pytestmark = pytest.mark.skipif(
    not (find_spec("jupyter_server_ydoc") and find_spec("jupyter_server_nbmodel")),
    reason="needs jupyter-server-ydoc and jupyter-server-nbmodel",
)
PATH = "live.ipynb"


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("live")) as server:
        cells = [nbformat.v4.new_code_cell("1", id="cell-of-both")]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), server.folder / "work" / PATH)
        yield server


async def join(server: Served, person: Person, name: str):
    """Open the notebook's room, as JupyterLab does; the document's id and the websocket on which it is edited."""
    opened = await person.http.put(f"api/collaboration/session/{PATH}", json={"format": "json", "type": "notebook"})
    said = opened.json()
    room = f"json:notebook:{said['fileId']}"
    url = f"ws{server.url[4:]}/api/collaboration/room/{room}?sessionId={said['sessionId']}"
    return room, await websocket_connect(HTTPRequest(url, headers=server.headers(name)))


async def test_two_who_edit_one_notebook_execute_each_in_a_kernel_and_a_name_of_his_own(live: Served) -> None:
    async with (
        notebook(live, "alice", PATH) as (alice, hers, first),
        notebook(live, "bob", PATH) as (bob, his, second),
    ):
        rooms = [await join(live, person, name) for person, name in ((alice, "alice"), (bob, "bob"))]
        assert rooms[0][0] == rooms[1][0] and hers != his
        for _, room in rooms:
            assert await asyncio.wait_for(room.read_message(), 30)  # it is being edited by both
        await asyncio.gather(first.run("'alice'"), second.run("'bobs'"))
        found = [(await runs_of(live, kernel, 1, notebook=PATH)) for kernel in (hers, his)]
        refused = await bob.get(f"api/kernels/{hers}")
        for _, room in rooms:
            room.close()
    assert [[(one.start.who, one.start.road, one.start.length) for one in each] for each in found] == [
        [("alice", "websocket", 7)],
        [("bob", "websocket", 6)],
    ]
    assert refused.status_code == 404


async def test_who_has_the_server_execute_is_on_record_beside_what_it_executed(
    live: Served,
) -> None:
    async with notebook(live, "alice", PATH) as (alice, kernel, socket), notebook(live, "bob", PATH) as (bob, *_):
        asked = {"code": "by_the_server = 1", "metadata": {}}
        assert (await alice.post(f"api/kernels/{kernel}/execute", asked)).status_code == 202
        assert (await bob.post(f"api/kernels/{kernel}/execute", asked)).status_code == 404
        (ran,) = await runs_of(live, kernel, 1)
        assert (await socket.run("print(by_the_server)"))[0] == "1\n"
        async with asyncio.timeout(30):
            while len(asking := only(await runs_of(live), act="ask_execute")) < 2:
                await asyncio.sleep(0.1)
    assert (ran.start.who, ran.start.road, ran.start.length) == (None, "other", len(asked["code"]))
    assert [(one.start.who, one.start.target, one.start.status) for one in asking] == [
        ("alice", kernel, "ok"), ("bob", kernel, "refused"),
    ]  # fmt: skip
