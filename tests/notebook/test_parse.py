"""The line behind a magic is read as typed: quotes, flags, whole variables, and nothing evaluated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_securecollab.errors import Invalid
from jupyter_securecollab.notebook.parse import Flag, Parsed, Syntax, parse

SYNTAX = Syntax(
    "share",
    "Share something.",
    "X",
    (
        Flag("with", "many", "PERSON", "who"),
        Flag("because", "one", "TEXT", "why"),
        Flag("until", "one", "TIME", "how long"),
        Flag("mask", "many", "COLUMN=HOW", "how"),
        Flag("yes", "nothing", "", "accept"),
    ),
)


def read(line: str, **variables: object) -> Parsed:
    return parse(line, SYNTAX, variables)


def test_a_line_as_people_write_it() -> None:
    parsed = read("patients --with @analysts bob --until 30d --yes")
    assert parsed.subject == "patients"
    assert parsed.many("with") == ("@analysts", "bob")
    assert parsed.one("until") == "30d" and parsed.has("yes") and not parsed.has("because")


@pytest.mark.parametrize(
    "line",
    ['x --because="two words"', "x --because='two words'", 'x --because "two words"', 'x --because "two words" --yes'],
)
def test_quoted_words_stay_together_and_lose_their_quotes(line: str) -> None:
    assert read(line).one("because") == "two words"


def test_an_apostrophe_inside_a_word_is_not_a_quote() -> None:
    assert read("x --because it's").one("because") == "it's"


def test_a_quote_that_never_closes_is_refused() -> None:
    with pytest.raises(Invalid, match="never closed"):
        read('x --because "two words')


def test_column_and_word_are_split_at_the_last_equals_sign() -> None:
    parsed = read('x --mask ssn=partial "a=b"=null "first name=redact" city="drop"')
    assert parsed.pairs("mask") == {"ssn": "partial", "a=b": "null", "first name": "redact", "city": "drop"}


@pytest.mark.parametrize(
    ("pair", "lacks"), [("ssn", "its ="), ("=partial", "a column before its ="), ("ssn=", "a word behind its =")]
)
def test_half_a_pair_is_refused(pair: str, lacks: str) -> None:
    with pytest.raises(Invalid, match=f"lacks {lacks}"):
        read(f"x --mask {pair}").pairs("mask")


@pytest.mark.parametrize("flag", ["--bec", "--wit", "--y", "--untill"])
def test_flags_are_never_abbreviated_and_the_nearest_is_suggested(flag: str) -> None:
    with pytest.raises(Invalid, match=f"no flag {flag}") as caught:
        read(f"x {flag} bob")
    assert caught.value.next_step.startswith("Did you mean --") or "--help" in caught.value.next_step


def test_a_typo_names_the_flag_that_was_meant() -> None:
    with pytest.raises(Invalid) as caught:
        read("x --unitl 30d")
    assert caught.value.next_step == "Did you mean --until?"


@pytest.mark.parametrize("line", ["x --until", "x --until --yes", "x --with --yes"])
def test_a_flag_without_its_value_is_refused(line: str) -> None:
    with pytest.raises(Invalid, match="needs"):
        read(line)


@pytest.mark.parametrize("line", ["x y", "x --yes y", "x --until 30d y", "x --yes=no"])
def test_a_word_that_belongs_nowhere_is_refused(line: str) -> None:
    with pytest.raises(Invalid, match="one word too many"):
        read(line)


def test_the_same_single_flag_twice_is_refused_but_lists_add_up() -> None:
    with pytest.raises(Invalid, match="twice"):
        read("x --until 1d --until 2d")
    assert read("x --with a --with b c").many("with") == ("a", "b", "c")


def test_nothing_where_something_is_needed_is_refused_unless_help_is_asked_for() -> None:
    with pytest.raises(Invalid, match="%share needs X"):
        read("")
    assert read("--help").has("help")


def test_a_comment_ends_the_line_but_not_inside_quotes() -> None:
    assert read("x --yes # with bob --until 1d") == Parsed("x", {"yes": ()})
    assert read('x --because "bug #7"').one("because") == "bug #7"


def test_a_whole_word_in_braces_becomes_the_text_it_names() -> None:
    parsed = read("{name} --with {who} --because={why}", name="a/b", who="bob", why="x {y} $z")
    assert (parsed.subject, parsed.many("with"), parsed.one("because")) == ("a/b", ("bob",), "x {y} $z")


@pytest.mark.parametrize("text", ["a/{name}", "$name", "{name.upper()}", "{1+1}", '"{name}"', "{__import__('os')}"])
def test_nothing_else_in_braces_or_behind_a_dollar_is_touched(text: str) -> None:
    assert read(text, name="secret").subject == text.strip('"')


@pytest.mark.parametrize("value", [7, None, ["a"], b"a"])
def test_braces_around_anything_but_text_are_refused_without_showing_it(value: object) -> None:
    with pytest.raises(Invalid, match="holds text") as caught:
        read("{name}", name=value)
    assert repr(value) not in str(caught.value)


def test_an_undefined_variable_is_refused() -> None:
    with pytest.raises(Invalid, match=r"\{nmae\}"):
        read("{nmae}")


@given(st.text())
def test_any_line_is_understood_or_refused_and_nothing_else(line: str) -> None:
    try:
        read(line)
    except Invalid as refusal:
        assert refusal.next_step


def test_ten_megabytes_of_text_are_read_in_one_go() -> None:
    assert len(read(f"x --because '{'long ' * 2_000_000}'").one("because") or "") == 10_000_000


def test_help_names_every_flag_and_its_meaning() -> None:
    text = SYNTAX.help()
    assert all(f"--{flag.name}" in text and flag.meaning in text for flag in SYNTAX.flags)
