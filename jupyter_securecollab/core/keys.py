"""Keys of the vault: root key → project keys (versioned) → data keys per (version, level) and per asset.

Everything is generated here and stored wrapped with AES-256-GCM, the associated data saying exactly what the key
belongs to, so that no row can stand in for another. Nothing here decides who may have a key.
"""

from __future__ import annotations

import secrets
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..errors import NotFound, StoreBroken
from ..model import Level
from .audit import Work
from .catalog import DataKeyRow, KekRow
from .ports import KeyService, Rows

_KEY, _NONCE = 32, 12


def _context(*parts: str) -> bytes:
    """Length-prefixed, so that no two lists of parts give the same bytes."""
    encoded = [part.encode() for part in ("securecollab key v1", *parts)]
    return b"".join(struct.pack(">I", len(part)) + part for part in encoded)


def _kek_context(project: str, number: int) -> bytes:
    return _context("project", project, str(number))


def _data_context(row_owner: str, purpose: str, project: str, number: int) -> bytes:
    return _context("data", row_owner, purpose, project, str(number))


class Keyring:
    """Makes, wraps and unwraps keys. Project keys are kept unwrapped in memory, data keys never."""

    def __init__(self, service: KeyService) -> None:
        self._service = service
        # By wrapped form, not by number: a rotation that was rolled back must not leave its key behind.
        self._keks: dict[bytes, bytes] = {}

    def check(self, rows: Rows) -> None:
        """Raise `StoreBroken` if the root key does not open what this database holds."""
        for row in rows.find(KekRow, limit=1):
            self._kek(row)

    def new_data_key(self, work: Work, project: str, owner: str, purpose: str) -> bytes:
        """A fresh key of a version or asset, stored wrapped under the newest key of its project."""
        key = secrets.token_bytes(_KEY)
        self._store(work, project, owner, purpose, key)
        return key

    def data_key(self, rows: Rows, owner: str, purpose: str) -> bytes:
        """The key stored for (owner, purpose); `NotFound` if there is none (any more)."""
        row = rows.get(DataKeyRow, owner, purpose)
        if row is None:
            raise NotFound("the key of this version has been deleted")
        return self._unwrap(rows, row)

    def _unwrap(self, rows: Rows, row: DataKeyRow) -> bytes:
        kek = rows.get(KekRow, row.project, row.number)
        if kek is None:
            raise StoreBroken("a project key is missing from the database")
        cipher = AESGCM(self._kek(kek))
        try:
            context = _data_context(row.owner, row.purpose, row.project, row.number)
            return cipher.decrypt(row.wrapped[:_NONCE], row.wrapped[_NONCE:], context)
        except (InvalidTag, ValueError):
            raise StoreBroken("a data key in the database is damaged or was exchanged") from None

    def asset_key(self, work: Work, project: str, asset: str, purpose: str) -> bytes:
        """The key of an asset for a purpose, made on first use."""
        row = work.rows.get(DataKeyRow, asset, purpose)
        return self.new_data_key(work, project, asset, purpose) if row is None else self._unwrap(work.rows, row)

    def forget(self, work: Work, owner: str) -> None:
        """Delete every wrapped key of a version or asset."""
        for row in work.rows.find(DataKeyRow, owner=owner):
            work.remove(DataKeyRow, row.owner, row.purpose)

    def rotate(self, work: Work, project: str) -> KekRow:
        """A new key for the project, its first or the next; what is stored from now on uses it."""
        newest = self._newest(work.rows, project)
        number = newest.number + 1 if newest else 1
        made = KekRow(project, number, self._service.wrap(secrets.token_bytes(_KEY), _kek_context(project, number)))
        work.put(made)
        return made

    def has_project(self, rows: Rows, project: str) -> bool:
        """Whether anything was ever stored under this project."""
        return self._newest(rows, project) is not None

    def rewrap(self, work: Work, project: str, *, limit: int) -> int:
        """Wrap up to `limit` keys still under older project keys anew; returns how many. Zero: nothing is left."""
        *older, _newest = (row.number for row in work.rows.find(KekRow, project=project))
        behind = work.rows.find(DataKeyRow, project=project, number=tuple(older), limit=limit)
        for row in behind:
            self._store(work, project, row.owner, row.purpose, self._unwrap(work.rows, row))
        if not behind:
            for number in older:
                work.remove(KekRow, project, number)
            self._keks.clear()
        return len(behind)

    def _store(self, work: Work, project: str, owner: str, purpose: str, key: bytes) -> None:
        kek = self._newest(work.rows, project) or self.rotate(work, project)
        nonce = secrets.token_bytes(_NONCE)
        context = _data_context(owner, purpose, project, kek.number)
        wrapped = nonce + AESGCM(self._kek(kek)).encrypt(nonce, key, context)
        work.put(DataKeyRow(owner, purpose, project, kek.number, wrapped))

    def _newest(self, rows: Rows, project: str) -> KekRow | None:
        found = rows.find(KekRow, project=project, newest=True, limit=1)
        return found[0] if found else None

    def _kek(self, row: KekRow) -> bytes:
        if row.wrapped not in self._keks:
            self._keks[row.wrapped] = self._service.unwrap(row.wrapped, _kek_context(row.project, row.number))
        return self._keks[row.wrapped]


def level_purpose(level: Level) -> str:
    """The purpose of the data key of one level of a version."""
    return f"level:{level.value}"


def mask_purpose(level: Level) -> str:
    """The purpose of an asset's mask key: it has the level of the columns it masks."""
    return f"mask:{level.value}"
