"""The entry of a commit is proof for every reader of the version: it says nothing that some of them may not know."""

from __future__ import annotations

from material import ALICE, BOB, PATIENTS, SECRET, Vault

from jupyter_securecollab.proofs import parse_entry, verify_receipt


def test_the_proof_readers_get_does_not_say_who_else_has_access_or_how_much_lies_above_them(empty: Vault) -> None:
    empty.share(to="bob")
    empty.share(to="dana", up_to=SECRET, because="to look into fraud", content="second")
    opened = empty.door.open(BOB, name=PATIENTS)
    assert b"dana" not in opened.committed.entry and b"fraud" not in opened.committed.entry
    assert b'"size"' not in opened.committed.entry
    (version,) = (change for change in parse_entry(opened.committed.entry).changes if change.put == "version")
    assert "manifest_sha256" in version.row


def test_access_given_with_a_version_is_an_entry_of_its_own_with_the_reason(empty: Vault) -> None:
    done = empty.share(to="dana", up_to=SECRET, because="to look into fraud")
    commit, grant = empty.entries()[-2:]
    assert (commit.act, grant.act) == ("commit", "grant")
    assert grant.detail == {"people": ["dana"], "because": "to look into fraud"}
    assert [change.put for change in grant.changes] == ["grant"]
    assert verify_receipt(done.receipt, empty.door.log_key).entry == commit
    assert [entry.act for entry in map(parse_entry, (one.body for one in empty.door.audit(ALICE, name=PATIENTS)))] == [
        "begin", "commit", "grant",
    ]  # fmt: skip
    assert empty.door.verify(state=True).rows
