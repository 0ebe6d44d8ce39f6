"""What Prometheus is told of a service, while people use it, while it is held up, and while a witness is away."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from hubs import RealHub, answers, until
from own_witness import OwnWitness
from prometheus_client.parser import text_string_to_metric_families
from serving import share

from jupyter_securecollab.client import Client
from jupyter_securecollab.errors import Denied, Unavailable
from jupyter_securecollab.model import Level, Opened

pytestmark = pytest.mark.timeout(60)
NAME = "metrics/patients"


def told(apart: RealHub, name: str, **labels: str) -> float:
    """The sum of all values of this name with these labels."""
    text = httpx.get(f"http://127.0.0.1:{apart.metrics}/metrics", timeout=60, trust_env=False).text
    samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
    found = [one.value for one in samples if one.name == name and labels.items() <= one.labels.items()]
    assert found or labels, name
    return sum(found)


@pytest.fixture(scope="module")
def token(apart: RealHub) -> Iterator[str]:
    """Alice's, at a service that tells numbers."""
    apart.stop_service()
    apart.start_service("--metrics-port", str(apart.metrics))
    token = apart.token("alice")
    with apart.client(token) as alice:
        alice.me()
    apart.cli("user", "change", "alice", "--clearance", "secret")
    yield token
    apart.stop_service()
    apart.start_service()


def test_numbers_are_told_where_the_administrator_said_and_nowhere_else(apart: RealHub, token: str) -> None:
    def reached(host: str) -> bool:
        return answers(f"http://{host}:{apart.metrics}/metrics")

    assert reached("127.0.0.1") and not reached("127.0.0.2")
    assert not answers(f"http://127.0.0.1:{apart.metrics}/services/securecollab/healthz")
    assert not answers(f"{apart.url}/metrics")
    apart.stop_service()
    apart.start_service("--metrics-port", str(apart.metrics), "--metrics-host", "127.0.0.2")
    try:
        assert reached("127.0.0.2") and not reached("127.0.0.1")
    finally:
        apart.stop_service()
        apart.start_service("--metrics-port", str(apart.metrics))


def test_numbers_go_up_by_what_was_done(apart: RealHub, token: str) -> None:
    wanted = {
        "requests": ("securecollab_request_seconds_count", {"route": "POST open"}),
        "decisions": ("securecollab_decisions_total", {"action": "open", "outcome": "allow"}),
        "denials": ("securecollab_decisions_total", {"action": "open", "outcome": "deny"}),
        "refusals": ("securecollab_refusals_total", {"code": "denied"}),
        "appends": ("securecollab_append_seconds_count", {}),
        "append seconds": ("securecollab_append_seconds_sum", {}),
        "questions to the Hub": ("securecollab_hub_seconds_count", {"answer": "200"}),
    }

    def numbers() -> dict[str, float]:
        return {what: told(apart, name, **labels) for what, (name, labels) in wanted.items()}

    with apart.client(token) as alice:
        share(alice, NAME)
        before = numbers()
        for _ in range(2):
            alice.open(NAME)
        with pytest.raises(Denied):
            alice.open("metrics/no-such")
        more = {what: now - before[what] for what, now in numbers().items()}
    assert (more["requests"], more["refusals"]) == (3, 1) and more["decisions"] >= 2 and more["denials"] >= 1
    assert more["questions to the Hub"] == 3 and more["appends"] >= 3 and more["append seconds"] > 0


def test_what_waits_for_the_disk_is_in_the_queue_and_the_pool(apart: RealHub, token: str) -> None:
    gauges = [f"securecollab_{name}" for name in ("running_requests", "pool_calls", "queue_operations")]
    asked: list[Future[Opened]] = []

    def one_more_has_to_wait() -> bool:
        """How many the journal takes at once is up to it. As soon as it has begun, what comes later waits."""
        asked.append(pool.submit(alice.open, NAME))
        until(lambda: [told(apart, name) for name in gauges[:2]] == [len(asked)] * 2)
        return told(apart, gauges[2]) > 0

    with closing(Client(apart.url, token, memory=apart.folder / "waiting")) as alice, ThreadPoolExecutor(32) as pool:
        with closing(sqlite3.connect(apart.vault / "vault.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # another process writes, such as a backup
            until(one_more_has_to_wait)
            other.execute("ROLLBACK")
        for one in asked:
            assert one.result().keys
    until(lambda: [told(apart, name) for name in gauges] == [0, 0, 0])


def test_a_witness_that_is_away_is_behind_and_then_it_is_not(apart: RealHub, token: str, tmp_path: Path) -> None:
    witness = OwnWitness(tmp_path, 1)
    name = {"witness": "w.example/1"}
    log_key = next(line["log_key"] for line in apart.lines() if line["message"] == "serving")
    witness.start(log_key)
    apart.stop_service()
    apart.start_service("--metrics-port", str(apart.metrics), "--witness", witness.key, witness.url)
    numbers = [f"securecollab_witness_{what}" for what in ("failing", "behind_entries", "lag_entries", "lag_seconds")]
    try:
        until(lambda: [told(apart, number) for number in numbers] == [0, 0, 0, 0])
        witness.stop()
        with apart.client(token) as alice, pytest.raises(Unavailable):
            alice.ask_join("metrics/joined", Level.INTERNAL, "recorded, and nobody confirms it")
        until(lambda: told(apart, numbers[0], **name) == told(apart, numbers[1], **name) == 1)
        assert told(apart, numbers[2]) == 1 and told(apart, numbers[3]) > 0
        witness.start(log_key)
        until(lambda: [told(apart, number) for number in numbers] == [0, 0, 0, 0])
    finally:
        witness.stop()
        apart.stop_service()
        apart.start_service("--metrics-port", str(apart.metrics))
