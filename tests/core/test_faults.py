"""Decide, record, release: what happens when the record cannot be made, or many things happen at once."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from material import ALICE, BOB, INTERNAL, PATIENTS, ROOT, SECRET, Vault

from jupyter_securecollab.errors import Denied, Unavailable
from jupyter_securecollab.model import Caller
from jupyter_securecollab.proofs import verify_receipt

TESTS = Path(__file__).parent.parent

FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from jupyter_securecollab.errors import SecureCollabError
from material import *

vault = Vault(Path(sys.argv[1]))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def attempt(act):
    try:
        print("released", type(act()).__name__)
    except SecureCollabError as error:
        print(type(error).__name__, error)

begun = vault.door.begin(ALICE, name=PATIENTS, kind="frame", levels=(INTERNAL, SECRET))
made = parcel(begun, content="second", size=300_000)
"""


def on_a_full_disk(vault: Vault, script: str) -> list[str]:
    """Run a script in another process on this vault; `limit(n)` is a disk on which no file grows beyond n bytes."""
    vault.door.close()
    run = [sys.executable, "-c", FULL_DISK + script, str(vault.folder)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    done = subprocess.run(run, env=environment, capture_output=True, text=True, check=True)
    vault.door = vault.opened()
    return done.stdout.splitlines()


def test_nothing_is_released_when_the_log_cannot_be_written(vault: Vault) -> None:
    vault.grant("bob")
    acts = on_a_full_disk(
        vault,
        """
wal = vault.database.with_name("vault.sqlite-wal")
limit(wal.stat().st_size)
attempt(lambda: vault.door.open(BOB, name=PATIENTS))
attempt(lambda: vault.door.open(EVE, name=PATIENTS))
attempt(lambda: vault.door.begin(ALICE, name="a/b", kind="file", levels=[SECRET]))
attempt(lambda: vault.door.revoke(ALICE, name=PATIENTS, people=["bob"]))
attempt(lambda: vault.door.new_token(ROOT, name="bob"))
limit(resource.RLIM_INFINITY)
attempt(lambda: vault.door.open(BOB, name=PATIENTS))
attempt(lambda: vault.door.open(EVE, name=PATIENTS))
""",
    )
    assert [line.split()[0] for line in acts] == ["Unavailable"] * 5 + ["released", "Denied"]
    assert vault.sql("SELECT name FROM asset") == [(PATIENTS,)]
    assert [entry.act for entry in vault.entries()][-3:] == ["begin", "open", "open"]
    vault.door.verify(state=True)


def test_disk_full_while_a_part_is_written_leaves_nothing_and_can_be_tried_again(vault: Vault) -> None:
    before = vault.objects()
    acts = on_a_full_disk(
        vault,
        """
limit(100_000)
part = vault.door.upload(ALICE, version=begun.version, level=SECRET, partition=0)
attempt(lambda: (part.write(made.parts[SECRET, 0]), part.finish()))
part.abandon()
print(len(vault.objects()))
limit(resource.RLIM_INFINITY)
vault.upload(ALICE, begun, made)
print(vault.commit(ALICE, begun, made).number)
""",
    )
    assert acts == ["Unavailable the object store cannot be written or read just now", str(len(before)), "2"]


def test_no_open_is_recorded_or_released_after_its_revocation(vault: Vault) -> None:
    released: list[int] = []
    for _ in range(5):
        vault.grant("bob")
        start, opened_once = threading.Barrier(5), threading.Event()

        def reader(start: threading.Barrier = start, opened_once: threading.Event = opened_once) -> None:
            start.wait()
            try:
                while True:
                    released.append(vault.door.open(BOB, name=PATIENTS).receipt.index)
                    opened_once.set()
            except Denied:
                return

        with ThreadPoolExecutor(4) as threads:
            running = [threads.submit(reader) for _ in range(4)]
            start.wait()
            opened_once.wait(30)
            vault.door.revoke(ALICE, name=PATIENTS, people=["bob"])
            for one in running:
                one.result(30)
    may = False
    recorded = []
    for index, entry in enumerate(vault.entries()):
        if entry.act in ("grant", "revoke"):
            may = entry.act == "grant"
        elif entry.act == "open" and entry.decision is not None and entry.decision.allow:
            assert may, f"entry {index} is an open after its revocation"
            recorded.append(index)
    assert sorted(released) == recorded


def test_a_hundred_parallel_opens_each_have_their_own_entry(vault: Vault) -> None:
    vault.grant("@analysts")
    with ThreadPoolExecutor(100) as threads:
        opened = list(threads.map(lambda _: vault.door.open(BOB, name=PATIENTS), range(100)))
    assert len({one.receipt.index for one in opened}) == 100
    assert {one.keys for one in opened} == {opened[0].keys}
    for one in opened:
        assert verify_receipt(one.receipt, vault.door.log_key).entry.who == "bob"


def test_vault_closed_in_the_middle_keeps_all_it_answered_and_refuses_the_rest(vault: Vault) -> None:
    answered: list[int] = []
    started = threading.Barrier(9)

    def reader() -> None:
        started.wait()
        try:
            while True:
                answered.append(vault.door.open(ALICE, name=PATIENTS).receipt.index)
        except Unavailable:
            return

    with ThreadPoolExecutor(8) as threads:
        running = [threads.submit(reader) for _ in range(8)]
        started.wait()
        while len(answered) < 20:
            pass
        vault.door.close()
        for one in running:
            one.result(30)
    for act in (
        lambda: vault.door.assets(ALICE),
        lambda: vault.door.open(ALICE, name=PATIENTS),
        lambda: vault.door.head(),
    ):
        with pytest.raises(Unavailable):
            act()
    vault.door.close()
    vault.door = vault.opened()
    opens = {index for index, entry in enumerate(vault.entries()) if entry.act == "open"}
    assert set(answered) <= opens
    vault.door.verify(state=True)


def test_what_another_process_changes_counts_at_once(vault: Vault) -> None:
    vault.grant("bob")
    vault.door.open(BOB, name=PATIENTS)
    other = vault.opened()
    try:
        other.disable_user(ROOT, name="bob")
        with pytest.raises(Denied):
            vault.door.open(BOB, name=PATIENTS)
        vault.share(content="second")
        assert other.open(ALICE, name=PATIENTS).number == 2
        vault.door.verify(state=True)
    finally:
        other.close()


ENTRYLESS: dict[str, Callable[[Vault], object]] = {
    "assets": lambda vault: vault.door.assets(ALICE),
    "describe": lambda vault: vault.door.describe(ALICE, name=PATIENTS),
    "access": lambda vault: vault.door.access(ALICE, name=PATIENTS),
    "versions": lambda vault: vault.door.versions(ALICE, name=PATIENTS),
    "directory": lambda vault: vault.door.directory(ALICE),
    "me": lambda vault: vault.door.me(ALICE),
    "audit": lambda vault: vault.door.audit(ALICE),
    "prove": lambda vault: vault.door.prove(ALICE, index=len(vault.entries()) - 1),
    "people": lambda vault: vault.door.people(ROOT),
    "account": lambda vault: vault.door.account("alice"),
}


@pytest.mark.parametrize("act", ENTRYLESS)
def test_reading_what_is_no_data_leaves_no_entry(vault: Vault, act: str) -> None:
    before = len(vault.entries())
    ENTRYLESS[act](vault)
    assert len(vault.entries()) == before


def test_everything_that_releases_or_changes_leaves_one_entry_each(vault: Vault) -> None:
    steps: list[Callable[[], object]] = [
        lambda: vault.grant("bob"),
        lambda: vault.door.open(BOB, name=PATIENTS),
        lambda: vault.door.revoke(ALICE, name=PATIENTS, people=["bob"]),
        lambda: vault.door.begin(ALICE, name=PATIENTS, kind="frame", levels=(INTERNAL,)),
        lambda: vault.door.add_user(ROOT, name="zoe"),
        lambda: vault.door.change_user(ROOT, name="zoe", clearance=SECRET),
        lambda: vault.door.new_token(ROOT, name="zoe"),
        lambda: vault.door.set_password(ROOT, name="zoe", password_hash="hash"),
        lambda: vault.door.add_member(ROOT, group="g", person="zoe"),
        lambda: vault.door.remove_member(ROOT, group="g", person="zoe"),
        lambda: vault.door.disable_user(ROOT, name="zoe"),
        lambda: vault.door.enable_user(ROOT, name="zoe"),
        lambda: vault.door.rotate_keys(ROOT, project="oncology"),
    ]
    for step in steps:
        before = len(vault.entries())
        step()
        assert len(vault.entries()) == before + 1


def test_markup_and_control_signs_in_every_text_are_kept_as_text(vault: Vault) -> None:
    nasty = '<script>alert(1)</script> "quoted" \x1b[31m \u202e $(x) {x}'
    vault.grant("bob", because=nasty, purposes=(nasty,))
    vault.door.open(BOB, name=PATIENTS, purpose=nasty)
    with pytest.raises(Denied):
        vault.door.open(Caller(nasty, "browser", nasty), name=nasty)
    assert vault.entries()[-1].who == nasty
    vault.door.verify(state=True)
