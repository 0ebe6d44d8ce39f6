"""What tests of the whole package share."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # material and serving, beside this file

from serving import Served, served


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One running server with people for all tests that only talk to it."""
    with served(tmp_path_factory.mktemp("served")) as running:
        yield running
