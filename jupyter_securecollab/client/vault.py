"""One method per route."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import httpx
import msgspec

from .. import protocol
from ..cosigning import Quorum
from ..errors import TooLarge
from ..files import data_folder, replacing
from ..model import (
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
    Opened,
    Receipt,
    Remembered,
    Shredded,
    Unmasked,
    Value,
    VersionSummary,
    Who,
    asset_name,
)  # fmt: skip
from ..proofs import verify_receipt
from ..protocol import Nothing, route
from ..runs import RecordingState, Run
from .log_memory import LogMemory
from .requests import PATIENCE, Requests, reply_in

T = TypeVar("T")


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
        patience: float = PATIENCE,
    ) -> None:
        self._requests = Requests(url, token, parent, transport, patience)
        self._log_key = log_key
        self.quorum = quorum
        self._folder = memory or data_folder() / "logs"
        self._memory: LogMemory | None = None
        self._first = threading.Lock()

    def close(self) -> None:
        """Close the connections."""
        self._requests.close()

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
        self._requests.send(at, at.path.format(version=version, level=level.value, partition=partition), content=chunks)

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
        return self._requests.send(at, path, headers=headers).content

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
        bundle = self._requests.send(route("export"), route("export").path).content
        with replacing(destination) as out:
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
            response = self._requests.send(at, path, json_body=body, headers=headers)
        else:
            query = {name: value for name, value in fields.items() if value is not None}
            response = self._requests.send(at, path, params=query, headers=headers)
        reply = reply_in(response, kind)
        log.check(reply.log, seen)
        return reply.result

    def _log(self) -> LogMemory:
        """What is remembered of the log; without a pinned key, the vault's first answer says which log that is."""
        with self._first:
            if self._memory is None:
                at = route("me")
                key = self._log_key or reply_in(self._requests.send(at, at.path), Who).result.log_key
                self._memory = LogMemory(key, self._folder, self.quorum)
            return self._memory


def _from_file(path: str, start: int, stop: int) -> bytes | None:
    """Bytes `[start, stop)` of a file; None if it is not there, not for us, too short, or anything but a file."""
    with suppress(OSError), open(path, "rb", buffering=0, opener=_open_unfollowed) as file:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            found = os.pread(file.fileno(), stop - start, start)
            return found if len(found) == stop - start else None
    return None


def _open_unfollowed(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)  # a pipe would make us wait for a writer
