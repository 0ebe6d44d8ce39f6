"""A vault behind nginx, with what docs and deploy/ tell nginx: no way around by paths or names, no call lost."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hubs import RealHub, answers, free_port, until
from serving import share

from jupyter_securecollab.client import Client
from jupyter_securecollab.model import AccessSpec
from jupyter_securecollab.proofs import parse_entry
from jupyter_securecollab.protocol import PREFIX

ROOT = Path(__file__).parent.parent.parent
NGINX = shutil.which("nginx") or shutil.which(ROOT / ".make" / "nginx" / "usr" / "sbin" / "nginx")
BASE = "/services/securecollab"
ROUTE = f"{BASE}/{PREFIX}/me"
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")

pytestmark = pytest.mark.skipif(NGINX is None and not os.environ.get("CI"), reason="no nginx: `make nginx`")


def standalone() -> str:
    """The snippet of docs/operate/standalone.md."""
    text = (ROOT / "docs" / "operate" / "standalone.md").read_text("utf-8")
    (snippet,) = re.findall(r"```nginx\n(.*?)```", text, re.DOTALL)
    return f"server {{\n{snippet}}}\n"


def deployed() -> str:
    """deploy/nginx/securecollab.conf without TLS."""
    text = (ROOT / "deploy" / "nginx" / "securecollab.conf").read_text("utf-8")
    zone, (_, https) = re.findall(r"^limit_req_zone.*$", text, re.MULTILINE)[0], text.split("\nserver {")[1:]
    kept = [line for line in https.splitlines() if not re.match(r"\s*(ssl_|listen|server_name|add_header)", line)]
    return "\n".join((zone, "server {", *kept))


@pytest.fixture(scope="module", params=[standalone, deployed])
def proxy(apart: RealHub, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of an nginx that serves the vault under whatever name it is asked for."""
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    site = request.param().replace("127.0.0.1:8765", f"127.0.0.1:{apart.port}")
    site = site.replace("server {", f"server {{ listen 127.0.0.1:{port};", 1)
    places = " ".join(f"{kind}_temp_path {folder}/{kind};" for kind in TEMPORARY)
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; {places}\n{site} }}"
    )
    command = [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    process = subprocess.Popen(command)
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}{BASE}/readyz"), process)
        yield port
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def token(apart: RealHub) -> str:
    apart.cli("user", "change", "alice", "--clearance", "secret")
    return apart.token("alice")


@pytest.fixture(scope="module", autouse=True)
def known(apart: RealHub) -> None:
    """Alice and bob have been here."""
    for name in ("alice", "bob"):
        with apart.client(apart.token(name)) as client:
            client.me()


def raw(port: int, request: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request.encode())
        received = b""
        while piece := connection.recv(65536):
            received += piece
        return received


def get(port: int, token: str, target: str, *headers: str) -> bytes:
    lines = (f"GET {target} HTTP/1.1", *headers, f"Authorization: token {token}", "Connection: close", "", "")
    return raw(port, "\r\n".join(lines))


def test_it_serves_under_its_own_name(proxy: int, token: str) -> None:
    assert b'"alice"' in get(proxy, token, ROUTE, "Host: 127.0.0.1")


@pytest.mark.parametrize("path", [
    "/", "/metrics", f"/{PREFIX}/me", f"/{ROUTE}", ROUTE.replace(PREFIX, f"/{PREFIX}"), f"{BASE}/metrics",
    ROUTE.replace("/me", "/../v1/me"), f"/hub/..{ROUTE}", f"{BASE}/%2e%2e/metrics", f"{BASE}/..%2fmetrics",
    f"{BASE}/{PREFIX}/%6d%65/../audit", ROUTE.replace("securecollab/api", "securecollab%2fapi"), f"{ROUTE}%00",
    f"{ROUTE}/",
])  # fmt: skip
def test_no_path_leads_beside_the_routes(proxy: int, token: str, path: str) -> None:
    answer = get(proxy, token, path, "Host: 127.0.0.1")
    assert answer.split()[1] in (b"404", b"400") and b"alice" not in answer


@pytest.mark.parametrize(("target", "headers"), [
    (ROUTE, ["Host: evil.example"]), (ROUTE, ["Host: 127.0.0.1.evil.example"]), (ROUTE, ["Host: 127.0.0.1@evil"]),
    (ROUTE, ["Host: [::2]"]), (ROUTE, ["Host: evil.example:80"]), (ROUTE, ["Host: 127.0.0.1", "Host: evil.example"]),
    (f"http://evil.example{ROUTE}", ["Host: 127.0.0.1"]), (ROUTE, ["X-Forwarded-Host: 127.0.0.1"]),
    (ROUTE, ["Host: evil.example", "X-Forwarded-Host: 127.0.0.1"]),
])  # fmt: skip
def test_under_no_other_name_even_with_a_good_token(proxy: int, token: str, target: str, headers: list[str]) -> None:
    answer = get(proxy, token, target, *headers)
    assert answer.split()[1] in (b"400", b"403") and b"alice" not in answer


def test_two_requests_in_one_are_not_taken_for_one(proxy: int, token: str) -> None:
    """A body whose length is said twice: read in two ways, what follows would be another's request."""
    smuggled = f"GET {ROUTE} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: token {token}\r\n\r\n"
    head = f"POST {BASE}/{PREFIX}/open HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    lengths = "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n"
    answer = raw(proxy, f"{head}{lengths}0\r\n\r\n{smuggled}")
    assert b'"alice"' not in answer and answer.split()[1] == b"400"


def test_a_restart_behind_it_loses_no_call_and_does_nothing_twice(
    apart: RealHub, proxy: int, token: str, tmp_path: Path
) -> None:
    name, given, enough = f"proxy/restart-{proxy}", [], threading.Event()
    url = f"http://127.0.0.1:{proxy}{BASE}"
    with closing(Client(url, token, memory=tmp_path / "other")) as alice:
        share(alice, name, size=400_000)

    def give() -> None:
        with closing(Client(url, token, memory=tmp_path / "memory", patience=300)) as alice:
            while not enough.is_set():
                alice.grant(name, AccessSpec(("bob",), because=str(len(given))))
                given.append(alice.revoke(name, ["bob"]).receipt.index)

    giving = threading.Thread(target=give)
    giving.start()
    try:
        for _ in range(2):
            before = len(given)
            until(lambda before=before: len(given) > before + 3 or not giving.is_alive())
            assert apart.stop_service() == 0
            apart.start_service()
        before = len(given)
        until(lambda: len(given) > before or not giving.is_alive())
    finally:
        enough.set()
        giving.join()
    with closing(Client(url, token, memory=tmp_path / "third")) as alice:
        entries = [parse_entry(one.body) for one in alice.audit(name=name, limit=1000)]
    reasons = [entry.detail["because"] for entry in entries if entry.act == "grant"]
    assert sorted(map(int, reasons)) == list(range(len(given)))
    assert sum(entry.act == "revoke" for entry in entries) == len(given) == len({*given})
