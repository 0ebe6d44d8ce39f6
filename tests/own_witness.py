"""A witness in a process of its own, for tests of whoever asks one."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import httpx
from serving import free_port

from jupyter_securecollab.witness import make_witness


class OwnWitness:
    """One witness, started and stopped from the command line."""

    def __init__(self, folder: Path, number: int) -> None:
        self.files = folder / f"{number}.key", folder / f"{number}.state"
        self.key = make_witness(f"w.example/{number}", *self.files)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, log_key: str) -> None:
        words = ["witness", "serve", "--key", self.files[0], "--state", self.files[1], "--log-key", log_key]
        command = [sys.executable, "-m", "jupyter_securecollab.cli", *map(str, words), "--port", str(self.port)]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while True:
            try:
                assert httpx.get(f"{self.url}/healthz", trust_env=False).json() == {"ok": True}
                return
            except httpx.TransportError:
                assert self.process.poll() is None

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(30) == 0
            self.process = None
