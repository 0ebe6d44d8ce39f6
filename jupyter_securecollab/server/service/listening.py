"""How a service listens: what one client may take of it before it has said who it is, and how many may come at once.

Slow clients cost a connection, never a thread: headers have to arrive within the idle time, bodies within theirs.
"""

from __future__ import annotations

import resource
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream
from tornado.web import Application

HEADER_BYTES = 16 * 1024
BODY_BYTES = 64 * 1024
"""Of whoever has not said who he is: more than any form of ours. It is in memory before anything is looked at."""

IDLE_SECONDS = 75
BODY_SECONDS = 60

_FILES = 16_384
"""How many files and connections a service wants to have open at once; the system may allow it fewer."""

_OWN_FILES = 256
"""Of those, for the database, objects, the Hub, and whatever else is no client."""


class Listening(HTTPServer):
    """A server with limits. Connections past `most` are closed as they come, those there go on."""

    most = _FILES - _OWN_FILES

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        """A new connection."""
        if len(self._connections) >= self.most:
            stream.close()
        else:
            super().handle_stream(stream, address)


def listening(application: Application, *, idle: float = IDLE_SECONDS, body: float = BODY_SECONDS) -> Listening:
    """A server for these routes. Lets the process have as many connections as the system allows, up to a bound."""
    server = Listening(
        application,
        max_header_size=HEADER_BYTES,
        max_body_size=BODY_BYTES,
        idle_connection_timeout=idle,
        body_timeout=body,
    )
    server.most = _files() - _OWN_FILES
    return server


def _files() -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
