"""A witness's own process: HTTP in front of `witness.Witness`, and nothing of a vault. Loopback unless told otherwise.

Nobody signs in: a request counts for as much as the log's signature in it. Behind a TLS proxy where logs are elsewhere.
"""

from __future__ import annotations

import asyncio
import logging
import signal

from tornado import web
from tornado.httpserver import HTTPServer

from ...witness import MAX_REQUEST, Witness
from .json_log import log_as_json

_HEADER_BYTES = 16 * 1024
_IDLE_SECONDS, _BODY_SECONDS = 75, 10
_log = logging.getLogger(__name__)


class AddCheckpoint(web.RequestHandler):
    """`POST add-checkpoint` (tlog-witness)."""

    def initialize(self, witness: Witness) -> None:
        self._witness = witness

    async def post(self) -> None:
        answer = await asyncio.to_thread(self._witness.add_checkpoint, self.request.body)
        self.set_status(answer.status)
        self.set_header("Content-Type", answer.type)
        self.finish(answer.body)


class _Health(web.RequestHandler):
    """`healthz`: the process lives."""

    def get(self) -> None:
        self.finish({"ok": True})


def witness_application(witness: Witness) -> web.Application:
    """What a witness answers."""
    return web.Application(
        [(r"/add-checkpoint", AddCheckpoint, {"witness": witness}), (r"/healthz", _Health)], log_function=_logged
    )


def _logged(handler: web.RequestHandler) -> None:
    if isinstance(handler, AddCheckpoint):
        status = handler.get_status()
        level = logging.INFO if status in (200, 409) else logging.ERROR
        _log.log(level, "add-checkpoint", extra={"fields": {"status": status}})


def serve_witness(witness: Witness, host: str, port: int) -> None:
    """Run until told to stop (SIGTERM or SIGINT)."""
    log_as_json()
    asyncio.run(_serve(witness, host, port))


async def _serve(witness: Witness, host: str, port: int) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = HTTPServer(
        witness_application(witness),
        max_header_size=_HEADER_BYTES,
        max_body_size=MAX_REQUEST,
        idle_connection_timeout=_IDLE_SECONDS,
        body_timeout=_BODY_SECONDS,
    )
    try:
        server.listen(port, host)
        told = {"host": host, "port": port, "key": witness.key, "confirmed": witness.seen()}
        _log.info("witnessing", extra={"fields": told})
        await stop.wait()
    finally:
        server.stop()
        await server.close_all_connections()
        witness.close()
        _log.info("stopped")
