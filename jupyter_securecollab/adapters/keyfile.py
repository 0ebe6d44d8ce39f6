"""Secrets of the vault as files readable by its own user alone, and the root key kept in one of them."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..errors import StoreBroken

_NONCE = 12
_KEY = 32


def secret_file(path: Path, *, may_create: bool) -> bytes:
    """The 32 secret bytes kept in `path` (mode 0600), made on first use if `may_create`.

    Raises `StoreBroken` when the file is missing though the vault already holds state, has the wrong size, or can be
    read by others.
    """
    if may_create:
        _create(path)
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            found = file.read(_KEY + 1)
    except FileNotFoundError:
        raise StoreBroken(f"{path.name} is missing, but the vault already holds state that needs it") from None
    if mode & 0o077:
        raise StoreBroken(f"{path.name} can be read by others", next_step=f"chmod 600 {path.name}, and rotate the key.")
    if len(found) != _KEY:
        raise StoreBroken(f"{path.name} is damaged")
    return found


def _create(path: Path) -> None:
    """Make the file whole or not at all, and never in place of one that is there."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}.partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secrets.token_bytes(_KEY))
        file.flush()
        os.fsync(file.fileno())
    with suppress(FileExistsError):
        path.hardlink_to(partial)
    partial.unlink()


class KeyFile:
    """The `KeyService` port: AES-256-GCM under a root key held in memory; output is nonce, then ciphertext."""

    def __init__(self, root_key: bytes) -> None:
        self._cipher = AESGCM(root_key)

    def wrap(self, key: bytes, context: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return nonce + self._cipher.encrypt(nonce, key, context)

    def unwrap(self, wrapped: bytes, context: bytes) -> bytes:
        try:
            return self._cipher.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], context)
        except (InvalidTag, ValueError):
            raise StoreBroken("a key in the database does not belong to this root key") from None
