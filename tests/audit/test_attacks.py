"""What somebody with the database, or with the log key as well, can and cannot do unseen."""

from __future__ import annotations

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jupyter_securecollab.adapters.sql import SqlStore
from jupyter_securecollab.core.audit import Journal
from jupyter_securecollab.core.catalog import CheckpointRow, EntryRow, GrantRow, PersonRow, TileRow, VersionRow
from jupyter_securecollab.errors import LogBroken
from jupyter_securecollab.model import Caller, Level
from jupyter_securecollab.proofs import LogSigner, leaf_hash


def broken(journal, **how) -> LogBroken:
    with pytest.raises(LogBroken) as caught:
        journal.verify(**how)
    return caught.value


@pytest.fixture
def journal(old):
    """The vault running while somebody works on its database."""
    return old.journal()


@pytest.fixture
def outside(journal) -> str:
    """A checkpoint over all 300 entries that an auditor took home."""
    return journal.head().checkpoint


def test_an_honest_log_verifies_with_and_without_an_outside_checkpoint(journal, outside) -> None:
    assert journal.verify().size == 300
    report = journal.verify(state=True, trusted=[outside, journal.head().checkpoint])
    assert (report.size, report.rows, report.trusted, report.note) == (300, 300, 2, outside)


@pytest.mark.parametrize("index", [0, 5, 255, 256, 299])
def test_an_edited_entry_is_named(old, journal, index) -> None:
    old.sql(
        """UPDATE entry SET body = CAST(replace(CAST(body AS TEXT), 'alice', 'mallo') AS BLOB) WHERE "index" = ?""",
        index,
    )
    assert broken(journal).index == index


def test_an_entry_left_as_text_by_an_edit_is_named(old, journal) -> None:
    old.sql("""UPDATE entry SET body = replace(body, 'alice', 'mallo') WHERE "index" = 7""")
    assert broken(journal).index == 7


def test_an_edit_that_also_mends_the_tile_fails_at_the_signature(old, journal) -> None:
    forged = old.sql('SELECT body FROM entry WHERE "index" = 9')[0][0].replace(b"bob", b"eve")
    old.sql('UPDATE entry SET body = ? WHERE "index" = 9', forged)
    hashes = old.sql("SELECT hashes FROM tile")[0][0]
    old.sql("UPDATE tile SET hashes = ?", hashes[: 9 * 32] + leaf_hash(forged) + hashes[10 * 32 :])
    assert broken(journal).index == 9


@pytest.mark.parametrize("index", [0, 100, 299])
def test_a_deleted_entry_is_named(old, journal, index) -> None:
    old.sql('DELETE FROM entry WHERE "index" = ?', index)
    assert broken(journal).index == index


def test_deleting_and_closing_the_gap_is_named(old, journal) -> None:
    old.sql('DELETE FROM entry WHERE "index" = 20')
    for index in range(21, 300):
        old.sql('UPDATE entry SET "index" = ? WHERE "index" = ?', index - 1, index)
    assert broken(journal).index == 20


def test_reordered_entries_are_named(old, journal) -> None:
    for frm, to in ((30, 1000), (31, 30), (1000, 31)):
        old.sql('UPDATE entry SET "index" = ? WHERE "index" = ?', to, frm)
    assert broken(journal).index == 30


def test_truncated_entries_are_missed(old, journal) -> None:
    old.sql('DELETE FROM entry WHERE "index" >= 280')
    assert broken(journal).index == 280


def test_dropped_checkpoints_leave_entries_uncovered(old, journal) -> None:
    old.sql("DELETE FROM checkpoint WHERE size > 290")
    assert broken(journal).index == 290
    old.sql("DELETE FROM checkpoint")
    assert broken(journal).index == 0


def test_an_entry_appended_by_hand_is_covered_by_nothing(old, journal) -> None:
    old.sql('INSERT INTO entry SELECT 300, at, act, actor, asset, body FROM entry WHERE "index" = 299')
    assert broken(journal).index == 300


def test_a_checkpoint_signed_by_another_key_is_refused(old, journal) -> None:
    stranger = LogSigner(Ed25519PrivateKey.from_private_bytes(b"S" * 32), old.signer.name)
    root = old.sql("SELECT note FROM checkpoint WHERE size = 100")[0][0].split("\n")[2]
    forged = stranger.sign_checkpoint(100, msgspec.json.decode(f'"{root}"', type=bytes))
    old.sql("UPDATE checkpoint SET note = ? WHERE size = 100", forged)
    assert broken(journal).index == 99


