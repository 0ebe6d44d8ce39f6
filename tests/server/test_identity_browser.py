"""Who the browser is: only the login page, or a link opened in it, may say so."""

import json
import re

import pytest
from at_the_browser import sign_in
from tornado.web import create_signed_value

from jupyter_securecollab.server.extension.passwords import hash_password


async def me(person):
    answer = await person.get("api/me")
    return answer.json()["identity"]["username"] if answer.status_code == 200 else answer.status_code


async def test_a_link_with_the_personal_token_signs_the_browser_in(accounts, people):
    alice = await sign_in(people(), "alice")
    assert await me(alice) == "alice"


async def test_without_signing_in_there_is_no_way_in(accounts, people):
    nobody = people()
    assert await me(nobody) == 403
    assert (await nobody.page("files/a.txt?token=wrong")).headers["Location"].split("?")[0].endswith("/login")
    assert await me(nobody) == 403


async def test_a_header_token_says_who_asks_but_never_who_the_browser_is(accounts, people):
    browser = await sign_in(people(), "bob")
    before = browser.cookies
    answer = await browser.get("api/me", headers={"Authorization": "token token-of-alice"})
    assert answer.json()["identity"]["username"] == "alice"
    assert browser.cookies == before
    assert await me(browser) == "bob"


async def test_a_token_in_the_address_of_an_api_call_does_not_sign_in(accounts, people):
    browser = people()
    answer = await browser.get("api/me?token=token-of-alice", headers={"Accept": "application/json"})
    assert answer.json()["identity"]["username"] == "alice"
    assert await me(browser) == 403


async def test_the_page_holds_no_token_for_everybody(accounts, people, jp_serverapp):
    assert jp_serverapp.identity_provider.token == ""
    for empty in ("token", "token  x", "bearer undefined"):
        assert (await people().get("api/me", headers={"Authorization": empty})).status_code == 403


async def test_nobody_can_rename_himself(accounts, people):
    alice = await sign_in(people(), "alice")
    refused = await alice.patch("api/me", {"name": "dana", "display_name": "dana", "color": "red"})
    assert refused.status_code == 400
    identity = (await alice.get("api/me")).json()["identity"]
    assert identity["name"] == identity["display_name"] == "alice"
    assert "epoch" not in identity


async def test_somebody_elses_link_asks_before_it_changes_who_the_browser_is(accounts, people):
    browser = await sign_in(people(), "alice")
    answer = await browser.page("api/me?x=1&token=token-of-bob")
    assert answer.status_code == 302
    question = await browser.page(answer.headers["Location"])
    assert question.status_code == 200
    assert "Continue as bob" in question.text and "signed in as <strong>alice" in question.text
    assert await me(browser) == "alice"

    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', question.text))
    assert fields["next"].endswith("/api/me?x=1")
    assert (await browser.http.post("login", data=fields)).status_code == 302
    assert await me(browser) == "bob"


async def test_ones_own_link_asks_nothing(accounts, people):
    browser = await sign_in(people(), "alice")
    assert (await browser.page("api/me?token=token-of-alice")).status_code == 200


@pytest.mark.parametrize(("came_from", "asks"), [("cross-site", True), ("same-site", True), ("none", False)])
async def test_a_link_on_another_site_asks_even_when_nobody_is_signed_in(accounts, people, came_from, asks):
    browser = people()
    headers = {"Accept": "text/html", "Sec-Fetch-Site": came_from}
    answer = await browser.get("api/me?token=token-of-bob", headers=headers)
    assert answer.status_code == (302 if asks else 200)
    assert await me(browser) == (403 if asks else "bob")


@pytest.mark.parametrize("path", ["login", "login?token=token-of-bob"])
async def test_another_site_cannot_post_the_login_form(accounts, people, path):
    browser = await sign_in(people(), "alice")
    form = {"username": "", "password": "token-of-bob", "token": "token-of-bob"}
    refused = await browser.http.post(path, data=form, headers={"Origin": "https://evil.example"})
    assert refused.status_code == 403
    assert await me(browser) == "alice"


async def test_a_copied_cookie_dies_when_the_account_is_disabled(accounts, people):
    browser, thief = await sign_in(people(), "alice"), people()
    for name, value in browser.cookies.items():
        thief.http.cookies.set(name, value)
    assert await me(thief) == "alice"
    accounts.disable("alice")
    assert (await me(thief), await me(browser)) == (403, 403)
    assert await me(people("alice")) == 403


async def test_cookies_end_when_the_epoch_moves(accounts, people):
    browser = await sign_in(people(), "alice")
    other = await sign_in(people(), "bob")
    accounts.end_sessions("alice")
    assert (await me(browser), await me(other)) == (403, "bob")


async def test_a_cookie_of_another_provider_is_nobodys(accounts, people, jp_serverapp, jp_http_port):
    name = f"username-127-0-0-1-{jp_http_port}"
    stock = {"username": "alice", "name": "alice", "display_name": "alice", "initials": "A", "color": None}
    browser = people()
    for value, expected in ((json.dumps(stock), 403), ('{"username":"alice","epoch":0,"browser":"b"}', "alice")):
        signed = create_signed_value(jp_serverapp.web_app.settings["cookie_secret"], name, value).decode()
        browser.http.cookies.set(name, signed)
        assert await me(browser) == expected


async def fill_in(browser, name, secret, **extra):
    page = await browser.page("login")
    xsrf = re.search(r'name="_xsrf" value="([^"]*)"', page.text)[1]
    return await browser.http.post("login", data={"_xsrf": xsrf, "username": name, "password": secret, **extra})


async def test_the_form_takes_the_password(accounts, people):
    accounts.add("carol", password_hash=hash_password(" right horse "))
    browser = people()
    assert (await fill_in(browser, "carol", "right horse")).status_code == 401
    assert await me(browser) == 403
    assert (await fill_in(browser, "carol", " right horse ")).status_code == 302
    assert await me(browser) == "carol"


async def test_the_form_takes_the_personal_token_of_that_person(accounts, people):
    browser = people()
    assert (await fill_in(browser, "bob", "token-of-alice")).status_code == 401
    assert (await fill_in(browser, "alice", "token-of-alice")).status_code == 302
    assert await me(browser) == "alice"


@pytest.mark.parametrize("name", ["nobody", "alice", ""])
async def test_an_account_without_a_password_cannot_be_entered_with_one(accounts, people, name):
    for secret in ("", "x"):
        assert (await fill_in(people(), name, secret)).status_code == 401


async def test_guessing_is_slowed_down_but_the_token_still_works(accounts, people):
    accounts.add("carol", token="token-of-carol", password_hash=hash_password("right"))
    browser = people()
    answers = [(await fill_in(browser, "carol", "wrong")).status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]
    refused = await fill_in(browser, "carol", "right")
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) >= 1
    assert (await fill_in(people(), "carol", "token-of-carol")).status_code == 302


async def test_the_login_page_says_what_is_not_protected_and_shows_markup_as_text(accounts, people):
    page = await people().page('login?next="><script>alert(1)</script>')
    assert "The notice, with &lt;b&gt;markup" in page.text
    assert "<script" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    outside = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert outside == []


async def test_after_signing_in_one_does_not_land_on_another_site(accounts, people):
    for target in ("https://evil.example/", "//evil.example/", "/\\evil.example"):
        answer = await fill_in(people(), "alice", "token-of-alice", next=target)
        assert answer.headers["Location"].endswith("/a%40b/")
