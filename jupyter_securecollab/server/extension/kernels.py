"""Sessions and kernels that belong to a person, with a narrow token in each kernel and a record of who executes.

Two people who open one notebook get two kernels, and a kernel one may not use looks as if it did not exist. Whoever
executes is known from the websocket the message came through, never from the message. Terminals, files and the
operating system's user stay shared: this keeps colleagues apart, not attackers who can run code on the server.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any, NamedTuple

from jupyter_client.jsonutil import json_default
from jupyter_server.auth.authorizer import Authorizer
from jupyter_server.auth.identity import User
from jupyter_server.base.call_context import CallContext
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.services.kernels.connection.base import serialize_msg_to_ws_v1
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager, ServerKernelManager
from jupyter_server.services.sessions.sessionmanager import SessionManager
from tornado import web
from traitlets import default

from ...errors import Unavailable
from ...runs import Outcome
from ..recording.asked import NOT_RECORDED, only_asks
from ..recording.execution import Watched
from ..recording.kernel_messages import V1, Broadcasts, Incoming
from .identity import People, SignedIn, owner_of

EXTENSION_ARGUMENT = "--ext=jupyter_securecollab.notebook"
RUNS_CODE = frozenset({"execute_request", "comm_open", "comm_msg", "comm_close", "debug_request"})
UNCONFIRMED = 600.0
"""Seconds for which a websocket goes on while the vault cannot say whether its person is still signed in."""

_LATER = "Run it again in a minute; if that does not help, tell the administrator."
_SERVER_SECRETS = frozenset(
    ("JUPYTER_TOKEN", "JUPYTER_TOKEN_FILE", "JPY_API_TOKEN", "JUPYTERHUB_API_TOKEN", "CONFIGPROXY_AUTH_TOKEN")
)


def handler_now() -> JupyterHandler | None:
    """The request being handled; None when the server acts by itself."""
    handler: JupyterHandler | None = CallContext.get(CallContext.JUPYTER_HANDLER)
    return handler


def _mine(people: People, kernels: AsyncMappingKernelManager, kernel_id: str) -> bool:
    handler = handler_now()
    return handler is None or people.may_use(handler.current_user, owner_of(kernels, kernel_id))


class RecordedSessionManager(SessionManager):
    """Says which notebook a kernel belongs to."""

    async def save_session(self, session_id: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """A new session: from now on its kernel is known to belong to its path."""
        session: dict[str, Any] = await super().save_session(session_id, *args, **kwargs)  # type: ignore[no-untyped-call]
        self._noted(session)
        return session

    async def update_session(self, session_id: str, **changed: Any) -> None:
        """A session moved to another path or kernel."""
        await super().update_session(session_id, **changed)  # type: ignore[no-untyped-call]  # Jupyter's
        self._noted(await self.get_session(session_id=session_id))  # type: ignore[no-untyped-call]  # Jupyter's

    def _noted(self, session: dict[str, Any]) -> None:
        People.of(self.parent).recording.notebook(session["kernel"]["id"], session["path"])


class OwnedSessionManager(RecordedSessionManager):
    """Everybody sees, finds and changes only sessions on kernels of his own."""

    async def list_sessions(self) -> list[dict[str, Any]]:
        """The sessions of whoever asks."""
        people = People.of(self.parent)
        sessions = await super().list_sessions()  # type: ignore[no-untyped-call]  # Jupyter's
        return [session for session in sessions if _mine(people, self.kernel_manager, session["kernel"]["id"])]

    async def session_exists(self, path: str) -> bool:
        """Whether whoever asks has a session for this path."""
        return any(session["path"] == path for session in await self.list_sessions())

    async def get_session(self, **wanted: Any) -> dict[str, Any]:
        """The session of whoever asks in which all of these columns have these values."""
        for session in await self.list_sessions():
            columns = {**session, "session_id": session["id"], "kernel_id": session["kernel"]["id"]}
            if all(columns.get(name) == value for name, value in wanted.items()):
                return session
        raise web.HTTPError(404, "Session not found")


class RecordedKernelManager(AsyncMappingKernelManager):
    """Listens to every kernel; what a kernel had here ends when it is gone, however it went."""

    def remove_kernel(self, kernel_id: str) -> Any:
        """Also called for kernels that died without being shut down."""
        People.of(self.parent).kernel_ended(kernel_id, "died")
        return super().remove_kernel(kernel_id)

    def start_watching_activity(self, kernel_id: str) -> None:
        """The server listens to what every kernel broadcasts; from here on so does the record of executions.

        Not through a subscription of its own: the kernel would have to send everything it prints once more.
        """
        super().start_watching_activity(kernel_id)  # type: ignore[no-untyped-call]  # Jupyter's
        recording = People.of(self.parent).recording
        if recording.mode != "off":
            kernel: Any = self.get_kernel(kernel_id)
            kernel.recorded = Broadcasts(recording, kernel_id, kernel.session)
            kernel.recorded.listen(kernel._activity_stream)


class OwnedKernelManager(RecordedKernelManager):
    """Lists to everybody his own kernels."""

    @default("kernel_manager_class")
    def _default_kernel_manager_class(self) -> str:
        return f"{SecureKernelManager.__module__}.{SecureKernelManager.__name__}"

    def list_kernels(self) -> list[dict[str, Any]]:
        """The kernels of whoever asks."""
        people = People.of(self.parent)
        kernels = super().list_kernels()  # type: ignore[no-untyped-call]  # Jupyter's
        return [kernel for kernel in kernels if _mine(people, self, kernel["id"])]


class SecureKernelManager(ServerKernelManager):
    """One kernel, owned by the person who started it, that knows how to reach the vault in his name."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        handler = handler_now()
        user = handler.current_user if handler is not None else None
        # A kernel that some other program started is nobody's.
        self.owner = self._people.owner_for(user) if self.owns_kernel else None

    @property
    def _people(self) -> People:
        kernels: Any = self.parent
        return People.of(kernels.parent)

    async def _async_pre_start_kernel(self, **options: Any) -> tuple[list[str], dict[str, Any]]:
        """Runs before every start and restart: a fresh token, a clean environment, our extension."""
        if self.kernel_id is None:
            self.kernel_id = options.pop("kernel_id")
        options["env"] = await self._environment(self.kernel_id, options.get("env") or os.environ)
        arguments = options.get("extra_arguments") or []
        if self.kernel_spec and runs_ipykernel(self.kernel_spec.argv) and EXTENSION_ARGUMENT not in arguments:
            options["extra_arguments"] = [*arguments, EXTENSION_ARGUMENT]
        command, prepared = await super()._async_pre_start_kernel(**options)
        self._people.recording.kernel_started(self.kernel_id, self.owner, self.kernel_name, command)
        return command, prepared

    async def _environment(self, kernel_id: str, inherited: Mapping[str, str]) -> dict[str, str]:
        """What the process gets: of what it would inherit what it may, and how it reaches the vault."""
        return without_secrets(inherited) | await self._people.kernel_environment(kernel_id, self.owner)

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        """Runs when the process is gone, also between the two halves of a restart."""
        self._people.kernel_ended(self.kernel_id, self._how_it_ended(restart))
        await super()._async_cleanup_resources(restart=restart)

    def _how_it_ended(self, restart: bool) -> Outcome:
        """A kernel that died is restarted in the context of the request that once started it."""
        handler = handler_now()
        asked = handler is not None and handler.request.path.endswith("/restart")
        return ("restarted" if asked else "died") if restart else "ended"


