"""Every route of the table, walked: nobody forgotten on the way, and nothing bad in that is not JSON and an error."""

from __future__ import annotations

import inspect
import json
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx
import msgspec
import pytest
from material import Vault
from serving import Served, error_of, share

from jupyter_securecollab.client import Client
from jupyter_securecollab.core.collaboration import Collaboration
from jupyter_securecollab.protocol import PATTERNS, PREFIX, ROUTES, Nothing, Route, openapi, route
from jupyter_securecollab.server.extension.embedded import EmbeddedHandler
from jupyter_securecollab.server.handlers import DoorHandler, ExportHandler, PartHandler, handlers

NAME = "routes/patients"
IN_PATH = {"name": NAME, "version": "0" * 32, "level": "secret", "partition": "0", "index": "1"}
QUERIED = [one for one in ROUTES if one.method == "GET" and not one.raw]
BARE = [one for one in QUERIED if one.request is Nothing]
JSON_ROUTES = [one for one in ROUTES if one.method == "POST"]


def path(one: Route) -> str:
    return one.path.format(**{field: IN_PATH[field] for field in PATTERNS if f"{{{field}}}" in one.path})


@pytest.fixture(scope="module")
def shared(server: Served) -> Served:
    client = server.client("alice")
    share(client, NAME)
    client.close()
    return server


@pytest.fixture
def alice(shared: Served) -> Iterator[httpx.Client]:
    with shared.http("alice") as http:
        yield http


# ---- nothing is forgotten --------------------------------------------------------------------------------------


@pytest.fixture
def door(tmp_path) -> Iterator[Collaboration]:
    vault = Vault(tmp_path)
    yield vault.door
    vault.door.close()


@pytest.mark.parametrize("one", ROUTES, ids=lambda one: one.name)
def test_every_route_is_a_method_of_the_door_with_the_same_words(door: Collaboration, one: Route) -> None:
    parameters = list(inspect.signature(getattr(door, one.name)).parameters.values())
    assert parameters[0].name == "caller"
    assert all(parameter.kind is inspect.Parameter.KEYWORD_ONLY for parameter in parameters[1:])
    named = {parameter.name: parameter.default for parameter in parameters[1:]}
    raw = {"read_part": {"start", "stop", "lease"}, "export": {"destination"}}.get(one.name, set())
    assert ("once" in named) == one.once
    named.pop("once", None)
    fields = {field.name: field for field in msgspec.structs.fields(one.request)}
    assert set(named) - raw == set(fields)
    for name, field in fields.items():
        assert (named[name] is inspect.Parameter.empty) == field.required, name
        assert field.required or named[name] == field.default, name


FOR_SERVERS = ("spool_key", "report")
"""What people's own servers ask, and no notebook: `server.reporting`, tested in tests/hub/test_hub_executions.py."""


@pytest.mark.parametrize("one", [one for one in ROUTES if one.name not in FOR_SERVERS], ids=lambda one: one.name)
def test_every_route_is_a_method_of_the_client(one: Route) -> None:
    assert callable(getattr(Client, one.name))


@pytest.mark.parametrize("one", ROUTES, ids=lambda one: one.name)
def test_every_route_is_served_and_described(shared: Served, one: Route) -> None:
    with shared.http("alice") as http:
        response = http.request(one.method, path(one))
        assert response.status_code != 405
        document = http.get("openapi.json").json()
    operation = document["paths"][f"/{PREFIX}/{one.path}"][one.method.lower()]
    assert operation["operationId"] == one.name
    assert document == json.loads(json.dumps(openapi(document["info"]["version"])))


def test_every_handler_of_the_table_serves_a_route() -> None:
    table = [(pattern, kind) for pattern, kind, *_ in handlers(None, EmbeddedHandler)]  # type: ignore[arg-type]  # only looked at
    served = [pattern for pattern, kind in table if issubclass(kind, (DoorHandler, PartHandler, ExportHandler))]
    assert len(served) == len({one.path for one in ROUTES})


