"""The text of code kept beside its record, where an administrator chose so: sealed to the auditors' key, or plain.

Sealed is HPKE (RFC 9180, base mode, single shot) with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM, through
`cryptography`. `info` is a label and the record itself, so that what is kept opens for that record only. The record
holds the SHA-256 of what is kept. Plain text begins with a random salt: once it is deleted, its hash says nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from .errors import Invalid, SealBroken
from .runs import KeptAs, Record

CODE_LIMIT = 64 * 1024
"""Most bytes of one code that are kept; of longer code, the beginning."""

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_LABEL = b"jupyter_securecollab execution code 1\n"
_SEALED, _PLAIN = b"\x01", b"\x02"
_SALT = 32
_ACTS = ("execute", "debug")
_PREFIX = "hpke-x25519:"


class CodeKeeping:
    """What is kept of code. `auditors_key` is what `make_auditors_key` returned; needed for `sealed` alone."""

    def __init__(self, how: KeptAs = "off", auditors_key: str = "") -> None:
        self.how: KeptAs = how
        self._key = _public_key(auditors_key) if how == "sealed" else None

    def kept(self, record: Record, code: bytes | None) -> bytes | None:
        """What is to be kept of the code of this record; None for nothing."""
        if self.how == "off" or code is None or record.act not in _ACTS:
            return None
        if self._key is None:
            return _PLAIN + secrets.token_bytes(_SALT) + code[:CODE_LIMIT]
        return _SEALED + _SUITE.encrypt(code[:CODE_LIMIT], self._key, _info(record))


def digest(kept_bytes: bytes) -> str:
    """What the record says of what is kept."""
    return hashlib.sha256(kept_bytes).hexdigest()


def read_code(record: Record, kept_bytes: bytes, key: X25519PrivateKey | None = None) -> str:
    """The code of a record, which must have been verified, from what is kept of it, which need not.

    `key` opens what is sealed. Raises `Invalid` without one, `SealBroken` for anything that does not belong to this
    record or key.
    """
    if record.kept is None or not hmac.compare_digest(digest(kept_bytes), record.kept):
        raise SealBroken
    kind, rest = kept_bytes[:1], kept_bytes[1:]
    if kind not in (_SEALED, _PLAIN):
        raise SealBroken
    if kind == _PLAIN:
        code = rest[_SALT:]
    elif key is None:
        raise Invalid("code is sealed here to the auditors' key", next_step="Name the file of its private key.")
    else:
        try:
            code = _SUITE.decrypt(rest, key, _info(record))
        except (InvalidTag, ValueError):
            raise SealBroken from None
    return code.decode("utf-8", "replace")


def _info(record: Record) -> bytes:
    return _LABEL + msgspec.structs.replace(record, kept=None).body().encode()


def make_auditors_key(file: Path, passphrase: str = "") -> str:
    """Write a new private key to `file` (PEM, PKCS #8, mode 0600, never over another) and return the public one."""
    key = X25519PrivateKey.generate()
    protection = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, protection)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as made:
        made.write(pem)
    return _PREFIX + base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).decode()


def is_locked(pem: bytes) -> bool:
    """Whether a private key needs a passphrase."""
    return b"ENCRYPTED" in pem


def auditors_private_key(pem: bytes, passphrase: str = "") -> X25519PrivateKey:
    """The key in a file that `make_auditors_key` wrote. Raises `Invalid`."""
    try:
        key = load_pem_private_key(pem, passphrase.encode() if passphrase else None)
    except (ValueError, TypeError):
        raise Invalid("this is not a private key, or not its passphrase") from None
    if not isinstance(key, X25519PrivateKey):
        raise Invalid("this is a private key, but not one of auditors")
    return key


def _public_key(text: str) -> X25519PublicKey:
    try:
        if not text.startswith(_PREFIX):
            raise ValueError
        return X25519PublicKey.from_public_bytes(base64.urlsafe_b64decode(text.removeprefix(_PREFIX)))
    except ValueError:
        step = "Make one with `jupyter securecollab audit keygen FILE`, and set auditors_key to what it prints."
        raise Invalid("code cannot be sealed without the auditors' public key", next_step=step) from None
