"""A large frame on its way to a vault that is killed or restarted meanwhile: all of it arrives, or nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hubs import RealHub, answers, until

from jupyter_securecollab.client import Client
from jupyter_securecollab.core.collaboration import Settings
from jupyter_securecollab.errors import Denied, Unavailable
from jupyter_securecollab.manifest import top_hash
from jupyter_securecollab.model import AccessSpec, Label, Level
from jupyter_securecollab.proofs import parse_entry
from jupyter_securecollab.sealed.frame import open_frame, prepare_frame

pytestmark = pytest.mark.timeout(900)

KEPT = Settings().staging_kept
LABELS = {"c0": Label(level=Level.INTERNAL)}
COLUMNS = 16


@pytest.fixture(scope="module")
def tokens(apart: RealHub) -> dict[str, str]:
    """Of alice, who may share anything, and of bob."""
    found = {name: apart.token(name) for name in ("alice", "bob")}
    for token in found.values():
        with apart.client(token) as client:
            client.me()
    apart.cli("user", "change", "alice", "--clearance", "secret")
    return found


def frame_of(size: int) -> pd.DataFrame:
    """So many bytes, which nothing makes fewer."""
    random, rows = np.random.default_rng(size), size // COLUMNS // 8
    return pd.DataFrame({f"c{number}": random.integers(-(2**63), 2**63 - 1, rows) for number in range(COLUMNS)})


class Interrupted:
    """What is sealed of one part; the first time it is gone through something `happens` in the middle."""

    def __init__(self, chunks: Iterable[bytes], half: int, happens: Callable[[], None]) -> None:
        self.chunks, self.half, self.happens = chunks, half, happens
        self.begun = 0

    def __iter__(self) -> Iterator[bytes]:
        self.begun += 1
        first, sent = self.begun == 1, 0
        for chunk in self.chunks:
            if first and sent < self.half <= sent + len(chunk):
                self.happens()
            sent += len(chunk)
            yield chunk


def share_interrupted(alice: Client, name: str, frame: pd.DataFrame, happens: Callable[[], None]) -> int:
    """Share a frame; how often its largest part was sent."""
    access = AccessSpec(("bob",))
    prepared = prepare_frame(frame, LABELS)
    begun = alice.begin(name, "frame", prepared.levels, access=access)
    sealing = prepared.seal(asset=begun.asset, version=begun.version, keys=begun.keys)
    half, often = int(frame.memory_usage(index=False).sum()) // 2, 0
    for part in sealing.parts():
        interrupted = Interrupted(part.chunks, half, happens)
        alice.upload(begun.version, part.level, part.partition, interrupted)
        often = max(often, interrupted.begun)
    made = sealing.finish(begun.fingerprint_key)
    assert alice.commit(begun.version, made.top, made.levels, made.fingerprint).number == 1
    return often


def opened(client: Client, name: str) -> pd.DataFrame:
    found = client.open(name)
    keys = {(one.level, one.stream): one.key for one in found.keys}
    fetch = partial(client.read_part, found)
    return open_frame(found.manifest, found.levels, keys, fetch, expected_top_hash=top_hash(found.manifest))


def objects(apart: RealHub) -> list[Path]:
    return [path for path in apart.vault.glob("objects/**/*") if path.is_file()]


def unfinished(path: Path) -> bool:
    """What a vault that was killed could not take away; `gc` does, a day later."""
    return path.suffix == ".unfinished"


def stopping(apart: RealHub, before: list[Path]) -> subprocess.Popen[bytes]:
    """The service's process, once some of what is sent lies there."""
    until(lambda: any(path.stat().st_size for path in objects(apart) if path not in before))
    assert apart.service is not None
    return apart.service


def killed(apart: RealHub, before: list[Path]) -> None:
    process = stopping(apart, before)
    process.kill()
    process.wait()
    apart.start_service()


def stopped(apart: RealHub, before: list[Path]) -> None:
    """Told to stop, and nothing more is sent until it has: it waits for its clients only so long."""
    process = stopping(apart, before)
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 0
    apart.start_service()


