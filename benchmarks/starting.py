"""What loading us costs: importing the package, and what the extension adds until the server answers.

Python files are compiled beforehand, as an installed package's are; what the disk has to be asked for is in memory.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from statistics import median

from .harness import Budget, Line, Sample, Section, Way, cpu_of, take_turns, wall

_IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
_EXTENSION = "jupyter_securecollab"


def run(quick: bool) -> Iterator[Section]:
    """Two sections: importing, starting."""
    rounds = 1 if quick else 7
    with tempfile.TemporaryDirectory(prefix="securecollab-bench-") as folder:
        environment = _environment(Path(folder))
        yield Section("Import, in a fresh process", list(_imports(rounds, environment)))
        notes = ["Both with a vault that exists already."]
        yield Section("Server start, until it answers", list(_starts(rounds, Path(folder), environment)), notes)


def _environment(home: Path) -> dict[str, str]:
    """Everything is written below `home`, compiled files too; nobody's own settings count."""
    own = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR", "PYTHONPYCACHEPREFIX")
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, **{name: str(home / name.lower()) for name in own}}


def _imports(rounds: int, environment: Mapping[str, str]) -> Iterator[Line]:
    budgets = {
        "jupyter_securecollab": Budget(50),
        "jupyter_securecollab.notebook": None,
        "jupyter_securecollab.notebook.sharing": None,
        "pandas": None,
    }
    taken: dict[str, list[float]] = {name: [] for name in budgets}
    for _ in range(rounds + 1):
        for name in budgets:
            command = [sys.executable, "-c", _IMPORT.format(name)]
            said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
            taken[name].append(1000 * float(said))
    for name, budget in budgets.items():
        note = "for comparison" if name == "pandas" else ""
        yield Line(f"`import {name}`", median(taken[name][1:]), "ms", None, note, budget)


def _starts(rounds: int, home: Path, environment: Mapping[str, str]) -> Iterator[Line]:
    used: dict[bool, list[float]] = {False: [], True: []}
    ways = {str(on): Way(partial(_start, home, environment, on, used[on])) for on in used}
    samples = take_turns(ways, rounds)
    without, with_it = samples["False"], samples["True"]
    yield Line("without the extension", 1000 * median(map(wall, without)), "ms")
    yield Line("with it", 1000 * median(map(wall, with_it)), "ms")
    yield Line("it adds", 1000 * _difference(with_it, without), "ms", None, "", Budget(300))
    added = median(one - other for one, other in zip(used[True][1:], used[False][1:], strict=True))
    yield Line("it adds, CPU time", 1000 * added, "ms")


def _difference(samples: list[Sample], others: list[Sample]) -> float:
    return median(wall(one) - wall(other) for one, other in zip(samples, others, strict=True))


def _start(home: Path, environment: Mapping[str, str], extension: bool, used: list[float]) -> None:
    """Start a server, wait until it answers, note the CPU time it has used, and end it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
    command += [f"--ServerApp.jpserver_extensions={{'{_EXTENSION}': {extension}}}", f"--ServerApp.root_dir={home}"]
    command += ["--allow-root"] if os.geteuid() == 0 else []
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
