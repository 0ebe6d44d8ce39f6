"""Says which columns are of one sort without telling what they are called: a keyed hash of name, kind and shape.

No value goes in, only what most values look like, so next month's column has the fingerprint of this month's. Whoever
lacks the key learns nothing from one; whoever has it can try names.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from . import axes, sampling
from .keyed import MaskKey
from .names import plain, words_of
from .sampled import LETTER, strata

_ROWS = 200
_LONGEST = 300
_SIZE = 16


def fingerprints(frame: Any, key: MaskKey, among: Iterable[str] | None = None) -> dict[str, str]:
    """The fingerprint of each column and index level, or of those `among` them; 32 hexadecimal digits.

    Names that stand there twice have none: nobody could say which of them is meant.
    """
    often = Counter(axes.names(frame))
    wanted = set(often if among is None else among)
    rows = strata(axes.length(frame), _ROWS)
    return {
        name: key.derive("fingerprint", _normal(name), *_shapes(name, values, rows), size=_SIZE).hex()
        for name, values in axes.columns(frame)
        if name in wanted and often[name] == 1
    }


def _normal(name: str) -> str:
    """`custEMail_2`, `CUST_E_MAIL 2` and `cust.e.mail.2` are one name."""
    return " ".join(words_of(name)) or plain(name)[:_LONGEST].casefold()


def _shapes(name: str, values: Any, rows: Any) -> Iterator[str]:
    """What each leaf of a column holds, and of text what most of its values are made of."""
    for leaf in sampling.sample(name, values, rows):
        yield leaf.name.removeprefix(name)
        yield leaf.kind
        if leaf.kind == "text":
            yield from (what for what, pattern in _MADE_OF.items() if leaf.share(leaf.matching(pattern)) > 0.5)


_MADE_OF = {"letters": LETTER, "digits": "[0-9]", "blanks": " ", "at": "@"}
