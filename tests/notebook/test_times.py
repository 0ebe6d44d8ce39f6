"""Times as people type them, read in the kernel's zone and refused when they make no sense."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from jupyter_securecollab.errors import InvalidTime
from jupyter_securecollab.times import moment, shown, since, window

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30d", NOW + timedelta(days=30)),
        ("8h", NOW + timedelta(hours=8)),
        ("2w", NOW + timedelta(days=14)),
        ("2026-03-05T10:00Z", datetime(2026, 3, 5, 10, tzinfo=UTC)),
        ("2026-03-05T10:00+02:00", datetime(2026, 3, 5, 8, tzinfo=UTC)),
        ("2026-03-05T10:00", datetime(2026, 3, 5, 9, tzinfo=UTC)),
        ("2026-07-05 10:00", datetime(2026, 7, 5, 8, tzinfo=UTC)),
    ],
)
def test_times_are_read_with_their_zone_or_the_kernel_s(text: str, expected: datetime) -> None:
    assert moment(text, NOW) == expected


def test_a_bare_date_covers_the_whole_day() -> None:
    begins, ends = window("2026-03-05", "2026-03-05", NOW)
    assert begins == datetime(2026, 3, 4, 23, tzinfo=UTC) and ends == datetime(2026, 3, 5, 23, tzinfo=UTC)


def test_a_datetime_is_taken_as_it_is() -> None:
    assert moment(NOW + timedelta(hours=1), NOW) == NOW + timedelta(hours=1)
    assert moment(datetime(2026, 3, 1, 14), NOW) == datetime(2026, 3, 1, 13, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "30",
        "30m",
        "d",
        "-1d",
        "1e3d",
        "2026-13-01",
        "2026-02-30",
        "9999999d",
        "9999-12-31",
        "٣d",
        "1d" * 999,
    ],
)
def test_what_cannot_be_read_is_refused_with_the_ways_that_work(text: str) -> None:
    with pytest.raises(InvalidTime, match="cannot be read") as caught:
        moment(text, NOW, whole_day=True)
    assert "30d" in caught.value.next_step and len(str(caught.value)) < 200


@pytest.mark.parametrize("until", ["2020-01-01", "0d", "2026-03-01T12:00Z"])
def test_an_end_in_the_past_is_refused(until: str) -> None:
    with pytest.raises(InvalidTime, match="already over"):
        window(None, until, NOW)


@pytest.mark.parametrize(("start", "until"), [("3d", "2d"), ("2d", "2d"), ("2027-01-01", "30d")])
def test_an_end_before_the_beginning_is_refused(start: str, until: str) -> None:
    with pytest.raises(InvalidTime, match="before it begins"):
        window(start, until, NOW)


def test_no_times_mean_no_window() -> None:
    assert window(None, None, NOW) == (None, None)


def test_looking_back_counts_from_now_into_the_past() -> None:
    assert since("8h", NOW) == NOW - timedelta(hours=8)
    assert since("2026-02-01T00:00Z", NOW) == datetime(2026, 2, 1, tzinfo=UTC)


def test_times_are_shown_with_their_zone() -> None:
    assert shown(NOW) == "2026-03-01 13:00 CET"
    assert shown(NOW + timedelta(days=120)) == "2026-06-29 14:00 CEST"
