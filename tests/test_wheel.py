"""A wheel, built and installed as somebody would who has Python and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from uv import find_uv_bin

ROOT = Path(__file__).parent.parent
UV = find_uv_bin()
LEFT_OUT = shutil.ignore_patterns("node_modules", "lib", "__pycache__", "*.tsbuildinfo")

WITHOUT_EXTRAS = """
import jupyter_securecollab.cli, jupyter_securecollab.server.extension.app
from jupyter_securecollab import *
from jupyter_securecollab import open, load_ipython_extension
"""
IMPORT_EVERYTHING = """
import importlib, pkgutil
import jupyter_securecollab as package
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if ".migrations." not in module.name:
        importlib.import_module(module.name)
"""


def run(*command: str | Path, cwd: Path, path: str) -> str:
    environment = {**os.environ, "PATH": path}
    environment.pop("PYTHONPATH", None)
    result = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert result.returncode == 0, result.stdout
    return result.stdout


@pytest.fixture(scope="module")
def bare_path(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A PATH with the few programs that every machine has, and no Node."""
    folder = tmp_path_factory.mktemp("bin")
    for program in ("sh", "env", "uname", "dirname", "sed"):
        found = shutil.which(program)
        assert found is not None
        (folder / program).symlink_to(found)
    assert shutil.which("node", path=str(folder)) is None
    return str(folder)


@pytest.fixture(scope="module")
def wheel(bare_path: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = tmp_path_factory.mktemp("source")
    shutil.copytree(ROOT / "labextension", source / "labextension", ignore=LEFT_OUT)
    shutil.copytree(ROOT / "jupyter_securecollab", source / "jupyter_securecollab", ignore=LEFT_OUT)
    shutil.rmtree(source / "jupyter_securecollab" / "labextension", ignore_errors=True)
    (source / "docs" / "guide").mkdir(parents=True)
    for name in ("pyproject.toml", "README.md", "LICENSE", "docs/guide/what-is-recorded.md"):
        shutil.copy(ROOT / name, source / name)
    run(UV, "build", "-q", "--wheel", "--python", sys.executable, "--out-dir", "dist", cwd=source, path=bare_path)
    (built,) = (source / "dist").glob("*.whl")
    return built


def interpreters() -> list[str]:
    """The oldest and the newest supported Python, as far as this machine has them, pyenv's own among them."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    path = os.pathsep.join([*map(str, pyenv.glob("versions/*/bin")), os.environ["PATH"]])
    found = []
    for version in ("3.11", "3.13"):
        command = [UV, "python", "find", "--no-managed-python", "--no-project", "--system", version]
        result = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": path})
        found += [result.stdout.strip()] if result.returncode == 0 else []
    return found


@pytest.mark.slow
@pytest.mark.parametrize("interpreter", interpreters(), ids=lambda path: Path(path).name)
def test_the_wheel_works_in_an_empty_environment(interpreter: str, wheel: Path, bare_path: str, tmp_path: Path) -> None:
    run(UV, "venv", "-q", "--python", interpreter, "env", cwd=tmp_path, path=bare_path)
    programs = tmp_path / "env" / "bin"
    for extras, imports in (("", WITHOUT_EXTRAS), ("[models,oidc,polars]", IMPORT_EVERYTHING)):
        install = (UV, "pip", "install", "-q", "--python", programs / "python", f"{wheel}{extras}")
        run(*install, cwd=tmp_path, path=bare_path)
        run(programs / "python", "-c", imports, cwd=tmp_path, path=bare_path)
    assert "usage" in run(programs / "jupyter-securecollab", "--help", cwd=tmp_path, path=bare_path).lower()

    path = f"{programs}:{bare_path}"
    front_end = run(programs / "jupyter", "labextension", "list", cwd=tmp_path, path=path)
    assert any("jupyter-securecollab" in line and "OK" in line for line in front_end.splitlines()), front_end
    server = run(programs / "jupyter", "server", "extension", "list", cwd=tmp_path, path=path)
    assert "jupyter_securecollab" in server and "validation failed" not in server, server
