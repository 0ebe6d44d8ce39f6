"""Browsers at the service's own address: signing in at a real Hub, what a steward decides there, what tricks get."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
from browsing import BASE, Browser, browser
from hubs import MEMBER, RealHub, until
from serving import error_of

from jupyter_securecollab.errors import Denied
from jupyter_securecollab.model import Joining, Level
from jupyter_securecollab.proofs import parse_entry
from jupyter_securecollab.protocol import PREFIX
from jupyter_securecollab.server.requests_page import PAGE
from jupyter_securecollab.server.service.sessions import FRESH_SECONDS, PER_PERSON, Sessions, SignedIn
from jupyter_securecollab.server.service.vouching import KnownPerson


@pytest.fixture
def dana(hub: RealHub) -> Iterator[Browser]:
    with browser(hub, "dana") as made:
        made.sign_in()
        yield made


@pytest.fixture(scope="module")
def alice_token(hub: RealHub) -> str:
    token = hub.token("alice")
    with hub.client(token) as alice:
        alice.me()
    hub.cli("user", "change", "alice", "--clearance", "secret")
    with hub.client(hub.token("dana")) as dana:
        dana.me()
    hub.cli("user", "change", "dana", "--clearance", "secret")
    return token


def asked(hub: RealHub, token: str, name: str) -> Joining:
    with hub.client(token) as alice:
        return alice.ask_join(name, Level.SECRET, "to join <b>visits</b>")


def state(hub: RealHub, token: str, one: Joining) -> str:
    with hub.client(token) as alice:
        return next(found.state for found in alice.joins() if found.id == one.id)


# ---- signing in --------------------------------------------------------------------------------------------------


def test_a_steward_signs_in_at_the_hub_and_decides_on_the_vaults_own_page(hub: RealHub, alice_token: str) -> None:
    one = asked(hub, alice_token, "browser/first")
    with browser(hub, "dana") as dana:
        before = dana.get(PAGE)
        assert before.status_code == 302 and before.headers["Location"].startswith(f"{BASE}sign-in?next=")
        page = dana.follow(before)
        assert page.status_code == 200 and str(page.url) == f"{hub.pages}{BASE}{PAGE}"
        assert "You are <strong>dana</strong>" in page.text and "to join &lt;b&gt;visits" in page.text
        assert "You signed in with the Hub 0 minutes ago" in page.text
        done = dana.follow(dana.post(PAGE, _xsrf=dana.xsrf, id=one.id, answer="yes"))
        assert "browser/first, secret: allowed" in done.text and state(hub, alice_token, one) == "allowed"
    with hub.client(hub.token("dana")) as dana:
        entry = parse_entry(dana.audit(by="dana", limit=1)[0].body)
    assert (entry.act, entry.via) == ("join.allow", "browser")


def test_cookies_are_not_for_scripts_nor_other_sites_nor_other_paths(hub: RealHub) -> None:
    with browser(hub, "dana") as dana:
        begun = dana.get("sign-in")
        back = dana.follow(begun, until="securecollab/requests")
    for answer, name in ((begun, "securecollab-attempt"), (back, "securecollab-session")):
        said = next(one for one in answer.headers.get_list("Set-Cookie") if one.startswith(f"{name}="))
        assert "HttpOnly" in said and "SameSite=Lax" in said and f"Path={BASE}" in said and "Domain" not in said
    assert all("default-src 'none'" in answer.headers["Content-Security-Policy"] for answer in (begun, back))


def test_the_page_runs_nothing_and_is_not_kept(dana: Browser) -> None:
    page = dana.get(PAGE)
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "script-src" not in policy
    assert "<script" not in page.text and page.headers["Cache-Control"] == "no-store"
    assert dana.session not in page.text


def test_who_has_no_role_is_told_so_and_gets_no_session_not_even_with_one_that_was_shared(hub: RealHub) -> None:
    shared = hub.ask("POST", "shares/alice/", hub.token("alice"), user="no-role", scopes=[MEMBER])
    assert shared["scopes"] == [f"{MEMBER}!server=alice/"]
    with browser(hub, "no-role") as nobody:
        said = nobody.sign_in()
        assert said.status_code == 403 and "no role for this vault" in said.text
        assert "securecollab-session" not in nobody.http.cookies
    with browser(hub, "eve") as eve:  # whom the Hub does not even let near the service
        assert eve.sign_in().status_code == 403 and "securecollab-session" not in eve.http.cookies


@pytest.mark.parametrize("page", [
    "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example/", "%2F%2Fevil.example",
    "securecollab/requests/..//evil.example", "securecollab/requests@evil.example", "javascript:alert(1)", "",
    "\r\nX: y",
])  # fmt: skip
def test_after_signing_in_people_go_to_our_own_pages_only(hub: RealHub, page: str) -> None:
    with browser(hub, "dana") as dana:
        done = dana.follow(dana.get(f"sign-in?next={quote(page, safe='')}"))
        assert str(done.url) == f"{hub.pages}{BASE}{PAGE}" and done.status_code == 200


def test_the_hub_sends_people_back_to_no_other_address(hub: RealHub) -> None:
    with browser(hub, "dana") as dana:
        dana.sign_in()
        asked_for = dana.get("sign-in").headers["Location"]
        assert "redirect_uri" not in asked_for  # the Hub knows the only one
        for uri in ("https://evil.example/", f"{hub.pages}{BASE}oauth_callback/../x"):
            assert dana.http.get(f"{asked_for}&redirect_uri={quote(uri, safe='')}").status_code == 400


def test_an_auditor_reads_the_log_and_everybody_else_what_is_theirs(hub: RealHub, alice_token: str) -> None:
    asked(hub, alice_token, "browser/logged")
    with browser(hub, "carol") as carol, browser(hub, "bob") as bob:
        log = carol.sign_in("securecollab/log")
        assert str(log.url).endswith("securecollab/log") and "<td>browser/logged</td>" in log.text
        assert "in the log" in log.text and "not proven" not in log.text and "audit verify" in log.text
        assert log.text.count('aria-current="page"') == 1
        for text in (bob.sign_in("securecollab/log").text, bob.get("securecollab/executions").text):
            assert "browser/logged" not in text and "<strong>bob</strong>" in text
        assert "in no server that executes anything" in carol.get("securecollab/executions").text
        assert carol.post("securecollab/log").status_code == 403


# ---- what is not ours --------------------------------------------------------------------------------------------


def back_at_us(dana: Browser) -> str:
    """The address at which the Hub sends the browser back, not yet visited."""
    return str(dana.follow(dana.get("sign-in"), until="oauth_callback").headers["Location"])


@pytest.mark.parametrize(
    "how", ["other state", "no state", "no code", "other code", "other browser", "twice", "refused"]
)
def test_a_sign_in_that_is_not_this_browsers_own_ends_without_a_session(hub: RealHub, how: str) -> None:
    with browser(hub, "dana") as dana, browser(hub, "bob") as other:
        back = back_at_us(dana)
        code, sent = (parse_qs(urlsplit(back).query)[name][0] for name in ("code", "state"))
        callback = back.partition("?")[0]
        visits = {
            "other state": f"{callback}?code={code}&state={sent[:-1]}~", "no state": f"{callback}?code={code}",
            "no code": f"{callback}?state={sent}", "other code": f"{callback}?code={code[:-1]}~&state={sent}",
            "refused": f"{callback}?error=access_denied&state={sent}",
        }  # fmt: skip
        visitor = other if how == "other browser" else dana
        if how == "twice":
            attempt = dana.http.cookies["securecollab-attempt"]
            assert dana.http.get(back).status_code == 302
            dana.http.cookies.clear()
            dana.http.cookies.set("securecollab-attempt", attempt, domain="localhost.local", path=BASE)
        said = visitor.http.get(visits.get(how, back))
        assert said.status_code == 403 and 'role="alert"' in said.text
        assert "securecollab-session" not in visitor.http.cookies


def test_an_attempt_made_up_or_too_old_counts_for_nothing(hub: RealHub) -> None:
    with browser(hub, "dana") as dana:
        back = back_at_us(dana)
        kept = dana.http.cookies["securecollab-attempt"]
        parts = kept.split("|")  # tornado's: version, key, time, name, value, signature
        stamp = next(part for part in parts if re.fullmatch(r"10:\d{10}", part))
        for forged in (kept.replace(stamp, f"10:{int(stamp[3:]) - 601}"), kept[:-1] + "0", "x"):
            dana.http.cookies.clear()
            dana.http.cookies.set("securecollab-attempt", forged, domain="localhost.local", path=BASE)
            assert dana.http.get(back).status_code == 403


def test_a_session_is_the_vaults_choice_and_ends_for_good(hub: RealHub, alice_token: str) -> None:
    one = asked(hub, alice_token, "browser/ended")
    with browser(hub, "dana") as dana:
        dana.http.cookies.set("securecollab-session", "chosen-by-somebody-else", domain="localhost.local", path=BASE)
        assert dana.get(PAGE).status_code == 302
        dana.sign_in()
        first = dana.session
        assert first != "chosen-by-somebody-else"
        dana.sign_in()
        assert dana.session != first
        kept, xsrf = dana.session, dana.xsrf
        assert dana.post("sign-out", _xsrf="wrong").status_code == 403 and dana.get(PAGE).status_code == 200
        out = dana.post("sign-out", _xsrf=xsrf)
        assert out.status_code == 200 and "securecollab-session" not in dana.http.cookies
        dana.http.cookies.set("securecollab-session", kept, domain="localhost.local", path=BASE)
        assert dana.get(PAGE).status_code == 302
        assert dana.post(PAGE, _xsrf=xsrf, id=one.id, answer="yes").status_code == 401
    assert state(hub, alice_token, one) == "asked"


def test_only_our_own_form_decides(hub: RealHub, alice_token: str, dana: Browser) -> None:
    one, xsrf = asked(hub, alice_token, "browser/forged"), dana.xsrf
    with browser(hub, "dana") as elsewhere:
        elsewhere.sign_in()
        assert dana.post(PAGE, _xsrf=elsewhere.xsrf, id=one.id, answer="yes").status_code == 403
    good = {"_xsrf": xsrf, "id": one.id, "answer": "yes"}
    url = f"{hub.pages}{BASE}{PAGE}"
    for headers in (
        {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": f"http://127.0.0.1:{hub.hub}"},
        {"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"},
    ):  # fmt: skip
        assert dana.http.post(url, data=good, headers=headers).status_code == 403
    assert dana.http.post(url, data={**good, "_xsrf": ""}).status_code == 403
    assert dana.get(f"{PAGE}?id={one.id}&answer=yes&_xsrf={xsrf}").status_code == 200
    assert state(hub, alice_token, one) == "asked"


@pytest.mark.parametrize("dest", ["empty", "iframe", "embed", "script", "image"])
def test_code_in_the_browser_does_not_read_a_page(dana: Browser, dest: str) -> None:
    for headers in ({"Sec-Fetch-Dest": dest}, {"Sec-Fetch-Dest": dest, "Sec-Fetch-Site": "same-origin"}):
        assert "<strong>dana</strong>" not in dana.get(PAGE, headers=headers).text
    assert "<strong>dana</strong>" in dana.get(PAGE, headers={"Sec-Fetch-Dest": "document"}).text


def test_a_token_opens_no_page_and_a_cookie_no_route(hub: RealHub, alice_token: str, dana: Browser) -> None:
    one, token = asked(hub, alice_token, "browser/token"), hub.token("dana")
    with httpx.Client(headers={"Authorization": f"token {token}"}, trust_env=False) as script:
        assert script.get(f"{hub.pages}{BASE}{PAGE}").status_code == 302
        assert script.post(f"{hub.pages}{BASE}{PAGE}", data={"id": one.id, "answer": "yes"}).status_code == 401
    for method, path in (("GET", "me"), ("GET", "audit"), ("POST", "open")):
        error_of(dana.http.request(method, f"{hub.pages}{BASE}{PREFIX}/{path}", json=None), 401)
    with hub.client(token) as kernel:
        assert kernel.me().name == "dana"
    assert state(hub, alice_token, one) == "asked"


def test_a_forged_host_gets_nothing_but_the_way_to_the_right_one(hub: RealHub, dana: Browser) -> None:
    xsrf = dana.xsrf
    for host in ("evil.example", f"127.0.0.1:{hub.port}", f"127.0.0.1:{hub.hub}"):
        url = f"http://localhost:{hub.port}{BASE}{PAGE}"
        got = dana.http.get(url, headers={"Host": host})
        assert got.status_code == 302 and got.headers["Location"] == url and "dana" not in got.text
        sent = dana.http.post(url, data={"_xsrf": xsrf}, headers={"Host": host})
        assert sent.status_code == 403 and "dana" not in sent.text


@pytest.mark.parametrize("path", [
    "/securecollab/requests", "//services/securecollab/sign-in", "/services/securecollab//sign-in",
    "/services/securecollab/sign-in/", "/services/other/sign-in", "/services/securecollab/x/../oauth_callback",
    "/services/securecollab/%73ecurecollab/../../sign-in", "/services/securecollab/sign-in%2f",
])  # fmt: skip
def test_pages_are_where_they_are_and_nowhere_beside(hub: RealHub, path: str) -> None:
    with closing(HTTPConnection("localhost", hub.port, timeout=30)) as anybody:  # which sends the path as it is
        anybody.request("GET", path)
        assert anybody.getresponse().status == 404


@pytest.mark.parametrize("host", ["localhost", "evil.example"])
def test_the_hubs_menu_of_services_leads_to_the_page_for_everybody_by_its_path_alone(hub: RealHub, host: str) -> None:
    with closing(HTTPConnection("localhost", hub.port, timeout=30)) as anybody:
        anybody.request("GET", "/services/securecollab/?next=https://evil.example", headers={"Host": host})
        answer = anybody.getresponse()
    assert (answer.status, answer.headers["Location"]) == (302, "/services/securecollab/securecollab/log")


# ---- what counts at once -----------------------------------------------------------------------------------------


def test_a_role_taken_away_counts_for_the_next_press_of_a_button(hub: RealHub, alice_token: str, dana: Browser) -> None:
    one, xsrf = asked(hub, alice_token, "browser/late"), dana.xsrf
    hub.ask("DELETE", "groups/securecollab-stewards/users", users=["dana"])
    try:
        hub.ask("POST", "groups/securecollab-members/users", users=["dana"])
        refused = dana.post(PAGE, _xsrf=xsrf, id=one.id, answer="yes")
        assert refused.status_code == 403 and "Only stewards decide" in html.unescape(refused.text)
        hub.ask("DELETE", "groups/securecollab-members/users", users=["dana"])
        assert dana.post(PAGE, _xsrf=xsrf, id=one.id, answer="yes").status_code == 403
    finally:
        hub.ask("POST", "groups/securecollab-stewards/users", users=["dana"])
    assert state(hub, alice_token, one) == "asked"
    assert dana.post(PAGE, _xsrf=xsrf, id=one.id, answer="yes").status_code == 303


def test_where_the_hub_no_longer_knows_the_sign_in_the_session_is_over(hub: RealHub, dana: Browser) -> None:
    xsrf = dana.xsrf
    while ours := [
        one for one in hub.ask("GET", "users/dana/tokens")["api_tokens"] if one["oauth_client"] != "JupyterHub"
    ]:
        hub.ask("DELETE", f"users/dana/tokens/{ours[0]['id']}")  # and others of the same sign-in at the Hub
    assert dana.post(PAGE, _xsrf=xsrf, id="0" * 32, answer="yes").status_code == 401
    assert dana.get(PAGE).status_code == 302


def test_at_the_notebooks_own_host_the_page_shows_and_decides_nothing(apart: RealHub) -> None:
    token = apart.token("alice")
    with apart.client(token) as alice:
        alice.me()
    apart.cli("user", "change", "alice", "--clearance", "secret")
    one = asked(apart, token, "browser/shared")
    with browser(apart, "dana") as dana:
        page = dana.sign_in()
        assert page.status_code == 200 and "same host as JupyterLab" in page.text
        assert "browser/shared" in page.text and one.id not in page.text
        xsrf = re.search(r'name="_xsrf" value="([^"]+)"', page.text)
        refused = dana.post(PAGE, _xsrf=xsrf[1] if xsrf else "", id=one.id, answer="yes")
        assert refused.status_code == 403 and "nothing is decided" in refused.text
    assert state(apart, token, one) == "asked"


def test_while_the_hub_is_away_the_page_says_so_in_words_and_comes_back_by_itself(apart: RealHub) -> None:
    with browser(apart, "dana") as dana:
        assert dana.sign_in().status_code == 200
        apart.stop()
        try:
            until(lambda: dana.get(PAGE).status_code == 503)  # what the Hub said last counts for some seconds
            away = dana.get(PAGE)
            assert away.status_code == 503 and away.headers["Content-Type"].startswith("text/html")
            assert "the Hub" in away.text and 'role="alert"' in away.text and "Traceback" not in away.text
        finally:
            apart.start()
        until(lambda: dana.get(PAGE).status_code == 200)  # with the session there was: nobody signs in anew


# ---- how long ----------------------------------------------------------------------------------------------------


def person(name: str) -> SignedIn:
    return SignedIn(KnownPerson(name, "", None), "token")  # type: ignore[arg-type]


def test_sessions_are_few_and_end_by_themselves() -> None:
    hands = [0.0]
    sessions = Sessions(3600, lambda: hands[0])
    first, *more = [sessions.begin(person("dana")) for _ in range(PER_PERSON + 1)]
    other = sessions.begin(person("bob"))
    assert sessions.of(first) is None and all(map(sessions.of, (*more, other)))
    assert not {*more, other} & {one.id for one in map(sessions.of, more) if one}  # kept under a hash
    found = sessions.of(other)
    hands[0] = 3599.999
    assert sessions.of(other) is found and found is not None and sessions.age(found) > FRESH_SECONDS
    hands[0] = 3600
    assert sessions.of(other) is None and not sessions._sessions
    with pytest.raises(Denied):
        found.check_xsrf("")
