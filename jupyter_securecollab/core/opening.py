"""Getting something out: keys, manifests and a lease for exactly what was asked for and may be read.

Keys leave only after the entry about it is durable. A retried open is decided and recorded anew; no key is kept for it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from ..errors import Invalid, LeaseExpired
from ..manifest import (
    LevelManifest,
    Stream,
    clear_names,
    columns_of,
    raised,
    select,
    stored_level,
    stream_key,
    visible,
)
from ..model import Caller, Decision, Level, Opened, Receipt, StreamKey, Unmet, Value, clip, decode
from .access import AccessBook
from .audit import JSON, Work
from .catalog import AssetRow, PartRow, PersonRow, VersionRow
from .desk import NOWHERE, Desk, Refused, find_asset
from .keys import Keyring, level_purpose
from .ports import Objects, Rows
from .question import Ruling
from .versions import commit_receipt, level_bytes, numbered, part_path, present

_NAMED_COLUMNS = 400
"""How many column names an entry lists; beyond, their number and a hash of the list."""


class _Lease(Value, frozen=True):
    version: str
    levels: tuple[Level, ...]
    reader: str
    epoch: int
    session: str
    until: datetime


@dataclass(frozen=True)
class _View:
    """What a reader up to a level gets of a version: a function of `of`, so that it can be worked out beforehand.

    `of` is the version's id, the number of the newest version, and the level. `left` are the columns the keys are for
    where some are withheld; `detail` is what the entry says of columns; `refusal` says why he gets nothing.
    """

    of: tuple[str, int, Level]
    manifests: dict[Level, bytes] = field(default_factory=dict)
    chosen: Mapping[Level, Sequence[Stream]] = field(default_factory=dict)
    parts: Sequence[PartRow] = ()
    left: tuple[str, ...] | None = None
    detail: dict[str, JSON] = field(default_factory=dict)
    refusal: Ruling | None = None


class Opening:
    """Versions for readers."""

    def __init__(self, desk: Desk, access: AccessBook, keys: Keyring, objects: Objects) -> None:
        self._desk, self._access, self._keys, self._objects = desk, access, keys, objects
        # Leases end with the process: a reader then simply opens again.
        self._lease_key = secrets.token_bytes(32)

    def open(
        self,
        caller: Caller,
        *,
        name: str,
        number: int | None = None,
        columns: Sequence[str] | None = None,
        up_to: Level | None = None,
        purpose: str | None = None,
    ) -> Opened:
        """Keys, manifests and a lease for exactly the columns asked for that the caller may read.

        `up_to` None means as far as he may. Raises `Denied`; `NotFound` for a version or column that does not exist,
        or that he may not know of.
        """

        ahead = self._desk.journal.read(lambda rows: self._ahead(rows, caller, name, number, columns, up_to, purpose))

        def operation(work: Work) -> tuple[Opened, VersionRow, _View, dict[Level, bytes]] | Refused:
            asset = find_asset(work.rows, name)
            if asset is None or asset.newest == 0:
                ruling = self._desk.no_such(work.rows, work.now, caller, "open")
                return self._desk.refuse(work, caller, "open", None, name, ruling)
            ruling = self._desk.rule(work.rows, work.now, caller, "open", asset, level=up_to, purpose=purpose)
            if not ruling.decision.allow or ruling.up_to is None:
                return self._desk.refuse(work, caller, "open", asset, name, ruling)
            row = numbered(work.rows, asset, number)
            same = ahead is not None and ahead.of == (row.id, asset.newest, ruling.up_to)
            view = ahead if ahead is not None and same else _view(work.rows, asset, row, ruling.up_to, columns)
            if view.refusal is not None:
                return self._desk.refuse(work, caller, "open", asset, name, view.refusal)
            told = {"number": row.number, "up_to": ruling.up_to.value, "grant": ruling.grant, "purpose": purpose}
            detail = {**view.detail, **told}
            work.record(
                "open", caller, asset=asset.id, name=name, version=row.id, decision=ruling.decision, detail=detail
            )
            keys = {level: self._keys.data_key(work.rows, row.id, level_purpose(level)) for level in view.chosen}
            return self._opened(work, caller, asset, row, ruling, view), row, view, keys

        (opened, row, view, level_keys), receipt = self._desk.recorded(operation)
        return msgspec.structs.replace(
            opened,
            keys=_stream_keys(level_keys, view.chosen),
            receipt=receipt,
            committed=commit_receipt(self._desk.journal, row),
        )

    def _ahead(
        self,
        rows: Rows,
        caller: Caller,
        name: str,
        number: int | None,
        columns: Sequence[str] | None,
        up_to: Level | None,
        purpose: str | None,
    ) -> _View | None:
        """What an open would show as things stand, worked out before others have to wait for it; decides nothing."""
        found, now = find_asset(rows, name), self._desk.journal.now(rows)
        asset = found if found is not None and found.newest else NOWHERE
        ruling = self._desk.rule(rows, now, caller, "open", asset, level=up_to, purpose=purpose)
        if asset is NOWHERE or not ruling.decision.allow or ruling.up_to is None:
            return None
        return _view(rows, asset, numbered(rows, asset, number), ruling.up_to, columns)

    def _opened(
        self,
        work: Work,
        caller: Caller,
        asset: AssetRow,
        row: VersionRow,
        ruling: Ruling,
        view: _View,
    ) -> Opened:
        """The answer but for keys, which take time to derive, and receipts."""
        until = work.now + self._desk.settings.lease
        epoch = present(work.rows.get(PersonRow, caller.name)).epoch
        lease = _Lease(row.id, tuple(view.chosen), caller.name, epoch, caller.session, until)
        return Opened(
            asset=asset.id,
            name=asset.name,
            kind=asset.kind,
            owner=asset.owner,
            version=row.id,
            number=row.number,
            up_to=present(ruling.up_to),
            until=self._access.end(work.rows, ruling.grant),
            manifest=row.manifest,
            levels=view.manifests,
            keys=(),
            lease=self._sign(lease),
            lease_until=until,
            committed=_UNSIGNED,
            receipt=_UNSIGNED,
            columns=view.left,
            files=self._files(view) if caller.via == "kernel" else {},
        )

    def _files(self, view: _View) -> dict[Level, tuple[str, ...]]:
        """Where an embedded vault's kernels find the parts: whoever can read them there needs not be told to do so."""
        if self._desk.settings.deployment != "embedded":
            return {}
        files: dict[Level, list[str]] = {}
        for part in view.parts:
            if file := self._objects.file(part_path(part.object)):
                files.setdefault(part.level, []).append(file)
        return {level: tuple(found) for level, found in files.items()}

    def read_part(
        self, caller: Caller, *, version: str, level: Level, partition: int, start: int, stop: int, lease: str
    ) -> bytes:
        """Ciphertext `[start, stop)` of one part. Raises `LeaseExpired` unless the lease is this caller's and alive."""
        part = self._desk.journal.read(lambda rows: self._leased(rows, caller, version, level, partition, lease))
        if not 0 <= start < stop <= part.size:
            raise Invalid("that range lies outside the part")
        return self._objects.read(part_path(part.object), start, stop)

    def part_size(self, caller: Caller, *, version: str, level: Level, partition: int, lease: str) -> int:
        """Size of a part in bytes, under the same conditions as reading it."""
        return self._desk.journal.read(lambda rows: self._leased(rows, caller, version, level, partition, lease)).size

    def _sign(self, lease: _Lease) -> str:
        body = msgspec.json.encode(lease)
        return f"{hmac.digest(self._lease_key, body, 'sha256').hex()}.{body.hex()}"

    def _lease(self, text: str) -> _Lease:
        """The lease, if it is one of ours."""
        mac, _, body = text.partition(".")
        try:
            body_bytes, mac_bytes = bytes.fromhex(body), bytes.fromhex(mac)
        except ValueError:
            raise LeaseExpired("this lease is not valid") from None
        if not hmac.compare_digest(hmac.digest(self._lease_key, body_bytes, "sha256"), mac_bytes):
            raise LeaseExpired("this lease is not valid")
        return decode(body_bytes, _Lease)

    def _leased(self, rows: Rows, caller: Caller, version: str, level: Level, partition: int, text: str) -> PartRow:
        lease = self._lease(text)
        person = rows.get(PersonRow, caller.name)
        same = (lease.version, lease.reader, lease.session) == (version, caller.name, caller.session)
        alive = person is not None and person.active and person.epoch == lease.epoch
        if not same or not alive or level not in lease.levels or self._desk.journal.now(rows) >= lease.until:
            raise LeaseExpired("the lease for reading this has ended")
        return present(rows.get(PartRow, version, level, partition))


