"""The only place that builds adapters: a vault from its folder. Needs no Jupyter server."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jupyter_core.paths import jupyter_data_dir

from ..adapters.checkpoints import CheckpointFolder
from ..adapters.keyfile import KeyFile, secret_file
from ..adapters.objects import ObjectFolder
from ..adapters.sql import SqlStore
from ..core.collaboration import Collaboration, Settings, holds_state
from ..proofs import LogSigner


def now() -> datetime:
    """The wall clock in UTC, whole milliseconds."""
    at = datetime.now(UTC)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def vault_folder() -> Path:
    """Where an embedded vault lives unless configured otherwise."""
    return Path(jupyter_data_dir()) / "securecollab"


def operator() -> str:
    """The person an embedded vault belongs to: the operating system's user."""
    return getpass.getuser()


def open_vault(folder: Path, settings: Settings, *, copies: Path | None = None) -> Collaboration:
    """Open the vault kept in `folder`, making it on first use.

    Keys are made only for a vault without a log: a missing key beside existing state is `StoreBroken`, never a new key.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    store = SqlStore(f"sqlite:///{folder / 'vault.sqlite'}")
    try:
        fresh = not holds_state(store)
        root_key = secret_file(folder / "root.key", may_create=fresh)
        log_key = secret_file(folder / "log.key", may_create=fresh)
        door = Collaboration(
            store=store,
            signer=LogSigner(Ed25519PrivateKey.from_private_bytes(log_key), settings.name),
            objects=ObjectFolder(folder),
            key_service=KeyFile(root_key),
            settings=settings,
            clock=now,
            copies=[] if copies is None else [CheckpointFolder(copies)],
        )
        door.found(operator())
    except BaseException:
        store.close()
        raise
    return door
