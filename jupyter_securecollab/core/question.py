"""What is asked of policy and what it answers, as frozen types.

A question carries every fact a decision may rest on; policy looks nothing up. The caller asks once for each person
whose permission counts and takes the least of the answers. For an agent it asks twice: once about the agent with
`on_behalf_of` set, once about that person himself.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from ..model import Can, Decision, Level, Role, Value

Action = Literal["describe", "open", "update", "manage", "create", "audit", "administer", "approve"]

OWNER = "owner"
"""Stands in `Ruling.grant` where the owner's own access decided."""


class Person(Value, frozen=True):
    """Somebody who asks. `groups` are names without @."""

    name: str
    kind: Literal["person", "service", "agent"]
    clearance: Level
    roles: tuple[Role, ...]
    groups: tuple[str, ...]
    active: bool


class GrantFact(Value, frozen=True):
    """One row of access. `excluded` turns it into its opposite, whatever its other fields say (times included)."""

    id: str
    asset: str
    grantee: str
    can: Can
    up_to: Level
    start: datetime | None
    until: datetime | None
    purposes: tuple[str, ...]
    excluded: bool


class AssetFact(Value, frozen=True):
    """What policy needs to know of an asset. `owner` is a person's name."""

    id: str
    owner: str
    withdrawn: bool


class Question(Value, frozen=True, kw_only=True):
    """May this person do this, now?

    `asset` is given for describe, open, update and manage, and only for them. `grants` are the rows about this asset
    that name the person, his groups, or those of the person he acts for; a row about anybody or anything else is
    ignored. `level` None means "as far as I may".
    """

    person: Person
    action: Action
    now: datetime
    asset: AssetFact | None = None
    grants: tuple[GrantFact, ...] = ()
    level: Level | None = None
    purpose: str | None = None
    on_behalf_of: Person | None = None

    @property
    def subject(self) -> Person:
        """The one whose ownership and grants count."""
        return self.on_behalf_of or self.person

    @property
    def everyone(self) -> tuple[Person, ...]:
        """Those whose account, clearance and roles must all suffice."""
        return (self.person,) if self.on_behalf_of is None else (self.person, self.on_behalf_of)


class Ruling(Value, frozen=True):
    """The answer. When allowed: the grant's id (`OWNER` for the owner, None for a role) and the level it reads up to.

    `up_to` is None where nothing is read by level: the log, administration, and what a steward lists by role.
    """

    decision: Decision
    grant: str | None = None
    up_to: Level | None = None
