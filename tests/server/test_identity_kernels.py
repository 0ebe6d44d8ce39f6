"""Sessions and kernels belong to a person, and a kernel's token opens the vault's routes and nothing else."""

import asyncio
import json
import sys
import uuid
from pathlib import Path

import pytest
from at_the_browser import V1, sign_in

from jupyter_securecollab.server.extension import kernels
from jupyter_securecollab.server.extension.identity import People

ASK = """
import json, os, urllib.error, urllib.request
def ask(parent=None, token=None):
    mine = get_ipython().kernel.get_parent()["header"]["msg_id"]
    token = token or os.environ["SECURECOLLAB_TOKEN"]
    headers = {"X-SecureCollab-Token": token, "X-SecureCollab-Parent": parent or mine}
    url = os.environ["SECURECOLLAB_URL"] + "/whoami"
    request = urllib.request.Request(url, headers=headers, method="POST", data=b"")
    try:
        return urllib.request.urlopen(request).read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()
"""


async def kernel_of(person, path="shared.ipynb"):
    answer = await person.session(path)
    assert answer.status_code == 201, answer.text
    return answer.json()["kernel"]["id"]


async def token_in(socket):
    printed, _ = await socket.run("import os; print(os.environ['SECURECOLLAB_TOKEN'])")
    return printed.strip()


def with_token(token, parent=""):
    return {"X-SecureCollab-Token": token, "X-SecureCollab-Parent": parent}


async def test_two_people_on_one_notebook_get_two_kernels(accounts, people):
    alice, bob = await sign_in(people(), "alice"), await sign_in(people(), "bob")
    hers, his = await kernel_of(alice), await kernel_of(bob)
    assert hers != his
    assert await kernel_of(alice) == hers
    for person, kernel in ((alice, hers), (bob, his)):
        assert [one["id"] for one in (await person.get("api/kernels")).json()] == [kernel]
        assert [one["kernel"]["id"] for one in (await person.get("api/sessions")).json()] == [kernel]


async def test_a_foreign_kernel_or_session_looks_as_if_it_did_not_exist(accounts, people):
    alice, bob = people("alice"), people("bob")
    session = (await alice.session("a.ipynb")).json()
    foreign, unknown = session["kernel"]["id"], str(uuid.uuid4())
    own = (await bob.session("b.ipynb")).json()
    for kernel in (foreign, unknown):
        answers = [
            await bob.get(f"api/kernels/{kernel}"),
            await bob.delete(f"api/kernels/{kernel}"),
            await bob.post(f"api/kernels/{kernel}/interrupt"),
            await bob.get(f"api/kernels/{kernel}/channels"),
        ]
        assert [one.status_code for one in answers] == [404] * 4
    answers = [
        await bob.get(f"api/sessions/{session['id']}"),
        await bob.delete(f"api/sessions/{session['id']}"),
        await bob.patch(f"api/sessions/{session['id']}", {"path": "mine.ipynb"}),
        await bob.session("b2.ipynb", id=foreign),
        await bob.patch(f"api/sessions/{own['id']}", {"kernel": {"id": foreign}}),
        await bob.post("api/kernels", {"kernel_id": foreign}),
        await bob.get(f"api/resolvePath?path=x&kernel={foreign}"),
    ]
    assert [one.status_code for one in answers] == [404] * 7
    unchanged = (await alice.get(f"api/sessions/{session['id']}")).json()
    assert (unchanged["path"], unchanged["kernel"]["id"]) == (session["path"], session["kernel"]["id"])
    assert (await alice.session("a2.ipynb", id=foreign)).json()["kernel"]["id"] == foreign


async def test_a_foreign_kernel_does_not_exist_for_extensions_that_do_not_ask_either(accounts, people):
    alice = people("alice")
    kernel = await kernel_of(alice)
    assert (await alice.get(f"forgetful/{kernel}")).text == kernel
    assert (await people("bob").get(f"forgetful/{kernel}")).status_code == 404


async def test_nobody_may_write_events(accounts, people):
    schema = "https://events.jupyter.org/jupyter_server/kernel_actions/v1"
    forged = {"schema_id": schema, "version": "1", "data": {"action": "start", "status": "success", "msg": "forged"}}
    assert (await people("bob").post("api/events", forged)).status_code == 403
    assert (await people("bob").get("api/kernels")).status_code == 200


