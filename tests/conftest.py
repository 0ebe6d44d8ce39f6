"""What tests of the whole package share."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from serving import Served, served

# A busy machine may stop any process for longer than Hypothesis lets an example take: what is slow is no failure.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One running server with people for all tests that only talk to it."""
    with served(tmp_path_factory.mktemp("served")) as running:
        yield running
