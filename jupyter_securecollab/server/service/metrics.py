"""What a service counts, for Prometheus and for its log. Names of people or assets are in no metric."""

from __future__ import annotations

import logging

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from tornado import web

from ...core.collaboration import Witnessed

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
        lag = "How far witnesses are behind the log."
        self._lag = Gauge("securecollab_witness_lag_entries", lag, registry=own)
        self._lag_seconds = Gauge("securecollab_witness_lag_seconds", lag, registry=own)
        labels = ["witness"]
        self._behind = Gauge("securecollab_witness_behind_entries", "How far each is behind.", labels, registry=own)
        self._failing = Gauge("securecollab_witness_failing", "1 if it does not confirm.", labels, registry=own)

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

    def text(self, running: int, witnessed: Witnessed | None) -> bytes:
        """Everything, as Prometheus reads it."""
        self._running.set(running)
        if witnessed is not None:
            self._lag.set(witnessed.size - witnessed.confirmed)
            self._lag_seconds.set(witnessed.behind_seconds)
            for name, size in witnessed.witnesses.items():
                self._behind.labels(name).set(witnessed.size - size)
                self._failing.labels(name).set(name in witnessed.problems)
        return generate_latest(self._registry)
