"""Nothing is opened on the vault's word: the log entry of the commit must be about exactly what came."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from jupyter_securecollab.errors import LogBroken
from jupyter_securecollab.model import Level, Opened, Receipt
from jupyter_securecollab.notebook.opening import vouched
from jupyter_securecollab.proofs import LogSigner, leaf_hash

SIGNER = LogSigner(Ed25519PrivateKey.generate(), "testlog")
NOW = datetime(2026, 3, 1, tzinfo=UTC)
HASH = "ab" * 32


def receipt(signer: LogSigner = SIGNER, **changed: Any) -> Receipt:
    """A valid receipt of a commit, of a log of one entry."""
    entry = {"v": 1, "at": "2026-03-01T00:00:00Z", "act": "commit", "who": "alice", "via": "kernel", "name": "a/b"}
    entry |= {"asset": "1" * 32, "version": "2" * 32, "detail": {"number": 3, "manifest_sha256": HASH}} | changed
    body = json.dumps(entry).encode()
    return Receipt(0, body, (), signer.sign_checkpoint(1, leaf_hash(body)))


def opened(committed: Receipt) -> Opened:
    """What the vault answers to an open, with this receipt of the commit."""
    return Opened(
        asset="1" * 32, name="a/b", kind="frame", owner="alice", version="2" * 32, number=3, up_to=Level.INTERNAL,
        until=None, manifest=b"", levels={}, keys=(), lease="", lease_until=NOW, committed=committed, receipt=committed,
    )  # fmt: skip


def test_the_log_says_which_manifest_was_committed() -> None:
    assert vouched(opened(receipt()), "a/b", SIGNER.log_key) == bytes.fromhex(HASH)


@pytest.mark.parametrize(
    "changed",
    [
        {"act": "begin"},
        {"name": "a/c"},
        {"asset": "3" * 32},
        {"version": "3" * 32},
        {"detail": {"number": 4, "manifest_sha256": HASH}},
        {"detail": {"number": 3}},
        {"detail": {"number": 3, "manifest_sha256": "zz" * 32}},
        {"detail": {"number": 3, "manifest_sha256": 7}},
    ],
)
def test_an_entry_about_something_else_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(LogBroken):
        vouched(opened(receipt(**changed)), "a/b", SIGNER.log_key)


def test_another_name_than_the_one_asked_for_is_refused() -> None:
    with pytest.raises(LogBroken):
        vouched(opened(receipt()), "a/other", SIGNER.log_key)


def test_an_entry_that_is_not_in_the_signed_log_is_refused() -> None:
    forged = msgspec.structs.replace(receipt(), entry=receipt(version="2" * 32, who="mallory").entry)
    with pytest.raises(LogBroken):
        vouched(opened(forged), "a/b", SIGNER.log_key)
    other = LogSigner(Ed25519PrivateKey.generate(), "testlog")
    with pytest.raises(LogBroken):
        vouched(opened(receipt(other)), "a/b", SIGNER.log_key)
