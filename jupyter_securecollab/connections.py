"""HTTP/1.1 for `client`: requests and answers of many megabytes with as few steps and copies as Python allows.

httpx's own transport moves bodies 64 KiB at a time and holds the interpreter lock for each step; beside threads that
decrypt, that cost more than the decryption. This one sends and receives through `http.client` in large pieces.
Answers are in memory as a whole before they are returned. Proxies and redirects are not supported.
"""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection

import httpx

# A send may take as long as the timeout, so pieces are small enough for slow lines.
_PIECE = 1024 * 1024


class Connections(httpx.BaseTransport):
    """Connections to one server, kept and used again. Safe to use from several threads."""

    def __init__(self) -> None:
        self._idle: list[HTTPConnection] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its whole answer; raises `httpx.TransportError`."""
        connection: HTTPConnection | None = None
        try:
            connection = self._connection(request)
            with suppress(ConnectionError):  # a server that refuses may answer, and close, before it has heard all
                _send(connection, request)
            answer = connection.getresponse()
            body = answer.read()
        except BaseException as error:
            if connection is not None:
                connection.close()
            if isinstance(error, OSError | HTTPException):
                raise httpx.TransportError(str(error), request=request) from error
            raise
        self._keep(connection, answer)
        return httpx.Response(answer.status, headers=answer.getheaders(), stream=httpx.ByteStream(body))

    def close(self) -> None:
        """Close the connections not in use."""
        while self._idle:
            self._idle.pop().close()

    def _connection(self, request: httpx.Request) -> HTTPConnection:
        while self._idle:
            with suppress(IndexError):  # another thread may have been faster
                connection = self._idle.pop()
                if _usable(connection):
                    return connection
                connection.close()
        url, timeout = request.url, request.extensions["timeout"]
        if url.scheme == "https":
            context = httpx.create_ssl_context(trust_env=False)
            connection = HTTPSConnection(url.host, url.port, timeout=timeout["connect"], context=context)
        else:
            connection = HTTPConnection(url.host, url.port, timeout=timeout["connect"])
        connection.connect()
        connection.sock.settimeout(timeout["read"])
        return connection

    def _keep(self, connection: HTTPConnection, answer: HTTPResponse) -> None:
        if answer.will_close:
            connection.close()
        else:
            self._idle.append(connection)


def _usable(connection: HTTPConnection) -> bool:
    """Whether the server has left an idle connection open: it says nothing unasked, so readable means closed."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return not poll.poll(0)


def _send(connection: HTTPConnection, request: httpx.Request) -> None:
    connection.putrequest(
        request.method, request.url.raw_path.decode("ascii"), skip_host=True, skip_accept_encoding=True
    )
    for name, value in request.headers.raw:
        connection.putheader(name.decode("ascii"), value)
    connection.endheaders()
    pieces = _pieces(request)
    if "Transfer-Encoding" not in request.headers:
        for piece in pieces:
            connection.send(piece)
        return
    for piece in pieces:
        connection.send(b"%x\r\n" % len(piece))
        connection.send(piece)
        connection.send(b"\r\n")
    connection.send(b"0\r\n\r\n")


def _pieces(request: httpx.Request) -> Iterator[memoryview]:
    for chunk in request.stream:  # type: ignore[union-attr]  # a client that waits sends what can be waited for
        whole = memoryview(chunk)
        for start in range(0, len(whole), _PIECE):
            yield whole[start : start + _PIECE]
