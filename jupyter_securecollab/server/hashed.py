"""How secrets that others hold are known here."""

from __future__ import annotations

import hashlib


def sha256_hex(secret: str) -> str:
    """The form in which tokens are kept and looked up. They are random, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()