def test_an_entry_listed_under_somebody_else_is_named(old, journal) -> None:
    old.sql("""UPDATE entry SET actor = 'mallory' WHERE "index" = 44""")
    assert broken(journal).index == 44


@pytest.mark.parametrize("damage", ["DELETE FROM tile", "UPDATE tile SET hashes = zeroblob(8192)"])
def test_a_damaged_tile_is_found(old, journal, damage) -> None:
    old.sql(damage)
    assert broken(journal).index == 0


def test_cutting_the_log_with_its_checkpoints_needs_an_outside_checkpoint(old, journal, outside) -> None:
    for statement in (
        'DELETE FROM entry WHERE "index" >= 290', "DELETE FROM checkpoint WHERE size > 290",
        "DELETE FROM \"grant\" WHERE id IN ('g290','g291','g292','g293','g294','g295','g296','g297','g298','g299')",
    ):  # fmt: skip
        old.sql(statement)
    assert journal.verify(state=True).size == 290  # nothing inside the database shows it
    caught = broken(journal, trusted=[outside])
    assert caught.index == 290
    assert "cut" in str(caught)


def rewrite(old, index: int, change) -> None:
    """What a thief of the log key does: write the whole log anew, from one changed entry on, and sign it."""
    bodies = [row[0] for row in old.sql('SELECT body FROM entry ORDER BY "index"')]
    bodies[index] = change(bodies[index])
    old.path.unlink()
    for suffix in ("-wal", "-shm"):
        old.path.with_name(old.path.name + suffix).unlink(missing_ok=True)
    store = SqlStore(f"sqlite:///{old.path}")
    journal = Journal(store, old.signer, clock=old.clock)
    for body in bodies:
        said = msgspec.json.decode(body)
        (put,) = said["changes"]
        row = old.row(said["detail"]["number"], **{k: v for k, v in put["row"].items() if k == "grantee"})
        journal.write(lambda work, row=row, said=said: (
            work.put(row),
            work.record(said["act"], Caller(said["who"], "kernel", "s"), asset="a1", name="oncology/patients",
                        detail=said["detail"]),
        ))  # fmt: skip
    journal.close()
    store.close()


def test_a_key_thief_who_rewrites_the_log_is_caught_only_from_outside(old) -> None:
    journal = old.journal()
    outside = [journal.head().checkpoint, journal.receipt(150).checkpoint, journal.read(_note_over_200)]
    old.close()
    rewrite(old, 250, lambda body: body.replace(b'"grantee":"bob"', b'"grantee":"eve"'))
    journal = old.journal()
    assert journal.verify(state=True).size == 300  # signed with the right key and consistent in itself
    caught = broken(journal, trusted=outside)
    assert caught.index == 200  # the outside checkpoint over 200 entries still fits
    assert "rewritten or forked" in str(caught)


def _note_over_200(rows) -> str:
    return rows.get(CheckpointRow, 200).note


def test_an_honest_rebuild_would_fit_the_outside_checkpoint(old) -> None:
    journal = old.journal()
    outside = journal.head().checkpoint
    old.close()
    rewrite(old, 250, lambda body: body)
    assert old.journal().verify(trusted=[outside]).size == 300


def test_two_branches_of_a_log_do_not_fit_each_other(old, tmp_path) -> None:
    journal = old.journal()
    branch = journal.write(old.grant(300)).receipt.checkpoint
    old.sql('DELETE FROM entry WHERE "index" = 300')
    old.sql("DELETE FROM checkpoint WHERE size = 301")
    old.sql("DELETE FROM \"grant\" WHERE id = 'g300'")
    other = old.journal()
    other.write(old.grant(999))
    assert other.verify(state=True).size == 301
    caught = broken(other, trusted=[branch])
    assert "forked" in str(caught)


def test_an_outside_checkpoint_of_another_log_is_refused(journal) -> None:
    stranger = LogSigner(Ed25519PrivateKey.from_private_bytes(b"S" * 32), "vault.example/log")
    with pytest.raises(LogBroken, match="not signed"):
        journal.verify(trusted=[stranger.sign_checkpoint(0, b"\0" * 32)])


def test_a_false_outside_checkpoint_over_nothing_is_seen_at_once(old, journal) -> None:
    assert broken(journal, trusted=[old.signer.sign_checkpoint(0, b"\0" * 32)]).index == 0


