"""What witnesses say of a log: cosignatures, how many of whose are needed, and the message that asks for one.

Pure, like `proofs`: a witness has seen a checkpoint of this log, found that it continues the last one it saw, and signs
that with a time (C2SP tlog-cosignature, Ed25519). A cosignature is one more signature line of the checkpoint's note, so
whoever does not know the witness reads the note as before. Asking is C2SP tlog-witness, `add-checkpoint`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .errors import Invalid, LogBroken
from .model import Value
from .proofs import (
    NUMBER,
    Verifier,
    decoded,
    encode,
    read_key,
    signature_line,
    signatures_by,
    split_note,
    write_key,
)  # fmt: skip

COSIGNATURE = b"\x04"
"""Signature type of a witness's key (tlog-cosignature)."""

MAX_PROOF = 63
"""Most hashes in one request (tlog-witness)."""

_SIGNATURE = 8 + 64
_OLD = re.compile(rf"old ({NUMBER.pattern})")


class WitnessSigner:
    """Cosigns checkpoints. Decides nothing: whoever calls has checked what is signed."""

    def __init__(self, key: Ed25519PrivateKey, name: str) -> None:
        #: What clients and logs need to know of the witness.
        self.key = write_key(name, key.public_key().public_bytes_raw(), COSIGNATURE)
        self._private = key
        self._verifier = read_witness_key(self.key)

    def cosign(self, note: str, at: datetime) -> str:
        """The line that says: this is the log's largest consistent tree that this witness had seen at this time."""
        text, _ = split_note(note)
        seconds = int(at.timestamp())
        return signature_line(self._verifier, seconds.to_bytes(8, "big") + self._private.sign(_message(text, seconds)))


def read_witness_key(text: str) -> Verifier:
    """A witness's public key. Raises `LogBroken` for anything else, the key of a log among it."""
    return read_key(text, COSIGNATURE)


def _message(text: str, seconds: int) -> bytes:
    return f"cosignature/v1\ntime {seconds}\n{text}".encode()  # tlog-cosignature, Ed25519 signed message


def cosigned_at(note: str, witness: Verifier) -> datetime | None:
    """When this witness cosigned the checkpoint, verified; None if it did not.

    A line that says to be the witness's and is not raises `LogBroken` (signed-note: such a note is to be refused).
    """
    text, lines = split_note(note)
    found: datetime | None = None
    for signature in signatures_by(witness, lines):
        seconds = int.from_bytes(signature[:8], "big")
        try:
            if len(signature) != _SIGNATURE:
                raise InvalidSignature
            witness.key.verify(signature[8:], _message(text, seconds))
            found = datetime.fromtimestamp(seconds, UTC)
        except (InvalidSignature, UnicodeEncodeError, OverflowError, OSError, ValueError):
            raise LogBroken(f"the checkpoint was not cosigned by {witness.name}, though it says so") from None
    return found


def with_cosignatures(note: str, lines: Iterable[str]) -> str:
    """The checkpoint with these cosignatures, in place of any it has: after the log's own signature."""
    text, signatures = split_note(note)
    return f"{text}\n{signatures.splitlines(keepends=True)[0]}{''.join(lines)}"


def line_of(note: str, answer: str, key: str) -> str:
    """The one cosignature of this witness in what it answered, verified; what else it sent is left out."""
    witness = read_witness_key(key)
    for line in answer.splitlines(keepends=True):
        if line.startswith(f"— {witness.name} ") and cosigned_at(with_cosignatures(note, [line]), witness):
            return line
    raise LogBroken(f"{witness.name} did not cosign the checkpoint it was given")


class Quorum(Value, frozen=True):
    """How many of which witnesses have to have cosigned a checkpoint before it is believed."""

    needed: int
    keys: tuple[str, ...]

    @classmethod
    def of(cls, keys: Sequence[str], needed: int = 0) -> Quorum:
        """Checked; `needed` 0 means more than half. Raises `Invalid`."""
        known = [read_witness_key(key) for key in keys]
        publics = {one.key.public_bytes_raw() for one in known}
        if len({one.name for one in known}) < len(keys) or len(publics) < len(keys):
            raise Invalid("two of the witnesses are one and the same", next_step="Name each witness and its key once.")
        needed = needed or len(keys) // 2 + 1
        if not 1 <= needed <= len(keys):
            raise Invalid(
                f"{needed} of {len(keys)} witnesses can never agree", next_step="Need no more than there are."
            )
        return cls(needed, tuple(key.strip() for key in keys))

    @classmethod
    def parse(cls, text: str) -> Quorum | None:
        """From `2 KEY KEY KEY`, as configuration has it; None from nothing. Raises `Invalid` or `LogBroken`."""
        words = text.split()
        if not words:
            return None
        if not words[0].isdecimal() or len(words[0]) > 3:
            raise Invalid(
                "witnesses are written as how many are needed, then their keys",
                next_step="2 KEY KEY KEY, with the keys as `jupyter securecollab witness keygen` prints them.",
            )
        return cls.of(words[1:], int(words[0]))

    def __str__(self) -> str:
        return " ".join((str(self.needed), *self.keys))

    def cosigners(self, note: str) -> tuple[str, ...]:
        """The names of those who cosigned this checkpoint."""
        known = map(read_witness_key, self.keys)
        return tuple(one.name for one in known if cosigned_at(note, one) is not None)

    def check(self, note: str) -> None:
        """Raise `LogBroken` unless enough of them cosigned."""
        found = len(self.cosigners(note))
        if found < self.needed:
            raise LogBroken(
                f"{found} of {len(self.keys)} witnesses confirm this log, and {self.needed} have to: "
                "it may be one that nobody else is shown",
                next_step="Do not go on with what it says. Keep what you have and tell the auditor.",
            )


class Asking(NamedTuple):
    """A request to cosign: `note` continues the log of `old` entries, by this proof. Nothing in it is verified."""

    old: int
    proof: tuple[bytes, ...]
    note: str


def write_request(asking: Asking) -> bytes:
    """As it travels (tlog-witness, add-checkpoint)."""
    lines = (f"old {asking.old}", *map(encode, asking.proof), "", asking.note)
    return "\n".join(lines).encode()


def read_request(body: bytes) -> Asking:
    """What was asked. Raises `LogBroken` when it is not written as it has to be."""
    try:
        head, blank, note = body.decode().partition("\n\n")
    except UnicodeDecodeError:
        raise LogBroken("the request is not text") from None
    old, *proof = head.split("\n")
    number = _OLD.fullmatch(old)
    if not blank or number is None or len(proof) > MAX_PROOF:
        raise LogBroken("the request is not one to add a checkpoint")
    return Asking(int(number[1]), tuple(map(decoded, proof)), note)