@pytest.mark.parametrize("protocol", [None, V1])
async def test_the_vault_knows_who_executes(accounts, people, protocol):
    alice = people("alice")
    kernel = await kernel_of(alice)
    socket = await alice.connect(kernel, protocol)
    assert socket.v1 == (protocol == V1)
    printed, msg_id = await socket.run(ASK + "print(ask())")
    caller = json.loads(printed)
    assert (caller["name"], caller["via"], caller["kernel"], caller["also"]) == ("alice", "kernel", kernel, [])

    # The message has been answered: its id stands for nobody any more, and one never sent never did.
    for parent in (msg_id, "made-up"):
        printed, _ = await socket.run(f"print(ask(parent={parent!r}))")
        assert json.loads(printed)["error"]["code"] == "denied"


async def test_a_widgets_button_has_a_person_too(accounts, people):
    alice = people("alice")
    socket = await alice.connect(await kernel_of(alice))
    register = "get_ipython().kernel.comm_manager.register_target('t', lambda comm, message: comm.on_msg(show))"
    await socket.run(f"{ASK}\ndef show(message): print(ask())\n{register}")
    opened = await socket.send("comm_open", {"comm_id": "c", "target_name": "t", "data": {}})
    await socket.output_of(opened)
    pressed = await socket.send("comm_msg", {"comm_id": "c", "data": {}})
    assert json.loads(await socket.output_of(pressed))["name"] == "alice"


async def test_a_kernel_token_is_useless_on_every_other_route(accounts, people, jp_serverapp):
    alice = people("alice")
    socket = await alice.connect(await kernel_of(alice))
    token = await token_in(socket)
    assert token.startswith("sck_")
    Path(jp_serverapp.root_dir, "secret.txt").write_text("secret")
    paths = ["api/contents", "api/kernels", "api/sessions", "api/me", "api/terminals", "api/status", "files/secret.txt"]
    for headers in (with_token(token), {"Authorization": f"token {token}"}):
        stranger = people()
        for path in paths:
            assert (await stranger.get(path, headers=headers)).status_code in (302, 403), path
        assert (await stranger.post("api/kernels", {}, headers=headers)).status_code == 403
    as_login = await people().get(f"whoami?token={token}")
    assert as_login.status_code == 401


async def test_an_old_token_is_dead_after_restart_and_the_new_one_after_delete(accounts, people):
    alice = people("alice")
    kernel = await kernel_of(alice)
    socket = await alice.connect(kernel)
    old = await token_in(socket)
    assert (await alice.post(f"api/kernels/{kernel}/restart")).status_code == 200
    socket = await alice.connect(kernel)
    new = await token_in(socket)
    assert new != old
    alive = (await people().get("whoami", headers=with_token(new))).json()
    dead = (await people().get("whoami", headers=with_token(old))).json()
    assert (alive["error"]["code"], dead["error"]["code"]) == ("denied", "not_signed_in")
    assert (await alice.delete(f"api/kernels/{kernel}")).status_code == 204
    assert (await people().get("whoami", headers=with_token(new))).status_code == 401


async def test_the_token_of_a_kernel_that_died_is_dead(accounts, people, jp_serverapp):
    alice = people("alice")
    kernel = await kernel_of(alice)
    token = await token_in(await alice.connect(kernel))
    manager = jp_serverapp.kernel_manager.get_kernel(kernel)
    manager.stop_restarter()
    await manager.provisioner.kill()
    await manager.provisioner.wait()
    jp_serverapp.kernel_manager._handle_kernel_died(kernel)
    assert (await people().get("whoami", headers=with_token(token))).status_code == 401


async def test_the_token_of_another_kernel_comes_with_none_of_its_executions(accounts, people):
    alice, bob = people("alice"), people("bob")
    hers, his = await alice.connect(await kernel_of(alice)), await bob.connect(await kernel_of(bob))
    stolen = await token_in(hers)
    printed, _ = await his.run(f"{ASK}\nprint(ask(token={stolen!r}))")
    assert json.loads(printed)["error"]["code"] == "denied"
    printed, _ = await his.run("print(ask())")
    assert json.loads(printed)["name"] == "bob"


