"""Kernels on servers of people's own, each under its own uid: the vault is a wall between them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from hubs import DRIVER, UserServers
from nbformat.v4 import new_code_cell
from serving import error_of

from demo.websocket import NotebookSession, text_of
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
def at_a_notebook(servers: UserServers, name: str) -> Iterator[AtANotebook]:
    session = NotebookSession(servers.server(name), servers.token(name), "notes.ipynb")
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
import os, pathlib
def attempt(act):
    try:
        return f"got {act()!r}"
    except OSError as error:
        return type(error).__name__
"""


def test_bobs_kernel_reaches_neither_the_vault_nor_alice_by_other_roads(
    servers: UserServers, alice: AtANotebook, bob: AtANotebook
) -> None:
    kernel = int(alice.says("import os; print(os.getpid())"))
    assert servers.service is not None
    bob.says(ATTEMPT)
    roads = {
        f"os.listdir({str(servers.vault)!r})": "PermissionError",
        f"open({str(servers.vault / 'vault.sqlite')!r}, 'rb').read(10)": "PermissionError",
        f"open({str(servers.vault / 'root.key')!r}, 'rb').read(10)": "PermissionError",
        f"os.listdir({str(servers.vault / 'objects')!r})": "PermissionError",
        f"open({str(servers.folder / 'jupyterhub.sqlite')!r}, 'rb').read(10)": "PermissionError",
        f"os.listdir({str(servers.base / 'homes' / 'alice')!r})": "PermissionError",
        f"open('/proc/{servers.service.pid}/environ', 'rb').read()": "PermissionError",
        f"open('/proc/{servers.service.pid}/mem', 'rb')": "PermissionError",
        f"os.listdir('/proc/{servers.service.pid}/fd')": "PermissionError",
        f"open('/proc/{kernel}/environ', 'rb').read()": "PermissionError",
        f"open('/proc/{kernel}/mem', 'rb')": "PermissionError",
        f"os.kill({servers.service.pid}, 0)": "PermissionError",
    }
    for road, stopped_by in roads.items():
        assert bob.says(f"print(attempt(lambda: {road}))").strip() == stopped_by, road
    # The same roads are open to whom they belong, so the names above are right.
    alice.says(ATTEMPT)
    assert "got" in alice.says(f"print(attempt(lambda: open('/proc/{kernel}/environ', 'rb').read(1)))")


def test_the_sidebar_asks_through_the_owners_server_and_nobody_else_may(servers: UserServers, bob) -> None:
    address = f"{servers.server('bob')}/{PREFIX}"
    own = {"Authorization": f"token {servers.token('bob')}"}
    me = httpx.get(f"{address}/me", headers=own, timeout=30, trust_env=False)
    assert me.json()["result"]["name"] == "bob" and me.json()["result"]["deployment"] == "service"
    assert httpx.get(f"{address}/assets", headers=own, timeout=30, trust_env=False).json()["result"]
    for path in ("audit", "open", "assets/oncology/patients", "label-key", "corrections", "nothing"):
        error_of(httpx.get(f"{address}/{path}", headers=own, timeout=30, trust_env=False), 404)
    visitor = {"Authorization": f"token {DRIVER}"}  # may use all servers, as an administrator of the Hub may
    error_of(httpx.get(f"{address}/me", headers=visitor, timeout=30, trust_env=False), 403)
    assert httpx.get(f"{address}/me", timeout=30, trust_env=False).status_code in (401, 403)


def test_taken_out_of_the_group_of_members_bob_is_refused_in_his_kernel(servers: UserServers, bob) -> None:
    assert "patient" in bob.says(OPEN)
    servers.ask("DELETE", "groups/securecollab-members/users", users=["bob"])
    assert "carries no role" in bob.says(OPEN, fails=True)
    servers.ask("POST", "groups/securecollab-members/users", users=["bob"])


def test_after_all_this_the_tables_are_what_the_log_says(servers: UserServers, bob: AtANotebook) -> None:
    assert "The state is what the log says" in servers.cli("audit", "verify", "--state")
