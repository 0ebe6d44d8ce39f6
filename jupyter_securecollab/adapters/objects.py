"""The `Objects` port through obstore: a folder, or memory. Paths are random ids, never a user's text.

Files we write and read ourselves: obstore's own writer neither syncs to disk nor shows, after a crash, what it left,
and its reader copies once more.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, ObjectStore

from ..core.ports import Upload
from ..errors import NotFound, Unavailable

_BUFFER = 4 * 1024 * 1024
_UNFINISHED = ".unfinished"
_SHORT = "a sealed part is missing from the store, or shorter than it was"


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound("a sealed part is missing from the store") from error
    except (BaseError, OSError) as error:
        raise Unavailable("the object store cannot be written or read just now") from error


class _Objects:
    """What folder and memory have in common."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def read(self, path: str, start: int, stop: int) -> bytes:
        if stop > (self.size(path) or 0):
            raise NotFound(_SHORT)
        with _translated():
            return obstore.get_range(self._store, path, start=start, end=stop).to_bytes()

    def size(self, path: str) -> int | None:
        try:
            with _translated():
                return obstore.head(self._store, path)["size"]
        except NotFound:
            return None

    def list(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        with _translated():
            for page in obstore.list(self._store, prefix):
                for meta in page:
                    yield meta["path"], meta["last_modified"]

    def delete(self, path: str) -> None:
        with _translated():
            try:
                obstore.delete(self._store, path)
            except FileNotFoundError:
                return


class ObjectFolder(_Objects):
    """Sealed parts as files (0600) in a folder that only the vault may enter (0700)."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        self._folder = folder
        super().__init__(LocalStore(folder))

    def create(self, path: str) -> Upload:
        with _translated():
            return _FileUpload(self._folder / path)

    def file(self, path: str) -> str | None:
        return str(self._folder.absolute() / path)

    def read(self, path: str, start: int, stop: int) -> bytes:
        with _translated(), open(self._folder / path, "rb", opener=_open_part) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or stop > found.st_size:
                raise NotFound(_SHORT)
            file.seek(start)
            return file.read(stop - start)


class ObjectMemory(_Objects):
    """Sealed parts in memory, gone with the process."""

    def __init__(self) -> None:
        super().__init__(MemoryStore())

    def file(self, path: str) -> str | None:
        return None

    def create(self, path: str) -> Upload:
        return _MemoryUpload(self._store, path)


def _open_part(path: str, flags: int) -> int:
    # A link in a part's place could lead to the keys beside the store; a pipe would make us wait for a writer.
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


class _FileUpload:
    """One file being written beside its final name; on disk, name and all, once `finish` returns."""

    def __init__(self, final: Path) -> None:
        self._final, self._partial = final, final.with_name(final.name + _UNFINISHED)
        final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._file = os.fdopen(os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def write(self, chunk: bytes) -> None:
        with _translated():
            self._file.write(chunk)

    def finish(self) -> None:
        with _translated():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            self._partial.rename(self._final)
            _sync_folder(self._final.parent)

    def abandon(self) -> None:
        with _translated():
            for path in (self._partial, self._final):
                path.unlink(missing_ok=True)
            self._file.close()


def _sync_folder(folder: Path) -> None:
    """Make a new name in it survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class _MemoryUpload:
    """One object being written; obstore shows it under its path only once it is closed."""

    def __init__(self, store: ObjectStore, path: str) -> None:
        self._writer = obstore.open_writer(store, path, buffer_size=_BUFFER)
        self._store, self._path = store, path

    def write(self, chunk: bytes) -> None:
        self._writer.write(chunk)

    def finish(self) -> None:
        self._writer.close()

    def abandon(self) -> None:
        del self._writer
        obstore.delete(self._store, self._path)
