"""What stands in the way of recording executions: in a running server, and in the configuration one would start with.

Looks and says; changes nothing. What it finds in a server is what that server's own classes are, whoever set them; what
it finds in configuration files is what the person asking would get, without the options of a command line.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import httpx
import msgspec
from jupyter_server.serverapp import ServerApp, list_running_servers
from traitlets import import_item
from traitlets.config import Application, Config

from ... import answers
from ...protocol import PREFIX, Reply
from ...runs import RecordingState
from .execution_requests import RequestRecord
from .kernels import (
    OwnedKernelManager,
    RecordedKernelManager,
    RecordedSessionManager,
    SecureKernelManager,
    SecureWebsocketConnection,
)
from .wiring import CHOICES, NOT_RECORDED_BECAUSE

_NAME = "jupyter_securecollab"
_STARTERS = ("server", "lab", "notebook")
"""`jupyter server`, `jupyter lab`, `jupyter notebook`: what the starter's own file says of the server counts."""


ELSEWHERE = "kernels run on another server: what is executed in them is recorded there, or not at all"


def recording_problems(serverapp: ServerApp, *, elsewhere: bool = False) -> tuple[str, ...]:
    """Why this server does not, or not wholly, record executions, as its classes are now.

    With kernels `elsewhere` only what it does itself counts: files that leave and enter it, terminals.
    """
    connection = serverapp.web_app.settings["kernel_websocket_connection_class"]
    kernel = import_item(serverapp.kernel_manager.kernel_manager_class)
    found = {
        "kernel_websocket_connection_class": issubclass(connection, SecureWebsocketConnection),
        "kernel_manager_class": isinstance(serverapp.kernel_manager, RecordedKernelManager),
        "session_manager_class": isinstance(serverapp.session_manager, RecordedSessionManager),
        "MultiKernelManager.kernel_manager_class": isinstance(kernel, type) and issubclass(kernel, SecureKernelManager),
        "log_function": isinstance(serverapp.web_app.settings.get("log_function"), RequestRecord),
    }
    counts = {"log_function"} if elsewhere else found.keys()
    return tuple(NOT_RECORDED_BECAUSE[name] for name, ours in found.items() if not ours and name in counts)


def configured_problems() -> tuple[str, ...]:
    """The same for a server that whoever asks would start now, from the configuration files it would read."""
    return tuple(dict.fromkeys(text for starter in _STARTERS for text in _problems_of(_configured(starter))))


def _configured(starter: str) -> ServerApp:
    """A server as it would be configured when this program starts it. It is not started, nor any extension loaded."""
    app = ServerApp()
    app.load_config_file(suppress_errors=False)
    app.find_server_extensions()
    for name in (starter, _NAME):  # each reads a file of its own
        Application.load_config_file(app, f"jupyter_{name}_config", path=app.config_file_paths)
    return app


def _problems_of(app: ServerApp) -> Iterator[str]:
    for name, chosen, ours in _chosen(app.config):
        if not _is(chosen, ours):
            yield NOT_RECORDED_BECAUSE[name]
    if not app.jpserver_extensions.get(_NAME):
        yield "The extension is not enabled: nothing is recorded."
    if app.config.SecureCollabApp.get("record_executions") == "off":
        yield "The recording of executions is switched off (record_executions)."


def _chosen(config: Config) -> Iterator[tuple[str, object, type]]:
    for name, (_, ours) in CHOICES.items():
        if name in NOT_RECORDED_BECAUSE and name in config.ServerApp:
            yield name, config.ServerApp[name], ours
    for section in (base.__name__ for base in OwnedKernelManager.__mro__):
        if section in config and "kernel_manager_class" in config[section]:
            yield "MultiKernelManager.kernel_manager_class", config[section].kernel_manager_class, SecureKernelManager


def own_word() -> bool:
    """Whether a server started now would report to a vault that is a service elsewhere."""
    told = os.environ.get("SECURECOLLAB_VAULT_URL")
    return bool(told or any(_configured(one).config.SecureCollabApp.get("vault_url") for one in _STARTERS))


def _hubs_token(url: str) -> str | None:
    prefix = os.environ.get("JUPYTERHUB_SERVICE_PREFIX", "")
    return os.environ.get("JUPYTERHUB_API_TOKEN") if prefix and urlsplit(url).path == prefix else None


def _is(chosen: object, ours: type) -> bool:
    try:
        found = import_item(chosen) if isinstance(chosen, str) else chosen
    except ImportError:
        return False
    return isinstance(found, type) and issubclass(found, ours)


def running_servers(token_for: Callable[[str], str | None]) -> Iterator[tuple[str, RecordingState | None]]:
    """The servers this user runs, each with what it says of itself; None if it did not say.

    A server with accounts has no token of its own; `token_for` its address may know somebody's personal one. One that a
    Hub started knows the token that it has from there, as whoever works on it does.
    """
    for server in list_running_servers():
        token = server.get("token") or token_for(server["url"]) or _hubs_token(server["url"])
        headers = {"Authorization": f"token {token}"} if token else {}
        try:
            answer = httpx.get(f"{server['url']}{PREFIX}/recording", headers=headers, timeout=10, trust_env=False)
            yield server["url"], answers.read(answer.content, Reply[RecordingState]).result
        except (httpx.TransportError, msgspec.DecodeError):
            yield server["url"], None
