"""One real Hub, with the vault as its service, for all tests that only talk to it."""

from collections.abc import Iterator

import pytest
from hubs import RealHub, UserServers
from own_uids import under_own_uids


@pytest.fixture(scope="session")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHub]:
    running = RealHub(tmp_path_factory.mktemp("hub"), managed=True)
    try:
        running.start()
        running.enrol()
        yield running
    finally:
        running.close()


@pytest.fixture(scope="session")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealHub]:
    """A Hub and a service that it does not start: either can be stopped alone. Whoever stops one starts it again."""
    running = RealHub(tmp_path_factory.mktemp("apart"), managed=False)
    try:
        running.start()
        running.start_service()
        running.enrol()
        yield running
    finally:
        running.close()


@pytest.fixture(scope="session")
def servers() -> Iterator[UserServers]:
    """People with servers of their own, each under a uid of its own."""
    with under_own_uids(UserServers) as running:
        yield running
