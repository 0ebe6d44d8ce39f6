"""People as whoever they sign in with knows them, and how they become callers of the door. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ...core.collaboration import Collaboration
from ...errors import Denied, InvalidName
from ...model import Caller, Via, Vouched, grantee_name
from ..hashed import sha256_hex


class KnownPerson(NamedTuple):
    """A person as the provider knows them. Another `made` under the same name is another person."""

    name: str
    made: str
    vouched: Vouched


def admitted(door: Collaboration, person: KnownPerson, secret: str, via: Via = "token") -> Caller:
    """This person as a caller of the door, after what was said of them has become state. Blocks.

    `secret` is the token or cookie at hand. One without any role changes nothing: the door refuses it, on record.
    """
    if person.vouched.roles:
        door.vouch(person.name, person.vouched, made=person.made)
    return Caller(person.name, via, sha256_hex(secret), vouched=person.vouched)


def checked_name(name: str) -> str:
    """The name, if a person can have it here. Raises `Denied`."""
    if not _can_be_named(name):
        raise Denied("a vault does not take the name you sign in with", next_step="Tell the administrator.")
    return name


def nameable(groups: Iterable[str]) -> tuple[str, ...]:
    """Groups that can be named in a vault, each once; the others cannot be given anything either."""
    return tuple(sorted({group for group in groups if _can_be_named(group)}))


def _can_be_named(name: str) -> bool:
    try:
        return bool(grantee_name(f"@{name}"))
    except InvalidName:
        return False
