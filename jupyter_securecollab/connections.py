"""HTTP/1.1 for whoever asks a vault or a Hub: many requests, and bodies of many megabytes, with few steps and copies.

httpx's own transport moves bodies 64 KiB at a time and holds the interpreter lock for each step; beside threads that
decrypt, that cost more than the decryption. This one sends and receives through `http.client` in large pieces.
Answers are in memory as a whole before they are returned. Proxies and redirects are not supported.
"""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPSConnection

import httpx

# A send may take as long as the timeout, so pieces are small enough for slow lines.
_PIECE = 1024 * 1024


class Connections(httpx.BaseTransport):
    """Connections to one server, kept and used again. Safe to use from several threads."""

    def __init__(self) -> None:
        self._idle: list[HTTPConnection] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its whole answer; raises `httpx.TransportError` and what the body's source raises.

        `httpx.ConnectError` says that nothing has been sent.
        """
        connection = self._idle_one() or _new(request)
        try:
            if connection.sock is None:
                with _translated(request, httpx.ConnectError):
                    _connect(connection, request.extensions["timeout"]["read"])
            sent = _send(connection, request)
            with _translated(request):
                answer = connection.getresponse()
                body = answer.read()
        except BaseException:
            connection.close()
            raise
        if sent and not answer.will_close:
            self._idle.append(connection)
        else:
            connection.close()
        return httpx.Response(answer.status, headers=answer.getheaders(), stream=httpx.ByteStream(body))

    def close(self) -> None:
        """Close the connections not in use."""
        while self._idle:
            self._idle.pop().close()

    def _idle_one(self) -> HTTPConnection | None:
        with suppress(IndexError):  # none, or another thread was faster
            while True:
                connection = self._idle.pop()
                if _usable(connection):
                    return connection
                connection.close()
        return None


def _new(request: httpx.Request) -> HTTPConnection:
    """A connection yet to be opened."""
    url, timeout = request.url, request.extensions["timeout"]["connect"]
    if url.scheme == "https":
        return HTTPSConnection(url.host, url.port, timeout=timeout, context=httpx.create_ssl_context(trust_env=False))
    return HTTPConnection(url.host, url.port, timeout=timeout)


def _connect(connection: HTTPConnection, patience: float | None) -> None:
    connection.connect()
    connection.sock.settimeout(patience)  # until here it was the time for connecting


@contextmanager
def _translated(request: httpx.Request, kind: type[httpx.TransportError] = httpx.TransportError) -> Iterator[None]:
    try:
        yield
    except (OSError, HTTPException) as error:
        raise kind(str(error), request=request) from error


def _usable(connection: HTTPConnection) -> bool:
    """Whether the server has left an idle connection open: it says nothing unasked, so readable means closed."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return not poll.poll(0)


def _send(connection: HTTPConnection, request: httpx.Request) -> bool:
    """Send a request; False if the server stopped listening: one that refuses may answer before it has heard all."""
    target = request.url.raw_path.decode("ascii")
    connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
    for name, value in request.headers.raw:
        connection.putheader(name.decode("ascii"), value)
    pieces = _pieces(request)
    try:
        with _translated(request):
            connection.endheaders()
        for piece in pieces:
            with _translated(request):
                connection.send(piece)
    except httpx.TransportError as error:
        if isinstance(error.__cause__, ConnectionError):
            return False
        raise
    return True


def _pieces(request: httpx.Request) -> Iterator[bytes | memoryview]:
    chunked = "Transfer-Encoding" in request.headers
    for chunk in request.stream:  # type: ignore[union-attr]  # a client that waits sends what can be waited for
        whole = memoryview(chunk)
        for start in range(0, len(whole), _PIECE):
            piece = whole[start : start + _PIECE]
            yield from (b"%x\r\n" % len(piece), piece, b"\r\n") if chunked else (piece,)
    if chunked:
        yield b"0\r\n\r\n"
