"""`gc`, `keys ...` and `request ...`: what a vault asks of those who look after it."""

from __future__ import annotations

import argparse
from contextlib import closing

from ..lines import printable, request_lines
from .commands import Commands, command, door_of, me, sorts_of


def add_to(commands: Commands) -> None:
    """Add these commands."""
    command(commands, "gc", _gc, "remove what interrupted uploads left")
    keys = sorts_of(commands, "keys", "project keys")
    command(keys, "rotate", _keys_rotate, "give a project a new key").add_argument("project")
    request = sorts_of(commands, "request", "what people asked for")
    command(request, "list", _request_list, "list requests for pseudonyms that join over a project")
    for name, allow, about in (("allow", True, "say yes to one"), ("refuse", False, "say no, or take a yes back")):
        one = command(request, name, _request_decide, about)
        one.set_defaults(allow=allow)
        one.add_argument("id")


def _gc(arguments: argparse.Namespace) -> None:
    with closing(door_of(arguments)) as door:
        removed = door.collect(me())
    print(f"Removed {removed.versions} unfinished versions and {removed.objects} objects nothing refers to.")


def _keys_rotate(arguments: argparse.Namespace) -> None:
    with closing(door_of(arguments)) as door:
        done = door.rotate_keys(me(), project=arguments.project)
    print(f"{arguments.project} has a new key; {done} keys were wrapped under it.")


def _request_list(arguments: argparse.Namespace) -> None:
    with closing(door_of(arguments)) as door:
        for one in door.joins(me()):
            print(request_lines(one))


def _request_decide(arguments: argparse.Namespace) -> None:
    with closing(door_of(arguments)) as door:
        done = door.decide_join(me(), id=arguments.id, allow=arguments.allow)
    print(printable(f"{done.person}: pseudonyms {done.name} on {done.level} columns are {done.state}."))
