"""When the Hub or the service goes away and comes back, and what strange requests get: never a way in."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress

import httpx
import pytest
from hubs import RealHub, answers, free_port, until
from serving import error_of, share
from strangers import Stranger, listening

from jupyter_securecollab.client import Client
from jupyter_securecollab.errors import Denied, NotSignedIn, Unavailable
from jupyter_securecollab.model import AccessSpec, Level
from jupyter_securecollab.proofs import parse_entry
from jupyter_securecollab.protocol import PREFIX
from jupyter_securecollab.server.service.hub import Hub

NAME = "faults/patients"


@pytest.fixture(scope="module")
def tokens(apart: RealHub) -> dict[str, str]:
    """Tokens of people who have come; alice has shared something with the analysts."""
    tokens = {name: apart.token(name) for name in ("alice", "bob")}
    with apart.client(tokens["bob"]) as bob, apart.client(tokens["alice"]) as alice:
        bob.me()
        begun = alice.begin("faults/small", "frame", (Level.INTERNAL,))
        alice.abort(begun.version)
    return tokens


# ---- away and back -----------------------------------------------------------------------------------------------


def test_without_the_hub_nobody_is_let_in_and_with_it_all_goes_on_by_itself(apart: RealHub, tokens) -> None:
    with apart.http(tokens["bob"]) as bob, apart.http(apart.token("alice")) as never_seen:
        assert bob.post("open", json={"name": NAME}).status_code == 403  # the Hub answers: there is no such thing
        apart.stop()
        for answer in (bob.post("open", json={"name": NAME}), never_seen.get("me")):
            error = error_of(answer, 503)
            assert error.code == "unavailable" and "the Hub" in error.message and error.next_step
        assert answers(f"{apart.url}/readyz") and answers(f"{apart.url}/healthz")
        apart.start()
        assert bob.post("open", json={"name": NAME}).status_code == 403
        assert never_seen.get("me").json()["result"]["name"] == "alice"


def test_a_hub_that_hangs_keeps_nobody_waiting_for_others_and_is_asked_again_when_it_goes_on(
    apart: RealHub, tokens
) -> None:
    """It takes connections and says nothing: many who wait do not wait for one time-out after the other."""
    assert apart.process is not None
    many, before = 80, len(apart.lines())
    with apart.http(tokens["bob"]) as bob, ThreadPoolExecutor(many) as pool:
        assert bob.post("open", json={"name": NAME}).status_code == 403
        apart.process.send_signal(signal.SIGSTOP)
        try:
            asked = [pool.submit(bob.post, "open", json={"name": NAME}, timeout=120) for _ in range(many)]
            for one in asked:
                assert error_of(one.result(), 503).code == "unavailable"
            assert answers(f"{apart.url}/readyz")
        finally:
            apart.process.send_signal(signal.SIGCONT)
        unanswered = [line for line in apart.lines()[before:] if "the Hub does not answer" in line["message"]]
        assert 0 < len(unanswered) < many
        assert bob.post("open", json={"name": NAME}).status_code == 403


def test_a_service_started_again_serves_the_same_client(apart: RealHub, tokens) -> None:
    with apart.client(tokens["bob"]) as bob:
        before = bob.me()
        assert apart.stop_service() == 0
        with closing(Client(apart.url, tokens["bob"], patience=0)) as hurried, pytest.raises(Unavailable):
            hurried.me()
        apart.start_service()
        assert bob.me() == before


def test_stopping_takes_no_more_and_finishes_what_is_running(apart: RealHub, tokens) -> None:
    with apart.client(tokens["alice"]) as alice:
        begun = alice.begin("faults/slow", "frame", (Level.INTERNAL,))
    assert apart.service is not None
    address = "127.0.0.1", apart.port
    with socket.create_connection(address) as connection, httpx.Client(trust_env=False) as probe:
        assert probe.get(f"{apart.url}/readyz").status_code == 200
        head = (
            f"PUT /services/securecollab/{PREFIX}/versions/{begun.version}/parts/internal/0 HTTP/1.1\r\n"
            f"Host: 127.0.0.1\r\nAuthorization: token {tokens['alice']}\r\nContent-Length: 100000\r\n\r\n"
        )
        connection.sendall(head.encode() + b"x" * 50_000)
        until(lambda: any(path.is_file() for path in apart.vault.glob("objects/**/*")))
        os.kill(apart.service.pid, signal.SIGTERM)
        until(lambda: not answers(f"{apart.url}/healthz"))
        assert error_of(probe.get(f"{apart.url}/readyz"), 503).code == "unavailable"  # for who is connected
        connection.sendall(b"x" * 50_000)
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200") and b"Connection: close" in answer
    assert apart.service.wait(60) == 0 and '"message":"stopped"' in apart.log
    apart.start_service()


def test_a_restart_under_load_fails_no_call_and_does_nothing_twice(apart: RealHub, tokens) -> None:
    apart.cli("user", "change", "alice", "--clearance", "secret")
    people, enough = 4, threading.Event()
    shared: list[list[str]] = [[] for _ in range(people)]

    def work(number: int) -> None:
        memory = apart.folder / f"load-{number}"
        with closing(Client(apart.url, tokens["alice"], memory=memory, patience=300)) as alice:
            while not enough.is_set():
                name = f"load/{number}-{len(shared[number])}"
                assert share(alice, name).number == 1
                assert alice.open(name).number == 1 and alice.assets()
                shared[number].append(name)

    def everybody_shared_more() -> None:
        so_far = [len(names) for names in shared]
        until(lambda: all(len(now) > before for now, before in zip(shared, so_far, strict=True)) or failed())

    with ThreadPoolExecutor(people) as pool:
        working = [pool.submit(work, number) for number in range(people)]

        def failed() -> bool:
            return any(one.done() for one in working)

        try:
            for _ in range(2):
                everybody_shared_more()
                assert apart.stop_service() == 0
                apart.start_service()
            everybody_shared_more()
        finally:
            enough.set()
        for one in working:
            one.result()
    with apart.client(tokens["alice"]) as alice:
        entries = [parse_entry(entry.body) for entry in alice.audit(by="alice", limit=1000)]
    names = [name for names in shared for name in names]
    for act in ("commit", "open"):
        assert sorted(entry.name for entry in entries if entry.act == act and entry.name in names) == sorted(names)


UPLOADED = 8 * 1024 * 1024


def test_a_vault_killed_in_the_middle_of_an_upload_has_all_of_it_or_nothing(apart: RealHub, tokens) -> None:
    def chunks(*, until_killed: bool) -> Iterator[bytes]:
        for number in range(16):
            yield bytes([number]) * (UPLOADED // 16)
            if until_killed and number == 8:
                until(
                    lambda: any(path.stat().st_size for path in apart.vault.glob("objects/**/*") if path not in before)
                )
                assert apart.service is not None
                apart.service.kill()
                apart.service.wait()

    before = {*apart.vault.glob("objects/**/*")}
    with apart.client(tokens["alice"]) as alice:
        begun = alice.begin("faults/killed", "frame", (Level.INTERNAL,))
        with pytest.raises(Unavailable, match="does not answer"):
            alice.upload(begun.version, Level.INTERNAL, 0, chunks(until_killed=True))
        apart.start_service()
        with pytest.raises(Denied):
            alice.describe("faults/killed")
        alice.upload(begun.version, Level.INTERNAL, 0, chunks(until_killed=False))  # the same version goes on
        (stored,) = [
            path for path in apart.vault.glob("objects/**/*")
            if path not in before and path.is_file() and path.stat().st_size == UPLOADED
        ]  # fmt: skip
        alice.abort(begun.version)
        assert not stored.exists()
    apart.cli("gc")
    apart.cli("audit", "verify", "--state")


class _Strange(Stranger):
    """A Hub out of order: the path of the first answer says how."""

    def reply(self) -> tuple[int, bytes, str]:
        how = self.path.split("/")[1]
        status, body = {
            "html": (200, b"<html>sign in</html>"), "empty": (200, b""), "list": (200, b"[]"), "nameless": (200, b"{}"),
            "redirect": (302, b""), "teapot": (418, b"{}"), "down": (502, b"{}"),
            "nobody": (200, b'{"kind": "user", "name": "a/../b"}'), "forbidden": (403, b"{}"),
        }[how]  # fmt: skip
        return status, body, "http://127.0.0.1:1/"


@pytest.fixture(scope="module")
def strange() -> Iterator[str]:
    with listening(_Strange) as url:
        yield url


async def asked(url: str) -> None:
    hub = Hub(url, "own", "securecollab")
    try:
        await hub.person("token", fresh=True)
    finally:
        await hub.close()


@pytest.mark.parametrize("how", ["html", "empty", "list", "nameless", "redirect", "teapot", "down"])
def test_a_hub_that_talks_nonsense_lets_nobody_in(strange: str, how: str) -> None:
    with pytest.raises(Unavailable):
        asyncio.run(asked(f"{strange}/{how}"))


def test_a_hub_that_says_no_is_believed(strange: str) -> None:
    with pytest.raises(NotSignedIn):
        asyncio.run(asked(f"{strange}/forbidden"))


def test_a_hub_that_is_not_there_lets_nobody_in() -> None:
    with pytest.raises(Unavailable):
        asyncio.run(asked(f"http://127.0.0.1:{free_port()}"))


# ---- strange requests --------------------------------------------------------------------------------------------


def raw(apart: RealHub, request: bytes) -> bytes:
    """What the service answers, and that it ends the connection, to bytes we write ourselves."""
    with socket.create_connection(("127.0.0.1", apart.port)) as connection:
        connection.settimeout(30)
        with suppress(OSError):
            connection.sendall(request)
        answer = b""
        with suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                answer += piece
        return answer


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "evil.example:8000", "[::2]", "127.0.0.1@evil"]
)
def test_a_forged_host_is_refused_even_with_a_good_token(apart: RealHub, tokens, host: str) -> None:
    with apart.http(tokens["bob"]) as bob:
        assert bob.get("me").status_code == 200
        answer = bob.get("me", headers={"Host": host})
        assert answer.status_code in (400, 403) and "bob" not in answer.text


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_pages_elsewhere_get_no_leave_to_read(apart: RealHub, tokens, origin: str) -> None:
    with apart.http(tokens["bob"]) as bob:
        preflight = bob.options("me", headers={"Origin": origin, "Access-Control-Request-Method": "GET"})
        answers = (error_of(preflight, 405), bob.get("me", headers={"Origin": origin}))
        assert not {name for name in (*preflight.headers, *answers[1].headers) if name.startswith("access-control")}


ROUTE = f"/services/securecollab/{PREFIX}/me"


@pytest.mark.parametrize("path", [
    "/", "/services/securecollab", "/services/securecollab//", "/services/securecollab/metrics", "/metrics",
    "/hub/login", f"/{PREFIX}/me", f"/services/other/{PREFIX}/me", f"/{ROUTE}", ROUTE.replace(PREFIX, f"/{PREFIX}"),
    ROUTE.replace("/me", "/../v1/me"), "/services/securecollab/%2e%2e/metrics",
])  # fmt: skip
def test_beside_the_routes_there_is_nothing(apart: RealHub, tokens, path: str) -> None:
    head = f"Host: localhost\r\nAuthorization: token {tokens['bob']}\r\nConnection: close\r\n\r\n"
    answer = raw(apart, f"GET {path} HTTP/1.1\r\n{head}".encode())
    assert answer.startswith(b"HTTP/1.1 404") and b'"code":"not_found"' in answer and b"bob" not in answer


def test_http_1_0_and_none_at_all(apart: RealHub, tokens) -> None:
    path = f"/services/securecollab/{PREFIX}/me"
    assert b" 401 " in raw(apart, f"GET {path} HTTP/1.0\r\n\r\n".encode())
    assert b'"bob"' in raw(apart, f"GET {path} HTTP/1.0\r\nAuthorization: token {tokens['bob']}\r\n\r\n".encode())
    assert b"200 OK" not in raw(apart, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")
    assert answers(f"{apart.url}/healthz")


def test_headers_past_the_limit_are_not_kept(apart: RealHub, tokens) -> None:
    head = f"GET /services/securecollab/{PREFIX}/me HTTP/1.1\r\nHost: localhost\r\n"
    assert raw(apart, head.encode() + b"X-Big: " + b"x" * 20_000 + b"\r\n\r\n") == b""
    assert answers(f"{apart.url}/healthz")


def test_who_is_nobody_is_not_listened_to(apart: RealHub) -> None:
    """The answer comes before the body, and the connection ends."""
    for path, size in (("commit", 150_000_000), ("versions/" + "0" * 32 + "/parts/secret/0", 10**12)):
        method = "POST" if path == "commit" else "PUT"
        head = f"Host: localhost\r\nContent-Length: {size}\r\n\r\n"
        answer = raw(apart, f"{method} /services/securecollab/{PREFIX}/{path} HTTP/1.1\r\n{head}".encode())
        assert answer.startswith(b"HTTP/1.1 401") and answer.count(b"HTTP/1.1") == 1


def test_a_member_may_send_a_body_larger_than_strangers_may(apart: RealHub, tokens) -> None:
    with apart.http(tokens["alice"]) as alice:
        assert error_of(alice.post("commit", content=b" " * 3_000_000), 400).code == "invalid"
        assert error_of(alice.post("open", content=b" " * 3_000_000), 413).code == "too_large"


HURRIED = """
from jupyter_securecollab.server.service.listening import listening
listening.__kwdefaults__.update(idle=1.0, body=1.0)
"""


def test_who_sends_a_byte_now_and_then_is_not_waited_for(apart: RealHub, tokens) -> None:
    """The service itself, with a second of patience in place of a minute: the whole has to come in that time."""
    path = f"/services/securecollab/{PREFIX}"
    host = "Host: 127.0.0.1\r\n"
    bob = f"{host}Authorization: token {tokens['bob']}\r\n"
    beginnings = (
        "G",
        f"GET {path}/me HTTP/1.1\r\n{host}X-A: ",
        f"POST {path}/open HTTP/1.1\r\n{bob}Content-Length: 9999\r\n\r\n{{",
        "POST /hub/login HTTP/1.1\r\nContent-Length: 9999\r\n\r\nx",
    )
    apart.stop_service()
    apart.start_service(first=HURRIED)
    try:
        with ExitStack() as open_ones, apart.http(tokens["bob"]) as meanwhile:
            slow = [open_ones.enter_context(socket.create_connection(("127.0.0.1", apart.port))) for _ in range(200)]
            for number, one in enumerate(slow):
                one.sendall(beginnings[number % len(beginnings)].encode())
                one.setblocking(False)

            def all_gone() -> bool:
                slow[:] = [one for one in slow if still_open(one)]
                assert meanwhile.get("me").status_code == 200
                return not slow

            until(all_gone)
    finally:
        apart.stop_service()
        apart.start_service()


def still_open(connection: socket.socket) -> bool:
    """Whether it is, after one more byte."""
    try:
        connection.send(b"x")
        return connection.recv(65536) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


def test_two_thousand_idle_connections_keep_nobody_out(apart: RealHub, tokens) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    try:
        with ExitStack() as idle, apart.http(tokens["bob"]) as bob:
            for _ in range(2000):
                idle.enter_context(closing(socket.create_connection(("127.0.0.1", apart.port))))
            assert bob.get("me").status_code == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_what_is_shared_is_still_there_after_all_this(apart: RealHub, tokens) -> None:
    apart.cli("user", "change", "alice", "--clearance", "secret")
    with apart.client(tokens["alice"]) as alice, apart.client(tokens["bob"]) as bob:
        share(alice, NAME, access=AccessSpec(people=("@analysts",)))
        assert bob.open(NAME).up_to == Level.INTERNAL
    apart.cli("audit", "verify", "--state")


# ---- starting ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["JUPYTERHUB_API_URL", "JUPYTERHUB_API_TOKEN", "JUPYTERHUB_SERVICE_NAME"])
def test_without_a_hub_to_ask_there_is_no_service(tmp_path, missing: str) -> None:
    environment = {
        **os.environ, "JUPYTERHUB_API_URL": "http://127.0.0.1:1", "JUPYTERHUB_API_TOKEN": "t",
        "JUPYTERHUB_SERVICE_NAME": "s",
    }  # fmt: skip
    del environment[missing]
    command = [sys.executable, "-m", "jupyter_securecollab.cli", "--folder", str(tmp_path / "vault"), "serve"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and missing in done.stderr and not (tmp_path / "vault").exists()


def test_a_server_that_no_hub_started_does_not_pretend_to_use_a_service(tmp_path) -> None:
    """Nor does it start with a vault of its own, or without any: the administrator wanted the service."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    environment |= {f"JUPYTER_{name}_DIR": str(tmp_path) for name in ("CONFIG", "DATA", "RUNTIME")}
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", f"--ServerApp.port={free_port()}"),
        "--ServerApp.jpserver_extensions={'jupyter_securecollab': True}",
        "--SecureCollabApp.vault_url=http://127.0.0.1:1/services/securecollab",
    ]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "needs a server that JupyterHub started" in done.stderr
    assert not [*tmp_path.rglob("vault.sqlite")]


