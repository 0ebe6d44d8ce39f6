"""How everything here is measured: ways taking turns, the first round dropped, medians.

Machines drift, so what is compared runs alternately, and a ratio is the median of each round's own ratio. CPU time
stands beside wall time because it says more on a busy machine. Reads /proc: Linux only.
"""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Literal

import pyarrow as pa

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Sample:
    """One run of one way: seconds on the clock, of CPU in this process and its children, of CPU in the server."""

    wall: float
    cpu: float
    server: float = 0.0


@dataclass(frozen=True)
class Way:
    """Something to measure. `before` runs untimed in front of each run; slow ways take part in `at_most` rounds."""

    run: Callable[[], object]
    before: Callable[[], object] = lambda: None
    at_most: int | None = None


@dataclass(frozen=True)
class Budget:
    """What a figure may be at most, or has to be at least."""

    limit: float
    of: Literal["value", "ratio"] = "value"
    at_least: bool = False

    def met(self, figure: float) -> bool:
        """Whether the figure keeps it."""
        return figure >= self.limit if self.at_least else figure <= self.limit


@dataclass(frozen=True)
class Line:
    """One line of the report. `ratio` compares with the plain way."""

    what: str
    value: float
    unit: str
    ratio: float | None = None
    note: str = ""
    budget: Budget | None = None

    @property
    def met(self) -> bool | None:
        """Whether it keeps its budget; None without one."""
        if self.budget is None:
            return None
        figure = self.value if self.budget.of == "value" else self.ratio
        return figure is not None and self.budget.met(figure)


@dataclass(frozen=True)
class Section:
    """A table of the report."""

    title: str
    lines: Sequence[Line]
    notes: Sequence[str] = field(default=())


def take_turns(ways: Mapping[str, Way], rounds: int, server: int | None = None) -> dict[str, list[Sample]]:
    """Run every way once per round, each round beginning with another one; the first, warming up, is dropped.

    `server` is the process whose CPU time counts too.
    """
    names = list(ways)
    samples: dict[str, list[Sample]] = {name: [] for name in names}
    for number in range(rounds + 1):
        shift = number % len(names)
        for name in names[shift:] + names[:shift]:
            way = ways[name]
            if way.at_most is not None and number > way.at_most:
                continue
            way.before()
            sample = timed(way.run, server)
            if number:
                samples[name].append(sample)
    return samples


def timed(run: Callable[[], object], server: int | None = None) -> Sample:
    """Time one call."""
    wall, cpu, served = time.perf_counter(), _cpu_here(), cpu_of(server)
    run()
    return Sample(time.perf_counter() - wall, _cpu_here() - cpu, cpu_of(server) - served)


def ratio(samples: Sequence[Sample], plain: Sequence[Sample], of: Callable[[Sample], float]) -> float:
    """Median over the rounds of what one way took relative to the other in the same round."""
    return median(of(one) / of(other) for one, other in zip(samples, plain, strict=False))


def wall(sample: Sample) -> float:
    """Seconds on the clock."""
    return sample.wall


def cpu(sample: Sample) -> float:
    """Seconds of CPU, in all processes."""
    return sample.cpu + sample.server


def compared(what: str, samples: Sequence[Sample], plain: Sequence[Sample], *, budget: Budget | None = None) -> Line:
    """A line from samples of a way and of the plain way."""
    note = f"CPU {ratio(samples, plain, cpu):.2f}×: {median(one.cpu for one in samples):.2f} s"
    served = median(one.server for one in samples)
    note += f" and {served:.2f} s in the server" if served else ""
    return Line(what, 1000 * median(map(wall, samples)), "ms", ratio(samples, plain, wall), note, budget)


def give_back() -> None:
    """Gives freed memory of this process to the system: what comes next would use it without being counted."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)


@contextmanager
def extra_memory(process: int) -> Iterator[Callable[[], float]]:
    """Gives a function that says by how many MB a process's resident memory has been above what it is now, at most."""
    before = _status(process, "VmRSS")
    Path(f"/proc/{process}/clear_refs").write_text("5")  # proc(5): resets the peak
    yield lambda: max(0.0, _status(process, "VmHWM") - before)


def cpu_of(process: int | None, *, thread: int | None = None) -> float:
    """CPU seconds another process, or one thread of it, has used so far."""
    if process is None:
        return 0.0
    place = process if thread is None else f"{process}/task/{thread}"
    fields = Path(f"/proc/{place}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _cpu_here() -> float:
    used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def _status(process: int, name: str) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    raise LookupError(name)
