"""What runs in a kernel: one job, each in a kernel of its own, its result printed as JSON.

`server` is the vault's process, whose CPU time and memory count too.
"""

from __future__ import annotations

import ctypes
import json
import os
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pandas as pd
import pyarrow as pa

from jupyter_securecollab.manifest import parse_top, verify
from jupyter_securecollab.notebook.session import current

from .frames import mixed
from .harness import Sample, Way, extra_memory, take_turns
from .ways import OURS, SLOW, WAYS, CsvGpg, Vault

_SLOW_ROUNDS = 1
_COLUMN = "price"
_MASKED = {"link": "username"}
"""Renamed like this, a column looks sensitive, and is shared with a masked copy beside it."""


def times(rows: int, rounds: int, folder: Path, server: int) -> dict[str, Any]:
    """Samples of writing and reading, all ways taking turns."""
    frame = mixed(rows)
    with ExitStack() as opened:
        made = {name: kind(folder) for name, kind in WAYS.items()}
        for one in made.values():
            if isinstance(one, CsvGpg):
                opened.enter_context(closing(one))
        most = {SLOW: _SLOW_ROUNDS}
        writing = {
            name: Way(partial(one.write, frame), partial(_change, frame), most.get(name)) for name, one in made.items()
        }
        sensitive = frame.rename(columns=_MASKED)
        writing["masked"] = Way(partial(made[OURS].write, sensitive), partial(_change, sensitive))
        reading = {name: Way(one.read, at_most=most.get(name)) for name, one in made.items()}
        found = {"write": take_turns(writing, rounds, server)}
        made[OURS].write(frame)
        pd.testing.assert_frame_equal(made[OURS].read(), frame)
        found["read"] = take_turns(reading, rounds, server)
    return {what: _told(samples) for what, samples in found.items()}


def _told(samples: dict[str, list[Sample]]) -> dict[str, list[dict[str, float]]]:
    return {name: list(map(asdict, them)) for name, them in samples.items()}


def _change(frame: pd.DataFrame) -> None:
    """Unchanged content would make no new version."""
    frame["id"] = frame["id"] + 1


def memory_writing(rows: int, rounds: int, folder: Path, server: int, way: str) -> list[float]:
    """MB above what the frame itself takes, here and in the server."""
    frame = mixed(rows)
    _warm(way, folder)
    return _memory(partial(WAYS[way](folder).write, frame), server)


def memory_reading(rows: int, rounds: int, folder: Path, server: int, way: str) -> list[float]:
    """MB that reading takes at most, the frame read included, here and in the server."""
    _warm(way, folder)
    return _memory(WAYS[way](folder).read, server)


def _warm(way: str, folder: Path) -> None:
    """Imports are not what is asked about."""
    with TemporaryDirectory(dir=folder) as elsewhere:
        small = WAYS[way](Path(elsewhere))
        small.write(mixed(100))
        small.read()


def _memory(run: Callable[[], object], server: int) -> list[float]:
    pa.default_memory_pool().release_unused()
    ctypes.CDLL(None).malloc_trim(0)  # what earlier steps gave back would otherwise be taken again unseen
    with extra_memory(os.getpid()) as here, extra_memory(server) as there:
        kept = run()
        used = [here(), there()]
    del kept
    return used


def column(rows: int, rounds: int, folder: Path, server: int) -> dict[str, Any]:
    """Opening one column of 12: bytes fetched for it and for all of them, sealed bytes it has, samples."""
    vault = Vault(folder)
    samples = take_turns({"one": Way(partial(vault.read, _COLUMN)), "all": Way(vault.read)}, rounds, server)
    fetched = {name: _fetched(partial(vault.read, wanted)) for name, wanted in (("one", _COLUMN), ("all", None))}
    opened = current().client.open(vault.name)
    levels = verify(parse_top(opened.manifest), opened.levels).values()
    sealed = sum(stream.size for level in levels for stream in level.streams if stream.column == _COLUMN)
    return {**fetched, "column": sealed, "samples": _told(samples)}


def _fetched(read: Callable[[], object]) -> int:
    """Bytes of sealed parts that come over the wire."""
    client, sizes = current().client, list[int]()
    read_part = client.read_part

    def counted(*args: Any) -> bytes:
        found = read_part(*args)
        sizes.append(len(found))
        return found

    with patch.object(client, "read_part", counted):
        read()
    return sum(sizes)


_JOBS: dict[str, Callable[..., Any]] = {job.__name__: job for job in (times, memory_writing, memory_reading, column)}


def work(job: str, rows: int, rounds: int, folder: str, server: int, *way: str) -> None:
    """Do one job."""
    print(json.dumps(_JOBS[job](rows, rounds, Path(folder), server, *way)))
