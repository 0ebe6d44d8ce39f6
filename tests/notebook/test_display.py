"""Whatever is shown is text: escaped in HTML, without control characters anywhere."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from jupyter_securecollab.errors import Denied, NotFound
from jupyter_securecollab.model import Level
from jupyter_securecollab.notebook.display import Chip, Folded, Report, Table, columns_listed, listed

HOSTILE = "<script>alert('1')</script><img src=x onerror=alert(1)>\x1b[2J\u202e\n"


class Tags(HTMLParser):
    """Collects the tags and attributes a browser would see."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.feed(document)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen |= {tag, *(name for name, _ in attrs)}


ALLOWED = {
    "div",
    "class",
    "p",
    "strong",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
    "style",
    "span",
    "details",
    "summary",
}


def everywhere(text: str) -> Report:
    table = Table((text,), ((text,), (Folded(text, text),)), text)
    return Report(text, ((text, text),), (table, Table((text,), ((text,),), text, folded=True)), text)


def test_hostile_text_stays_text_in_every_place() -> None:
    report = everywhere(HOSTILE)
    assert Tags(report._repr_html_()).seen <= ALLOWED
    assert html.escape("<script>alert('1')</script>") in report._repr_html_()
    assert "\x1b" not in repr(report) + report._repr_html_() and "\u202e" not in repr(report) + report._repr_html_()
    assert len(repr(report).splitlines()) == 8


@given(st.text())
def test_no_text_ever_becomes_markup(text: str) -> None:
    assert Tags(everywhere(text)._repr_html_()).seen <= ALLOWED


def test_long_texts_and_lists_are_cut() -> None:
    assert len(repr(Report("x" * 10_000_000))) < 5000
    assert listed(str(n) for n in range(20)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 8 more"
    assert columns_listed(f"c{n}" for n in range(39)).endswith("c37, c38")
    assert listed([]) == "–"


def test_columns_line_up_in_plain_text() -> None:
    report = Report("title", (("a", "1"), ("bcd", "2")), (Table(("name", "n"), (("x", "1"),)),), "go on")
    assert repr(report).splitlines() == ["title", "  a    1", "  bcd  2", "  name  n", "  x     1", "Next: go on"]


def test_levels_are_chips_and_more_is_folded_and_in_text_both_are_words() -> None:
    table = Table(
        ("level", "why"), ((Chip(Level.SECRET), Folded("short", "and long")), (Chip(Level.PUBLIC), Folded("x")))
    )
    report = Report("title", tables=(table, Table(("n",), (("1",),), "the rest", folded=True)))
    shown = report._repr_html_()
    assert ">secret</span>" in shown and "<summary>short</summary>and long</details>" in shown
    assert "<summary>x" not in shown and "<summary>the rest</summary><table>" in shown
    assert repr(report).splitlines() == [
        "title", "  level   why", "  secret  short; and long", "  public  x", "  the rest"
    ]  # fmt: skip


def test_chips_can_be_read_on_light_and_dark_pages() -> None:
    def brightness(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for level in Level:
        shown = Report("", tables=(Table(("",), ((Chip(level),),)),))._repr_html_()
        dark, light = re.search("color:(#[0-9a-f]{6});background:(#[0-9a-f]{6})", shown).groups()  # type: ignore[union-attr]
        assert (brightness(light) + 0.05) / (brightness(dark) + 0.05) >= 4.5  # WCAG 2.2, 1.4.3


def test_marked_cells_stand_out_and_others_do_not() -> None:
    table = Table(("a", "b"), (("1 → 2", "3"), ("4", "5 → 6")), marked=frozenset({(0, 0), (1, 1)}))
    cells = [cell for cell in Report("t", tables=(table,))._repr_html_().split("<td") if "→" in cell or "3" in cell]
    assert ["background" in cell for cell in cells] == [True, False, True]


def test_errors_are_a_line_and_a_next_step_without_control_characters() -> None:
    error = NotFound("there is no \x1b[31mperson\nhere", next_step="Look \u202eagain.")
    assert error._render_traceback_() == ["NotFound: there is no  [31mperson here", "Next: Look  again."]
    assert error._render_traceback_() == error._render_traceback_()
    assert Denied("no")._render_traceback_() == ["Denied: no"]
