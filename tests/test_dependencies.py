"""Every dependency has its reason in docs/dependencies.md, and lock files hold versions and hashes but no addresses."""

from __future__ import annotations

import ast
import json
import re
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest

from jupyter_securecollab import __version__

ROOT = Path(__file__).parent.parent
NODE = {"labextension": 100, "tests/hub/proxy": 30}
"""Where there is a lock file of npm's, and at least how many packages it names."""


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    wanted = [*project["build-system"]["requires"], *project["project"]["dependencies"], *chain(*extras)]
    names = {re.split(r"[\[<>=~! ]", one)[0] for one in wanted} - {"jupyter-securecollab"}
    for place in NODE:
        package = json.loads((ROOT / place / "package.json").read_text())
        names |= {*package["dependencies"], *package.get("devDependencies", ())}
    return names


def explained() -> set[str]:
    rows = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs" / "dependencies.md").read_text(), re.MULTILINE)
    return {name for row in rows for name in row.split(", ")} - {"package"}


def test_every_dependency_is_explained_and_nothing_else() -> None:
    assert explained() == declared()


def imported() -> set[str]:
    """Every top-level package that the package's own modules import."""
    names = set()
    for path in (ROOT / "jupyter_securecollab").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names


def test_every_import_is_declared() -> None:
    with_jupyter_server = {"jinja2", "jupyter_client", "jupyter_core", "jupyter_events", "tornado", "zmq"}
    known_as = {"sklearn": "scikit-learn", "argon2": "argon2-cffi", "IPython": "ipython"}
    known_as |= {"presidio_analyzer": "presidio-analyzer", "yaml": "pyyaml"}
    foreign = imported() - sys.stdlib_module_names - with_jupyter_server - {"jupyter_securecollab"}
    assert len(foreign) > 10
    assert {known_as.get(name, name) for name in foreign} - declared() == set()


@pytest.mark.parametrize("lock", ["requirements/run.txt", "requirements/dev.txt"])
def test_python_locks_pin_by_hash_and_name_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    pinned = re.findall(r"^[A-Za-z0-9_.\[\]-]+==\S+", text, re.MULTILINE)
    assert len(pinned) > 50
    assert text.count(" \\\n    --hash=sha256:") >= len(pinned)
    assert "://" not in text


@pytest.mark.parametrize("place", NODE)
def test_npm_locks_pin_by_hash_and_name_no_registry(place: str) -> None:
    lock = json.loads((ROOT / place / "package-lock.json").read_text())
    packages = {path: entry for path, entry in lock["packages"].items() if path}
    assert len(packages) > NODE[place]
    assert [path for path, entry in packages.items() if "resolved" in entry] == []
    assert [path for path, entry in packages.items() if "integrity" not in entry] == []


def test_both_halves_have_one_version() -> None:
    assert json.loads((ROOT / "labextension" / "package.json").read_text())["version"] == __version__
