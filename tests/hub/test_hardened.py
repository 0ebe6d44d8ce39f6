"""Kernels under their people's users, started by a recorder that is another's: what that stops, and what it records."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest
from hubs import DRIVER, OTHER, RecordedServers, until
from own_uids import under_own_uids
from serving import error_of
from test_hub_servers import ATTEMPT, AtANotebook, at_a_notebook

from jupyter_securecollab.protocol import PREFIX, ROUTES, Reply, Report
from jupyter_securecollab.runs import Record, Run, Seen, SpoolKey
from jupyter_securecollab.server.extension import recorder as recorder_module
from jupyter_securecollab.server.extension.doctor import ELSEWHERE
from jupyter_securecollab.server.vault import now
from jupyter_securecollab.spooled import Sealing

pytestmark = pytest.mark.timeout(300)


NAME = "recorder:securecollab-kernels"


@pytest.fixture(scope="module")
def servers() -> Iterator[RecordedServers]:
    with under_own_uids(RecordedServers) as running:
        yield running


@pytest.fixture(scope="module")
def alice(servers: RecordedServers) -> Iterator[AtANotebook]:
    with at_a_notebook(servers, "alice") as alice:
        alice.says(ATTEMPT)
        yield alice


@pytest.fixture(scope="module")
def bob(servers: RecordedServers) -> Iterator[AtANotebook]:
    with at_a_notebook(servers, "bob") as bob:
        bob.says(ATTEMPT)
        yield bob


def found(servers: RecordedServers, code: str) -> Run:
    """What carol, the auditor, finds of the execution of this code, which no other is as long as."""
    with servers.client(servers.token("carol")) as carol:

        def those() -> list[Run]:
            return [one for one in carol.executions(limit=1000) if one.start.length == len(code) and one.end]

        until(those)
        (one,) = those()
    return one


def recorder(alice: AtANotebook) -> int:
    return int(alice.says("import os; print(os.getppid())"))


def test_a_kernel_is_its_persons_and_holds_nothing_of_the_recorders(servers: RecordedServers, alice, bob) -> None:
    uid = servers.UIDS["alice"]
    assert alice.says("print(os.getresuid(), os.getresgid(), os.getgroups(), os.getcwd() == os.environ['HOME'])") == (
        f"({uid}, {uid}, {uid}) ({uid}, {uid}, {uid}) [] True\n"
    )
    status = alice.says("print(open('/proc/self/status').read())")
    caps = {line.split()[0]: line.split()[1] for line in status.splitlines() if line.startswith(("Cap", "NoNew"))}
    assert {caps[f"Cap{one}:"] for one in ("Inh", "Prm", "Eff", "Amb")} == {"0" * 16} and caps["NoNewPrivs:"] == "1"
    assert alice.says(
        "print(sorted(n for n in os.environ if 'TOKEN' in n or n.startswith(('LD_', 'PYTHON', 'JUPYTER'))))"
    ) == ("['SECURECOLLAB_TOKEN']\n")
    assert str(servers.UIDS["bob"]) in bob.says("print(os.getuid())")
    assert Path(f"/proc/{recorder(alice)}").stat().st_uid == servers.RECORDER_UID
    with servers.client(name_token(alice)) as hers:
        until(lambda: hers.recording().mode == "flag")


def test_what_is_executed_is_on_record_and_not_merely_her_word(servers: RecordedServers, alice) -> None:
    code = "'what alice executes on the record'"
    alice.says(code)
    one = found(servers, code)
    assert (one.start.who, one.start.reported_by, one.start.recorder) == ("alice", None, NAME)
    assert one.remarks == () and one.outcome == "ok"
    said = alice.says("%vault")
    assert "recorded: who, where" in said and "advisory" not in said
    log = (servers.folder / "hub.log").read_text()
    assert ELSEWHERE in log and "NOT recorded" not in log


def test_nothing_she_does_in_her_kernel_takes_it_off_the_record(servers: RecordedServers, alice) -> None:
    alice.says(
        "ip = get_ipython()\nip.extension_manager.loaded.clear()\n"
        "for event in list(ip.events.callbacks):\n    ip.events.callbacks[event].clear()\n"
        "ip.events.register = lambda *a: None\nip.display_pub.publish = lambda *a, **k: None"
    )
    code = "'unseen by any hook of the kernel, as alice hopes'"
    alice.says(code)
    assert found(servers, code).remarks == ()


def test_her_kernel_can_neither_read_nor_stop_nor_change_the_recorder(servers: RecordedServers, alice, bob) -> None:
    pid, files = recorder(alice), [*servers.own.iterdir(), *servers.runtime.glob("kernel-*.json")]
    assert len(files) >= 4
    owner = {one: one.stat().st_uid for one in files}
    reads = [f"os.listdir({str(place)!r})" for place in (servers.own, servers.runtime)]
    reads += [f"open({str(one)!r}).read(9)" for one in files if owner[one] != servers.UIDS["alice"]]
    reads += [f"open('/proc/{pid}/{name}', 'rb').read(9)" for name in ("environ", "mem", "maps", "auxv")]
    reads += [f"os.listdir('/proc/{pid}/{name}')" for name in ("fd", "cwd/", "map_files")]
    writes = [f"open({str(place / 'new')!r}, 'w')" for place in (servers.own, servers.runtime, servers.etc)]
    writes += [f"os.symlink('/etc/passwd', {str(servers.runtime / 'kernel-0.json')!r})"]
    writes += [f"open({str(one)!r}, 'a')" for one in (*servers.etc.iterdir(), sys.executable, recorder_module.__file__)]
    writes += [f"os.unlink({str(one)!r})" for one in files] + [f"os.rename({str(servers.own)!r}, '/tmp/away')"]
    stops = [f"os.kill({pid}, {number})" for number in (0, 9, 19, 15)] + [f"attach({pid})"]
    stops += [f"os.sched_setaffinity({pid}, {{0}})", f"os.setpriority(os.PRIO_PROCESS, {pid}, 19)", "os.setuid(0)"]
    stops += [f"os.setuid({servers.RECORDER_UID})", f"os.setgroups([{servers.RECORDER_UID}])"]
    roads = [*reads, *writes, *stops]
    said = alice.says(f"for road in {roads}:\n    print(attempt(lambda: eval(road)), road)").splitlines()
    assert len(said) == len(roads) and [line for line in said if not line.startswith("PermissionError ")] == []
    # Her own connection file she may read, so the names above are right.
    (hers,) = [one for one in files if owner[one] == servers.UIDS["alice"]]
    assert hers.stat().st_mode & 0o777 == 0o600
    assert "curve_secretkey" in alice.says(f"print(attempt(lambda: open({str(hers)!r}).read()))")


def asked(servers: RecordedServers, token: str | None, method: str, path: str, **options) -> httpx.Response:
    headers = {} if token is None else {"Authorization": f"token {token}"}
    return httpx.request(method, f"{servers.recorder}{path}", headers=headers, timeout=60, trust_env=False, **options)


def test_the_recorder_serves_kernels_alone_and_everybody_his_own(servers: RecordedServers, alice, bob) -> None:
    own, other = (name_token(kernel) for kernel in (alice, bob))
    (hers,) = asked(servers, own, "GET", "/api/kernels").json()
    (his,) = asked(servers, other, "GET", "/api/kernels").json()
    assert hers["id"] != his["id"]
    ways = (("GET", ""), ("DELETE", ""), ("POST", "/restart"), ("POST", "/interrupt"), ("GET", "/channels"))
    for method, end in ways:
        assert asked(servers, own, method, f"/api/kernels/{his['id']}{end}").status_code == 404, end
    for path in (
        "/api/contents", "/files/etc/passwd", "/api/terminals", "/terminals/websocket/1", "/nbconvert/html/x", "/lab",
        "/tree", "/api/sessions", "/api/config/x", "/api/status", "/metrics", "/api/events", "/login", "/view/x",
        "/lsp/status", f"/{PREFIX}/me",
    ):  # fmt: skip
        assert asked(servers, own, "GET", path).status_code == 404, path
    assert asked(servers, own, "POST", "/api/shutdown").status_code == 404
    for token in (None, "x" * 40, servers.token("eve"), servers.token("carol")):
        assert asked(servers, token, "GET", "/api/kernels").status_code == 403
        assert asked(servers, token, "POST", "/api/kernels", json={"name": "python3"}).status_code == 403
    assert asked(servers, None, "GET", f"/api/kernels?token={own}").status_code == 403
    assert asked(servers, None, "GET", "/metrics").status_code == 404


def name_token(kernel: AtANotebook) -> str:
    return kernel.says("print(os.environ['SECURECOLLAB_TOKEN'])").strip()


def test_she_chooses_no_kernel_or_id_or_configuration_of_her_own(servers: RecordedServers, alice) -> None:
    own = name_token(alice)
    alice.says(
        "import json, pathlib\nhome = pathlib.Path.home()\n"
        "spec = {'argv': ['/bin/sh', '-c', 'touch ran-as-she-wished'], 'display_name': 'x', 'language': 'x'}\n"
        "for name in ('python3', 'hers'):\n"
        "    folder = home / '.local/share/jupyter/kernels' / name\n"
        "    folder.mkdir(parents=True)\n"
        "    (folder / 'kernel.json').write_text(json.dumps(spec))\n"
        "(home / '.jupyter').mkdir(exist_ok=True)\n"
        "(home / '.jupyter/jupyter_securecollab_kernels_config.py').write_text('1/0')"
    )
    assert list(asked(servers, own, "GET", "/api/kernelspecs").json()["kernelspecs"]) == ["python3"]
    assert asked(servers, own, "POST", "/api/kernels", json={"name": "hers"}).status_code >= 400
    for name in ("x/../../../../tmp/x", "0" * 36):
        answer = asked(servers, own, "POST", "/api/kernels", json={"name": "python3", "kernel_id": name})
        assert answer.status_code >= 400, name
    begun = asked(servers, own, "POST", "/api/kernels", json={
        "name": "python3", "env": {"LD_PRELOAD": "/tmp/x.so", "KERNEL_USERNAME": "bob"}, "path": "/etc",
    })  # fmt: skip
    assert begun.status_code == 201
    assert not (servers.base / "homes/alice/ran-as-she-wished").exists()
    assert asked(servers, own, "DELETE", f"/api/kernels/{begun.json()['id']}").status_code == 204
    until(lambda: not (servers.runtime / f"kernel-{begun.json()['id']}.json").exists())


def test_her_token_reports_her_word_alone_and_the_recorders_opens_nothing(servers: RecordedServers, alice) -> None:
    environment = Path(f"/proc/{recorder(alice)}/environ").read_bytes().split(b"\0")
    (token,) = [one.partition(b"=")[2].decode() for one in environment if one.startswith(b"JUPYTERHUB_API_TOKEN=")]
    with servers.http(token) as own, servers.http(name_token(alice)) as hers:
        key = msgspec.json.decode(own.get("spool-key").content, type=Reply[SpoolKey]).result.key
        for number, (who, person) in enumerate(((own, "bob"), (hers, "bob"))):
            record = Record(
                v=1, what="start", run=f"{number:032x}", at=now(), act="execute", who=person, notebook="told.ipynb",
                recorder=NAME,
            )  # fmt: skip
            sealing = Sealing(bytes(16), number, key)
            body = msgspec.json.encode(Report("00" * 16, number, sealing.head + sealing.frame(Seen(record))))
            assert who.post("records", content=body).json()["result"] == {"records": 1, "whole": True}
        for route in ROUTES:
            if route.name not in ("spool_key", "report"):
                path = route.path.format(
                    name="a/b", version="0" * 32, level="secret", partition=0, index=0, grant=0, request=0, number=0
                )
                error_of(own.request(route.method, path, content=b"{}" if route.method == "POST" else None), 403)
    with servers.client(servers.token("carol")) as carol:
        told = carol.executions(notebook="told.ipynb")
    assert [(one.start.who, one.start.reported_by, one.start.recorder) for one in told] == [
        ("bob", None, NAME), ("alice", "alice", None)
    ]  # fmt: skip


def test_only_a_service_with_the_scope_and_access_is_a_recorder(servers: RecordedServers, alice) -> None:
    """A person who was given the scope, one service without access to the vault, one without the scope."""
    for token in (servers.token("no-role"), DRIVER, OTHER):
        with servers.http(token) as other:
            error_of(other.post("records", json={"spool": "00" * 16, "number": 0, "segment": "AAAA"}), 403)


def test_the_recorder_interrupts_and_restarts_kernels_that_are_not_its_users(servers: RecordedServers, alice) -> None:
    own = name_token(alice)
    (kernel,) = asked(servers, own, "GET", "/api/kernels").json()
    before = int(alice.says("import os; print(os.getpid())"))
    said = alice.says(
        f"import httpx, time\naddress = {servers.recorder + '/api/kernels/' + kernel['id'] + '/interrupt'!r}\n"
        "token = os.environ['SECURECOLLAB_TOKEN']\n"
        "httpx.post(address, headers={'Authorization': f'token {token}'}, trust_env=False)\ntime.sleep(30)",
        fails=True,
    )
    assert "KeyboardInterrupt" in said
    assert asked(servers, own, "POST", f"/api/kernels/{kernel['id']}/restart").status_code == 200
    assert not Path(f"/proc/{before}").exists()
    after = int(alice.says("import os; print(os.getpid())"))
    assert Path(f"/proc/{after}").stat().st_uid == servers.UIDS["alice"]
