"""Our classes are in place without anybody configuring them, and an administrator's own choice stays."""

import pytest
from jupyter_server.auth.authorizer import AllowAllAuthorizer
from jupyter_server.auth.identity import IdentityProvider, PasswordIdentityProvider, User
from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.gateway.managers import GatewayMappingKernelManager
from jupyter_server.services.sessions.sessionmanager import SessionManager

from jupyter_securecollab.server.extension.identity import People, TeamIdentityProvider
from jupyter_securecollab.server.extension.kernels import OwnedKernelManager, OwnedSessionManager, OwnerAuthorizer
from jupyter_securecollab.server.extension.wiring import check

CHOICES = {
    "ServerApp": {
        "authorizer_class": "jupyter_server.auth.authorizer.AllowAllAuthorizer",
        "session_manager_class": "jupyter_server.services.sessions.sessionmanager.SessionManager",
        "kernel_manager_class": "jupyter_server.services.kernels.kernelmanager.AsyncMappingKernelManager",
        "kernel_websocket_connection_class": (
            "jupyter_server.services.kernels.connection.channels.ZMQChannelsWebsocketConnection"
        ),
    },
    "MultiKernelManager": {
        "kernel_manager_class": "jupyter_server.services.kernels.kernelmanager.ServerKernelManager",
    },
}


class HubLikeProvider(IdentityProvider):
    """An administrator's own: names from somewhere else."""

    async def get_user(self, handler):
        name = handler.request.headers.get("X-Forwarded-User")
        return User(name) if name else None


def test_everything_is_in_place_by_itself(accounts, jp_serverapp):
    assert check(jp_serverapp, accounts) == []
    assert isinstance(jp_serverapp.identity_provider, TeamIdentityProvider)
    assert isinstance(jp_serverapp.authorizer, OwnerAuthorizer)
    assert isinstance(jp_serverapp.session_manager, OwnedSessionManager)
    assert isinstance(jp_serverapp.kernel_manager, OwnedKernelManager)
    assert People.of(jp_serverapp).mode == "team"


def test_without_accounts_signing_in_stays_as_jupyter_has_it(nobody, jp_serverapp):
    assert check(jp_serverapp, nobody) == []
    assert type(jp_serverapp.identity_provider) is PasswordIdentityProvider
    assert People.of(jp_serverapp).mode == "single"


class TestExplicitChoices:
    @pytest.fixture
    def jp_server_config(self):
        extensions = {"jpserver_extensions": {"whoami_extension": True}}
        provider = {"identity_provider_class": PasswordIdentityProvider}
        return {**CHOICES, "ServerApp": CHOICES["ServerApp"] | extensions | provider}

    def test_stay_and_are_reported_with_what_they_mean(self, accounts, jp_serverapp, caplog):
        assert type(jp_serverapp.authorizer) is AllowAllAuthorizer
        assert type(jp_serverapp.session_manager) is SessionManager
        assert type(jp_serverapp.identity_provider) is PasswordIdentityProvider
        problems = check(jp_serverapp, accounts)
        assert [text.split(" is configured")[0] for text in problems] == [
            "There are accounts, but another identity provider", "Another authorizer", "Another session manager",
            "Another kernel manager", "Another class for single kernels", "Another websocket class",
        ]  # fmt: skip
        ours = [record.levelname for record in caplog.records if "jupyter_securecollab" in record.message]
        assert ours == ["ERROR"] * 6


class TestSignInSwitchedOff:
    @pytest.fixture
    def jp_server_config(self):
        extensions = {"jpserver_extensions": {"whoami_extension": True}}
        return {"ServerApp": {**extensions, "token": ""}, "IdentityProvider": {"token": ""}}

    def test_is_reported(self, nobody, jp_serverapp):
        assert [text.split(":")[0] for text in check(jp_serverapp, nobody)] == ["Sign-in is switched off"]


class TestGateway:
    @pytest.fixture
    def jp_server_config(self):
        GatewayClient.clear_instance()
        extensions = {"jpserver_extensions": {"whoami_extension": True}}
        yield {"ServerApp": extensions, "GatewayClient": {"url": "http://127.0.0.1:9"}}
        GatewayClient.clear_instance()

    def test_kernels_behind_a_gateway_stay_there(self, accounts, jp_serverapp):
        assert isinstance(jp_serverapp.kernel_manager, GatewayMappingKernelManager)
        assert isinstance(jp_serverapp.identity_provider, TeamIdentityProvider)
        assert [text.split(" is configured")[0] for text in check(jp_serverapp, accounts)] == [
            "Another session manager", "Another kernel manager",
            "Another class for single kernels", "Another websocket class",
        ]  # fmt: skip


class TestNamesFromElsewhere:
    @pytest.fixture
    def jp_server_config(self):
        extensions = {"jpserver_extensions": {"whoami_extension": True}}
        return {"ServerApp": {**extensions, "identity_provider_class": HubLikeProvider}}

    async def test_are_the_names_the_vault_sees_and_kernels_are_still_apart(self, nobody, people):
        dana, erin = people(**{"X-Forwarded-User": "dana"}), people(**{"X-Forwarded-User": "erin"})
        dana.http.cookies.set("_xsrf", "0123")
        assert (await dana.get("whoami")).json()["name"] == "dana"
        kernel = (await dana.session("a.ipynb")).json()["kernel"]["id"]
        assert (await dana.get(f"api/kernels/{kernel}")).status_code == 200
        assert (await erin.get(f"api/kernels/{kernel}")).status_code == 404
        assert (await people().get("whoami")).status_code == 401
