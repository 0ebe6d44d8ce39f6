"""A server's vault and witnesses in processes of their own: what clients get, and what they refuse."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
from own_witness import OwnWitness
from serving import Served, served, share

from jupyter_securecollab.adapters.witnesses import HttpWitness
from jupyter_securecollab.client import Client, connect
from jupyter_securecollab.cosigning import Asking, Quorum, write_request
from jupyter_securecollab.errors import Invalid, LogBroken, Unavailable
from jupyter_securecollab.model import AccessSpec
from jupyter_securecollab.witness import MAX_REQUEST, make_witness

T = TypeVar("T")
NAME = "oncology/patients"


@pytest.fixture(scope="module")
def witnesses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[OwnWitness]]:
    made = [OwnWitness(tmp_path_factory.mktemp("witnesses"), number) for number in range(2)]
    yield made
    for one in made:
        one.stop()


@pytest.fixture(scope="module")
def vault(witnesses: list[OwnWitness], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    named = [f"--SecureCollabApp.witnesses={one.key} {one.url}" for one in witnesses]
    with served(tmp_path_factory.mktemp("vault"), *named) as running:
        for one in witnesses:
            one.start(running.log_key)
        with running.http("alice") as http:
            confirmed(lambda: http.get("me").raise_for_status())
        yield running


def confirmed(ask: Callable[[], T]) -> T:
    """Ask until the vault has noticed that its witnesses are there; the test's own timeout ends a wait in vain."""
    while True:
        with suppress(Unavailable, httpx.HTTPStatusError):
            return ask()


@contextmanager
def client(vault: Served, name: str, keys: list[str], **options) -> Iterator[Client]:
    found = vault.client(name, log_key=vault.log_key, quorum=Quorum.of(keys, 2), **options)
    try:
        yield found
    finally:
        found.close()


def test_a_client_that_wants_witnesses_gets_them_with_everything(vault: Served, witnesses: list[OwnWitness]) -> None:
    keys = [one.key for one in witnesses]
    with client(vault, "alice", keys) as alice, client(vault, "bob", keys) as bob:
        share(alice, NAME, access=AccessSpec(people=("bob",)))
        opened = bob.open(NAME)
        for receipt in (opened.receipt, opened.committed):
            assert alice.quorum is not None and len(alice.quorum.cosigners(receipt.checkpoint)) == 2
        assert bob.assets() and bob.cosigners() == ("w.example/0", "w.example/1")


def test_a_client_that_knows_other_witnesses_believes_nothing(
    vault: Served, witnesses: list[OwnWitness], tmp_path: Path
) -> None:
    other = make_witness("w.example/9", tmp_path / "key", tmp_path / "state")
    with client(vault, "alice", [witnesses[0].key, other]) as alice:
        for ask in (alice.me, alice.assets, lambda: alice.open(NAME)):
            with pytest.raises(LogBroken, match="1 of 2 witnesses confirm this log, and 2 have to"):
                ask()


def test_kernels_are_told_which_witnesses_and_cannot_be_told_nonsense(vault, witnesses, tmp_path, monkeypatch) -> None:
    said = {"URL": vault.url, "TOKEN": vault.tokens["alice"], "LOG_KEY": vault.log_key}
    for name, value in said.items():
        monkeypatch.setenv(f"SECURECOLLAB_{name}", value)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.setenv("SECURECOLLAB_WITNESSES", f"2 {witnesses[0].key} {witnesses[1].key}")
    found = connect()
    assert found.me().name == "alice" and len(found.cosigners()) == 2
    found.close()
    monkeypatch.setenv("SECURECOLLAB_WITNESSES", f"0 {witnesses[0].key} nobody")
    with pytest.raises(LogBroken):
        connect()
    monkeypatch.setenv("SECURECOLLAB_WITNESSES", "nobody")
    with pytest.raises(Invalid):
        connect()


def test_a_witness_answers_over_http_as_it_is_written(vault: Served, witnesses: list[OwnWitness]) -> None:
    link = HttpWitness(witnesses[0].key, f"{witnesses[0].url}/")
    with (
        httpx.Client(base_url=witnesses[0].url, trust_env=False) as http,
        client(vault, "alice", [w.key for w in witnesses]) as alice,
    ):
        note = alice.open(NAME).receipt.checkpoint
        answer = http.post("/add-checkpoint", content=write_request(Asking(0, (), note)))
        assert (answer.status_code, answer.headers["Content-Type"]) == (409, "text/x.tlog.size")
        assert int(answer.text) == link.add_checkpoint(0, (), note)
        assert http.get("/add-checkpoint").status_code == 405
        with suppress(httpx.TransportError):  # the connection may be cut before that was read
            assert http.post("/add-checkpoint", content=b"x" * (MAX_REQUEST + 1)).status_code == 400
        assert http.post("/elsewhere", content=b"").status_code == 404
    with pytest.raises(LogBroken, match="it refuses"):
        link.add_checkpoint(0, (), note.replace("vault\n", "other\n"))
    link.close()


def test_without_witnesses_nothing_is_opened_and_with_them_it_goes_on(
    vault: Served, witnesses: list[OwnWitness]
) -> None:
    keys = [one.key for one in witnesses]
    with client(vault, "bob", keys) as bob:
        bob.open(NAME)
        witnesses[0].stop()
        with pytest.raises(Unavailable, match="too few witnesses"):
            bob.open(NAME)
        assert bob.assets()  # reading lists goes on
        witnesses[0].start(vault.log_key)
        confirmed(lambda: bob.open(NAME))


def test_a_vault_restored_from_an_older_backup_opens_nothing(vault: Served, witnesses: list[OwnWitness]) -> None:
    keys = [one.key for one in witnesses]
    database, backup = vault.folder / "vault" / "vault.sqlite", vault.folder / "backup"
    with closing(sqlite3.connect(database)) as found, closing(sqlite3.connect(backup)) as copy:
        found.backup(copy)
    with client(vault, "bob", keys) as bob:
        for _ in range(3):
            bob.open(NAME)
        vault.stop()
        for leftover in database.parent.glob("vault.sqlite-*"):
            leftover.unlink()
        backup.replace(database)
        vault.start()
        with pytest.raises(LogBroken, match="set back"):
            bob.assets()
    with client(vault, "bob", keys) as new, pytest.raises(Unavailable, match="too few witnesses") as told:
        new.open(NAME)  # one that has seen nothing yet
    assert "set back to an older state, or its log forked" in told.value.next_step
