"""What every command needs: the door, the words of the person at the terminal, its place among the others."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from ..core.collaboration import Collaboration, Settings
from ..errors import Invalid, NotFound
from ..model import Caller
from ..server.vault import check_ours, open_vault, operator

Command = Callable[[argparse.Namespace], None]
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # what add_subparsers returns


def door_of(arguments: argparse.Namespace, *, may_found: bool = False) -> Collaboration:
    """The vault in the folder named; `may_found`: or a new one. Raises `NotFound`."""
    folder = Path(arguments.folder)
    if not may_found and not (folder / "vault.sqlite").exists():
        raise NotFound(f"there is no vault in {folder}", next_step="Name its folder with --folder.")
    check_ours(folder)
    return open_vault(folder, Settings())


def me() -> Caller:
    """Whoever runs this command."""
    return Caller(operator(), "cli", "cli")


def new_password() -> str:
    """Asked for twice; raises `Invalid`."""
    first, second = getpass.getpass("New password: "), getpass.getpass("Again: ")
    if first != second:
        raise Invalid("the two passwords differ")
    if len(first) < 10:
        raise Invalid("a password has at least 10 characters")
    return first


def count(text: str) -> int:
    """An argument that counts something."""
    number = int(text)
    if not 1 <= number <= 1000:
        raise argparse.ArgumentTypeError("a number from 1 to 1000")
    return number


def command(commands: Commands, name: str, run: Command, about: str) -> argparse.ArgumentParser:
    """Add a command and what it runs."""
    made = commands.add_parser(name, help=about)
    made.set_defaults(run=run)
    return made


def sorts_of(commands: Commands, name: str, about: str) -> Commands:
    """Commands under a word of their own, such as `user add` and `user list`."""
    return commands.add_parser(name, help=about).add_subparsers(required=True, metavar="what")
