"""What loading us costs: importing the package, and what the extension adds until the server answers."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

from .harness import Budget, Line, Sample, Section, Way, cpu_of, take_turns, wall

_IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
_EXTENSION = "jupyter_securecollab"


def run(quick: bool) -> Iterator[Section]:
    """Two sections: importing, starting."""
    rounds = 1 if quick else 11
    yield Section("Import, in a fresh process", list(_imports(rounds)))
    yield Section("Server start, until it answers", list(_starts(rounds)), ["Both with a vault that exists already."])


def _imports(rounds: int) -> Iterator[Line]:
    budgets = {
        "jupyter_securecollab": Budget(50),
        "jupyter_securecollab.notebook": None,
        "jupyter_securecollab.notebook.sharing": None,
        "pandas": None,
    }
    taken: dict[str, list[float]] = {name: [] for name in budgets}
    for _ in range(rounds):
        for name in budgets:
            taken[name].append(1000 * float(_python("-c", _IMPORT.format(name))))
    for name, budget in budgets.items():
        note = "for comparison" if name == "pandas" else ""
        yield Line(f"`import {name}`", median(taken[name]), "ms", None, note, budget)


def _python(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=True)
    return done.stdout


def _starts(rounds: int) -> Iterator[Line]:
    with tempfile.TemporaryDirectory(prefix="securecollab-bench-") as folder:
        used: dict[bool, list[float]] = {False: [], True: []}
        ways = {str(on): Way(partial(_start, Path(folder), on, used[on])) for on in used}
        samples = take_turns(ways, rounds)
    without, with_it = samples["False"], samples["True"]
    yield Line("without the extension", 1000 * median(map(wall, without)), "ms")
    yield Line("with it", 1000 * median(map(wall, with_it)), "ms")
    yield Line("it adds", 1000 * _difference(with_it, without), "ms", None, "", Budget(300))
    added = median(one - other for one, other in zip(used[True], used[False], strict=True))
    yield Line("it adds, CPU time", 1000 * added, "ms")


def _difference(samples: list[Sample], others: list[Sample]) -> float:
    return median(wall(one) - wall(other) for one, other in zip(samples, others, strict=True))


def _start(home: Path, extension: bool, used: list[float]) -> None:
    """Start a server, wait until it answers, note the CPU time it has used, and end it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
    command += [f"--ServerApp.jpserver_extensions={{'{_EXTENSION}': {extension}}}", f"--ServerApp.root_dir={home}"]
    command += ["--allow-root"] if os.geteuid() == 0 else []
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    environment = {**os.environ, **{name: str(home / name.lower()) for name in own}}
    with Path(os.devnull).open("wb") as nowhere:
        server = subprocess.Popen(command, env=environment, stdout=nowhere, stderr=nowhere)
        try:
            _wait(server, port)
            used.append(cpu_of(server.pid))
        finally:
            server.kill()
            server.wait()


def _wait(server: subprocess.Popen[bytes], port: int) -> None:
    while server.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 10) as connection:
                connection.sendall(b"GET /api HTTP/1.0\r\n\r\n")
                if connection.recv(12).startswith(b"HTTP/1."):
                    return
        except ConnectionError:
            time.sleep(0.005)
    raise RuntimeError("the server did not start")
