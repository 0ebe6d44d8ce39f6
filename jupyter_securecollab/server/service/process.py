"""The vault as a process of its own: the routes of the protocol, who calls from the Hub, and how it starts and stops.

Only here does a service read its environment; `places` says what it means. On the routes identity is a token in a
header, never a cookie, so no page elsewhere can act in somebody's name; the vault's own pages are in `browsers`. Bodies
are read only once it is known whose they are.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

from tornado import web
from tornado.http1connection import HTTP1Connection
from tornado.httpserver import HTTPServer

from ...core.collaboration import Collaboration, Settings
from ...errors import Denied, NotFound, SecureCollabError, Unavailable
from ...protocol import COMMIT_BODY, route
from ..base import VaultHandler, write_error_json
from ..handlers import AsyncDoor, handlers, over
from ..requests_page import PAGE, RequestsPage
from ..vault import check_ours, open_vault
from .browsers import (
    CALLBACK,
    SIGN_IN,
    SIGN_OUT,
    BrowserHandler,
    CallbackHandler,
    SignedInHandler,
    SignInHandler,
    SignOutHandler,
)
from .hub import token_of
from .json_log import log_as_json
from .listening import listening
from .metrics import Loaded, Metrics
from .places import NO_PUBLIC_URL, PAGES, Place, Serving, place
from .record_pages import EXECUTIONS_PAGE, LOG_PAGE, ExecutionsPage, LogPage
from .tokens_page import TOKENS_PAGE, TokensPage

GRACE_SECONDS = 30
"""How long a service that is to stop waits for what is running."""

FOR_RECORDERS = tuple(route(name) for name in ("spool_key", "report"))
"""All that a recorder's token opens."""

_log = logging.getLogger(__name__)


class Service:
    """A running vault, as its handlers see it."""

    def __init__(self, door: Collaboration, where: Place, metrics: Metrics) -> None:
        self.async_door = AsyncDoor(door, lambda: None)
        self.where = where
        self.metrics = metrics
        self.running: set[web.RequestHandler] = set()
        self.stopping = False

    async def finish_running(self) -> None:
        """Wait until what is running is done, or for so long that it never will be."""
        until = time.monotonic() + GRACE_SECONDS
        while self.running and time.monotonic() < until:
            await asyncio.sleep(0.05)

    async def close(self) -> None:
        """Let the door's calls end and close the vault."""
        await asyncio.to_thread(self.async_door.close)
        await asyncio.to_thread(self.async_door.door.close)
        await self.where.callers.close()
        if self.where.browsers is not None:
            await self.where.browsers.provider.close()


class _Plain(VaultHandler):
    """What all handlers of a service have: errors and headers, and who is told of a refusal."""

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("Content-Type", "application/json")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")

    @property
    def service(self) -> Service:
        return cast(Service, self.settings["securecollab"])

    def note_refusal(self, error: SecureCollabError) -> None:
        self.service.metrics.refused(error.code)


class _Counted(_Plain):
    """What a service that stops waits for."""

    async def prepare(self) -> None:
        await super().prepare()
        self.service.running.add(self)

    def finish(self, chunk: str | bytes | dict[str, Any] | None = None) -> Any:
        """A service that stops asks its clients to come back on another connection."""
        if self.service.stopping and not self._headers_written:
            self.set_header("Connection", "close")
        return super().finish(chunk)

    def on_finish(self) -> None:
        self.service.running.discard(self)
        super().on_finish()

    def on_connection_close(self) -> None:
        self.service.running.discard(self)
        super().on_connection_close()


class ServiceHandler(_Counted):
    """Put beneath the routes by `handlers.handlers`."""

    async def prepare(self) -> None:
        """Find out who calls; only then may he send a body of some size."""
        await super().prepare()
        service = self.service
        if self.request.host_name.lower() not in service.where.names:
            raise Denied(
                "this vault is not reached under that name",
                next_step="Its administrator names it with --allowed-host.",
            )
        token = token_of(self.request.headers.get("Authorization", ""))
        # What may give out keys or change something asks the Hub anew, whatever it said a moment ago.
        fresh = self.request.method in ("POST", "DELETE")
        self.caller = await service.where.callers.caller(service.async_door, token, fresh=fresh)
        if self.caller.recorder and getattr(self, "route", None) not in FOR_RECORDERS:
            raise Denied("this token is of a recorder, which only reports")
        cast(HTTP1Connection, self.request.connection).set_max_body_size(COMMIT_BODY)


