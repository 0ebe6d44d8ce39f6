"""What makes the audit log provable: Merkle hashes, proofs, signed checkpoints, receipts.

Pure: bytes and texts in, a verified value out, or `LogBroken`; nothing returns a bool, nothing touches a file.
Hashes are those of RFC 6962, checkpoints are C2SP signed notes (signed-note, tlog-checkpoint), receipts travel as C2SP
tlog-proof. Everything a verifier needs besides these bytes is the log's public key, which must come from elsewhere.
The formats are written down in docs/spec/audit.md. Whole logs and bundles are checked in `bundles`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .errors import InvalidName, LogBroken
from .model import Decision, Receipt, Value, Via, clip, decode

MAX_ENTRY = 65_535  # tlog-tiles: entry bundles carry 16-bit lengths
MAX_NOTE = 65_536
OPENING = ("open", "unmask")
"""Acts that released keys to read with; their `detail` says by which grant and up to which level."""

MAX_PATH = 64  # a log of 2^64 entries
EMPTY_ROOT = hashlib.sha256().digest()

ED25519 = b"\x01"
"""Signature type of a log's own key (signed-note)."""

_PROOF_HEADER = "c2sp.org/tlog-proof@v1"
_NAME = re.compile(r"[^\s+\x00-\x1f]+")
_KEY = re.compile(r"(?P<name>[^\s+\x00-\x1f]+)\+(?P<id>[0-9a-f]{8})\+(?P<key>[A-Za-z0-9+/=]+)")
NUMBER = re.compile(r"0|[1-9][0-9]{0,17}")


class Change(Value, frozen=True):
    """One row put into, or removed from, a table of the state. `row` holds the logged fields that are not the key."""

    key: dict[str, Any]
    put: str | None = None
    remove: str | None = None
    row: dict[str, Any] = msgspec.field(default_factory=dict)


class Entry(msgspec.Struct, frozen=True):
    """One leaf of the log, decoded. Fields absent in the JSON have their default here; unknown ones are ignored."""

    v: int
    at: datetime
    act: str
    who: str
    via: Via
    also: tuple[str, ...] = ()
    kernel: str | None = None
    asset: str | None = None
    name: str | None = None
    version: str | None = None
    decision: Decision | None = None
    detail: dict[str, Any] = msgspec.field(default_factory=dict)
    changes: tuple[Change, ...] = ()


class Checkpoint(Value, frozen=True):
    """A verified tree head: the log of this origin has this root at this size."""

    origin: str
    size: int
    root: bytes


class Proven(Value, frozen=True):
    """An entry that a signed checkpoint covers."""

    index: int
    entry: Entry
    checkpoint: Checkpoint


def leaf_hash(body: bytes) -> bytes:
    """Hash of one entry (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node (RFC 6962, 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The root of a growing log from its leaf hashes, one after another, in logarithmic memory."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add the next leaf hash."""
        node, index = leaf, self.size
        while index & 1:
            node = node_hash(self._peaks.pop(), node)
            index >>= 1
        self._peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Root hash of the leaves so far."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Check that the leaf hash stands at `index` in the tree of this size and root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        raise LogBroken("the proof is for an entry outside its checkpoint")
    _check_hashes(path)
    inner, last, node = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            raise LogBroken("the inclusion proof is too long")
        if inner & 1 or inner == last:
            node = node_hash(sibling, node)
            while inner and not inner & 1:
                inner, last = inner >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        inner, last = inner >> 1, last >> 1
    if last or node != root:
        raise LogBroken(f"entry {index} is not in the signed log", index=index)


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, path: Sequence[bytes]) -> None:
    """Check that the newer tree only appended to the older one (RFC 9162, 2.1.4.2). The empty tree proves nothing."""
    if not 0 < old_size <= new_size:
        raise LogBroken(f"a log of {new_size} entries cannot be proven to continue one of {old_size}")
    _check_hashes(path)
    if old_size == new_size:
        if path or old_root != new_root:
            raise LogBroken(f"two different logs of {new_size} entries were signed: the log was forked")
        return
    inner, last, nodes = old_size - 1, new_size - 1, list(path)
    if old_size & inner == 0:
        nodes.insert(0, old_root)
    if not nodes:
        raise LogBroken("the consistency proof is empty")
    while inner & 1:
        inner, last = inner >> 1, last >> 1
    old = new = nodes[0]
    for node in nodes[1:]:
        if last == 0:
            raise LogBroken("the consistency proof is too long")
        if inner & 1 or inner == last:
            old, new = node_hash(node, old), node_hash(node, new)
            while inner and not inner & 1:
                inner, last = inner >> 1, last >> 1
        else:
            new = node_hash(new, node)
        inner, last = inner >> 1, last >> 1
    if last or old != old_root or new != new_root:
        raise LogBroken(f"the log of {new_size} entries does not continue the one of {old_size}: it was rewritten")