# ---- who is nobody -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("one", ROUTES, ids=lambda one: one.name)
@pytest.mark.parametrize("headers", [
    {}, {"Authorization": "token wrong"}, {"Authorization": "Bearer wrong"}, {"X-SecureCollab-Token": "sck_wrong"},
    {"X-SecureCollab-Token": ""}, {"Accept": "text/html"}, {"Cookie": "username-127-0-0-1=forged"},
], ids=str)  # fmt: skip
def test_without_identity_every_route_says_so_in_json(shared: Served, one: Route, headers: dict[str, str]) -> None:
    with shared.http() as http:
        error = error_of(http.request(one.method, path(one), headers=headers), 401)
    assert error.code == "not_signed_in"


def test_token_in_the_address_identifies_but_is_no_parameter(shared: Served) -> None:
    with shared.http() as http:
        assert http.get("me", params={"token": "wrong"}).status_code == 401
        assert http.get("me", headers=shared.headers("alice")).json()["result"]["name"] == "alice"


# ---- bad input -------------------------------------------------------------------------------------------------

GARBAGE = [
    b"", b"{", b"null", b"[]", b'"text"', b"42", b"\xff\xfe\x00", b"{}x", b'{"unknown": 1}', b"[" * 100_000,
    b'{"a":' * 100_000, b'{"name": "\xed\xa0\x80"}', b'{"name": 5, "name": 6}', b"name=a&version=b", b"NaN",
]  # fmt: skip


@pytest.mark.parametrize("one", JSON_ROUTES, ids=lambda one: one.name)
def test_garbage_in_the_body_is_invalid(alice: httpx.Client, one: Route) -> None:
    for body in GARBAGE:
        for kind in ("application/json", "text/plain", "application/x-www-form-urlencoded"):
            error = error_of(alice.post(path(one), content=body, headers={"Content-Type": kind}), 400)
            assert error.code == "invalid"


def valid(one: Route) -> dict[str, Any]:
    access = {"people": ["bob"]}
    return {
        "begin": {"name": NAME, "kind": "frame", "levels": ["internal"], "access": access, "title": ""},
        "commit": {"version": "0" * 32, "manifest": "", "levels": {"secret": ""}, "fingerprint": "A" * 43 + "="},
        "open": {"name": NAME, "number": 1, "columns": ["id"], "up_to": "internal", "purpose": "x"},
        "grant": {"name": NAME, "access": access},
        "revoke": {"name": NAME, "people": ["bob"]},
        "shred": {"name": NAME, "before": 0},
        "unmask": {"name": NAME, "column": "other", "because": "x", "number": 1, "purpose": "x"},
        "ask_join": {"name": NAME, "level": "internal", "because": "x"},
        "decide_join": {"id": "0" * 32, "allow": True},
        "report": {"spool": "0" * 32, "number": 1, "segment": "AAAA"},
        "correct": {
            "corrections": [{"fingerprint": "0" * 32, "level": "secret", "suggested": "internal", "tag": None}],
            "forget": ["1" * 32],
        },
    }[one.name]


WRONG = [None, True, -1, 1.5, 2**64, "x" * 200_000, "\x00", [], {}, [[]], {"a": 1}, ["x"] * 2000, ["secret"] * 20]


@pytest.mark.parametrize("one", JSON_ROUTES, ids=lambda one: one.name)
def test_fields_of_wrong_types_and_sizes_never_break_the_vault(alice: httpx.Client, one: Route) -> None:
    assert alice.post(path(one), json=valid(one)).status_code in (200, 403, 404, 409, 422)
    for field in valid(one):
        for value in WRONG:
            response = alice.post(path(one), json={**valid(one), field: value})
            if response.status_code != 200:
                error_of(response, response.status_code)
                assert response.status_code in (400, 403, 404, 409, 422), (field, value, response.text)
    error = error_of(alice.post(path(one), json={**valid(one), "more": 1}), 400)
    assert "more" in error.message


