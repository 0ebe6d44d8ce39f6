"""What a service counts, for Prometheus and for its log. Names of people or assets are in no metric."""

from __future__ import annotations

import logging

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from tornado import web

_log = logging.getLogger("jupyter_securecollab.requests")


class Metrics:
    """One service's counters."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        own = self._registry
        labels = ["route", "status"]
        self._requests = Histogram("securecollab_request_seconds", "Requests served.", labels, registry=own)
        self._refusals = Counter("securecollab_refusals", "Requests refused, by error code.", ["code"], registry=own)
        self._hub = Histogram("securecollab_hub_seconds", "Questions to the Hub.", ["answer"], registry=own)
        self._running = Gauge("securecollab_running_requests", "Requests being served.", registry=own)

    def request(self, handler: web.RequestHandler) -> None:
        """A request is done: one line in the log, one count. Paths hold names of assets, so the route stands for it."""
        route = getattr(handler, "route", None)
        name = type(handler).__name__ if route is None else f"{handler.request.method} {route.path}"
        status, seconds = handler.get_status(), handler.request.request_time()
        self._requests.labels(name, str(status)).observe(seconds)
        caller = getattr(handler, "caller", None)
        fields = {"route": name, "status": status, "ms": round(seconds * 1e3, 1), "who": caller and caller.name}
        level = logging.ERROR if status >= 500 and status != 503 else logging.INFO
        _log.log(level, "request", extra={"fields": fields})

    def refused(self, code: str) -> None:
        """An error was answered on purpose."""
        self._refusals.labels(code).inc()

    def hub(self, answer: str, seconds: float) -> None:
        """The Hub was asked something."""
        self._hub.labels(answer).observe(seconds)

    def text(self, running: int) -> bytes:
        """Everything, as Prometheus reads it."""
        self._running.set(running)
        return generate_latest(self._registry)
