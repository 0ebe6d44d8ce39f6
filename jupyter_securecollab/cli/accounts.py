"""`user ...` and `group ...`: accounts and groups."""

from __future__ import annotations

import argparse
from collections import defaultdict
from contextlib import closing

from ..core.collaboration import Collaboration
from ..model import ROLES, Level
from ..server.extension.passwords import hash_password
from .commands import Commands, command, door_of, me, new_password, sorts_of


def add_to(commands: Commands) -> None:
    """Add these commands."""
    _user_commands(sorts_of(commands, "user", "accounts"))
    group = sorts_of(commands, "group", "groups")
    for name, run in (("add", _group_add), ("remove", _group_remove)):
        one = command(group, name, run, f"{name} people")
        one.add_argument("group")
        one.add_argument("person", nargs="+")
    command(group, "list", _group_list, "list groups and who is in them")


def _user_commands(user: Commands) -> None:
    add = command(user, "add", _user_add, "create an account and print its token")
    add.add_argument("name")
    add.add_argument("--clearance", default="internal", help="the highest level read in the clear")
    add.add_argument("--role", action="append", choices=ROLES, help="member, steward, auditor or admin; repeatable")
    add.add_argument("--acts-for", metavar="PERSON", help="make it an agent that acts on behalf of this person")
    add.add_argument("--password", action="store_true", help="ask for a password instead of making a token")
    change = command(user, "change", _user_change, "change clearance or roles")
    change.add_argument("name")
    change.add_argument("--clearance")
    change.add_argument("--role", action="append", choices=ROLES)
    command(user, "list", _user_list, "list accounts")
    for name, run, about in (
        ("disable", _user_disable, "end an account at once"),
        ("enable", _user_enable, "let a disabled person in again"),
        ("admit", _user_admit, "take the Hub's next user of this name for this person"),
        ("token", _user_token, "make a new token; the old one and all sessions end"),
        ("password", _user_password, "set a password; all sessions end"),
    ):
        command(user, name, run, about).add_argument("name")


def _user_add(arguments: argparse.Namespace) -> None:
    hashed = hash_password(new_password()) if arguments.password else ""
    with closing(door_of(arguments, may_found=True)) as door:
        door.add_user(
            me(),
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
    with closing(door_of(arguments)) as door:
        for who in door.people(me()):
            print(f"{who.name:20} {who.clearance:13} {','.join(who.roles):24} {' '.join('@' + g for g in who.groups)}")


def _user_change(arguments: argparse.Namespace) -> None:
    clearance = None if arguments.clearance is None else Level.parse(arguments.clearance)
    with closing(door_of(arguments)) as door:
        door.change_user(me(), name=arguments.name, clearance=clearance, roles=arguments.role)
    print(f"{arguments.name} is changed.")


def _user_disable(arguments: argparse.Namespace) -> None:
    with closing(door_of(arguments)) as door:
        door.disable_user(me(), name=arguments.name)
    print(f"{arguments.name} is disabled; every session and token of theirs has ended.")


def _user_enable(arguments: argparse.Namespace) -> None:
    with closing(door_of(arguments)) as door:
        door.enable_user(me(), name=arguments.name)
    print(f"{arguments.name} is enabled again; now make a token or set a password.")


def _user_admit(arguments: argparse.Namespace) -> None:
    with closing(door_of(arguments)) as door:
        door.admit_user(me(), name=arguments.name)
    print(f"The Hub's next user named {arguments.name} is taken for this person.")


def _user_token(arguments: argparse.Namespace) -> None:
    with closing(door_of(arguments)) as door:
        _print_token(door, arguments.name)


def _user_password(arguments: argparse.Namespace) -> None:
    hashed = hash_password(new_password())
    with closing(door_of(arguments)) as door:
        door.set_password(me(), name=arguments.name, password_hash=hashed)
    print(f"{arguments.name} has a new password; every session of theirs has ended.")


def _print_token(door: Collaboration, name: str) -> None:
    print(f"Token of {name}, shown this once: {door.new_token(me(), name=name)}")


def _group_add(arguments: argparse.Namespace) -> None:
    with closing(door_of(arguments)) as door:
        for person in arguments.person:
            door.add_member(me(), group=arguments.group.removeprefix("@"), person=person)
            print(f"{person} is in @{arguments.group.removeprefix('@')}.")


def _group_remove(arguments: argparse.Namespace) -> None:
    with closing(door_of(arguments)) as door:
        for person in arguments.person:
            door.remove_member(me(), group=arguments.group.removeprefix("@"), person=person)
            print(f"{person} is no longer in @{arguments.group.removeprefix('@')}.")


def _group_list(arguments: argparse.Namespace) -> None:
    members: dict[str, list[str]] = defaultdict(list)
    with closing(door_of(arguments)) as door:
        for who in door.people(me()):
            for group in who.groups:
                members[group].append(who.name)
    for group, people in sorted(members.items()):
        print(f"{'@' + group:20} {' '.join(sorted(people))}")
