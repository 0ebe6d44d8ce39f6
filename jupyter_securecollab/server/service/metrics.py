"""What a service counts, for Prometheus and for its log. Names of people or assets are in no metric."""

from __future__ import annotations

import logging
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from tornado import web

from ...core.collaboration import Witnessed
from ..handlers import THREADS

_log = logging.getLogger("jupyter_securecollab.requests")


class Loaded(NamedTuple):
    """How busy a service is: requests it serves, calls of the door that run or wait, operations before the log."""

    requests: int
    calls: int
    operations: int


class Metrics:
    """One service's counters. A `Watch` of its vault."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        own = self._registry
        labels = ["route", "status"]
        self._requests = Histogram("securecollab_request_seconds", "Requests served.", labels, registry=own)
        self._refusals = Counter("securecollab_refusals", "Requests refused, by error code.", ["code"], registry=own)
        self._hub = Histogram("securecollab_hub_seconds", "Questions to the Hub.", ["answer"], registry=own)
        labels = ["action", "outcome"]
        self._decisions = Counter("securecollab_decisions", "Decisions of policy.", labels, registry=own)
        about = "From an operation's beginning until what it recorded is durable."
        self._appended = Histogram("securecollab_append_seconds", about, registry=own)
        about = "Operations that wait for their turn to write."
        self._queue = Gauge("securecollab_queue_operations", about, registry=own)
        about = "Calls of the vault that run on a thread or wait for one."
        self._calls = Gauge("securecollab_pool_calls", about, registry=own)
        Gauge("securecollab_pool_threads", "Threads for calls of the vault.", registry=own).set(THREADS)
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
        # What a stranger makes up, such as a method, names nothing here: each name would stay in memory.
        name = type(handler).__name__
        if route is not None and handler.request.method == route.method:
            name = f"{route.method} {route.path}"
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

    def decided(self, action: str, allow: bool) -> None:
        """Policy was asked about an action."""
        self._decisions.labels(action, "allow" if allow else "deny").inc()

    def appended(self, seconds: float) -> None:
        """What an operation recorded is durable, so long after it was asked for."""
        self._appended.observe(seconds)

    def text(self, now: Loaded, witnessed: Witnessed | None) -> bytes:
        """Everything, as Prometheus reads it."""
        self._running.set(now.requests)
        self._calls.set(now.calls)
        self._queue.set(now.operations)
        if witnessed is not None:
            self._lag.set(witnessed.size - witnessed.confirmed)
            self._lag_seconds.set(witnessed.behind_seconds)
            for name, size in witnessed.witnesses.items():
                self._behind.labels(name).set(witnessed.size - size)
                self._failing.labels(name).set(name in witnessed.problems)
        return generate_latest(self._registry)
