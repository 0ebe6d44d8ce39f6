"""The vault as a process of its own: the routes of the protocol, who calls from the Hub, and how it starts and stops.

Only here does a service read its environment, as JupyterHub sets it for services it starts; for one it does not start
the administrator sets the same. On the routes identity is a token in a header, never a cookie, so no page elsewhere can
act in somebody's name; the vault's own pages are in `browsers`. Bodies are read only once it is known whose they are.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

from tornado import web
from tornado.http1connection import HTTP1Connection
from tornado.httpserver import HTTPServer

from ..core.collaboration import Collaboration, Settings
from ..errors import Denied, Invalid, NotFound, SecureCollabError, Unavailable
from ..protocol import COMMIT_BODY, SMALL_BODY
from .base import VaultHandler, write_error_json
from .browsers import (
    CALLBACK,
    SIGN_IN,
    SIGN_OUT,
    Address,
    BrowserHandler,
    Browsers,
    CallbackHandler,
    SignedInHandler,
    SignInHandler,
    SignOutHandler,
    address,
)
from .handlers import AsyncDoor, handlers, over
from .hub import Hub, admitted, token_of
from .hub_sign_in import HubSignIn
from .json_log import log_as_json
from .metrics import Metrics
from .oauth import Client as OAuthClient
from .record_pages import EXECUTIONS_PAGE, LOG_PAGE, ExecutionsPage, LogPage
from .requests_page import PAGE, RequestsPage
from .vault import NOBODY, WitnessedBy, open_vault

GRACE_SECONDS = 30
"""How long a service that is to stop waits for what is running."""

_HEADER_BYTES = 16 * 1024
_IDLE_SECONDS = 75
_BODY_SECONDS = 60
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_log = logging.getLogger(__name__)


class Serving(NamedTuple):
    """What an administrator chooses on the command line. Address and prefix otherwise come from the Hub."""

    folder: Path
    checkpoint_folder: Path | None
    vault_name: str
    host: str | None
    port: int | None
    allowed_hosts: tuple[str, ...]
    metrics_port: int | None
    public_url: str | None
    witnessed: WitnessedBy = NOBODY


class Place(NamedTuple):
    """Where the service listens, under which names and prefix it is reached, and how it asks the Hub."""

    host: str
    port: int
    prefix: str
    names: frozenset[str]
    hub_api: str
    hub_token: str
    service: str
    address: Address | None
    sign_in_at: str
    client_id: str


class Service:
    """A running vault, as its handlers see it."""

    def __init__(
        self, door: Collaboration, hub: Hub, metrics: Metrics, names: frozenset[str], browsers: Browsers | None
    ) -> None:
        self.async_door = AsyncDoor(door, lambda: None)
        self.hub = hub
        self.browsers = browsers
        self.metrics = metrics
        self.names = names
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
        await self.hub.close()
        if self.browsers is not None:
            await self.browsers.provider.close()


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
        if self.request.host_name.lower() not in service.names:
            raise Denied(
                "this vault is not reached under that name",
                next_step="Its administrator names it with --allowed-host.",
            )
        token = token_of(self.request.headers.get("Authorization", ""))
        # What may give out keys or change something asks the Hub anew, whatever it said a moment ago.
        person = await service.hub.person(token, fresh=self.request.method in ("POST", "DELETE"))
        self.caller = await service.async_door.call(admitted, service.async_door.door, person, token)
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


class _MetricsHandler(_Plain):
    """Numbers for Prometheus, on a port of their own: they tell when people work."""

    def get(self) -> None:
        self.set_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        service = self.service
        self.finish(service.metrics.text(len(service.running), service.async_door.door.witnessed()))


def application(service: Service, prefix: str) -> web.Application:
    """The routes below `prefix`, which begins and ends with a slash."""
    beneath = re.escape(prefix.rstrip("/"))
    routes = [(f"{beneath}{pattern}", *rest) for pattern, *rest in handlers(service.async_door, ServiceHandler)]
    health = [(f"{beneath}/{name}", _Health, {"ready": name == "readyz"}) for name in ("healthz", "readyz")]
    signed_in, anybody = (over(base, _Counted) for base in (SignedInHandler, BrowserHandler))
    pages = [
        (f"{beneath}/{SIGN_IN}", over(SignInHandler, anybody)),
        (f"{beneath}/{CALLBACK}", over(CallbackHandler, anybody)),
        (f"{beneath}/{SIGN_OUT}", over(SignOutHandler, signed_in)),
        *(
            (f"{beneath}/{name}", over(page, signed_in), {"async_door": service.async_door})
            for name, page in ((PAGE, RequestsPage), (LOG_PAGE, LogPage), (EXECUTIONS_PAGE, ExecutionsPage))
        ),
    ]
    table: list[Any] = [*health, *routes, *pages]
    return web.Application(
        table,
        default_handler_class=_Elsewhere,
        log_function=service.metrics.request,
        securecollab=service,
        cookie_secret=secrets.token_bytes(32),  # of attempts to sign in, which end with the process
    )


def place(serving: Serving, environment: Mapping[str, str]) -> Place:
    """Where and as what to serve. Raises `Invalid` if the Hub's part of the environment is missing."""
    wanted = ("JUPYTERHUB_API_URL", "JUPYTERHUB_API_TOKEN", "JUPYTERHUB_SERVICE_NAME")
    missing = [name for name in wanted if not environment.get(name)]
    if missing:
        raise Invalid(
            f"a vault that is a service needs {', '.join(missing)}",
            next_step="JupyterHub sets them for services it starts; for others see docs/operate/jupyterhub.md.",
        )
    api, token, name = (environment[one] for one in wanted)
    own = urlsplit(environment.get("JUPYTERHUB_SERVICE_URL", ""))
    known = (own, *(urlsplit(environment.get(f"JUPYTERHUB_PUBLIC_{one}", "")) for one in ("URL", "HUB_URL")))
    names = {*_LOOPBACK, *(one.hostname for one in known if one.hostname), *serving.allowed_hosts}
    prefix = "/" + environment.get("JUPYTERHUB_SERVICE_PREFIX", f"/services/{name}/").strip("/") + "/"
    public, hub_public = _public(serving, environment, prefix)
    return Place(
        host=serving.host or own.hostname or _LOOPBACK[0],
        port=serving.port or own.port or 8765,
        prefix=prefix,
        names=frozenset(one.lower() for one in (*names, *((public.host,) if public else ()))),
        hub_api=api,
        hub_token=token,
        service=name,
        address=public,
        sign_in_at=f"{hub_public.rstrip('/')}/api/oauth2/authorize",
        client_id=environment.get("JUPYTERHUB_CLIENT_ID", f"service-{name}"),
    )


