"""The vault's own page in a real browser's hands, nearly: signed in by cookie, forms, and who cannot say yes there."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from serving import Served, error_of

from jupyter_securecollab.errors import Denied
from jupyter_securecollab.model import Joining, Level
from jupyter_securecollab.server.requests_page import PAGE

HOSTILE = "<script>alert(1)</script>\"'{{ 7*7 }}"
Browsers = Callable[[str], httpx.Client]


@pytest.fixture(scope="module")
def browsers(server: Served) -> Iterator[Browsers]:
    """Signs somebody's browser in."""
    with ExitStack() as stack:

        def signed_in(name: str) -> httpx.Client:
            http = httpx.Client(base_url=f"{server.url}/", follow_redirects=True, timeout=30, trust_env=False)
            stack.enter_context(http)
            http.get("login")
            body = {"username": name, "password": server.tokens[name], "_xsrf": http.cookies["_xsrf"]}
            assert http.post("login", data=body, follow_redirects=False).status_code == 302
            return http

        yield signed_in


def asked(server: Served, name: str, because: str = HOSTILE, who: str = "alice") -> Joining:
    client = server.client(who)
    try:
        return client.ask_join(name, Level.SECRET, because)
    finally:
        client.close()


def answer(http: httpx.Client, one: Joining, says: str = "yes", **other: str) -> httpx.Response:
    body = {"_xsrf": http.cookies["_xsrf"], "id": one.id, "answer": says, **other}
    return http.post(PAGE, data=body, headers={"Origin": str(http.base_url).rstrip("/")})


def state(server: Served, one: Joining) -> str:
    client = server.client("alice")
    try:
        return next(found.state for found in client.joins() if found.id == one.id)
    finally:
        client.close()


def test_a_steward_reads_the_request_and_says_yes_and_takes_it_back(server: Served, browsers: Browsers) -> None:
    one, dana = asked(server, "page/first"), browsers("dana")
    page = dana.get(PAGE)
    assert page.status_code == 200 and page.headers["Content-Type"].startswith("text/html")
    assert "page/first, secret: asked" in page.text and "<strong>alice</strong>" in page.text
    assert one.id in page.text and "same address as JupyterLab" in page.text
    done = answer(dana, one)
    assert done.status_code == 200 and "page/first, secret: allowed" in done.text and "Allowed by dana" in done.text
    assert state(server, one) == "allowed"
    assert "page/first, secret: refused" in answer(dana, one, "no").text and state(server, one) == "refused"


def test_what_people_typed_is_text_and_the_page_runs_and_embeds_nothing(server: Served, browsers: Browsers) -> None:
    asked(server, "page/hostile")
    page = browsers("dana").get(PAGE)
    assert html.escape(HOSTILE).replace("&#x27;", "&#39;").replace("&quot;", "&#34;") in page.text
    asked(server, "page/turned", "harmless \u202e\x1b[2J reason")
    assert "\u202e" not in browsers("dana").get(PAGE).text and "\x1b" not in browsers("dana").get(PAGE).text
    assert "<script" not in page.text and "49" not in re.sub(r"[0-9a-f]{32}|nonce=\S+|value=\S+", "", page.text)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "script-src" not in policy
    assert page.headers["Cache-Control"] == "no-store"


def test_who_asked_sees_what_became_of_it_and_has_no_button(server: Served, browsers: Browsers) -> None:
    one, alice = asked(server, "page/own"), browsers("alice")
    page = alice.get(PAGE)
    assert "page/own, secret: asked" in page.text and one.id not in page.text and "<form" not in page.text
    refused = answer(alice, one)
    assert refused.status_code == 403 and "Only stewards decide" in html.unescape(refused.text)
    assert state(server, one) == "asked"


def test_others_see_nothing_of_it(server: Served, browsers: Browsers) -> None:
    asked(server, "page/others")
    page = browsers("eve").get(PAGE)
    assert page.status_code == 200 and "page/others" not in page.text


@pytest.mark.parametrize("change", [{"id": "x"}, {"id": "0" * 32}, {"answer": "maybe"}, {"answer": ""}])
def test_an_answer_to_nothing_is_none(server: Served, browsers: Browsers, change: dict[str, str]) -> None:
    one, dana = asked(server, "page/wrong"), browsers("dana")
    assert answer(
        dana, one, **{"says": "yes", **{("says" if k == "answer" else k): v for k, v in change.items()}}
    ).status_code in (400, 404)
    assert state(server, one) == "asked"


def test_without_the_page_s_own_token_or_from_elsewhere_nothing_is_decided(server: Served, browsers: Browsers) -> None:
    one, dana = asked(server, "page/forged"), browsers("dana")
    for xsrf in ("", "wrong"):
        assert dana.post(PAGE, data={"_xsrf": xsrf, "id": one.id, "answer": "yes"}).status_code == 403
    body = {"_xsrf": dana.cookies["_xsrf"], "id": one.id, "answer": "yes"}
    assert dana.post(PAGE, data=body, headers={"Origin": "https://evil.example"}).status_code in (403, 404)
    assert dana.get(PAGE, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert state(server, one) == "asked"


def test_a_personal_token_is_no_hand_on_the_button(server: Served) -> None:
    # whoever holds one may be a script, or a kernel elsewhere that runs somebody else's notebook
    one, client = asked(server, "page/script"), server.client("dana")
    with pytest.raises(Denied) as caught:
        client.decide_join(one.id, allow=True)
    client.close()
    assert caught.value.decision is not None and caught.value.decision.policies == ("deny.from_kernel",)
    with httpx.Client(base_url=f"{server.url}/", headers=server.headers("dana"), trust_env=False) as http:
        assert http.post(PAGE, data={"id": one.id, "answer": "yes"}).status_code == 403
    assert state(server, one) == "asked"


def test_nobody_who_is_not_signed_in_sees_the_page(server: Served) -> None:
    with httpx.Client(base_url=f"{server.url}/", trust_env=False) as http:
        error_of(http.get(PAGE), 401)
        assert http.post(PAGE, data={"id": "0" * 32, "answer": "yes"}).status_code in (401, 403)
