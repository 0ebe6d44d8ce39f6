"""The sidebar: current without a reload, a click away from the view one may see, safe, and usable by keyboard."""

from __future__ import annotations

import pandas as pd
import pytest
from lab_screen import CLASSIFY, READ
from playwright.sync_api import expect

from demo.team import HERE

SHARE = "%share patients --as oncology/patients --with @analysts --until 30d --yes"
KEEP = "%share patients --as oncology/private --yes"


@pytest.fixture(scope="module")
def shared(lab):
    """Alice's frame, shared with bob's group."""
    lab.runs("alice", READ, CLASSIFY, SHARE)


def clear_values(column):
    values = pd.read_csv(HERE / "data" / "patients.csv", dtype=str)[column].dropna().unique()
    return [value.encode() for value in values]


def leaked(values, seen):
    return [value for value in values if value in seen]


def test_a_share_appears_in_an_open_panel_without_reload_and_what_is_not_shared_does_not(lab, sit_down):
    bob = sit_down("bob")
    expect(bob.show_panel()).to_contain_text("Nothing is shared with you yet.")
    bob.page.evaluate("window.sameAsBefore = true")
    lab.runs("alice", READ, CLASSIFY, KEEP, SHARE)
    expect(bob.row("oncology/patients")).to_contain_text("frame · from alice · until")
    expect(bob.panel.get_by_role("option")).to_have_count(1)
    assert bob.page.evaluate("window.sameAsBefore")


def test_ended_access_disappears_from_an_open_panel(lab, sit_down):
    lab.runs("alice", READ, "%share patients --as oncology/brief --with bob --yes")
    bob = sit_down("bob")
    bob.show_panel()
    expect(bob.row("oncology/brief")).to_be_visible()
    lab.runs("alice", "%unshare oncology/brief --with bob")
    expect(bob.row("oncology/brief")).to_have_count(0)


@pytest.mark.usefixtures("shared")
def test_a_click_inserts_the_cell_that_opens_the_masked_frame(lab, sit_down):
    bob = sit_down("bob", lab.notebook("work.ipynb", "", "patients[['SSN', 'LAST', 'HEALTHCARE_EXPENSES']]"))
    bob.show_panel()
    bob.row("oncology/patients").click()
    expect(bob.cells.nth(1).locator(".cm-content")).to_have_text("patients = %open oncology/patients")
    expect(bob.cells.nth(1).locator(".jp-InputPrompt")).to_have_text("[ ]:")  # running it is his own act
    expect(bob.run(1)).to_contain_text("SSN")
    expect(bob.run(2)).to_contain_text("271227.08")
    seen = bob.page.content().encode() + bob.leave()
    assert b"271227.08" in seen
    for column in ("SSN", "DRIVERS", "PASSPORT", "ADDRESS"):
        assert leaked(clear_values(column), seen) == []


@pytest.mark.usefixtures("shared")
def test_the_owner_sees_her_asset_as_hers_and_in_the_clear(lab, sit_down):
    alice = sit_down("alice", lab.notebook("hers.ipynb", "patients = %open oncology/patients", "patients['SSN'][:3]"))
    section = alice.show_panel().get_by_role("listbox", name="Mine")
    expect(section.get_by_role("option").filter(has_text="oncology/patients")).to_contain_text("secret")
    alice.run(0)
    expect(alice.run(1)).to_contain_text("999-76-6866")
    assert leaked(clear_values("SSN"), alice.leave())  # so the search for values elsewhere can find some


@pytest.mark.usefixtures("shared")
def test_the_keyboard_alone_reaches_the_panel_moves_and_inserts(lab, sit_down):
    lab.runs("alice", READ, "%share patients --as oncology/second --with bob --yes")
    bob = sit_down("bob", lab.notebook("keys.ipynb", "1"))
    bob.command("Secure Collaboration")
    rows = bob.panel.get_by_role("option")
    expect(rows).not_to_have_count(0)
    expect(rows.first).to_be_focused()
    bob.page.keyboard.press("End")
    expect(rows.last).to_be_focused()
    bob.page.keyboard.press("ArrowUp")
    expect(rows.last).not_to_be_focused()
    bob.page.keyboard.press("Home")
    name = rows.first.locator(".jp-SecureCollab-name").inner_text()
    bob.page.keyboard.press("Enter")
    expect(bob.cells.nth(1).locator(".cm-content")).to_contain_text(f"= %open {name}")


@pytest.mark.usefixtures("shared")
def test_the_panel_tells_a_screen_reader_what_it_holds(sit_down):
    bob = sit_down("bob")
    bob.show_panel()
    expect(bob.row("oncology/patients")).to_be_visible()
    expect(bob.panel).to_match_aria_snapshot("""
      - region "Secure collaboration":
        - strong: bob
        - text: /you read up to internal/
        - region:
          - heading /Shared with me/ [level=3]
          - region /Shared with me/:
            - listbox "Shared with me":
              - option /oncology.patients internal frame · from alice · until/
          - heading /Mine/ [level=3]
          - region /Mine/: Share something with %share, and it stands here.
    """)