async def test_an_invalid_kernel_token_is_401_whatever_else_the_request_carries(accounts, people):
    alice = await sign_in(people(), "alice")
    assert (await alice.get("whoami")).json()["name"] == "alice"
    authorized = {**with_token("sck_wrong"), "Authorization": "token token-of-alice"}
    for headers in (with_token("sck_wrong"), with_token(""), with_token("token-of-alice"), authorized):
        for answer in (await alice.get("whoami", headers=headers), await alice.post("whoami", headers=headers)):
            assert answer.status_code == 401
            assert answer.json()["error"]["code"] == "not_signed_in"


async def test_a_valid_token_counts_more_than_the_cookie_beside_it(accounts, people):
    alice, browser = people("alice"), await sign_in(people(), "bob")
    token = await token_in(await alice.connect(await kernel_of(alice)))
    answer = await browser.get("whoami", headers=with_token(token))
    assert answer.json()["error"]["code"] == "denied"


async def test_whoever_has_executed_in_a_kernel_caps_what_it_gets(accounts, people, jp_serverapp):
    alice = people("alice")
    kernel = await kernel_of(alice)
    socket = await alice.connect(kernel)
    People.of(jp_serverapp).executions.started(kernel, "of-bob", "bob")
    printed, _ = await socket.run(ASK + "print(ask())")
    assert (json.loads(printed)["name"], json.loads(printed)["also"]) == ("alice", ["bob"])
    printed, _ = await socket.run("print(ask(parent='of-bob'))")
    assert (json.loads(printed)["name"], json.loads(printed)["also"]) == ("bob", ["alice"])
    await alice.post(f"api/kernels/{kernel}/restart")
    printed, _ = await (await alice.connect(kernel)).run(ASK + "print(ask())")
    assert json.loads(printed)["also"] == []


async def test_an_open_websocket_runs_nothing_more_once_the_account_is_disabled(accounts, people):
    alice = people("alice")
    kernel = await kernel_of(alice)
    socket = await alice.connect(kernel)
    token = await token_in(socket)
    accounts.disable("alice")
    with pytest.raises(ConnectionError):
        await socket.run("open('ran', 'w')")
    assert socket.connection.close_code == 1008
    assert (await people().get("whoami", headers=with_token(token))).status_code == 401


async def test_what_was_known_of_a_sign_in_counts_for_a_while_when_the_vault_cannot_be_read(
    accounts, people, monkeypatch
):
    alice = people("alice")
    socket = await alice.connect(await kernel_of(alice))
    await socket.run("x = 0")
    accounts.readable = False
    assert (await socket.run("x = 1; print(x)"))[0] == "1\n"
    monkeypatch.setattr(kernels, "UNCONFIRMED", 0.0)  # ten minutes later
    assert "whether you are still signed in" in (await socket.run("x = 2"))[0]
    accounts.readable = True
    assert (await socket.run("print(x)"))[0] == "1\n"


async def test_a_kernel_started_before_the_sessions_ended_reaches_the_vault_no_more(accounts, people):
    alice = people("alice")
    token = await token_in(await alice.connect(await kernel_of(alice)))
    assert (await people().get("whoami", headers=with_token(token))).status_code == 403
    accounts.end_sessions("alice")
    assert (await people().get("whoami", headers=with_token(token))).status_code == 401


@pytest.mark.parametrize("garbage", ["not json", "[]", "{}", '{"header": 1}', b"\x00\x01"])
async def test_a_malformed_message_closes_the_websocket_and_runs_nothing(accounts, people, garbage):
    alice = people("alice")
    socket = await alice.connect(await kernel_of(alice))
    await socket.connection.write_message(garbage, binary=isinstance(garbage, bytes))
    async with asyncio.timeout(30):
        with pytest.raises(ConnectionError):
            while True:
                await socket.receive()
    assert socket.connection.close_code == 1007


