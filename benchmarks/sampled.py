"""Where a program's threads spend the processor: `python -m benchmarks.sampled FILE MODULE ARGUMENTS...` (Linux).

Runs the module. Every few milliseconds it reads how much processor each thread has used since, and puts that to the
function the thread is in. Waiting counts for nothing, all threads are seen, and the program is slowed by little, which
a tracing profiler does otherwise. SIGUSR1 begins anew. At the end seconds by kind of thread and library are in FILE.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_SECONDS = 0.005


class Sampler(threading.Thread):
    """`spent`: nanoseconds of processor by kind of thread and library."""

    def __init__(self) -> None:
        super().__init__(name="sampler", daemon=True)
        self.spent: Counter[tuple[str, str]] = Counter()
        self._used: dict[int, int] = {}
        self._files: dict[int, int] = {}
        self._ended = threading.Event()

    def run(self) -> None:
        """Until `finish`."""
        while not self._ended.wait(_SECONDS):
            for kind, library, more in self._sample():
                self.spent[kind, library] += more

    def finish(self) -> None:
        """End, and close what was opened."""
        self._ended.set()
        self.join()
        for file in self._files.values():
            os.close(file)

    def _sample(self) -> Iterator[tuple[str, str, int]]:
        frames = sys._current_frames()  # there is no other way to see what threads do
        for thread in threading.enumerate():
            frame, number = frames.get(thread.ident or 0), thread.native_id
            if frame is None or number is None or thread is self:
                continue
            with suppress(OSError):  # it has ended
                now = self._processor(number)
                yield _kind(thread), library(frame.f_code.co_filename), now - self._used.get(number, now)
                self._used[number] = now

    def _processor(self, number: int) -> int:
        """Nanoseconds a thread has run so far (Documentation/scheduler/sched-stats.rst)."""
        if number not in self._files:
            self._files[number] = os.open(f"/proc/self/task/{number}/schedstat", os.O_RDONLY)
        return int(os.pread(self._files[number], 64, 0).split()[0])


def _kind(thread: threading.Thread) -> str:
    return "event loop" if thread is threading.main_thread() else thread.name.rstrip("_0123456789")


def library(path: str) -> str:
    """Whose code lies there."""
    parts = Path(path).parts
    if "site-packages" in parts:
        return Path(parts[parts.index("site-packages") + 1]).stem
    return "jupyter_securecollab" if "jupyter_securecollab" in parts else f"Python's {Path(path).stem}"


def main() -> None:
    """Run the module named, as it would run by itself."""
    _, file, *sys.argv = sys.argv
    sampler = Sampler()
    signal.signal(signal.SIGUSR1, lambda *_: sampler.spent.clear())
    sampler.start()
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    finally:
        sampler.finish()
        told = [[kind, where, spent / 1e9] for (kind, where), spent in sampler.spent.most_common()]
        Path(file).write_text(json.dumps(told))


if __name__ == "__main__":
    main()