_UNSIGNED = Receipt(-1, b"", (), "")


def _view(rows: Rows, asset: AssetRow, row: VersionRow, up_to: Level, columns: Sequence[str] | None) -> _View:
    of = (row.id, asset.newest, up_to)
    manifests = {level: data for level, data in level_bytes(rows, row).items() if level <= up_to}
    if not manifests:
        return _View(of, refusal=_nothing_below(up_to, asset))
    below = {level: stored_level(data) for level, data in manifests.items()}
    withheld, whole = raised(below, hidden_since(rows, row, up_to))
    if whole:
        return _View(of, refusal=_raised(up_to, asset))
    chosen = select(below, columns, withheld)
    left = _columns_left(below, withheld) if withheld and columns is None else None
    detail = _columns_detail(columns_of(stream for streams in chosen.values() for stream in streams))
    parts = rows.find(PartRow, version=row.id, level=tuple(chosen)) if chosen else []
    return _View(of, manifests, chosen, parts, left, detail)


def _stream_keys(level_keys: Mapping[Level, bytes], chosen: Mapping[Level, Sequence[Stream]]) -> tuple[StreamKey, ...]:
    return tuple(
        StreamKey(level, one.number, stream_key(level_keys[level], one.number))
        for level, streams in chosen.items()
        for one in streams
    )


