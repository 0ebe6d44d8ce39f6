"""One method per route. Checks every answer against the newest log checkpoint this user has seen.

Runs in the kernel; knows the wire and nothing of the vault's inside. Safe to use from several threads.
"""

from __future__ import annotations

import hashlib
import math
import os
import random
import secrets
import stat
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, TypeVar, cast
from urllib.parse import urlsplit

import httpx
import msgspec

from . import protocol
from .connections import Connections
from .cosigning import Quorum
from .errors import LogBroken, NotSignedIn, SecureCollabError, TooLarge, Unavailable
from .model import (
    Access,
    AccessSpec,
    AssetSummary,
    Begun,
    Changed,
    Committed,
    Corrected,
    Correction,
    Directory,
    EntryView,
    Join,
    Joining,
    Kind,
    LabelKey,
    Level,
    LogHead,
    Opened,
    Receipt,
    Remembered,
    Shredded,
    Unmasked,
    Value,
    VersionSummary,
    Who,
    asset_name,
    decode,
)  # fmt: skip
from .proofs import Checkpoint, open_checkpoint, verify_consistency, verify_receipt
from .protocol import PREFIX, Nothing, Reply, Route, route
from .runs import RecordingState, Run

_TIMEOUT = httpx.Timeout(60.0, connect=5.0)
_PATIENCE = 15.0
"""Seconds in which a vault that went away may come back: as long as a service takes to stop and start again."""
_GIVEN_UP = 60.0
"""Seconds for which a vault that did not come back is not waited for again."""

_FROM_A_PROXY = (502, 503, 504)
"""What a proxy says in the place of a vault that is not there."""

T = TypeVar("T")


def connect(*, parent: Callable[[], str | None] = lambda: None) -> Client:
    """The vault that `SECURECOLLAB_URL`, `_TOKEN` and `_LOG_KEY` name, as the server set them; else the saved sign-in.

    `SECURECOLLAB_WITNESSES` says whose cosignatures its log needs.

    `parent` names the message being executed, from which the server finds who executes. Raises `NotSignedIn` when the
    kernel was started by something else.
    """
    url, token, key = (os.environ.get(f"SECURECOLLAB_{name}") for name in ("URL", "TOKEN", "LOG_KEY"))
    quorum = Quorum.parse(os.environ.get("SECURECOLLAB_WITNESSES", ""))
    if url and token:
        return Client(url, token, parent=parent, log_key=key, quorum=quorum)
    if url:
        raise NotSignedIn("the server that started this kernel does not know whose it is")
    saved = _saved_login()
    if saved is None:
        raise NotSignedIn(
            "this kernel is not connected to a vault",
            next_step="Start it from a server with jupyter_securecollab, or run `jupyter securecollab login URL`.",
        )
    return Client(saved.url, saved.token, log_key=saved.log_key, quorum=quorum)


def told_by_own_server() -> RecordingState | None:
    """What the person's own server says of recording by itself, where the vault is elsewhere; None if it does not."""
    url, token = (os.environ.get(f"SECURECOLLAB_{name}") for name in ("SERVER", "TOKEN"))
    if not url or not token:
        return None
    with suppress(httpx.TransportError, msgspec.DecodeError):
        address, headers = f"{url.rstrip('/')}/{PREFIX}/{route('recording').path}", {"Authorization": f"token {token}"}
        answer = httpx.get(address, headers=headers, timeout=_TIMEOUT, trust_env=False)
        return decode(answer.content, Reply[RecordingState]).result
    return None


class _Login(Value, frozen=True):
    """A sign-in kept for kernels that no server started."""

    url: str
    token: str
    log_key: str


def save_login(url: str, token: str, log_key: str) -> None:
    """Keep a sign-in in a file only its owner can read (0600), for kernels that no server started."""
    file = _login_file()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _replacing(file) as out:
        out.write(msgspec.json.encode(_Login(url, token, log_key)))


