"""Pseudonyms that join over a project, as verbs: ask for them, and see what became of it. Nobody decides from here."""

from __future__ import annotations

from ..errors import Invalid
from ..model import Joining, Level, Text
from ..times import shown
from .display import Report, Table, counted, listed
from .listing import Listing
from .session import current, fitting

PAGE = "securecollab/requests"


def join(name: str, *, level: str, because: str) -> Listing[Joining]:
    """Ask a steward for pseudonyms `project/name`, the same all over the project, on columns of a level.

    Once allowed: `share(x, "project/...", mask={"ID": "pseudonym:name@project"})`. `because` goes on record and is what
    the steward decides by.
    """
    session = current()
    if not because.strip():
        raise Invalid("the reason is missing", next_step="Say why, with --because.")
    asked = session.client.ask_join(session.asset(name), Level.parse(level), fitting(because, Text, "a reason"))
    step = f"A steward decides on the vault's page: {PAGE}"
    return Listing(Report(f"asked for pseudonyms {asked.name} on {asked.level} columns", next_step=step), (asked,))


def joins() -> Listing[Joining]:
    """What you asked for, newest first, and what became of it; for stewards what everybody asked for."""
    found = current().client.joins()
    rows = tuple(
        (one.name, one.level.value, one.person, one.because, shown(one.asked), one.state, one.by or "–",
         listed(one.assets), listed(one.holders))
        for one in found
    )  # fmt: skip
    header = ("name", "level", "who", "because", "asked", "state", "by", "masked with it", "who else has the key")
    tables = (Table(header, rows),) if rows else ()
    return Listing(Report(f"{counted(len(found), 'request')} for pseudonyms of a project", tables=tables), found)
