"""Vaults to attack. Founding one is slow, so each test gets a copy of one founded before."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
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


@pytest.fixture
def empty(founded: Path, tmp_path: Path) -> Iterator[Vault]:
    """A vault with people, in which nothing is shared."""
    folder = tmp_path / "vault"
    shutil.copytree(founded, folder)
    vault = Vault(folder)
    yield vault
    vault.door.close()


@pytest.fixture
def vault(empty: Vault) -> Vault:
    """A vault in which alice has shared a frame with nobody."""
    empty.share()
    return empty
