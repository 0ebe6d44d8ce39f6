"""A steward in a real browser, at a host name that the Hub gives the vault, behind the Hub's own proxy with TLS."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import BASE
from hubs import PROXY, RealHub, free_port
from lab_screen import started
from playwright.sync_api import BrowserContext, Page, expect

from jupyter_securecollab.model import Joining, Level
from jupyter_securecollab.proofs import parse_entry
from jupyter_securecollab.server.requests_page import PAGE

PATIENCE = 60_000
"""Milliseconds, for a machine that is busy."""


class Subdomains(RealHub):
    """A Hub with `subdomain_host`: everybody's server and every service has a host name, the vault too. Nothing else is
    told to the vault; names below `localhost` lead to this machine in every browser."""

    proxied = True
    MORE = """
del c.JupyterHub["public_url"], service["oauth_redirect_uri"]
service["command"] = service["command"][:-2]
c.JupyterHub.subdomain_host = {entrance!r}
c.JupyterHub.bind_url = "https://127.0.0.1:{public}"
c.JupyterHub.ssl_key, c.JupyterHub.ssl_cert = "key.pem", "certificate.pem"
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_api}"
"""

    def config(self) -> str:
        more = self.MORE.format(entrance=self.entrance, public=self.public, proxy=str(PROXY), proxy_api=free_port())
        return super().config() + more

    @property
    def entrance(self) -> str:
        return f"https://hub.localhost:{self.public}"

    @property
    def pages(self) -> str:
        return f"https://securecollab--service.hub.localhost:{self.public}"


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subdomains]:
    folder = tmp_path_factory.mktemp("named")
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=hub.localhost")
    files = ("-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem"))
    subprocess.run([*made, *files], capture_output=True, check=True)
    running = Subdomains(folder, managed=True)
    try:
        running.start()
        running.enrol()
        yield running
    finally:
        running.close()


@pytest.fixture(scope="module")
def asked(named: Subdomains) -> tuple[Joining, Joining]:
    """What alice wants to be allowed."""
    with named.client(named.token("alice")) as alice, named.client(named.token("dana")) as dana:
        assert alice.me() and dana.me()
        for name in ("alice", "dana"):
            named.cli("user", "change", name, "--clearance", "secret")
        one, other = (alice.ask_join(f"oncology/{name}", Level.SECRET, "one cohort") for name in ("visits", "doses"))
    return one, other


@pytest.fixture(scope="module")
def dana(named: Subdomains, asked) -> Iterator[BrowserContext]:
    """Dana's browser, which has signed in on the way to the page of requests."""
    with started() as browser:
        context = browser.new_context(ignore_https_errors=True, viewport={"width": 900, "height": 700})
        page = context.new_page()
        page.goto(f"{named.pages}{BASE}{PAGE}")
        assert page.url.startswith(f"{named.entrance}/hub/login")
        page.get_by_label("Username").fill("dana")
        page.get_by_label("Password").fill("any")
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("button", name="Authorize").click()
        expect(page.get_by_role("heading", name="Requests")).to_be_visible(timeout=PATIENCE)
        assert page.url == f"{named.pages}{BASE}{PAGE}"
        yield context
        context.close()


@pytest.fixture
def page(named: Subdomains, dana: BrowserContext) -> Iterator[Page]:
    """The page of requests, open."""
    opened = dana.new_page()
    opened.goto(f"{named.pages}{BASE}{PAGE}")
    yield opened
    opened.close()


def state(named: Subdomains, one: Joining) -> str:
    with named.client(named.token("alice")) as alice:
        return next(found.state for found in alice.joins() if found.id == one.id)


def test_a_steward_decides_with_a_click_at_the_vaults_own_host(
    named: Subdomains, asked: tuple[Joining, Joining], page: Page, tmp_path: Path
) -> None:
    expect(page.get_by_text("You signed in with the Hub 0 minutes ago")).to_be_visible(timeout=PATIENCE)
    wanted = page.locator("form").filter(has=page.locator(f'input[value="{asked[0].id}"]'))
    page.screenshot(path=tmp_path / "before.png")
    wanted.get_by_role("button", name="Allow").click()
    expect(page.get_by_role("heading", name="oncology/visits, secret: allowed")).to_be_visible(timeout=PATIENCE)
    page.screenshot(path=tmp_path / "after.png")
    assert page.url == f"{named.pages}{BASE}{PAGE}"
    assert (state(named, asked[0]), state(named, asked[1])) == ("allowed", "asked")
    with named.client(named.token("dana")) as steward:
        entry = parse_entry(steward.audit(by="dana", limit=1)[0].body)
    assert (entry.act, entry.via) == ("join.allow", "browser")


def test_the_browser_shows_her_cookie_to_the_vault_alone(named: Subdomains, dana: BrowserContext) -> None:
    (ours,) = [one for one in dana.cookies() if one["name"] == "securecollab-session"]
    assert ours["domain"] == "securecollab--service.hub.localhost" and ours["path"] == BASE
    assert ours["secure"] and ours["httpOnly"] and ours["sameSite"] == "Lax"
    for elsewhere in (named.entrance, named.entrance.replace("hub.", "alice.hub."), f"{named.pages}/user/alice"):
        assert "securecollab-session" not in [one["name"] for one in dana.cookies(elsewhere)]


READ = "url => fetch(url, {credentials: 'include'}).then(() => 'read', error => error.name)"
SEND = """([url, fields]) => {
    const form = Object.assign(document.createElement("form"), {method: "post", action: url});
    for (const [name, value] of Object.entries(fields)) {
        form.append(Object.assign(document.createElement("input"), {name, value}));
    }
    document.body.append(form);
    form.submit();
}"""


def test_code_at_the_notebooks_hosts_neither_reads_the_page_nor_presses_its_buttons(
    named: Subdomains, asked: tuple[Joining, Joining], dana: BrowserContext, page: Page
) -> None:
    """Even if it knew what stands in the form: the browser says where it came from, and sends her cookie along."""
    xsrf = page.locator('input[name="_xsrf"]').first.get_attribute("value")
    elsewhere = dana.new_page()
    elsewhere.goto(f"{named.entrance}/hub/home")
    expect(elsewhere.get_by_role("button", name="Logout")).to_be_visible(timeout=PATIENCE)
    url = f"{named.pages}{BASE}{PAGE}"
    assert elsewhere.evaluate(READ, url) == "TypeError"
    fields = {"_xsrf": xsrf, "id": asked[1].id, "answer": "yes"}
    with elsewhere.expect_navigation() as landed:
        elsewhere.evaluate(SEND, [url, fields])
    assert landed.value.status == 403 and landed.value.url == url
    expect(elsewhere.get_by_text("another site may not ask in your name")).to_be_visible(timeout=PATIENCE)
    assert state(named, asked[1]) == "asked"
    with page.expect_navigation() as landed:
        page.evaluate(SEND, [url, fields])  # the same from the vault's own page
    assert landed.value.status == 200 and state(named, asked[1]) == "allowed"
    elsewhere.close()