def _public(serving: Serving, environment: Mapping[str, str], prefix: str) -> tuple[Address | None, str]:
    """Where browsers find the vault, and the Hub; None where they cannot sign in."""
    hub = environment.get("JUPYTERHUB_PUBLIC_HUB_URL", "")
    if serving.public_url is not None:
        if not hub:
            raise Invalid(
                "with --public-url the vault needs JUPYTERHUB_PUBLIC_HUB_URL",
                next_step="JupyterHub sets it once c.JupyterHub.public_url is set.",
            )
        return address(serving.public_url, prefix, hub, alone=True), hub
    try:
        return address(environment.get("JUPYTERHUB_PUBLIC_URL", ""), prefix, hub, alone=False), hub
    except Invalid as error:
        _log.warning("browsers cannot sign in: %s", error)
        return None, hub


def serve(serving: Serving) -> None:
    """Run the service until it is told to stop (SIGTERM or SIGINT)."""
    where = place(serving, os.environ)
    log_as_json()
    settings = Settings(name=serving.vault_name, deployment="service")
    witnessed = serving.witnessed
    door = open_vault(serving.folder, settings, copies=serving.checkpoint_folder, witnessed=witnessed)
    asyncio.run(_serve(door, where, serving.metrics_port))


async def _serve(door: Collaboration, where: Place, metrics_port: int | None) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    metrics = Metrics()
    hub = Hub(where.hub_api, where.hub_token, where.service, count=metrics.hub)
    browsers = None if where.address is None else Browsers(where.address, _sign_in(where, hub))
    service = Service(door, hub, metrics, where.names, browsers)
    server = HTTPServer(
        application(service, where.prefix),
        max_header_size=_HEADER_BYTES,
        max_body_size=SMALL_BODY,
        idle_connection_timeout=_IDLE_SECONDS,
        body_timeout=_BODY_SECONDS,
    )
    try:
        server.listen(where.port, where.host)
        if metrics_port is not None:
            _metrics_server(service).listen(metrics_port, _LOOPBACK[0])
        pages = where.address.origin if where.address else None
        told = {"host": where.host, "port": where.port, "prefix": where.prefix, "pages": pages, "log_key": door.log_key}
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


def _sign_in(where: Place, hub: Hub) -> HubSignIn:
    token_url = f"{where.hub_api.rstrip('/')}/oauth2/token"
    return HubSignIn(hub, OAuthClient(where.sign_in_at, token_url, where.client_id, where.hub_token))


def _metrics_server(service: Service) -> HTTPServer:
    return HTTPServer(web.Application([("/metrics", _MetricsHandler)], log_function=_unlogged, securecollab=service))


def _unlogged(handler: web.RequestHandler) -> None:
    """Being asked for numbers is no news."""