def without_secrets(environment: Mapping[str, str], *, keep: Collection[str] = ()) -> dict[str, str]:
    """What a kernel may inherit: not what opens the server, nor the vault's own settings or an older token."""
    return {
        name: value
        for name, value in environment.items()
        if (name not in _SERVER_SECRETS or name in keep) and not name.startswith("SECURECOLLAB_")
    }


def runs_ipykernel(argv: list[str]) -> bool:
    """Whether this kernel loads extensions of IPython."""
    return ("-m", "ipykernel_launcher") in pairwise(argv)


class _Asked(NamedTuple):
    """Whether a message may go on to the kernel, and the run it begins if that is recorded."""

    may_go_on: bool
    run: Watched | None = None


class SecureWebsocketConnection(ZMQChannelsWebsocketConnection):
    """Writes down who sends code to the kernel; passes on nothing once his sign-in has ended."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._people = People.of(self.multi_kernel_manager.parent)
        self._in_order = asyncio.Lock()  # is fair: whoever waits longest goes first
        self._arriving: set[asyncio.Task[None]] = set()
        self._recording = self._people.recording
        self._confirmed = time.monotonic()

    def handle_incoming_message(self, incoming_msg: str | bytes) -> None:
        """From the browser. Goes on at once where nothing has to be waited for first."""
        if self._recording.mode == "block" or self._people.hooks:
            task = asyncio.ensure_future(self._forward(incoming_msg))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)
            return
        with self._closing_on_failure():
            if (known := self._known(incoming_msg)) is not None and self._asked(*known).may_go_on:
                self._pass_on(*known, incoming_msg)

    async def _forward(self, incoming_msg: str | bytes) -> None:
        async with self._in_order:
            with self._closing_on_failure():
                if (known := self._known(incoming_msg)) is not None and await self._recorded(*known):
                    self._pass_on(*known, incoming_msg)

    @contextmanager
    def _closing_on_failure(self) -> Iterator[None]:
        """What cannot be understood ends the connection: nobody waits for what comes of a message."""
        try:
            yield
        except Exception:
            self.log.warning("closing a websocket of kernel %s after this message", self.kernel_id, exc_info=True)
            self.websocket_handler.close(1007)

    def _known(self, incoming_msg: str | bytes) -> tuple[str, Incoming] | None:
        """Who sends what; None, once that is answered, for somebody who is not, or may no longer be, signed in."""
        message = Incoming(incoming_msg, self.subprotocol)
        try:
            person = self._person()
        except Unavailable:
            self._refuse(message, "the vault cannot say just now whether you are still signed in", _LATER)
            return None
        if person is None:
            self.websocket_handler.close(1008, "signed out")
            return None
        return person, message

    def _pass_on(self, person: str, message: Incoming, incoming_msg: str | bytes) -> None:
        kind = message.header["msg_type"]
        if kind in RUNS_CODE and (kind != "debug_request" or not only_asks(message.channel, kind, message.content())):
            self._people.executions.started(self.kernel_id, message.header["msg_id"], person)
        super().handle_incoming_message(incoming_msg)  # type: ignore[arg-type]  # bytes in protocol v1

    def _person(self) -> str | None:
        """Whose websocket this is, as long as the sign-in it was opened under lasts.

        While the vault cannot be read, what it said last counts for a while, unless everything waits for it (`block`).
        """
        user = self.websocket_handler.current_user
        person = self._people.person_of(user)
        epoch = user.epoch if isinstance(user, SignedIn) else 0
        try:
            if person is None or self._people.epoch_at_once(person) != epoch:
                return None
        except Unavailable:
            if self._recording.mode == "block" or time.monotonic() - self._confirmed > UNCONFIRMED:
                raise
        else:
            self._confirmed = time.monotonic()
        return person

    def _asked(self, person: str, message: Incoming) -> _Asked:
        """Put on record what is about to be executed, if it is to be."""
        recording = self._recording
        if recording.mode == "off" or message.header["msg_type"] in NOT_RECORDED:
            return _Asked(True)
        if recording.is_full(self.kernel_id):
            self._refuse(message, "too much is waiting to be executed in this kernel", "Wait, then run it again.")
            return _Asked(False)
        return _Asked(
            True,
            recording.asked(
                self.kernel_id, person, message.channel, message.header, message.metadata(), message.content()
            ),
        )

    async def _recorded(self, person: str, message: Incoming) -> bool:
        """The same, and whether it may be executed: no hook minds, and with `block` it is durable."""
        recording, (may_go_on, run) = self._recording, self._asked(person, message)
        if not may_go_on or run is None or run.asks:
            return may_go_on
        if message.channel != "stdin" and (reason := await self._people.hooked(person, run.start, message.content())):
            recording.refused(self.kernel_id, message.header["msg_id"], run, reason)
            self._refuse(message, reason, "This server's administrator made this rule.")
            return False
        if recording.mode == "flag" or await recording.durable(run):
            return True
        recording.refused(self.kernel_id, message.header["msg_id"], run, "not on record")
        self._refuse(
            message,
            "this was not executed: it cannot be put on record just now, and nothing is executed here off the record",
            _LATER,
        )
        return False

    def _refuse(self, message: Incoming, why: str, next_step: str) -> None:
        """Answer in the kernel's place: the cell shows an error, and whoever waits for a reply gets one."""
        name = "NotRecorded"
        error = {"ename": name, "evalue": f"{why}. {next_step}", "traceback": [f"{name}: {why}.", f"Next: {next_step}"]}
        answers: list[tuple[str, str, dict[str, Any]]] = [
            ("status", "iopub", {"execution_state": "busy"}),
            ("error", "iopub", error),
            ("status", "iopub", {"execution_state": "idle"}),
        ]
        kind = message.header["msg_type"]
        if kind.endswith("_request"):
            reply = {"status": "error", "execution_count": 0, "payload": [], "user_expressions": {}, **error}
            answers.insert(2, (kind.replace("_request", "_reply"), message.channel, reply))
        for kind, channel, content in answers:
            answer = self.session.msg(kind, content, parent=message.header)
            if self.subprotocol == V1:
                packed = serialize_msg_to_ws_v1(answer, channel, self.session.pack)  # type: ignore[no-untyped-call]
                self.write_message(packed, binary=True)
            else:
                self.write_message(json.dumps({**answer, "channel": channel}, default=json_default))

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """From the kernel: it is idle again after answering a message, whatever came of it.

        A reply need not wait: what it answers was put on record before the kernel was given it.
        """
        parts: list[Any] = self.session.feed_identities(outgoing_msg)[1]
        _, header, parent, _, content = parts[:5]
        if b'"status"' in header and b'"idle"' in content:
            self._people.executions.finished(self.kernel_id, self.session.unpack(parent).get("msg_id", ""))
        if (stream if isinstance(stream, str) else stream.channel) in ("shell", "control"):
            self._answered(header, parent, content)
        super().handle_outgoing_message(stream, outgoing_msg)

    def _answered(self, header: bytes, parent: bytes, content: bytes) -> None:
        """Note how what was executed went, if this is the reply to it."""
        if b'_reply"' not in header:
            return
        msg_id = str(self.session.unpack(parent).get("msg_id"))
        if self._recording.run_of(self.kernel_id, msg_id) is not None:
            said = self.session.unpack(content)
            self._recording.replied(self.kernel_id, msg_id, said.get("status"), said.get("ename"))


class OwnerAuthorizer(Authorizer):
    """Signed-in people may do what they may anywhere in Jupyter, except with kernels of others, or forge events."""

    def is_authorized(self, handler: JupyterHandler, user: User, action: str, resource: str) -> bool:
        """Raises 404, not 403, for somebody else's kernel."""
        if resource == "events" and action == "write":
            return False
        kernels = handler.kernel_manager
        for kernel_id in _kernels_named(handler, resource):
            if kernel_id in kernels and not People.of(self.parent).may_use(user, owner_of(kernels, kernel_id)):
                raise web.HTTPError(404, f"Kernel does not exist: {kernel_id}")
        return True


def _kernels_named(handler: JupyterHandler, resource: str) -> Iterator[str]:
    """Every kernel id a request names, in path, query or body."""
    if "kernel_id" in handler.path_kwargs:
        yield handler.path_kwargs["kernel_id"]
    yield from handler.get_query_arguments("kernel")
    body = handler.get_json_body() if resource in ("sessions", "kernels") else None
    if isinstance(body, dict):
        inner = body.get("kernel")
        for value in (body.get("kernel_id"), inner.get("id") if isinstance(inner, dict) else None):
            if isinstance(value, str):
                yield value
