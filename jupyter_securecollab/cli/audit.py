"""`audit ...`: the log, and the record of what was executed."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ..bundles import LogReport, verify_bundle
from ..core.collaboration import Collaboration
from ..cosigning import Quorum
from ..errors import Invalid, LogBroken
from ..kept_code import CODE_LIMIT, auditors_private_key, is_locked, make_auditors_key, read_code
from ..lines import entry_line, printable, run_header, run_line
from ..model import EntryView
from ..proofs import read_tlog_proof, verify_receipt, write_tlog_proof
from ..runs import Run
from ..times import since as looking_back
from .commands import Commands, command, count, door_of, me, new_password, sorts_of

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

_TAIL = 20


def add_to(commands: Commands) -> None:
    """Add these commands."""
    audit = sorts_of(commands, "audit", "the log")
    tail = command(audit, "tail", _audit_tail, "the newest entries")
    tail.add_argument("-n", "--number", type=count, default=_TAIL, metavar="N", help=f"so many; {_TAIL} unless given")
    show = command(audit, "show", _audit_show, "entries about an asset or by a person, or one whole")
    show.add_argument("name", nargs="?", help="of something shared, project/name")
    show.add_argument("--by", metavar="PERSON", help="only what this person did")
    show.add_argument("--index", type=int, metavar="I", help="this one entry of the log, whole")
    show.add_argument("--executions", action="store_true", help="what was executed on the server, instead of entries")
    show.add_argument(
        "--notebook", metavar="PATH", help="with --executions: only in this notebook, by its path in the file browser"
    )
    show.add_argument(
        "--code",
        nargs="?",
        const="",
        metavar="KEYFILE",
        help="with --executions: also the code, where it is kept; sealed code needs the auditors' private key",
    )
    show.add_argument("--since", metavar="TIME", help="an ISO time, or 8h, 30d, 2w ago")
    show.add_argument(
        "-n", "--number", type=count, default=1000, metavar="N", help="at most so many, the newest; 1000 unless given"
    )
    verify = command(audit, "verify", _audit_verify, "check a bundle offline, or the vault's own log")
    verify.add_argument("bundle", nargs="?", help="a bundle made by export; without it, the vault's database")
    verify.add_argument("--key", help="the log's public key, from somewhere else than the bundle")
    verify.add_argument("--state", action="store_true", help="replay the log and compare it with the state")
    verify.add_argument("--checkpoint", action="append", default=[], metavar="FILE", help="a checkpoint kept outside")
    verify.add_argument("--witness", action="append", default=[], metavar="KEY", help="a witness's public key")
    verify.add_argument(
        "--witness-quorum", type=int, default=0, metavar="K", help="how many have to have confirmed; more than half"
    )
    keygen = command(audit, "keygen", _audit_keygen, "make the key pair of the auditors, to whom code is sealed")
    keygen.add_argument("file", help="where to write the private key")
    keygen.add_argument("--passphrase", action="store_true", help="ask for one to protect it with")
    forget = command(audit, "forget", _audit_forget, "delete records of executions whose time is over")
    forget.add_argument("--before", required=True, metavar="TIME", help="an ISO time, or 8h, 30d, 2w ago")
    forget.add_argument("--code-only", action="store_true", help="keep the records, delete the code kept with them")
    export = command(audit, "export", _audit_export, "save the log and the state it vouches for")
    export.add_argument("destination")
    prove = command(audit, "prove", _audit_prove, "print the offline proof of an entry, or check one")
    prove.add_argument("index", type=int)
    prove.add_argument("--check", metavar="FILE", help="check this proof instead")
    prove.add_argument("--key", help="the log's public key, to check with")


def _audit_tail(arguments: argparse.Namespace) -> None:
    with closing(door_of(arguments)) as door:
        for entry in door.audit(me(), limit=arguments.number):
            print(entry_line(entry))


def _audit_show(arguments: argparse.Namespace) -> None:
    if arguments.executions and (arguments.name is not None or arguments.index is not None):
        raise Invalid("executions are listed by themselves", next_step="audit show --executions --by PERSON --since 8h")
    if arguments.code is not None and not arguments.executions:
        raise Invalid("only executions have code", next_step="audit show --executions --code KEYFILE")
    if arguments.notebook is not None and not arguments.executions:
        raise Invalid(
            "entries of the log are not listed by notebook", next_step="audit show --executions --notebook PATH"
        )
    with closing(door_of(arguments)) as door:
        if arguments.index is not None:
            print(printable(door.prove(me(), index=arguments.index).entry.decode()))
            return
        since = None if arguments.since is None else looking_back(arguments.since, datetime.now(UTC))
        if arguments.executions:
            where = {"by": arguments.by, "notebook": arguments.notebook}
            found = door.executions(me(), since=since, limit=arguments.number, **where)
            if not found:
                print("Nothing like that is on record.")
                return
            texts = {} if arguments.code is None else _texts(door, arguments.code, found)
            print(run_header())
            for run in found:
                print(run_line(run), *texts.get(run.start.run, ()), sep="\n")
            return
        about = {"name": arguments.name, "by": arguments.by}
        for entry in door.audit(me(), since=since, limit=arguments.number, **about):
            print(entry_line(entry))


def _texts(door: Collaboration, keyfile: str, found: Sequence[Run]) -> dict[str, list[str]]:
    """The lines of the code of these runs, as far as it is kept, by run."""
    kept = door.execution_code(me(), runs=[run.start.run for run in found])
    key = _auditors_private_key(Path(keyfile)) if keyfile else None
    texts = {}
    for run, (record, kept_bytes) in kept.items():
        lines = [f"    {printable(line)}" for line in read_code(record, kept_bytes, key).splitlines()]
        more = (record.length or 0) - CODE_LIMIT
        texts[run] = [*lines, f"    ({more} more bytes are not kept)"] if more > 0 else lines
    return texts


def _auditors_private_key(file: Path) -> X25519PrivateKey:
    pem = file.read_bytes()
    return auditors_private_key(pem, getpass.getpass("Passphrase: ") if is_locked(pem) else "")


def _audit_keygen(arguments: argparse.Namespace) -> None:
    passphrase = new_password() if arguments.passphrase else ""
    public = make_auditors_key(Path(arguments.file), passphrase)
    print(f"The private key is in {arguments.file}: the auditors keep it, apart from the server and its backups.")
    print(f"The server needs the public one, as auditors_key:\n{public}")


def _audit_forget(arguments: argparse.Namespace) -> None:
    before = looking_back(arguments.before, datetime.now(UTC))
    with closing(door_of(arguments)) as door:
        gone = door.forget_executions(me(), before=before, code_only=arguments.code_only)
    print(f"Deleted {gone.records} records of executions and {gone.code} texts of code. Older backups still hold them.")


def _audit_verify(arguments: argparse.Namespace) -> None:
    trusted = [Path(file).read_text("utf-8") for file in arguments.checkpoint]
    witnesses = Quorum.of(arguments.witness, arguments.witness_quorum) if arguments.witness else None
    if arguments.bundle is not None:
        if arguments.key is None:
            raise Invalid("a bundle is verified with the log's public key", next_step="Give it with --key.")
        report = verify_bundle(
            Path(arguments.bundle), arguments.key, trusted=trusted, state=arguments.state, witnesses=witnesses
        )
    else:
        with closing(door_of(arguments)) as door:
            report = door.verify(state=arguments.state, trusted=trusted, witnesses=witnesses)
    print(_verdict(report, arguments))


def _verdict(report: LogReport, arguments: argparse.Namespace) -> str:
    text = f"The log verifies: {report.size} entries, {report.checkpoints} checkpoints."
    if arguments.state:
        text += f" The state is what the log says: {report.rows} rows."
    if report.witnessed is not None:
        of, needed = len(arguments.witness), report.witnessed.needed
        text += f"\n{len(report.witnessed.names)} of {of} witnesses confirm the first {report.witnessed.size} entries"
        text += f" ({', '.join(report.witnessed.names)}); {needed} have to."
    elif not arguments.checkpoint:
        text += "\nNo checkpoint from outside was given: a rewrite by whoever holds the log's key would not show."
    return text


def _audit_export(arguments: argparse.Namespace) -> None:
    with closing(door_of(arguments)) as door:
        door.export(me(), destination=Path(arguments.destination))
        print(f"Saved to {arguments.destination}. Verify it with the log's public key:\n{door.log_key}")


def _audit_prove(arguments: argparse.Namespace) -> None:
    if arguments.check is not None:
        if arguments.key is None:
            raise Invalid("a proof is checked with the log's public key", next_step="Give it with --key.")
        receipt = read_tlog_proof(Path(arguments.check).read_text("utf-8"))
        proven = verify_receipt(receipt, arguments.key)
        if proven.index != arguments.index:
            raise LogBroken(f"this proves entry {proven.index}, not entry {arguments.index}")
        print(f"Entry {proven.index} is in the log of {proven.checkpoint.size} entries:")
        print(entry_line(EntryView(proven.index, receipt.entry)))
        return
    with closing(door_of(arguments)) as door:
        print(write_tlog_proof(door.prove(me(), index=arguments.index)), end="")
