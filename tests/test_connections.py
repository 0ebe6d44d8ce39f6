"""Large bodies arrive whole in both directions; connections are kept, and a server that goes away is an error."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from jupyter_securecollab.connections import Connections

LARGE = bytes(range(256)) * 20_000


class Server(BaseHTTPRequestHandler):
    """Says back what it hears, and which connection it came on; misbehaves on request."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/cut":
            self._answer(200, LARGE, length=len(LARGE) + 1)
            self.close_connection = True
        elif self.path == "/last":  # closes without having said that it would
            self._answer(200, b"")
            self.close_connection = True
        else:
            self._answer(200, LARGE)

    def do_PUT(self) -> None:
        if self.path == "/refused":
            self._answer(403, b"no")
            self.close_connection = True
            return
        heard = bytearray()
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline() or b"0", 16):
                heard += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            heard += self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(200, bytes(heard))

    def _answer(self, status: int, body: bytes, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.send_header("From", str(self.client_address[1]))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: this is a test."""


class Listener(ThreadingHTTPServer):
    """Knows when it has closed a connection."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Server)
        self.closed_one = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that break off are what is tested here."""

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        self.closed_one.set()


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as listener:
        thread = threading.Thread(target=listener.serve_forever, args=(0.01,))
        thread.start()
        yield listener
        listener.shutdown()
        thread.join()


@pytest.fixture
def client(listener: Listener) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{listener.server_port}", transport=Connections()) as client:
        yield client


def test_large_answer_arrives_whole(client: httpx.Client) -> None:
    assert client.get("/").content == LARGE


def test_answer_shorter_than_announced_is_an_error(client: httpx.Client) -> None:
    with pytest.raises(httpx.TransportError) as error:
        client.get("/cut")
    assert not isinstance(error.value, httpx.ConnectError)
    assert client.get("/").content == LARGE


def test_chunks_arrive_in_order_whatever_their_size(client: httpx.Client) -> None:
    assert client.put("/", content=iter([b"a", LARGE, b"", b"z"])).content == b"a" + LARGE + b"z"


def test_body_of_known_length_is_sent_as_such(client: httpx.Client) -> None:
    answer = client.put("/", content=LARGE)
    assert answer.content == LARGE
    assert answer.request.headers["Content-Length"] == str(len(LARGE))


def test_failing_source_of_chunks_fails_the_request_and_spoils_no_other(client: httpx.Client) -> None:
    def chunks() -> Iterator[bytes]:
        yield LARGE
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.put("/", content=chunks())
    assert client.get("/").content == LARGE


def test_refusal_is_heard_although_not_everything_was_sent(client: httpx.Client) -> None:
    answer = client.put("/refused", content=iter([b"x" * 1000]))
    assert (answer.status_code, answer.content) == (403, b"no")


def test_errors_of_the_source_come_through_as_they_are(client: httpx.Client) -> None:
    def chunks() -> Iterator[bytes]:
        yield LARGE
        raise ConnectionResetError("of the file, not of the vault")

    with pytest.raises(ConnectionResetError):
        client.put("/", content=chunks())


def test_connection_on_which_not_everything_was_sent_is_not_used_again(client: httpx.Client) -> None:
    endless = (LARGE for _ in range(1000))
    with suppress(httpx.TransportError):  # the system may drop the answer together with the connection
        assert client.put("/refused", content=endless).status_code == 403
    assert client.get("/").content == LARGE


def test_connection_is_used_again(client: httpx.Client) -> None:
    assert client.get("/").headers["From"] == client.get("/").headers["From"]


def test_connection_the_server_has_closed_is_not_used_again(client: httpx.Client, listener: Listener) -> None:
    first = client.get("/last").headers["From"]
    assert listener.closed_one.wait(10)
    assert client.get("/").headers["From"] != first


def test_requests_at_once_have_connections_of_their_own(client: httpx.Client) -> None:
    seen: list[bytes] = []
    threads = [threading.Thread(target=lambda: seen.append(client.get("/").content)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [LARGE] * 8


def test_nobody_listening_is_an_error_that_says_nothing_was_sent() -> None:
    with httpx.Client(transport=Connections()) as client, pytest.raises(httpx.ConnectError):
        client.get("http://127.0.0.1:1/")
