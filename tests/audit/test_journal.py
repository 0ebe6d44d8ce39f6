"""Writing to the journal: durable before answered, one operation's failure its own, time that never runs back."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import msgspec
import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_securecollab.core.catalog import CheckpointRow, DataKeyRow, EntryRow, GrantRow, PersonRow, TileRow
from jupyter_securecollab.core.changes import canonical, exact
from jupyter_securecollab.errors import Conflict, LogBroken, NotFound, StoreBroken, TooLarge, Unavailable
from jupyter_securecollab.model import Caller, Decision, Level, Unmet
from jupyter_securecollab.proofs import EMPTY_ROOT, LogSigner, open_checkpoint, verify_consistency, verify_receipt

ALICE = Caller("alice", "kernel", "session-1", also=("bob",), kernel="k1")


def record(act="open", **said):
    return lambda work: work.record(act, ALICE, **said)


def test_a_new_log_begins_with_a_signed_checkpoint_over_nothing(lab) -> None:
    head = lab.journal().head()
    opened = open_checkpoint(head.checkpoint, lab.signer.log_key)
    assert (opened.size, opened.root, head.consistency) == (0, EMPTY_ROOT, ())


def test_a_write_answers_with_its_value_and_a_receipt_anybody_can_check(lab) -> None:
    journal = lab.journal()
    for number in range(3):
        written = journal.write(lab.grant(number))
        proven = verify_receipt(written.receipt, lab.signer.log_key)
        assert (written.value, proven.index, proven.entry.detail) == (number, number, {"number": number})
    assert journal.read(lambda rows: rows.get(GrantRow, "g2")) == lab.row(2)


def test_an_entry_is_canonical_json_of_what_happened(lab) -> None:
    decision = Decision(False, ("deny.clearance",), (Unmet("deny.clearance", "reads up to internal"),), "ask dana")
    body = (
        lab.journal()
        .write(record("open", asset="a1", name="p/n", version="v1", decision=decision, detail={"columns": ("a", "b")}))
        .receipt.entry
    )
    assert body == rfc8785.dumps({
        "v": 1, "at": "2026-01-02T03:04:05Z", "act": "open", "who": "alice", "via": "kernel", "also": ["bob"],
        "kernel": "k1", "asset": "a1", "name": "p/n", "version": "v1", "detail": {"columns": ["a", "b"]},
        "decision": {"allow": False, "policies": ["deny.clearance"],
                     "unmet": [{"policy": "deny.clearance", "text": "reads up to internal"}]},
    })  # fmt: skip
    assert b"session-1" not in body


def test_changes_stand_in_the_entry_without_what_stays_out_of_the_log(lab) -> None:
    person = PersonRow("bob", "person", Level.INTERNAL, ("member",), True, 1, password_hash="argon2", token_sha256="ff")

    def operation(work) -> None:
        work.put(person)
        work.put(DataKeyRow("v1", "level:secret", "p", 1, b"wrapped"))
        work.put(lab.row(1))
        work.remove(GrantRow, "g1")
        work.remove(DataKeyRow, "v0", "level:secret")
        work.record("person", ALICE)

    journal = lab.journal()
    receipt = journal.write(operation).receipt
    proven = verify_receipt(receipt, lab.signer.log_key)
    put, removed = proven.entry.changes
    assert (put.put, put.key) == ("person", {"name": "bob"})
    assert set(put.row) == {
        "kind",
        "clearance",
        "roles",
        "active",
        "epoch",
        "acts_for",
        "password_hash",
        "token_sha256",
    }
    assert put.row["password_hash"] == sha256(b"argon2").hexdigest()
    assert b"argon2" not in receipt.entry
    assert (removed.remove, removed.key, removed.row) == ("grant", {"id": "g1"}, {})
    assert journal.read(lambda rows: rows.get(PersonRow, "bob")) == person


def test_an_operation_without_anything_to_record_has_no_receipt(lab) -> None:
    journal = lab.journal()
    assert journal.write(lambda work: work.put(DataKeyRow("v", "p", "p", 1, b""))).receipt is None
    assert open_checkpoint(journal.head().checkpoint, journal.log_key).size == 0


def test_changing_the_state_without_recording_it_is_a_mistake(lab) -> None:
    journal = lab.journal()
    with pytest.raises(RuntimeError, match="must record"):
        journal.write(lambda work: work.put(lab.row(1)))
    with pytest.raises(RuntimeError, match="one entry"):
        journal.write(lambda work: [work.record("open", ALICE), work.record("open", ALICE)])
    assert journal.read(lambda rows: rows.find(GrantRow)) == []


def test_an_operation_cannot_wait_for_another(lab) -> None:
    journal = lab.journal()
    with pytest.raises(RuntimeError, match="wait"):
        journal.write(lambda work: journal.write(record()))


def test_an_operation_knows_the_place_of_its_entry(lab) -> None:
    journal = lab.journal()
    together(journal, [lambda work: (work.index, record()(work))] * 40)
    written = journal.write(lambda work: (work.index, record()(work))[0])
    assert written.value == written.receipt.index == 40


def test_a_failing_operation_undoes_only_itself(lab) -> None:
    journal = lab.journal()

    def failing(number):
        def operation(work) -> None:
            lab.grant(number)(work)
            raise Conflict("taken")

        return operation

    answers = together(journal, [failing(n) if n % 3 == 0 else lab.grant(n) for n in range(60)])
    for number, answer in enumerate(answers):
        if number % 3 == 0:
            assert isinstance(answer, Conflict)
        else:
            assert verify_receipt(answer.receipt, journal.log_key).entry.detail == {"number": number}
    kept = {row.id for row in journal.read(lambda rows: rows.find(GrantRow))}
    assert kept == {f"g{n}" for n in range(60) if n % 3}
    assert journal.verify(state=True).size == 40


def test_nothing_of_a_batch_counts_once_the_database_has_rolled_back_by_itself(lab) -> None:
    journal = lab.journal()

    def torn(work) -> None:  # as SQLite does on some errors: the transaction is gone, not only the savepoint
        work.rows._connection.exec_driver_sql("ROLLBACK")
        raise Conflict("taken")

    answers = together(journal, [*(lab.grant(n) for n in range(5)), torn, *(lab.grant(n) for n in range(5, 10))])
    assert all(isinstance(answer, Unavailable) for answer in answers)
    assert journal.read(lambda rows: (rows.find(GrantRow), rows.find(EntryRow))) == ([], [])
    assert journal.write(lab.grant(0)).receipt.index == 0
    assert journal.verify(state=True).rows == 1


def test_what_waits_together_shares_one_checkpoint(lab) -> None:
    journal = lab.journal()
    answers = together(journal, [record()] * 50)
    assert sorted(answer.receipt.index for answer in answers) == list(range(50))
    stored = journal.read(lambda rows: rows.find(CheckpointRow))
    assert len(stored) < 50
    assert {answer.receipt.checkpoint for answer in answers} <= {row.note for row in stored}


def together(journal, operations):
    """Answers to operations that are all waiting before the first one runs."""
    answers = [None] * len(operations)
    release = hold(journal)

    def write(place) -> None:
        try:
            answers[place] = journal.write(operations[place])
        except Exception as error:
            answers[place] = error

    threads = [threading.Thread(target=write, args=(place,)) for place in range(len(operations))]
    for thread in threads:
        thread.start()
    until(lambda: journal._jobs.qsize() == len(operations))
    release()
    for thread in threads:
        thread.join()
    return answers


def hold(journal):
    """Keep the journal's thread busy with an operation until the returned function is called."""
    running, gate = threading.Event(), threading.Event()
    thread = threading.Thread(target=journal.write, args=(lambda work: (running.set(), gate.wait(30)),))
    thread.start()
    running.wait(30)
    return lambda: (gate.set(), thread.join())


