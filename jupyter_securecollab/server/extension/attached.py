"""A person's own Jupyter server, where the vault is a service elsewhere: what its kernels and its sidebar need.

Kernels get the service's address, its log's key, and the server's own token, which carries what a member may. The
sidebar asks this server, which passes on a few questions: so the token is never in a page, and the service answers no
browser. Nothing here is a wall: the server, its kernels and this code are all its owner's. So what is recorded of
executions here is the owner's own word (`reporting`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, cast

import httpx
import msgspec
import zmq
from jupyter_server.base.handlers import APIHandler
from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from jupyter_server.services.sessions.sessionmanager import SessionManager
from traitlets import Unicode, default
from traitlets.config import Config, Configurable

from ... import answers
from ...cosigning import Quorum
from ...errors import Denied, Invalid, NotSignedIn, Unavailable
from ...model import LogHead
from ...protocol import PREFIX, SEEN_HEADER, Reply, Route, route
from ...runs import RecordingState
from ..base import VaultHandler
from ..handlers import UnknownHandler, over
from ..recording.execution import Recording
from ..recording.hooks import Hooks
from .identity import People
from .kernels import (
    RecordedKernelManager,
    RecordedSessionManager,
    SecureKernelManager,
    SecureWebsocketConnection,
    without_secrets,
)

PASSED_ON: tuple[Route, ...] = tuple(route(name) for name in ("me", "assets"))
"""What the sidebar asks (`labextension/src/api.ts`): GETs without parameters that change nothing and hold no key."""

RECORDING = route("recording")
"""What it asks too, and this server answers."""

_PLACE = "securecollab_attached"


class VaultElsewhere(Configurable):
    """Which vault a server uses that has none of its own: from its configuration, else from its environment."""

    vault_url = Unicode(help="Address of a vault that is a service, used instead of one in this server.").tag(
        config=True
    )
    vault_log_key = Unicode(help="Public key of that vault's log; kernels believe no other log.").tag(config=True)
    vault_witnesses = Unicode(
        help="How many witnesses have to confirm that log, and their public keys: `2 KEY KEY KEY`."
    ).tag(config=True)

    @default("vault_url")
    def _vault_url_default(self) -> str:
        return os.environ.get("SECURECOLLAB_VAULT_URL", "")

    @default("vault_log_key")
    def _vault_log_key_default(self) -> str:
        return os.environ.get("SECURECOLLAB_VAULT_LOG_KEY", "")

    @default("vault_witnesses")
    def _vault_witnesses_default(self) -> str:
        return os.environ.get("SECURECOLLAB_VAULT_WITNESSES", "")


class Attached:
    """The service this server uses, for as long as it runs.

    `environment` is the server's, as JupyterHub made it. Raises `Invalid` if no Hub did, and for witnesses that cannot
    be.
    """

    def __init__(
        self, serverapp: ServerApp, url: str, log_key: str, witnesses: str, environment: Mapping[str, str]
    ) -> None:
        owner, token = (environment.get(name, "") for name in ("JUPYTERHUB_USER", "JUPYTERHUB_API_TOKEN"))
        if not owner or not token:
            raise Invalid(
                "a vault that is a service needs a server that JupyterHub started",
                next_step="Start it from the Hub, or leave vault_url empty for a vault of its own.",
            )
        self.owner = owner
        self.has_kernels = True
        self.token = token
        self.kernel_environment = {"SECURECOLLAB_URL": url, "SECURECOLLAB_TOKEN": token}
        if log_key:
            self.kernel_environment["SECURECOLLAB_LOG_KEY"] = log_key
        self.kernel_environment["SECURECOLLAB_WITNESSES"] = str(Quorum.parse(witnesses) or "")
        headers = {"Authorization": f"token {token}"}
        self._http = httpx.AsyncClient(base_url=f"{url.rstrip('/')}/{PREFIX}/", headers=headers, trust_env=False)
        vars(serverapp)[_PLACE] = self

    @classmethod
    def of(cls, serverapp: object) -> Attached:
        """The service of this server."""
        return cast(Attached, vars(serverapp)[_PLACE])

    async def ask(self, route: Route, seen: str | None) -> httpx.Response:
        """The service's answer to a question without parameters. Raises `Unavailable`."""
        try:
            return await self._http.get(route.path, headers={} if seen is None else {SEEN_HEADER: seen}, timeout=30)
        except httpx.HTTPError as error:
            raise Unavailable("the vault does not answer", next_step="Try again in a minute.") from error

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()


class AttachedKernelManager(SecureKernelManager):
    """Starts kernels with what they need to reach the service.

    Kernels listen on ports of the machine. Whoever else is on it could connect and read all they print, so what is
    said there is encrypted where the kernel knows how, unless an administrator configures something else.
    """

    @default("transport_encryption")
    def _encrypted(self) -> str:
        return "auto" if zmq.has("curve") else "disabled"

    async def _environment(self, kernel_id: str, inherited: Mapping[str, str]) -> dict[str, str]:
        kernels: Any = self.parent
        own = Attached.of(kernels.parent).kernel_environment | {"SECURECOLLAB_SERVER": kernels.parent.connection_url}
        return without_secrets(inherited, keep=("JUPYTERHUB_API_TOKEN",)) | own


