"""Files sent and taken, and terminals, are on record with who it was."""

from __future__ import annotations

import asyncio

import pytest
from at_a_notebook import only, runs_of
from at_the_browser import Person
from serving import Served, served
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory):
    with served(tmp_path_factory.mktemp("requests")) as server:
        yield server


async def acts(server: Served, who: str, count: int) -> list[tuple[str, str | None, str | None]]:
    """What somebody did without a kernel, once there is so much."""
    for _ in range(50):
        found = only(await runs_of(server), who=who, road="server")
        if len(found) >= count:
            break
        await asyncio.sleep(0.1)
    return [(one.start.act, one.start.target, one.start.status) for one in found]


async def test_files_taken_from_the_server_and_put_there(running: Served) -> None:
    (running.folder / "work" / "folder").mkdir()
    bob = Person(running.url + "/", running.headers("bob"))
    text = {"type": "file", "format": "text", "content": "twelve bytes"}
    await bob.http.put("api/contents/folder/a b.txt", json=text)
    for look in ("api/contents/", "api/contents/folder", "api/contents/folder?type=directory"):
        assert (await bob.get(look)).status_code == 200
    assert (await bob.get("api/contents/folder/a b.txt?content=0")).status_code == 200
    assert (await bob.get("api/contents/folder/a b.txt")).json()["content"] == "twelve bytes"
    assert (await bob.get("api/contents/folder/a b.txt?type=file")).status_code == 200
    assert (await bob.get("files/folder/a b.txt")).text == "twelve bytes"
    assert (await bob.get("files/../../../etc/passwd")).status_code != 200
    await bob.patch("api/contents/folder/a b.txt", {"path": "folder/c.txt"})
    await bob.delete("api/contents/folder/c.txt")
    found = await acts(running, "bob", 6)
    await bob.leave()
    assert sorted(one for one in found if one[2] == "ok") == sorted([
        ("upload", "folder/a b.txt", "ok"), ("download", "folder/a b.txt", "ok"), ("download", "folder/a b.txt", "ok"),
        ("download", "folder/a b.txt", "ok"), ("rename", "folder/a b.txt", "ok"), ("delete", "folder/c.txt", "ok"),
    ])  # fmt: skip
    sizes = [one.start.length for one in only(await runs_of(running), who="bob", act="download", status="ok")]
    assert 12 in sizes and all(size >= 12 for size in sizes)


async def test_terminals_and_who_sat_at_them(running: Served) -> None:
    alice = Person(running.url + "/", running.headers("alice"))
    name = (await alice.post("api/terminals", {})).json()["name"]
    address = f"ws{running.url[4:]}/terminals/websocket/{name}"
    terminal = await websocket_connect(HTTPRequest(address, headers=running.headers("alice")))
    await terminal.read_message()
    terminal.close()
    await alice.delete(f"api/terminals/{name}")
    found = await acts(running, "alice", 3)
    await alice.leave()
    assert ("terminal", None, "ok") in found and ("end_terminal", name, "ok") in found
    assert ("terminal", name, "ok") in found


async def test_nobody_is_nobody(running: Served) -> None:
    stranger = Person(running.url + "/")
    assert (await stranger.get("api/contents/x.txt?type=file")).status_code in (302, 403)
    async with asyncio.timeout(30):
        while not (found := [one for one in await runs_of(running) if one.start.target == "x.txt"]):
            await asyncio.sleep(0.1)
    await stranger.leave()
    assert [(one.start.who, one.start.status) for one in found] == [(None, "refused")]
