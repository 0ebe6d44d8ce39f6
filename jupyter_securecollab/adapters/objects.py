"""The `Objects` port through obstore: a folder, or memory. Paths are random ids, never a user's text."""

from __future__ import annotations

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


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound("a sealed part is missing from the store") from error
    except (BaseError, OSError) as error:
        raise Unavailable("the object store cannot be written or read just now") from error


class _ObjectUpload:
    """One object being written; obstore shows it under its path only once it is closed."""

    def __init__(self, store: ObjectStore, path: str) -> None:
        self._writer = obstore.open_writer(store, path, buffer_size=_BUFFER)
        self._store, self._path = store, path

    def write(self, chunk: bytes) -> None:
        with _translated():
            self._writer.write(chunk)

    def finish(self) -> None:
        with _translated():
            self._writer.close()

    def abandon(self) -> None:
        # A dropped writer leaves nothing under the path; whatever a store keeps of it is removed by `delete`.
        del self._writer
        with _translated():
            _delete(self._store, self._path)


def _delete(store: ObjectStore, path: str) -> None:
    try:
        obstore.delete(store, path)
    except FileNotFoundError:
        return


class ObjectFolder:
    """Sealed parts in a folder only the vault may enter (mode 0700), or in memory when `folder` is None."""

    def __init__(self, folder: Path | None) -> None:
        if folder is None:
            self._store: ObjectStore = MemoryStore()
            return
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        self._store = LocalStore(folder)

    def create(self, path: str) -> Upload:
        return _ObjectUpload(self._store, path)

    def read(self, path: str, start: int, stop: int) -> bytes:
        with _translated():
            found = obstore.get_range(self._store, path, start=start, end=stop)
        if len(found) != stop - start:
            raise NotFound("a sealed part is shorter than it was")
        return found.to_bytes()

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
            _delete(self._store, path)
