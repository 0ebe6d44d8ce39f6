"""Simulated kernels at a vault that is a service: each a person with a token of its own, sharing and opening.

Run as a process of its own (`python -m benchmarks.crowd`), told what to do on standard input as JSON, its findings on
standard output. A kernel is a thread with the client that notebooks have, all of whose checks it makes; only sealing is
left out, for what is measured is the vault.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

sys.path.append(str(Path(__file__).parent.parent / "tests"))
from serving import share

from jupyter_securecollab.client import Client
from jupyter_securecollab.model import AccessSpec, Level

OPENS = 4
"""Of five acts so many are opens, one is a share."""

_SIZE = 64 * 1024


class Kernel(threading.Thread):
    """One kernel: shares something with its neighbour, then goes on opening the other neighbour's and sharing anew.

    `acts` gets for each act its kind and the seconds it took; `errors` what went wrong.
    """

    def __init__(self, told: dict[str, Any], number: int, ready: threading.Barrier) -> None:
        super().__init__(daemon=True)
        self.acts: list[tuple[str, float]] = []
        self.errors: list[str] = []
        self._told = told
        self._number = number
        self._people: list[str] = told["people"]
        self._pause, self._seconds = told["pause"], told["seconds"]
        self._random = Random(number)  # noqa: S311 - when an act begins is no secret
        self._ready = ready

    def run(self) -> None:
        """Act until the time is over."""
        folder = Path(self._told["folder"]) / self._people[self._number]
        with closing(Client(self._told["url"], self._told["tokens"][self._number], memory=folder)) as client:
            self._try(client, "share", count=False)
            self._ready.wait()
            until = time.monotonic() + self._seconds
            self._sleep(self._random.uniform(0, self._pause), until)
            turn = self._random.randrange(OPENS + 1)
            while time.monotonic() < until:
                self._try(client, "open" if turn % (OPENS + 1) else "share")
                turn += 1
                self._sleep(self._random.uniform(0, 2 * self._pause), until)

    @staticmethod
    def _sleep(seconds: float, until: float) -> None:
        time.sleep(max(0.0, min(seconds, until - time.monotonic())))

    def _try(self, client: Client, act: str, *, count: bool = True) -> None:
        began = time.perf_counter()
        try:
            if act == "share":
                self._share(client)
            else:
                self._open(client)
        except Exception as error:
            self.errors.append(f"{act}: {type(error).__name__}: {error}")
        else:
            if count:
                self.acts.append((act, time.perf_counter() - began))

    def _share(self, client: Client) -> None:
        reader = self._people[(self._number + 1) % len(self._people)]
        name = f"bench/{self._people[self._number]}"
        content = f"{time.time_ns()}"
        share(client, name, content=content, size=_SIZE, access=AccessSpec(people=(reader,)))

    def _open(self, client: Client) -> None:
        opened = client.open(f"bench/{self._people[self._number - 1]}")
        client.read_part(opened, Level.INTERNAL, 0, 0, _SIZE)


def main() -> None:
    """Run the kernels with these numbers, all beginning when the last has shared something."""
    told = json.load(sys.stdin)
    ready = threading.Barrier(len(told["numbers"]) + 1)
    kernels = [Kernel(told, number, ready) for number in told["numbers"]]
    for kernel in kernels:
        kernel.start()
    ready.wait()
    print("began", flush=True)
    before = time.process_time()
    for kernel in kernels:
        kernel.join()
    acts = [act for kernel in kernels for act in kernel.acts]
    errors = [error for kernel in kernels for error in kernel.errors]
    json.dump({"acts": acts, "errors": errors, "cpu": time.process_time() - before}, sys.stdout)


if __name__ == "__main__":
    main()
