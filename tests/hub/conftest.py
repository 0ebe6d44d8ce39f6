"""One real Hub, with the vault as its service, for all tests that only talk to it."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hubs import RealHub, UserServers, others_may_run


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
    if os.geteuid() != 0 and not os.environ.get("CI"):
        pytest.skip("only root can start servers under other users")
    if not others_may_run(Path(sys.executable)):
        pytest.fail(f"other users may not run {sys.executable}: run these tests with `make test-hub`")
    base = Path(tempfile.mkdtemp(prefix="securecollab-hub-", dir="/tmp"))
    base.chmod(0o755)
    running = UserServers(base)
    try:
        running.start_all()
        yield running
    finally:
        running.close()
        shutil.rmtree(base)
