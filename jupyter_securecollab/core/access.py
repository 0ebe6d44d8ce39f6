"""Who may do what with an asset: giving access, ending it, listing it. Access is rows; which count is policy."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Literal, NamedTuple

from ..errors import Conflict, Invalid, InvalidTime, TooLarge
from ..model import (
    Access,
    AccessSpec,
    AssetSummary,
    Caller,
    Changed,
    Decision,
    Directory,
    Level,
    Receipt,
    VersionSummary,
    clip,
    grantee_name,
)
from ..proofs import OPENING, parse_entry
from .audit import Work
from .catalog import AssetRow, EntryRow, GrantRow, MembershipRow, PartRow, PersonRow, VersionRow
from .desk import NO_ACCESS, Desk, Refused, find_asset, known, raise_if_refused, refusal, unknown_grantee
from .once import Once, done_once
from .ports import Rows
from .question import OWNER, Ruling

_LISTED = 500
_CONSIDERED = 30_000  # below what one SQL statement can name
_REMEMBERED_OPENS = 1000
_ROOM = 50_000  # bytes of an entry that rows of access may fill


class Window(NamedTuple):
    """From when (None: at once) until when access is given, and the decision that it may be."""

    start: datetime | None
    until: datetime
    decision: Decision


class AccessBook:
    """Access to assets, and what a person may know of them without opening anything."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def window(self, work: Work, caller: Caller, asset: AssetRow, access: AccessSpec) -> Window | Refused:
        """From when until when this access would be given, if it may be; raises what else is wrong with it.

        Policy comes first: whoever may not give access learns nothing about names and owners.
        """
        ruling = self._desk.rule(work.rows, work.now, caller, "manage", asset, level=access.up_to)
        if not ruling.decision.allow:
            return self._desk.refuse(work, caller, "grant", asset, asset.name, ruling)
        if not access.people:
            raise Invalid("nobody was named to give access to")
        _check_room(access)
        for grantee in access.people:
            known(work.rows, grantee_name(grantee))
            if grantee == asset.owner:
                raise Conflict(f"{clip(grantee)} owns {asset.name} and needs no access to it")
        start, own_end = whole_milliseconds(access.start), self.end(work.rows, ruling.grant)
        return Window(start, self._until(work.now, start, access, own_end), ruling.decision)

    def _until(self, now: datetime, start: datetime | None, access: AccessSpec, own_end: datetime | None) -> datetime:
        """No end given means the default duration of the level, counted from the start; nobody gives beyond his own."""
        until = whole_milliseconds(access.until) or self._default_end(start or now, access.up_to)
        if own_end is not None and until > own_end:
            if access.until is not None:
                raise InvalidTime(f"your own access ends at {own_end:%Y-%m-%d %H:%M} UTC, before the one you give")
            until = own_end
        if until <= now:
            raise InvalidTime("the access would already be over")
        if start is not None and start >= until:
            raise InvalidTime("the access would end before it begins")
        return until

    def _default_end(self, start: datetime, up_to: Level) -> datetime:
        try:
            return start + self._desk.settings.durations[up_to]
        except OverflowError:
            raise InvalidTime("the access would begin at the end of the calendar") from None

    def give(self, work: Work, caller: Caller, asset: AssetRow, access: AccessSpec, window: Window) -> None:
        """Put the rows in place, on record; each replaces the grantee's for the same purposes, and an exclusion."""
        for grantee in dict.fromkeys(access.people):
            for old in work.rows.find(GrantRow, asset=asset.id, grantee=grantee):
                if old.excluded or old.purposes == access.purposes:
                    work.remove(GrantRow, old.id)
            work.put(
                GrantRow(
                    id=secrets.token_hex(8),
                    asset=asset.id,
                    grantee=grantee,
                    can=access.can,
                    up_to=access.up_to,
                    start=window.start,
                    until=window.until,
                    purposes=access.purposes,
                    excluded=False,
                    given_by=caller.name,
                )
            )
        detail = {"people": list(access.people), "because": access.because}
        work.record("grant", caller, asset=asset.id, name=asset.name, decision=window.decision, detail=detail)

    def grant(self, caller: Caller, *, name: str, access: AccessSpec, once: Once | None = None) -> Changed:
        """Give access without a new version. Raises `Denied`, `NotFound` (grantee), `InvalidTime`, `Conflict`."""

        def operation(work: Work) -> AssetRow | Refused:
            asset = find_asset(work.rows, name)
            if asset is None or asset.newest == 0:
                ruling = self._desk.no_such(work.rows, work.now, caller, "manage")
                return self._desk.refuse(work, caller, "grant", None, name, ruling)
            window = self.window(work, caller, asset, access)
            if isinstance(window, Refused):
                return window
            self.give(work, caller, asset, access, window)
            return asset

        return self._changed(caller, *done_once(self._desk, caller, once, AssetRow, operation))

    def revoke(self, caller: Caller, *, name: str, people: Sequence[str], once: Once | None = None) -> Changed:
        """End access at once. A person is excluded by name: no group lets him back in until access is given anew.

        Keys are refused from the commit on; ciphertext when the lease ends. Raises `Denied`, `NotFound`, `Conflict`.
        """

        def operation(work: Work) -> AssetRow | Refused:
            asset = find_asset(work.rows, name)
            if asset is None or asset.newest == 0:
                ruling = self._desk.no_such(work.rows, work.now, caller, "manage")
                return self._desk.refuse(work, caller, "revoke", None, name, ruling)
            ruling = self._desk.rule(work.rows, work.now, caller, "manage", asset)
            if not ruling.decision.allow:
                return self._desk.refuse(work, caller, "revoke", asset, name, ruling)
            for grantee in dict.fromkeys(people):
                self._end(work, caller, asset, grantee_name(grantee))
            work.record(
                "revoke", caller, asset=asset.id, name=name, decision=ruling.decision, detail={"people": list(people)}
            )
            return asset

        return self._changed(caller, *done_once(self._desk, caller, once, AssetRow, operation))

    def _end(self, work: Work, caller: Caller, asset: AssetRow, grantee: str) -> None:
        if grantee == asset.owner:
            raise Conflict(f"{clip(grantee)} owns {asset.name}", next_step="Ownership cannot be ended this way.")
        grants = work.rows.find(GrantRow, asset=asset.id, grantee=grantee)
        for grant in grants:
            work.remove(GrantRow, grant.id)
        if grantee.startswith("@"):
            if not grants:
                raise Conflict(f"{clip(grantee)} has no access to {asset.name}")
            return
        if work.rows.get(PersonRow, grantee) is None:  # a disabled person is known enough to be kept out
            raise unknown_grantee(grantee)
        exclusion = GrantRow(
            secrets.token_hex(8), asset.id, grantee, "open", Level.PUBLIC, None, None, (), True, caller.name
        )
        work.put(exclusion)

    def access(self, caller: Caller, *, name: str) -> tuple[Access, ...]:
        """The access table: all of it for who may manage, one's own lines for who may merely know of the asset."""
        return self._desk.journal.read(lambda rows: self.visible(rows, caller, self._describable(rows, caller, name)))

    def visible(self, rows: Rows, caller: Caller, asset: AssetRow) -> tuple[Access, ...]:
        """The lines of the access table that the caller may see; to be asked about an asset he may know of."""
        now = self._desk.journal.now(rows)
        table = self._table(rows, asset, now)
        if self._desk.rule(rows, now, caller, "manage", asset).decision.allow:
            return table
        person = self._desk.person(rows, caller.name)
        mine = {person.name, *(f"@{group}" for group in person.groups)}
        return tuple(line for line in table if line.grantee in mine or line.state == "owner")

    def _table(self, rows: Rows, asset: AssetRow, now: datetime) -> tuple[Access, ...]:
        """Every line of access, the owner first."""
        grants = rows.find(GrantRow, asset=asset.id)
        owner = Access(OWNER, asset.owner, "manage", Level.SECRET, None, None, (), False, asset.owner, "owner")
        return (owner, *sorted((_line(grant, now) for grant in grants), key=lambda line: line.grantee))

    def _changed(self, caller: Caller, asset: AssetRow, receipt: Receipt) -> Changed:
        """What the caller may know of it now: an answer given once more may come when he manages it no longer."""

        def query(rows: Rows) -> Changed:
            table, now = self.visible(rows, caller, asset), self._desk.journal.now(rows)
            if not self._desk.rule(rows, now, caller, "manage", asset).decision.allow:
                return Changed(asset.name, table, (), receipt)
            opens = rows.find(EntryRow, asset=asset.id, act=OPENING, newest=True, limit=_REMEMBERED_OPENS)
            openers = {entry.actor for entry in opens if _was_allowed(entry)}
            return Changed(asset.name, table, tuple(sorted(openers)), receipt)

        return self._desk.journal.read(query)

    def assets(self, caller: Caller) -> tuple[AssetSummary, ...]:
        """What the caller owns or may open now: the most recently changed, newest first."""

        def query(rows: Rows) -> tuple[AssetSummary, ...]:
            now, person = self._desk.journal.now(rows), self._desk.person(rows, caller.name)
            grantees = (person.name, *(f"@{group}" for group in person.groups))
            ids = {grant.asset for grant in rows.find(GrantRow, grantee=grantees, excluded=False)}
            shared = rows.find(AssetRow, id=tuple(sorted(ids)[:_CONSIDERED]))
            owned = [asset for asset in rows.find(AssetRow, owner=person.name) if asset.id not in ids]
            newest_first = sorted((*shared, *owned), key=lambda asset: asset.changed, reverse=True)
            found = (self._summary(rows, now, caller, asset) for asset in newest_first if asset.newest)
            return tuple(islice((summary for summary in found if summary is not None), _LISTED))

        return self._desk.journal.read(query)

    def describe(self, caller: Caller, *, name: str) -> AssetSummary:
        """What the caller may know of one asset. Raises `Denied`, also when it does not exist."""

        def query(rows: Rows) -> AssetSummary:
            asset = self._describable(rows, caller, name)
            summary = self._summary(rows, self._desk.journal.now(rows), caller, asset)
            if summary is None:
                raise refusal(NO_ACCESS, "look at", name)
            return summary

        return self._desk.journal.read(query)

    def _summary(self, rows: Rows, now: datetime, caller: Caller, asset: AssetRow) -> AssetSummary | None:
        ruling = self._reading(rows, now, caller, asset)
        if not ruling.decision.allow or ruling.up_to is None:
            return None
        grant = None if ruling.grant in (None, OWNER) else rows.get(GrantRow, ruling.grant)
        return AssetSummary(
            id=asset.id,
            name=asset.name,
            kind=asset.kind,
            owner=asset.owner,
            title=asset.title,
            up_to=ruling.up_to,
            can="manage" if grant is None else grant.can,
            mine=asset.owner == caller.name,
            number=asset.newest,
            changed=asset.changed,
            until=None if grant is None else grant.until,
        )

    def _reading(self, rows: Rows, now: datetime, caller: Caller, asset: AssetRow) -> Ruling:
        """What the caller may open, whatever purpose his access is bound to: to be told of it, none need be named."""
        ruling = self._desk.rule(rows, now, caller, "open", asset)
        bound = {purpose for grant in rows.find(GrantRow, asset=asset.id) for purpose in grant.purposes}
        for purpose in () if ruling.decision.allow else sorted(bound):
            ruling = self._desk.rule(rows, now, caller, "open", asset, purpose=purpose)
            if ruling.decision.allow:
                break
        return ruling

    def versions(self, caller: Caller, *, name: str) -> tuple[VersionSummary, ...]:
        """Committed versions, newest first; of each, only the levels the caller reads up to."""

        def query(rows: Rows) -> tuple[VersionSummary, ...]:
            asset = self._describable(rows, caller, name)
            ruling = self._reading(rows, self._desk.journal.now(rows), caller, asset)
            top = ruling.up_to if ruling.decision.allow else None
            found = rows.find(VersionRow, asset=asset.id, state="committed")
            return tuple(_version(rows, row, top) for row in sorted(found, key=lambda row: -row.number))

        return self._desk.journal.read(query)

    def end(self, rows: Rows, grant: str | None) -> datetime | None:
        """When access by this grant ends; None for an owner's."""
        row = None if grant is None or grant == OWNER else rows.get(GrantRow, grant)
        return None if row is None else row.until

    def _describable(self, rows: Rows, caller: Caller, name: str) -> AssetRow:
        asset, now = find_asset(rows, name), self._desk.journal.now(rows)
        if asset is None or asset.newest == 0:
            raise refusal(self._desk.no_such(rows, now, caller, "describe"), "look at", name)
        raise_if_refused(self._desk.rule(rows, now, caller, "describe", asset), "look at", name)
        return asset

    def directory(self, caller: Caller) -> Directory:
        """Names of active people and of groups, for completing who to share with."""

        def query(rows: Rows) -> Directory:
            ruling = self._desk.rule(rows, self._desk.journal.now(rows), caller, "create")
            raise_if_refused(ruling, "list", "people")
            people = tuple(person.name for person in rows.find(PersonRow, active=True))
            return Directory(people, tuple(sorted({member.group for member in rows.find(MembershipRow)})))

        return self._desk.journal.read(query)


