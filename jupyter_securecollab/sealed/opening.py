"""Opening a sealed version: verify the manifests, fetch exactly the streams asked for, open them on threads.

The chain, on the very bytes that are used: top manifest hash → level manifest hashes → stream hash → decryption →
declared sizes. What comes out is for `frame`, `blob` and `models` to build from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from hmac import compare_digest
from typing import Generic, TypeVar

import pyarrow as pa

from ..errors import NotFound, SealBroken
from ..manifest import Batch, LevelManifest, Placed, Stream, TopManifest, parse_top, top_hash, verify
from ..model import Kind, Level
from .sealing import THREADS
from .streams import Bound, Fetch, Keys, Progress, unseal

T = TypeVar("T")
Payload = Callable[[Stream], Iterable[tuple[Batch, pa.Buffer]]]
Build = Callable[[Placed, Payload], T]

# Neighbouring streams up to this size together come in one request: a request costs more than so many bytes.
_TOGETHER = 2**22


@dataclass(frozen=True)
class Unit(Generic[T]):
    """What is opened together: a column, and its categories if it has any."""

    placed: Placed
    streams: tuple[Stream, ...]

    @property
    def size(self) -> int:
        """Sealed bytes."""
        return sum(stream.size for stream in self.streams)


def verified(
    opened_top: bytes, level_manifests: Mapping[Level, bytes], expected_top_hash: bytes | None, kind: Kind
) -> tuple[TopManifest, dict[Level, LevelManifest]]:
    """The manifests, verified; `expected_top_hash` is what the log entry of the commit says, None if there is none."""
    if expected_top_hash is not None and not compare_digest(top_hash(opened_top), expected_top_hash):
        raise SealBroken()
    top = parse_top(opened_top)
    if top.kind != kind:
        raise SealBroken()
    if not level_manifests:
        raise NotFound(
            "there is nothing in it at your level", next_step="Ask for access up to a higher level with %request."
        )
    return top, verify(top, level_manifests)


def units(levels: Mapping[Level, LevelManifest], placed: Iterable[Placed]) -> list[Unit[T]]:
    """The streams each of these needs."""
    found = []
    for one in placed:
        number = one.stream.categories
        extra = () if number is None else (levels[one.level].streams[number],)
        found.append(Unit[T](one, (*extra, one.stream)))
    return found


def open_units(
    wanted: Sequence[Unit[T]], keys: Keys, fetch: Fetch, bound: Bound, build: Build[T], progress: Progress | None = None
) -> list[T]:
    """Each unit built, in the order given. Fetching and opening overlap, on threads."""
    order = {(unit.placed.level, unit.placed.stream.number): i for i, unit in enumerate(wanted)}
    made: dict[int, T] = {}
    done, total = 0, sum(unit.size for unit in wanted)
    pool = ThreadPoolExecutor(THREADS, thread_name_prefix="open")
    try:
        running = {pool.submit(_open_group, group, keys, fetch, bound, build): group for group in _groups(wanted)}
        for future in as_completed(running):
            group = running.pop(future)
            for unit, value in zip(group, future.result(), strict=True):
                made[order[unit.placed.level, unit.placed.stream.number]] = value
                done += unit.size
            if progress:
                progress(done, total)
            del future
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
    return [made[i] for i in range(len(wanted))]


def _groups(wanted: Sequence[Unit[T]]) -> list[list[Unit[T]]]:
    groups: list[list[Unit[T]]] = []
    size = 0
    for unit in sorted(wanted, key=lambda one: (one.placed.level, one.streams[0].partition, one.streams[0].offset)):
        last = groups[-1][-1] if groups else None
        if last and _adjacent(last, unit) and size + unit.size <= _TOGETHER:
            groups[-1].append(unit)
            size += unit.size
        else:
            groups.append([unit])
            size = unit.size
    return sorted(
        groups, key=lambda group: -sum(unit.size for unit in group)
    )  # large ones first: none is left to run alone


def _adjacent(first: Unit[T], second: Unit[T]) -> bool:
    end, start = first.streams[-1], second.streams[0]
    same_object = (first.placed.level, end.partition) == (second.placed.level, start.partition)
    return same_object and end.offset + end.size == start.offset


def _open_group(group: list[Unit[T]], keys: Keys, fetch: Fetch, bound: Bound, build: Build[T]) -> list[T]:
    level = group[0].placed.level
    sealed = _fetch(level, [stream for unit in group for stream in unit.streams], fetch)

    def payload(stream: Stream) -> Iterable[tuple[Batch, pa.Buffer]]:
        key = keys.get((level, stream.number))
        if key is None:
            raise SealBroken()
        return unseal(sealed.pop(stream.number), stream, key, bound, level)

    return [build(unit.placed, payload) for unit in group]


def _fetch(level: Level, streams: list[Stream], fetch: Fetch) -> dict[int, memoryview]:
    """The sealed bytes of each stream, one request per run of neighbours."""
    runs: list[list[Stream]] = []
    for stream in sorted(streams, key=lambda one: (one.partition, one.offset)):
        last = runs[-1][-1] if runs else None
        if last and (last.partition, last.offset + last.size) == (stream.partition, stream.offset):
            runs[-1].append(stream)
        else:
            runs.append([stream])
    sealed = {}
    for run in runs:
        start, stop = run[0].offset, run[-1].offset + run[-1].size
        found = memoryview(fetch(level, run[0].partition, start, stop))
        for stream in run:
            sealed[stream.number] = found[stream.offset - start : stream.offset - start + stream.size]
    return sealed
