"""The Jupyter server extension: opens the vault, puts our classes into the server, and adds the routes.

Where the vault is a service elsewhere (`vault_url`) none is opened: see `attached`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import cast

from jupyter_events import EventLogger
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import ServerApp
from traitlets import CaselessStrEnum, Dict, Float, Int, List, Unicode, default

from ...core.collaboration import Collaboration, Settings
from ...errors import Invalid, SecureCollabError, Unavailable
from ...kept_code import CodeKeeping
from ...model import Level
from ...runs import KeptAs, Mode
from ..handlers import AsyncDoor, handlers, over
from ..recording.chosen_hooks import chosen_hooks
from ..recording.execution import Recording, as_it_is
from ..recording.execution_writer import KEPT, PATIENCE
from ..recording.hooks import Failure, Hooks
from ..recording.reporting import Reporting
from ..recording.spool import Spool, take_in
from ..recording.spool import Vault as SpoolVault
from ..requests_page import PAGE, RequestsPage
from ..vault import WitnessedBy, now, open_vault, operator, vault_folder, witness_at
from .attached import Attached, VaultElsewhere, attach, passing_on, record
from .doctor import ELSEWHERE, recording_problems
from .embedded import EmbeddedHandler
from .execution_requests import RequestRecord
from .wiring import check, install

CHANGED_EVENT = "https://jupyter-securecollab.readthedocs.io/events/changed/v1"
_CHANGED_SCHEMA = {
    "$id": CHANGED_EVENT,
    "version": "1",
    "title": "Something in the vault changed",
    "description": "Says only that a list may have changed. Everybody on the server receives it, so it names nothing.",
    "type": "object",
    "properties": {},
    "additionalProperties": False,
}

NOTICE = (
    "Embedded vault: it protects stored data and records who opened what. "
    "It is not a wall between people who can run code on this server."
)
VAULTS_OWN = ("checkpoint_folder", "witnesses", "witness_quorum", "vault_name", "default_up_to")
"""What only a vault in this server reads."""
SERVICES = ("vault_log_key", "vault_witnesses")
"""What says something of a vault that is a service."""
NO_SPOOL = "Records are not written down before the vault has them: if this server is killed, the last are lost"


class SecureCollabApp(VaultElsewhere, ExtensionApp):
    """Embedded vault: runs inside the Jupyter server, on SQLite and a folder."""

    name = "jupyter_securecollab"
    load_other_extensions = True

    folder = Unicode(help="Folder of the vault: database, keys and sealed objects. Only its owner may enter it.").tag(
        config=True
    )
    checkpoint_folder = Unicode(
        "", help="Second folder, best on another mount, that receives a copy of every checkpoint."
    ).tag(config=True)
    witnesses = List(
        Unicode(), help="Witnesses that confirm the log, each as `KEY URL`; what they have not confirmed gives no keys."
    ).tag(config=True)
    witness_quorum = Int(0, help="How many of the witnesses have to confirm; 0: more than half.").tag(config=True)
    vault_name = Unicode("vault", help="Name of a new vault and of its log. One that exists keeps its name.").tag(
        config=True
    )
    default_up_to = CaselessStrEnum(
        [level.value for level in Level], "internal", help="The level to which access reads when nobody says otherwise."
    ).tag(config=True)

    record_executions = CaselessStrEnum(
        ["flag", "block", "off"],
        "flag",
        help="Who executes what is recorded. Where it cannot be: go on and record the gap (flag), or stop (block).",
    ).tag(config=True)

    record_seconds = Float(
        PATIENCE, help="Seconds the vault may take to record something before it counts as unable to."
    ).tag(config=True)
    record_backlog = Int(
        KEPT, help="Most records kept in memory while none can be written; further ones are lost and counted."
    ).tag(config=True)
    record_code = CaselessStrEnum(
        ["off", "sealed", "plain"],
        "off",
        help="Whether the text of code is kept: not at all, sealed to the auditors' key, or as it is.",
    ).tag(config=True)
    auditors_key = Unicode("", help="The auditors' public key, from `jupyter securecollab audit keygen`.").tag(
        config=True
    )
    audit_hooks = List(
        Unicode(), help="Audit hooks asked before and told after every execution, by name, in order."
    ).tag(config=True)
    audit_hook_options = Dict(help="Options of audit hooks, by name of the hook.").tag(config=True)
    audit_hook_seconds = Float(2.0, help="Seconds an audit hook may take to answer.").tag(config=True)
    audit_hook_failure = CaselessStrEnum(
        ["closed", "open"], "closed", help="Whether what a hook fails to answer is refused (closed) or allowed (open)."
    ).tag(config=True)

    attached: Attached | None = None
    _without_spool: tuple[str, ...] = ()
    door: Collaboration
    recording: Recording
    reporting: Reporting
    async_door: AsyncDoor

    @default("folder")
    def _folder_default(self) -> str:
        return str(vault_folder())

    def _link_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        # Runs before the server builds its identity provider and managers: the last moment to say which classes.
        super()._link_jupyter_server_extension(serverapp)
        try:
            if self.vault_url:
                self._attach(serverapp)
            else:
                self._open(serverapp)
        except SecureCollabError as error:
            serverapp.log.critical("jupyter_securecollab: %s. %s", error, error.next_step)
            raise SystemExit(1) from error
        except Exception as error:
            # Jupyter would go on without us, and so without accounts: better no server than an open one.
            serverapp.log.critical("jupyter_securecollab could not be set up", exc_info=True)
            raise SystemExit(1) from error

    def _attach(self, serverapp: ServerApp) -> None:
        if ignored := [name for name in VAULTS_OWN if name in self.config.SecureCollabApp]:
            raise Invalid(
                f"{', '.join(ignored)}: of a vault in this server, and vault_url names one that is a service",
                next_step="Leave that out here; what a service has is said to `jupyter securecollab serve`.",
            )
        if self.record_code != "off" or self.auditors_key:
            step = "Leave record_code and auditors_key out here: they are options of `jupyter securecollab serve`."
            raise Invalid("whether code is kept is chosen where the vault is, a service elsewhere", next_step=step)
        self.attached = attach(serverapp, self.vault_url, self.vault_log_key, self.vault_witnesses)
        folder = Path(self.folder) / "spool"
        self.reporting = reporting = Reporting(self.vault_url, self.attached.token, folder, now)
        self.recording = Recording(
            cast(Mode, self.record_executions),
            reporting.write,
            now,
            finish=reporting.finish,
            spool=self._spool(reporting),
            patience=self.record_seconds,
            kept=self.record_backlog,
            advisory=True,
        )
        if self.audit_hooks and not self.attached.has_kernels:
            step = "Leave audit_hooks out here, and do without or have kernels run on this server."
            raise Invalid("audit hooks cannot be asked here of kernels that run on another server", next_step=step)
        if "hours" in self.audit_hooks:
            step = "Leave it out here: groups are known where the vault is."
            raise Invalid("the audit hook hours asks for groups, and this server knows none", next_step=step)
        record(serverapp, self.attached, self.recording, self._hooks())

    def _open(self, serverapp: ServerApp) -> None:
        if ignored := [name for name in SERVICES if getattr(self, name)]:
            raise Invalid(
                f"{', '.join(ignored)}: of a vault that is a service, and vault_url names none",
                next_step="Set vault_url, or leave that out; a vault in this server has its own log and witnesses.",
            )
        settings = Settings(name=self.vault_name, default_up_to=Level(self.default_up_to))
        copies = Path(self.checkpoint_folder) if self.checkpoint_folder else None
        witnessed = WitnessedBy(tuple(map(witness_at, self.witnesses)), self.witness_quorum)
        self.door = open_vault(Path(self.folder), settings, copies=copies, witnessed=witnessed)
        self.door.keep_code(CodeKeeping(cast(KeptAs, self.record_code), self.auditors_key))
        spool = self._spool(self.door, lambda folder: take_in(folder, self.door, now))
        self.recording = Recording(
            cast(Mode, self.record_executions),
            self.door.record,
            now,
            finish=self.door.finish if spool else as_it_is,
            spool=spool,
            patience=self.record_seconds,
            kept=self.record_backlog,
        )
        self.door.recorded_by(self.recording.state, self.recording.catch_up)
        install(
            serverapp,
            self.door,
            os_user=operator(),
            notice=NOTICE,
            environment={
                "SECURECOLLAB_LOG_KEY": self.door.log_key,
                "SECURECOLLAB_WITNESSES": str(witnessed.keys or ""),
            },
            recording=self.recording,
            hooks=self._hooks(),
        )

    def _hooks(self) -> Hooks:
        """The hooks an administrator chose, told of every end. Raises `Invalid`."""
        if self.audit_hooks and self.record_executions == "off":
            raise Invalid(
                "audit hooks need the recording of executions", next_step="Set record_executions or no hooks."
            )
        hooks = Hooks(
            chosen_hooks(self.audit_hooks, self.audit_hook_options),
            seconds=self.audit_hook_seconds,
            failure=cast(Failure, self.audit_hook_failure),
            note=lambda name, what: self.recording.done(None, "hook", f"{name}: {what}", None, "error"),
        )
        self.recording.tell(hooks.ended)
        return hooks

    def _spool(self, vault: SpoolVault, before: Callable[[Path], None] = lambda _: None) -> Spool | None:
        """A spool of our own, after what comes `before`; for `flag` alone. Where there can be none that is said."""
        folder = Path(self.folder) / "spool"
        try:
            before(folder)
            return Spool(folder, vault) if self.record_executions == "flag" else None
        except (OSError, Unavailable) as error:
            self.log.critical("jupyter_securecollab: %s: %s", NO_SPOOL, error)
            self._without_spool = (NO_SPOOL,)
            return None

    def initialize_settings(self) -> None:
        """Register the event and say which of our classes are not in use."""
        self._events().register_event_schema(_CHANGED_SCHEMA)
        serverapp = cast(ServerApp, self.serverapp)
        if self.attached is None:
            check(serverapp, self.door)
            # Jupyter puts these over the server's own settings when this has returned.
            self.settings["log_function"] = RequestRecord(serverapp, self.settings["log_function"])
        elsewhere = self.attached is not None and not self.attached.has_kernels
        self.recording.check_with(lambda: (*self._without_spool, *recording_problems(serverapp, elsewhere=elsewhere)))

    async def _start_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        # All other extensions have had their say by now.
        if self.attached is not None:  # also JupyterHub's, which sets a log function
            settings = serverapp.web_app.settings
            settings["log_function"] = RequestRecord(serverapp, settings["log_function"])
            if not self.attached.has_kernels:
                serverapp.log.info("jupyter_securecollab: %s", ELSEWHERE)
        for text in self.recording.state().why_not:
            serverapp.log.critical("jupyter_securecollab: %s", text)

    def initialize_handlers(self) -> None:
        """Add the routes of the protocol."""
        if self.attached is not None:
            self.handlers.extend(passing_on())
            return
        self.async_door = AsyncDoor(self.door, self._changed)
        self.handlers.extend(handlers(self.async_door, EmbeddedHandler))
        self.handlers.append((f"/{PAGE}", over(RequestsPage, EmbeddedHandler), {"async_door": self.async_door}))

    def _changed(self) -> None:
        self._events().emit(schema_id=CHANGED_EVENT, data={})

    def _events(self) -> EventLogger:
        return cast(EventLogger, cast(ServerApp, self.serverapp).event_logger)

    async def stop_extension(self) -> None:
        """Finish what is running and close the vault."""
        await asyncio.to_thread(self.recording.close)
        if self.attached is not None:
            self.reporting.close()
            await self.attached.close()
            return
        self.async_door.close()
        self.door.close()
