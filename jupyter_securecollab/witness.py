"""A witness: remembers the largest tree it has seen of each log it knows, and cosigns only what continues that.

No network and no vault in here: bytes of a request in, an answer out (C2SP tlog-witness). What it remembers is one
file, on disk before any cosignature leaves; a witness that has lost it must not go on under its key, so it never begins
a new one by itself. One process at a time holds the file.
"""

from __future__ import annotations

import base64
import fcntl
import os
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .cosigning import COSIGNATURE, Asking, WitnessSigner, read_request
from .errors import Conflict, Invalid, LogBroken, NotFound, StoreBroken
from .files import replacing, sync_folder
from .model import Value, decode
from .proofs import EMPTY_ROOT, Checkpoint, open_checkpoint, read_key, split_note, verify_consistency, write_key

MAX_REQUEST = 128 * 1024
"""Bytes; a note may have 64 KiB."""

SIZE_TYPE = "text/x.tlog.size"
_TEXT = "text/plain; charset=utf-8"
_PRIVATE = "PRIVATE+KEY+"
_FORMAT = "jupyter_securecollab witness 1"


class Answer(NamedTuple):
    """What the witness says: an HTTP status, the type of the body, the body."""

    status: int
    type: str
    body: str


class _Seen(Value, frozen=True):
    """The largest tree cosigned of one log."""

    size: int = 0
    root: bytes = EMPTY_ROOT


class _State(Value, frozen=True):
    """The file, as it was last written: by origin of the log."""

    format: str
    logs: dict[str, _Seen]


class Witness:
    """Cosigns for the logs with these keys. Safe to use from several threads.

    Raises `StoreBroken` if the file is missing, damaged, open to others or used by another process.
    """

    def __init__(
        self,
        signer: WitnessSigner,
        state: Path,
        log_keys: Sequence[str],
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._logs = {read_key(key).name: key for key in log_keys}
        if len(self._logs) < len(log_keys):
            raise Invalid("two of the logs have one name", next_step="Give each log's key once.")
        self.key = signer.key
        self._signer = signer
        self._now = now
        self._file = state
        self._lock = threading.Lock()
        self._held = _hold(state)
        try:
            self._seen = _read(state).logs
        except BaseException:
            self._held.close()
            raise

    def close(self) -> None:
        """Let another process have the file."""
        self._held.close()

    def seen(self) -> dict[str, int]:
        """How many entries of each known log it has confirmed."""
        return {origin: self._seen.get(origin, _Seen()).size for origin in self._logs}

    def add_checkpoint(self, body: bytes) -> Answer:
        """Answer a request to cosign; whatever is asked, as the text of tlog-witness has it."""
        try:
            asking = read_request(body)
            origin = split_note(asking.note)[0].partition("\n")[0]
        except LogBroken as error:
            return Answer(400, _TEXT, f"{error}\n")
        if origin not in self._logs:
            return Answer(404, _TEXT, "this witness does not know that log\n")
        try:
            found = open_checkpoint(asking.note, self._logs[origin])
        except LogBroken as error:
            return Answer(403, _TEXT, f"{error}\n")
        if asking.old > found.size:
            return Answer(400, _TEXT, "the old size is larger than the checkpoint's\n")
        with self._lock:  # what was seen last is compared, replaced and on disk before anybody else's turn
            return self._follow(asking, found)

    def _follow(self, asking: Asking, found: Checkpoint) -> Answer:
        last = self._seen.get(found.origin, _Seen())
        if asking.old != last.size:
            return Answer(409, SIZE_TYPE, f"{last.size}\n")
        if asking.old == found.size and found.root != last.root:
            return Answer(409, _TEXT, "another log of the same size was confirmed\n")
        try:
            _continues(last, found, asking.proof)
        except LogBroken as error:
            return Answer(422, _TEXT, f"{error}\n")
        seen = {**self._seen, found.origin: _Seen(found.size, found.root)}
        if found.size != last.size or found.origin not in self._seen:
            _write(self._file, seen)
        self._seen = seen
        return Answer(200, _TEXT, self._signer.cosign(asking.note, self._now()))


def _continues(last: _Seen, found: Checkpoint, proof: Sequence[bytes]) -> None:
    if last.size:
        verify_consistency(last.size, last.root, found.size, found.root, proof)
    elif proof:
        raise LogBroken("nothing was confirmed before: there is nothing to prove")


# -- files -------------------------------------------------------------------------------------------------------------


def make_witness(name: str, key: Path, state: Path) -> str:
    """A new witness: its private key, and a file that says it has seen nothing yet. Its public key.

    Raises `Conflict` if either is there: a key is never replaced, and what was seen never forgotten.
    """
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    vkey = write_key(name, public, COSIGNATURE)
    if key.exists() or state.exists():
        raise Conflict("this witness is there already", next_step="Name other files, or use what is there.")
    _create(state, msgspec.json.encode(_State(_FORMAT, {})))
    seed = base64.b64encode(COSIGNATURE + private.private_bytes_raw()).decode()
    name, key_id, _ = vkey.split("+", 2)
    _create(key, f"{_PRIVATE}{name}+{key_id}+{seed}\n".encode())
    return vkey


def read_signer(file: Path) -> WitnessSigner:
    """The private key in a file that only its owner can read. Raises `StoreBroken` or `NotFound`."""
    name, _, seed = _private(file).decode("ascii", "replace").strip().removeprefix(_PRIVATE).split("+", 2)
    try:
        secret = base64.b64decode(seed, validate=True)
    except ValueError:
        secret = b""
    if secret[:1] != COSIGNATURE or len(secret) != 33:
        raise StoreBroken(f"{file.name} is not the key of a witness")
    return WitnessSigner(Ed25519PrivateKey.from_private_bytes(secret[1:]), name)


def _private(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            mode, found = os.fstat(opened.fileno()).st_mode, opened.read(4096)
    except FileNotFoundError:
        raise NotFound(f"there is no {file}", next_step="Make one: jupyter securecollab witness keygen.") from None
    if mode & 0o077:
        raise StoreBroken(f"{file.name} can be read by others", next_step=f"chmod 600 {file.name}, and make a new key.")
    if not found.startswith(_PRIVATE.encode()) or found.count(b"+") < 4:
        raise StoreBroken(f"{file.name} is not the key of a witness")
    return found


_NEW_WITNESS = (
    "If it is lost make a new witness, with a new key: with an older copy of the file this one could confirm two "
    "different logs."
)


def _hold(state: Path) -> BinaryIO:
    """Keep other processes away from the file; the lock lies beside it, since the file itself is replaced."""
    if not state.exists():
        raise StoreBroken(
            f"what this witness has seen is not in {state}",
            next_step=_NEW_WITNESS,
        )
    held = os.fdopen(os.open(f"{state}.lock", os.O_RDWR | os.O_CREAT, 0o600), "rb+", buffering=0)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.close()
        raise StoreBroken(f"{state} is used by another process", next_step="One witness runs once.") from None
    return held


def _read(state: Path) -> _State:
    try:
        found = decode(state.read_bytes(), _State)
    except msgspec.DecodeError:
        found = None
    if found is None or found.format != _FORMAT:
        raise StoreBroken(f"what this witness has seen, in {state}, is damaged", next_step=_NEW_WITNESS)
    return found


def _write(state: Path, seen: dict[str, _Seen]) -> None:
    with replacing(state, durable=True) as file:
        file.write(msgspec.json.encode(_State(_FORMAT, seen)))


def _create(file: Path, content: bytes) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())
    sync_folder(file)
