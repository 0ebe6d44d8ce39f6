"""Files for their owner alone, written whole or not at all, and where a user keeps those of his."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


@contextmanager
def replacing(file: Path, *, durable: bool = False) -> Iterator[BinaryIO]:
    """What is written takes the place of `file` (0600) once all of it is there; raises `OSError`, and leaves nothing.

    `durable`: it outlives a loss of power from then on.
    """
    partial = file.with_name(f".{file.name}.{secrets.token_hex(4)}.partial")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            yield out
            if durable:
                out.flush()
                os.fsync(out.fileno())
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
    if durable:
        sync_folder(file)


def sync_folder(file: Path) -> None:
    """See to it that the name of `file` outlives a loss of power."""
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def data_folder() -> Path:
    """Where what this user keeps from session to session lies."""
    base = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")  # noqa: PTH111 - never raises
    return Path(base) / "jupyter_securecollab"
