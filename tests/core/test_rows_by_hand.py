"""Somebody writes to the database: what he puts there by hand is found, or never believed."""

from __future__ import annotations

import hashlib

import pytest
from material import ALICE, BOB, EVE, INTERNAL, PATIENTS, ROOT, SECRET, Vault

from jupyter_securecollab.errors import LogBroken, StoreBroken


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


@pytest.mark.parametrize("field", ["token_sha256", "password_hash"])
def test_a_sign_in_put_on_somebody_elses_account_is_found(vault: Vault, field: str) -> None:
    token = vault.door.new_token(ROOT, name="bob")
    vault.door.set_password(ROOT, name="bob", password_hash="$argon2id$salted")
    assert vault.door.verify(state=True).rows
    vault.sql(f"UPDATE person SET {field} = (SELECT {field} FROM person WHERE name = 'bob') WHERE name = 'alice'")
    if field == "token_sha256":
        vault.sql("UPDATE person SET token_sha256 = '' WHERE name = 'bob'")
        account = vault.door.account_of_token(_hash(token))
        assert account is not None and account.name == "alice"  # believed until somebody verifies
    with pytest.raises(LogBroken, match="name=alice is not as entry"):
        vault.door.verify(state=True)


def test_the_log_does_not_hold_what_signing_in_is_checked_against(vault: Vault) -> None:
    token = vault.door.new_token(ROOT, name="bob")
    vault.door.set_password(ROOT, name="bob", password_hash="$argon2id$salted")
    log = b"".join(body for (body,) in vault.sql("SELECT body FROM entry"))
    assert _hash(token).encode() not in log and b"argon2id" not in log


@pytest.mark.parametrize("statement", [
    "DELETE FROM level_manifest WHERE version = ? AND level = 'secret'",
    "UPDATE level_manifest SET manifest = (SELECT manifest FROM level_manifest WHERE level = 'secret' LIMIT 1) "
    "WHERE version = ? AND level = 'secret'",
    "UPDATE version SET manifest = x'00' WHERE id = ?",
])  # fmt: skip
def test_manifests_other_than_those_of_the_commit_are_not_used(empty: Vault, statement: str) -> None:
    empty.share(to="bob", columns={"id": INTERNAL, "age": INTERNAL})
    raised = empty.share(columns={"id": INTERNAL, "age": SECRET}, content="second")
    assert empty.door.open(BOB, name=PATIENTS, number=1).columns == ("id",)
    empty.sql(statement, raised.version)
    with pytest.raises(StoreBroken, match="not those of its commit"):
        empty.door.open(BOB, name=PATIENTS, number=1)


def test_access_put_in_by_hand_and_taken_out_after_it_was_used_is_found(vault: Vault) -> None:
    vault.grant("eve")
    vault.door.open(EVE, name=PATIENTS)
    columns = "asset, can, up_to, start, until, purposes, excluded, given_by"
    vault.sql(f"INSERT INTO \"grant\" (id, grantee, {columns}) SELECT 'by-hand', 'bob', {columns} FROM \"grant\"")
    vault.door.open(BOB, name=PATIENTS)
    vault.sql("DELETE FROM \"grant\" WHERE id = 'by-hand'")
    assert vault.door.verify().size == len(vault.entries())
    with pytest.raises(LogBroken, match="allowed by access that no entry before it gave") as error:
        vault.door.verify(state=True)
    assert error.value.index == len(vault.entries()) - 1


def test_opens_by_access_on_record_are_found_in_order_after_it_ended(vault: Vault) -> None:
    vault.grant("bob", "@analysts")
    for who in (BOB, ALICE):
        vault.door.open(who, name=PATIENTS)
    vault.door.revoke(ALICE, name=PATIENTS, people=["bob", "@analysts"])
    assert vault.door.verify(state=True).rows
