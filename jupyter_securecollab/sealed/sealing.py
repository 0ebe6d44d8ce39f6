"""Sealing a prepared version level by level, on threads, with bounded memory; then its manifests and fingerprint.

Worker threads compress a few batches ahead of the one that is encrypted and handed out, so what is in memory is those
batches and the plaintext the caller already holds. Nothing is written anywhere.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import msgspec
import pyarrow as pa

from ..errors import Conflict
from ..manifest import FORMAT, LevelManifest, Stream, TopManifest, encode, level_hash
from ..model import Kind, Level
from .streams import Bound, Packed, Progress, SealedStream, StreamSealer, pack

# More threads than cores even on small machines: decryption holds the interpreter lock, fetching waits for the network.
THREADS = max(4, min(8, os.cpu_count() or 2))

# Batches being compressed or waiting for it: enough for every core, no more, because each is in memory.
_AHEAD = 1 + (os.cpu_count() or 2)


@dataclass(frozen=True)
class Draft:
    """One stream still to be sealed: what its manifest entry says, about how many bytes it is, its plaintext pieces.

    `pieces` gives all of them, or those of the first so many rows.
    """

    stream: Stream
    size: int
    pieces: Callable[[int | None], Iterable[tuple[int, pa.Buffer]]]


@dataclass(frozen=True)
class DraftLevel:
    """One level still to be sealed. Sizes, hashes and salt in `manifest` are yet to be filled in."""

    manifest: LevelManifest
    drafts: tuple[Draft, ...]


@dataclass(frozen=True)
class SealedPart:
    """One object to store. `chunks` must be consumed before the next part is asked for.

    Gone through once more from the beginning they are sealed anew, as other bytes: what counts is the last time.
    """

    level: Level
    partition: int
    chunks: Iterable[bytes]


@dataclass(frozen=True)
class SealedManifests:
    """What is committed: manifests, and the keyed fingerprint that tells unchanged content without telling content."""

    top: bytes
    levels: dict[Level, bytes]
    fingerprint: bytes


class _Chunks:
    """The bytes of one part, from the beginning each time they are gone through."""

    def __init__(self, made: Callable[[], Iterator[bytes]]) -> None:
        self._made = made

    def __iter__(self) -> Iterator[bytes]:
        return self._made()


class Sealing:
    """One sealing in progress: iterate `parts` to the end, then `finish`."""

    def __init__(
        self,
        kind: Kind,
        levels: Mapping[Level, DraftLevel],
        bound: Bound,
        keys: Mapping[Level, bytes],
        parents: Sequence[str] = (),
        progress: Progress | None = None,
    ) -> None:
        self._kind, self._bound, self._keys, self._parents = kind, bound, keys, tuple(parents)
        self._levels = dict(sorted(levels.items()))
        self._sealed: dict[Level, list[SealedStream]] = {name: [] for name in self._levels}
        self._progress = progress or (lambda done, total: None)
        self._total = sum(draft.size for level in self._levels.values() for draft in level.drafts)
        self._packing: Generator[Packed | None, None, None] | None = None
        self._next: Level | None = None

    def parts(self) -> Iterator[SealedPart]:
        """The objects to store, lowest level first; a level without any stream has none."""
        try:
            for name, level in self._levels.items():
                if level.drafts:
                    yield SealedPart(name, 0, _Chunks(partial(self._chunks, name)))
                    if len(self._sealed[name]) != len(level.drafts):
                        raise Conflict("a part was left before all of it was stored")
        finally:
            self._stop()

    def _stop(self) -> None:
        if self._packing is not None:
            self._packing.close()

    def _packed_from(self, name: Level) -> Generator[Packed | None, None, None]:
        """The batches of this level and those after it; those packed ahead so far, unless part of them is gone."""
        if self._packing is None or self._next != name:
            self._stop()
            self._packing = self._packed(
                [draft for level, one in self._levels.items() if level >= name for draft in one.drafts]
            )
        self._next = None
        return self._packing

    def finish(self, fingerprint_key: bytes) -> SealedManifests:
        """The manifests, once every part has been consumed."""
        if any(len(self._sealed[name]) != len(level.drafts) for name, level in self._levels.items()):
            raise Conflict("not everything has been sealed yet")
        levels = {name: encode(self._filled(name)) for name in self._levels}
        hashes = {name: level_hash(level_bytes) for name, level_bytes in levels.items()}
        top = TopManifest(FORMAT, self._bound.asset, self._bound.version, self._kind, hashes, self._parents)
        return SealedManifests(encode(top), levels, self._fingerprint(fingerprint_key))

    def _packed(self, drafts: Iterable[Draft]) -> Generator[Packed | None, None, None]:
        """The batches of these streams, None after those of each. Packed on threads, a few ahead of the one taken."""
        pool = ThreadPoolExecutor(THREADS, thread_name_prefix="seal")
        ahead: deque[Future[Packed] | None] = deque()
        try:
            for draft in drafts:
                for rows, raw in draft.pieces(None):
                    ahead.append(pool.submit(pack, rows, raw))
                    while len(ahead) - ahead.count(None) > _AHEAD:
                        yield _result(ahead.popleft())
                ahead.append(None)
            yield from map(_result, ahead)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _chunks(self, level: Level) -> Iterator[bytes]:
        packed, sealed = self._packed_from(level), self._sealed[level]
        sealed.clear()
        done = sum(draft.size for name, one in self._levels.items() if name < level for draft in one.drafts)
        for draft in self._levels[level].drafts:
            stream = StreamSealer(self._keys[level], self._bound, level, draft.stream.number)
            for one in iter(packed.__next__, None):
                yield stream.add(one)
            yield stream.finish()
            sealed.append(stream.sealed)
            done += draft.size
            self._progress(done, self._total)
        self._next = next((name for name, one in self._levels.items() if name > level and one.drafts), None)

    def _filled(self, name: Level) -> LevelManifest:
        offset = 0
        streams = []
        for draft, sealed in zip(self._levels[name].drafts, self._sealed[name], strict=True):
            streams.append(
                msgspec.structs.replace(
                    draft.stream, offset=offset, size=sealed.size, sha256=sealed.sha256, batches=sealed.batches
                )
            )
            offset += sealed.size
        return msgspec.structs.replace(
            self._levels[name].manifest, salt=secrets.token_bytes(32), streams=tuple(streams)
        )

    def _fingerprint(self, key: bytes) -> bytes:
        digest = hmac.new(key, b"securecollab/sealed/v1/fingerprint\x00" + self._kind.encode(), "sha256")
        for name, level in self._levels.items():
            contents = zip(level.drafts, self._sealed[name], strict=True)
            streams = tuple(msgspec.structs.replace(draft.stream, sha256=sealed.content) for draft, sealed in contents)
            digest.update(level_hash(encode(msgspec.structs.replace(level.manifest, streams=streams))))
        return digest.digest()


def _result(job: Future[Packed] | None) -> Packed | None:
    return None if job is None else job.result()
