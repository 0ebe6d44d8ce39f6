"""People as an identity provider outside vouches for them: what it says becomes state, on record where it changed.

Decisions read people and groups from the tables, inside the transaction that records them; so what JupyterHub says has
to be there first. It decides nothing by itself: what the token at hand carries caps each decision (`Caller.vouched`).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ..model import ROLES, Caller, Decision, Level, Unmet, Vouched
from .audit import Work
from .catalog import MembershipRow, OriginRow, PersonRow
from .desk import Desk, Refused
from .ports import Row, Rows
from .question import Ruling

_VAULT = Caller("vault", "service", "")
_NEWCOMERS_READ = Level.INTERNAL
_IN_ONE_ENTRY = 100
"""Changes; a name has at most 128 characters, so that an entry holds them."""


class Roster:
    """Keeps people and their groups as the identity provider has them. For the server alone: no route leads here."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def vouch(self, name: str, said: Vouched, *, made: str) -> None:
        """Make what was said of this person the state; a person seen for the first time reads up to internal.

        `made` is when the provider says the account was made. Roles are added and never taken away: that a person is
        an auditor keeps data from him also when he shows a token that does not say so. Raises `Denied` where the name
        is somebody else's: of an account made another time, or of one the provider never had.
        """
        if self._desk.journal.read(
            lambda rows: not _is_another(rows, name, made) and not [*_due(rows, name, said, made)]
        ):
            return

        def operation(work: Work) -> Refused | None:
            if _is_another(work.rows, name, made):
                return self._desk.refuse(work, Caller(name, "token", ""), "user.vouch", None, name, _ANOTHER)
            for count, change in enumerate([*_due(work.rows, name, said, made)]):
                if count and count % _IN_ONE_ENTRY == 0:
                    work.another()
                if count % _IN_ONE_ENTRY == 0:
                    work.record("user.vouch", _VAULT, name=name)
                if isinstance(change, Row):
                    work.put(change)
                else:
                    work.remove(MembershipRow, change, name)
            return None

        self._desk.write(operation)


def _agrees(rows: Rows, name: str, said: Vouched, made: str) -> bool:
    return not _is_another(rows, name, made) and next(_due(rows, name, said, made), None) is None


def _is_another(rows: Rows, name: str, made: str) -> bool:
    """Whether the name is somebody else's; the one under which the vault writes is its own."""
    if name == _VAULT.name:
        return True
    origin = rows.get(OriginRow, name)
    if origin is None:
        return rows.get(PersonRow, name) is not None
    return origin.made not in ("", made)


def _due(rows: Rows, name: str, said: Vouched, made: str) -> Iterator[Row | str]:
    """What has to change: rows to put, and groups to take the person out of. Nothing for a disabled account."""
    row = rows.get(PersonRow, name)
    if row is not None and not row.active:
        return
    if rows.get(OriginRow, name) != OriginRow(name, made):
        yield OriginRow(name, made)
    roles = tuple(role for role in ROLES if role in said.roles or (row is not None and role in row.roles))
    if row is None:
        yield PersonRow(name, "person", _NEWCOMERS_READ, roles, True, 0)
    elif set(roles) != set(row.roles):
        yield msgspec.structs.replace(row, roles=roles)
    groups = {member.group for member in rows.find(MembershipRow, person=name)}
    yield from (MembershipRow(group, name) for group in sorted(set(said.groups) - groups))
    yield from sorted(groups - set(said.groups))


_ANOTHER = Ruling(
    Decision(
        False,
        ("deny.another_person",),
        (Unmet("deny.another_person", "The name belongs here to somebody else than the identity provider's account."),),
        "If it is the same person, an administrator of the vault runs `jupyter securecollab user admit`; "
        "if not, the account needs another name.",
    )
)
