"""A person's screen, driven as a person does, and what came over the network to it; and what others do meanwhile."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Locator, expect, sync_playwright

from demo.team import Team
from demo.websocket import NotebookSession, text_of

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}}
READ = 'import pandas as pd\npatients = pd.read_csv("data/patients.csv", dtype=str)'
CLASSIFY = "%classify patients --set BIRTHDATE=internal --set DEATHDATE=internal --set ZIP=internal --accept"


BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def started() -> Iterator[Browser]:
    """The system's Chromium. Without one a test is skipped, in CI it fails."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        missing = "the browser tests need Chromium: apt-get install chromium fonts-dejavu-core"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    # A container has little shared memory, and its root user no sandbox.
    arguments = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@dataclass(frozen=True)
class Lab:
    """A running server and its people."""

    address: str
    team: Team

    def link(self, person: str, path: str = "") -> str:
        """The address that `make lab` prints for this person, with nothing open from before but the notebook named."""
        tree = f"/tree/{path}" if path else ""
        return f"{self.address}/lab/workspaces/{person}{tree}?token={self.team.tokens[person]}&reset"

    def notebook(self, path: str, *sources: str) -> str:
        """Write a notebook with these cells; its path."""
        cells = [new_code_cell(source) for source in sources]
        nbformat.write(new_notebook(cells=cells, metadata=KERNEL), self.team.home / "work" / path)
        return path

    def runs(self, person: str, *sources: str) -> list[str]:
        """What these cells say, run by this person in a real kernel, without any browser."""
        cells = [new_code_cell(source) for source in sources]

        async def run() -> None:
            async with NotebookSession(self.address, self.team.tokens[person], f"{person}-elsewhere.ipynb") as session:
                await session.run(cells)

        with ThreadPoolExecutor(1) as elsewhere:  # the event loop of this thread is Playwright's
            elsewhere.submit(asyncio.run, run()).result()
        return [text_of(cell) for cell in cells]


class Screen:
    """One browser of one person."""

    def __init__(self, browser: Browser, recording: Path) -> None:
        self._recording = recording
        self.context = browser.new_context(
            viewport={"width": 1300, "height": 850},
            record_har_path=recording,
            record_har_content="embed",
            record_har_url_filter=re.compile(r"^(?!.*/static/)"),
        )
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self._frames: list[bytes] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._keep))

    def _keep(self, frame: str | bytes) -> None:
        self._frames.append(frame.encode() if isinstance(frame, str) else frame)

    @property
    def panel(self) -> Locator:
        """The sidebar of ours."""
        return self.page.locator("#jupyter-securecollab-panel")

    @property
    def cells(self) -> Locator:
        """The code cells of the notebook in front."""
        return self.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell")

    @property
    def _palette(self) -> Locator:
        return self.page.locator(".lm-CommandPalette-input")

    def visit(self, address: str) -> None:
        """Open JupyterLab there, and wait until it has everything in place."""
        self.page.goto(address)
        self.wait_for_lab()
        if "/tree/" in address:  # without a kernel, running a cell would ask for one
            expect(self.page.get_by_role("button", name="Python 3 (ipykernel) | Idle")).to_be_visible(timeout=60_000)

    def wait_for_lab(self, seconds: int = 60) -> None:
        """Until JupyterLab is there and its shortcuts work."""
        tab = self.page.get_by_role("tab", name="Secure collaboration")
        expect(tab).to_be_visible(timeout=seconds * 1000)
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0)
        while not self._palette.is_visible():  # shortcuts come to life last, and nothing shows that they have
            self.page.keyboard.press("Control+Shift+C")
            self.page.wait_for_timeout(200)
        self.page.keyboard.press("Escape")
        expect(self._palette).to_be_hidden()

    def show_panel(self) -> Locator:
        """Click the sidebar's tab; the panel."""
        self.page.get_by_role("tab", name="Secure collaboration").click()
        expect(self.panel).to_be_visible()
        return self.panel

    def row(self, text: str) -> Locator:
        """A row of the panel's lists."""
        return self.panel.get_by_role("option").filter(has_text=text)

    def command(self, label: str) -> None:
        """Choose a command in the palette, with the keyboard."""
        self.page.keyboard.press("Control+Shift+C")
        self._palette.fill(label)
        expect(self.page.locator(".lm-CommandPalette-item.lm-mod-active")).to_contain_text(label)
        self.page.keyboard.press("Enter")

    def run(self, index: int) -> Locator:
        """Run a cell; its output, once it has finished."""
        cell = self.cells.nth(index)
        cell.locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")
        expect(cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"), timeout=60_000)
        return cell.locator(".jp-Cell-outputArea")

    def leave(self) -> bytes:
        """Close the browser; everything that the server's own routes had sent to it, in one piece."""
        self.context.close()
        bodies = [entry["response"]["content"] for entry in json.loads(self._recording.read_text())["log"]["entries"]]
        return b"\n".join([*map(_bytes, bodies), *self._frames])


def _bytes(content: dict[str, str]) -> bytes:
    """A body as a HAR file holds it (http://www.softwareishard.com/blog/har-12-spec/#content)."""
    text = content.get("text", "")
    return base64.b64decode(text) if content.get("encoding") == "base64" else text.encode()
