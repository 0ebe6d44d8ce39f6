"""`jupyter securecollab ...`: accounts, groups, the log and housekeeping, for whoever runs the vault.

Works on the vault's own files as the operating system's user, through the same door as everybody: that user needs the
role for what he does. `audit verify` on a bundle and `audit prove --check` need no vault at all.
"""

from __future__ import annotations

import argparse
import getpass
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from . import __version__
from .bundles import LogReport, verify_bundle
from .core.collaboration import Collaboration, Settings
from .cosigning import Quorum
from .errors import Invalid, LogBroken, NotFound, SecureCollabError
from .kept_code import CODE_LIMIT, CodeKeeping, auditors_private_key, is_locked, make_auditors_key, read_code
from .lines import entry_line, printable, request_lines, run_header, run_line
from .model import ROLES, Caller, EntryView, Level
from .proofs import read_tlog_proof, verify_receipt, write_tlog_proof
from .runs import KeptAs, RecordingState, Run
from .server.extension.passwords import hash_password
from .server.vault import WitnessedBy, check_ours, open_vault, operator, vault_folder
from .times import since as looking_back
from .witness import Witness, make_witness, read_signer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

_TAIL = 20


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it worked, 1 with one clear line when it did not."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except SecureCollabError as error:
        print(f"{error}." if not str(error).endswith(".") else str(error), file=sys.stderr)
        if isinstance(error, LogBroken) and error.index is not None:
            print(f"First bad entry: {error.index}.", file=sys.stderr)
        if error.next_step:
            print(error.next_step, file=sys.stderr)
        return 1
    except (OSError, EOFError) as error:
        print(f"{error}.", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _door(arguments: argparse.Namespace, *, may_found: bool = False) -> Collaboration:
    folder = Path(arguments.folder)
    if not may_found and not (folder / "vault.sqlite").exists():
        raise NotFound(f"there is no vault in {folder}", next_step="Name its folder with --folder.")
    check_ours(folder)
    return open_vault(folder, Settings())


def _me() -> Caller:
    return Caller(operator(), "cli", "cli")


def _user_add(arguments: argparse.Namespace) -> None:
    hashed = hash_password(_new_password()) if arguments.password else ""
    with closing(_door(arguments, may_found=True)) as door:
        door.add_user(
            _me(),
            name=arguments.name,
            clearance=Level.parse(arguments.clearance),
            roles=tuple(arguments.role or ["member"]),
            kind="agent" if arguments.acts_for else "person",
            acts_for=arguments.acts_for,
            password_hash=hashed,
        )
        print(f"{arguments.name} may read up to {arguments.clearance}, as {', '.join(arguments.role or ['member'])}.")
        if not arguments.password:
            _print_token(door, arguments.name)
    print("A server that was started without accounts has to be restarted once.")


def _user_list(arguments: argparse.Namespace) -> None:
    with closing(_door(arguments)) as door:
        for who in door.people(_me()):
            print(f"{who.name:20} {who.clearance:13} {','.join(who.roles):24} {' '.join('@' + g for g in who.groups)}")


def _user_change(arguments: argparse.Namespace) -> None:
    clearance = None if arguments.clearance is None else Level.parse(arguments.clearance)
    with closing(_door(arguments)) as door:
        door.change_user(_me(), name=arguments.name, clearance=clearance, roles=arguments.role)
    print(f"{arguments.name} is changed.")


def _user_disable(arguments: argparse.Namespace) -> None:
    with closing(_door(arguments)) as door:
        door.disable_user(_me(), name=arguments.name)
    print(f"{arguments.name} is disabled; every session and token of theirs has ended.")


def _user_enable(arguments: argparse.Namespace) -> None:
    with closing(_door(arguments)) as door:
        door.enable_user(_me(), name=arguments.name)
    print(f"{arguments.name} is enabled again; now make a token or set a password.")


def _user_admit(arguments: argparse.Namespace) -> None:
    with closing(_door(arguments)) as door:
        door.admit_user(_me(), name=arguments.name)
    print(f"The Hub's next user named {arguments.name} is taken for this person.")


def _user_token(arguments: argparse.Namespace) -> None:
    with closing(_door(arguments)) as door:
        _print_token(door, arguments.name)


def _user_password(arguments: argparse.Namespace) -> None:
    hashed = hash_password(_new_password())
    with closing(_door(arguments)) as door:
        door.set_password(_me(), name=arguments.name, password_hash=hashed)
    print(f"{arguments.name} has a new password; every session of theirs has ended.")


def _group_add(arguments: argparse.Namespace) -> None:
    with closing(_door(arguments)) as door:
        for person in arguments.person:
            door.add_member(_me(), group=arguments.group.removeprefix("@"), person=person)
            print(f"{person} is in @{arguments.group.removeprefix('@')}.")


def _group_remove(arguments: argparse.Namespace) -> None:
    with closing(_door(arguments)) as door:
        for person in arguments.person:
            door.remove_member(_me(), group=arguments.group.removeprefix("@"), person=person)
            print(f"{person} is no longer in @{arguments.group.removeprefix('@')}.")


def _group_list(arguments: argparse.Namespace) -> None:
    members: dict[str, list[str]] = defaultdict(list)
    with closing(_door(arguments)) as door:
        for who in door.people(_me()):
            for group in who.groups:
                members[group].append(who.name)
    for group, people in sorted(members.items()):
        print(f"{'@' + group:20} {' '.join(sorted(people))}")


def _serve(arguments: argparse.Namespace) -> None:
    # No other command needs a web server.
    from .server.service.places import Serving
    from .server.service.process import serve

    copies = None if arguments.checkpoint_folder is None else Path(arguments.checkpoint_folder)
    names = tuple(arguments.allowed_host)
    where = arguments.host, arguments.port, names, arguments.metrics_port, arguments.public_url
    oidc = None if arguments.oidc is None else Path(arguments.oidc)
    witnessed = WitnessedBy(tuple((key, url) for key, url in arguments.witness), arguments.witness_quorum)
    keeping = CodeKeeping(arguments.record_code, arguments.auditors_key)
    serve(Serving(Path(arguments.folder), copies, arguments.vault_name, *where, oidc, witnessed, keeping))


def _witness_keygen(arguments: argparse.Namespace) -> None:
    key = make_witness(arguments.name, Path(arguments.key), Path(arguments.state))
    print(f"The private key is in {arguments.key}; {arguments.state} remembers what was confirmed: keep both.")
    print(f"Logs and clients need the public one:\n{key}")


def _witness_serve(arguments: argparse.Namespace) -> None:
    # No other command needs a web server.
    from .server.service.witness_service import serve_witness

    witness = Witness(read_signer(Path(arguments.key)), Path(arguments.state), arguments.log_key)
    serve_witness(witness, arguments.host, arguments.port)


def _gc(arguments: argparse.Namespace) -> None:
    with closing(_door(arguments)) as door:
        removed = door.collect(_me())
    print(f"Removed {removed.versions} unfinished versions and {removed.objects} objects nothing refers to.")


def _keys_rotate(arguments: argparse.Namespace) -> None:
    with closing(_door(arguments)) as door:
        done = door.rotate_keys(_me(), project=arguments.project)
    print(f"{arguments.project} has a new key; {done} keys were wrapped under it.")


def _request_list(arguments: argparse.Namespace) -> None:
    with closing(_door(arguments)) as door:
        for one in door.joins(_me()):
            print(request_lines(one))


def _request_decide(arguments: argparse.Namespace) -> None:
    with closing(_door(arguments)) as door:
        done = door.decide_join(_me(), id=arguments.id, allow=arguments.allow)
    print(printable(f"{done.person}: pseudonyms {done.name} on {done.level} columns are {done.state}."))


def _audit_tail(arguments: argparse.Namespace) -> None:
    with closing(_door(arguments)) as door:
        for entry in door.audit(_me(), limit=arguments.number):
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
    with closing(_door(arguments)) as door:
        if arguments.index is not None:
            print(printable(door.prove(_me(), index=arguments.index).entry.decode()))
            return
        since = None if arguments.since is None else looking_back(arguments.since, datetime.now(UTC))
        if arguments.executions:
            where = {"by": arguments.by, "notebook": arguments.notebook}
            found = door.executions(_me(), since=since, limit=arguments.number, **where)
            if not found:
                print("Nothing like that is on record.")
                return
            texts = {} if arguments.code is None else _texts(door, arguments.code, found)
            print(run_header())
            for run in found:
                print(run_line(run), *texts.get(run.start.run, ()), sep="\n")
            return
        about = {"name": arguments.name, "by": arguments.by}
        for entry in door.audit(_me(), since=since, limit=arguments.number, **about):
            print(entry_line(entry))


def _texts(door: Collaboration, keyfile: str, found: Sequence[Run]) -> dict[str, list[str]]:
    """The lines of the code of these runs, as far as it is kept, by run."""
    kept = door.execution_code(_me(), runs=[run.start.run for run in found])
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
    passphrase = _new_password() if arguments.passphrase else ""
    public = make_auditors_key(Path(arguments.file), passphrase)
    print(f"The private key is in {arguments.file}: the auditors keep it, apart from the server and its backups.")
    print(f"The server needs the public one, as auditors_key:\n{public}")


def _audit_forget(arguments: argparse.Namespace) -> None:
    before = looking_back(arguments.before, datetime.now(UTC))
    with closing(_door(arguments)) as door:
        gone = door.forget_executions(_me(), before=before, code_only=arguments.code_only)
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
        with closing(_door(arguments)) as door:
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
    with closing(_door(arguments)) as door:
        door.export(_me(), destination=Path(arguments.destination))
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
    with closing(_door(arguments)) as door:
        print(write_tlog_proof(door.prove(_me(), index=arguments.index)), end="")


def _login(arguments: argparse.Namespace) -> None:
    # The HTTP library takes as long to load as all the rest, and no other command needs it.
    from .client import Client, save_login

    token = getpass.getpass("Personal token: ")
    with closing(Client(arguments.url, token)) as client:
        who = client.me()
        save_login(arguments.url, token, client.log_key)
    print(f"Signed in as {who.name}; you read up to {who.clearance}. The log's key is {who.log_key}.")


def _doctor(arguments: argparse.Namespace) -> None:
    # A server's own libraries take as long to load as all the rest, and no other command needs them.
    from .client import saved_token
    from .server.extension.doctor import configured_problems, own_word, running_servers

    started = RecordingState("flag", configured_problems(), advisory=own_word())
    found, silent = _diagnosis("A server you start now", started), False
    for url, state in running_servers(saved_token):
        if state is None:
            silent = True
            print(f"The server at {url} tells only who has an account there.")
            print(f"  Sign in once with `jupyter securecollab login {url}`, or ask it with %vault in a notebook.")
        else:
            found |= _diagnosis(f"The server at {url}", state)
    if found:
        raise Invalid("executions are not, or not all, recorded", next_step="See docs/guide/what-is-recorded.md.")
    if silent:
        raise Invalid("not every server said whether it records")


def _diagnosis(what: str, state: RecordingState) -> bool:
    """Print what is known of a server; whether something is wrong with it."""
    print(what, "does not record all that is executed:" if state.why_not else "records what is executed.")
    for text in state.why_not:
        print(f"  {text}")
    if state.since is not None:
        waiting = f"{state.waiting} records wait, since {state.since:%Y-%m-%d %H:%M:%S} UTC"
        print(f"  Records are kept there until the vault takes them again: {waiting}.")
    if state.advisory:
        print("  The vault is a service, and that server its owner's: what it reports is advisory.")
    return bool(state.why_not)


def _print_token(door: Collaboration, name: str) -> None:
    print(f"Token of {name}, shown this once: {door.new_token(_me(), name=name)}")


def _new_password() -> str:
    first, second = getpass.getpass("New password: "), getpass.getpass("Again: ")
    if first != second:
        raise Invalid("the two passwords differ")
    if len(first) < 10:
        raise Invalid("a password has at least 10 characters")
    return first


def _count(text: str) -> int:
    """An argument that counts something."""
    number = int(text)
    if not 1 <= number <= 1000:
        raise argparse.ArgumentTypeError("a number from 1 to 1000")
    return number


Command = Callable[[argparse.Namespace], None]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "jupyter securecollab", description="Accounts, groups and the log of an embedded vault."
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--folder", default=str(vault_folder()), help="the vault's folder")
    commands = parser.add_subparsers(required=True, metavar="command")
    _user_commands(commands.add_parser("user", help="accounts").add_subparsers(required=True, metavar="what"))
    group = commands.add_parser("group", help="groups").add_subparsers(required=True, metavar="what")
    for name, run in (("add", _group_add), ("remove", _group_remove)):
        one = _command(group, name, run, f"{name} people")
        one.add_argument("group")
        one.add_argument("person", nargs="+")
    _command(group, "list", _group_list, "list groups and who is in them")
    _audit_commands(commands.add_parser("audit", help="the log").add_subparsers(required=True, metavar="what"))
    _command(
        commands,
        "doctor",
        _doctor,
        "whether your servers, and one you start now, record what is executed; what stands in the way",
    )
    _serve_command(
        _command(commands, "serve", _serve, "serve a vault from a process of its own, to JupyterHub or by itself")
    )
    _witness_commands(
        commands.add_parser("witness", help="confirm logs of vaults").add_subparsers(required=True, metavar="what")
    )
    _command(commands, "gc", _gc, "remove what interrupted uploads left")
    keys = commands.add_parser("keys", help="project keys").add_subparsers(required=True, metavar="what")
    _command(keys, "rotate", _keys_rotate, "give a project a new key").add_argument("project")
    request = commands.add_parser("request", help="what people asked for").add_subparsers(required=True, metavar="what")
    _command(request, "list", _request_list, "list requests for pseudonyms that join over a project")
    for name, allow, about in (("allow", True, "say yes to one"), ("refuse", False, "say no, or take a yes back")):
        one = _command(request, name, _request_decide, about)
        one.set_defaults(allow=allow)
        one.add_argument("id")
    _command(commands, "login", _login, "use a vault from kernels no server started").add_argument("url")
    return parser


_Subparsers = argparse._SubParsersAction  # what add_subparsers returns has no public name


def _command(
    commands: _Subparsers[argparse.ArgumentParser], name: str, run: Command, about: str
) -> argparse.ArgumentParser:
    made = commands.add_parser(name, help=about)
    made.set_defaults(run=run)
    return made


def _user_commands(user: _Subparsers[argparse.ArgumentParser]) -> None:
    add = _command(user, "add", _user_add, "create an account and print its token")
    add.add_argument("name")
    add.add_argument("--clearance", default="internal", help="the highest level read in the clear")
    add.add_argument("--role", action="append", choices=ROLES, help="member, steward, auditor or admin; repeatable")
    add.add_argument("--acts-for", metavar="PERSON", help="make it an agent that acts on behalf of this person")
    add.add_argument("--password", action="store_true", help="ask for a password instead of making a token")
    change = _command(user, "change", _user_change, "change clearance or roles")
    change.add_argument("name")
    change.add_argument("--clearance")
    change.add_argument("--role", action="append", choices=ROLES)
    _command(user, "list", _user_list, "list accounts")
    for name, run, about in (
        ("disable", _user_disable, "end an account at once"),
        ("enable", _user_enable, "let a disabled person in again"),
        ("admit", _user_admit, "take the Hub's next user of this name for this person"),
        ("token", _user_token, "make a new token; the old one and all sessions end"),
        ("password", _user_password, "set a password; all sessions end"),
    ):
        _command(user, name, run, about).add_argument("name")


def _serve_command(serve: argparse.ArgumentParser) -> None:
    serve.add_argument("--host", help="address to listen on; otherwise the Hub's for this service, or loopback")
    serve.add_argument("--port", type=int, help="likewise")
    serve.add_argument("--allowed-host", action="append", default=[], metavar="NAME", help="a name it is reached under")
    serve.add_argument("--public-url", metavar="URL", help="where browsers find it, at a host name of its own")
    serve.add_argument("--oidc", metavar="FILE", help="without a Hub: whom people sign in with, as YAML")
    serve.add_argument("--vault-name", default="vault", help="name of a new vault and of its log")
    serve.add_argument("--checkpoint-folder", metavar="DIR", help="receives a copy of every checkpoint")
    serve.add_argument(
        "--witness", action="append", nargs=2, default=[], metavar=("KEY", "URL"), help="confirms the log; repeatable"
    )
    serve.add_argument(
        "--witness-quorum", type=int, default=0, metavar="K", help="how many have to confirm; more than half"
    )
    serve.add_argument(
        "--record-code", choices=get_args(KeptAs), default="off", help="whether the text of code is kept, and how"
    )
    serve.add_argument("--auditors-key", default="", metavar="KEY", help="to whom it is sealed: see audit keygen")
    serve.add_argument("--metrics-port", type=int, metavar="PORT", help="serve Prometheus metrics there, on loopback")


def _witness_commands(witness: _Subparsers[argparse.ArgumentParser]) -> None:
    keygen = _command(witness, "keygen", _witness_keygen, "make the key of a witness that has seen nothing yet")
    keygen.add_argument("name", help="of the witness, such as witness.example/w1")
    serve = _command(witness, "serve", _witness_serve, "confirm what logs show, from a process of its own")
    for one in (keygen, serve):
        one.add_argument("--key", required=True, metavar="FILE", help="its private key")
        one.add_argument("--state", required=True, metavar="FILE", help="what it has confirmed")
    serve.add_argument("--log-key", required=True, action="append", metavar="KEY", help="a log it confirms; repeatable")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on; loopback unless given")
    serve.add_argument("--port", type=int, default=8770, help="8770 unless given")


def _audit_commands(audit: _Subparsers[argparse.ArgumentParser]) -> None:
    tail = _command(audit, "tail", _audit_tail, "the newest entries")
    tail.add_argument("-n", "--number", type=_count, default=_TAIL, metavar="N", help=f"so many; {_TAIL} unless given")
    show = _command(audit, "show", _audit_show, "entries about an asset or by a person, or one whole")
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
        "-n", "--number", type=_count, default=1000, metavar="N", help="at most so many, the newest; 1000 unless given"
    )
    verify = _command(audit, "verify", _audit_verify, "check a bundle offline, or the vault's own log")
    verify.add_argument("bundle", nargs="?", help="a bundle made by export; without it, the vault's database")
    verify.add_argument("--key", help="the log's public key, from somewhere else than the bundle")
    verify.add_argument("--state", action="store_true", help="replay the log and compare it with the state")
    verify.add_argument("--checkpoint", action="append", default=[], metavar="FILE", help="a checkpoint kept outside")
    verify.add_argument("--witness", action="append", default=[], metavar="KEY", help="a witness's public key")
    verify.add_argument(
        "--witness-quorum", type=int, default=0, metavar="K", help="how many have to have confirmed; more than half"
    )
    keygen = _command(audit, "keygen", _audit_keygen, "make the key pair of the auditors, to whom code is sealed")
    keygen.add_argument("file", help="where to write the private key")
    keygen.add_argument("--passphrase", action="store_true", help="ask for one to protect it with")
    forget = _command(audit, "forget", _audit_forget, "delete records of executions whose time is over")
    forget.add_argument("--before", required=True, metavar="TIME", help="an ISO time, or 8h, 30d, 2w ago")
    forget.add_argument("--code-only", action="store_true", help="keep the records, delete the code kept with them")
    export = _command(audit, "export", _audit_export, "save the log and the state it vouches for")
    export.add_argument("destination")
    prove = _command(audit, "prove", _audit_prove, "print the offline proof of an entry, or check one")
    prove.add_argument("index", type=int)
    prove.add_argument("--check", metavar="FILE", help="check this proof instead")
    prove.add_argument("--key", help="the log's public key, to check with")


if __name__ == "__main__":
    sys.exit(main())