def check_shared(apart: RealHub, tokens: dict[str, str], name: str, frame: pd.DataFrame, before: list[Path]) -> None:
    """It is there, once, and whole."""
    with apart.client(tokens["alice"]) as alice, apart.client(tokens["bob"]) as bob:
        pd.testing.assert_frame_equal(opened(alice, name), frame)
        pd.testing.assert_frame_equal(opened(bob, name), frame)
        entries = [parse_entry(one.body) for one in alice.audit(name=name, limit=1000)]
        acts = [entry.act for entry in entries]
        assert acts.count("begin") == acts.count("commit") == 1
    (stored,) = [path for path in objects(apart) if path not in before and not unfinished(path)]
    assert stored.stat().st_size > frame.memory_usage(index=False).sum()
    apart.cli("audit", "verify", "--state")
    stored.unlink()  # nothing opens it any more, and it is large


MEGABYTE = 1024 * 1024


@pytest.mark.parametrize(("size", "how"), [
    (64 * MEGABYTE, killed),
    pytest.param(64 * MEGABYTE, stopped, marks=pytest.mark.slow),  # it waits half a minute for who does not go on
    pytest.param(1024 * MEGABYTE, killed, marks=pytest.mark.slow),
])  # fmt: skip
def test_a_frame_that_was_cut_off_in_the_middle_is_sent_again_and_there_once(
    apart: RealHub, tokens, tmp_path: Path, size: int, how: Callable[[RealHub, list[Path]], None]
) -> None:
    name, frame, before = f"uploads/{how.__name__}-{size}", frame_of(size), objects(apart)
    with closing(Client(apart.url, tokens["alice"], memory=tmp_path / "memory", patience=300)) as alice:
        assert share_interrupted(alice, name, frame, lambda: how(apart, before)) == 2
    check_shared(apart, tokens, name, frame, before)


def test_a_vault_that_is_restarted_takes_what_is_on_its_way_to_the_end(apart: RealHub, tokens, tmp_path: Path) -> None:
    """The part arrives at the old process, and is made visible by the new one."""
    name, frame, before = "uploads/restarted", frame_of(64 * MEGABYTE), objects(apart)
    with ThreadPoolExecutor(1) as operator, closing(
        Client(apart.url, tokens["alice"], memory=tmp_path / "memory", patience=300)
    ) as alice:  # fmt: skip
        old = apart.service

        def restarted() -> None:
            stopping(apart, before).send_signal(signal.SIGTERM)
            until(lambda: not answers(f"{apart.url}/healthz"))
            operator.submit(again)

        def again() -> None:
            assert old is not None and old.wait(60) == 0
            apart.start_service()

        assert share_interrupted(alice, name, frame, restarted) == 1
    assert apart.service is not old
    check_shared(apart, tokens, name, frame, before)


def test_who_does_not_wait_for_a_killed_vault_has_shared_nothing(apart: RealHub, tokens, tmp_path: Path) -> None:
    """It fails in words, nobody sees anything of it, and what did arrive is taken away when it is old."""
    name, frame, before = "uploads/given-up", frame_of(64 * MEGABYTE), objects(apart)

    def die() -> None:
        process = stopping(apart, before)
        process.kill()
        process.wait()

    hurried = Client(apart.url, tokens["alice"], memory=tmp_path / "memory", patience=0)
    try:
        with closing(hurried), pytest.raises(Unavailable, match="does not answer"):
            share_interrupted(hurried, name, frame, die)
    finally:
        apart.start_service()
    with apart.client(tokens["bob"]) as bob, apart.client(tokens["alice"]) as alice:
        for nobody in (bob, alice):
            with pytest.raises(Denied):
                nobody.open(name)
    (left,) = [path for path in objects(apart) if path not in before]
    assert unfinished(left)
    for age, still_there in ((KEPT - timedelta(minutes=5), True), (KEPT + timedelta(minutes=5), False)):
        written = time.time() - age.total_seconds()
        os.utime(left, (written, written))
        apart.cli("gc")
        assert left.exists() == still_there
    apart.cli("audit", "verify", "--state")
