"""Records of executions on their way to a vault, sealed: what a server writes down before the vault has it.

A segment is a head and frames. The head holds a new key, sealed to the vault (HPKE, RFC 9180, base mode, single shot,
with DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM, through `cryptography`); each frame is one record under
that key, AES-256-GCM, its nonce the frame's number. So a segment cannot be read by whoever wrote it, once he has
forgotten the key, and frames that are changed, exchanged or put in another order do not open. That frames are missing
at the end is seen only where one is cut in two: whoever takes in a spool that was not ended says so in any case.
"""

from __future__ import annotations

import secrets
import struct
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from .errors import SealBroken
from .runs import Seen

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_LABEL = b"jupyter_securecollab spool 1\n"
_MAGIC = b"SCspool1"
_HEAD = struct.Struct(">8s16sI80s")
_LENGTH = struct.Struct(">I")
KEY_BYTES = 32
"""Of every key here."""

LONGEST = 128 * 1024 * 1024
"""Most bytes of one frame; a length beyond it is damage."""


class Sealing:
    """One segment being written. `spool` (16 bytes) and `number` say which; `head` is to be written first."""

    def __init__(self, spool: bytes, number: int, public_key: bytes) -> None:
        key = secrets.token_bytes(KEY_BYTES)
        sealed = _SUITE.encrypt(key, X25519PublicKey.from_public_bytes(public_key), _info(spool, number))
        self.head = _HEAD.pack(_MAGIC, spool, number, sealed)
        self._cipher = AESGCM(key)
        self._frames = 0

    def frame(self, seen: Seen) -> bytes:
        """The next frame. Must be written before the one after it is asked for, or never."""
        sealed = self._cipher.encrypt(_nonce(self._frames), msgspec.msgpack.encode(seen), None)
        self._frames += 1
        return _LENGTH.pack(len(sealed)) + sealed


class Opened(NamedTuple):
    """The records of a segment, and whether there is nothing behind them that cannot be read."""

    seen: tuple[Seen, ...]
    whole: bool


def open_segment(segment_bytes: bytes, spool: bytes, number: int, private_key: bytes) -> Opened:
    """The records of a segment, in order, up to the first that is torn or not what was written.

    Raises `SealBroken` where not even the head is that of this segment of this spool.
    """
    try:
        magic, of_spool, of_number, sealed = _HEAD.unpack_from(segment_bytes)
        if (magic, of_spool, of_number) != (_MAGIC, spool, number):
            raise SealBroken
        key = _SUITE.decrypt(sealed, X25519PrivateKey.from_private_bytes(private_key), _info(spool, number))
        cipher = AESGCM(key)
    except (struct.error, InvalidTag, ValueError):
        raise SealBroken from None
    seen: list[Seen] = []
    place = _HEAD.size
    while place < len(segment_bytes):
        try:
            (length,) = _LENGTH.unpack_from(segment_bytes, place)
            end = place + _LENGTH.size + length
            if length > LONGEST or end > len(segment_bytes):
                return Opened(tuple(seen), whole=False)
            frame = cipher.decrypt(_nonce(len(seen)), segment_bytes[place + _LENGTH.size : end], None)
            seen.append(msgspec.msgpack.decode(frame, type=Seen))
        except (struct.error, InvalidTag, ValueError):  # msgspec's errors are of the last kind
            return Opened(tuple(seen), whole=False)
        place = end
    return Opened(tuple(seen), whole=True)


def public_key_of(private_key: bytes) -> bytes:
    """What segments are sealed to, of a private key: any 32 random bytes (RFC 7748)."""
    return X25519PrivateKey.from_private_bytes(private_key).public_key().public_bytes_raw()


def _nonce(number: int) -> bytes:
    return number.to_bytes(12, "big")


def _info(spool: bytes, number: int) -> bytes:
    return _LABEL + spool + _LENGTH.pack(number)
