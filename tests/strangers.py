"""Servers of others that answer strangely, for tests of what then comes of it."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer


class Stranger(BaseHTTPRequestHandler, ABC):
    """Answers every request with what `reply` says: the status, the body, and the place it names."""

    @abstractmethod
    def reply(self) -> tuple[int, bytes, str]:
        """The answer to what is asked for under `path`."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def do_GET(self) -> None:
        status, body, location = self.reply()
        self.send_response(status)
        self.send_header("Location", location)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@contextmanager
def listening(stranger: type[Stranger]) -> Iterator[str]:
    """Its address while it listens."""
    with HTTPServer(("127.0.0.1", 0), stranger) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
