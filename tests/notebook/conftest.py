"""A real server with accounts, real kernels signed in as one of them, and a shell in this process."""

from __future__ import annotations

import gc
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from IPython.core.interactiveshell import InteractiveShell
from notebook_kernels import Kernel, VaultServer

from jupyter_securecollab.client import Client
from jupyter_securecollab.core.collaboration import Collaboration, Settings
from jupyter_securecollab.model import Caller, Level, Role
from jupyter_securecollab.notebook import load_ipython_extension, unload_ipython_extension
from jupyter_securecollab.server.vault import open_vault, operator

PEOPLE = {"alice": Level.SECRET, "bob": Level.INTERNAL, "erin": Level.CONFIDENTIAL, "dana": Level.SECRET}
STEWARD = "dana"


@pytest.fixture(scope="session")
def vault_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VaultServer]:
    home = tmp_path_factory.mktemp("server")
    with closing(open_vault(home / "vault", Settings(name="testvault"))) as door:
        tokens = {name: _account(door, name, clearance) for name, clearance in PEOPLE.items()}
        door.add_member(Caller(operator(), "cli", "cli"), group="analysts", person="bob")
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [
        sys.executable,
        "-m",
        "jupyter_server",
        "--no-browser",
        "--ip=127.0.0.1",
        f"--port={port}",
        "--allow-root",
    ]
    command += ["--ServerApp.jpserver_extensions={'jupyter_securecollab': True}", f"--ServerApp.root_dir={home}"]
    command += [f"--SecureCollabApp.folder={home / 'vault'}", "--SecureCollabApp.vault_name=testvault"]
    environment = os.environ | {
        name: str(home / name) for name in ("HOME", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    }
    with (home / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _wait_until_up(server, f"http://127.0.0.1:{port}/api", home / "server.log")
            yield VaultServer(f"http://127.0.0.1:{port}", tokens, home)
        finally:
            server.terminate()
            server.wait(timeout=20)


def _account(door: Collaboration, name: str, clearance: Level) -> str:
    caller = Caller(operator(), "cli", "cli")
    roles: tuple[Role, ...] = ("member", "steward") if name == STEWARD else ("member",)
    door.add_user(caller, name=name, clearance=clearance, roles=roles)
    return door.new_token(caller, name=name)


def _wait_until_up(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    while server.poll() is None:
        try:
            httpx.get(url, trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.1)
    raise RuntimeError(log.read_text())


@pytest.fixture(scope="module")
def kernel(kernels: Callable[[str | None], Kernel], vault_server: VaultServer) -> Callable[[str | None], Kernel]:
    """A kernel per person, the same one for the whole run; what other modules said of columns is forgotten."""
    for token in vault_server.tokens.values():
        with closing(Client(vault_server.url, token)) as client:
            own = [one.correction.fingerprint for one in client.corrections() if one.by == client.me().name]
            client.correct(forget=own)
    return kernels


@pytest.fixture(scope="session")
def kernels(vault_server: VaultServer) -> Iterator[Callable[[str | None], Kernel]]:
    """A kernel per person, started when it is first wanted."""
    kernels: dict[str | None, Kernel] = {}

    def of(person: str | None) -> Kernel:
        if person not in kernels:
            kernels[person] = Kernel(vault_server, person)
        return kernels[person]

    yield of
    for one in kernels.values():
        one.stop()


@pytest.fixture
def new_kernel(vault_server: VaultServer) -> Iterator[Callable[[str | None], Kernel]]:
    """A fresh kernel, for what depends on what a kernel has seen."""
    started: list[Kernel] = []

    def start(person: str | None) -> Kernel:
        started.append(Kernel(vault_server, person))
        return started[-1]

    yield start
    for one in started:
        one.stop()


@pytest.fixture(scope="session")
def settled() -> None:
    """What is loaded by now stays: a shell that is reset has all garbage collected, and need not look through that."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def shell(settled: None) -> Iterator[InteractiveShell]:
    """A shell in this process with the extension loaded, without history and without a vault."""
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    load_ipython_extension(shell)
    yield shell
    unload_ipython_extension(shell)
    shell.reset()
