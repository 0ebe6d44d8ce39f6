"""A log that witnesses confirm: who waits for them, what is told apart when they fail, and what no fork gets past."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jupyter_securecollab.bundles import verify_bundle
from jupyter_securecollab.core import witnessing
from jupyter_securecollab.core.audit import Journal
from jupyter_securecollab.cosigning import Asking, Quorum, write_request
from jupyter_securecollab.errors import LogBroken, Unavailable
from jupyter_securecollab.proofs import open_checkpoint, verify_consistency, verify_receipt
from jupyter_securecollab.witness import SIZE_TYPE, Witness, make_witness, read_signer


class Link:
    """The way to a witness in this process. `up` can be cleared; `lies` changes what it answers."""

    def __init__(self, folder: Path, number: int, log_key: str) -> None:
        key, state = folder / f"w{number}.key", folder / f"w{number}.state"
        make_witness(f"w.example/{number}", key, state)
        self.witness = Witness(read_signer(key), state, [log_key])
        self.key = self.witness.key
        self.up = True
        self.asked = 0
        self.takes = 0.0
        self.lies: Callable[[str], str] = str

    def add_checkpoint(self, old: int, proof: Sequence[bytes], note: str) -> str | int:
        self.asked += 1
        threading.Event().wait(self.takes)
        if not self.up:
            raise Unavailable("it does not answer")
        answer = self.witness.add_checkpoint(write_request(Asking(old, tuple(proof), note)))
        if answer.type == SIZE_TYPE:
            return int(answer.body)
        if answer.status != 200:
            raise LogBroken(f"it refuses ({answer.status})")
        return self.lies(answer.body)

    def close(self) -> None:
        pass


def until_all_have_seen(links: Sequence[Link], size: int) -> None:
    """A receipt waits for as many witnesses as are needed, not for all."""
    for _ in range(1000):
        if all(size in link.witness.seen().values() for link in links):
            break
        threading.Event().wait(0.01)


@pytest.fixture
def links(lab, tmp_path: Path) -> Iterator[list[Link]]:
    made = [Link(tmp_path, number, lab.signer.log_key) for number in range(3)]
    yield made
    for link in made:
        link.witness.close()


@pytest.fixture
def quorum(links: list[Link]) -> Quorum:
    return Quorum.of([link.key for link in links])


@pytest.fixture
def start(lab, links: list[Link], monkeypatch) -> Callable[[], Journal]:
    monkeypatch.setattr(witnessing, "_RETRY", 0.05)

    def started() -> Journal:
        journal = Journal(lab.store(), lab.signer, clock=lab.clock, witnesses=links)
        lab._open.append(journal)
        return journal

    return started


def test_receipts_and_heads_are_confirmed_by_enough(lab, start, quorum: Quorum) -> None:
    journal = start()
    seen = open_checkpoint(journal.head().checkpoint, journal.log_key)
    for number in range(5):
        receipt = journal.write(lab.grant(number)).receipt
        quorum.check(receipt.checkpoint)
        assert verify_receipt(receipt, journal.log_key).index == number
        head = journal.head(seen.size)
        quorum.check(head.checkpoint)
        found = open_checkpoint(head.checkpoint, journal.log_key)
        assert found.size > number
        if seen.size:
            verify_consistency(seen.size, seen.root, found.size, found.root, head.consistency)
        seen = found
    quorum.check(journal.receipt(2).checkpoint)
    state = journal.witnessed()
    assert (state.size, state.confirmed, state.needed, state.problems) == (5, 5, 2, {})


def test_many_at_once_share_a_question(lab, start, quorum: Quorum, links: list[Link]) -> None:
    journal = start()
    with ThreadPoolExecutor(32) as pool:
        receipts = list(pool.map(lambda number: journal.write(lab.grant(number)).receipt, range(200)))
    for receipt in receipts[::20]:
        quorum.check(receipt.checkpoint)
    assert max(link.asked for link in links) < 200


def test_one_witness_down_is_not_missed_and_is_named(lab, start, quorum: Quorum, links: list[Link]) -> None:
    links[1].up = False
    journal = start()
    receipt = journal.write(lab.grant(1)).receipt
    assert quorum.cosigners(receipt.checkpoint) == ("w.example/0", "w.example/2")
    journal._witnessing._news.acquire()
    journal._witnessing._news.wait_for(lambda: journal._witnessing._problems)
    journal._witnessing._news.release()
    assert journal.witnessed().problems == {"w.example/1": "it does not answer"}


def test_slow_witnesses_confirm_also_while_another_fails_again_and_again(lab, start, quorum, links: list[Link]) -> None:
    links[0].up = False
    links[1].takes = links[2].takes = 0.2
    journal, enough = start(), threading.Event()

    def go_on() -> None:
        for number in range(1000):
            if not enough.is_set():
                journal.write(lab.grant(number))
                enough.wait(0.02)

    with ThreadPoolExecutor(1) as pool:
        growing = pool.submit(go_on)
        try:
            quorum.check(journal.write(lab.grant(5000)).receipt.checkpoint)
        finally:
            enough.set()
        growing.result()
    assert links[0].asked > 3


def test_without_enough_nothing_is_given_out_what_is_done_is_done_and_all_goes_on_by_itself(
    lab, start, quorum: Quorum, links: list[Link]
) -> None:
    journal = start()
    journal.write(lab.grant(1)).receipt  # noqa: B018 - waits until it is confirmed
    links[0].up = links[1].up = False
    written = journal.write(lab.grant(2))
    assert written.value == 2
    with pytest.raises(Unavailable, match="on record") as told:
        written.receipt  # noqa: B018
    assert "w.example/1: it does not answer" in told.value.next_step
    assert open_checkpoint(journal.head().checkpoint, journal.log_key).size == 1  # reading goes on
    state = journal.witnessed()
    assert (state.size, state.confirmed) == (2, 1) and state.behind_seconds > 0
    links[0].up = True
    while True:
        try:
            receipt = journal.receipt(1)
            break
        except Unavailable:
            threading.Event().wait(0.02)
    quorum.check(receipt.checkpoint)


@pytest.mark.parametrize(
    "lie", [lambda line: "", lambda line: line[:-8] + "AAAAAA=\n", lambda line: line.replace("example", "exampel")]
)
def test_a_lying_witness_counts_for_nothing(lab, start, quorum: Quorum, links: list[Link], lie) -> None:
    links[0].lies = lie
    journal = start()
    assert quorum.cosigners(journal.write(lab.grant(1)).receipt.checkpoint) == ("w.example/1", "w.example/2")
    links[1].lies = lie
    with pytest.raises(Unavailable, match="too few witnesses"):
        journal.write(lab.grant(2)).receipt  # noqa: B018


def test_a_vault_set_back_to_a_backup_is_not_confirmed_even_when_it_grows_past(
    lab, start, links: list[Link], tmp_path: Path
) -> None:
    start().write(lab.grant(0)).receipt  # noqa: B018
    lab.close()
    shutil.copy(lab.path, tmp_path / "backup")
    journal = start()
    for number in range(1, 6):
        journal.write(lab.grant(number)).receipt  # noqa: B018
    until_all_have_seen(links, 6)
    lab.close()
    for leftover in lab.path.parent.glob(f"{lab.path.name}-*"):
        leftover.unlink()
    shutil.copy(tmp_path / "backup", lab.path)
    journal = start()
    with pytest.raises(Unavailable, match="too few") as told:
        journal.write(lab.grant(77)).receipt  # noqa: B018
    assert "has confirmed 6 entries of this log, which has" in told.value.next_step
    with pytest.raises(LogBroken, match="set back"):
        journal.head(6)
    for number in range(100, 110):
        journal.write(lab.grant(number))
    with pytest.raises(Unavailable):
        journal.write(lab.grant(200)).receipt  # noqa: B018
    assert all(link.witness.seen() == {lab.signer.name: 6} for link in links)


def test_confirmations_are_kept_and_a_log_is_verified_by_them(lab, start, quorum: Quorum, links, tmp_path) -> None:
    journal = start()
    for number in range(4):
        journal.write(lab.grant(number)).receipt  # noqa: B018
    lab.close()
    for link in links:
        link.up = False
    journal = start()  # has something to show before any witness answers
    quorum.check(journal.head().checkpoint)
    journal.write(lab.grant(5))
    report = journal.verify(witnesses=quorum)
    names = set(report.witnessed.names)
    assert (report.size, report.witnessed.size, report.witnessed.needed) == (5, 4, 2)
    assert len(names) >= 2 and names <= {f"w.example/{n}" for n in range(3)}
    journal.bundle(tmp_path / "bundle")
    assert verify_bundle(tmp_path / "bundle", journal.log_key, witnesses=quorum).witnessed == report.witnessed
    assert journal.verify().witnessed is None
    make_witness("w.example/9", tmp_path / "other.key", tmp_path / "other.state")
    stranger = Quorum.of([read_signer(tmp_path / "other.key").key])
    with pytest.raises(LogBroken, match="no part of this log was confirmed"):
        verify_bundle(tmp_path / "bundle", journal.log_key, witnesses=stranger)


def test_two_processes_on_one_database_are_no_fork(lab, start, quorum: Quorum) -> None:
    one, two = start(), start()
    for number in range(6):
        receipt = (one, two)[number % 2].write(lab.grant(number)).receipt
        quorum.check(receipt.checkpoint)
        for journal in (one, two):  # a client that has seen this asks either of them
            assert open_checkpoint(journal.head(number + 1).checkpoint, one.log_key).size > number
            quorum.check(journal.receipt(number).checkpoint)
