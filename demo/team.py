"""The demo's vault and people, and a real JupyterLab server for them, in a folder of their own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from jupyter_securecollab.core.collaboration import Settings
from jupyter_securecollab.model import Caller, Level, Role
from jupyter_securecollab.server.vault import open_vault, operator

HERE = Path(__file__).parent
NOTEBOOKS = HERE / "notebooks"


@dataclass(frozen=True)
class Person:
    """One demo account."""

    name: str
    clearance: Level
    roles: tuple[Role, ...]
    groups: tuple[str, ...] = ()


PEOPLE = (
    Person("alice", Level.SECRET, ("member",)),
    Person("bob", Level.INTERNAL, ("member",), ("analysts",)),
    Person("dana", Level.SECRET, ("member", "steward")),
    Person("carol", Level.INTERNAL, ("auditor",)),
)


@dataclass(frozen=True)
class Team:
    """The demo's folder, each person's token, and the log's public key as the administrator wrote it down."""

    home: Path
    tokens: dict[str, str]
    log_key: str


def found(home: Path) -> Team:
    """A new vault with the demo's people in `home`, which is emptied first, the notebooks, and the log's public key."""
    shutil.rmtree(home, ignore_errors=True)
    door = open_vault(home / "vault", Settings())
    administrator = Caller(operator(), "cli", "cli")
    tokens = {}
    for person in PEOPLE:
        door.add_user(administrator, name=person.name, clearance=person.clearance, roles=person.roles)
        for group in person.groups:
            door.add_member(administrator, group=group, person=person.name)
        tokens[person.name] = door.new_token(administrator, name=person.name)
    door.close()
    work = home / "work"
    shutil.copytree(NOTEBOOKS, work)
    shutil.copytree(HERE / "data", work / "data")
    (work / "log-key.txt").write_text(door.log_key + "\n")
    _write_page_settings(home)
    return Team(home, tokens, door.log_key)


def _write_page_settings(home: Path) -> None:
    """JupyterLab asks everybody new whether to fetch news; that question is no part of the demo."""
    folder = home / "config" / "labconfig"
    folder.mkdir(parents=True)
    settings = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (folder / "page_config.json").write_text(json.dumps(settings))


@contextmanager
def serve(team: Team, port: int = 0) -> Iterator[str]:
    """A JupyterLab server on loopback, as a user would start it, at this port if it is free; yields its address."""
    port = _free_port(port)
    address = f"http://127.0.0.1:{port}"
    with (team.home / "server.log").open("wb") as log:
        process = subprocess.Popen(_command(team, port), env=_environment(team), stdout=log, stderr=log)
        try:
            _wait(process, address, team.home / "server.log")
            yield address
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _command(team: Team, port: int) -> list[str]:
    return [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ServerApp.ip=127.0.0.1"),
        *(f"--ServerApp.port={port}", "--ServerApp.port_retries=0", f"--ServerApp.root_dir={team.home / 'work'}"),
        f"--SecureCollabApp.folder={team.home / 'vault'}",
        f"--SecureCollabApp.checkpoint_folder={team.home / 'checkpoints'}",
        *(["--allow-root"] if os.geteuid() == 0 else []),
    ]


def _environment(team: Team) -> dict[str, str]:
    """Everything Jupyter and IPython write stays in the demo's folder; the user's own settings stay out of the demo."""
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
        "XDG_DATA_HOME": "share",
    }
    return {**os.environ, **{name: str(team.home / folder) for name, folder in own.items()}}


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            httpx.get(f"{address}/login", timeout=5, trust_env=False)
            return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')}")


def _free_port(wanted: int) -> int:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
