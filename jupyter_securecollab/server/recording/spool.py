"""Records on disk before the vault has them: written at once, never read again here, taken in if this server is killed.

Each server has a folder of its own in the vault's, locked while it lives, with one or a few segments (`spooled`). A
record is written by the thread that saw the message: sealing and writing take some 20 µs, less than handing it to
another. It is not synced: it survives the death of the server, not that of the machine. The vault knows which spools
were begun, so one that is missing, cut or exchanged is on record as a gap.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol

from ...core.ports import Clock
from ...errors import SealBroken
from ...runs import VERSION, Record, Seen
from ...spooled import Opened, Sealing

_SUFFIX = ".segment"
_TURNED_AT = 1 << 20
_log = logging.getLogger(__name__)


class Vault(Protocol):
    """The vault's door, as far as spools need it."""

    def begin_spool(self, spool: bytes) -> bytes:
        """The public key for a spool that begins."""

    def spools(self) -> tuple[bytes, ...]:
        """Those that were begun and not ended."""

    def take_segment(self, spool: bytes, number: int, segment_bytes: bytes) -> Opened:
        """Record what is in a segment and not on record yet."""

    def end_spool(self, spool: bytes, last: Seen | None = None) -> None:
        """Nothing more is taken from it."""


class _Segment:
    """One file, mode 0600, being appended to."""

    def __init__(self, folder: Path, sealing: Sealing, number: int) -> None:
        self._path = folder / f"{number:08}{_SUFFIX}"
        self._sealing = sealing
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self.size = 0
        try:
            self._write(sealing.head)
        except OSError:
            self.remove()
            raise

    def append(self, seen: Seen) -> None:
        frame = self._sealing.frame(seen)
        self._write(frame)
        self.size += len(frame)

    def _write(self, data: bytes) -> None:
        if os.write(self._file, data) != len(data):  # a full disk takes a part
            raise OSError("only a part could be written")

    def close(self) -> None:
        with suppress(OSError):
            os.close(self._file)

    def remove(self) -> None:
        self.close()
        self._path.unlink(missing_ok=True)


class Spool:
    """This server's own spool. Not thread-safe, but for `next`; every method may raise `OSError`.

    Records are known by numbers that grow.
    """

    def __init__(self, folder: Path, vault: Vault) -> None:
        """Begin a spool in a new folder below `folder`. Raises `Unavailable` too."""
        self._id = secrets.token_bytes(16)
        self._vault = vault
        self._folder = folder / self._id.hex()
        self._folder.mkdir(parents=True, mode=0o700)
        self._lock = _locked(self._folder)
        self._made = self._last = 0
        self._closed: deque[tuple[int, _Segment]] = deque()
        try:
            self._public_key = vault.begin_spool(self._id)
            self._open: _Segment | None = self.next()
        except BaseException:
            os.close(self._lock)
            self._folder.rmdir()
            raise

    def append(self, number: int, seen: Seen) -> None:
        """Write a record down. Once this has failed, it fails until there is another segment."""
        if self._open is None:
            raise OSError("there is nothing to write to")
        try:
            self._open.append(seen)
        except OSError:
            self._close_open()
            raise
        self._last = number

    @property
    def wants_next(self) -> bool:
        """Whether it is time for another segment: the one in use holds something and is the only one, or long."""
        return self._open is None or self._open.size > (_TURNED_AT if self._closed else 0)

    def next(self) -> _Segment:
        """Another segment, for `turn`. From one thread, which may be another than that which appends."""
        self._made += 1
        return _Segment(self._folder, Sealing(self._id, self._made, self._public_key), self._made)

    def turn(self, segment: _Segment) -> None:
        """Write to this segment from now on."""
        self._close_open()
        self._open = segment

    def _close_open(self) -> None:
        if self._open is not None:
            self._closed.append((self._last, self._open))
        self._open = None

    def taken(self, number: int) -> list[_Segment]:
        """The vault has all records up to this number: the segments that hold no others, to be removed."""
        gone = []
        while self._closed and self._closed[0][0] <= number:
            gone.append(self._closed.popleft()[1])
        return gone

    def end(self, *, empty: bool) -> None:
        """The server stops. `empty`: the vault has everything; otherwise the next server takes in what is here."""
        for segment in [one for _, one in self._closed] + ([self._open] if self._open else []):
            if empty:
                segment.remove()
            else:
                segment.close()
        if empty:
            self._vault.end_spool(self._id)
            self._folder.rmdir()
        os.close(self._lock)


def take_in(folder: Path, vault: Vault, clock: Clock) -> None:
    """Record what servers left in `folder` that did not come to end their spools; what is not on record yet.

    Spools of servers that live are left alone. Raises `OSError` and `Unavailable`; may be repeated.
    """
    for spool in vault.spools():
        place = folder / spool.hex()
        with _abandoned(place) as abandoned:
            # One that ended meanwhile was ended in the vault before its folder went.
            if abandoned and spool in vault.spools():
                _take_in(place, spool, vault, clock())


def _take_in(place: Path, spool: bytes, vault: Vault, now: datetime) -> None:
    damaged, since = 0, None
    files = sorted(place.glob(f"*{_SUFFIX}"))
    for file in files:
        number = int(file.stem) if file.stem.isdecimal() else 0
        try:
            opened = vault.take_segment(spool, number, file.read_bytes())
        except SealBroken:
            damaged += 1
            continue
        damaged += not opened.whole
        since = opened.seen[-1].record.at if opened.seen else since
    if damaged or not files:
        _log.error("records of executions that a server left in %s are missing or were changed", place)
    gap = Record(
        v=VERSION,
        what="gap",
        run=spool.hex(),
        at=now,
        act="gap",
        road="server",
        since=since or now,
        lost=damaged if files else 1,
        status="died",
    )
    vault.end_spool(spool, Seen(gap))
    for file in files:
        file.unlink()
    with suppress(OSError):
        place.rmdir()


def _locked(folder: Path) -> int:
    """A handle of this folder that others can tell it by as in use. Raises `BlockingIOError` where it is."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise
    return handle


@contextmanager
def _abandoned(folder: Path) -> Iterator[bool]:
    """Whether no server lives that uses this folder; if so it is locked for the block, where it is there at all."""
    try:
        handle = _locked(folder)
    except BlockingIOError:
        yield False
    except FileNotFoundError:
        yield True
    else:
        try:
            yield True
        finally:
            os.close(handle)
