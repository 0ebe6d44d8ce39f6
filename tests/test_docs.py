"""Every route, setting, command, policy and error is documented, and nothing is documented that is not there."""

from __future__ import annotations

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import jupyter_securecollab
from jupyter_securecollab.cli import _parser
from jupyter_securecollab.errors import SecureCollabError, by_code
from jupyter_securecollab.protocol import COMMIT_BODY, ROUTES, SMALL_BODY
from jupyter_securecollab.server.base import HTTP_STATUS
from jupyter_securecollab.server.extension.app import SecureCollabApp
from jupyter_securecollab.server.extension.attached import VaultElsewhere
from jupyter_securecollab.server.service.metrics import Loaded, Metrics

DOCS = Path(__file__).parent.parent / "docs"
CORE = Path(jupyter_securecollab.__file__).parent / "core"


def rows(page: str) -> Iterator[list[str]]:
    """The rows of every table on a page, as cells."""
    for line in (DOCS / page).read_text("utf-8").splitlines():
        if line.startswith("| ") and not line.startswith("|---"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


def coded(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_every_route_is_in_the_protocol_with_method_and_path() -> None:
    described = {cells[0].strip("`"): coded(cells[1]) + cells[1].split()[:1] for cells in rows("spec/protocol.md")}
    for one in ROUTES:
        assert described.get(one.name) == [one.path, one.method], one.name
    named = {name for name, where in described.items() if where and where[-1] in ("GET", "POST", "PUT", "DELETE")}
    assert named == {one.name for one in ROUTES}


def test_every_error_code_is_in_the_protocol_with_its_status() -> None:
    described: dict[str, set[str]] = {}
    for cells in rows("spec/protocol.md"):
        if len(cells) == 3 and cells[1].isdigit():
            for code in coded(cells[0]):
                described.setdefault(code, set()).add(cells[1])
    statuses = {
        code: next(HTTP_STATUS[one] for one in kind.__mro__ if one in HTTP_STATUS) for code, kind in by_code().items()
    }
    assert described.keys() == statuses.keys()
    for code, status in statuses.items():
        assert str(status) in described[code], code


def test_limits_are_those_of_the_protocol() -> None:
    text = (DOCS / "spec/protocol.md").read_text("utf-8")
    assert f"JSON bodies {SMALL_BODY >> 20} MiB, of a commit {COMMIT_BODY >> 20} MiB" in text


def test_every_setting_is_documented_with_its_default() -> None:
    described = {coded(cells[0])[0]: cells[1].strip("`") for cells in rows("operate/settings.md") if coded(cells[0])}
    settings = SecureCollabApp.class_own_traits(config=True) | VaultElsewhere.class_own_traits(config=True)
    assert described.keys() == settings.keys()
    for name, trait in settings.items():
        if trait.default_value and isinstance(trait.default_value, str | float) and name != "folder":
            assert described[name] == str(trait.default_value)


def commands(parser: argparse.ArgumentParser, words: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not below:
        yield words.strip(), parser
    for action in below:
        for name, child in action.choices.items():
            yield from commands(child, f"{words} {name}")


def test_every_command_is_documented_with_its_options() -> None:
    described = {}
    for cells in rows("guide/cli.md"):
        for spelled in coded(cells[0])[:1]:
            name = re.match(r"[a-z]+( [a-z]+)?", spelled)
            assert name is not None
            described[name[0]] = set(re.findall(r"(?<![a-z-])--?[a-z-]+", spelled))
    found = dict(commands(_parser()))
    assert described.keys() == found.keys()
    for name, parser in found.items():
        spelled = {flag for action in parser._actions for flag in action.option_strings} - {"-h", "--help", "--number"}
        assert described[name] == spelled, name


def test_every_metric_is_documented_and_no_other() -> None:
    told = Metrics().text(Loaded(0, 0, 0), None).decode()
    metrics = {name for name in re.findall(r"^# TYPE (\w+) ", told, re.MULTILINE) if name[-8:] != "_created"}
    described = {name for cells in rows("operate/jupyterhub.md") for name in coded(cells[0]) if "securecollab_" in name}
    assert described == metrics


def policy_ids() -> set[str]:
    """Ids in the Cedar files, and those that the vault's own code gives."""
    cedar = {
        name for file in CORE.glob("policies/*.cedar") for name in re.findall(r'@id\("([^"]+)"\)', file.read_text())
    }
    python = {
        node.value
        for file in CORE.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.fullmatch(r"(deny|allow)\.[a-z_]+", node.value)
    }
    return cedar | python


def test_every_policy_id_is_documented_and_no_other() -> None:
    text = (DOCS / "policy.md").read_text("utf-8")
    assert set(re.findall(r"`((?:deny|allow)\.[a-z_]+)`", text)) == policy_ids()


@pytest.mark.parametrize("code", sorted(by_code().keys() - {SecureCollabError.code}))
def test_every_error_says_in_one_sentence_what_it_is(code: str) -> None:
    doc = by_code()[code].__doc__ or ""
    assert doc.strip().endswith(".") and "\n\n" not in doc


def test_decisions_are_numbered_without_gaps_and_short() -> None:
    found = sorted((DOCS / "adr").glob("*.md"))
    assert [int(path.name[:4]) for path in found] == list(range(1, len(found) + 1))
    for path in found:
        text = path.read_text("utf-8")
        assert 25 <= len(text.splitlines()) <= 60, path.name
        assert all(f"## {part}" in text for part in ("Context", "Decision", "Consequences")), path.name
