"""Sealed parts on the wire: ranges, leases, and uploads that stop, stall or come too late."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from material import parcel
from serving import Served, error_of, share

from jupyter_securecollab.errors import Conflict, Denied, Invalid, LeaseExpired, NotFound
from jupyter_securecollab.model import Level, Opened
from jupyter_securecollab.protocol import PREFIX, error_from

NAME = "parts/patients"
SIZE = 9_000_000


@pytest.fixture(scope="module")
def shared(server: Served) -> Served:
    client = server.client("alice")
    share(client, NAME, size=SIZE)
    client.close()
    return server


@pytest.fixture(scope="module")
def opened(shared: Served) -> Opened:
    client = shared.client("alice")
    found = client.open(NAME)
    client.close()
    return found


@pytest.fixture
def alice(shared: Served) -> Iterator[httpx.Client]:
    with shared.http("alice") as http:
        yield http


def where(opened: Opened, level: Level = Level.SECRET, partition: int = 0) -> str:
    return f"versions/{opened.version}/parts/{level}/{partition}"


def fetch(alice: httpx.Client, opened: Opened, span: str, *, lease: str | None = None) -> httpx.Response:
    headers = {"Range": span, "X-SecureCollab-Lease": opened.lease if lease is None else lease}
    return alice.get(where(opened), headers=headers)


def size_of(alice: httpx.Client, opened: Opened) -> int:
    return int(fetch(alice, opened, "bytes=0-0").headers["Content-Range"].rpartition("/")[2])


def test_ranges_are_exact_and_say_what_they_are(alice: httpx.Client, opened: Opened) -> None:
    size = size_of(alice, opened)
    whole = fetch(alice, opened, f"bytes=0-{size - 1}")
    assert whole.status_code == 206 and len(whole.content) == size > 2 * 4 * 2**20
    assert whole.headers["Content-Range"] == f"bytes 0-{size - 1}/{size}"
    assert whole.headers["Cache-Control"] == "no-store"
    assert fetch(alice, opened, f"bytes={size - 5}-{size - 1}").content == whole.content[-5:]
    assert fetch(alice, opened, "bytes=4194300-4194310").content == whole.content[4194300:4194311]


@pytest.mark.parametrize("span", [
    "", "bytes=", "bytes=-5", "bytes=0-", "bytes=5-3", "bytes=0-1,3-4", "bytes=a-b", "items=0-1", "bytes=0-99999999999",
    "bytes=99999999999-999999999990", f"bytes=0-{'9' * 20}", "bytes=-1--1", "bytes=0x0-0x5", "bytes= 0-1", "bytes=1-0",
])  # fmt: skip
def test_ranges_that_cannot_be_served_are_refused(alice: httpx.Client, opened: Opened, span: str) -> None:
    assert error_of(fetch(alice, opened, span), 400).code == "invalid"


@pytest.mark.parametrize("lease", ["", "x.y", "00" * 32 + ".7b7d", "x" * 5000, "<script>"])
def test_without_its_lease_nothing_is_read(alice: httpx.Client, opened: Opened, lease: str) -> None:
    assert error_of(fetch(alice, opened, "bytes=0-1", lease=lease), 403).code == "lease_expired"


def test_lease_of_another_person_or_for_another_part_reads_nothing(shared: Served, alice, opened: Opened) -> None:
    headers = {"Range": "bytes=0-1", "X-SecureCollab-Lease": opened.lease}
    with shared.http("bob") as bob:
        assert error_of(bob.get(where(opened), headers=headers), 403).code == "lease_expired"
    assert error_of(alice.get(where(opened, Level.PUBLIC), headers=headers), 403).code == "lease_expired"
    assert error_of(alice.get(where(opened, partition=5), headers=headers), 404).code == "not_found"
    assert alice.get(where(opened), headers=headers).status_code == 206


def test_body_sent_with_a_read_is_not_kept(alice: httpx.Client, opened: Opened) -> None:
    headers = {"Range": "bytes=0-1", "X-SecureCollab-Lease": opened.lease}
    assert alice.request("GET", where(opened), headers=headers, content=b"x" * 3_000_000).status_code == 206


# ---- uploads ---------------------------------------------------------------------------------------------------


def begin(shared: Served):
    client = shared.client("alice")
    begun = client.begin(NAME, "frame", (Level.INTERNAL, Level.SECRET))
    client.close()
    return begun


def until(condition) -> None:
    """Wait for what happens after the connection has gone; the test's own timeout ends a wait in vain."""
    while not condition():
        time.sleep(0.02)