STATE_ATTACKS = {
    "insert": ("""INSERT INTO "grant" SELECT 'mine', asset, 'mallory', can, 'secret', start, until, purposes, excluded,
                  given_by FROM "grant" WHERE id = 'g1'""", "id=mine", "never recorded", None),
    "change": ("""UPDATE "grant" SET up_to = 'secret' WHERE id = 'g7'""", "id=g7", "not as entry 7", 7),
    "prolong": ("""UPDATE "grant" SET until = 4102444800000 WHERE id = 'g7'""", "id=g7", "not as entry 7", 7),
    "delete": ("""DELETE FROM "grant" WHERE id = 'g7'""", "id=g7", "is gone", 7),
    "rename": ("""UPDATE "grant" SET id = 'other' WHERE id = 'g7'""", "id=other", "never recorded", None),
    "person": ("""INSERT INTO person VALUES ('mallory', 'person', 'secret', '[]', 1, 1, NULL, '', '')""",
               "name=mallory", "never recorded", None),
}  # fmt: skip


@pytest.mark.parametrize("attack", STATE_ATTACKS)
def test_state_changed_by_hand_is_found_by_the_replay(old, journal, attack) -> None:
    statement, row, words, index = STATE_ATTACKS[attack]
    old.sql(statement)
    assert journal.verify().size == 300  # the log itself is whole
    caught = broken(journal, state=True)
    assert row in str(caught)
    assert words in str(caught)
    assert caught.index == index


def test_the_replay_follows_changes_and_removals(old, journal) -> None:
    def operation(work) -> None:
        work.put(old.row(1, grantee="carol"))
        work.remove(GrantRow, "g2")
        work.remove(GrantRow, "never-there")
        work.record("change", Caller("alice", "cli", "s"))

    journal.write(operation)
    assert journal.verify(state=True).rows == 299
    old.sql("""UPDATE "grant" SET grantee = 'bob' WHERE id = 'g1'""")
    assert broken(journal, state=True).index == 300


def test_fields_kept_out_of_the_log_are_not_compared(old, journal) -> None:
    def operation(work) -> None:
        work.put(VersionRow("1", "2", 1, "committed", "bob", work.now, (), fingerprint=b"before"))
        work.record("commit", Caller("alice", "cli", "s"))

    journal.write(operation)
    old.sql("UPDATE version SET fingerprint = x'00'")
    assert journal.verify(state=True).rows == 301
    old.sql("UPDATE version SET number = 2")
    assert "table version the row id=1" in str(broken(journal, state=True))


def test_fields_of_which_the_log_holds_a_hash_are_compared(old, journal) -> None:
    def operation(work) -> None:
        work.put(PersonRow("bob", "person", Level.INTERNAL, (), True, 1, password_hash="before"))
        work.record("person", Caller("alice", "cli", "s"))

    journal.write(operation)
    assert journal.verify(state=True).rows == 301
    old.sql("UPDATE person SET password_hash = 'after'")
    assert "name=bob" in str(broken(journal, state=True))


def test_an_unreadable_entry_stops_the_replay_at_its_place(lab) -> None:
    journal = lab.journal()
    journal.write(lab.grant(0))
    journal.close()
    with lab.store().transaction() as rows:  # as a faulty vault might have written and signed it
        head = journal._ledger.append(rows, journal._head, [EntryRow(1, lab.clock(), "x", "y", None, b"{}")])
    assert head.tree.size == 2
    assert broken(journal, state=True).index == 1


def test_tiles_above_the_first_level_are_verified(lab) -> None:
    journal = lab.journal()
    body = b'{"act":"open","at":"2026-01-02T03:04:05Z","v":1,"via":"cli","who":"bob"}'
    with lab.store().transaction() as rows:
        added = [EntryRow(index, lab.clock(), "open", "bob", None, body) for index in range(65_536 + 300)]
        journal._ledger.append(rows, journal._head, added)
    assert journal.verify().size == 65_836
    assert len(journal.read(lambda rows: rows.find(TileRow))) == 258
    hashes = lab.sql("SELECT hashes FROM tile WHERE level = 1")[0][0]
    lab.sql("UPDATE tile SET hashes = ? WHERE level = 1", bytes(32) + hashes[32:])
    assert "level 1" in str(broken(journal))
    lab.sql("DELETE FROM tile WHERE level = 1")
    assert "level 1" in str(broken(journal))
