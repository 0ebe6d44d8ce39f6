"""Turns `%%mask ...` and its cell into the cell inside a `with` statement. No values are looked at here.

In the text, the first line becomes a call that raises; in the syntax tree that call and what follows become
`with running.MaskedCell(line): ...`. Where the tree was not rewritten, for whatever reason, the cell raises and does
not run. Statements keep their lines, so tracebacks and top-level `await` work as in any other cell.
"""

from __future__ import annotations

import ast
import re
from typing import Any, cast

from ...errors import Invalid

SHOW, READER, OPEN = "__masked_show__", "__masked_reader__", "__masked_open__"
"""Names that stand in a rewritten cell for what `running` does there."""

READS = re.compile(r"read_[a-z]\w*")
"""Functions of this name read data: what they return is masked as it arrives."""

_CELL = re.compile(r"%%mask(?:[ \t]+(?P<line>.*?))?\s*")
_RUNNING = "jupyter_securecollab.notebook.masked.running"


def mask_cell(lines: list[str]) -> list[str]:
    """`%%mask ...` as a call on the same line, followed by the cell."""
    match = _CELL.fullmatch(lines[0]) if lines else None
    if match is None:
        return lines
    return [f"get_ipython().run_cell_magic('mask', {match['line'] or ''!r}, ' ')\n", *lines[1:]]


# IPython leaves such transformers out when a terminal asks whether the cell is complete: it is not after `%%mask`.
cast(Any, mask_cell).has_side_effects = True


def not_rewritten(line: str, cell: str | None = None) -> None:
    """What the first line of a masked cell does unless the cell was rewritten: it refuses to run."""
    raise Invalid(
        "this cell could not be masked, and was not run", next_step="Write %%mask as the first line of a cell."
    )


class MaskedCells(ast.NodeTransformer):
    """A transformer for `shell.ast_transformers`: rewrites masked cells, leaves all others alone.

    `interactivity` gives which expressions a cell shows, as in `InteractiveShell.ast_node_interactivity`.
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def visit(self, node: ast.AST) -> ast.AST:
        """The module of a masked cell, rewritten."""
        line = _line(node.body[0]) if isinstance(node, ast.Module) and node.body else None
        if line is None or not isinstance(node, ast.Module):
            return node
        helps = "--help" in line.split()  # shown instead of running the cell
        body = [] if helps else [_Sources().visit(one) for one in node.body[1:]]
        _show(body, self._shell.ast_node_interactivity)
        entered = ast.parse(f"with __import__({_RUNNING!r}, fromlist=['']).MaskedCell({line!r}): pass").body[0]
        cast(ast.With, entered).body = body or [ast.Pass()]
        return ast.fix_missing_locations(ast.Module([entered], node.type_ignores))


class _Sources(ast.NodeTransformer):
    """Puts a call around whatever reads data, and a function in the place of `%open`."""

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:  # the name ast looks for
        self.generic_visit(node)
        return _call(READER, node) if READS.fullmatch(node.attr) and isinstance(node.ctx, ast.Load) else node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return _call(READER, node) if READS.fullmatch(node.id) and isinstance(node.ctx, ast.Load) else node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        magic = _magic(node)
        if magic is not None and magic[0] == ("run_line_magic", "open"):
            return _call(OPEN, magic[1])
        self.generic_visit(node)
        return node


def _show(body: list[ast.stmt], interactivity: str) -> None:
    """Expressions whose value the cell would show become calls that show them."""
    shown = {"all": range(len(body)), "none": range(0)}.get(interactivity, range(len(body))[-1:])
    for number in shown:
        statement = body[number]
        if isinstance(statement, ast.Expr):
            statement.value = _call(SHOW, statement.value)


def _call(name: str, argument: ast.expr) -> ast.expr:
    function = ast.copy_location(ast.Name(name, ast.Load()), argument)
    return ast.copy_location(ast.Call(function, [argument], []), argument)


def _line(statement: ast.stmt) -> str | None:
    """The line behind `%%mask` if this is what `mask_cell` writes."""
    magic = _magic(statement.value) if isinstance(statement, ast.Expr) else None
    if magic is None or magic[0] != ("run_cell_magic", "mask") or not isinstance(magic[1], ast.Constant):
        return None
    return str(magic[1].value)


def _magic(node: ast.expr) -> tuple[tuple[str, str], ast.expr] | None:
    """Of `get_ipython().run_..._magic(name, line)`: how it runs, the name, and the line."""
    match node:
        case ast.Call(
            ast.Attribute(ast.Call(ast.Name("get_ipython"), [], []), how), [ast.Constant(str(name)), line, *_]
        ):
            return (how, name), line
    return None