def later(rows: Rows, row: VersionRow) -> Iterator[dict[Level, bytes]]:
    """The level manifests of each version after this one."""
    after = (one for one in rows.find(VersionRow, asset=row.asset, state="committed") if one.number > row.number)
    return (level_bytes(rows, one) for one in after)


def hidden_since(rows: Rows, row: VersionRow, up_to: Level) -> frozenset[str]:
    """What any later version holds in the clear above a reader: a level once raised stays so for all before it."""
    above = (data for one in later(rows, row) for level, data in one.items() if level > up_to)
    return frozenset().union(*map(clear_names, above))


def _columns_left(levels: Mapping[Level, LevelManifest], withheld: Collection[str]) -> tuple[str, ...]:
    """The columns of these manifests in order, but for clear ones that are withheld."""
    streams = [one.stream for one in visible(levels).columns]
    return tuple(one.column for one in streams if one.masked is not None or one.column not in withheld)


def _raised(up_to: Level, asset: AssetRow) -> Ruling:
    unmet = Unmet("deny.raised", f"It has since been found to lie above {up_to}.")
    return Ruling(
        Decision(False, ("deny.raised",), (unmet,), f"Open the newest version, or ask {asset.owner}, the owner.")
    )


def _nothing_below(up_to: Level, asset: AssetRow) -> Ruling:
    unmet = Unmet("deny.up_to", f"Nothing in it is at {up_to} or below.")
    return Ruling(Decision(False, ("deny.up_to",), (unmet,), f"Ask {asset.owner}, the owner, for access above that."))


def _columns_detail(columns: Sequence[str]) -> dict[str, JSON]:
    if len(columns) <= _NAMED_COLUMNS and sum(map(len, columns)) <= 16_000:
        return {"columns": [clip(column, 200) for column in columns]}
    digest = hashlib.sha256("\0".join(columns).encode()).hexdigest()
    return {"columns": len(columns), "columns_sha256": digest}
