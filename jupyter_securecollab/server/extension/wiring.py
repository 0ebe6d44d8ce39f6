"""Puts our classes into a Jupyter server before it builds its parts, and says afterwards which of them are in use.

Whatever an administrator has chosen explicitly is left alone; `check` says what that means.
"""

from __future__ import annotations

from collections.abc import Mapping

from jupyter_server.auth.authorizer import AllowAllAuthorizer
from jupyter_server.auth.identity import PasswordIdentityProvider
from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.serverapp import ServerApp
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from jupyter_server.services.sessions.sessionmanager import SessionManager
from traitlets import import_item

from ..recording.execution import Recording, not_recording
from ..recording.hooks import Hooks, no_hooks
from .identity import Accounts, People, TeamIdentityProvider
from .kernels import (
    OwnedKernelManager,
    OwnedSessionManager,
    OwnerAuthorizer,
    SecureKernelManager,
    SecureWebsocketConnection,
)

CHOICES: dict[str, tuple[type, type]] = {
    "authorizer_class": (AllowAllAuthorizer, OwnerAuthorizer),
    "session_manager_class": (SessionManager, OwnedSessionManager),
    "kernel_manager_class": (AsyncMappingKernelManager, OwnedKernelManager),
    "kernel_websocket_connection_class": (ZMQChannelsWebsocketConnection, SecureWebsocketConnection),
}
"""ServerApp's trait, what it is when nobody chose, and ours."""

NOT_RECORDED_BECAUSE = {
    "kernel_websocket_connection_class": "Another websocket class is in use: executions are NOT recorded.",
    "kernel_manager_class": (
        "Another kernel manager is in use: how executions end, and what comes by other roads, is NOT recorded."
    ),
    "MultiKernelManager.kernel_manager_class": (
        "Another class for single kernels is in use: starts and ends of kernels are NOT recorded."
    ),
    "log_function": "Another log function is in use: terminals, and files sent and taken, are NOT recorded.",
    "session_manager_class": "Another session manager is in use: the notebook of an execution is NOT recorded.",
}
"""Where a class is not ours, what that means for the record of executions."""


def install(
    serverapp: ServerApp,
    accounts: Accounts,
    *,
    os_user: str,
    notice: str,
    environment: Mapping[str, str] | None = None,
    recording: Recording | None = None,
    hooks: Hooks | None = None,
) -> People:
    """To be called while the extension is linked, before the server builds its identity provider and managers.

    `os_user` is who everybody is on a server without accounts; `notice` the sentence for the login page;
    `environment` goes into every kernel along with address and token; without `recording` no execution is recorded.
    """
    people = People(
        accounts,
        serverapp,
        os_user=os_user,
        notice=notice,
        environment=environment or {},
        recording=recording or not_recording(),
        hooks=hooks or no_hooks(),
    )
    choices = dict(CHOICES)
    if accounts.is_team():
        choices["identity_provider_class"] = (PasswordIdentityProvider, TeamIdentityProvider)
    # Several defaults depend on it: kernels behind a gateway are an administrator's choice as well.
    serverapp.gateway_config = GatewayClient.instance(parent=serverapp)
    for trait, (stock, ours) in choices.items():
        if trait not in serverapp.config.ServerApp and getattr(serverapp, trait) is stock:
            setattr(serverapp, trait, ours)
    return people


def check(serverapp: ServerApp, accounts: Accounts) -> list[str]:
    """To be called once the server is built: what is not as it should be, and what follows. Logged as well."""
    connection = serverapp.web_app.settings["kernel_websocket_connection_class"]
    kernel = import_item(serverapp.kernel_manager.kernel_manager_class)
    provider = serverapp.identity_provider
    found = {
        "There are accounts, but another identity provider is configured: its names count, not the accounts'.": (
            accounts.is_team() and not isinstance(provider, TeamIdentityProvider)
        ),
        "Sign-in is switched off: whoever reaches this server acts as its owner.": not provider.auth_enabled,
        "Another authorizer is configured: people reach each other's kernels and can forge events.": (
            not isinstance(serverapp.authorizer, OwnerAuthorizer)
        ),
        "Another session manager is configured: two people who open one notebook share a kernel.": (
            not isinstance(serverapp.session_manager, OwnedSessionManager)
        ),
        "Another kernel manager is configured: people see each other's kernels in lists.": (
            not isinstance(serverapp.kernel_manager, OwnedKernelManager)
        ),
        "Another class for single kernels is configured: kernels get no token and cannot reach the vault.": (
            not (isinstance(kernel, type) and issubclass(kernel, SecureKernelManager))
        ),
        "Another websocket class is configured: who executes is unknown, so the vault refuses all kernels.": (
            not issubclass(connection, SecureWebsocketConnection)
        ),
    }
    problems = [text for text, so in found.items() if so]
    for text in problems:
        serverapp.log.error("jupyter_securecollab: %s", text)
    return problems
