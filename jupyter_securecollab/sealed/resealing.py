"""The same content under new keys: streams are decrypted and encrypted again without being looked into."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from hashlib import sha256

import msgspec
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor

from ..errors import SealBroken
from ..manifest import (
    LevelManifest,
    Stream,
    encode,
    level_hash,
    parse_top,
    part_sizes,
    stream_context,
    stream_key,
    top_hash,
    verify,
)  # fmt: skip
from ..model import Begun, Level
from .sealing import SealedManifests, SealedPart
from .streams import Fetch, Keys, opaque


class Resealing:
    """One version sealed again as the version just begun. Needs the keys of all its streams, masked copies included.

    Raises `SealBroken` unless `top_bytes` has `expected_top_hash` and everything below it is what it says.
    """

    def __init__(
        self, top_bytes: bytes, level_bytes: Mapping[Level, bytes], *, expected_top_hash: bytes, begun: Begun
    ) -> None:
        if top_hash(top_bytes) != expected_top_hash:
            raise SealBroken()
        self._top = parse_top(top_bytes)
        self._levels = verify(self._top, level_bytes)
        if set(self._levels) != set(begun.keys) or set(self._levels) != set(self._top.levels):
            raise SealBroken()
        self._begun = begun
        self._hashes: dict[tuple[Level, int], bytes] = {}

    def parts(self, keys: Keys, fetch: Fetch) -> Iterator[SealedPart]:
        """Each part, to be sent before the next is asked for; one stream is in memory at a time."""
        for level, manifest in self._levels.items():
            for partition in sorted(part_sizes(manifest)):
                yield SealedPart(level, partition, self._chunks(level, manifest, partition, keys, fetch))

    def finish(self) -> SealedManifests:
        """The manifests of the new version. Its fingerprint is fresh: it never counts as unchanged."""
        levels = {level: encode(self._resealed(level, manifest)) for level, manifest in self._levels.items()}
        top = msgspec.structs.replace(
            self._top,
            version=self._begun.version,
            levels={level: level_hash(level_bytes) for level, level_bytes in levels.items()},
        )
        return SealedManifests(encode(top), levels, secrets.token_bytes(32))

    def _chunks(
        self, level: Level, manifest: LevelManifest, partition: int, keys: Keys, fetch: Fetch
    ) -> Iterator[bytes]:
        for stream in manifest.streams:
            if stream.partition != partition:
                continue
            sealed = fetch(level, partition, stream.offset, stream.offset + stream.size)
            key = keys.get((level, stream.number))
            if key is None or sha256(sealed).digest() != stream.sha256:
                raise SealBroken()
            again = self._again(sealed, level, stream, key)
            self._hashes[level, stream.number] = sha256(again).digest()
            yield again

    def _again(self, sealed: bytes, level: Level, stream: Stream, key: bytes) -> bytes:
        where = (level, stream.partition, stream.number)
        with opaque():
            decryptor = Cobblestone256Decryptor(key, stream_context(self._top.asset, self._top.version, *where))
            plain = decryptor.update(sealed) + decryptor.finalize()
            new_key = stream_key(self._begun.keys[level], stream.number)
            encryptor = Cobblestone256Encryptor(new_key, stream_context(self._begun.asset, self._begun.version, *where))
            return encryptor.update(plain) + encryptor.finalize()

    def _resealed(self, level: Level, manifest: LevelManifest) -> LevelManifest:
        streams = tuple(
            msgspec.structs.replace(stream, sha256=self._hashes[level, stream.number]) for stream in manifest.streams
        )
        return msgspec.structs.replace(manifest, salt=secrets.token_bytes(32), streams=streams)
