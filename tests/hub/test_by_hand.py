"""`make hub` as a person meets it: who may sign in, and that nothing is left of it afterwards."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from by_hand import ByHand

PROGRAM = Path(__file__).parent / "by_hand.py"


def test_who_is_not_root_is_told_so(tmp_path: Path) -> None:
    source = f"import os, runpy\nos.geteuid = lambda: 1000\nrunpy.run_path({str(PROGRAM)!r}, run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": str(PROGRAM.parent)}, cwd=tmp_path)  # fmt: skip
    assert done.returncode == 1 and "only root can" in done.stderr and done.stdout == ""


@pytest.fixture
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
        return browser.post("/hub/login", data=form).status_code == 200


@pytest.mark.timeout(300)
def test_three_people_sign_in_and_nothing_is_left_afterwards(shown: tuple[subprocess.Popen[str], str]) -> None:
    process, text = shown
    address = re.findall(r"http://\S+:\d+", text)[0]
    passwords = dict(re.findall(r"^  (\w+) +(\S+)$", text, re.MULTILINE))
    assert passwords.keys() == ByHand.UIDS.keys()
    for name, password in passwords.items():
        assert signed_in(address, name, password) and not signed_in(address, name, "wrong")
    assert not signed_in(address, "eve", "") and not signed_in(address, "root", passwords["alice"])
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 0
    ours = {*ByHand.UIDS.values(), ByHand.SERVICE_UID}
    assert [path for path in Path("/proc").glob("[0-9]*") if path.exists() and path.stat().st_uid in ours] == []
    with pytest.raises(httpx.TransportError):
        httpx.get(address, trust_env=False)
    left = [path / "vault" for path in Path("/tmp").glob("securecollab-hub-*")]
    assert [path for path in left if path.exists() and path.stat().st_uid == ByHand.SERVICE_UID] == []