async def test_a_kernel_gets_the_address_and_none_of_the_servers_secrets(accounts, people, monkeypatch):
    for name in ("JUPYTER_TOKEN", "JUPYTERHUB_API_TOKEN", "SECURECOLLAB_ROOT_KEY"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("OPEN_DATA", "kept")
    alice = people("alice")
    socket = await alice.connect(await kernel_of(alice))
    printed, _ = await socket.run("import json, os; print(json.dumps(dict(os.environ)))")
    environment = json.loads(printed)
    assert "secret" not in environment.values()
    assert (environment["OPEN_DATA"], environment["SECURECOLLAB_LOG_KEY"]) == ("kept", "log.example+pinned")
    assert environment["SECURECOLLAB_URL"] == alice.base.rstrip("/")


LOADED = "import sys; print('jupyter_securecollab.notebook' in sys.modules)"


async def test_our_extension_is_loaded_beside_the_users_own_configuration(accounts, people, monkeypatch, tmp_path):
    profile = tmp_path / "ipython" / "profile_default"
    profile.mkdir(parents=True)
    own = "c.InteractiveShellApp.extensions = []\nc.InteractiveShellApp.exec_lines = ['own_line = 1']\n"
    (profile / "ipython_kernel_config.py").write_text(f"c = get_config()\n{own}")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    alice = people("alice")
    kernel = await kernel_of(alice)
    printed, _ = await (await alice.connect(kernel)).run(f"{LOADED}; print(own_line)")
    assert printed.split() == ["True", "1"]
    await alice.post(f"api/kernels/{kernel}/restart")
    printed, _ = await (await alice.connect(kernel)).run(LOADED)
    assert printed.split() == ["True"]


NO_IPYKERNEL = """
import sys
from ipykernel.kernelapp import IPKernelApp
assert "--ext" not in " ".join(sys.argv)
IPKernelApp.launch_instance(argv=sys.argv[1:])
"""


async def test_a_kernel_that_is_not_ipykernel_starts_without_our_argument(accounts, people, jp_data_dir):
    spec = jp_data_dir / "kernels" / "other"
    spec.mkdir(parents=True)
    (spec / "run.py").write_text(NO_IPYKERNEL)
    argv = [sys.executable, str(spec / "run.py"), "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "other", "language": "other"}))
    alice = people("alice")
    kernel = (await alice.session("o.ipynb", name="other")).json()["kernel"]["id"]
    socket = await alice.connect(kernel)
    printed, _ = await socket.run(f"import os; print('SECURECOLLAB_TOKEN' in os.environ); {LOADED}")
    assert printed.split() == ["True", "False"]


async def test_cookies_need_the_xsrf_token_and_tokens_do_not(accounts, people):
    browser = await sign_in(people(), "alice")
    assert (await browser.post("whoami")).json()["name"] == "alice"
    forged = await browser.http.post("whoami")
    assert (forged.status_code, forged.json()["error"]["code"]) == (403, "denied")
    assert (await people("alice").http.post("whoami")).json()["via"] == "token"
    nobody = await people().http.post("whoami")
    assert (nobody.status_code, nobody.json()["error"]["code"]) == (401, "not_signed_in")
    invalid = await browser.http.post("whoami", headers={"Authorization": "token wrong"})
    assert invalid.status_code == 403
    foreign = await browser.post("whoami", headers={"Origin": "https://evil.example"})
    assert foreign.status_code == 404


async def test_a_lease_can_tell_two_browsers_of_one_person_apart(accounts, people):
    one, two = await sign_in(people(), "alice"), await sign_in(people(), "alice")
    sessions = {(await person.get("whoami")).json()["session"] for person in (one, one, two, people("alice"))}
    assert len(sessions) == 3


async def test_alone_on_a_server_everybody_is_the_operating_systems_user(nobody, people, jp_serverapp):
    token = {"Authorization": f"token {jp_serverapp.identity_provider.token}"}
    owner, again = people(**token), people(**token)
    assert (await owner.get("whoami")).json()["name"] == "olive"
    kernel = await kernel_of(owner)
    assert await kernel_of(again) == kernel
    printed, _ = await (await again.connect(kernel)).run(ASK + "print(ask())")
    assert (json.loads(printed)["name"], json.loads(printed)["also"]) == ("olive", [])
    assert (await people().get("whoami")).status_code == 401
    assert (await owner.post("api/events", {})).status_code == 403
