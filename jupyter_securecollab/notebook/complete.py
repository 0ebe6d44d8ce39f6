"""Tab completion for the lines of our magics: names, people, levels, flags, columns.

Everything comes from memory: a matcher that waits would freeze all completion. It sees the whole line, so it also
serves `x = %open on<Tab>`, where IPython's own magic completion gives up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from IPython.core.completer import CompletionContext, SimpleCompletion, SimpleMatcherResult, context_matcher

from ..frames import axes
from ..frames.tags import TAGS
from ..frames.techniques import DROP, TECHNIQUES
from ..model import Can, Level
from .language import MAGICS, MASKED_CELL
from .names import known
from .parse import Syntax

_LINE = re.compile(rf"(?:^|=)\s*%(?P<magic>%mask|%?share|{'|'.join(MAGICS)})\s(?P<rest>.*)$")
_SYNTAXES = {**MAGICS, MASKED_CELL.magic: MASKED_CELL, "%share": MAGICS["share"]}
_LEVELS = tuple(level.value for level in Level)
_SINCE = ("1h", "8h", "7d", "30d")
_TECHNIQUES = (*TECHNIQUES, DROP)


class Matcher:
    """Offers completions for the variables of one shell."""

    def __init__(self, variables: Mapping[str, Any]) -> None:
        self._variables = variables

    @context_matcher(identifier="securecollab")  # type: ignore[untyped-decorator]  # IPython has no types for it
    def complete(self, context: CompletionContext) -> SimpleMatcherResult:
        """What may stand at the cursor of one of our lines; nothing anywhere else."""
        match = _LINE.search(context.text_until_cursor)
        if match is None:
            return {"completions": []}
        words = match["rest"].split(" ")
        typed = words[-1]
        fragment = typed if typed.startswith("--") and "=" not in typed else re.split("[=,]", typed)[-1]
        offered = self._offered(_SYNTAXES[match["magic"]], words[:-1], typed)
        found = [SimpleCompletion(one) for one in map(_quoted, offered) if one.startswith(fragment)]
        return {"completions": found, "matched_fragment": fragment, "suppress": bool(found)}

    def _offered(self, syntax: Syntax, before: list[str], typed: str) -> Iterable[str]:
        flags = {f"--{flag.name}": flag for flag in syntax.flags}
        name, equals, _ = typed.partition("=")
        if name.startswith("--") and not equals:
            return (*flags, "--help")
        given = [word for word in (*before, name if equals else "") if word in flags]
        current = flags[given[-1]] if given else None
        values_given = before[::-1].index(given[-1]) if given and given[-1] in before else 0
        if current is not None and (current.takes == "many" or (current.takes == "one" and not values_given)):
            return self._values(syntax, current.name, before, typed)
        return () if any(before) or not syntax.subject else self._subjects(syntax)

    def _values(self, syntax: Syntax, flag: str, before: list[str], typed: str) -> Iterable[str]:
        if flag in ("with", "by"):
            return known.people
        if flag == "notebook":
            return known.notebooks
        if flag == "since":
            return _SINCE
        if flag in ("up-to", "level"):
            return _LEVELS
        if flag in ("set", "mask") and "=" in typed:
            return (*_LEVELS, *TAGS) if flag == "set" else _TECHNIQUES
        if flag in ("set", "mask", "forget", "column"):
            return self._columns(before) if syntax.subject else self._all_columns()
        return {"can": get_args(Can), "as": known.assets, "of": known.assets}.get(flag, ())

    def _subjects(self, syntax: Syntax) -> Iterable[str]:
        names = known.assets if "NAME" in syntax.subject else ()
        return (*names, *(self._frames() if "X" in syntax.subject else ()))

    def _all_columns(self) -> Iterable[str]:
        return dict.fromkeys(column for frame in self._frames().values() for column in _columns(frame))

    def _columns(self, before: list[str]) -> Iterable[str]:
        return _columns(self._variables.get(next((word for word in before if word), "")))

    def _frames(self) -> dict[str, Any]:
        """Frames by the names of their variables, also those that are not there yet."""
        named = ((name, value) for name, value in self._variables.items() if not name.startswith("_"))
        return {name: value for name, value in named if axes.is_frame(value) or axes.way_to_rows(value)}


def _columns(frame: Any) -> tuple[str, ...]:
    """Names of columns as far as they are known; a lazy polars frame may have to read files to know its own."""
    if axes.is_frame(frame):
        return axes.names(frame)
    if not axes.is_dask(frame):
        return ()
    from ..frames import dasks  # and with it what masks: not before it is needed

    return axes.names(dasks.sketch(frame))


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text else text