def saved_token(url: str) -> str | None:
    """The personal token saved for the server at this address, by whichever name this machine is called in it."""
    saved = _saved_login()
    return saved.token if saved is not None and _place(saved.url) == _place(url) else None


def _place(url: str) -> tuple[str, str, int | None, str]:
    parts = urlsplit(url)
    host = "localhost" if parts.hostname in ("127.0.0.1", "::1") else parts.hostname
    return parts.scheme, host or "", parts.port, parts.path.rstrip("/")


@contextmanager
def _replacing(file: Path) -> Iterator[BinaryIO]:
    """Write a file only its owner can read (0600) that is there whole or not at all."""
    partial = file.with_name(f"{file.name}.{secrets.token_hex(4)}.partial")
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            yield out
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def _saved_login() -> _Login | None:
    try:
        return msgspec.json.decode(_login_file().read_bytes(), type=_Login)
    except (OSError, msgspec.DecodeError):
        return None


def _login_file() -> Path:
    return _data_folder() / "login.json"


class Client:
    """A vault at `url` (the Jupyter server's base URL), as whoever `token` stands for.

    `log_key` pins the log's public key; without it the first answer's is taken and kept for this client's life.
    `quorum`: whose cosignatures every head of the log and every receipt needs; None asks for none.
    `transport` lets tests run the server in-process; `patience` is how long (s) to wait for a vault that is restarted.
    Every method raises `errors.SecureCollabError`s as the vault raised them, `Unavailable` when it does not answer,
    `LogBroken` when its log does not extend what was seen.
    """

    def __init__(
        self,
        url: str,
        token: str,
        *,
        parent: Callable[[], str | None] = lambda: None,
        log_key: str | None = None,
        quorum: Quorum | None = None,
        memory: Path | None = None,
        transport: httpx.BaseTransport | None = None,
        patience: float = _PATIENCE,
    ) -> None:
        header = protocol.TOKEN_HEADER if token.startswith("sck_") else "Authorization"
        value = token if token.startswith("sck_") else f"token {token}"
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/{PREFIX}/",
            headers={header: value},
            timeout=_TIMEOUT,
            transport=transport or Connections(),
            trust_env=False,
        )
        self._parent = parent
        self._patience = patience
        self._gave_up = -math.inf
        self._log_key = log_key
        self.quorum = quorum
        self._folder = memory or _data_folder() / "logs"
        self._memory: LogMemory | None = None
        self._first = threading.Lock()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    @property
    def log_key(self) -> str:
        """The log's public key, pinned or taken from the vault's first answer."""
        return self._log().key

    def me(self) -> Who:
        """Who the vault takes this kernel for."""
        return self._call("me", Nothing(), Who)

    def directory(self) -> Directory:
        """Whom one can share with."""
        return self._call("directory", Nothing(), Directory)

    def begin(
        self,
        name: str,
        kind: Kind,
        levels: Sequence[Level],
        *,
        access: AccessSpec | None = None,
        title: str = "",
        joins: Sequence[Join] = (),
    ) -> Begun:
        """Begin a version; returns the keys to seal it with, and those of pseudonyms that join over the project."""
        return self._call("begin", protocol.Begin(name, kind, tuple(levels), access, title, tuple(joins)), Begun)

    def upload(self, version: str, level: Level, partition: int, chunks: Iterable[bytes]) -> None:
        """Send one sealed part; nothing counts unless all of it arrives.

        A source that can be gone through once only, like a generator, is not sent again after the first byte.
        """
        at = route("upload")
        self._send(at, at.path.format(version=version, level=level.value, partition=partition), content=chunks)

    def commit(self, version: str, manifest: bytes, levels: Mapping[Level, bytes], fingerprint: bytes) -> Committed:
        """Make a begun version visible."""
        done = self._call("commit", protocol.Commit(version, manifest, dict(levels), fingerprint), Committed)
        self.check_receipt(done.receipt)
        return done

    def abort(self, version: str) -> None:
        """Give up a begun version."""
        self._call("abort", protocol.VersionOnly(version), Nothing)

    def open(
        self,
        name: str,
        *,
        number: int | None = None,
        columns: Sequence[str] | None = None,
        up_to: Level | None = None,
        purpose: str | None = None,
    ) -> Opened:
        """Keys, manifests and a lease. Both receipts are verified; content is not yet."""
        wanted = None if columns is None else tuple(columns)
        opened = self._call("open", protocol.Open(name, number, wanted, up_to, purpose), Opened)
        self.check_receipt(opened.committed)
        self.check_receipt(opened.receipt)
        return opened

    def unmask(
        self, name: str, column: str, because: str, *, number: int | None = None, purpose: str | None = None
    ) -> Unmasked:
        """The key that opens the tokens of one column."""
        unmasked = self._call("unmask", protocol.Unmask(name, column, because, number, purpose), Unmasked)
        self.check_receipt(unmasked.receipt)
        return unmasked

    def read_part(self, opened: Opened, level: Level, partition: int, start: int, stop: int) -> bytes:
        """Ciphertext `[start, stop)` of one part of what was opened: from its file, if that is at hand here."""
        files = opened.files.get(level, ())
        found = _from_file(files[partition], start, stop) if partition < len(files) else None
        if found is not None:
            return found
        at = route("read_part")
        path = at.path.format(version=opened.version, level=level.value, partition=partition)
        headers = {"Range": f"bytes={start}-{stop - 1}", protocol.LEASE_HEADER: opened.lease}
        return self._send(at, path, headers=headers).content

    def grant(self, name: str, access: AccessSpec) -> Changed:
        """Give access."""
        return self._changed("grant", protocol.Grant(name, access))

    def revoke(self, name: str, people: Sequence[str]) -> Changed:
        """End access."""
        return self._changed("revoke", protocol.Revoke(name, tuple(people)))

    def shred(self, name: str, before: int) -> Shredded:
        """Destroy versions with a number below `before`; repeat until none is returned."""
        done = self._call("shred", protocol.Shred(name, before), Shredded)
        self.check_receipt(done.receipt)
        return done

    def assets(self) -> tuple[AssetSummary, ...]:
        """What the user owns or may open."""
        return self._call("assets", Nothing(), tuple[AssetSummary, ...])

    def describe(self, name: str) -> AssetSummary:
        """What the user may know of one asset."""
        return self._call("describe", protocol.NameOnly(asset_name(name)), AssetSummary)

    def access(self, name: str) -> tuple[Access, ...]:
        """Who may do what with an asset."""
        return self._call("access", protocol.NameOnly(asset_name(name)), tuple[Access, ...])

    def versions(self, name: str) -> tuple[VersionSummary, ...]:
        """Committed versions, newest first."""
        return self._call("versions", protocol.NameOnly(asset_name(name)), tuple[VersionSummary, ...])

    def label_key(self) -> bytes:
        """The key under which columns get their fingerprints."""
        given = self._call("label_key", Nothing(), LabelKey)
        self.check_receipt(given.receipt)
        return given.key

    def corrections(self) -> tuple[Remembered, ...]:
        """What the user, and others who count for him, said of columns."""
        return self._call("corrections", Nothing(), tuple[Remembered, ...])

    def correct(self, corrections: Sequence[Correction] = (), forget: Sequence[str] = ()) -> tuple[int, int]:
        """Remember and forget, in as many requests as it takes; how many of each."""
        done = [0, 0]
        most = protocol.CORRECTIONS
        for at in range(0, max(len(corrections), len(forget)), most):
            request = protocol.Correct(tuple(corrections[at : at + most]), tuple(forget[at : at + most]))
            part = self._call("correct", request, Corrected)
            self.check_receipt(part.receipt)
            done = [done[0] + part.remembered, done[1] + part.forgotten]
        return done[0], done[1]

    def joins(self) -> tuple[Joining, ...]:
        """Requests for pseudonyms that join over a project, and what became of them."""
        return self._call("joins", Nothing(), tuple[Joining, ...])

    def ask_join(self, name: str, level: Level, because: str) -> Joining:
        """Ask for pseudonyms that join over a project."""
        return self._call("ask_join", protocol.AskJoin(name, level, because), Joining)

    def decide_join(self, id: str, *, allow: bool) -> Joining:
        """Say yes or no to such a request."""
        return self._call("decide_join", protocol.DecideJoin(id, allow), Joining)

    def audit(
        self,
        *,
        name: str | None = None,
        by: str | None = None,
        since: datetime | None = None,
        limit: int = 200,
    ) -> tuple[EntryView, ...]:
        """Log entries the user may read."""
        return self._call("audit", protocol.Audit(name, by, since, limit), tuple[EntryView, ...])

    def executions(
        self,
        *,
        by: str | None = None,
        notebook: str | None = None,
        since: datetime | None = None,
        limit: int = 200,
    ) -> tuple[Run, ...]:
        """Executions the user may read of."""
        return self._call("executions", protocol.Executions(by, notebook, since, limit), tuple[Run, ...])

    def recording(self) -> RecordingState:
        """Whether the server records what is executed."""
        return self._call("recording", Nothing(), RecordingState)

    def prove(self, index: int) -> Receipt:
        """The offline proof of one entry."""
        receipt = self._call("prove", protocol.Prove(index), Receipt)
        self.check_receipt(receipt)
        return receipt

    def export(self, destination: Path) -> None:
        """Save the log, its checkpoints and the state it vouches for as a bundle for offline verification."""
        bundle = self._send(route("export"), route("export").path).content
        with _replacing(destination) as out:
            out.write(bundle)

    def check_receipt(self, receipt: Receipt) -> None:
        """Raise `LogBroken` unless the receipt proves its entry under this log's key, as enough witnesses confirm."""
        verify_receipt(receipt, self.log_key)
        if self.quorum is not None:
            self.quorum.check(receipt.checkpoint)

    def cosigners(self) -> tuple[str, ...]:
        """The names of the witnesses that have confirmed the newest head of the log seen here."""
        note = self._log().newest
        return () if self.quorum is None or note is None else self.quorum.cosigners(note)

    def _changed(self, name: str, request: Value) -> Changed:
        changed = self._call(name, request, Changed)
        self.check_receipt(changed.receipt)
        return changed

    def _call(self, name: str, request: Value, kind: type[T]) -> T:
        """Send a request and return its result, once the log it came with has been checked."""
        at, log = route(name), self._log()
        fields = msgspec.to_builtins(request)
        path = at.path.format(**{field: fields.pop(field) for field in protocol.PATTERNS if f"{{{field}}}" in at.path})
        seen = log.seen
        headers = {protocol.SEEN_HEADER: str(seen.size)} if seen else {}
        if at.method == "POST":
            body = msgspec.json.encode(fields)
            if len(body) > at.body_limit:
                raise TooLarge("this is more than the vault takes in one request")
            response = self._send(at, path, json_body=body, headers=headers)
        else:
            query = {name: value for name, value in fields.items() if value is not None}
            response = self._send(at, path, params=query, headers=headers)
        reply = _reply(response, kind)
        log.check(reply.log, seen)
        return reply.result

    def _log(self) -> LogMemory:
        """What is remembered of the log; without a pinned key, the vault's first answer says which log that is."""
        with self._first:
            if self._memory is None:
                at = route("me")
                key = self._log_key or _reply(self._send(at, at.path), Who).result.log_key
                self._memory = LogMemory(key, self._folder, self.quorum)
            return self._memory

    def _send(
        self,
        at: Route,
        path: str,
        *,
        content: Iterable[bytes] | None = None,
        json_body: bytes | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        sent = dict(headers or {})
        if (parent := self._parent()) is not None:
            sent[protocol.PARENT_HEADER] = parent
        if json_body is not None:
            sent["Content-Type"] = "application/json"
        if at.once:
            sent[protocol.ONCE_HEADER] = f'"{secrets.token_hex(16)}"'
        body = _Body(json_body if content is None else content)
        response = self._patiently(body, method=at.method, url=path, params=params, headers=sent)
        if not response.is_success:
            raise _error(response)
        return response

    def _patiently(self, body: _Body, **request: Any) -> httpx.Response:
        """The vault's answer. One that is away is asked again, ever more seldom, until it was away too long."""
        until = None if time.monotonic() > self._gave_up + _GIVEN_UP else -math.inf
        for pause in _pauses():
            try:
                response = self._once(body, **request)
            except _Away as away:
                if body.gone:
                    raise Unavailable("the vault does not answer") from away
                until = time.monotonic() + self._patience if until is None else until
                if time.monotonic() + pause > until:
                    self._gave_up = time.monotonic()
                    raise Unavailable("the vault does not answer") from away
            else:
                self._gave_up = -math.inf
                return response
            time.sleep(pause)
        raise AssertionError("pauses never end")

    def _once(self, body: _Body, **request: Any) -> httpx.Response:
        try:
            response = self._http.request(content=body.content, **request)
        except httpx.TransportError as error:
            raise _Away from error
        if response.status_code in _FROM_A_PROXY and not _is_ours(response):
            raise _Away
        return response


class _Away(Exception):
    """Nobody answers for the vault. The request may have reached it all the same.

    It may be sent again: the vault reads, or decides and records anew, or knows what it has already done, by a version
    or by the key of a request that is done once.
    """


class _Body:
    """What is sent, as bytes or in pieces."""

    def __init__(self, content: bytes | Iterable[bytes] | None) -> None:
        self._begun = False
        self._source = content
        self.content = content if content is None or isinstance(content, bytes) else self

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._source or ():
            self._begun = True
            yield cast(bytes, chunk)

    @property
    def gone(self) -> bool:
        """Whether pieces were sent that cannot be had again."""
        return self._begun and iter(cast(Iterable[bytes], self._source)) is self._source


def _pauses() -> Iterator[float]:
    """Seconds between attempts, ever longer, and never the same for all who wait."""
    longest = 0.1
    while True:
        yield random.uniform(longest / 2, longest)  # noqa: S311 - nothing secret
        longest = min(2 * longest, 2.0)


def _from_file(path: str, start: int, stop: int) -> bytes | None:
    """Bytes `[start, stop)` of a file; None if it is not there, not for us, too short, or anything but a file."""
    with suppress(OSError), open(path, "rb", buffering=0, opener=_open_unfollowed) as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            found = os.pread(file.fileno(), stop - start, start)
            return found if len(found) == stop - start else None
    return None


def _open_unfollowed(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)  # a pipe would make us wait for a writer


def _reply(response: httpx.Response, kind: type[T]) -> Reply[T]:
    try:
        return decode(response.content, Reply[kind])  # type: ignore[valid-type]  # made at run time
    except msgspec.DecodeError as error:
        step = "Check that both sides run the same version."
        raise Unavailable("the vault's answer cannot be read", next_step=step) from error


def _is_ours(response: httpx.Response) -> bool:
    """Whether the vault itself says so, and not somebody in its place."""
    with suppress(msgspec.DecodeError):
        return bool(decode(response.content, protocol.ErrorReply))
    return False


def _error(response: httpx.Response) -> SecureCollabError:
    try:
        return protocol.error_from(decode(response.content, protocol.ErrorReply).error)
    except msgspec.DecodeError:
        return Unavailable(f"the vault's server answered {response.status_code}")


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
                with _replacing(self._file) as out:
                    out.write(note.encode())


def _data_folder() -> Path:
    base = os.environ.get("XDG_DATA_HOME") or os.path.expanduser("~/.local/share")  # noqa: PTH111 - never raises
    return Path(base) / "jupyter_securecollab"
