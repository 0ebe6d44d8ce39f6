"""How the key of a mask comes from the one above it: what kernel and vault agree on.

The mask key of a level stays in the vault and with whoever shares at that level; from it follows one key for each
column and technique, and nothing leads back. Pure: no data library, no IO.
"""

from __future__ import annotations

import struct
from hashlib import blake2b

KEY_BYTES = 32


def derived(secret: bytes, purpose: str, *context: str, size: int = KEY_BYTES) -> bytes:
    """A key of up to 64 bytes for a purpose (keyed BLAKE2b); other purposes and contexts give unrelated keys."""
    parts = [part.encode() for part in (purpose, *context)]
    message = b"".join(struct.pack(">I", len(part)) + part for part in parts)
    return blake2b(message, digest_size=size, key=secret, person=b"securecollab mk1").digest()


def column_key(secret: bytes, how: str, column: str, shared_name: str | None = None) -> bytes:
    """The key for one technique on one column, or on all columns that are given the same name."""
    where = ("column", column) if shared_name is None else ("name", shared_name)
    return derived(secret, "column", how, *where)