def until(condition) -> None:
    while not condition():
        time.sleep(0.001)


def test_more_than_an_entry_may_hold_is_refused_alone(lab) -> None:
    journal = lab.journal()
    room = 65_535 - len(journal.write(record(detail={"text": ""})).receipt.entry)
    assert len(journal.write(record(detail={"text": "x" * room})).receipt.entry) == 65_535
    with pytest.raises(TooLarge):
        journal.write(record(detail={"text": "x" * (room + 1)}))
    assert journal.verify().size == 2


@pytest.mark.parametrize("value", [0.5, float("nan"), 1 << 53, {"é": 1}, {1}, object(), {"deep": [{"er": 1.5}]}])
def test_a_detail_must_have_one_exact_form(lab, value) -> None:
    with pytest.raises(TypeError):
        lab.journal().write(record(detail={"value": value}))


exact_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(max_codepoint=127)), inner),
    max_leaves=12,
)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(st.characters(max_codepoint=127)), exact_json))
def test_entries_are_written_as_rfc_8785_says(value) -> None:
    exact(value)
    assert canonical(value) == rfc8785.dumps(value)


def test_time_stands_still_rather_than_running_back(lab) -> None:
    journal = lab.journal()
    before = lab.clock.now
    journal.write(record())
    lab.clock.turn(-5)
    entry = verify_receipt(journal.write(record()).receipt, journal.log_key).entry
    assert entry.at == before
    lab.clock.turn(6)
    assert journal.write(lambda work: (work.now, record()(work))[0]).value == before + timedelta(seconds=1)


