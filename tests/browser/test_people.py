"""Who is who in the browser: two people at one notebook, the login page, links that carry a token, ended accounts."""

from __future__ import annotations

import subprocess
import sys

from playwright.sync_api import expect


def person_of(screen):
    """Who the server says this browser is."""
    return screen.page.evaluate("fetch('/api/me').then(answer => answer.json()).then(me => me.identity?.username)")


def test_two_people_at_one_notebook_have_a_kernel_and_an_identity_each(lab, sit_down):
    path = lab.notebook("ours.ipynb", "%vault", "import os; print('kernel', os.getpid())")
    alice, bob = sit_down("alice", path), sit_down("bob", path)
    said = {}
    for name, screen in (("alice", alice), ("bob", bob)):
        expect(screen.run(0)).to_contain_text(name)
        said[name] = screen.run(1).inner_text()
    assert said["alice"] != said["bob"]
    expect(alice.run(0)).not_to_contain_text("bob")
    assert (person_of(alice), person_of(bob)) == ("alice", "bob")


def test_the_login_page_takes_a_token_and_refuses_another(lab, stranger):
    browser = stranger()
    page = browser.page
    page.goto(f"{lab.address}/lab")
    page.get_by_label("Name").fill("bob")
    page.get_by_label("Password or personal token").fill(lab.team.tokens["alice"])
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_have_text("Name, password or token is wrong.")
    page.get_by_label("Name").fill("bob")
    page.get_by_label("Password or personal token").fill(lab.team.tokens["bob"])
    page.get_by_role("button", name="Sign in").click()
    expect(browser.show_panel()).to_contain_text("bob")
    assert person_of(browser) == "bob"


def test_a_link_for_somebody_else_asks_first(lab, sit_down):
    bob = sit_down("bob")
    bob.page.goto(lab.link("alice"))
    expect(bob.page.get_by_role("heading")).to_have_text("Sign in as alice?")
    bob.page.get_by_role("link", name="Stay bob").click()
    expect(bob.show_panel()).to_contain_text("bob")
    assert person_of(bob) == "bob"
    bob.page.goto(lab.link("alice"))
    bob.page.get_by_role("button", name="Continue as alice").click()
    expect(bob.show_panel()).to_contain_text("alice")
    assert person_of(bob) == "alice"


def test_a_copied_cookie_is_dead_once_the_account_is_disabled(lab, sit_down, stranger):
    carol, browser = sit_down("carol"), stranger()
    browser.context.add_cookies(carol.context.cookies())
    browser.visit(f"{lab.address}/lab")
    assert person_of(browser) == "carol"
    vault = ["--folder", str(lab.team.home / "vault")]
    subprocess.run([sys.executable, "-m", "jupyter_securecollab.cli", *vault, "user", "disable", "carol"], check=True)
    assert person_of(browser) is None
    browser.page.goto(f"{lab.address}/lab")
    expect(browser.page.get_by_role("heading")).to_have_text("Sign in")