def whole_milliseconds(at: datetime | None) -> datetime | None:
    """As the tables hold times, so that the log says the same. `InvalidTime` for a time without a zone."""
    if at is None:
        return None
    if at.tzinfo is None:
        raise InvalidTime("a time needs its zone")
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        raise InvalidTime("that time lies beyond the calendar") from None
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _check_room(access: AccessSpec) -> None:
    """Said at once, not at the commit: the rows have to fit into one entry of the log, each with all its purposes."""
    each = 400 + len("".join(access.purposes).encode())
    if sum(each + len(grantee.encode()) for grantee in access.people) > _ROOM:
        raise TooLarge(
            "these are too many people at once", next_step="Make a group of them, or do it in several steps."
        )


def project_of(name: str) -> str:
    """The project an asset belongs to."""
    return name.partition("/")[0]


def _was_allowed(entry: EntryRow) -> bool:
    decision = parse_entry(entry.body).decision
    return decision is not None and decision.allow


def _line(grant: GrantRow, now: datetime) -> Access:
    state: Literal["active", "not yet", "over", "excluded"] = "active"
    if grant.excluded:
        state = "excluded"
    elif grant.start is not None and now < grant.start:
        state = "not yet"
    elif grant.until is not None and now >= grant.until:
        state = "over"
    return Access(
        id=grant.id,
        grantee=grant.grantee,
        can=grant.can,
        up_to=grant.up_to,
        start=grant.start,
        until=grant.until,
        purposes=grant.purposes,
        excluded=grant.excluded,
        given_by=grant.given_by,
        state=state,
    )


def _version(rows: Rows, row: VersionRow, top: Level | None) -> VersionSummary:
    levels = tuple(level for level in row.levels if top is not None and level <= top)
    size = sum(part.size for part in rows.find(PartRow, version=row.id) if part.level in levels)
    return VersionSummary(row.id, row.number, row.by, row.committed or row.begun, levels, size)
