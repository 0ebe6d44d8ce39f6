"""What people see of the record of executions: whether there is one, what it keeps, and that nothing hides it."""

from __future__ import annotations

import json
import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab_screen import Lab, Screen
from playwright.sync_api import Locator, expect

from demo.team import found, serve

REFRESH = "Refresh Secure Collaboration"
STOCK = "jupyter_server.services.kernels.connection.channels.ZMQChannelsWebsocketConnection"
RECORDED = "What you execute in this notebook is recorded."
# The lowest contrast of any text in an element with what is behind it (WCAG 2.2, 1.4.3).
CONTRAST = """element => {
  const rgba = color => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const over = ([r, g, b, a = 1], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a)];
  const behind = node => {
    if (!node) return [255, 255, 255];
    const color = rgba(getComputedStyle(node).backgroundColor);
    return color[3] === 0 ? behind(node.parentElement) : over(color, behind(node.parentElement));
  };
  const light = color => {
    const linear = one => one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = color.map(one => linear(one / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ratio = node => {
    const back = behind(node);
    const [dark, bright] = [light(over(rgba(getComputedStyle(node).color), back)), light(back)].sort((a, b) => a - b);
    return (bright + 0.05) / (dark + 0.05);
  };
  const holdsText = node => [...node.childNodes].some(one => one.nodeType === Node.TEXT_NODE);
  const written = [...element.querySelectorAll('*')].filter(holdsText);
  return Math.min(...written.map(ratio));
}"""


@contextmanager
def configured(folder: Path, configuration: str, theme: str = "JupyterLab Light") -> Iterator[Lab]:
    """A server whose operator has this in the configuration in his home."""
    team = found(folder / "team")
    (team.home / "config" / "jupyter_server_config.py").write_text(f"c = get_config()\n{configuration}\n")
    themed = {"@jupyterlab/apputils-extension:themes": {"theme": theme}}
    (team.home / "config" / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(themed))
    with serve(team) as address:
        yield Lab(address, team)


@contextmanager
def disk_full(lab: Lab) -> Iterator[None]:
    """No file of the server's can be written any more."""
    (said,) = (lab.team.home / "runtime").glob("jpserver-*.json")
    pid = json.loads(said.read_text())["pid"]
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def notice(screen: Screen) -> Locator:
    """What stands above the notebook in front."""
    front = screen.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    return front.get_by_role("region", name="What is recorded of this notebook")


def status(screen: Screen) -> Locator:
    """What the panel says about the record."""
    return screen.panel.locator(".jp-SecureCollab-recorded")


def test_a_notebook_says_what_is_kept_until_that_is_understood(lab, sit_down):
    path, other = lab.notebook("told.ipynb", "40 + 2"), lab.notebook("other.ipynb", "1")
    bob = sit_down("bob", path)
    expect(notice(bob)).to_match_aria_snapshot("""
      - region "What is recorded of this notebook":
        - strong: What you execute in this notebook is recorded.
        - text: /Kept. your name and the time, .*length and keyed hash of the code.* Not kept. the code, what it prints/
        - button "What exactly is recorded"
        - button "Understood"
    """)
    for width in (1300, 700):
        bob.page.set_viewport_size({"width": width, "height": 850})
        expect(notice(bob).get_by_role("button", name="Understood")).to_be_in_viewport(ratio=1)
        bob.page.wait_for_function("one => one.scrollHeight <= one.clientHeight", arg=notice(bob).element_handle())
    bob.page.reload()
    expect(notice(bob)).to_be_visible(timeout=60_000)  # nobody has said that it was understood
    notice(bob).get_by_role("button", name="Understood").click()
    expect(notice(bob)).to_have_count(0)
    expect(bob.run(0)).to_contain_text("42")
    bob.page.keyboard.press("Control+S")
    saved = lab.team.home / "work" / path
    expect(bob.page.locator(".jp-Document.jp-mod-dirty, .lm-TabBar-tab.jp-mod-dirty")).to_have_count(0)
    bob.page.wait_for_timeout(500)
    assert "42" in saved.read_text() and "ecorded" not in saved.read_text()
    bob.visit(lab.link("bob", path))
    bob.show_panel()
    expect(status(bob)).to_be_visible()  # so it is known here that there is a record
    expect(notice(bob)).to_have_count(0)
    bob.visit(lab.link("bob", other))
    expect(notice(bob)).to_contain_text(RECORDED)


def test_who_comes_next_to_the_same_browser_is_told_too(lab, sit_down):
    path = lab.notebook("both.ipynb", "1")
    bob = sit_down("bob", path)
    notice(bob).get_by_role("button", name="Understood").click()
    bob.page.goto(lab.link("alice", path))
    bob.page.get_by_role("button", name="Continue as alice").click()
    expect(notice(bob)).to_contain_text(RECORDED, timeout=60_000)


