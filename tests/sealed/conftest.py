"""What stands in for vault and store in these tests: keys by level and sealed objects in memory, nothing mocked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import pytest

from jupyter_securecollab.manifest import parse_top, select, stream_key, top_hash, verify
from jupyter_securecollab.model import Level
from jupyter_securecollab.sealed.frame import open_frame


@dataclass
class Sealed:
    """A sealed version with its keys; opens it as a reader of some level would be allowed to."""

    top: bytes
    levels: dict
    objects: dict
    keys: dict
    fingerprint: bytes = b""
    fetched: list = field(default_factory=list)
    expected: bytes | None = None

    def fetch(self, level, partition, start, stop):
        self.fetched.append((level, partition, start, stop))
        return self.objects[level, partition][start:stop]

    def manifest(self, level):
        return verify(parse_top(self.top), self.levels)[level]

    def level_bytes(self, up_to):
        return {level: found for level, found in self.levels.items() if level <= up_to}

    def stream_keys(self, up_to=Level.SECRET, columns=None):
        wanted = select(verify(parse_top(self.top), self.level_bytes(up_to)), columns)
        return {
            (level, one.number): stream_key(self.keys[level], one.number)
            for level, ones in wanted.items()
            for one in ones
        }

    def open(self, up_to=Level.SECRET, columns=None, using=open_frame, **options):
        keys = self.stream_keys(up_to, columns)
        if columns is not None:
            options["columns"] = columns
        expected = self.expected or top_hash(self.top)
        return using(self.top, self.level_bytes(up_to), keys, self.fetch, expected_top_hash=expected, **options)


@pytest.fixture(scope="session")
def seal():
    """Seal something prepared: `seal(prepared, version="v1", seed=b"")`; another seed means other keys."""

    def run(prepared, version="v1", seed=b"", **options):
        keys = {level: hashlib.sha256(seed + level.encode()).digest() for level in prepared.levels}
        sealing = prepared.seal(asset="a1", version=version, keys=keys, **options)
        objects = {(part.level, part.partition): b"".join(part.chunks) for part in sealing.parts()}
        made = sealing.finish(b"fingerprint key")
        return Sealed(made.top, made.levels, objects, keys, made.fingerprint)

    return run
