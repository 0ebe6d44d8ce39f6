"""Who may do what with an asset: giving access, ending it, listing it. Access is rows; which count is policy."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from ..errors import Conflict, Invalid, InvalidTime
from ..model import (
    Access,
    AccessSpec,
    AssetSummary,
    Caller,
    Changed,
    Directory,
    Level,
    VersionSummary,
    clip,
    grantee_name,
)
from .audit import Work
from .catalog import AssetRow, EntryRow, GrantRow, MembershipRow, PersonRow, VersionRow
from .desk import Desk, Refused, find_asset, known, no_access, raise_if_refused, refusal
from .ports import Rows
from .question import OWNER

_LISTED = 500
_REMEMBERED_OPENS = 1000


class AccessBook:
    """Access to assets, and what a person may know of them without opening anything."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def check(self, work: Work, caller: Caller, asset: AssetRow, access: AccessSpec) -> Refused | None:
        """Whether this access could be given now: raises what is wrong with it, returns a refusal policy gives."""
        if not access.people:
            raise Invalid("nobody was named to give access to")
        for grantee in access.people:
            known(work.rows, grantee_name(grantee))
            if grantee == asset.owner:
                raise Conflict(f"{clip(grantee)} owns {asset.name} and needs no access to it")
        start, until = self._window(work.now, access)
        if until is not None and until <= work.now:
            raise InvalidTime("the access would already be over")
        if start is not None and until is not None and start >= until:
            raise InvalidTime("the access would end before it begins")
        ruling = self._desk.rule(work.rows, work.now, caller, "manage", asset, level=access.up_to)
        if not ruling.decision.allow:
            return self._desk.refuse(work, caller, "grant", asset, asset.name, ruling)
        return None

    def give(self, work: Work, caller: Caller, asset: AssetRow, access: AccessSpec) -> Refused | None:
        """Put the rows in place; each replaces the grantee's earlier access for the same purposes, and an exclusion."""
        refused = self.check(work, caller, asset, access)
        if refused is not None:
            return refused
        start, until = self._window(work.now, access)
        for grantee in access.people:
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
                    start=start,
                    until=until,
                    purposes=access.purposes,
                    excluded=False,
                    given_by=caller.name,
                )
            )
        return None

    def _window(self, now: datetime, access: AccessSpec) -> tuple[datetime | None, datetime | None]:
        """Start and end; no end given means the default duration of the level, counted from the start."""
        start = whole_milliseconds(access.start)
        until = whole_milliseconds(access.until) or (start or now) + self._desk.settings.durations[access.up_to]
        return start, until

    def grant(self, caller: Caller, *, name: str, access: AccessSpec) -> Changed:
        """Give access without a new version. Raises `Denied`, `NotFound` (grantee), `InvalidTime`, `Conflict`."""

        def operation(work: Work) -> AssetRow | Refused:
            asset = find_asset(work.rows, name)
            if asset is None:
                return self._desk.refuse(work, caller, "grant", None, name, no_access())
            refused = self.give(work, caller, asset, access)
            if refused is not None:
                return refused
            detail = {"people": list(access.people), "because": access.because}
            work.record("grant", caller, asset=asset.id, name=name, detail=detail)
            return asset

        asset, receipt = self._desk.recorded(operation)
        return Changed(name, self.table(asset), self._opened_by(asset), receipt)

    def revoke(self, caller: Caller, *, name: str, people: Sequence[str]) -> Changed:
        """End access at once. A person is excluded by name: no group lets him back in until access is given anew.

        Keys are refused from the commit on; ciphertext when the lease ends. Raises `Denied`, `NotFound`, `Conflict`.
        """

        def operation(work: Work) -> AssetRow | Refused:
            asset = find_asset(work.rows, name)
            if asset is None:
                return self._desk.refuse(work, caller, "revoke", None, name, no_access())
            ruling = self._desk.rule(work.rows, work.now, caller, "manage", asset)
            if not ruling.decision.allow:
                return self._desk.refuse(work, caller, "revoke", asset, name, ruling)
            for grantee in people:
                self._end(work, caller, asset, grantee_name(grantee))
            work.record(
                "revoke", caller, asset=asset.id, name=name, decision=ruling.decision, detail={"people": list(people)}
            )
            return asset

        asset, receipt = self._desk.recorded(operation)
        return Changed(name, self.table(asset), self._opened_by(asset), receipt)

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
        known(work.rows, grantee)
        exclusion = GrantRow(
            secrets.token_hex(8), asset.id, grantee, "open", Level.PUBLIC, None, None, (), True, caller.name
        )
        work.put(exclusion)

    def access(self, caller: Caller, *, name: str) -> tuple[Access, ...]:
        """The access table: all of it for who may manage, one's own lines for who may merely know of the asset."""

        def query(rows: Rows) -> tuple[AssetRow, bool, set[str]]:
            asset = self._describable(rows, caller, name)
            person = self._desk.person(rows, caller.name)
            manages = self._desk.rule(rows, self._desk.clock(), caller, "manage", asset).decision.allow
            return asset, manages, {person.name, *(f"@{group}" for group in person.groups)}

        asset, manages, mine = self._desk.journal.read(query)
        return tuple(line for line in self.table(asset) if manages or line.grantee in mine or line.state == "owner")

    def table(self, asset: AssetRow) -> tuple[Access, ...]:
        """Every line of access, the owner first."""
        grants = self._desk.journal.read(lambda rows: rows.find(GrantRow, asset=asset.id))
        now = self._desk.clock()
        owner = Access(OWNER, asset.owner, "manage", Level.SECRET, None, None, (), False, asset.owner, "owner")
        return (owner, *sorted((_line(grant, now) for grant in grants), key=lambda line: line.grantee))

    def _opened_by(self, asset: AssetRow) -> tuple[str, ...]:
        opens = self._desk.journal.read(
            lambda rows: rows.find(EntryRow, asset=asset.id, act="open", newest=True, limit=_REMEMBERED_OPENS)
        )
        return tuple(sorted({entry.actor for entry in opens if b'"allow":true' in entry.body}))

    def assets(self, caller: Caller) -> tuple[AssetSummary, ...]:
        """What the caller owns or may open now, newest change first."""

        def query(rows: Rows) -> list[AssetSummary]:
            person = self._desk.person(rows, caller.name)
            grantees = (person.name, *(f"@{group}" for group in person.groups))
            ids = {grant.asset for grant in rows.find(GrantRow, grantee=grantees, excluded=False)}
            shared = rows.find(AssetRow, id=tuple(sorted(ids)[:_LISTED]))
            owned = [asset for asset in rows.find(AssetRow, owner=person.name) if asset.id not in ids]
            found = [self._summary(rows, caller, asset) for asset in (*shared, *owned) if asset.newest]
            return [summary for summary in found if summary is not None]

        found = self._desk.journal.read(query)
        return tuple(sorted(found, key=lambda summary: summary.changed, reverse=True))

    def describe(self, caller: Caller, *, name: str) -> AssetSummary:
        """What the caller may know of one asset. Raises `Denied`, also when it does not exist."""

        def query(rows: Rows) -> AssetSummary:
            asset = self._describable(rows, caller, name)
            summary = self._summary(rows, caller, asset)
            if summary is None:
                raise refusal(no_access(), "look at", name)
            return summary

        return self._desk.journal.read(query)

    def _summary(self, rows: Rows, caller: Caller, asset: AssetRow) -> AssetSummary | None:
        ruling = self._desk.rule(rows, self._desk.clock(), caller, "open", asset)
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

    def versions(self, caller: Caller, *, name: str) -> tuple[VersionSummary, ...]:
        """Committed versions, newest first; of each, only the levels the caller reads up to."""

        def query(rows: Rows) -> tuple[VersionSummary, ...]:
            asset = self._describable(rows, caller, name)
            ruling = self._desk.rule(rows, self._desk.clock(), caller, "open", asset)
            top = ruling.up_to if ruling.decision.allow else None
            found = rows.find(VersionRow, asset=asset.id, state="committed")
            return tuple(_version(row, top) for row in sorted(found, key=lambda row: -row.number))

        return self._desk.journal.read(query)

    def end(self, rows: Rows, grant: str | None) -> datetime | None:
        """When access by this grant ends; None for an owner's."""
        row = None if grant is None or grant == OWNER else rows.get(GrantRow, grant)
        return None if row is None else row.until

    def _describable(self, rows: Rows, caller: Caller, name: str) -> AssetRow:
        asset = find_asset(rows, name)
        if asset is None or asset.newest == 0:
            raise refusal(no_access(), "look at", name)
        raise_if_refused(self._desk.rule(rows, self._desk.clock(), caller, "describe", asset), "look at", name)
        return asset

    def directory(self, caller: Caller) -> Directory:
        """Names of active people and of groups, for completing who to share with."""

        def query(rows: Rows) -> Directory:
            ruling = self._desk.rule(rows, self._desk.clock(), caller, "create")
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
    at = at.astimezone(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def project_of(name: str) -> str:
    """The project an asset belongs to."""
    return name.partition("/")[0]


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


def _version(row: VersionRow, top: Level | None) -> VersionSummary:
    levels = tuple(level for level in row.levels if top is not None and level <= top)
    size = row.size if levels == row.levels else 0
    return VersionSummary(row.id, row.number, row.by, row.committed or row.begun, levels, size)
