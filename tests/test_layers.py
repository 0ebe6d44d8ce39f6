"""Who may import whom holds, and the contracts that say so catch what they are there for."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = "jupyter_securecollab"

# (the file that breaks the rule, what it must not import)
FORBIDDEN = [
    ("notebook/planted.py", "core.ports"),
    ("notebook/planted.py", "server.extension.app"),
    ("notebook/planted.py", "adapters.sql"),
    ("frames/planted.py", "core.ports"),
    ("frames/planted.py", "protocol"),
    ("frames/planted.py", "sealed.blob"),
    ("frames/planted.py", "carried.find"),
    ("carried/planted.py", "sealed.blob"),
    ("carried/planted.py", "notebook.verbs"),
    ("server/handlers.py", "carried.find"),
    ("sealed/planted.py", "client"),
    ("sealed/planted.py", "notebook.verbs"),
    ("client.py", "core.collaboration"),
    ("client.py", "sealed.blob"),
    ("protocol.py", "client"),
    ("protocol.py", "core.ports"),
    ("core/planted.py", "protocol"),
    ("core/planted.py", "adapters.sql"),
    ("core/planted.py", "client"),
    ("server/handlers.py", "adapters.objects"),
    ("server/extension/app.py", "adapters.objects"),
    ("server/handlers.py", "core.audit"),
    ("server/handlers.py", "core.keys"),
    ("server/handlers.py", "frames.mask"),
    ("adapters/keyfile.py", "adapters.sql"),
    ("adapters/keyfile.py", "core.keys"),
    ("adapters/keyfile.py", "server.extension.app"),
    ("cli.py", "adapters.sql"),
    ("cli.py", "core.audit"),
    ("proofs.py", "core.ports"),
    ("proofs.py", "client"),
    ("manifest.py", "sealed.blob"),
    ("model.py", "protocol"),
    ("errors.py", "client"),
]
FOREIGN = [("core/planted.py", "tornado.web"), ("core/planted.py", "sqlalchemy"), ("manifest.py", "pandas")]
ALLOWED = [
    ("server/handlers.py", "core.collaboration"),
    ("server/handlers.py", "protocol"),
    ("server/vault.py", "adapters.objects"),
    ("adapters/keyfile.py", "core.ports"),
    ("cli.py", "server.vault"),
    ("core/planted.py", "proofs"),
    ("client.py", "proofs"),
    ("carried/planted.py", "frames.classify"),
    ("sealed/planted.py", "manifest"),
]


def contracts(folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"]
    return subprocess.run(
        [*command, "--no-cache"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copy(ROOT / ".importlinter", tmp_path)
    shutil.copytree(ROOT / PACKAGE, tmp_path / PACKAGE, ignore=shutil.ignore_patterns("__pycache__", "labextension"))
    return tmp_path


def plant(folder: Path, file: str, imported: str) -> None:
    with (folder / PACKAGE / file).open("a") as module:
        module.write(f"\nimport {imported}\n")


def module_of(file: str) -> str:
    return f"{PACKAGE}.{file.removesuffix('.py').replace('/', '.')}"


def test_layers_hold() -> None:
    result = contracts(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


def test_what_may_be_imported_may(copy: Path) -> None:
    for file, imported in ALLOWED:
        plant(copy, file, f"{PACKAGE}.{imported}")
    result = contracts(copy)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_planted_violation_is_named(copy: Path) -> None:
    planted = [(file, f"{PACKAGE}.{imported}") for file, imported in FORBIDDEN] + FOREIGN
    for file, imported in planted:
        plant(copy, file, imported)
    result = contracts(copy)
    assert result.returncode == 1
    # a report names the import itself, on a line of its own or at the end of a chain
    missed = [
        (file, imported)
        for file, imported in planted
        if f"{module_of(file)} -> {imported.removesuffix('.web')} " not in result.stdout.replace("\n", " ")
    ]
    assert missed == []


def face_imports(source: str, depth: int) -> set[str]:
    """What a module `depth` packages down takes from the package itself rather than from one of its modules."""
    modules = {path.stem for path in (ROOT / PACKAGE).iterdir()}
    top = {(0, PACKAGE), (depth, None)}
    nodes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom)]
    names = {alias.name for node in nodes if (node.level, node.module) in top for alias in node.names}
    return names - modules - {"__version__"}


def test_nobody_inside_uses_the_public_face() -> None:
    assert face_imports(f"from {PACKAGE} import share, model", 1) == {"share"}
    assert face_imports("from .. import share, errors, __version__\nfrom . import other", 2) == {"share"}
    folder = ROOT / PACKAGE
    used = {path: face_imports(path.read_text(), len(path.relative_to(folder).parts)) for path in folder.rglob("*.py")}
    assert {path: names for path, names in used.items() if names} == {}
