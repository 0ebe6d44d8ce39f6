"""A person's own Jupyter server, where the vault is a service elsewhere: what its kernels and its sidebar need.

Kernels get the service's address, its log's key, and the server's own token, which carries what a member may. The
sidebar asks this server, which passes on a few questions: so the token is never in a page, and the service answers no
browser. Nothing here is a wall: the server, its kernels and this code are all its owner's. No execution is recorded.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, cast

import httpx
import zmq
from jupyter_server.base.handlers import APIHandler
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.kernelmanager import ServerKernelManager
from traitlets import default
from traitlets.config import Config

from ..cosigning import Quorum
from ..errors import Denied, Invalid, NotSignedIn, Unavailable
from ..protocol import PREFIX, SEEN_HEADER, Route, route
from .base import VaultHandler
from .handlers import UnknownHandler, over
from .kernels import EXTENSION_ARGUMENT, runs_ipykernel, without_secrets

PASSED_ON: tuple[Route, ...] = tuple(route(name) for name in ("me", "assets", "recording"))
"""What the sidebar asks (`labextension/src/api.ts`): GETs without parameters that change nothing and hold no key."""

_PLACE = "securecollab_attached"


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


class AttachedKernelManager(ServerKernelManager):
    """Starts kernels with what they need to reach the service.

    Kernels listen on ports of the machine. Whoever else is on it could connect and read all they print, so what is
    said there is encrypted where the kernel knows how, unless an administrator configures something else.
    """

    @default("transport_encryption")
    def _encrypted(self) -> str:
        return "auto" if zmq.has("curve") else "disabled"

    async def _async_pre_start_kernel(self, **options: Any) -> tuple[list[str], dict[str, Any]]:
        kernels: Any = self.parent
        environment = without_secrets(options.get("env") or os.environ, keep=("JUPYTERHUB_API_TOKEN",))
        options["env"] = environment | Attached.of(kernels.parent).kernel_environment
        arguments = options.get("extra_arguments") or []
        if self.kernel_spec and runs_ipykernel(self.kernel_spec.argv) and EXTENSION_ARGUMENT not in arguments:
            options["extra_arguments"] = [*arguments, EXTENSION_ARGUMENT]
        return await super()._async_pre_start_kernel(**options)


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


def attach(serverapp: ServerApp, url: str, log_key: str, witnesses: str) -> Attached:
    """To be called while the extension is linked, before the server builds its kernel manager."""
    # What the Hub sets in the environment is its administrator's, and goes before what a file of the user's says.
    log_key = os.environ.get("SECURECOLLAB_VAULT_LOG_KEY") or log_key
    witnesses = os.environ.get("SECURECOLLAB_VAULT_WITNESSES") or witnesses
    attached = Attached(serverapp, url, log_key, witnesses, os.environ)
    sections = ("MultiKernelManager", "MappingKernelManager", "AsyncMappingKernelManager")
    if not any("kernel_manager_class" in serverapp.config[section] for section in sections):
        ours = f"{AttachedKernelManager.__module__}.{AttachedKernelManager.__name__}"
        serverapp.update_config(Config({"MultiKernelManager": {"kernel_manager_class": ours}}))
    return attached


def passing_on() -> list[tuple[Any, ...]]:
    """The routing table of a server whose vault is elsewhere."""
    table: list[tuple[Any, ...]] = [(rf"/{PREFIX}/{one.path}", PassingOn, {"route": one}) for one in PASSED_ON]
    return [*table, (rf"/{PREFIX}(?:/.*)?", over(UnknownHandler, OwnersHandler))]
