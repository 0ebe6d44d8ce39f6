"""What has to happen to a cell before Python sees it, so that the magics mean what they say.

`%%share` becomes its cell followed by `%share`: running the cell from inside a magic would break `await` and swallow
errors. A question mark at the end of one of our lines is text, not a call for help. Automagic never takes `mask & 3`
for one of ours. Lines are found by tokens, so text inside strings is never touched.
"""

from __future__ import annotations

import ast
import re
import tokenize
from itertools import pairwise
from typing import Any, cast

from IPython.core.inputtransformer2 import TokenTransformBase, TransformerManager, assemble_continued_line
from IPython.core.prefilter import PrefilterChecker
from IPython.core.splitinput import LineInfo

from .language import MAGICS

_CELL_SHARE = re.compile(r"%%share(?:[ \t]+(?P<line>.*?))?\s*")
_LINE = re.compile(rf"(?P<target>[^%?=]*=\s*)?%(?P<magic>{'|'.join(MAGICS)})[ \t]+(?P<line>[^\s?].*\?)\s*", re.DOTALL)


def share_cell(lines: list[str]) -> list[str]:
    """`%%share X ...` as its cell, followed by `%share X ...`; without X the name assigned last is shared."""
    match = _CELL_SHARE.fullmatch(lines[0]) if lines else None
    if match is None:
        return lines
    line, body = match["line"] or "", lines[1:]
    if not line or line.startswith("--"):
        line = f"{_last_name(''.join(body))} {line}".strip()
    end = [] if not body or body[-1].endswith("\n") else ["\n"]
    return ["\n", *body, *end, f"{_call('share', line)}\n"]  # the empty line keeps line numbers in tracebacks


# IPython leaves such transformers out when a terminal asks whether the cell is complete: it is not after `%%share`.
cast(Any, share_cell).has_side_effects = True


class AskingLine(TokenTransformBase):
    """`x = %open a/b?` or `%share x --because why?`: the line as it stands, not the help of its last word."""

    priority = 1  # before IPython's own help transformer at the same place

    def __init__(self, start: tuple[int, int], end_line: int) -> None:
        super().__init__(start)  # type: ignore[no-untyped-call]  # IPython has no types for it
        self._end_line = end_line

    @classmethod
    def find(cls, tokens_by_line: list[list[tokenize.TokenInfo]]) -> AskingLine | None:
        """The first line of the cell that ends in a question mark and holds one of our magics."""
        for tokens in tokens_by_line:
            found = [one for one in tokens if one.type not in (tokenize.INDENT, tokenize.DEDENT)]
            if len(found) > 3 and found[-2].string == "?" and _holds_magic(found):
                return cls(found[0].start, found[-2].start[0] - 1)
        return None

    def transform(self, lines: list[str]) -> list[str]:
        """The cell with this line as a call; `SyntaxError` leaves it to the other transformers."""
        text = assemble_continued_line(lines, (self.start_line, self.start_col), self._end_line)
        match = _LINE.fullmatch(text)
        if match is None:
            raise SyntaxError(text)
        indent = lines[self.start_line][: self.start_col]
        call = f"{indent}{match['target'] or ''}{_call(match['magic'], match['line'])}\n"
        return [*lines[: self.start_line], call, *lines[self._end_line + 1 :]]


class NoAutomagic(PrefilterChecker):
    """Our names without a percent sign are Python, also where IPython would guess otherwise."""

    priority = 650  # after assignments, before automagic (700)

    def check(self, line_info: LineInfo) -> Any:
        """The handler for plain Python if the line begins with one of our names, else no opinion."""
        ours = line_info.ifun.split(".", 1)[0] in MAGICS
        manager: Any = self.prefilter_manager
        return manager.get_handler_by_name("normal") if ours else None


def _holds_magic(tokens: list[tokenize.TokenInfo]) -> bool:
    return any(sign.string == "%" and name.string in MAGICS for sign, name in pairwise(tokens))


def _call(magic: str, line: str) -> str:
    return f"get_ipython().run_line_magic({magic!r}, {line!r})"


def _last_name(body: str) -> str:
    """The variable that the last statement assigns or consists of; empty when there is none."""
    try:
        transformers: Any = TransformerManager
        statements = ast.parse(transformers().transform_cell(body)).body
    except SyntaxError:
        return ""  # running the cell will say so
    last: Any = statements[-1] if statements else None
    target = {ast.Assign: lambda: last.targets[-1], ast.AnnAssign: lambda: last.target, ast.Expr: lambda: last.value}
    found = target[type(last)]() if type(last) in target else None
    return found.id if isinstance(found, ast.Name) else ""
