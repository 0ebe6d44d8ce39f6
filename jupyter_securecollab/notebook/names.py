"""Names that Tab may offer. Filled in the background; reading it never waits for anything."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class KnownNames:
    """Assets and people (and `@groups`) this kernel has heard of."""

    assets: tuple[str, ...] = ()
    people: tuple[str, ...] = ()


known = KnownNames()