class _Health(_Plain):
    """`healthz`: the process lives. `readyz`: it takes requests, and its log can be read. Neither asks the Hub."""

    def initialize(self, ready: bool) -> None:
        self._ready = ready

    async def get(self) -> None:
        if self._ready:
            if self.service.stopping:
                raise Unavailable("the vault is stopping")
            await self.service.async_door.call(self.service.async_door.door.head)
        self.finish({"ok": True})


class _Elsewhere(_Plain):
    """Everything outside the routes."""

    async def prepare(self) -> None:
        write_error_json(self, NotFound("there is no such route"))


class _NoPages(_Plain):
    """Where pages would be, of a vault that browsers cannot sign in to."""

    async def prepare(self) -> None:
        why = f"Its administrator can change that: {NO_PUBLIC_URL}."
        write_error_json(self, NotFound("browsers cannot sign in to this vault", next_step=why))


class _Entrance(_Plain):
    """The prefix itself, to which the Hub's menu of services leads: on to the page that is for everybody."""

    def initialize(self, page: str) -> None:
        self._page = page

    def get(self) -> None:
        self.redirect(self._page)


class _MetricsHandler(_Plain):
    """Numbers for Prometheus, on a port of their own: they tell when people work."""

    def get(self) -> None:
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        service = self.service
        now = Loaded(len(service.running), service.async_door.calling, service.async_door.door.waiting())
        self.finish(service.metrics.text(now, service.async_door.door.witnessed()))


def application(service: Service) -> web.Application:
    """The routes below the prefix, and the pages, where browsers can sign in."""
    beneath = re.escape(service.where.prefix.rstrip("/"))
    routes = [(f"{beneath}{pattern}", *rest) for pattern, *rest in handlers(service.async_door, ServiceHandler)]
    health = [(f"{beneath}/{name}", _Health, {"ready": name == "readyz"}) for name in ("healthz", "readyz")]
    table: list[Any] = [*health, *routes, *((f"{beneath}/{name}", *rest) for name, *rest in _pages(service))]
    return web.Application(
        table,
        default_handler_class=_Elsewhere,
        log_function=service.metrics.request,
        securecollab=service,
        cookie_secret=secrets.token_bytes(32),  # of attempts to sign in, which end with the process
    )


def _pages(service: Service) -> Iterator[tuple[Any, ...]]:
    browsers = service.where.browsers
    if browsers is None:
        yield from ((name, _NoPages) for name in ("", *PAGES))
        return
    yield "", _Entrance, {"page": browsers.path(LOG_PAGE)}
    signed_in, anybody = (over(base, _Counted) for base in (SignedInHandler, BrowserHandler))
    yield SIGN_IN, over(SignInHandler, anybody)
    yield CALLBACK, over(CallbackHandler, anybody)
    yield SIGN_OUT, over(SignOutHandler, signed_in)
    door = {"async_door": service.async_door}
    for name, page in ((PAGE, RequestsPage), (LOG_PAGE, LogPage), (EXECUTIONS_PAGE, ExecutionsPage)):
        yield name, over(page, signed_in), door
    if TOKENS_PAGE in browsers.pages:
        yield TOKENS_PAGE, over(TokensPage, signed_in), door | {"hours": service.where.token_hours}


def serve(serving: Serving) -> None:
    """Run the service until it is told to stop (SIGTERM or SIGINT)."""
    check_ours(serving.folder)
    metrics = Metrics()
    where = place(serving, os.environ, metrics.hub)
    log_as_json()
    settings = Settings(name=serving.vault_name, deployment="service")
    door = open_vault(
        serving.folder, settings, copies=serving.checkpoint_folder, witnessed=serving.witnessed, watch=metrics
    )
    door.keep_code(serving.keeping)
    asyncio.run(_serve(Service(door, where, metrics), serving))


async def _serve(service: Service, serving: Serving) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    where = service.where
    server = listening(application(service))
    try:
        server.listen(where.port, where.host)
        if serving.metrics_port is not None:
            _metrics_server(service).listen(serving.metrics_port, serving.metrics_host)
        told = {
            "host": where.host,
            "port": where.port,
            "prefix": where.prefix,
            "log_key": service.async_door.door.log_key,
        }
        told |= {} if where.browsers is None else {"pages": where.browsers.address.origin}
        _log.info("serving", extra={"fields": told})
        await stop.wait()
    finally:
        service.stopping = True
        server.stop()
        await service.finish_running()
        with suppress(OSError):
            await server.close_all_connections()
        await service.close()
        _log.info("stopped")


def _metrics_server(service: Service) -> HTTPServer:
    return HTTPServer(web.Application([("/metrics", _MetricsHandler)], log_function=_unlogged, securecollab=service))


def _unlogged(handler: web.RequestHandler) -> None:
    """Being asked for numbers is no news."""