def start_upload(shared: Served, version: str, *, sent: bytes, length: int) -> socket.socket:
    """A connection on which an upload has begun and stands still."""
    connection = socket.create_connection(("127.0.0.1", shared.port))
    head = (
        f"PUT /{PREFIX}/versions/{version}/parts/secret/0 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        f"Authorization: token {shared.tokens['alice']}\r\nContent-Length: {length}\r\n\r\n"
    )
    connection.sendall(head.encode() + sent)
    return connection


@pytest.mark.parametrize("sent", [0, 100, 9_000_000])
def test_aborted_upload_leaves_nothing(shared: Served, sent: int) -> None:
    begun, before = begin(shared), shared.objects()
    connection = start_upload(shared, begun.version, sent=b"x" * sent, length=20_000_000)
    until(lambda: len(shared.objects()) > len(before))
    connection.close()
    until(lambda: shared.objects() == before)


def test_slow_upload_stays_invisible_and_stops_nobody(shared: Served, alice: httpx.Client) -> None:
    begun, before = begin(shared), shared.objects()
    connections = [start_upload(shared, begun.version, sent=b"x", length=10) for _ in range(40)]
    until(lambda: len(shared.objects()) == len(before) + 40)
    assert alice.get("me").status_code == 200
    for connection in connections:
        connection.close()
    until(lambda: shared.objects() == before)


def test_upload_that_is_shorter_than_it_said_does_not_count(shared: Served) -> None:
    begun, before = begin(shared), shared.objects()
    connection = start_upload(shared, begun.version, sent=b"x" * 10, length=20)
    until(lambda: len(shared.objects()) > len(before))
    connection.shutdown(socket.SHUT_WR)
    until(lambda: shared.objects() == before)
    connection.close()


def test_upload_for_a_version_that_is_done_or_somebody_elses_is_refused_whatever_its_size(shared: Served) -> None:
    client, before = shared.client("alice"), shared.objects()
    done = client.versions(NAME)[0].id
    for version, level, error in (
        (done, Level.SECRET, Conflict), ("0" * 32, Level.SECRET, NotFound),
        (begin(shared).version, Level.PUBLIC, Conflict),
    ):  # fmt: skip
        for size in (0, 10, 30_000_000):
            with pytest.raises(error):
                client.upload(version, level, 0, [b"x" * size])
    others = shared.client("bob")
    with pytest.raises(NotFound):
        others.upload(begin(shared).version, Level.SECRET, 0, [b"x"])
    assert shared.objects() == before
    for one in (client, others):
        one.close()


@pytest.mark.parametrize("chunks", [[], [b""], [b"x"], [b"x" * 5_000_000, b"y" * 5_000_000]])
def test_uploads_of_every_size_arrive_whole(shared: Served, chunks: list[bytes]) -> None:
    client, begun, before = shared.client("alice"), begin(shared), shared.objects()
    client.upload(begun.version, Level.SECRET, 0, chunks)
    (made,) = set(shared.objects()) - set(before)
    assert made.read_bytes() == b"".join(chunks)
    client.abort(begun.version)
    assert shared.objects() == before
    client.close()


def test_commit_over_the_wire_verifies_and_can_be_retried(shared: Served) -> None:
    client = shared.client("alice")
    begun = client.begin("parts/other", "frame", (Level.INTERNAL, Level.SECRET))
    made = parcel(begun)
    with pytest.raises(Exception, match="could not be opened"):
        client.commit(begun.version, made.top, made.levels, made.fingerprint)
    for (level, partition), data in made.parts.items():
        client.upload(begun.version, level, partition, [data])
    first = client.commit(begun.version, made.top, made.levels, made.fingerprint)
    again = client.commit(begun.version, made.top, made.levels, made.fingerprint)
    assert (first.version, first.number) == (again.version, again.number) and first.number == 1
    client.close()


def test_reading_through_the_client_raises_what_the_vault_raised(shared: Served, opened: Opened) -> None:
    client = shared.client("alice")
    with pytest.raises(LeaseExpired):
        client.read_part(opened, Level.PUBLIC, 0, 0, 1)
    with pytest.raises(Invalid):
        client.read_part(opened, Level.SECRET, 0, 0, 2**40)
    with pytest.raises(Denied):
        client.open("parts/nothing")
    assert len(client.read_part(opened, Level.SECRET, 0, 5, 10)) == 5
    client.close()


def test_errors_on_the_wire_keep_their_class(alice: httpx.Client) -> None:
    with pytest.raises(NotFound):
        raise error_from(error_of(alice.delete("versions/" + "0" * 32), 404))
