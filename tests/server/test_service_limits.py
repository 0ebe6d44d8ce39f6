"""What a service lets strangers take of it: connections, time, questions to the Hub. Others are served beside them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from jupyter_securecollab.core.collaboration import Settings
from jupyter_securecollab.errors import NotSignedIn, Unavailable
from jupyter_securecollab.protocol import PREFIX
from jupyter_securecollab.server.service.hub import CACHED_SECONDS, Hub
from jupyter_securecollab.server.service.json_log import JsonLines
from jupyter_securecollab.server.service.listening import BODY_BYTES, listening
from jupyter_securecollab.server.service.metrics import Loaded, Metrics
from jupyter_securecollab.server.service.places import PAGES, Place
from jupyter_securecollab.server.service.process import Service, application
from jupyter_securecollab.server.vault import open_vault

MEMBER = {"kind": "user", "name": "bob", "scopes": ["access:services", "custom:securecollab:member"]}
PATH = f"/services/securecollab/{PREFIX}"

IDLE = Loaded(0, 0, 0)


class SlowHub:
    """A Hub that knows the token `bob` and thinks about every other until it is told to go on."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.asked = self.thinking = self.most = 0
        self.made = "2026-01-01T00:00:00Z"

    async def answer(self, handler: RequestHandler) -> None:
        token = handler.request.headers["Authorization"].removeprefix("token ")
        if handler.request.path.endswith("/users/bob"):
            handler.finish({"created": self.made})
        elif token == "bob":
            handler.finish(MEMBER)
        else:
            self.asked, self.thinking = self.asked + 1, self.thinking + 1
            self.most = max(self.most, self.thinking)
            await self.go_on.wait()
            self.thinking -= 1
            handler.send_error(403)


@asynccontextmanager
async def serving(server: HTTPServer) -> AsyncIterator[int]:
    """This server, on a port of loopback."""
    sockets = bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    try:
        yield sockets[0].getsockname()[1]
    finally:
        server.stop()
        await server.close_all_connections()


@asynccontextmanager
async def asking(slow: SlowHub, clock: Callable[[], float] = lambda: 0.0) -> AsyncIterator[Hub]:
    class Answer(RequestHandler):
        async def get(self) -> None:
            await slow.answer(self)

    routes = Application([("/.*", Answer)], log_function=lambda _: None)
    async with serving(HTTPServer(routes)) as port:
        hub = Hub(f"http://127.0.0.1:{port}", "own", "securecollab", clock=clock)
        try:
            yield hub
        finally:
            await hub.close()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0)


def test_a_flood_of_made_up_tokens_keeps_nobody_out_whom_the_vault_knows() -> None:
    async def flood() -> None:
        slow = SlowHub()
        async with asking(slow) as hub:
            assert (await hub.person("bob", fresh=True)).name == "bob"
            strangers = [asyncio.ensure_future(hub.person(f"made-up-{n}", fresh=True)) for n in range(700)]
            await until(lambda: slow.thinking == 8)
            assert (await hub.person("bob", fresh=True)).name == "bob"
            slow.go_on.set()
            refused = await asyncio.gather(*strangers, return_exceptions=True)
        assert slow.most == 8 and slow.asked == 500
        assert {type(one) for one in refused} == {NotSignedIn, Unavailable}
        assert sum(isinstance(one, Unavailable) for one in refused) == 200

    asyncio.run(flood())


def test_a_token_the_hub_does_not_know_is_asked_about_once_in_a_while() -> None:
    async def again() -> None:
        slow, hands = SlowHub(), [100.0]
        slow.go_on.set()
        async with asking(slow, lambda: hands[0]) as hub:
            for seconds, asked in ((0, 1), (CACHED_SECONDS - 0.01, 1), (0.02, 2)):
                hands[0] += seconds
                with pytest.raises(NotSignedIn):
                    await hub.person("made-up", fresh=True)
                assert slow.asked == asked

    asyncio.run(again())


@pytest.mark.parametrize("made", ["2026-11-23T09:00:00Z", "1999-01-01T00:00:00Z", "2999-01-01T00:00:00Z", "not a time"])
def test_the_hubs_clock_is_only_compared_with_itself(made: str) -> None:
    """When it made an account says who somebody is, whatever its clock says; how long its word holds is our clock's."""

    async def asked() -> None:
        slow = SlowHub()
        slow.made = made
        async with asking(slow) as hub:
            assert (await hub.person("bob", fresh=True)).made == made

    asyncio.run(asked())


@asynccontextmanager
async def vault(folder: Path, metrics: Metrics | None = None, **limits: float) -> AsyncIterator[int]:
    """A service that knows bob, and that browsers cannot sign in to."""
    slow = SlowHub()
    async with asking(slow) as hub:
        with closing(open_vault(folder, Settings(deployment="service"))) as door:
            names = frozenset({"127.0.0.1"})
            where = Place("127.0.0.1", 0, "/services/securecollab/", names, callers=hub, browsers=None)
            service = Service(door, where, metrics or Metrics())
            async with serving(listening(application(service), **limits)) as port:
                yield port
            service.async_door.close()


