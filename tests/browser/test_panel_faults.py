"""The sidebar when the server's half is away, and when it comes back."""

from __future__ import annotations

import re

import pytest
from lab_screen import Lab
from playwright.sync_api import expect

from demo.team import found, serve

REFRESH = "Refresh Secure Collaboration"
FRAME = "import pandas as pd\nframe = pd.DataFrame({'a': [1]})"


@pytest.fixture
def team(tmp_path):
    return found(tmp_path / "team")


def test_a_server_that_goes_away_is_said_and_its_return_shows_the_list(team, stranger):
    bob = stranger()
    with serve(team) as address:
        lab = Lab(address, team)
        lab.runs("alice", FRAME, "%share frame --as oncology/small --with bob --yes")
        bob.visit(lab.link("bob"))
        bob.show_panel()
        expect(bob.row("oncology/small")).to_be_visible()
    bob.page.get_by_label("Do not show this message again").check()  # JupyterLab's own, once it notices
    bob.page.get_by_role("button", name="Close").click()
    bob.command(REFRESH)
    expect(bob.panel.get_by_role("alert")).to_contain_text("The vault does not answer.")
    expect(bob.row("oncology/small")).to_have_count(0)
    with serve(team, int(address.rpartition(":")[2])):
        bob.command(REFRESH)
        expect(bob.row("oncology/small")).to_be_visible()
        expect(bob.panel.get_by_role("alert")).to_have_count(0)


def test_a_server_without_the_extension_is_told_what_to_install(team, stranger):
    bob = stranger()
    with serve(team) as address:
        nowhere = f"{address}/served/by/nobody"
        bob.page.route(re.compile("/securecollab/api/"), lambda route: route.continue_(url=nowhere))
        bob.visit(Lab(address, team).link("bob"))
        alert = bob.show_panel().get_by_role("alert")
        expect(alert).to_contain_text("The server half of Secure collaboration is not running.")
        expect(alert).to_contain_text("Install jupyter-securecollab")
