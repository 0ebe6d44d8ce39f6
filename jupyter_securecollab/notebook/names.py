"""Names that Tab may offer. Filled in the background; reading it never waits for anything."""

from __future__ import annotations

import importlib
import threading
from contextlib import suppress
from dataclasses import dataclass

from ..errors import SecureCollabError


@dataclass
class KnownNames:
    """Assets, people (and `@groups`) and paths of notebooks this kernel has heard of."""

    assets: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    notebooks: tuple[str, ...] = ()


known = KnownNames()


def fetch_unless_known(_event: object) -> None:
    """Called before each cell: only while one runs can the vault tell who asks, so Tab itself cannot fetch."""
    if not known.people:
        threading.Thread(target=_fetch, name="securecollab-first-names", daemon=True).start()


def _fetch() -> None:
    # The session brings the client along, which takes longer to import than most cells to run.
    session = importlib.import_module(f"{__package__}.session").current()
    with suppress(SecureCollabError):  # no vault, or the cell was over first: the next one tries again
        session.refresh()