def test_nothing_is_decided_while_the_clock_is_far_behind_the_log(lab) -> None:
    store = lab.store()
    journal = lab.journal(store=store)
    journal.write(record())
    lab.clock.turn(-5.001)
    ran = []
    with pytest.raises(Unavailable, match="clock"):
        journal.write(ran.append)
    journal.close()
    with pytest.raises(Unavailable, match="clock"):
        lab.journal(store=store).write(ran.append)
    assert not ran
    lab.clock.turn(5.001)
    assert lab.journal(store=store).write(record()).receipt.index == 1


def test_a_clock_far_ahead_is_only_a_later_entry(lab) -> None:
    journal = lab.journal()
    journal.write(record())
    lab.clock.turn(86_400)
    assert journal.write(record()).receipt.index == 1


def test_a_closed_journal_takes_no_more_but_finishes_what_waits(lab) -> None:
    journal = lab.journal()
    answers = []
    release = hold(journal)
    waiting = [threading.Thread(target=lambda: answers.append(journal.write(record()))) for _ in range(5)]
    for thread in waiting:
        thread.start()
    until(lambda: journal._jobs.qsize() == 5)
    closing = threading.Thread(target=journal.close)
    closing.start()
    until(lambda: journal._closed)
    with pytest.raises(Unavailable):
        journal.write(record())
    release()
    for thread in [*waiting, closing]:
        thread.join()
    assert sorted(answer.receipt.index for answer in answers) == list(range(5))
    journal.close()


def test_clients_can_follow_the_log_from_any_size(lab) -> None:
    journal = lab.journal()
    notes = [journal.head().checkpoint]
    for number in range(20):
        notes.append(journal.write(lab.grant(number)).receipt.checkpoint)
    for note in notes[1:]:
        seen = open_checkpoint(note, journal.log_key)
        head = journal.head(seen.size)
        new = open_checkpoint(head.checkpoint, journal.log_key)
        verify_consistency(seen.size, seen.root, new.size, new.root, head.consistency)
    assert journal.head(0).consistency == ()


@pytest.mark.parametrize("seen", [-1, 21, 10**9])
def test_a_size_the_log_never_had_is_refused(lab, seen) -> None:
    journal = lab.journal()
    for number in range(20):
        journal.write(lab.grant(number))
    with pytest.raises(LogBroken):
        journal.head(seen)


def test_receipts_can_be_had_again_later(old) -> None:
    journal = old.journal()
    for index in (0, 1, 127, 255, 256, 299):
        proven = verify_receipt(journal.receipt(index), journal.log_key)
        assert (proven.index, proven.entry.detail, proven.checkpoint.size) == (index, {"number": index}, 300)
    for index in (-1, 300):
        with pytest.raises(NotFound):
            journal.receipt(index)


def test_a_restarted_vault_continues_its_log(old) -> None:
    journal = old.journal()
    seen = open_checkpoint(journal.head().checkpoint, journal.log_key)
    for number in range(300, 520):
        journal.write(old.grant(number))
    journal.close()
    again = old.journal()
    head = again.head(seen.size)
    new = open_checkpoint(head.checkpoint, again.log_key)
    verify_consistency(seen.size, seen.root, new.size, new.root, head.consistency)
    assert again.verify(state=True).rows == 520
    assert len(again.read(lambda rows: rows.find(TileRow))) == 2


def test_two_journals_on_one_database_write_one_log(lab) -> None:
    one, two = lab.journal(), lab.journal()
    for number in range(0, 300, 2):
        one.write(lab.grant(number))
        receipt = two.write(lab.grant(number + 1)).receipt
        assert receipt.index == number + 1
    assert verify_receipt(two.receipt(3), one.log_key).checkpoint.size == 300
    assert open_checkpoint(one.head(300).checkpoint, one.log_key).size == 300
    assert one.verify(state=True).size == 300


