"""Two hundred kernels at a vault that is a service of a real JupyterHub, which it asks about every token.

A Hub, a service it does not start, and kernels in processes of their own, all on this machine and loopback. First the
kernels pause between acts as people do, which tells how long one waits; then they do not, which tells how much the
service carries and what holds it back. Then the service runs for a while with a sampler in it, in figures of its own.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx

from jupyter_securecollab.core.collaboration import Settings
from jupyter_securecollab.model import Caller, Level
from jupyter_securecollab.server.vault import open_vault, operator

from .harness import Budget, Line, Section, cpu_of

sys.path.append(str(Path(__file__).parent.parent / "tests" / "hub"))
from hubs import MEMBER, OWN, USE, RealHub, answers, until

_ROOT = Path(__file__).parent.parent
KERNELS, SECONDS, PAUSE = 200, 120, 10.0
_PROCESSES = 2
_METRIC = re.compile(r"^securecollab_(hub|request)_seconds_(sum|count)\{(.*)\} ([0-9.e+-]+)$", re.MULTILINE)
_NOTE = (
    "Real clients with all their checks, {kernels} people with a token each, sharing a frame of two levels (one act in "
    "five: begin, two uploads, commit) and opening a neighbour's (open, one part). Every POST has the Hub asked anew. "
    "Kernels, service and Hub share the machine's cores."
)
_LIMIT_NOTE = (
    "Cores in use, of {cores}. The service is one Python process: its event loop and its other threads (those that "
    "call the door, and the one that writes) cannot together use more than one core for Python's own work."
)
_PROFILE_NOTE = (
    "Of the service's processor time while as many kernels do not pause: by thread, and by the libraries in whose "
    "functions it is spent, as sampled every 5 ms; what a thread spent just before it was seen waiting is put to where "
    "it waits (`thread`, `threading`, `selectors`). `door` runs what is asked for, `journal` writes, `hub` asks "
    "the Hub."
)


class Measured(RealHub):
    """A Hub and a service with metrics, perhaps under a profiler."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, managed=False)
        self.profile = folder / "profile.json"

    def serve(self, *, sampled: bool = False) -> None:
        """Start the service, perhaps with a sampler in it, which counts from when it is ready."""
        environment = {
            "JUPYTERHUB_API_URL": f"http://127.0.0.1:{self.hub}/hub/api", "JUPYTERHUB_API_TOKEN": OWN,
            "JUPYTERHUB_SERVICE_NAME": "securecollab",
        }  # fmt: skip
        command = ["jupyter_securecollab.cli", "--folder", str(self.vault), "serve", "--port", str(self.port)]
        if sampled:
            command = ["benchmarks.sampled", str(self.profile), *command]
            environment["PYTHONPATH"] = os.pathsep.join((str(_ROOT), os.environ.get("PYTHONPATH", "")))
        command += ["--metrics-port", str(self.metrics)]
        self.service = self._run("service.log", *command, **environment)
        until(lambda: answers(f"{self.url}/readyz"), self.service)
        if sampled:
            self.service.send_signal(signal.SIGUSR1)

    def pids(self) -> tuple[int, int]:
        """Of the Hub and of the service."""
        if self.process is None or self.service is None:
            raise RuntimeError("the Hub or the service is not running")
        return self.process.pid, self.service.pid

    def counted(self) -> dict[tuple[str, str], float]:
        """Seconds and numbers of questions to the Hub and of requests, from the service's metrics."""
        text = httpx.get(f"http://127.0.0.1:{self.metrics}/metrics", timeout=60, trust_env=False).text
        found: dict[tuple[str, str], float] = defaultdict(float)
        for what, kind, labels, value in _METRIC.findall(text):
            if "_Health" not in labels:
                found[what, kind] += float(value)
        return found


@dataclass(frozen=True)
class Run:
    """What one crowd did: seconds, acts, what went wrong, CPU seconds by process, what the service counted."""

    seconds: float
    acts: Sequence[tuple[str, float]]
    errors: Sequence[str]
    cpu: Mapping[str, float]
    counted: Mapping[tuple[str, str], float]

    def taken(self, act: str) -> list[float]:
        """Milliseconds of each such act."""
        return [1e3 * seconds for kind, seconds in self.acts if kind == act]


def run(quick: bool) -> Iterator[Section]:
    """Sections: with pauses, without, what asking the Hub takes, what limits it, the profile."""
    kernels, seconds, pause = (8, 4, 0.4) if quick else (KERNELS, SECONDS, PAUSE)
    with tempfile.TemporaryDirectory(prefix="securecollab-bench-") as folder, closing(Measured(Path(folder))) as hub:
        hub.start()
        hub.serve()
        people, tokens = _enrol(hub, kernels)
        calm = _crowd(hub, people, tokens, seconds / 2, pause)
        busy = _crowd(hub, people, tokens, seconds / 2, 0.0)
        hub.stop_service()
        hub.serve(sampled=True)
        _crowd(hub, people, tokens, seconds / 6, 0.0)
        hub.stop_service()
        note = _NOTE.format(kernels=kernels)
        title = f"{kernels} kernels, an act every {pause:g} s on average, for {calm.seconds:.0f} s"
        yield Section(title, list(_acts(calm)), [note])
        yield Section(f"{kernels} kernels without pause, for {busy.seconds:.0f} s", list(_acts(busy)))
        asking = [*_asking("with pauses", calm), *_asking("without", busy)]
        yield Section("What asking the Hub takes of it", asking)
        limit = [Line(name, used / busy.seconds, "cores") for name, used in busy.cpu.items()]
        yield Section("Where the time goes, without pauses", limit, [_LIMIT_NOTE.format(cores=os.cpu_count())])
        yield Section("What the service does with it", list(_profile(hub.profile)), [_PROFILE_NOTE])


