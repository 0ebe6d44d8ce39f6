"""Kernels on servers of people's own, each under its own uid: the vault is a wall between them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from browsing import Browser, browser
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hubs import AUDITOR, DRIVER, OWN, STEWARD, USE, UserServers, answers, free_port, until
from nbformat.v4 import new_code_cell
from serving import error_of

from demo.websocket import NotebookSession, text_of
from jupyter_securecollab.client import Client
from jupyter_securecollab.errors import Unavailable
from jupyter_securecollab.proofs import LogSigner
from jupyter_securecollab.protocol import PREFIX

pytestmark = pytest.mark.timeout(900)  # a Hub and four servers start on a machine that may be busy

PATIENTS = """
import pandas as pd
patients = pd.DataFrame({"patient": range(1, 41), "ssn": [f"{n:03}-{n:02}-{n:04}" for n in range(501, 541)]})
get_ipython().run_line_magic("classify", "patients --set patient=internal ssn=secret --accept")
"""
SHARE = "%share patients --as oncology/patients --with bob --yes"
OPEN = "patients = %open oncology/patients\nprint(patients.head(3).to_csv())"


class AtANotebook:
    """Somebody with a notebook open on a server."""

    def __init__(self, session: NotebookSession, runner: asyncio.Runner) -> None:
        self._session, self._runner = session, runner

    def says(self, code: str, *, fails: bool = False) -> str:
        """What a cell prints and shows; it has to work, or else to fail."""
        cell = new_code_cell(code, metadata={"tags": ["raises-exception"] if fails else []})
        self._runner.run(self._session.run([cell]))
        return text_of(cell)


@contextmanager
def at_a_notebook(servers: UserServers, name: str, *, visitor: str | None = None) -> Iterator[AtANotebook]:
    """On this person's server, who is there himself unless somebody visits."""
    session = NotebookSession(servers.server(name), servers.token(visitor or name), "notes.ipynb")
    with asyncio.Runner() as runner:
        runner.run(session.__aenter__())
        try:
            yield AtANotebook(session, runner)
        finally:
            runner.run(session.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def alice(servers: UserServers) -> Iterator[AtANotebook]:
    """Alice, who has shared something with bob."""
    with at_a_notebook(servers, "alice") as alice, at_a_notebook(servers, "bob") as bob:
        assert "a wall between its users" in alice.says("%vault") and "bob" in bob.says("%vault")
        servers.cli("user", "change", "alice", "--clearance", "secret")
        alice.says(PATIENTS)
        alice.says(SHARE)
        yield alice


@pytest.fixture(scope="module")
def bob(servers: UserServers, alice: AtANotebook) -> Iterator[AtANotebook]:
    with at_a_notebook(servers, "bob") as bob:
        yield bob


def test_bob_opens_in_his_kernel_what_alice_shared_from_hers_masked(bob: AtANotebook) -> None:
    said = bob.says(OPEN)
    assert "patient,ssn" in said and "0501" not in said and "501-" not in said


def test_alice_reads_all_of_it(alice: AtANotebook) -> None:
    assert "501-501-0501" in alice.says("again = %open oncology/patients\nprint(again.head(3).to_csv())")


def test_eve_without_the_role_gets_nothing(servers: UserServers, alice: AtANotebook) -> None:
    with at_a_notebook(servers, "eve") as eve:
        assert "carries no role for this vault" in eve.says("%open oncology/patients", fails=True)


def test_a_stewards_kernel_is_a_members(servers: UserServers, alice: AtANotebook) -> None:
    with at_a_notebook(servers, "dana") as dana:
        said = dana.says("from jupyter_securecollab.client import connect\nprint(connect().me().roles)")
    assert said.strip() == "('member',)"
    with servers.client(servers.token("dana")) as own:
        assert own.me().roles == ("member", "steward")


def test_the_logs_key_is_the_one_the_administrator_set(servers: UserServers, bob: AtANotebook) -> None:
    assert bob.says("import os; print(os.environ['SECURECOLLAB_LOG_KEY'])").strip() == servers.log_key


ATTEMPT = """
import ctypes, os, pathlib
libc = ctypes.CDLL(None, use_errno=True)
def attempt(act):
    try:
        return f"got {act()!r}"
    except OSError as error:
        return type(error).__name__
def attach(pid):  # PTRACE_SEIZE
    if libc.ptrace(0x4206, pid, None, None) != 0:
        raise OSError(ctypes.get_errno(), "ptrace")
"""


def test_bobs_kernel_reaches_neither_the_vault_nor_alice_by_other_roads(
    servers: UserServers, alice: AtANotebook, bob: AtANotebook
) -> None:
    kernel, server = alice.says("import os; print(os.getpid(), os.getppid())").split()
    assert servers.service is not None and servers.process is not None
    bob.says(ATTEMPT)
    places = (
        *(servers.vault / name for name in ("", "vault.sqlite", "root.key", "log.key", "objects")),
        *(servers.folder / name for name in ("", "jupyterhub.sqlite", "jupyterhub_cookie_secret", "hub.log")),
        servers.base / "homes" / "alice", servers.base / "homes" / "alice" / ".local",
    )  # fmt: skip
    roads = [f"os.listdir({str(place)!r}) if {not place.suffix} else open({str(place)!r}).read(9)" for place in places]
    for pid in (servers.service.pid, servers.process.pid, kernel, server):
        roads += [f"open('/proc/{pid}/{name}', 'rb').read(9)" for name in ("environ", "mem", "maps", "auxv")]
        roads += [f"os.listdir('/proc/{pid}/{name}')" for name in ("fd", "cwd/", "map_files")]
        roads += [f"os.kill({pid}, 0)", f"attach({pid})"]
    said = bob.says(f"for road in {roads}:\n    print(attempt(lambda: eval(road)), road)").splitlines()
    assert len(said) == len(roads) and [line for line in said if not line.startswith("PermissionError ")] == []
    # The same roads are open to whom they belong, so the names above are right.
    alice.says(ATTEMPT)
    own = [road for road in roads if "homes/alice" in road or f"/proc/{kernel}/environ" in road]
    for road in (*own, f"os.kill({server}, 0)", f"open('/proc/{server}/mem', 'rb')"):
        assert "got" in alice.says(f"print(attempt(lambda: {road}))"), road


def test_what_bob_can_read_of_others_processes_holds_no_token(servers: UserServers, alice, bob) -> None:
    secrets = alice.says("import os; print(os.environ['JUPYTERHUB_API_TOKEN'], os.environ['SECURECOLLAB_TOKEN'])")
    everything = "b''.join(p.read_bytes() for p in pathlib.Path('/proc').glob('[0-9]*/cmdline') if p.exists())"
    bob.says(f"{ATTEMPT}\nseen = {everything}.decode(errors='replace')")
    assert bob.says("print('singleuser' in seen, 'jupyterhub' in seen)").strip() == "True True"
    for secret in (*secrets.split(), OWN, DRIVER):
        assert bob.says(f"print({secret!r} in seen)").strip() == "False"


LISTEN = """
import zmq
lines = [line.split() for line in open("/proc/net/tcp").readlines()[1:]]
ports = [int(one[1].split(":")[1], 16) for one in lines if one[3] == "0A" and one[7] == "{uid}"]
ear = zmq.Context.instance().socket(zmq.SUB)
ear.subscribe(b"")
for port in ports:
    ear.connect(f"tcp://127.0.0.1:{{port}}")
print(len(ports))
"""


def test_what_alices_kernel_prints_is_not_heard_on_the_machine(alice: AtANotebook, bob: AtANotebook) -> None:
    """Kernels listen on ports of the machine, where anybody may connect: what they say there is encrypted."""
    assert int(bob.says(LISTEN.format(uid=UserServers.UIDS["alice"]))) >= 5
    for _ in range(3):
        alice.says("print('only for alice')")
    assert bob.says("print(ear.poll(1000))\near.close()").strip() == "0"


def test_alices_lease_and_her_old_token_are_worth_nothing_to_bob(servers: UserServers, alice, bob) -> None:
    lease = alice.says("""
from jupyter_securecollab.client import connect
opened = connect().open("oncology/patients")
print(opened.version, opened.lease)""").split()
    old = servers.ask("POST", "users/alice/tokens", note="revoked")
    servers.ask("DELETE", f"users/alice/tokens/{old['id']}")
    said = bob.says(f"""
import httpx, os
from jupyter_securecollab.client import connect, Client
from jupyter_securecollab.protocol import LEASE_HEADER, PREFIX
def part(token, lease):
    address = f"{{os.environ['SECURECOLLAB_URL']}}/{{PREFIX}}/versions/{lease[0]}/parts/secret/0"
    headers = {{"Authorization": f"token {{token}}", LEASE_HEADER: lease, "Range": "bytes=0-9"}}
    return httpx.get(address, headers=headers, trust_env=False).status_code
own = connect().open("oncology/patients").lease
token = os.environ["SECURECOLLAB_TOKEN"]
print(part(token, {lease[1]!r}), part(token, own), part({old["token"]!r}, {lease[1]!r}))
""")
    assert said.split() == ["403", "403", "401"]
    assert alice.says("print(len(connect().read_part(opened, max(opened.levels), 0, 0, 10)))").strip() == "10"


def code_for(servers: UserServers, dana: Browser, **scope: str) -> str | None:
    """What the Hub gives alice's server when dana visits it, to be exchanged for a token of hers; None if nothing."""
    query = {
        "client_id": "jupyterhub-user-alice", "redirect_uri": "/user/alice/oauth_callback", "response_type": "code",
        "state": "s",
    } | scope  # fmt: skip
    answer = dana.follow(
        dana.http.get(f"{servers.entrance}/hub/api/oauth2/authorize", params=query), until="/user/alice/oauth_callback"
    )
    return parse_qs(urlsplit(answer.headers.get("Location", "")).query).get("code", [None])[0]


def test_a_steward_who_visits_alices_server_leaves_no_power_there(servers: UserServers, alice: AtANotebook) -> None:
    """Alice controls the server, and so has whatever token of the visitor the Hub gives it."""
    own = servers.token("alice")
    servers.ask("POST", "shares/alice/", own, user="dana", scopes=["access:servers!server=alice/"])
    secret = alice.says("import os; print(os.environ['JUPYTERHUB_API_TOKEN'])").strip()
    with browser(servers, "dana") as dana:
        code = code_for(servers, dana)
        assert code_for(servers, dana, scope=STEWARD) is None
    told = {
        "client_id": "jupyterhub-user-alice", "client_secret": secret, "grant_type": "authorization_code",
        "code": code, "redirect_uri": "/user/alice/oauth_callback",
    }  # fmt: skip
    given = httpx.post(f"http://127.0.0.1:{servers.hub}/hub/api/oauth2/token", data=told, trust_env=False).json()
    visitor = servers.ask("GET", "user", given["access_token"])
    assert visitor["name"] == "dana" and not [one for one in visitor["scopes"] if "securecollab" in one]
    with servers.http(given["access_token"]) as vault:
        for answer in (vault.get("me"), vault.post("open", json={"name": "oncology/patients"})):
            assert error_of(answer, 403).decision.policies == ("deny.no_role",)


def test_who_executes_on_alices_server_acts_in_her_name_and_nobody_is_told_otherwise(
    servers: UserServers, alice: AtANotebook
) -> None:
    """A kernel knows its server's owner alone. The record says that it is her server's word, and of which notebook."""
    servers.ask("POST", "shares/alice/", servers.token("alice"), user="bob", scopes=["access:servers!server=alice/"])
    try:
        with at_a_notebook(servers, "alice", visitor="bob") as visitor:
            assert (
                visitor.says("from jupyter_securecollab.client import connect\nprint(connect().me().name)") == "alice\n"
            )
            visitor.says("'something that a visitor executes'")
        length = len("'something that a visitor executes'")
        with servers.client(servers.token("alice")) as own, servers.client(servers.token("bob")) as bob:
            until(lambda: any(one.start.length == length for one in own.executions(limit=1000)))
            (one,) = [one.start for one in own.executions(limit=1000) if one.start.length == length]
            assert (one.who, one.reported_by, one.notebook) == ("alice", "alice", "notes.ipynb") and one.kernel
            assert length not in [one.start.length for one in bob.executions(limit=1000)]
    finally:
        servers.ask("DELETE", "shares/alice/?user=bob", servers.token("alice"))


EXPORT = """
import sys
from pathlib import Path
from jupyter_securecollab.client import Client
url, token, log_key = sys.stdin.read().split()
Client(url, token, log_key=log_key).export(Path("log.bundle"))
"""


def test_carol_verifies_the_log_on_an_account_of_her_own(servers: UserServers, alice) -> None:
    """She needs neither a server nor the vault's files: a bundle, and the key she was given."""
    told = f"{servers.url} {servers.token('carol', USE, AUDITOR)} {servers.log_key}"
    assert servers.on_the_machine("carol", sys.executable, "-c", EXPORT, told=told).returncode == 0
    verify = (sys.executable, "-m", "jupyter_securecollab.cli", "audit", "verify", "log.bundle", "--state", "--key")
    done = servers.on_the_machine("carol", *verify, servers.log_key)
    assert "The state is what the log says" in done.stdout, done.stderr
    bundle = servers.base / "homes" / "carol" / "log.bundle"
    assert (bundle.stat().st_uid, bundle.stat().st_mode & 0o777) == (servers.ELSEWHERE["carol"], 0o600)
    other = LogSigner(Ed25519PrivateKey.generate(), "vault").log_key
    assert servers.on_the_machine("carol", *verify, other).returncode == 1
    bundle.write_bytes(bundle.read_bytes().replace(b"oncology/patients", b"oncology/patientz", 1))
    assert servers.on_the_machine("carol", *verify, servers.log_key).returncode == 1


def test_the_sidebar_asks_through_the_owners_server_and_nobody_else_may(servers: UserServers, bob) -> None:
    address = f"{servers.server('bob')}/{PREFIX}"
    own = {"Authorization": f"token {servers.token('bob')}"}
    me = httpx.get(f"{address}/me", headers=own, timeout=30, trust_env=False)
    assert me.json()["result"]["name"] == "bob" and me.json()["result"]["deployment"] == "service"
    assert httpx.get(f"{address}/assets", headers=own, timeout=30, trust_env=False).json()["result"]
    told = httpx.get(f"{address}/recording", headers=own, timeout=30, trust_env=False).json()["result"]
    assert (told["mode"], told["why_not"]) == ("flag", [])
    for path in ("audit", "open", "assets/oncology/patients", "label-key", "corrections", "nothing"):
        error_of(httpx.get(f"{address}/{path}", headers=own, timeout=30, trust_env=False), 404)
    visitor = {"Authorization": f"token {DRIVER}"}  # may use all servers, as an administrator of the Hub may
    error_of(httpx.get(f"{address}/me", headers=visitor, timeout=30, trust_env=False), 403)
    assert httpx.get(f"{address}/me", timeout=30, trust_env=False).status_code in (401, 403)


def test_what_bob_executes_on_his_server_is_on_record_as_his_servers_word(servers: UserServers, bob) -> None:
    bob.says("'something that bob alone executes'")
    with servers.client(servers.token("bob")) as own:
        until(lambda: any(one.start.length == len("'something that bob alone executes'") for one in own.executions()))
    assert "advisory: bob's own server says so" in bob.says("%audit --executions")


def test_while_the_vault_is_away_bobs_server_keeps_what_he_executes_and_says_so(servers: UserServers, bob) -> None:
    def told() -> dict[str, Any]:
        own = {"Authorization": f"token {servers.token('bob')}"}
        address = f"{servers.server('bob')}/{PREFIX}/recording"
        return httpx.get(address, headers=own, timeout=60, trust_env=False).json()["result"]

    doctor = "import sys\n!{sys.executable} -m jupyter_securecollab.cli doctor"
    assert "advisory (this server is yours)" in bob.says("%vault")
    assert told()["advisory"] and told()["since"] is None and "records what is executed" in bob.says(doctor)
    servers.stop_service()
    try:
        bob.says("'executed while the vault is away'")
        until(lambda: told()["since"])
        away = told()
        assert (away["mode"], away["why_not"], away["advisory"]) == ("flag", [], True) and away["waiting"] >= 2
        assert "Records are kept there until the vault takes them again" in bob.says(doctor)
        said = bob.says("%vault", fails=True)
        assert "does not answer. Executions are kept here, " in said and " records waiting, since " in said
    finally:
        servers.start_service()
    until(lambda: (told()["waiting"], told()["since"]) == (0, None))
    with servers.client(servers.token("bob")) as own:
        until(lambda: any(one.start.length == len("'executed while the vault is away'") for one in own.executions()))
    assert "NOT recorded" not in (servers.folder / "hub.log").read_text()


def opens(client: Client) -> bool:
    with suppress(Unavailable):
        return bool(client.open("oncology/patients"))
    return False


def test_a_witness_under_a_user_of_its_own_is_out_of_everybodys_reach_and_needed(servers: UserServers, bob) -> None:
    uid, port, place = 30098, free_port(), servers.base / "witness"
    place.mkdir(mode=0o700)
    os.chown(place, uid, uid)
    files = ("--key", str(place / "w.key"), "--state", str(place / "w.state"))
    own = {"cwd": place, "user": uid, "group": uid, "extra_groups": []}
    command = [sys.executable, "-m", "jupyter_securecollab.cli", "witness"]
    made = subprocess.run(
        [*command, "keygen", "w.example/1", *files], capture_output=True, text=True, check=True, **own
    )
    key = made.stdout.split()[-1]

    def started() -> subprocess.Popen[bytes]:
        serve = ["serve", *files, "--log-key", servers.log_key, "--port", str(port)]
        process = subprocess.Popen([*command, *serve], stderr=subprocess.DEVNULL, **own)
        until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), process)
        return process

    witness = started()
    servers.stop_service()
    servers.start_service("--witness", key, f"http://127.0.0.1:{port}")
    try:
        assert "patient" in bob.says(OPEN)
        assert "The state is what the log says" in servers.cli("audit", "verify", "--state", "--witness", key)
        for name in ("w.key", "w.state"):
            assert "PermissionError" in bob.says(f"open({str(place / name)!r})", fails=True)
            read = ["cat", str(place / name)]
            assert subprocess.run(read, capture_output=True, check=False, user=servers.SERVICE_UID).returncode == 1
        assert "PermissionError" in bob.says(f"import os\nos.kill({witness.pid}, 9)", fails=True)
        witness.kill()
        witness.wait()
        assert "witness" in bob.says(OPEN, fails=True)
        witness = started()
        until(lambda: "patient" in bob.says(f"try:\n    get_ipython().run_cell({OPEN!r})\nexcept BaseException: pass"))
    finally:
        witness.kill()
        witness.wait()
        servers.stop_service()
        servers.start_service()


def test_taken_out_of_the_group_of_members_bob_is_refused_in_his_kernel(servers: UserServers, bob) -> None:
    assert "patient" in bob.says(OPEN)
    servers.ask("DELETE", "groups/securecollab-members/users", users=["bob"])
    assert "carries no role" in bob.says(OPEN, fails=True)
    servers.ask("POST", "groups/securecollab-members/users", users=["bob"])


def test_after_all_this_the_tables_are_what_the_log_says(servers: UserServers, bob: AtANotebook) -> None:
    assert "The state is what the log says" in servers.cli("audit", "verify", "--state")


def test_when_the_hub_is_restarted_kernels_go_on_with_it(servers: UserServers, alice, bob: AtANotebook) -> None:
    bob.says("kept = 'still here'")
    servers.stop()
    assert "the Hub cannot say just now who you are" in bob.says(OPEN, fails=True)
    servers.start()
    with at_a_notebook(servers, "bob") as again:  # the proxy was started anew, and his browser connects anew
        assert "still here" in again.says("print(kept)") and "patient" in again.says(OPEN)
