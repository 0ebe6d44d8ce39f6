"""Verbs about people, access and the log, as Python functions: the magics are these, typed more briefly.

Every verb raises the errors of the vault as they are and returns something that displays itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..client import Client, told_by_own_server
from ..errors import Invalid, Unavailable
from ..model import Access, AssetSummary, EntryView, VersionSummary, Who, clip, grantee_name
from ..proofs import parse_entry
from ..runs import RecordingState
from ..times import shown
from ..times import since as looking_back
from .display import Report, Shown, Table, counted, listed
from .listing import Listing, access_table, changed
from .rekeying import rekey as give_new_keys
from .session import current


def vault(name: str | None = None) -> Vault:
    """Who you are to which vault, how it protects, and its log's public key. `name` must be this kernel's vault.

    For the address of another one it says how a kernel comes to use that.
    """
    if name is not None and "://" in name:
        address = clip(name.rstrip("/"))
        raise Invalid(
            "a kernel does not change its vault, and a notebook is no place for a token",
            next_step=f"Make a token in the browser at {address}/securecollab/tokens, give it to "
            f"`jupyter securecollab login {address}` in a terminal, and restart the kernel.",
        )
    try:
        who = current().client.me()
    except Unavailable as error:
        raise Unavailable(f"{error}{_kept_meanwhile()}", next_step=error.next_step) from error
    if name is not None and name != who.vault:
        raise Invalid(
            f"this kernel is connected to the vault {who.vault}, not to {clip(name)}",
            next_step="Start a kernel with SECURECOLLAB_URL and SECURECOLLAB_TOKEN of the other vault.",
        )
    wall = "a service of its own: a wall between its users"
    if who.deployment == "embedded":
        wall = "embedded: stored data is protected and opens recorded; no wall between users of this server"
    facts = (
        ("you are", who.name),
        ("you read up to", who.clearance.value),
        ("roles", listed(who.roles)),
        ("groups", listed(f"@{group}" for group in who.groups)),
        ("protection", wall),
        ("shares read up to", f"{who.default_up_to} unless you say otherwise"),
        ("executions", _recorded(current().client.recording())),
        ("log key", who.log_key),
        ("witnesses", _witnesses(current().client)),
    )
    return Vault(Report(f"{who.name} at {who.vault}", facts), who)


def _kept_meanwhile() -> str:
    """What becomes of the record of executions while the vault is away, as far as somebody here knows."""
    state = told_by_own_server()
    if state is None or state.since is None:
        return ""
    return ". " + " ".join(
        (*state.why_not, f"Executions are kept here, {state.waiting} records waiting, since {shown(state.since)}")
    )


def _witnesses(client: Client) -> str:
    if client.quorum is None:
        return "none known here: that others are shown the same log is not checked"
    of, needed = len(client.quorum.keys), client.quorum.needed
    return f"{len(client.cosigners())} of {of} confirm the log; {needed} have to"


_CODE = {
    "off": "; not the code nor what it prints",
    "sealed": ", and the code, sealed to the auditors' key; not what it prints",
    "plain": ", and the code, as it is; not what it prints",
}


def _recorded(state: RecordingState) -> str:
    if state.why_not:
        return " ".join(state.why_not)
    whose = ", advisory (this server is yours)" if state.advisory else ""
    newest = "" if state.newest is None else f"; newest record {shown(state.newest)}"
    return f"recorded{whose}: who, where, when, how it went{_CODE[state.code]}{newest}"


@dataclass(frozen=True, repr=False)
class Vault(Shown):
    """The vault, and its caller as it knows him."""

    who: Who


def shares() -> Listing[AssetSummary]:
    """What is yours and what is shared with you, newest change first."""
    session = current()
    session.refresh()
    found = session.client.assets()
    rows = tuple(
        (one.name, one.kind, "you" if one.mine else one.owner, one.up_to.value, one.can, str(one.number),
         shown(one.changed), "–" if one.until is None else shown(one.until))
        for one in found
    )  # fmt: skip
    table = Table(("name", "kind", "owner", "you read up to", "you can", "version", "changed", "until"), rows)
    step = "" if found else "Share something: %share X --with PERSON"
    title = f"{len(found)} shared with you or by you"
    return Listing(Report(title, tables=(table,) if rows else (), next_step=step), found)


def access(name: str) -> Listing[Access]:
    """Who may do what with something, until when: all of it if you manage it, else your own lines."""
    session = current()
    asset = session.asset(name)
    found = session.client.access(asset)
    return Listing(Report(f"access to {asset}", tables=(access_table(found),)), found)


def unshare(name: str, people: str | Sequence[str], *, rekey: bool = False) -> Listing[Access]:
    """End the access of people and `@groups` at once; a person's also where a group would let him in.

    Shows who had opened it before: what they copied then stays copied. `rekey` also seals the newest version under new
    keys and destroys the versions before it, so that a key kept from before opens nothing.
    """
    session = current()
    named = tuple(map(grantee_name, (people,) if isinstance(people, str) else people))
    if not named:
        raise Invalid("nobody is named", next_step=f"%unshare {clip(name)} --with PERSON")
    asset = session.asset(name)
    done = session.client.revoke(asset, named)
    facts = [("opened before by", listed(done.opened_by))]
    if rekey:
        number, destroyed = give_new_keys(session, asset)
        facts += [("new keys", f"version {number}"), ("destroyed", f"version {listed(map(str, destroyed))}")]
    return changed(f"access to {asset} ended for {listed(named)}", done, tuple(facts))


def versions(name: str) -> Listing[VersionSummary]:
    """The versions of something, newest first."""
    session = current()
    asset = session.asset(name)
    found = session.client.versions(asset)
    rows = tuple((str(one.number), one.by, shown(one.committed), listed(one.levels), f"{one.size:,}") for one in found)
    table = Table(("version", "by", "shared", "levels", "bytes"), rows)
    return Listing(Report(f"versions of {asset}", tables=(table,)), found)


def audit(
    name: str | None = None,
    *,
    by: str | None = None,
    since: str | datetime | None = None,
    export: str | Path | None = None,
) -> Listing[EntryView]:
    """Log entries you may read, newest last: about one name, by one person, since a time (`8h` is eight hours ago).

    `export` also saves the whole log there, for `jupyter securecollab audit verify`.
    """
    session = current()
    asset = None if name is None else session.asset(name)
    person = None if by is None else grantee_name(by)
    after = None if since is None else looking_back(since, datetime.now(UTC))
    if export is not None:
        session.client.export(Path(export).expanduser())
    found = session.client.audit(name=asset, by=person, since=after)
    table = Table(("entry", "when", "who", "did", "what", "result"), tuple(map(_entry_row, found)))
    facts = [
        ("log", "signed, and continues everything this machine has seen of it"),
        ("witnesses", _witnesses(session.client)),
    ]
    step = ""
    if export is not None:
        facts.append(("saved to", str(export)))
        step = f"jupyter securecollab audit verify {export} --state --key, and the log's public key from elsewhere"
    return Listing(Report(counted(len(found), "log entry", "log entries"), tuple(facts), (table,), step), found)


def _entry_row(view: EntryView) -> tuple[str, ...]:
    entry = parse_entry(view.body)
    result = "done"
    if entry.decision is not None:
        result = "allowed" if entry.decision.allow else f"denied: {listed(entry.decision.policies)}"
    what = entry.name or entry.asset or "–"
    return (str(view.index), shown(entry.at), listed((entry.who, *entry.also)), entry.act, what, result)
