"""One sealed stream: batches packed with zstd inside one Cobblestone-256 message, and its hash.

Opening trusts nothing: hash, decryption and every declared size are checked before the bytes are given on, and every
low-level failure becomes the one opaque `SealBroken`. What the bytes mean is for `columns` and `blob`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import pyarrow as pa
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor

from ..errors import LimitExceeded, SealBroken, SecureCollabError
from ..manifest import Batch, Stream, stream_context, stream_key
from ..model import Level
from .arrow import build, read_batch

Fetch = Callable[[Level, int, int, int], bytes]
Keys = Mapping[tuple[Level, int], bytes]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Limits:
    """What a reader is willing to hold in memory for one open: bytes after decompression."""

    memory: int = 8 * 2**30


DEFAULT_LIMITS = Limits()


class Allowance:
    """Memory a reader allows for the Python objects made while opening. Threads share it."""

    _OBJECT = 64
    """Bytes that a small one takes, the place that points to it included."""

    def __init__(self, limits: Limits) -> None:
        self._left = limits.memory
        self._one_at_a_time = threading.Lock()

    def take(self, objects: int) -> None:
        """Take memory for so many; `LimitExceeded` when there is not enough left."""
        with self._one_at_a_time:
            self._left -= objects * self._OBJECT
            if self._left < 0:
                raise LimitExceeded("opening this would make more Python objects than the memory limit has room for")


@dataclass(frozen=True)
class Bound:
    """What every stream of a version is bound to."""

    asset: str
    version: str


@dataclass(frozen=True)
class Packed:
    """One batch, compressed, on its way into a stream."""

    batch: Batch
    content: memoryview


@dataclass(frozen=True)
class SealedStream:
    """What the manifest says of a stream that was sealed; `content` is the hash of what is inside."""

    size: int
    sha256: bytes
    content: bytes
    batches: tuple[Batch, ...]


@contextmanager
def opaque() -> Iterator[None]:
    """Turns whatever hostile bytes provoke into `SealBroken`, without details.

    All exceptions, not a list of them: Arrow, pandas, polars, zipfile, skops and safetensors each raise their own.
    """
    try:
        yield
    except SecureCollabError:
        raise
    except Exception:
        raise SealBroken() from None


def pack(rows: int, raw: pa.Buffer) -> Packed:
    """Compress one batch. Releases the interpreter lock, so that threads do it in parallel."""
    content = memoryview(pa.Codec("zstd", compression_level=1).compress(raw)).cast("B")
    return Packed(Batch(rows, len(raw), len(content)), content)


class StreamSealer:
    """Seals batches, in order, as the stream `number` of partition 0."""

    def __init__(self, level_key: bytes, bound: Bound, level: Level, number: int) -> None:
        self._encryptor = Cobblestone256Encryptor(
            stream_key(level_key, number), stream_context(bound.asset, bound.version, level, 0, number)
        )
        self._outer, self._inner = sha256(), sha256()
        self._size = 0
        self._batches: list[Batch] = []

    def add(self, packed: Packed) -> bytes:
        """The next sealed bytes."""
        self._batches.append(packed.batch)
        self._inner.update(packed.content)
        return self._out(self._encryptor.update(packed.content))

    def finish(self) -> bytes:
        """The last sealed bytes."""
        return self._out(self._encryptor.finalize())

    @property
    def sealed(self) -> SealedStream:
        """What came out, once finished."""
        return SealedStream(self._size, self._outer.digest(), self._inner.digest(), tuple(self._batches))

    def _out(self, chunk: bytes) -> bytes:
        self._outer.update(chunk)
        self._size += len(chunk)
        return chunk


def unseal(
    sealed: bytes | memoryview, stream: Stream, key: bytes, bound: Bound, level: Level
) -> Iterator[tuple[Batch, pa.Buffer]]:
    """The batches of one stream, decompressed; nothing is given out before all of it has been authenticated."""
    if sha256(sealed).digest() != stream.sha256:
        raise SealBroken()
    context = stream_context(bound.asset, bound.version, level, stream.partition, stream.number)
    with opaque():
        plain = _decrypt(sealed, Cobblestone256Decryptor(key, context), sum(batch.packed for batch in stream.batches))
    codec = pa.Codec("zstd")
    start = 0
    for batch in stream.batches:
        with opaque():
            raw = codec.decompress(plain.slice(start, batch.packed), decompressed_size=batch.raw)
        if len(raw) != batch.raw:
            raise SealBroken()
        start += batch.packed
        yield batch, raw


def _decrypt(sealed: bytes | memoryview, decryptor: Cobblestone256Decryptor, size: int) -> pa.Buffer:
    plain = pa.allocate_buffer(size)
    into = memoryview(plain).cast("B")
    done = decryptor.update_into(sealed, into)
    into[done:] = decryptor.finalize()  # raises unless exactly `size` bytes came out
    return plain


def array_pieces(arrays: Iterable[pa.Array[Any]]) -> Iterator[tuple[int, pa.Buffer]]:
    """Each array as one Arrow IPC record-batch message with one column."""
    for array in arrays:
        yield len(array), pa.record_batch([array], names=["v"]).serialize()


def read_arrays(batches: Iterable[tuple[Batch, pa.Buffer]], stream: Stream) -> pa.ChunkedArray[Any]:
    """The values of a column stream, each batch read against the manifest's type and validated in full."""
    if stream.type is None:
        raise SealBroken()
    with opaque():
        schema = pa.schema([pa.field("v", build(stream.type))])
        arrays = []
        for batch, raw in batches:
            read = read_batch(raw, schema)
            read.validate(full=True)
            if read.num_rows != batch.rows:
                raise SealBroken()
            arrays.append(read.column(0))
        return pa.chunked_array(arrays, schema.field(0).type)


def check_budget(streams: Iterable[Stream], limits: Limits, width: Callable[[Stream], int]) -> None:
    """Refuse, before anything is fetched, what would take more memory than the reader allows."""
    total = sum(
        max(sum(batch.raw for batch in one.batches), width(one) * sum(batch.rows for batch in one.batches))
        for one in streams
    )
    if total > limits.memory:
        raise LimitExceeded(
            f"opening this would take about {total:,} bytes of memory, more than the limit of {limits.memory:,}"
        )
