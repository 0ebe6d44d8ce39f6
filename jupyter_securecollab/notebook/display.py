"""What verbs show: a title, facts, tables, a next step; as text everywhere, as HTML where a front end renders it.

Everything shown was written by somebody, so every piece of it is cleaned and escaped here, in the one place that
makes HTML. Control characters, which could repaint a terminal or turn text around, become spaces.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..model import Level, clip

_LONGEST = 4000
_NAMES = 12
_COLUMNS = 40
_ONE_LINE = 40
_MARK = "background:rgba(255,160,0,0.22);box-shadow:inset 3px 0 rgb(230,140,0)"  # seen on light and dark pages alike

# Text that is written from right to left stays in its cell. Chips bring both of their colours, whatever the theme.
_CELL = "text-align:left;vertical-align:top;unicode-bidi:isolate"
_CHIP = "display:inline-block;padding:0 0.6em;border-radius:0.8em"
_COLOURS = {
    Level.PUBLIC: ("#124a1c", "#cfe8d2"),
    Level.INTERNAL: ("#143a5e", "#d3e4f5"),
    Level.CONFIDENTIAL: ("#5c3a00", "#ffe0a8"),
    Level.SECRET: ("#6e1010", "#f8c9c6"),
}


@dataclass(frozen=True)
class Chip:
    """A level, or a word that stands for one, as a coloured label; as text it is the word itself."""

    level: Level

    def __str__(self) -> str:
        return self.level.value


@dataclass(frozen=True)
class Folded:
    """A few words, and more of them on demand; as text it is all of them."""

    brief: str
    more: str = ""

    def __str__(self) -> str:
        return f"{self.brief}; {self.more}" if self.more else self.brief


Cell = str | Chip | Folded


@dataclass(frozen=True)
class Table:
    """Rows under a header. A folded table shows its caption first, and its rows on demand; in text only the caption.

    `marked` are cells that stand out, as row and column.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str = ""
    folded: bool = False
    marked: frozenset[tuple[int, int]] = frozenset()


@dataclass(frozen=True, repr=False)
class Report:
    """One thing to show."""

    title: str
    facts: tuple[tuple[str, str], ...] = ()
    tables: tuple[Table, ...] = ()
    next_step: str = ""

    def __repr__(self) -> str:
        lines = [_clean(self.title), *_aligned(self.facts, "  ")]
        for table in self.tables:
            lines += [f"  {_clean(table.caption)}"] if table.caption else []
            lines += [] if table.folded else _aligned((table.header, *table.rows), "  ")
        lines += [f"Next: {_clean(self.next_step)}"] if self.next_step else []
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        pieces = [f"<p><strong>{_escaped(self.title)}</strong></p>"]
        if self.facts:
            rows = (f"<tr><th style='text-align:left'>{_escaped(a)}</th>{_cell(b)}</tr>" for a, b in self.facts)
            pieces.append(f"<table>{''.join(rows)}</table>")
        pieces += map(_html_table, self.tables)
        pieces += [f"<p>Next: {_escaped(self.next_step)}</p>"] if self.next_step else []
        return f"<div class='jp-securecollab'>{''.join(pieces)}</div>"


@dataclass(frozen=True, repr=False)
class Shown:
    """Base of what verbs return: it displays as its report."""

    report: Report

    def __repr__(self) -> str:
        return repr(self.report)

    def _repr_html_(self) -> str:
        return self.report._repr_html_()


def listed(names: Iterable[str], most: int = _NAMES) -> str:
    """Names in one cell, the first few spelled out."""
    found = list(names)
    rest = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + rest if found else "–"


def columns_listed(names: Iterable[str]) -> str:
    """The same for columns of which somebody has to see what becomes of each: most frames have fewer than that."""
    return listed(names, _COLUMNS)


def counted(number: int, thing: str, things: str = "") -> str:
    """So many of something: `1 thing`, `2 things`."""
    return f"{number} {thing if number == 1 else things or thing + 's'}"


def _html_table(table: Table) -> str:
    # Not a <caption>: that is as wide as the table, and would be cut where a wide table is.
    caption = f"<p>{_escaped(table.caption)}</p>" if table.caption else ""
    head = "".join(f"<th style='text-align:left'>{_escaped(name)}</th>" for name in table.header)
    body = "".join(
        f"<tr>{''.join(_cell(cell, (line, place) in table.marked) for place, cell in enumerate(row))}</tr>"
        for line, row in enumerate(table.rows)
    )
    rows = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    if table.folded:
        return f"<details><summary>{_escaped(table.caption)}</summary>{rows}</details>"
    return caption + rows


def _cell(cell: Cell, marked: bool = False) -> str:
    wrap = "nowrap" if len(str(cell)) <= _ONE_LINE else "normal"
    mark = f";{_MARK}" if marked else ""
    return f"<td style='{_CELL};white-space:{wrap}{mark}'>{_content(cell)}</td>"


def _content(cell: Cell) -> str:
    if isinstance(cell, Chip):
        dark, light = _COLOURS[cell.level]
        return f"<span style='{_CHIP};color:{dark};background:{light}'>{_escaped(str(cell))}</span>"
    if isinstance(cell, Folded) and cell.more:
        return f"<details><summary>{_escaped(cell.brief)}</summary>{_escaped(cell.more)}</details>"
    return _escaped(str(cell))


def _escaped(text: str) -> str:
    return html.escape(_clean(text))


def _clean(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in clip(text, _LONGEST))


def _aligned(rows: Sequence[tuple[Cell, ...]], indent: str) -> list[str]:
    cleaned = [[_clean(str(cell)) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cleaned, strict=True)]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cleaned)
    return [indent + line.rstrip() for line in padded]
