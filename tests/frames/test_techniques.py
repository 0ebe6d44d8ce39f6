"""The table of techniques and how a choice is spelled: one place, both ways, clear refusals."""

from __future__ import annotations

import pytest

from jupyter_securecollab.errors import Invalid
from jupyter_securecollab.frames import kernels
from jupyter_securecollab.frames.techniques import TECHNIQUES, choose


@pytest.mark.parametrize(
    ("written", "data", "told"),
    [
        ("redact", {"how": "redact"}, "redact"),
        ("pseudonym", {"how": "pseudonym"}, "pseudonym"),
        ("pseudonym:patient", {"how": "pseudonym", "as": "patient"}, "pseudonym"),
        ("generalise:10", {"how": "generalise", "to": 10}, "generalise:10"),
        ("generalise:0.1", {"how": "generalise", "to": 0.1}, "generalise:0.1"),
        ("generalise:month", {"how": "generalise", "to": "month"}, "generalise:month"),
        ("clip:18:90", {"how": "clip", "low": 18, "high": 90}, "clip:18:90"),
        ("clip::90", {"how": "clip", "high": 90}, "clip::90"),
        ("clip:-5", {"how": "clip", "low": -5}, "clip:-5"),
        ("shift:30:Id", {"how": "shift", "days": 30, "by": "Id"}, "shift:30"),
        ("shift:30:a:b c", {"how": "shift", "days": 30, "by": "a:b c"}, "shift:30"),
        ("fpe:card", {"how": "fpe", "format": "card"}, "fpe:card"),
        ("noise:2.5", {"how": "noise", "scale": 2.5}, "noise:2.5"),
        ("scrub:pseudonyms", {"how": "scrub", "style": "pseudonyms"}, "scrub:pseudonyms"),
        ("scrub::names", {"how": "scrub", "recognizer": "names"}, "scrub::names"),
    ],
)
def test_text_and_data_say_the_same_and_print_as_they_are_written(
    written: str, data: dict[str, str | int | float], told: str
) -> None:
    assert choose(written) == choose(data) and str(choose(written)) == written
    assert choose(written).told == told  # what readers see names no column


@pytest.mark.parametrize(
    ("given", "says", "step"),
    [
        ("redcat", "'redcat' is not a way to mask", "Did you mean redact?"),
        ("", "'' is not a way to mask", "redact, null"),
        ({"as": "x"}, "'' is not a way to mask", "redact"),
        ("redact:5", "takes no option", "Write redact."),
        ("noise", "noise needs a standard deviation", "Write noise:SCALE."),
        ("shift:30", "shift needs the column", "Write shift:DAYS:BY."),
        ("noise:much", "'much' is not a number", "scale takes a number"),
        ("noise:nan", "'nan' is not a number", "scale takes a number"),
        ("noise:inf", "'inf' is not a number", "scale takes a number"),
        ("noise:1e999999999", "'1e999999999' is not a number", "scale takes a number"),
        ("pseudonym:" + "n" * 1001, "too long for an option", ""),
        ("generalise:decade", "'decade' is not a number", "year, quarter"),
        ("scrub:stars", "'stars' is not a style", "tags, pseudonyms"),
        ("fpe:letters", "'letters' is not a format", "alphanumeric"),
        ({"how": "clip", "lowest": 3}, "clip has no option 'lowest'", "clip[:LOW][:HIGH]"),
    ],
)
def test_what_cannot_be_understood_is_refused_with_what_there_is(given: object, says: str, step: str) -> None:
    with pytest.raises(Invalid) as caught:
        choose(given)  # type: ignore[arg-type]  # wrong on purpose
    assert says in str(caught.value) and step in caught.value.next_step


def test_every_technique_says_what_it_keeps_and_leaks_and_is_there() -> None:
    assert set(kernels.FUNCTIONS) == set(TECHNIQUES)
    for name, one in TECHNIQUES.items():
        assert one.name == name and one.does and one.keeps and one.leaks and one.fits


def test_long_options_are_cut_before_they_are_shown() -> None:
    with pytest.raises(Invalid) as caught:
        choose("noise:" + "9x" * 100_000)
    assert len(str(caught.value)) < 300