def test_the_guide_is_one_key_away_and_so_is_the_notebook_again(lab, sit_down):
    bob = sit_down("bob", lab.notebook("keys.ipynb", "1"))
    guide = notice(bob).get_by_role("button", name="What exactly is recorded")
    guide.focus()
    bob.page.keyboard.press("Enter")
    page = bob.page.locator("#jupyter-securecollab-guide")
    expect(page.get_by_role("heading", name="What is recorded of what you execute")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="outputs, results, the text of an error")).to_be_visible()
    bob.page.get_by_role("tab", name="keys.ipynb").click()
    guide.focus()
    bob.page.keyboard.press("Tab")
    expect(notice(bob).get_by_role("button", name="Understood")).to_be_focused()
    bob.page.keyboard.press("Enter")
    expect(notice(bob)).to_have_count(0)
    expect(bob.page.locator(".jp-Notebook :focus, .jp-Notebook:focus")).to_have_count(1)


def test_the_panel_says_that_executions_are_recorded_and_when_the_vault_cannot_write(lab, sit_down):
    bob = sit_down("bob", lab.notebook("full.ipynb", "40 + 2"))
    bob.show_panel()
    expect(status(bob)).to_have_role("status")
    expect(status(bob)).to_contain_text(
        re.compile("Executions are recorded.*When the vault cannot write, cells still run")
    )
    with disk_full(lab):
        expect(bob.run(0)).to_contain_text("42")
        bob.command(REFRESH)
        expect(status(bob)).to_contain_text("the vault cannot write records")
        expect(status(bob)).to_have_role("alert")
        expect(notice(bob)).to_contain_text("not all of it is just now")
    expect(bob.run(0)).to_contain_text("42")
    for _ in range(20):
        bob.command(REFRESH)
        bob.page.wait_for_timeout(500)
        if status(bob).get_attribute("role") == "status":
            break
    expect(status(bob)).to_contain_text("Executions are recorded.")
    expect(notice(bob)).to_contain_text(RECORDED)


def test_block_says_so_and_refuses_in_the_cell_what_it_cannot_record(tmp_path, stranger):
    bob = stranger()
    with configured(
        tmp_path, "c.SecureCollabApp.record_executions = 'block'; c.SecureCollabApp.record_code = 'plain'"
    ) as lab:
        bob.visit(lab.link("bob", lab.notebook("work.ipynb", "40 + 2", "1")))
        bob.show_panel()
        expect(status(bob)).to_have_role("status")
        expect(status(bob)).to_contain_text("Executions are recorded.")
        expect(status(bob)).to_contain_text("What cannot be recorded is not executed.")
        expect(notice(bob)).to_contain_text(RECORDED)
        expect(notice(bob)).to_contain_text("Kept too: the code itself, as you type it.")
        expect(notice(bob)).not_to_contain_text("Not kept: the code,")
        assert min(one.evaluate(CONTRAST) for one in (notice(bob), status(bob))) >= 4.5
        expect(bob.run(0)).to_contain_text("42")
        with disk_full(lab):
            bob.cells.nth(1).locator(".cm-content").click()
            bob.page.keyboard.press("Control+Enter")
            expect(bob.cells.nth(1)).to_contain_text(
                "this was not executed: it cannot be put on record", timeout=60_000
            )
            bob.command(REFRESH)
            expect(status(bob)).to_have_role("alert")
            expect(status(bob)).to_contain_text("the vault cannot write records")
    assert bob.errors == []


def test_off_is_said_and_no_notebook_claims_a_record(tmp_path, stranger):
    bob = stranger()
    with configured(tmp_path, "c.SecureCollabApp.record_executions = 'off'") as lab:
        bob.visit(lab.link("bob", lab.notebook("work.ipynb", "1")))
        bob.show_panel()
        expect(status(bob)).to_have_role("alert")
        expect(status(bob)).to_contain_text("Executions are not recorded.")
        expect(status(bob)).to_contain_text("An administrator switched the recording of executions off.")
        assert status(bob).evaluate(CONTRAST) >= 4.5
        expect(notice(bob)).to_have_count(0)


def test_a_configuration_that_replaces_our_classes_is_said_in_panel_and_notebook(tmp_path, stranger):
    bob = stranger()
    swapped = f"c.ServerApp.kernel_websocket_connection_class = {STOCK!r}"
    with configured(tmp_path, swapped, "JupyterLab Dark") as lab:
        bob.visit(lab.link("bob", lab.notebook("work.ipynb", "1")))
        bob.show_panel()
        expect(status(bob)).to_have_role("alert")
        expect(status(bob)).to_contain_text("Executions are not, or not all, recorded.")
        expect(status(bob)).to_contain_text("Another websocket class is in use: executions are NOT recorded.")
        expect(notice(bob)).to_contain_text("not all of it is just now")
        expect(notice(bob)).not_to_contain_text(RECORDED)
        assert min(one.evaluate(CONTRAST) for one in (notice(bob), status(bob))) >= 4.5
