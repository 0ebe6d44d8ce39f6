"""The audit hooks that come with the package: acknowledge, hours, forward. Also examples of how one is written."""

from __future__ import annotations

import logging
import logging.handlers
import threading
import zoneinfo
from collections.abc import Callable, Mapping
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

import httpx

from ...runs import Record

if TYPE_CHECKING:
    from .hooks import Asked, Hook


class Acknowledge:
    """Nobody executes before having acknowledged a text, in a cell of its own, since the server started.

    Options: `text`, shown; `words`, what the cell has to say (default `# I agree`).
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._text = str(options["text"])
        self._words = str(options.get("words", "# I agree"))
        self._agreed: set[str | None] = set()

    def before(self, asked: Asked) -> str | None:
        """The text, until it has been agreed to."""
        if asked.code.strip() == self._words:
            self._agreed.add(asked.start.who)
        if asked.start.who in self._agreed:
            return None
        return f"{self._text} Run a cell that says: {self._words}"

    def after(self, ended: Record) -> None:
        """Nothing."""


class Hours:
    """A group executes only at certain hours.

    Options: `group`; `start` and `end` as `08:00`, an end before the start being on the next day; `days`, 0 for Monday
    to 6 (default: all), by the calendar; `zone`, default UTC.
    """

    def __init__(self, options: Mapping[str, Any], now: Callable[[zoneinfo.ZoneInfo], datetime] = datetime.now) -> None:
        self._group = str(options["group"]).removeprefix("@")
        self._start, self._end = (time.fromisoformat(options[name]) for name in ("start", "end"))
        self._days = frozenset(options.get("days", range(7)))
        self._zone = zoneinfo.ZoneInfo(options.get("zone", "UTC"))
        self._now = now

    def before(self, asked: Asked) -> str | None:
        """A refusal for the group outside the hours."""
        if self._group not in asked.groups:
            return None
        now = self._now(self._zone)
        at = now.time()
        within = self._start <= at < self._end if self._start <= self._end else not self._end <= at < self._start
        if within and now.weekday() in self._days:
            return None
        return f"@{self._group} executes from {self._start:%H:%M} to {self._end:%H:%M} ({self._zone.key}) only"

    def after(self, ended: Record) -> None:
        """Nothing."""


class Forward:
    """Sends the record of everything that ended elsewhere, as the JSON that is also hashed.

    Options: `syslog`, an address as `/dev/log` or `host:514`; or `otlp`, the base address of an OpenTelemetry collector
    that takes OTLP/HTTP with JSON.
    """

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._logger: logging.Logger | None = None
        self._otlp = str(options["otlp"]).rstrip("/") if "otlp" in options else ""
        self._one = threading.Lock()
        if not self._otlp:
            host, colon, port = str(options["syslog"]).partition(":")
            address = (host, int(port)) if colon else host
            self._logger = logging.Logger("jupyter_securecollab.executions", logging.INFO)
            self._logger.addHandler(logging.handlers.SysLogHandler(address))

    def before(self, asked: Asked) -> str | None:
        """Never minds."""
        return None

    def after(self, ended: Record) -> None:
        """Send it; an error of the collector's is raised, and so put on record."""
        if self._logger is not None:
            self._logger.info("jupyter_securecollab %s", ended.body())
            return
        with self._one:
            httpx.post(f"{self._otlp}/v1/logs", json=_otlp(ended), timeout=5, trust_env=False).raise_for_status()


def _otlp(ended: Record) -> dict[str, Any]:
    named = {"enduser.id": ended.who, "jupyter.kernel": ended.kernel, "jupyter.status": ended.status}
    record = {
        "timeUnixNano": str(int(ended.at.timestamp() * 1000) * 1_000_000),
        "severityNumber": 9,
        "eventName": f"jupyter.{ended.act}",
        "body": {"stringValue": ended.body()},
        "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in named.items() if value],
    }
    return {"resourceLogs": [{"scopeLogs": [{"scope": {"name": "jupyter_securecollab"}, "logRecords": [record]}]}]}


SHIPPED: dict[str, Callable[[Mapping[str, Any]], Hook]] = {
    "acknowledge": Acknowledge,
    "hours": Hours,
    "forward": Forward,
}