def test_another_key_cannot_continue_the_log(old) -> None:
    stranger = LogSigner(Ed25519PrivateKey.from_private_bytes(b"S" * 32), old.signer.name)
    with pytest.raises(StoreBroken, match="log key") as caught:
        old.journal(signer=stranger)
    assert "restore" in caught.value.next_step
    old.journal()


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM checkpoint",
        "DELETE FROM checkpoint WHERE size = 300",
        "UPDATE checkpoint SET size = 301 WHERE size = 300",
        "UPDATE checkpoint SET note = '' WHERE size = 300",
        "DELETE FROM entry WHERE \"index\" = 299",
        "DELETE FROM entry WHERE \"index\" = 256",
        "UPDATE entry SET body = body || ' ' WHERE \"index\" = 270",
        "DELETE FROM tile",
        "UPDATE tile SET hashes = zeroblob(8192)",
        "UPDATE tile SET hashes = zeroblob(100)",
    ],
)  # fmt: skip
def test_a_vault_does_not_start_on_a_log_whose_end_is_damaged(old, damage) -> None:
    old.journal().close()
    old.sql(damage)
    with pytest.raises(StoreBroken):
        old.journal()


def test_a_vault_does_not_start_when_its_last_entry_cannot_be_read(lab) -> None:
    journal = lab.journal()
    together(journal, [record()] * 256)
    journal.close()
    lab.sql("""UPDATE entry SET body = 'x' WHERE "index" = 255""")
    with pytest.raises(StoreBroken):
        lab.journal()
    lab.sql("""DELETE FROM entry WHERE "index" = 255""")
    with pytest.raises(StoreBroken):
        lab.journal()


def test_state_without_a_log_is_not_a_new_vault(old) -> None:
    for table in ("checkpoint", "entry", "tile"):
        old.sql(f"DELETE FROM {table}")
    with pytest.raises(StoreBroken):
        old.journal()


def test_a_database_set_back_under_the_running_vault_stops_it(old, tmp_path) -> None:
    journal = old.journal()
    journal.write(old.grant(300))
    old.sql('DELETE FROM entry WHERE "index" = 300')
    old.sql("DELETE FROM checkpoint WHERE size = 301")
    with pytest.raises(StoreBroken, match="set back"):
        journal.write(old.grant(301))
    old.sql("DELETE FROM checkpoint")
    with pytest.raises(StoreBroken):
        journal.write(old.grant(301))


class Place:
    """Somewhere checkpoints are copied to, which may be broken for a while."""

    def __init__(self, *, broken: int = 0) -> None:
        self.broken, self.saved, self.news = broken, {}, threading.Semaphore(0)

    def save(self, size, note) -> None:
        if self.broken:
            self.broken -= 1
            self.news.release()
            raise OSError("no space left")
        self.saved[size] = note
        self.news.release()


def test_signed_checkpoints_are_copied_after_their_commit(lab) -> None:
    place = Place()
    journal = lab.journal(copies=(place,))
    for number in range(3):
        place.news.acquire(timeout=30)
        receipt = journal.write(lab.grant(number)).receipt
    journal.close()
    assert place.saved[3] == receipt.checkpoint
    for size, note in place.saved.items():
        assert open_checkpoint(note, journal.log_key).size == size


def test_a_broken_place_for_copies_hinders_nobody_and_is_tried_again(lab, caplog) -> None:
    broken, sound = Place(broken=1), Place()
    journal = lab.journal(copies=(broken, sound))
    sound.news.acquire(timeout=30)
    assert journal.write(lab.grant(1)).receipt.index == 0
    journal.close()
    assert 1 in broken.saved
    assert 1 in sound.saved
    assert journal.failed_copies == 1
    assert "could not be copied" in caplog.text


def test_times_keep_their_milliseconds(lab) -> None:
    lab.clock.now = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    journal = lab.journal()
    body = journal.write(lab.grant(1, until=lab.clock.now)).receipt.entry
    assert msgspec.json.decode(body)["at"] == "2026-01-02T03:04:05.678000Z"
    assert journal.verify(state=True).rows == 1
    assert journal.read(lambda rows: rows.get(EntryRow, 0)).at == lab.clock.now