def _enrol(hub: Measured, kernels: int) -> tuple[list[str], list[str]]:
    """People, members all of them, and a token of each; the vault knows them once they have asked something."""
    people = [f"person{number:03}" for number in range(kernels)]
    hub.ask("POST", "users", usernames=people)
    hub.ask("POST", "groups/securecollab-members/users", users=people)
    tokens = [hub.token(name, USE, MEMBER) for name in people]
    for token in tokens:
        with hub.http(token) as http:
            http.get("me").raise_for_status()
    with closing(open_vault(hub.vault, Settings())) as door:  # as the command line does, while the service runs
        for name in people:
            door.change_user(Caller(operator(), "cli", "cli"), name=name, clearance=Level.SECRET)
    return people, tokens


def _crowd(hub: Measured, people: list[str], tokens: list[str], seconds: float, pause: float) -> Run:
    told = {
        "url": hub.url, "people": people, "tokens": tokens, "seconds": seconds, "pause": pause,
        "folder": tempfile.mkdtemp(dir=hub.folder),
    }  # fmt: skip
    groups = [list(range(first, len(people), _PROCESSES)) for first in range(_PROCESSES)]
    running = [_process(told | {"numbers": numbers}) for numbers in groups]
    for process in running:
        if _out(process).readline() != "began\n":
            raise RuntimeError("kernels could not begin")
    before, began = _cpu(hub), time.perf_counter()
    counted = hub.counted()
    results: list[dict[str, Any]] = [json.loads(_out(process).read()) for process in running]
    taken, after = time.perf_counter() - began, _cpu(hub)
    for process in running:
        with process:  # waits for it and closes its pipes
            pass
    used = {name: after[name] - before[name] for name in after} | {"kernels": sum(one["cpu"] for one in results)}
    news = {what: value - counted.get(what, 0.0) for what, value in hub.counted().items()}
    acts = [(kind, spent) for one in results for kind, spent in one["acts"]]
    return Run(taken, acts, [error for one in results for error in one["errors"]], used, news)


def _process(told: dict[str, Any]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "benchmarks.crowd"]
    process = subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    if process.stdin is not None:
        process.stdin.write(json.dumps(told))
        process.stdin.close()
    return process


def _out(process: subprocess.Popen[str]) -> Any:
    return process.stdout


def _cpu(hub: Measured) -> dict[str, float]:
    """CPU seconds so far: of the Hub, of the service's event loop (its first thread), of its other threads."""
    asked, service = hub.pids()
    loop = cpu_of(service, thread=service)
    return {"Hub": cpu_of(asked), "service, event loop": loop, "service, other threads": cpu_of(service) - loop}


def _acts(done: Run) -> Iterator[Line]:
    yield Line("acts", len(done.acts) / done.seconds, "/s", None, f"{len(done.acts)} of them")
    yield Line("requests", done.counted["request", "count"] / done.seconds, "/s")
    for act in ("open", "share"):
        taken = sorted(done.taken(act))
        cuts = quantiles(taken, n=100) if len(taken) > 1 else taken * 99
        for name, place in (("p50", 49), ("p95", 94), ("p99", 98)):
            yield Line(f"{act}, {name}", min(cuts[place], taken[-1]), "ms")
    told = "; ".join(sorted(set(done.errors))[:3])
    yield Line("errors", len(done.errors), "", None, told, Budget(0))


def _asking(when: str, done: Run) -> Iterator[Line]:
    questions, asked = done.counted["hub", "count"], done.counted["hub", "sum"]
    yield Line(f"{when}: questions to the Hub", questions / done.seconds, "/s")
    yield Line(f"{when}: until it answers, mean", 1e3 * asked / questions, "ms")
    yield Line(f"{when}: of the time requests take", 100 * asked / done.counted["request", "sum"], "%")
    yield Line(f"{when}: CPU of the Hub for each", 1e3 * done.cpu["Hub"] / questions, "ms")


def _profile(file: Path) -> Iterator[Line]:
    """Each kind of thread, the busiest first, and the libraries that take most of it."""
    told: list[tuple[str, str, float]] = json.loads(file.read_text())
    whole = sum(spent for *_, spent in told)
    kinds: dict[str, float] = defaultdict(float)
    for kind, _, spent in told:
        kinds[kind] += spent
    for kind, spent in sorted(kinds.items(), key=lambda one: -one[1])[:4]:
        yield Line(kind.removeprefix("securecollab-"), 100 * spent / whole, "%")
        for _, library, own in [one for one in told if one[0] == kind][:5]:
            yield Line(f"{kind.removeprefix('securecollab-')}: {library}", 100 * own / whole, "%")
