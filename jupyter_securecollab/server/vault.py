"""The only place that builds adapters: a vault from its folder. Needs no Jupyter server."""

from __future__ import annotations

import getpass
import os
import sys
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jupyter_core.paths import jupyter_data_dir

from ..adapters.checkpoints import CheckpointFolder
from ..adapters.keyfile import KeyFile, secret_file
from ..adapters.objects import ObjectFolder
from ..adapters.sql import SqlStore
from ..core.collaboration import Collaboration, Settings, founded_as
from ..core.ports import UNWATCHED, Watch, WitnessLink
from ..cosigning import Quorum
from ..errors import Invalid, StoreBroken
from ..proofs import LogSigner


def now() -> datetime:
    """The wall clock in UTC, whole milliseconds."""
    at = datetime.now(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def vault_folder() -> Path:
    """Where an embedded vault lives unless configured otherwise."""
    return Path(jupyter_data_dir()) / "securecollab"


def operator() -> str:
    """The person a vault belongs to: the operating system's user it runs as."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a number without a name, as containers have them
        return f"uid{os.getuid()}"


def check_ours(folder: Path) -> None:
    """Raise `Invalid` for a folder of somebody else's: root would leave files in it that its owner cannot read."""
    if folder.exists() and folder.stat().st_uid != os.geteuid():
        try:
            owner = folder.owner()
        except KeyError:  # a number without a name
            owner = f"#{folder.stat().st_uid}"
        raise Invalid(
            f"the vault in {folder} belongs to another user, {owner}",
            next_step=f"Run this as that user, with the path of the program: sudo -u '{owner}' {sys.argv[0]} ...",
        )


class WitnessedBy(NamedTuple):
    """The witnesses of a log, each a public key and an address, and how many have to confirm it (0: more than half)."""

    witnesses: tuple[tuple[str, str], ...] = ()
    quorum: int = 0

    @property
    def keys(self) -> Quorum | None:
        """What clients need to know; None without witnesses. Raises `Invalid` or `LogBroken`."""
        return Quorum.of([key for key, _ in self.witnesses], self.quorum) if self.witnesses else None


NOBODY = WitnessedBy()


def witness_at(text: str) -> tuple[str, str]:
    """A witness as configuration has it, `KEY URL`. Raises `Invalid`."""
    key, _, url = text.strip().partition(" ")
    if not url.strip().startswith(("http://", "https://")):
        raise Invalid("a witness is written as its key and its address", next_step="KEY https://witness.example")
    return key, url.strip()


def open_vault(
    folder: Path,
    settings: Settings,
    *,
    copies: Path | None = None,
    witnessed: WitnessedBy = NOBODY,
    watch: Watch = UNWATCHED,
) -> Collaboration:
    """Open the vault kept in `folder`, making it on first use, from when on it keeps its name.

    Keys are made only where there are none and no log either: a missing key beside existing state, or an empty
    database beside existing keys, is `StoreBroken`, never a new beginning.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    store = SqlStore(_database(folder / "vault.sqlite"))
    try:
        door = _assembled(folder, store, settings, copies, witnessed, watch)
    except BaseException:
        store.close()
        raise
    try:
        door.found(operator())
        door.adopt_policy()
    except BaseException:
        door.close()
        raise
    return door


def _assembled(
    folder: Path,
    store: SqlStore,
    settings: Settings,
    copies: Path | None,
    witnessed: WitnessedBy,
    watch: Watch,
) -> Collaboration:
    keys = folder / "root.key", folder / "log.key"
    name = founded_as(store)
    fresh = name is None
    if fresh and all(key.exists() for key in keys):
        raise StoreBroken(
            "the vault's keys are here, but its database is empty",
            next_step="Restore the database from a backup. To begin a new vault, move the old one's files away.",
        )
    settings = msgspec.structs.replace(settings, name=name or settings.name)
    root_key, log_key = (secret_file(key, may_create=fresh) for key in keys)
    return Collaboration(
        store=store,
        signer=LogSigner(Ed25519PrivateKey.from_private_bytes(log_key), settings.name),
        objects=ObjectFolder(folder),
        key_service=KeyFile(root_key),
        settings=settings,
        policies={file.name: file.read_text("utf-8") for file in sorted((folder / "policies").glob("*.cedar"))},
        clock=now,
        copies=[] if copies is None else [CheckpointFolder(copies)],
        witnesses=_links(witnessed),
        quorum=witnessed.quorum,
        watch=watch,
    )


def _links(witnessed: WitnessedBy) -> list[WitnessLink]:
    if not witnessed.witnesses:
        return []
    # No command needs an HTTP library, and few vaults have witnesses.
    from ..adapters.witnesses import HttpWitness

    return [HttpWitness(key, url) for key, url in witnessed.witnesses]


def _database(file: Path) -> str:
    """The address of the database; the file is made first, so that nobody else can read it, nor what SQLite adds."""
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return f"sqlite:///{file}"
