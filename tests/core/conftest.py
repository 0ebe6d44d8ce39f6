"""Vaults to attack. Founding one is slow, so each test gets a copy of one made before."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from material import Vault


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a vault with its people, and nothing shared yet."""
    vault = Vault(tmp_path_factory.mktemp("founded"))
    vault.found()
    vault.door.close()
    return vault.folder


@pytest.fixture(scope="session")
def filled(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a vault in which alice has shared a frame with nobody."""
    with _copy(founded, tmp_path_factory.mktemp("filled")) as vault:
        vault.share()
    return vault.folder


@contextmanager
def _copy(folder: Path, to: Path) -> Iterator[Vault]:
    vault = Vault(Path(shutil.copytree(folder, to / "vault")))
    try:
        yield vault
    finally:
        vault.door.close()


@pytest.fixture
def empty(founded: Path, tmp_path: Path) -> Iterator[Vault]:
    """A vault with people, in which nothing is shared."""
    with _copy(founded, tmp_path) as vault:
        yield vault


@pytest.fixture
def vault(filled: Path, tmp_path: Path) -> Iterator[Vault]:
    """A vault in which alice has shared a frame with nobody."""
    with _copy(filled, tmp_path) as vault:
        yield vault
