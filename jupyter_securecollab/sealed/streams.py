"""One sealed stream: batches packed with zstd inside one Cobblestone-256 message, and its hash.

Opening trusts nothing: hash, decryption and every declared size are checked before the bytes are given on, and every
low-level failure becomes the one opaque `SealBroken`. What the bytes mean is for `columns` and `blob`.
"""

from __future__ import annotations

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
from .arrow import build

Fetch = Callable[[Level, int, int, int], bytes]
Keys = Mapping[tuple[Level, int], bytes]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Limits:
    """What a reader is willing to hold in memory for one open: bytes after decompression."""

    memory: int = 8 * 2**30


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True)
class Bound:
    """What every stream of a version is bound to."""

    asset: str
    version: str


@dataclass(frozen=True)
class SealedStream:
    """The sealed bytes of one stream, their hash and batches; `content` is the hash of what is inside."""

    chunks: tuple[bytes, ...]
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


def seal(
    pieces: Iterable[tuple[int, pa.Buffer]], level_key: bytes, bound: Bound, level: Level, number: int
) -> SealedStream:
    """Seal (rows, raw bytes) pieces as the stream `number` of partition 0."""
    encryptor = Cobblestone256Encryptor(
        stream_key(level_key, number), stream_context(bound.asset, bound.version, level, 0, number)
    )
    codec = pa.Codec("zstd", compression_level=1)
    outer, inner = sha256(), sha256()
    chunks: list[bytes] = []
    batches: list[Batch] = []
    for rows, raw in pieces:
        packed = memoryview(codec.compress(raw)).cast("B")
        batches.append(Batch(rows, len(raw), len(packed)))
        inner.update(packed)
        chunks.append(encryptor.update(packed))
        outer.update(chunks[-1])
    chunks.append(encryptor.finalize())
    outer.update(chunks[-1])
    return SealedStream(tuple(chunks), sum(map(len, chunks)), outer.digest(), inner.digest(), tuple(batches))


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
            read = pa.ipc.read_record_batch(raw, schema)
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