@pytest.mark.parametrize(("options", "says"), [
    (("record_code=plain",), "whether code is kept is chosen where the vault is"),
    (("auditors_key=x",), "whether code is kept is chosen where the vault is"),
    (("default_up_to=public", "vault_name=ours"), "vault_name, default_up_to: of a vault in this server"),
    (("witnesses=x",), "witnesses: of a vault in this server"),
    (("checkpoint_folder=x",), "checkpoint_folder: of a vault in this server"),
    (("audit_hooks=hours",), "this server knows none"),
    (("audit_hooks=nothing",), "there is no audit hook 'nothing'"),
    (("audit_hooks=acknowledge", "record_executions=off"), "audit hooks need the recording"),
    (("audit_hooks=forward", "Gateway"), "kernels that run on another server"),
])  # fmt: skip
def test_what_a_server_cannot_do_for_a_service_it_does_not_pretend_to_do(tmp_path, options, says: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    environment |= {f"JUPYTER_{name}_DIR": str(tmp_path) for name in ("CONFIG", "DATA", "RUNTIME")}
    environment |= {"JUPYTERHUB_USER": "alice", "JUPYTERHUB_API_TOKEN": "t"}
    command = [
        *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", f"--ServerApp.port={free_port()}"),
        "--ServerApp.jpserver_extensions={'jupyter_securecollab': True}", f"--SecureCollabApp.folder={tmp_path}",
        "--SecureCollabApp.vault_url=http://127.0.0.1:1/services/securecollab",
        *(f"--SecureCollabApp.{one}" for one in options if one != "Gateway"),
        *(["--GatewayClient.url=http://127.0.0.1:1/"] if "Gateway" in options else []),
    ]  # fmt: skip
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and says in done.stderr


def test_nothing_listens_anywhere_but_where_it_was_told(apart: RealHub) -> None:
    elsewhere = f"http://127.0.0.2:{apart.port}/services/securecollab/healthz"  # loopback as well, on Linux
    with pytest.raises(httpx.TransportError):
        httpx.get(elsewhere, timeout=5, trust_env=False)
