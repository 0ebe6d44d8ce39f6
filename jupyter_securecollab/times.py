"""Reads the times people type: ISO dates and times, or durations such as `8h`, `30d` and `2w`.

A time without a zone is meant where the kernel runs; a date without a time covers that whole day. Everything is
handed on in UTC and shown with its zone.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from .errors import InvalidTime
from .model import clip

_DURATION = re.compile(r"([0-9]{1,6})([hdw])")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def window(
    start: str | datetime | None, until: str | datetime | None, now: datetime
) -> tuple[datetime | None, datetime | None]:
    """From when and until when; raises `InvalidTime` unless the end lies in the future and after the beginning."""
    begins = None if start is None else moment(start, now)
    ends = None if until is None else moment(until, now, whole_day=True)
    if ends is not None and ends <= now:
        raise InvalidTime(f"{shown(ends)} is already over")
    if begins is not None and ends is not None and begins >= ends:
        raise InvalidTime(f"it would end ({shown(ends)}) before it begins ({shown(begins)})")
    return begins, ends


def since(text: str | datetime, now: datetime) -> datetime:
    """A time looking back: `8h` is eight hours ago."""
    duration = _duration(text)
    return now - duration if duration is not None else moment(text, now)


def moment(given: str | datetime, now: datetime, *, whole_day: bool = False) -> datetime:
    """One point in time; a duration counts from now. With `whole_day` a bare date means the end of that day."""
    try:
        duration = _duration(given)
        if duration is not None:
            return now + duration
        local = given if isinstance(given, datetime) else _iso(given, whole_day)
        found = local.astimezone(UTC)
        found.astimezone()  # at the edge of the calendar, showing it could fail where reading it did not
    except (ValueError, OverflowError, OSError):  # OSError: times the platform's zone database cannot place
        raise InvalidTime(f"{clip(str(given))!r} cannot be read as a time") from None
    return found.replace(microsecond=found.microsecond // 1000 * 1000)


def shown(when: datetime, *, seconds: bool = False) -> str:
    """A time for people, in the kernel's zone, named."""
    local = when.astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()}" if seconds else f"{local:%Y-%m-%d %H:%M} {local.tzname()}"


def _duration(given: str | datetime) -> timedelta | None:
    match = _DURATION.fullmatch(given.strip()) if isinstance(given, str) else None
    if match is None:
        return None
    count = int(match[1])
    return count * {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}[match[2]]


def _iso(text: str, whole_day: bool) -> datetime:
    if _DATE.fullmatch(text):
        day = date.fromisoformat(text) + timedelta(days=1 if whole_day else 0)
        return datetime(day.year, day.month, day.day)
    return datetime.fromisoformat(text)
