"""Real Jupyter servers, real kernels, and people with browsers."""

import pytest
import whoami_extension
from at_the_browser import Person
from pytest_jupyter.jupyter_server import *  # noqa: F403  # its fixtures and hooks, for this folder only


@pytest.fixture
def accounts(monkeypatch):
    """Alice and bob, each with a personal token."""
    accounts = whoami_extension.MemoryAccounts()
    accounts.add("alice", token="token-of-alice")
    accounts.add("bob", token="token-of-bob")
    monkeypatch.setattr(whoami_extension.WhoAmIApp, "accounts", accounts)
    return accounts


@pytest.fixture
def nobody(monkeypatch):
    """No accounts: the server of one person."""
    accounts = whoami_extension.MemoryAccounts()
    monkeypatch.setattr(whoami_extension.WhoAmIApp, "accounts", accounts)
    return accounts


@pytest.fixture
def jp_server_config():
    return {"ServerApp": {"jpserver_extensions": {"whoami_extension": True}}}


@pytest.fixture
def people(jp_serverapp, http_server, jp_http_port, jp_base_url, jp_asyncio_loop):
    """Makes persons: `people()` has a fresh browser, `people("alice")` a script with her personal token."""
    made = []

    def person(name=None, **headers):
        if name is not None:
            headers["Authorization"] = f"token token-of-{name}"
        made.append(Person(f"http://127.0.0.1:{jp_http_port}{jp_base_url}", headers))
        return made[-1]

    yield person
    for one in made:
        jp_asyncio_loop.run_until_complete(one.leave())
