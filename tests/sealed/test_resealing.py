"""The same content under new keys: views open as they did; old keys, damage and gaps open nothing."""

from __future__ import annotations

import secrets

import pandas as pd
import pytest

from jupyter_securecollab.errors import SealBroken
from jupyter_securecollab.manifest import parse_top, select, stream_key, top_hash, verify
from jupyter_securecollab.model import Begun, Label, Level
from jupyter_securecollab.sealed.frame import Twin, open_frame, prepare_frame
from jupyter_securecollab.sealed.resealing import Resealing

INTERNAL, SECRET = Level.INTERNAL, Level.SECRET
FRAME = pd.DataFrame({"id": [1, 2], "kind": pd.Categorical(["a", "b"]), "ssn": ["x-1", "x-2"]})


class Sealed:
    """A version as it lies in a store, and its level keys."""

    def __init__(self, top: bytes, levels: dict[Level, bytes], parts: dict[tuple[Level, int], bytes], keys) -> None:
        self.top, self.levels, self.parts, self.level_keys = top, levels, parts, keys
        streams = verify(parse_top(top), levels)
        self.keys = {
            (level, stream.number): stream_key(keys[level], stream.number)
            for level, manifest in streams.items()
            for stream in manifest.streams
        }

    def fetch(self, level: Level, partition: int, start: int, stop: int) -> bytes:
        return self.parts[level, partition][start:stop]

    def open(self, up_to: Level, keys=None) -> pd.DataFrame:
        levels = {level: manifest for level, manifest in self.levels.items() if level <= up_to}
        return open_frame(self.top, levels, keys or self.keys, self.fetch, expected_top_hash=top_hash(self.top))


def begun() -> Begun:
    keys = {level: secrets.token_bytes(32) for level in (INTERNAL, SECRET)}
    return Begun("a" * 32, secrets.token_hex(16), keys, {}, secrets.token_bytes(32))


@pytest.fixture
def sealed() -> Sealed:
    twin = Twin(pd.Series(["*", "*"], name="ssn"), "redact", INTERNAL)
    prepared = prepare_frame(FRAME, {"ssn": Label(SECRET)}, {"ssn": twin})
    new = begun()
    sealing = prepared.seal(asset=new.asset, version=new.version, keys=new.keys)
    parts = {(part.level, part.partition): b"".join(part.chunks) for part in sealing.parts()}
    made = sealing.finish(new.fingerprint_key)
    return Sealed(made.top, made.levels, parts, new.keys)


def again(old: Sealed, new: Begun, keys=None) -> Sealed:
    resealing = Resealing(old.top, old.levels, expected_top_hash=top_hash(old.top), begun=new)
    parts = {(p.level, p.partition): b"".join(p.chunks) for p in resealing.parts(keys or old.keys, old.fetch)}
    made = resealing.finish()
    return Sealed(made.top, made.levels, parts, new.keys)


def test_every_view_opens_as_before(sealed: Sealed) -> None:
    new = again(sealed, begun())
    for level in (INTERNAL, SECRET):
        pd.testing.assert_frame_equal(new.open(level), sealed.open(level))
    pd.testing.assert_frame_equal(new.open(SECRET), FRAME)


def test_old_keys_open_nothing_of_the_new_version(sealed: Sealed) -> None:
    new = again(sealed, begun())
    with pytest.raises(SealBroken):
        new.open(SECRET, keys=sealed.keys)


def test_salts_and_hashes_are_new(sealed: Sealed) -> None:
    new = again(sealed, begun())
    old_levels, new_levels = (verify(parse_top(one.top), one.levels) for one in (sealed, new))
    for level, manifest in old_levels.items():
        assert manifest.salt != new_levels[level].salt
        assert not {s.sha256 for s in manifest.streams} & {s.sha256 for s in new_levels[level].streams}


def test_damaged_content_is_not_sealed_again(sealed: Sealed) -> None:
    part = bytearray(sealed.parts[SECRET, 0])
    part[40] ^= 1
    sealed.parts[SECRET, 0] = bytes(part)
    with pytest.raises(SealBroken):
        again(sealed, begun())


def test_another_manifest_than_the_log_names_is_not_sealed_again(sealed: Sealed) -> None:
    with pytest.raises(SealBroken):
        Resealing(sealed.top, sealed.levels, expected_top_hash=bytes(32), begun=begun())


def test_a_missing_key_or_level_is_not_passed_over(sealed: Sealed) -> None:
    visible = {
        (level, stream.number): sealed.keys[level, stream.number]
        for level, streams in select(verify(parse_top(sealed.top), sealed.levels), None).items()
        for stream in streams
    }
    with pytest.raises(SealBroken):
        again(sealed, begun(), keys=visible)
    less = begun()
    with pytest.raises(SealBroken):
        Resealing(sealed.top, {INTERNAL: sealed.levels[INTERNAL]}, expected_top_hash=top_hash(sealed.top), begun=less)