def _check_hashes(path: Sequence[bytes]) -> None:
    if len(path) > MAX_PATH or any(len(node) != 32 for node in path):
        raise LogBroken("a proof holds something that is not a SHA-256 hash")


class Verifier(NamedTuple):
    """A public key as note tools know it: its name, the id that signature lines carry, the key."""

    name: str
    id: bytes
    key: Ed25519PublicKey


def write_key(name: str, public: bytes, algorithm: bytes = ED25519) -> str:
    """What verifiers need: `name+key id+key`, as C2SP tools write it. Raises `InvalidName`."""
    if not _NAME.fullmatch(name):
        raise InvalidName(f"{clip(name)!r} cannot name a log: no spaces, no plus sign")
    return f"{name}+{_key_id(name, public, algorithm).hex()}+{encode(algorithm + public)}"


def read_key(text: str, algorithm: bytes = ED25519) -> Verifier:
    """The key in such a text. Raises `LogBroken` for a damaged one or one of another kind."""
    match = _KEY.fullmatch(text.strip())
    key_bytes = decoded(match["key"]) if match else b""
    named = key_bytes and match and _key_id(match["name"], key_bytes[1:], key_bytes[:1])
    if not match or len(key_bytes) != 33 or named != bytes.fromhex(match["id"]):
        raise LogBroken("this is not a log key, or it is damaged", next_step="Give the log key as the vault prints it.")
    if key_bytes[:1] != algorithm:
        raise LogBroken("this kind of log key is not known to this release", next_step="Upgrade jupyter_securecollab.")
    return Verifier(match["name"], named, Ed25519PublicKey.from_public_bytes(key_bytes[1:]))


def _key_id(name: str, public: bytes, algorithm: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + algorithm + public).digest()[:4]


class LogSigner:
    """Signs the checkpoints of one log. The origin of the log is the key's name."""

    def __init__(self, key: Ed25519PrivateKey, name: str) -> None:
        #: What verifiers need: `name+key id+key`, as C2SP tools write it.
        self.log_key = write_key(name, key.public_key().public_bytes_raw())
        self.name = name
        self._key = key
        self._verifier = read_key(self.log_key)

    def sign_checkpoint(self, size: int, root: bytes) -> str:
        """The signed note that says: this log has this root at this size."""
        text = f"{self.name}\n{size}\n{encode(root)}\n"
        return f"{text}\n{signature_line(self._verifier, self._key.sign(text.encode()))}"


def signature_line(signer: Verifier, signature: bytes) -> str:
    """One signature of a note (signed-note)."""
    return f"— {signer.name} {encode(signer.id + signature)}\n"


def open_checkpoint(note: str, log_key: str) -> Checkpoint:
    """The checkpoint in a signed note, verified; lines signed by keys other than the log's are ignored."""
    log = read_key(log_key)
    text, signatures = split_note(note)
    for signature in signatures_by(log, signatures):
        try:
            log.key.verify(signature, text.encode())
        except (InvalidSignature, UnicodeEncodeError):
            raise LogBroken("the checkpoint was not signed by this log, or changed since") from None
        return _parse_checkpoint(text, log.name)
    raise LogBroken("the checkpoint is not signed with this log's key")


