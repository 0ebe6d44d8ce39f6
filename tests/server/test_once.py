"""A client that was cut off asks again: what it asked for is done once, and it gets its answer, over the wire."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from serving import Served, error_of, served, share

from jupyter_securecollab.client import Client
from jupyter_securecollab.manifest import top_hash
from jupyter_securecollab.model import AccessSpec, Correction, Label, Level
from jupyter_securecollab.proofs import parse_entry
from jupyter_securecollab.protocol import ONCE_HEADER
from jupyter_securecollab.sealed.frame import open_frame, prepare_frame

NAME = "once/asset"


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of its own, to be killed."""
    with served(tmp_path_factory.mktemp("once")) as running:
        yield running


@contextmanager
def cutting_off(port: int, happens: Callable[[], None], most: int | None = None) -> Iterator[int]:
    """A way to the server on which the first answer gets lost, once `happens` has been called; with `most` the first
    connection breaks after so many bytes of what is sent there instead."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        broken = threading.Event()

        def carry(person: socket.socket) -> None:
            with person, closing(socket.create_connection(("127.0.0.1", port))) as server:
                forth = threading.Thread(target=pump, args=(person, server, None if broken.is_set() else most))
                forth.start()
                with suppress(OSError):
                    while answer := server.recv(65536):
                        if not broken.is_set() and most is None:
                            break
                        person.sendall(answer)
                if not broken.is_set():
                    broken.set()
                    happens()
                for end in (person, server):
                    with suppress(OSError):
                        end.shutdown(socket.SHUT_RDWR)
                forth.join()

        def accept() -> None:
            with suppress(OSError):
                while True:
                    carry(listening.accept()[0])

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()


def pump(source: socket.socket, target: socket.socket, most: int | None) -> None:
    sent = 0
    with suppress(OSError):
        while (data := source.recv(65536)) and (most is None or sent < most):
            target.sendall(data)
            sent += len(data)
        target.shutdown(socket.SHUT_WR)


def killed_and_started_again(vault: Served) -> Callable[[], None]:
    def happen() -> None:
        vault.stop(signal.SIGKILL)
        vault.start()

    return happen


def done(vault: Served, act: str) -> int:
    with closing(vault.client("alice")) as alice:
        return [parse_entry(one.body).act for one in alice.audit(by="alice", limit=1000)].count(act)


@pytest.fixture(scope="module", autouse=True)
def shared(vault: Served) -> None:
    with closing(vault.client("alice")) as alice:
        for content in ("first", "second"):
            share(alice, NAME, content=content, access=AccessSpec(("@analysts",)))


@contextmanager
def cut_off_once(
    vault: Served, memory: Path, happens: Callable[[], None] = lambda: None, most: int | None = None
) -> Iterator[Client]:
    """Alice, who does not get the first answer, or is cut off after so many bytes of what she sends."""
    with cutting_off(vault.port, happens, most) as port:
        url = f"http://127.0.0.1:{port}"
        options = {"log_key": vault.log_key, "memory": memory, "patience": 60}
        with closing(Client(url, vault.tokens["alice"], **options)) as alice:
            yield alice


def test_killed_between_commit_and_answer_it_is_done_once_and_the_client_has_its_answer(
    vault: Served, tmp_path: Path
) -> None:
    before = done(vault, "grant")
    with cut_off_once(vault, tmp_path, killed_and_started_again(vault)) as alice:
        given = alice.grant(NAME, AccessSpec(("bob",)))
    assert [line.grantee for line in given.access] == ["alice", "@analysts", "bob"]
    assert done(vault, "grant") == before + 1


def test_a_share_cut_in_the_middle_of_a_part_goes_on_with_that_part(vault: Served, tmp_path: Path) -> None:
    frame = pd.DataFrame({f"c{n}": np.random.default_rng(n).random(20_000) for n in range(40)})
    half, stored = 3_000_000, len(vault.objects())
    with cut_off_once(vault, tmp_path, killed_and_started_again(vault), half) as alice:
        prepared = prepare_frame(frame, {"c0": Label(level=Level.SECRET)})
        begun = alice.begin("once/cut", "frame", prepared.levels)
        sealing = prepared.seal(asset=begun.asset, version=begun.version, keys=begun.keys)
        for part in sealing.parts():
            alice.upload(begun.version, part.level, part.partition, part.chunks)
        made = sealing.finish(begun.fingerprint_key)
        assert alice.commit(begun.version, made.top, made.levels, made.fingerprint).number == 1
    with closing(vault.client("alice")) as alice:
        opened = alice.open("once/cut")
        keys = {(one.level, one.stream): one.key for one in opened.keys}
        fetch = partial(alice.read_part, opened)
        got = open_frame(opened.manifest, opened.levels, keys, fetch, expected_top_hash=top_hash(opened.manifest))
    pd.testing.assert_frame_equal(got, frame)
    assert done(vault, "begin") == done(vault, "commit") and len(vault.objects()) >= stored + 2


SAID = Correction("1" * 32, Level.SECRET, Level.INTERNAL)
CALLS: dict[str, Callable[[Client], object]] = {
    "grant": lambda alice: alice.grant(NAME, AccessSpec(("eve",))).name == NAME,
    "revoke": lambda alice: alice.revoke(NAME, ["@analysts"]).name == NAME,  # a second time it would be refused
    "shred": lambda alice: alice.shred(NAME, 2).numbers == (1,),
    "correct": lambda alice: alice.correct([SAID]) == (1, 0),
    "join.ask": lambda alice: alice.ask_join("once/person", Level.SECRET, "one cohort").state == "asked",
}


@pytest.mark.parametrize("act", CALLS)
def test_whatever_answer_gets_lost_it_is_done_once(vault: Served, tmp_path: Path, act: str) -> None:
    before = done(vault, act)
    with cut_off_once(vault, tmp_path) as alice:
        assert CALLS[act](alice)
    assert done(vault, act) == before + 1


def test_what_gives_out_a_key_is_decided_and_recorded_anew(vault: Served, tmp_path: Path) -> None:
    before = done(vault, "open")
    with cut_off_once(vault, tmp_path) as alice:
        assert alice.open(NAME).keys
    assert done(vault, "open") == before + 2


def test_a_key_is_for_one_person_and_one_request(vault: Served) -> None:
    headers, before = {ONCE_HEADER: f'"{"a" * 32}"'}, done(vault, "join.ask")
    wanted = {"name": "once/key", "level": "internal", "because": "one cohort"}
    with vault.http("alice") as alice, vault.http("bob") as bob:
        first, again = (alice.post("join", json=wanted, headers=headers) for _ in range(2))
        assert first.json()["result"] == again.json()["result"]
        other = alice.post("join", json={**wanted, "because": "another"}, headers=headers)
        assert "another request" in error_of(other, 409).message
        grant = alice.post("revoke", json={"name": NAME, "people": ["eve"]}, headers=headers)
        assert error_of(grant, 409).code == "conflict"
        assert bob.post("join", json=wanted, headers=headers).json()["result"]["person"] == "bob"
    assert done(vault, "join.ask") == before + 1


@pytest.mark.parametrize("key", ["", "a" * 32, f'"{"a" * 31}"', f'"{"A" * 32}"', '"' * 34])
def test_a_key_that_is_none_is_refused_and_nothing_done(vault: Served, key: str) -> None:
    before = done(vault, "revoke")
    with vault.http("alice") as alice:
        answer = alice.post("revoke", json={"name": NAME, "people": ["eve"]}, headers={ONCE_HEADER: key})
    assert error_of(answer, 400).code == "invalid"
    assert done(vault, "revoke") == before