@pytest.mark.parametrize(
    "one", [one for one in ROUTES if one.method == "GET" and not one.raw], ids=lambda one: one.name
)
def test_unknown_and_malformed_query_fields_are_invalid(alice: httpx.Client, one: Route) -> None:
    for query in (
        "unknown=1",
        "caller=root",
        "%ff=%ff",
        "limit=abc" if one.name in ("audit", "executions") else "limit=1",
    ):
        error_of(alice.get(f"{path(one)}?{query}"), 400)


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=-1", "since=yesterday", "limit=", "by=" + "x" * 161])
def test_audit_query_is_checked(alice: httpx.Client, query: str) -> None:
    error_of(alice.get(f"audit?{query}"), 400)


@pytest.mark.parametrize("bad", [
    "assets/a/b/c", "assets/..%2f..%2fetc", "assets/%00/x", "versions/xyz", "versions/../me/x",
    f"versions/{'0' * 32}/parts/secret/-1", f"versions/{'0' * 32}/parts/secret/{'9' * 30}",
    "audit/99999999999999999", "audit/-1", "nothing", "",
    "OPEN", "me/", "assets/<script>/<b>", f"versions/{'0' * 32}/parts/SECRET/0",
])  # fmt: skip
def test_strange_paths_are_errors_in_json(alice: httpx.Client, bad: str) -> None:
    for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
        response = alice.request(method, bad)
        error_of(response, response.status_code)
        assert response.status_code in (400, 403, 404, 405)


@pytest.mark.parametrize("one", ROUTES, ids=lambda one: one.name)
def test_other_methods_are_refused(alice: httpx.Client, one: Route) -> None:
    allowed = {other.method for other in ROUTES if other.path == one.path}
    for method in {"GET", "POST", "PUT", "DELETE", "PATCH"} - allowed:
        error_of(alice.request(method, path(one)), 405)


@pytest.mark.parametrize("one", [one for one in ROUTES if not one.raw], ids=lambda one: one.name)
def test_bodies_past_the_limit_are_refused_however_they_come(alice: httpx.Client, one: Route) -> None:
    size = one.body_limit + 1
    declared = raw_request(alice, one, {"Content-Length": str(size)}, b"{")
    assert declared.startswith(b"HTTP/1.1 413") and b'"code":"too_large"' in declared
    if one.body_limit > 2**24:
        return
    chunk = b"x" * 2**16
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for _ in range(size // len(chunk) + 1))
    chunked = raw_request(alice, one, {"Transfer-Encoding": "chunked"}, chunks + b"0\r\n\r\n")
    assert chunked.startswith(b"HTTP/1.1 413") and b'"code":"too_large"' in chunked


def raw_request(alice: httpx.Client, one: Route, headers: dict[str, str], body: bytes) -> bytes:
    """What the server answers to bytes we write ourselves."""
    lines = [f"{one.method} /{PREFIX}/{path(one)} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [
        f"{name}: {value}" for name, value in {**headers, "Authorization": alice.headers["Authorization"]}.items()
    ]
    with socket.create_connection(("127.0.0.1", alice.base_url.port)) as connection:
        connection.settimeout(20)
        connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")
        with suppress(OSError):
            connection.sendall(body)
        answer = b""
        while b"}}" not in answer and (piece := connection.recv(65536)):
            answer += piece
        return answer


def test_body_just_within_the_limit_is_read(alice: httpx.Client) -> None:
    one = route("open")
    padding = b" " * (one.body_limit - 40)
    assert alice.post("open", content=b'{"name": "%b"}' % NAME.encode() + padding).status_code == 200


# ---- the envelope ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "one", [one for one in ROUTES if one.request is Nothing and not one.raw], ids=lambda one: one.name
)
def test_answers_carry_the_head_of_the_log_and_are_not_stored(alice: httpx.Client, one: Route) -> None:
    answer = alice.get(path(one))
    assert set(answer.json()) == {"result", "log"} and "checkpoint" in answer.json()["log"]
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("seen", ["-1", "x", "1e3", "9" * 17, "", "1, 2", "٣"])
def test_size_seen_that_is_no_number_is_refused_before_anything_happens(alice: httpx.Client, seen: str) -> None:
    before = len(alice.get("audit", params={"limit": 1000}).json()["result"])
    error_of(alice.post("open", json={"name": NAME}, headers={"X-SecureCollab-Log-Size": seen.encode()}), 400)
    assert len(alice.get("audit", params={"limit": 1000}).json()["result"]) == before