class OwnersHandler(VaultHandler, APIHandler):
    """For the server's owner alone: what is asked here is asked of the service in his name."""

    auth_resource = "securecollab"

    async def prepare(self) -> None:  # type: ignore[override]  # as Jupyter's APIHandler does
        await super().prepare()
        if self.current_user is None:
            raise NotSignedIn("you are not signed in")
        if self.current_user.username != Attached.of(self.serverapp).owner:
            raise Denied("this server asks the vault in its owner's name", next_step="Use a server of your own.")


class PassingOn(OwnersHandler):
    """One question of the sidebar."""

    def initialize(self, route: Route) -> None:
        self.route = route

    async def get(self) -> None:
        answer = await Attached.of(self.serverapp).ask(self.route, self.request.headers.get(SEEN_HEADER))
        self.set_status(answer.status_code)
        self.set_header("Cache-Control", "no-store")
        self.finish(answer.content)


class OwnRecording(OwnersHandler):
    """Whether this server records what is executed on it, and can bring it to the service."""

    async def get(self) -> None:
        """What this server knows itself it says also while the service is away: without a head of the log then."""
        self.set_header("Cache-Control", "no-store")
        attached, seen = Attached.of(self.serverapp), self.request.headers.get(SEEN_HEADER)
        if not attached.has_kernels:  # what is executed elsewhere is recorded there or not at all: the service knows
            answer = await attached.ask(RECORDING, seen)
            self.set_status(answer.status_code)
            self.finish(answer.content)
            return
        own, told = People.of(self.serverapp).recording.state(), await self._told(attached, seen)
        head, code = (LogHead(""), own.code) if told is None else (told.log, told.result.code)
        self.finish(msgspec.json.encode(Reply(msgspec.structs.replace(own, code=code), head)))

    async def _told(self, attached: Attached, seen: str | None) -> Reply[RecordingState] | None:
        with suppress(Unavailable, msgspec.DecodeError):
            return answers.read((await attached.ask(RECORDING, seen)).content, Reply[RecordingState])
        return None


class NoAccounts:
    """People are the Hub's."""

    def account(self, name: str) -> None:
        """None."""

    account_at_once = account
    account_of_token = account

    def groups_of(self, name: str) -> tuple[str, ...]:
        """None: they are the Hub's."""
        return ()

    def is_team(self) -> bool:
        """Whether there are accounts."""
        return False


_CLASSES: dict[str, tuple[type, type]] = {
    "session_manager_class": (SessionManager, RecordedSessionManager),
    "kernel_manager_class": (AsyncMappingKernelManager, RecordedKernelManager),
    "kernel_websocket_connection_class": (ZMQChannelsWebsocketConnection, SecureWebsocketConnection),
}
"""As `wiring.CHOICES`; who may do what on this server is for the Hub to say."""


def attach(serverapp: ServerApp, url: str, log_key: str, witnesses: str) -> Attached:
    """To be called while the extension is linked, before the server builds its kernel manager."""
    # What the Hub sets in the environment is its administrator's, and goes before what a file of the user's says.
    log_key = os.environ.get("SECURECOLLAB_VAULT_LOG_KEY") or log_key
    witnesses = os.environ.get("SECURECOLLAB_VAULT_WITNESSES") or witnesses
    attached = Attached(serverapp, url, log_key, witnesses, os.environ)
    sections = ("MultiKernelManager", "MappingKernelManager", "AsyncMappingKernelManager")
    attached.has_kernels = not GatewayClient.instance(parent=serverapp).gateway_enabled
    if attached.has_kernels and not any("kernel_manager_class" in serverapp.config[section] for section in sections):
        ours = f"{AttachedKernelManager.__module__}.{AttachedKernelManager.__name__}"
        serverapp.update_config(Config({"MultiKernelManager": {"kernel_manager_class": ours}}))
    return attached


def record(serverapp: ServerApp, attached: Attached, recording: Recording, hooks: Hooks) -> None:
    """To be called right after it: from here on what is executed is seen."""
    People(
        NoAccounts(),
        serverapp,
        os_user=attached.owner,
        notice="",
        environment={},
        recording=recording,
        hooks=hooks,
    )
    serverapp.gateway_config = GatewayClient.instance(parent=serverapp)
    for trait, (stock, ours) in _CLASSES.items():
        if trait not in serverapp.config.ServerApp and getattr(serverapp, trait) is stock:
            setattr(serverapp, trait, ours)


def passing_on() -> list[tuple[Any, ...]]:
    """The routing table of a server whose vault is elsewhere."""
    table: list[tuple[Any, ...]] = [(rf"/{PREFIX}/{one.path}", PassingOn, {"route": one}) for one in PASSED_ON]
    table.append((rf"/{PREFIX}/{RECORDING.path}", OwnRecording))
    return [*table, (rf"/{PREFIX}(?:/.*)?", over(UnknownHandler, OwnersHandler))]
