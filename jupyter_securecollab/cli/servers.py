"""`login` and `doctor`: from the side of who uses a vault, and of servers that should record what is executed."""

from __future__ import annotations

import argparse
import getpass
from contextlib import closing

from ..errors import Invalid
from ..runs import RecordingState
from .commands import Commands, command


def add_to(commands: Commands) -> None:
    """Add these commands."""
    command(
        commands,
        "doctor",
        _doctor,
        "whether your servers, and one you start now, record what is executed; what stands in the way",
    )
    command(commands, "login", _login, "use a vault from kernels no server started").add_argument("url")


def _login(arguments: argparse.Namespace) -> None:
    # The HTTP library takes as long to load as all the rest, and no other command needs it.
    from ..client import Client, save_login

    token = getpass.getpass("Personal token: ")
    with closing(Client(arguments.url, token)) as client:
        who = client.me()
        save_login(arguments.url, token, client.log_key)
    print(f"Signed in as {who.name}; you read up to {who.clearance}. The log's key is {who.log_key}.")


def _doctor(arguments: argparse.Namespace) -> None:
    # A server's own libraries take as long to load as all the rest, and no other command needs them.
    from ..client import saved_token
    from ..server.extension.doctor import configured_problems, own_word, running_servers

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