def test_client_that_has_seen_more_than_there_is_learns_that_the_log_was_set_back(alice: httpx.Client) -> None:
    error = error_of(alice.get("me", headers={"X-SecureCollab-Log-Size": "999999"}), 500)
    assert error.code == "log_broken"


def test_denial_arrives_with_its_decision_and_next_step(shared: Served) -> None:
    with shared.http("eve") as eve:
        error = error_of(eve.post("open", json={"name": NAME}), 403)
    assert error.decision.policies == ("deny.no_grant",) and error.next_step


def test_markup_in_names_comes_back_as_json_text(alice: httpx.Client) -> None:
    for name in ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "\u202e\x1b[31m"):
        error = error_of(alice.post("open", json={"name": name}), 403)
        assert error.code == "denied"
    assert alice.get("assets").headers["X-Content-Type-Options"] == "nosniff"


# ---- cross-site ------------------------------------------------------------------------------------------------


@pytest.fixture
def browser(shared: Served) -> Iterator[httpx.Client]:
    """Alice's browser, signed in with a cookie."""
    with httpx.Client(base_url=shared.api + "/", follow_redirects=True, timeout=30, trust_env=False) as http:
        page = http.get(f"{shared.url}/login")
        assert page.status_code == 200
        body = {"username": "alice", "password": shared.tokens["alice"], "_xsrf": http.cookies["_xsrf"]}
        http.follow_redirects = False
        assert http.post(f"{shared.url}/login", data=body).status_code == 302
        yield http


GRANT = {"name": NAME, "access": {"people": ["bob"]}}


@pytest.mark.parametrize("one", [*QUERIED, route("export")], ids=lambda one: one.name)
def test_a_link_on_another_site_asks_nothing_in_ones_name(browser: httpx.Client, one: Route) -> None:
    for site in ("cross-site", "same-site"):
        answer = browser.get(path(one), headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate"})
        assert error_of(answer, 403).message == "another site may not ask in your name"
    own = browser.get(path(one), headers={"Sec-Fetch-Site": "same-origin"})
    assert "another site" not in own.text


def test_cookie_alone_reads_and_changes_nothing_without_xsrf(browser: httpx.Client) -> None:
    assert browser.get("me").json()["result"]["name"] == "alice"
    error_of(browser.post("grant", json=GRANT), 403)
    error_of(browser.post("grant", json=GRANT, headers={"X-XSRFToken": "wrong"}), 403)
    error_of(browser.put(path(route("upload")), content=b"x"), 403)
    error_of(browser.delete(path(route("abort"))), 403)
    assert browser.post("grant", json=GRANT, headers={"X-XSRFToken": browser.cookies["_xsrf"]}).status_code == 200


def test_token_that_is_not_valid_waives_nothing(browser: httpx.Client, shared: Served) -> None:
    for headers in (
        {"Authorization": "token wrong"},
        {"X-SecureCollab-Token": "sck_wrong"},
        {"Authorization": f"token {shared.tokens['alice'][:-1]}"},
    ):
        assert error_of(browser.post("grant", json=GRANT, headers=headers), 401 if "sck" in str(headers) else 403)


def test_token_of_a_script_needs_no_xsrf(alice: httpx.Client) -> None:
    assert alice.post("grant", json=GRANT).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_requests_from_other_sites_are_refused(browser: httpx.Client, origin: str) -> None:
    headers = {"X-XSRFToken": browser.cookies["_xsrf"], "Origin": origin}
    error_of(browser.post("grant", json=GRANT, headers=headers), 404)
    headers["Origin"] = f"{browser.base_url.scheme}://{browser.base_url.netloc.decode()}"
    assert browser.post("grant", json=GRANT, headers=headers).status_code == 200


def test_other_sites_get_no_leave_to_read(browser: httpx.Client) -> None:
    answer = browser.get("me", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in answer.headers
