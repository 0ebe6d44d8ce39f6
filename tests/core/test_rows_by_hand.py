"""Somebody writes to the database: what he puts there by hand is found, or never believed."""

from __future__ import annotations

import hashlib

import pytest
from material import BOB, INTERNAL, PATIENTS, ROOT, SECRET, Vault

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
