"""The real extension with the real vault: accounts made, disabled and renewed from another process's point of view."""

import pytest
from at_the_browser import sign_in

from jupyter_securecollab.core.collaboration import Settings
from jupyter_securecollab.model import Caller
from jupyter_securecollab.server.extension.passwords import hash_password
from jupyter_securecollab.server.vault import open_vault, operator

ADMIN = Caller(operator(), "cli", "")
ASK = "from jupyter_securecollab.client import connect\nhere = get_ipython().kernel.get_parent\n"
ASK += "def me(): return connect(parent=lambda: here()['header']['msg_id']).me().name\n"


@pytest.fixture
def door(tmp_path):
    """The vault as the command line opens it, beside the server."""
    door = open_vault(tmp_path / "vault", Settings())
    yield door
    door.close()


@pytest.fixture
def tokens(door):
    """Alice and bob have accounts."""
    for name in ("alice", "bob"):
        door.add_user(ADMIN, name=name)
    return {name: door.new_token(ADMIN, name=name) for name in ("alice", "bob")}


@pytest.fixture
def jp_server_config(tmp_path):
    extensions = {"jpserver_extensions": {"jupyter_securecollab": True}}
    return {"ServerApp": extensions, "SecureCollabApp": {"folder": str(tmp_path / "vault")}}


async def test_accounts_of_the_vault_sign_in_and_are_who_their_kernels_are(tokens, people):
    alice = await sign_in(people(), "alice", token=tokens["alice"])
    assert (await alice.get("securecollab/api/v1/me")).json()["result"]["name"] == "alice"
    kernel = (await alice.session("a.ipynb")).json()["kernel"]["id"]
    printed, _ = await (await alice.connect(kernel)).run(f"{ASK}print(me())")
    assert printed.strip() == "alice"
    stranger = await people().get("securecollab/api/v1/me", headers={"Authorization": "token scp_wrong"})
    assert (stranger.status_code, stranger.json()["error"]["code"]) == (401, "not_signed_in")


async def test_disabling_an_account_elsewhere_ends_browser_and_kernel_at_once(tokens, door, people):
    alice = await sign_in(people(), "alice", token=tokens["alice"])
    bob = await sign_in(people(), "bob", token=tokens["bob"])
    kernel = (await alice.session("a.ipynb")).json()["kernel"]["id"]
    socket = await alice.connect(kernel)
    printed, _ = await socket.run("import os; print(os.environ['SECURECOLLAB_TOKEN'])")
    door.disable_user(ADMIN, name="alice")
    assert (await alice.get("api/me")).status_code == 403
    with_token = {"X-SecureCollab-Token": printed.strip()}
    assert (await people().get("securecollab/api/v1/me", headers=with_token)).status_code == 401
    with pytest.raises(ConnectionError):
        await socket.run(f"{ASK}print(me())")
    assert (await bob.get("api/me")).status_code == 200


async def test_a_new_token_or_password_ends_every_session(tokens, door, people):
    for renew in (
        lambda: door.new_token(ADMIN, name="bob"),
        lambda: door.set_password(ADMIN, name="bob", password_hash=hash_password("new")),
    ):
        token = door.new_token(ADMIN, name="bob")
        bob = await sign_in(people(), "bob", token=token)
        assert (await bob.get("api/me")).status_code == 200
        renew()
        assert (await bob.get("api/me")).status_code == 403
