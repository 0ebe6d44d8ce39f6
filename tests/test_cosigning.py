"""Cosignatures as the published text has them, and how many are enough."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from jupyter_securecollab.cosigning import (
    Asking,
    Quorum,
    WitnessSigner,
    cosigned_at,
    line_of,
    read_request,
    read_witness_key,
    with_cosignatures,
    write_request,
)
from jupyter_securecollab.errors import Invalid, LogBroken
from jupyter_securecollab.proofs import LogSigner, open_checkpoint

LOG = LogSigner(Ed25519PrivateKey.from_private_bytes(b"L" * 32), "vault.example/log")
NOTE = LOG.sign_checkpoint(3, b"r" * 32)
W1, W2, W3 = (WitnessSigner(Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32), f"w.example/{n}") for n in (1, 2, 3))
SAME = WitnessSigner(Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32), "w.example/9")
AT = datetime(2023, 3, 20, 12, 25, 47, tzinfo=UTC)
# The example of tlog-cosignature, whose message says `time 1679315147`; and a key as a public witness gives it.
EXAMPLE = "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA=="
REMORA = "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2"


def cosigned(*witnesses: WitnessSigner) -> str:
    return with_cosignatures(NOTE, [one.cosign(NOTE, AT) for one in witnesses])


def test_a_cosignature_is_what_the_text_says() -> None:
    line = W1.cosign(NOTE, AT)
    mark, name, encoded = line.rstrip("\n").split(" ")
    found = base64.b64decode(encoded)
    key = base64.b64decode(W1.key.split("+", 2)[2])
    assert (mark, name, key[0], len(found)) == ("—", "w.example/1", 4, 4 + 8 + 64)
    assert found[:4] == hashlib.sha256(b"w.example/1\n" + key).digest()[:4]
    assert found[4:12] == base64.b64decode(EXAMPLE)[4:12]
    body = "vault.example/log\n3\n" + base64.b64encode(b"r" * 32).decode() + "\n"
    signed = f"cosignature/v1\ntime 1679315147\n{body}".encode()
    Ed25519PublicKey.from_public_bytes(key[1:]).verify(found[12:], signed)


def test_a_cosigned_checkpoint_opens_as_before_and_says_when() -> None:
    note = cosigned(W1)
    assert open_checkpoint(note, LOG.log_key) == open_checkpoint(NOTE, LOG.log_key)
    assert cosigned_at(note, read_witness_key(W1.key)) == AT
    assert cosigned_at(note, read_witness_key(W2.key)) is None
    assert with_cosignatures(note, [W2.cosign(NOTE, AT)]) == cosigned(W2)


def test_a_public_witness_s_key_is_read_and_others_are_not() -> None:
    assert read_witness_key(REMORA).id.hex() == "da77ade7"
    for wrong in (REMORA.replace("da77ade7", "da77ade8"), REMORA.replace("remora", "remorb"), LOG.log_key, "", "w"):
        with pytest.raises(LogBroken):
            read_witness_key(wrong)


def test_a_line_that_is_not_the_witness_s_spoils_the_note() -> None:
    line = W1.cosign(NOTE, AT)
    longer = base64.b64encode(base64.b64decode(line.split(" ")[2]) + b"x").decode()
    later = base64.b64decode(line.split(" ")[2])
    later = later[:11] + bytes([later[11] + 1]) + later[12:]
    other = LOG.sign_checkpoint(4, b"r" * 32)
    for forged in (
        with_cosignatures(other, [line]),
        with_cosignatures(NOTE, [f"— w.example/1 {longer}\n"]),
        with_cosignatures(NOTE, [f"— w.example/1 {base64.b64encode(later).decode()}\n"]),
    ):
        with pytest.raises(LogBroken, match="not cosigned"):
            Quorum.of([W1.key]).check(forged)


def test_enough_witnesses_confirm_and_fewer_do_not() -> None:
    quorum = Quorum.of([W1.key, W2.key, W3.key])
    assert quorum.needed == 2 and quorum == Quorum.parse(str(quorum))
    quorum.check(cosigned(W3, W1))
    assert quorum.cosigners(cosigned(W3, W1)) == ("w.example/1", "w.example/3")
    for few in (NOTE, cosigned(W1), cosigned(W1, W1)):
        with pytest.raises(LogBroken, match="of 3 witnesses confirm this log, and 2 have to"):
            quorum.check(few)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("two", Invalid), (W1.key, Invalid), ("2 " + W1.key, Invalid), (f"1 {W1.key} {W1.key}", Invalid),
        ("1", Invalid), ("-1 " + W1.key, Invalid), ("1 " + LOG.log_key, LogBroken), ("1 nonsense", LogBroken),
        (f"1 {W1.key} {SAME.key}", Invalid),
    ],
)  # fmt: skip
def test_witnesses_that_cannot_agree_are_refused(text: str, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        Quorum.parse(text)


def test_no_witnesses_is_no_quorum() -> None:
    assert Quorum.parse("") is None and Quorum.parse(" \n") is None


def test_only_the_witness_s_own_line_is_taken_from_its_answer() -> None:
    line = W1.cosign(NOTE, AT)
    assert line_of(NOTE, W2.cosign(NOTE, AT) + line + "rubbish\n", W1.key) == line
    for answer in ("", W2.cosign(NOTE, AT), line.rstrip("\n"), "— w.example/1 AAAA\n"):
        with pytest.raises(LogBroken):
            line_of(NOTE, answer, W1.key)


def test_requests_are_read_as_written() -> None:
    asking = Asking(2, (b"a" * 32, b"b" * 32), NOTE)
    assert read_request(write_request(asking)) == asking
    body = f"old 0\n\n{NOTE}".encode()
    assert read_request(body) == Asking(0, (), NOTE) and write_request(Asking(0, (), NOTE)) == body


@pytest.mark.parametrize(
    "body",
    [
        b"", b"old 1\n", b"old 01\n\nx", b"old -1\n\nx", b"old\n\nx", b"new 1\n\nx", b"old 1 \n\nx", b"old 1\nx=\n\nx",
        b"\xff\n\n", b"old 1\n" + b"YQ==\n" * 64 + b"\nx", b"old 9999999999999999999\n\nx",
    ],
)  # fmt: skip
def test_other_requests_are_not_read(body: bytes) -> None:
    with pytest.raises(LogBroken):
        read_request(body)
