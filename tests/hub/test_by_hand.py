"""`make hub` as people meet it in their browsers, behind the Hub's proxy; and that nothing is left of it afterwards."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path

import httpx
import pytest
from by_hand import ByHand
from lab_screen import Screen, started
from playwright.sync_api import Locator, expect
from serving import error_of

from jupyter_securecollab.protocol import PREFIX

pytestmark = pytest.mark.timeout(600)

PROGRAM = Path(__file__).parent / "by_hand.py"


def test_who_is_not_root_is_told_so(tmp_path: Path) -> None:
    source = f"import os, runpy\nos.geteuid = lambda: 1000\nrunpy.run_path({str(PROGRAM)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(PROGRAM.parent)}, cwd=tmp_path)  # fmt: skip
    assert done.returncode == 1 and "only root can" in done.stderr and done.stdout == ""


@pytest.fixture(scope="module")
def shown() -> Iterator[tuple[subprocess.Popen[str], str]]:
    if os.geteuid() != 0 and not os.environ.get("CI"):
        pytest.skip("only root can start servers under other users")
    with subprocess.Popen([sys.executable, str(PROGRAM)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        text = ""
        while "Ctrl-C" not in text:
            line = process.stdout.readline()
            assert line, text
            text += line
        yield process, text
        process.kill()


def signed_in(address: str, name: str, password: str) -> bool:
    with httpx.Client(base_url=address, follow_redirects=True, timeout=60, trust_env=False) as browser:
        browser.get("/hub/login")
        form = {"username": name, "password": password, "_xsrf": browser.cookies["_xsrf"]}
        # To a page that starts nobody's server.
        return browser.post("/hub/login?next=%2Fhub%2Fhome", data=form).status_code == 200


def address_in(text: str) -> str:
    return re.findall(r"http://\S+:\d+", text)[0]


def passwords_in(text: str) -> dict[str, str]:
    return dict(re.findall(r"^  (\w+) +(\S+)$", text, re.MULTILINE))


def test_three_people_sign_in_and_nobody_else(shown: tuple[subprocess.Popen[str], str]) -> None:
    address, passwords = address_in(shown[1]), passwords_in(shown[1])
    assert passwords.keys() == ByHand.UIDS.keys()
    for name, password in passwords.items():
        assert signed_in(address, name, password) and not signed_in(address, name, "wrong")
    assert not signed_in(address, "eve", "") and not signed_in(address, "root", passwords["alice"])


@pytest.fixture
def screens(tmp_path: Path) -> Iterator[Callable[[], Screen]]:
    """`screens()`: a browser nobody has signed in."""
    with started() as browser:
        numbers = count()
        yield lambda: Screen(browser, tmp_path / f"{next(numbers)}.har")


def seen(what: Locator) -> None:
    expect(what).to_be_visible(timeout=60_000)


def sign_in(screen: Screen, address: str, name: str, password: str) -> None:
    screen.page.goto(address)
    screen.page.get_by_label("Username").fill(name)
    screen.page.get_by_label("Password").fill(password)
    screen.page.get_by_role("button", name="Sign in").click()


SHARE = """import pandas as pd
patients = pd.DataFrame({"patient": range(1, 41), "ssn": [f"{n:03}-{n:02}-{n:04}" for n in range(501, 541)]})
%classify patients --set patient=internal ssn=secret --accept
%share patients --as oncology/patients --with bob --yes"""


def test_with_cookies_alone_alice_shares_from_her_browser_and_bob_does_not_get_in_there(
    shown: tuple[subprocess.Popen[str], str], screens: Callable[[], Screen]
) -> None:
    address, passwords = address_in(shown[1]), passwords_in(shown[1])
    alice, bob = screens(), screens()
    sign_in(alice, f"{address}/hub/login", "alice", passwords["alice"])
    alice.wait_for_lab(seconds=180)  # her server starts first
    assert alice.page.url.startswith(f"{address}/user/alice/lab")
    alice.page.locator(".jp-LauncherCard", has_text="Python 3 (ipykernel)").first.click()
    seen(alice.page.get_by_role("button", name="Python 3 (ipykernel) | Idle"))
    alice.cells.first.locator(".cm-content").click()
    alice.page.keyboard.insert_text(SHARE)
    expect(alice.run(0)).to_contain_text("bob")
    alice.show_panel()
    seen(alice.row("oncology/patients"))
    told = alice.page.locator("#jupyter-config-data").text_content()
    headers = {"Authorization": f"token {json.loads(told or '')['token']}"}  # the page's own, for the Hub
    error_of(httpx.get(f"{address}/services/securecollab/{PREFIX}/me", headers=headers, trust_env=False), 403)
    assert "token" not in alice.page.url
    bob.page.goto(f"{address}/user/alice/lab")
    seen(bob.page.get_by_role("button", name="Sign in"))
    sign_in(bob, f"{address}/hub/login?next=%2Fhub%2Fhome", "bob", passwords["bob"])
    seen(bob.page.get_by_role("button", name="Logout"))
    bob.page.goto(f"{address}/user/alice/lab")
    seen(bob.page.get_by_text("403").first)
    assert alice.errors == []


def test_carol_reads_the_log_at_the_vaults_own_page_and_bob_does_not(
    shown: tuple[subprocess.Popen[str], str], screens: Callable[[], Screen]
) -> None:
    address, passwords = address_in(shown[1]), passwords_in(shown[1])
    (page,) = re.findall(r"The vault:  (\S+)", shown[1])
    carol, bob = screens(), screens()
    for screen, name in ((carol, "carol"), (bob, "bob")):
        sign_in(screen, f"{address}/hub/login?next=%2Fhub%2Fhome", name, passwords[name])
        seen(screen.page.get_by_role("button", name="Logout"))
        screen.page.goto(page)
        screen.page.get_by_role("button", name="Authorize").click()
    seen(carol.page.get_by_text("oncology/patients").first)
    assert carol.page.url == page
    expect(bob.page.get_by_text("oncology/patients")).to_have_count(0)


def processes_of(uids: set[int]) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            if path.stat().st_uid in uids:
                found.append(int(path.name))
    return found


def test_nothing_is_left_of_it(shown: tuple[subprocess.Popen[str], str]) -> None:
    """Not the Hub, nor the server and the kernel that alice has started."""
    process, text = shown
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 0
    ours = {*ByHand.UIDS.values(), ByHand.SERVICE_UID}
    for _ in range(100):  # what was killed takes a moment to be gone
        if not (left := processes_of(ours)):
            break
        time.sleep(0.1)
    assert left == []
    with pytest.raises(httpx.TransportError):
        httpx.get(address_in(text), trust_env=False)
    vaults = [path / "vault" for path in Path("/tmp").glob("securecollab-hub-*")]
    assert [path for path in vaults if path.exists() and path.stat().st_uid == ByHand.SERVICE_UID] == []
