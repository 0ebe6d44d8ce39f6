"""One kernel's session: its connection to the vault, what it remembers of labels, and names for completion.

There is one session per kernel; it connects when the first verb needs it. The names for completion are fetched in the
background while a verb runs, never while somebody waits for Tab. Who somebody is, is asked anew by every verb: several
people may execute in one kernel.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from IPython.core.getipython import get_ipython

from ..client import Client, connect
from ..errors import Invalid, SecureCollabError, TooLarge
from ..maskkeys import derived
from ..model import Join, Level, asset_name, clip
from .labels import Memory
from .names import known

_FRESH = 60.0
"""Seconds for which names for completion are not fetched again: that would slow every verb down."""


class Session:
    """State of one kernel. `connecting` makes the client when it is first needed."""

    def __init__(self, connecting: Callable[[], Client]) -> None:
        self._connecting = connecting
        self._client: Client | None = None
        self._lock = threading.Lock()
        self._refreshing = threading.Lock()
        self._refreshed = float("-inf")
        self.memory = Memory()
        self.masked: dict[str, dict[str, str]] = {}
        """How columns of frames shared from here were masked the last time, by name of the asset."""
        self.label_key: bytes | None = None
        """The vault's key for fingerprints of columns, once it was needed."""
        self.mask_keys = {level: secrets.token_bytes(32) for level in Level}
        """Stand in for the vault's where nothing is shared; they end with the kernel."""

    @property
    def client(self) -> Client:
        """The vault. Raises `NotSignedIn` when this kernel has none."""
        with self._lock:
            if self._client is None:
                self._client = self._connecting()
            return self._client

    def asset(self, name: str) -> str:
        """A name as typed, `project/name` or `vault:project/name`, checked."""
        vault, colon, rest = name.partition(":")
        if not colon:
            return asset_name(name)
        if vault != (connected := self.client.me().vault):
            raise Invalid(
                f"this kernel is connected to the vault {connected}, not to {clip(vault)}",
                next_step="Leave the name of the vault out, or start a kernel for that vault.",
            )
        return asset_name(rest)

    def join_keys(self, joins: Iterable[Join]) -> dict[Join, bytes]:
        """What stands in for the vault's keys of pseudonyms that join over a project."""
        return {join: derived(self.mask_keys[join.level], "join", join.name) for join in joins}

    def learn(self, asset: str) -> None:
        """Offer this name from now on."""
        known.assets = tuple(dict.fromkeys((asset, *known.assets)))

    def refresh(self) -> None:
        """Fetch the names for completion in the background, at most every minute; a failed fetch changes nothing."""
        client = self.client
        stale = time.monotonic() - self._refreshed > _FRESH
        if stale and self._refreshing.acquire(blocking=False):
            threading.Thread(target=self._fetch, args=(client,), name="securecollab-names", daemon=True).start()

    def _fetch(self, client: Client) -> None:
        try:
            assets = [asset.name for asset in client.assets()]
            directory = client.directory()
            known.people = (*(f"@{group}" for group in directory.groups), *directory.people)
            known.assets = tuple(dict.fromkeys((*assets, *known.assets)))  # a verb may have learned one meanwhile
            self._refreshed = time.monotonic()
        except SecureCollabError:
            return  # completion is a convenience: the verbs say what is wrong
        finally:
            self._refreshing.release()


def fitting(text: str, kind: Any, what: str) -> str:
    """A text as long as its type in the vocabulary allows (`model.Name`, `model.Text`), else `TooLarge`."""
    try:
        msgspec.convert(text, kind)
    except msgspec.ValidationError:
        raise TooLarge(f"{what} of {len(text):,} characters is too long", next_step="Say it in fewer words.") from None
    return text


def executing() -> str | None:
    """The id of the message this kernel is executing, by which the server finds who executes; None elsewhere."""
    kernel = getattr(get_ipython(), "kernel", None)
    parent = kernel.get_parent("shell") if kernel is not None else {}
    header = parent.get("header", {})
    return str(header["msg_id"]) if "msg_id" in header else None


_session = Session(lambda: connect(parent=executing))


def current() -> Session:
    """This kernel's session."""
    return _session
