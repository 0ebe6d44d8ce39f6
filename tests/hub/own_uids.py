"""People's own servers for tests, each under a uid of its own."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest
from hubs import UserServers, others_may_run

Servers = TypeVar("Servers", bound=UserServers)


@contextmanager
def under_own_uids(kind: type[Servers]) -> Iterator[Servers]:
    """Such a Hub with everybody's server running. Skips where that cannot be, but for CI, where it has to."""
    if os.geteuid() != 0 and not os.environ.get("CI"):
        pytest.skip("only root can start servers under other users")
    if not others_may_run(Path(sys.executable)):
        pytest.fail(f"other users may not run {sys.executable}: run these tests with `make test-hub`")
    base = Path(tempfile.mkdtemp(prefix="securecollab-hub-", dir="/tmp"))
    base.chmod(0o755)
    running = kind(base)
    try:
        running.start_all()
        yield running
    finally:
        running.close()
        shutil.rmtree(base)
