"""Starts kernels under the user of the person they belong to, from a server that is another user's.

The process begins with nothing of the server's: no capability, no group, no open file, a short list of variables. Its
connection file is its person's alone. Used by `recorder`; whatever a kernel's specification asks for is not.
"""

from __future__ import annotations

import os
import pwd
import re
import stat
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Dict, Int

from ...errors import Denied, Invalid

_SETPRIV, _ENV = "/usr/bin/setpriv", "/usr/bin/env"
_INHERITED = frozenset(("PATH", "LANG", "LC_ALL", "TZ", "JPY_SESSION_NAME"))
_OURS = "SECURECOLLAB_"
_NOBODY = (65534, 2**16 - 1, 2**32 - 1)
"""The user of what is nobody's, and -1, with which nothing would be given up."""

_KERNEL_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class OwnAccount(NamedTuple):
    """A user of the operating system."""

    uid: int
    gid: int
    home: str


class OwnUidFactory(KernelProvisionerFactory):
    """The one way in which kernels of a recorder are started."""

    accounts = Dict(
        help="Users of the operating system by people's names, as `uid:gid:home`; others are looked up by name."
    ).tag(config=True)
    lowest_uid = Int(1000, help="People's users have numbers from here on: no user of the system's is anybody's.").tag(
        config=True
    )

    def account(self, person: str) -> OwnAccount:
        """Under which user this person's kernels run. Raises `Denied` if there is none, or one that is not a person's.

        Raises `Invalid` where `accounts` cannot be understood.
        """
        found = self._configured(person) or _looked_up(person)
        if (
            found is None
            or not max(1, self.lowest_uid) <= found.uid < 2**32
            or not 1 <= found.gid < 2**32
            or found.uid in (*_NOBODY, os.geteuid())
            or found.gid in _NOBODY
        ):
            raise Denied("you have no user of your own on this machine", next_step="Tell the administrator.")
        return found

    def _configured(self, person: str) -> OwnAccount | None:
        if person not in self.accounts:
            return None
        try:
            uid, gid, home = str(self.accounts[person]).split(":", 2)
            return OwnAccount(int(uid), int(gid), home)
        except ValueError:
            raise Invalid(f"the account of {person} is not `uid:gid:home`") from None

    def create_provisioner_instance(self, kernel_id: str, kernel_spec: Any, parent: Any) -> LocalProvisioner:
        """Ours, whatever the specification says. Raises `Denied` for a kernel that would be nobody's."""
        if not _KERNEL_ID.fullmatch(kernel_id):  # clients may choose it, and it becomes part of a path
            raise Invalid("this is not the id of a kernel")
        if parent.owner is None:
            raise Denied("kernels here are somebody's")
        account = self.account(parent.owner)
        return OwnUid(kernel_id=kernel_id, kernel_spec=kernel_spec, parent=parent, account=account)


def _looked_up(person: str) -> OwnAccount | None:
    try:
        found = pwd.getpwnam(person)
    except KeyError:
        return None
    return OwnAccount(found.pw_uid, found.pw_gid, found.pw_dir)


class OwnUid(LocalProvisioner):
    """One kernel, under its person's user."""

    def __init__(self, *, account: OwnAccount, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._account = account

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """The command and its surroundings; its connection file is there, and the person's, when this returns."""
        kernel: Any = self.parent
        kernel.cleanup_connection_file()  # that of before a restart is its person's, who may have changed it
        prepared = await super().pre_launch(**kwargs)
        os.chown(kernel.connection_file, self._account.uid, self._account.gid, follow_symlinks=False)
        prepared["cmd"] = _as(self._account, prepared["cmd"])
        prepared["env"] = _environment(prepared["env"], self._account, kernel.owner, kernel.kernel_spec.env)
        # It may not write to what the server writes to.
        return prepared | {"cwd": "/", "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

    def resolve_path(self, path_str: str) -> str | None:
        """None: with this server's eyes nobody looks for files."""
        return None


def _as(account: OwnAccount, command: list[str]) -> list[str]:
    """Gives up everything, then enters the person's folder, which the server itself need not be able to.

    Capabilities would outlast a change from one user to another that is neither root. With no new privileges, programs
    that make their caller root (sudo, su) do not in a kernel.
    """
    privileges = ["--clear-groups", "--inh-caps=-all", "--ambient-caps=-all", "--no-new-privs"]
    user = [f"--reuid={account.uid}", f"--regid={account.gid}"]
    return [_SETPRIV, *user, *privileges, "--", _ENV, f"--chdir={account.home}", *command]


def _environment(
    offered: Mapping[str, str], account: OwnAccount, person: str, specified: Collection[str]
) -> dict[str, str]:
    """What the process begins with: it is read before anything is given up, so no loader's variable gets through."""
    kept = {
        name: value
        for name, value in offered.items()
        if name in _INHERITED or name.startswith(_OURS) or (name in specified and not name.startswith("LD_"))
    }
    own = {"HOME": account.home, "USER": person, "LOGNAME": person, "SHELL": "/bin/sh"}
    return kept | own


def writable_by_others(places: Collection[Path], trusted: Collection[int]) -> tuple[Path, ...]:
    """Those of these places that somebody else than these users may change, make, or put another in the place of."""

    def is_open(one: Path, *, within: bool) -> bool:
        if not one.exists():
            return False
        state = one.stat()
        kept = within and bool(state.st_mode & stat.S_ISVTX)  # what is in it is safe from whoever it is not
        return state.st_uid not in trusted or bool(state.st_mode & 0o022 and not kept)

    return tuple(
        place
        for place in places
        if any(
            is_open(one, within=one != way and (way.exists() or one != way.parent))
            for way in {place, place.resolve()}
            for one in (way, *way.parents)
        )
    )
