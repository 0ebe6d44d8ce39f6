"""A server of kernels that records what people execute, and belongs to none of them. Started with `python -m`.

People's own servers send it what their kernels are to do (Jupyter's gateway client), each with the token the Hub gave
it; whose that is the vault says. Kernels run under their person's user (`own_uid`), this server under another, with a
credential of its own: what it reports is its own word, not theirs. It has no files, terminals, pages or extensions.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import msgspec
from jupyter_core.paths import jupyter_path
from jupyter_server.auth.authorizer import Authorizer
from jupyter_server.auth.identity import IdentityProvider, User
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.contents.manager import AsyncContentsManager
from tornado import web
from traitlets import CaselessStrEnum, Float, Int, Unicode, default

from ... import answers
from ...cosigning import Quorum
from ...errors import Invalid, SecureCollabError, Unavailable
from ...model import Who
from ...protocol import PREFIX, Reply, route
from ...runs import Mode
from ..recording.execution import Recording
from ..recording.execution_writer import KEPT, PATIENCE
from ..recording.hooks import no_hooks
from ..recording.reporting import Reporting
from ..recording.spool import Spool
from ..vault import now
from .attached import AttachedKernelManager, NoAccounts, VaultElsewhere
from .identity import People
from .kernels import (
    OwnedKernelManager,
    OwnedSessionManager,
    OwnerAuthorizer,
    SecureWebsocketConnection,
    handler_now,
    without_secrets,
)
from .own_uid import OwnUidFactory, writable_by_others

_SERVED = ("kernels", "kernelspecs")
"""Of Jupyter's services, those that are there; of its resources, those that may be used."""

_PATHS = re.compile(r"/(?:api/kernels|api/kernelspecs|kernelspecs)(?:/.*)?")


@dataclass
class Member(User):
    """A person of the vault, and the token his own server came with."""

    token: str = ""


class VaultIdentityProvider(IdentityProvider):
    """People are whom the vault says their token belongs to, asked each time."""

    @default("token")
    def _no_token(self) -> str:
        return ""

    def get_handlers(self) -> list[Any]:
        """None: nobody signs in here."""
        return []

    async def get_user(self, handler: web.RequestHandler) -> User | None:
        """The member whose token is in the header; never a cookie, nor an address. Other paths are not there."""
        if not _PATHS.fullmatch(handler.request.path):
            raise web.HTTPError(404)
        found = self.auth_header_pat.match(handler.request.headers.get("Authorization", ""))
        if found is None or not found.group(2).isascii():
            return None
        handler._token_authenticated = True  # type: ignore[attr-defined]  # as Jupyter's: no page can have sent this
        return await cast(KernelRecorder, self.parent).member(found.group(2))

    def identity_model(self, user: User) -> dict[str, Any]:
        """Everything but the token."""
        return {name: value for name, value in super().identity_model(user).items() if name != "token"}


class KernelsAlone(OwnerAuthorizer):
    """People use their own kernels, and nothing else."""

    def is_authorized(self, handler: JupyterHandler, user: User, action: str, resource: str) -> bool:
        """As `OwnerAuthorizer`, for kernels and their specifications."""
        return resource in _SERVED and super().is_authorized(handler, user, action, resource)


class NoFiles(AsyncContentsManager):
    """Not even the routes."""

    def get_extra_handlers(self) -> list[Any]:
        """None."""
        return []


class MembersKernel(AttachedKernelManager):
    """A kernel that asks the vault with its person's own token, as one on his own server would."""

    token = ""

    async def _environment(self, kernel_id: str, inherited: Mapping[str, str]) -> dict[str, str]:
        handler = handler_now()
        user = None if handler is None else handler.current_user
        if isinstance(user, Member) and user.username == self.owner:
            self.token = user.token  # of a restart, the newer one
        kernels: Any = self.parent
        own = cast(KernelRecorder, kernels.parent).kernel_environment
        return without_secrets(inherited) | own | {"SECURECOLLAB_TOKEN": self.token}

    def _reconcile_connection_info(self, info: Any) -> None:
        """Jupyter would read the connection file again, which is the person's now. What was written is known."""


class MembersKernels(OwnedKernelManager):
    """Everybody's kernels, each its person's."""

    @default("kernel_manager_class")
    def _default_kernel_manager_class(self) -> str:
        return f"{MembersKernel.__module__}.{MembersKernel.__name__}"


