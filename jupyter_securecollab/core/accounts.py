"""People, groups and their tokens. Passwords arrive hashed and tokens as SHA-256: never kept plain."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence

import msgspec

from ..errors import Conflict, Denied, Invalid, NotFound
from ..model import Account, Caller, Level, Role, Vouched, Who, clip, grantee_name
from .audit import JSON, Work
from .catalog import MembershipRow, OriginRow, PersonKind, PersonRow
from .desk import FROM_KERNEL, NO_ROLE, Desk, Refused, capped, raise_if_refused
from .ports import Rows

TOKEN_PREFIX = "scp_"
_KNOWN_AT_ONCE = 1000


class Accounts:
    """Administration of accounts (role admin, never from a kernel), and what signing in needs to look up."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._at_once: dict[str, tuple[int, Account | None]] = {}

    def found(self, operator: str) -> None:
        """On an empty vault, make the person who starts it its operator: member, steward and admin."""

        def operation(work: Work) -> None:
            if work.rows.find(PersonRow, limit=1):
                return
            work.put(PersonRow(operator, "person", Level.SECRET, ("member", "steward", "admin"), True, 0))
            work.record("vault.found", Caller(operator, "cli", ""), name=operator)

        self._desk.write(operation)

    def add_user(
        self,
        caller: Caller,
        *,
        name: str,
        clearance: Level = Level.INTERNAL,
        roles: Sequence[Role] = ("member",),
        kind: PersonKind = "person",
        acts_for: str | None = None,
        password_hash: str = "",
    ) -> None:
        """Create an account. Raises `Conflict` if the name is taken, `Invalid` for an agent of nobody."""
        grantee_name(name)
        if name.startswith("@"):
            raise Invalid("a person's name does not begin with @")
        if (kind == "agent") != (acts_for is not None):
            raise Invalid("an agent acts for a person, and nobody else does")

        def change(work: Work) -> Mapping[str, JSON]:
            if work.rows.get(PersonRow, name) is not None:
                raise Conflict(f"there is already an account {clip(name)}")
            if acts_for is not None:
                self._person(work.rows, acts_for)
            work.put(
                PersonRow(name, kind, clearance, tuple(roles), True, 0, acts_for=acts_for, password_hash=password_hash)
            )
            return {"clearance": clearance.value, "roles": list(roles)}

        self._administer(caller, "user.add", name, change)

    def change_user(
        self, caller: Caller, *, name: str, clearance: Level | None = None, roles: Sequence[Role] | None = None
    ) -> None:
        """Change what a person may; counts from the next decision on."""

        def change(work: Work) -> Mapping[str, JSON]:
            row = self._person(work.rows, name)
            changed = msgspec.structs.replace(
                row, clearance=clearance or row.clearance, roles=row.roles if roles is None else tuple(roles)
            )
            self._keep_an_administrator(work.rows, changed)
            work.put(changed)
            return {"clearance": changed.clearance.value, "roles": list(changed.roles)}

        self._administer(caller, "user.change", name, change)

    def enable_user(self, caller: Caller, *, name: str) -> None:
        """Let a disabled person in again; a new token or password has to be set."""

        def change(work: Work) -> Mapping[str, JSON]:
            work.put(msgspec.structs.replace(self._person(work.rows, name), active=True))
            return {}

        self._administer(caller, "user.enable", name, change)

    def admit_user(self, caller: Caller, *, name: str) -> None:
        """Take the next account of this name that the identity provider outside vouches for to be this person."""

        def change(work: Work) -> Mapping[str, JSON]:
            self._person(work.rows, name)
            work.put(OriginRow(name, ""))
            return {}

        self._administer(caller, "user.admit", name, change)

    def disable_user(self, caller: Caller, *, name: str) -> None:
        """End an account at once: every session, token and lease of it dies with this commit."""

        def change(work: Work) -> Mapping[str, JSON]:
            row = self._person(work.rows, name)
            ended = msgspec.structs.replace(row, active=False, epoch=row.epoch + 1, password_hash="", token_sha256="")
            self._keep_an_administrator(work.rows, ended)
            work.put(ended)
            return {}

        self._administer(caller, "user.disable", name, change)

    def new_token(self, caller: Caller, *, name: str) -> str:
        """A fresh personal token, shown once; the one before it and every session end."""
        token = TOKEN_PREFIX + secrets.token_urlsafe(32)

        def change(work: Work) -> Mapping[str, JSON]:
            row = self._active(work.rows, name)
            digest = hashlib.sha256(token.encode()).hexdigest()
            work.put(msgspec.structs.replace(row, token_sha256=digest, epoch=row.epoch + 1))
            return {}

        self._administer(caller, "user.token", name, change)
        return token

    def set_own_token(self, caller: Caller, *, token_sha256: str) -> None:
        """One's own token for kernels, by its SHA-256 in hex; without one it ends. Leases under the one before end too.

        For people in their browser alone. Whoever takes a token to be somebody's has to cap it to what a member may.
        """

        def operation(work: Work) -> Refused | None:
            ruling = self._desk.rule(work.rows, work.now, caller, "create")
            ruling = ruling if caller.via == "browser" or not ruling.decision.allow else FROM_KERNEL
            act = "token.make" if token_sha256 else "token.end"
            if not ruling.decision.allow:
                return self._desk.refuse(work, caller, act, None, caller.name, ruling)
            row = self._active(work.rows, caller.name)
            work.put(msgspec.structs.replace(row, token_sha256=token_sha256, epoch=row.epoch + 1))
            work.record(act, caller, name=caller.name, decision=ruling.decision)
            return None

        self._desk.write(operation)

    def set_password(self, caller: Caller, *, name: str, password_hash: str) -> None:
        """Replace the password (given hashed); every session of the person ends."""

        def change(work: Work) -> Mapping[str, JSON]:
            row = self._active(work.rows, name)
            work.put(msgspec.structs.replace(row, password_hash=password_hash, epoch=row.epoch + 1))
            return {}

        self._administer(caller, "user.password", name, change)

    def add_member(self, caller: Caller, *, group: str, person: str) -> None:
        """Put a person into a group (made by its first member)."""
        grantee_name(f"@{group}")

        def change(work: Work) -> Mapping[str, JSON]:
            self._person(work.rows, person)
            work.put(MembershipRow(group, person))
            return {"person": person}

        self._administer(caller, "group.add", group, change)

    def remove_member(self, caller: Caller, *, group: str, person: str) -> None:
        """Take a person out of a group; access through it ends with this commit."""

        def change(work: Work) -> Mapping[str, JSON]:
            if work.rows.get(MembershipRow, group, person) is None:
                raise NotFound(f"{clip(person)} is not in {clip(group)}")
            work.remove(MembershipRow, group, person)
            return {"person": person}

        self._administer(caller, "group.remove", group, change)

    def people(self, caller: Caller) -> tuple[Who, ...]:
        """Every account, for administrators."""

        def query(rows: Rows) -> tuple[Who, ...]:
            raise_if_refused(
                self._desk.rule(rows, self._desk.journal.now(rows), caller, "administer"), "list", "accounts"
            )
            return tuple(self._who(rows, row) for row in rows.find(PersonRow))

        return self._desk.journal.read(query)

    def me(self, caller: Caller) -> Who:
        """The caller as the vault knows him. Raises `Denied` for somebody it does not know or has disabled."""

        def query(rows: Rows) -> Who:
            row = rows.get(PersonRow, caller.name)
            if caller.vouched is not None and not caller.vouched.roles:
                raise_if_refused(NO_ROLE, "use", self._desk.settings.name)
            if row is None or not row.active:
                raise Denied(
                    f"this vault has no account for {clip(caller.name)}", next_step="Ask its administrator for one."
                )
            return self._who(rows, row, caller.vouched)

        return self._desk.journal.read(query)

    def account(self, name: str) -> Account | None:
        """What signing in needs of one person."""
        return self._desk.journal.read(lambda rows: _account(rows.get(PersonRow, name)))

    def account_at_once(self, name: str) -> Account | None:
        """The same, for who cannot wait: raises `Unavailable` where another would have to.

        Asked for every message, so what was found serves until anything is written to the database by anybody.
        """
        version = self._desk.journal.version()
        known = self._at_once.get(name)
        if known is None or known[0] != version:
            found = self._desk.journal.glance(lambda rows: _account(rows.get(PersonRow, name)))
            if len(self._at_once) >= _KNOWN_AT_ONCE:
                self._at_once.clear()
            known = self._at_once[name] = version, found
        return known[1]

    def account_of_token(self, sha256_hex: str) -> Account | None:
        """The person a personal token belongs to, by its SHA-256 in hex."""
        if not sha256_hex:
            return None
        found = self._desk.journal.read(lambda rows: rows.find(PersonRow, token_sha256=sha256_hex))
        return _account(found[0]) if found else None

    def groups_of(self, name: str) -> tuple[str, ...]:
        """The groups of a person, for the server's own use."""
        found = self._desk.journal.read(lambda rows: rows.find(MembershipRow, person=name))
        return tuple(row.group for row in found)

    def is_team(self) -> bool:
        """Whether anybody signs in by name here; otherwise the vault serves its operator alone."""
        everyone = self._desk.journal.read(lambda rows: rows.find(PersonRow))
        # Once there were accounts, there are: disabling the last must not open the server to whoever reaches it.
        return len(everyone) > 1 or any(row.password_hash or row.token_sha256 for row in everyone)

    def _administer(self, caller: Caller, act: str, name: str, change: Callable[[Work], Mapping[str, JSON]]) -> None:
        def operation(work: Work) -> Refused | None:
            ruling = self._desk.rule(work.rows, work.now, caller, "administer")
            if not ruling.decision.allow:
                return self._desk.refuse(work, caller, act, None, name, ruling)
            detail = change(work)
            work.record(act, caller, name=name, decision=ruling.decision, detail=detail)
            return None

        self._desk.write(operation)

    def _active(self, rows: Rows, name: str) -> PersonRow:
        row = self._person(rows, name)
        if not row.active:
            raise Conflict(f"the account {clip(name)} is disabled", next_step="Enable it first.")
        return row

    def _keep_an_administrator(self, rows: Rows, changed: PersonRow) -> None:
        """Raise `Conflict` if nobody could administer the vault any more after this change."""
        others = [row for row in rows.find(PersonRow, active=True) if row.name != changed.name]
        if not any(row.active and "admin" in row.roles for row in (*others, changed)):
            raise Conflict("nobody would be left to administer the vault", next_step="Make somebody else admin first.")

    def _person(self, rows: Rows, name: str) -> PersonRow:
        row = rows.get(PersonRow, name)
        if row is None:
            raise NotFound(f"there is no person {clip(name)} here")
        return row

    def _who(self, rows: Rows, row: PersonRow, vouched: Vouched | None = None) -> Who:
        settings = self._desk.settings
        person = capped(self._desk.person(rows, row.name), vouched)
        return Who(
            name=row.name,
            clearance=row.clearance,
            roles=person.roles,
            groups=person.groups,
            vault=settings.name,
            deployment=settings.deployment,
            log_key=self._desk.journal.log_key,
            default_up_to=settings.default_up_to,
        )


def _account(row: PersonRow | None) -> Account | None:
    return None if row is None else Account(row.name, row.active, row.epoch, row.password_hash)
