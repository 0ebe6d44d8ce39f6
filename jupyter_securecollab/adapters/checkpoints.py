"""The `CheckpointCopy` port: signed checkpoints as files in a second folder, best on another mount."""

from __future__ import annotations

import os
from pathlib import Path


class CheckpointFolder:
    """Keeps one file per saved checkpoint, `00000000000000000042.checkpoint`; never overwrites or removes any."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, size: int, note: str) -> None:
        """Write durably under a name that sorts by size; a checkpoint already there is left as it is."""
        self._folder.mkdir(parents=True, exist_ok=True)
        final = self._folder / f"{size:020d}.checkpoint"
        if final.exists():
            return
        partial = final.with_suffix(f".{os.getpid()}.partial")
        with partial.open("w", encoding="utf-8") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        partial.rename(final)