class KernelRecorder(VaultElsewhere, ServerApp):
    """Kernels under their people's users, and the record of what is executed in them."""

    name = "jupyter-securecollab-kernels"
    default_services = _SERVED  # type: ignore[assignment]  # fewer than Jupyter's

    folder = Unicode(help="Folder for records that the vault does not have yet. Only this server may enter it.").tag(
        config=True
    )
    record_executions = CaselessStrEnum(
        ["flag", "block"], "flag", help="Where executions cannot be recorded: go on and record the gap, or stop."
    ).tag(config=True)
    record_seconds = Float(PATIENCE, help="Seconds the vault may take to record something.").tag(config=True)
    record_backlog = Int(KEPT, help="Most records kept while none can be written.").tag(config=True)

    def migrate_config(self) -> None:
        """Nothing: the folder of configuration is not this server's to write to."""

    def find_server_extensions(self) -> None:
        """None, whatever is installed: what runs here sees everybody."""

    def init_server_extensions(self) -> None:
        """Our classes, whatever is configured, before the server builds its parts. Ends the process if that fails."""
        self.jpserver_extensions = {}
        super().init_server_extensions()
        try:
            self._set_up()
        except SecureCollabError as error:
            self.log.critical("the recorder of kernels does not start: %s. %s", error, error.next_step)
            self.exit(1)

    def _set_up(self) -> None:
        token = os.environ.pop("JUPYTERHUB_API_TOKEN", "")
        if not token or not self.vault_url or not self.folder:
            raise Invalid("a recorder needs vault_url, folder, and a token of its own in JUPYTERHUB_API_TOKEN")
        if ignored := sorted({"audit_hooks", "record_code", "auditors_key"} & set(self.config.SecureCollabApp)):
            step = "Leave them out; whether code is kept is an option of `jupyter securecollab serve`."
            raise Invalid(f"a recorder has no {', '.join(ignored)}", next_step=step)
        places = [*map(Path, self.config_file_paths), *map(Path, jupyter_path("kernels")), *map(Path, sys.path)]
        if found := writable_by_others([place for place in places if place.is_absolute()], (0, os.geteuid())):
            raise Invalid(f"others could change what runs here: {', '.join(sorted(map(str, found)))}")
        kept = [Path(self.folder).absolute(), Path(self.runtime_dir).absolute()]
        if found := writable_by_others(kept, (0, os.geteuid())):
            # Whoever could put records there would have them believed, and whoever a connection file, given to him.
            raise Invalid(f"others could put something into {', '.join(sorted(map(str, found)))}")
        OwnUidFactory.instance(parent=self)
        self.kernel_environment = {
            "SECURECOLLAB_URL": self.vault_url,
            **({"SECURECOLLAB_LOG_KEY": self.vault_log_key} if self.vault_log_key else {}),
            "SECURECOLLAB_WITNESSES": str(Quorum.parse(self.vault_witnesses) or ""),
        }
        self._http = httpx.AsyncClient(base_url=f"{self.vault_url.rstrip('/')}/{PREFIX}/", trust_env=False, timeout=30)
        self._reporting = Reporting(self.vault_url, token, Path(self.folder), now)
        self.recording = self._recording(cast(Mode, self.record_executions))
        People(
            NoAccounts(), self, os_user="", notice="", environment={}, recording=self.recording, hooks=no_hooks()
        )  # fmt: skip
        self.identity_provider_class, self.authorizer_class = (
            VaultIdentityProvider,
            cast(type[Authorizer], KernelsAlone),
        )
        self.kernel_manager_class, self.session_manager_class = MembersKernels, OwnedSessionManager
        self.kernel_websocket_connection_class = SecureWebsocketConnection
        self.contents_manager_class = NoFiles

    def _recording(self, mode: Mode) -> Recording:
        reporting = self._reporting
        return Recording(
            mode,
            reporting.write,
            now,
            finish=reporting.finish,
            spool=self._spool() if mode == "flag" else None,
            patience=self.record_seconds,
            kept=self.record_backlog,
        )

    def _spool(self) -> Spool:
        """As soon as the vault is there, which may start at the same time. Raises `Unavailable` for a bad folder."""
        while True:
            try:
                return Spool(Path(self.folder), self._reporting)
            except Unavailable as error:
                self.log.warning("waiting for the vault: %s", error)
                time.sleep(1)
            except OSError as error:
                raise Unavailable(f"records cannot be written down: {type(error).__name__}") from None

    async def member(self, token: str) -> Member | None:
        """Who has this token, as the vault says now; None for nobody, or somebody who is no member."""
        try:
            answer = await self._http.get(route("me").path, headers={"Authorization": f"token {token}"})
            if answer.status_code in (401, 403):
                return None
            if answer.status_code != 200:
                raise web.HTTPError(503, "the vault cannot say who you are")
            me = answers.read(answer.content, Reply[Who]).result
        except (httpx.HTTPError, msgspec.DecodeError) as error:
            raise web.HTTPError(503, "the vault does not answer") from error
        return Member(me.name, token=token) if "member" in me.roles else None

    async def cleanup_kernels(self) -> None:
        """End them, then bring what is left of their records."""
        await super().cleanup_kernels()
        await asyncio.to_thread(self.recording.close)
        self._reporting.close()
        await self._http.aclose()


main = KernelRecorder.launch_instance

if __name__ == "__main__":
    main()
