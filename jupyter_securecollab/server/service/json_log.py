"""A service's log: one JSON object a line on standard error. Who, which route, how it went; no body, no token."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime


class JsonLines(logging.Formatter):
    """Formats records; `extra={"fields": {...}}` adds fields of one's own."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, of ASCII: whatever is in a name turns nothing round on the terminal of who reads it."""
        said: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said, default=str, separators=(",", ":"))


def log_as_json() -> None:
    """Make it this process's log."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would name every request to the Hub
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)  # five lines that say nothing
