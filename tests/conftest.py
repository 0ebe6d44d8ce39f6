"""What tests of the whole package share."""

from collections.abc import Iterator

import pytest
from serving import Served, served


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One running server with people for all tests that only talk to it."""
    with served(tmp_path_factory.mktemp("served")) as running:
        yield running
