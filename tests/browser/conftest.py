"""JupyterLab as its people see it: a real server with the demo's accounts, in Debian's Chromium."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab_screen import Lab, Screen, started
from playwright.sync_api import Browser

from demo.team import found, serve


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with started() as browser:
        yield browser


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A vault with alice, bob, dana and carol, and a server, for the tests of one module."""
    team = found(tmp_path_factory.mktemp("home") / "team")
    every_cell = {"@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"}}  # in the page, in view or not
    (team.home / "config" / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(every_cell))
    with serve(team) as address:
        yield Lab(address, team)


@pytest.fixture
def stranger(chromium: Browser, tmp_path: Path) -> Iterator[Callable[[], Screen]]:
    """`stranger()`: a browser nobody has signed in."""
    screens: list[Screen] = []

    def come() -> Screen:
        screens.append(Screen(chromium, tmp_path / f"{len(screens)}.har"))
        return screens[-1]

    yield come
    for screen in screens:
        screen.context.close()


@pytest.fixture
def sit_down(stranger: Callable[[], Screen], lab: Lab) -> Iterator[Callable[..., Screen]]:
    """`sit_down("bob", "a.ipynb")`: bob at a browser of his own, signed in, JupyterLab with that notebook open."""
    screens: list[Screen] = []

    def sit(person: str, path: str = "") -> Screen:
        screens.append(stranger())
        screens[-1].visit(lab.link(person, path))
        return screens[-1]

    yield sit
    assert [screen.errors for screen in screens if screen.errors] == []