async def told(port: int, request: bytes) -> bytes:
    """What it answers to this much of a request until it ends the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        return await reader.read()
    finally:
        writer.close()


HEAD = "Host: 127.0.0.1\r\nAuthorization: token bob\r\nContent-Length: 400\r\n\r\n"


@pytest.mark.parametrize("request_bytes", [
    b"", b"GET ", f"GET {PATH}/me HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode(),
    f"POST {PATH}/open HTTP/1.1\r\n{HEAD}{{".encode(),
], ids=["nothing", "no line", "no end of headers", "no end of the body"])  # fmt: skip
def test_what_does_not_arrive_in_time_ends_the_connection(tmp_path: Path, request_bytes: bytes) -> None:
    async def slowly() -> None:
        async with vault(tmp_path / "vault", idle=0.2, body=0.2) as port:
            assert await told(port, request_bytes) == b""
            whole = f"GET {PATH}/me HTTP/1.0\r\nHost: 127.0.0.1\r\nAuthorization: token bob\r\n\r\n"
            assert b'"bob"' in await told(port, whole.encode())

    asyncio.run(slowly())


def test_connections_past_the_limit_are_closed_and_those_there_go_on() -> None:
    async def crowd() -> None:
        server = listening(Application([]))
        server.most = 2
        async with serving(server) as port:
            there = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
            await until(lambda: len(server._connections) == 2)
            assert await told(port, b"") == b""
            there[0][1].write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await there[0][0].readline()).startswith(b"HTTP/1.1 404")
            for _, one in there:
                one.close()

    asyncio.run(crowd())


def test_of_who_has_not_said_who_he_is_little_is_kept_in_memory(tmp_path: Path) -> None:
    def posts(path: str, size: int, more: str = "", body: bytes = b"") -> bytes:
        return f"POST {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n{more}Content-Length: {size}\r\n\r\n".encode() + body

    async def send() -> None:
        async with vault(tmp_path / "vault") as port:
            for path in ("/elsewhere", "/services/securecollab/healthz", "/services/securecollab/securecollab/log"):
                assert b"400 Bad Request" in await told(port, posts(path, BODY_BYTES + 1))  # and waits for none of it
                assert b"400" not in (await told(port, posts(path, BODY_BYTES, body=bytes(BODY_BYTES))))[:20]
            said = await told(port, posts(f"{PATH}/open", BODY_BYTES + 1))
            assert said.startswith(b"HTTP/1.1 401") and said.count(b"HTTP/1.1") == 1
            body = b'{"name": "x/y"}' + b" " * BODY_BYTES
            said = await told(port, posts(f"{PATH}/open", len(body), "Authorization: token bob\r\n", body))
            assert said.startswith(b"HTTP/1.1 403"), "a member may send more"

    asyncio.run(send())


def test_made_up_methods_names_and_paths_add_nothing_to_the_metrics(tmp_path: Path) -> None:
    metrics = Metrics()

    async def knock(port: int, words: str) -> None:
        for path in (f"{PATH}/me", f"{PATH}/{words}", f"/{words}", "/services/securecollab/healthz"):
            assert b"40" in (await told(port, f"{words} {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode()))[:20]

    async def many() -> None:
        async with vault(tmp_path / "vault", metrics) as port:
            await knock(port, "FIRST")
            lines = metrics.text(IDLE, None).count(b"\n")
            for number in range(5):
                await knock(port, f"MADEUP{number}")
            told = metrics.text(IDLE, None)
            assert told.count(b"\n") == lines and b"MADEUP" not in told

    asyncio.run(many())


@pytest.mark.parametrize("page", ["", *PAGES])
def test_without_the_hubs_public_address_a_page_says_who_can_change_that(tmp_path: Path, page: str) -> None:
    async def visit() -> None:
        async with vault(tmp_path / "vault") as port:
            said = await told(port, f"GET /services/securecollab/{page} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n".encode())
        assert said.startswith(b"HTTP/1.1 404") and b"set c.JupyterHub.public_url" in said

    asyncio.run(visit())


def test_the_log_is_plain_lines_whatever_a_name_contains() -> None:
    said = logging.LogRecord("x", logging.INFO, "", 0, "%s", ("\u202e\x1b[2J\n{}",), None)
    said.fields = {"who": "b\u00f6b\u2028\r\n\u202e"}
    line = JsonLines().format(said)
    assert line.isascii() and line.isprintable()
    assert (json.loads(line)["who"], json.loads(line)["message"]) == (said.fields["who"], said.getMessage())
