"""What a user remembers of a vault's log, so that nobody can take back what it has shown."""

from __future__ import annotations

import hashlib
import threading
from contextlib import suppress
from pathlib import Path

from ..cosigning import Quorum
from ..errors import LogBroken
from ..files import replacing
from ..model import LogHead
from ..proofs import Checkpoint, open_checkpoint, verify_consistency


class LogMemory:
    """The newest checkpoint of one log seen by this user, kept in a file across kernels and sessions.

    With `quorum` a head without enough cosignatures is not believed. A home that cannot be written keeps what was seen
    for this process only.
    """

    def __init__(self, key: str, folder: Path, quorum: Quorum | None = None) -> None:
        self.key = key
        self.newest: str | None = None
        self._quorum = quorum
        self._file = folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.checkpoint"
        self._lock = threading.Lock()
        self._seen = self._load()

    @property
    def seen(self) -> Checkpoint | None:
        """The newest checkpoint verified so far."""
        return self._seen

    def check(self, head: LogHead, sent: Checkpoint | None) -> None:
        """Raise `LogBroken` unless `head` is signed by this log and extends `sent`, what the request said was seen."""
        found = open_checkpoint(head.checkpoint, self.key)
        if self._quorum is not None:
            self._quorum.check(head.checkpoint)
        if sent is not None:
            if found.size < sent.size:
                raise LogBroken("the vault's log is shorter than it was: entries have been removed")
            if found.size == sent.size:
                if found.root != sent.root:
                    raise LogBroken("the vault shows two different logs of the same length")
            else:
                verify_consistency(sent.size, sent.root, found.size, found.root, head.consistency)
        with self._lock:
            if self._seen is None or found.size >= self._seen.size:
                self.newest = head.checkpoint
            if self._seen is None or found.size > self._seen.size:
                self._seen = found
                self._save(found, head.checkpoint)

    def _load(self) -> Checkpoint | None:
        try:
            return open_checkpoint(self._file.read_text("utf-8"), self.key)
        except OSError:
            return None
        except (LogBroken, UnicodeError):
            step = "Keep the file and tell the auditor; the vault is trusted anew once it is moved away."
            raise LogBroken(
                f"what is remembered of the vault's log in {self._file} is damaged", next_step=step
            ) from None

    def _save(self, found: Checkpoint, note: str) -> None:
        """Another process of this user may have seen more: what the file knows never becomes less."""
        with suppress(OSError):
            saved = self._load()
            if saved is None or saved.size < found.size:
                self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                with replacing(self._file) as out:
                    out.write(note.encode())
