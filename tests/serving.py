"""A real Jupyter server with the extension, in a process of its own, for tests of everything that crosses the wire."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import msgspec
from material import MIXED, parcel

from jupyter_securecollab.client import Client
from jupyter_securecollab.core.collaboration import Settings
from jupyter_securecollab.errors import by_code
from jupyter_securecollab.model import Caller, Committed, Level
from jupyter_securecollab.protocol import PREFIX, ErrorBody, ErrorReply
from jupyter_securecollab.server.vault import open_vault, operator

PEOPLE = (
    ("alice", Level.SECRET, ("member",)), ("bob", Level.INTERNAL, ("member",)), ("carol", Level.INTERNAL, ("auditor",)),
    ("eve", Level.INTERNAL, ("member",)), ("dana", Level.SECRET, ("member", "steward")),
)  # fmt: skip


@dataclass
class Served:
    """A server's address, the tokens of its people, and where its vault lies."""

    folder: Path
    port: int
    tokens: dict[str, str]
    log_key: str
    process: subprocess.Popen[bytes] | None = None
    memories: int = field(default=0)
    options: tuple[str, ...] = ()
    home: Path | None = None
    """Whose home it runs in; without one it keeps its Jupyter's files in folders of its own."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def api(self) -> str:
        return f"{self.url}/{PREFIX}"

    def headers(self, name: str) -> dict[str, str]:
        return {"Authorization": f"token {self.tokens[name]}"}

    def http(self, name: str | None = None) -> httpx.Client:
        """A plain HTTP client, signed in by token if somebody is named."""
        headers = self.headers(name) if name else {}
        return httpx.Client(base_url=self.api + "/", headers=headers, timeout=30, trust_env=False)

    def client(self, name: str, **options) -> Client:
        """A client that has seen nothing of the log yet."""
        self.memories += 1
        options.setdefault("memory", self.folder / f"memory-{self.memories}")
        return Client(self.url, self.tokens[name], **options)

    def environment(self) -> dict[str, str]:
        """That of the server, and of other programs of whoever runs it."""
        places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        if self.home is None:
            return {**os.environ, **{name: str(self.folder / name.lower()) for name in places}}
        others = {name: value for name, value in os.environ.items() if name not in places and name[:4] != "XDG_"}
        return {**others, "HOME": str(self.home)}

    def command(self) -> list[str]:
        """What starts it."""
        return [
            *(sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1"),
            *(f"--ServerApp.port={self.port}", "--ServerApp.port_retries=0"),
            f"--ServerApp.root_dir={self.folder / 'work'}",
            *self.extension(),
            *self.options,
        ]

    def extension(self) -> tuple[str, ...]:
        """Which vault it serves."""
        return (
            f"--SecureCollabApp.folder={self.folder / 'vault'}",
            "--ServerApp.jpserver_extensions={'jupyter_securecollab': True}",
        )

    def start(self) -> None:
        environment = {**self.environment(), "PYTHONWARNINGS": "default"}
        (self.folder / "work").mkdir(exist_ok=True)
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(self.command(), env=environment, stdout=log, stderr=log)
        while True:
            if self.process.poll() is not None:
                raise RuntimeError((self.folder / "server.log").read_text())
            try:
                httpx.get(f"{self.url}/login", timeout=5, trust_env=False)
                return
            except httpx.TransportError:
                time.sleep(0.05)

    def stop(self, how: int = signal.SIGTERM) -> None:
        if self.process is not None:
            self.process.send_signal(how)
            self.process.wait(30)
            self.process = None

    @property
    def log(self) -> str:
        return (self.folder / "server.log").read_text()

    def objects(self) -> list[Path]:
        return sorted(path for path in (self.folder / "vault").glob("objects/**/*") if path.is_file())


@contextmanager
def served(folder: Path, *options: str, home: Path | None = None) -> Iterator[Served]:
    """Found a vault with people in `folder` and serve it, with these further options on the command line."""
    with closing(open_vault(folder / "vault", Settings())) as door:
        root = Caller(operator(), "cli", "cli")
        for name, clearance, roles in PEOPLE:
            door.add_user(root, name=name, clearance=clearance, roles=roles)
        door.add_member(root, group="analysts", person="bob")
        tokens = {name: door.new_token(root, name=name) for name, *_ in PEOPLE}
        server = Served(folder, free_port(), tokens, door.log_key, options=options, home=home)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def free_port() -> int:
    """A port of this machine that nothing uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def share(client: Client, name: str, *, content: str = "first", size: int = 40, access=None) -> Committed:
    """Share a frame through a client: begin, upload, commit."""
    begun = client.begin(name, "frame", (Level.INTERNAL, Level.SECRET), access=access)
    made = parcel(begun, MIXED, content=content, size=size)
    for (level, partition), data in made.parts.items():
        client.upload(begun.version, level, partition, [data[:7], data[7:]])
    return client.commit(begun.version, made.top, made.levels, made.fingerprint)


def error_of(response: httpx.Response, status: int) -> ErrorBody:
    """The error in a response, which must be JSON of our kind whatever happened."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"].startswith("application/json")
    error = msgspec.json.decode(response.content, type=ErrorReply).error
    assert error.code in by_code()
    return error