def split_note(note: str) -> tuple[str, str]:
    """The text of a signed note and the lines of its signatures, neither verified (signed-note)."""
    if len(note) > MAX_NOTE or any(ord(c) < 32 and c != "\n" for c in note):
        raise LogBroken("the checkpoint is not a signed note")
    text, blank, signatures = note.rpartition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise LogBroken("the checkpoint is not a signed note")
    return text + "\n", signatures


def signatures_by(signer: Verifier, lines: str) -> list[bytes]:
    """The signatures that say to be this key's, not verified. Every line has to be well formed, whosever it is."""
    found = []
    for line in lines[:-1].split("\n"):
        mark, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        if mark != "—" or not name or not encoded:
            raise LogBroken("the checkpoint is not a signed note")
        signature = decoded(encoded)
        if name == signer.name and signature[:4] == signer.id:
            found.append(signature[4:])
    return found


def _parse_checkpoint(text: str, name: str) -> Checkpoint:
    lines = text[:-1].split("\n")
    if len(lines) < 3 or lines[0] != name or not NUMBER.fullmatch(lines[1]) or "" in lines:
        raise LogBroken("the signed note is not a checkpoint of this log")
    root = decoded(lines[2])
    if len(root) != 32:
        raise LogBroken("the signed note is not a checkpoint of this log")
    return Checkpoint(origin=name, size=int(lines[1]), root=root)


def parse_entry(body: bytes) -> Entry:
    """A log entry decoded; its bytes must have been verified before."""
    try:
        return decode(body, Entry)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise LogBroken("this is not an entry of an audit log") from None


def verify_receipt(receipt: Receipt, log_key: str) -> Proven:
    """The entry a receipt vouches for, after checking signature and inclusion with nothing but the log's public key."""
    checkpoint = open_checkpoint(receipt.checkpoint, log_key)
    verify_inclusion(leaf_hash(receipt.entry), receipt.index, checkpoint.size, receipt.path, checkpoint.root)
    return Proven(index=receipt.index, entry=parse_entry(receipt.entry), checkpoint=checkpoint)


def write_tlog_proof(receipt: Receipt) -> str:
    """A receipt as C2SP tlog-proof text; the entry itself goes into the `extra` line."""
    lines = [_PROOF_HEADER, f"extra {encode(receipt.entry)}", f"index {receipt.index}", *map(encode, receipt.path)]
    return "\n".join(lines) + "\n\n" + receipt.checkpoint


def read_tlog_proof(text: str) -> Receipt:
    """The receipt in a tlog-proof text, not verified: give it to `verify_receipt`."""
    head, blank, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not blank or len(text) > 4 * MAX_NOTE or len(lines) < 3 or lines[0] != _PROOF_HEADER:
        raise LogBroken("this is not a transparency log proof")
    extra, index = lines[1].removeprefix("extra "), lines[2].removeprefix("index ")
    if extra == lines[1] or index == lines[2] or not NUMBER.fullmatch(index):
        raise LogBroken("the proof lacks its entry or index")
    path = tuple(decoded(line) for line in lines[3:])
    return Receipt(index=int(index), entry=decoded(extra), path=path, checkpoint=checkpoint)


def encode(data: bytes) -> str:
    """Base64 as notes have it."""
    return base64.b64encode(data).decode()


def decoded(text: str) -> bytes:
    """The bytes in base64 of exactly that spelling, or `LogBroken`."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise LogBroken("the proof holds a damaged base64 value") from None
    if encode(data) != text:  # trailing bits of base64 would make two texts of one proof
        raise LogBroken("the proof holds a damaged base64 value")
    return data
