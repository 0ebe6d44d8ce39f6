"""Clocks that differ: a real Hub whose own process has another time than the vault, and a sign-in that is too long ago.

No process of this machine may set its clock, so the time is changed inside the one process, before anything of the Hub
is loaded: for `time` and `datetime`, from which the Hub, its tokens, cookies and database take theirs.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from browsing import browser
from hubs import RealHub, until
from serving import share

from jupyter_securecollab.errors import Denied, NotSignedIn
from jupyter_securecollab.model import AccessSpec, Level
from jupyter_securecollab.server.requests_page import PAGE
from jupyter_securecollab.server.service.sessions import FRESH_SECONDS

SHIFTED = """
import datetime, time
real, seconds = time.time, {seconds}
time.time = lambda: real() + seconds
class Shifted(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(time.time(), tz)
    @classmethod
    def utcnow(cls):
        return cls.fromtimestamp(time.time(), datetime.timezone.utc).replace(tzinfo=None)
datetime.datetime = Shifted
"""

HANDS = """
import signal, time
real, ahead = time.monotonic, [0.0]
time.monotonic = lambda: real() + ahead[0]
signal.signal(signal.SIGUSR1, lambda *_: ahead.__setitem__(0, ahead[0] + {seconds}))
"""

NAME = "clock/patients"
HOUR = 3600


@pytest.fixture(params=[-HOUR, HOUR], ids=["an hour behind", "an hour ahead"])
def skewed(apart: RealHub, request: pytest.FixtureRequest) -> Iterator[timedelta]:
    """How far the Hub's clock is from everybody else's. Alice has shared something with bob before."""
    with apart.client(apart.token("alice")) as alice, apart.client(apart.token("bob")) as bob:
        assert alice.me() and bob.me()
        apart.cli("user", "change", "alice", "--clearance", "secret")
        share(alice, NAME, access=AccessSpec(("bob",)))
    apart.stop()
    apart.start(first=SHIFTED.format(seconds=request.param))
    yield timedelta(seconds=request.param)
    apart.stop()
    apart.start()


def test_a_hub_whose_clock_is_off_by_an_hour_says_who_people_are_all_the_same(
    apart: RealHub, skewed: timedelta
) -> None:
    newcomer = f"late{int(skewed.total_seconds()) % HOUR}{skewed.days}"
    apart.add(newcomer, "securecollab-members")
    made = datetime.fromisoformat(apart.ask("GET", f"users/{newcomer}")["created"])
    assert abs(made - datetime.now(UTC) - skewed) < timedelta(minutes=20), "the Hub's clock is the one set here"
    passing = apart.ask("POST", "users/bob/tokens", expires_in=HOUR // 2)
    with apart.client(passing["token"]) as bob:
        assert bob.open(NAME).up_to == Level.INTERNAL, "its time is the Hub's, for the Hub"
        apart.ask("DELETE", "groups/securecollab-members/users", users=["bob"])
        with pytest.raises(Denied):
            bob.open(NAME)
        apart.ask("POST", "groups/securecollab-members/users", users=["bob"])
        assert bob.open(NAME)
        apart.ask("DELETE", f"users/bob/tokens/{passing['id']}")
        with pytest.raises(NotSignedIn):
            bob.open(NAME)
    with apart.client(apart.token(newcomer)) as late:
        assert late.me().roles == ("member",)
        with pytest.raises(Denied):
            late.open(NAME)
    with browser(apart, "dana") as dana:
        assert dana.sign_in().status_code == 200 and "<strong>dana</strong>" in dana.get(PAGE).text


def test_who_was_somebody_else_is_so_whatever_the_hubs_clock_says(apart: RealHub, skewed: timedelta) -> None:
    name = f"again{int(skewed.total_seconds()) % HOUR}{skewed.days}"
    apart.add(name, "securecollab-members")
    with apart.client(apart.token(name)) as first:
        assert first.me().name == name
    apart.ask("DELETE", f"users/{name}")
    apart.add(name, "securecollab-members")
    with apart.client(apart.token(name)) as second, pytest.raises(Denied) as refused:
        second.me()
    assert refused.value.decision is not None and refused.value.decision.policies == ("deny.another_person",)


@pytest.fixture
def own_host(tmp_path: Path) -> Iterator[RealHub]:
    """A Hub and a vault at a host name of its own, which can be told that time has passed."""
    running = OwnHost(tmp_path, managed=False)
    try:
        running.start()
        running.start_service("--public-url", running.pages, first=HANDS.format(seconds=FRESH_SECONDS - 30))
        running.enrol()
        yield running
    finally:
        running.close()


class OwnHost(RealHub):
    """Beside a Hub at 127.0.0.1 the vault is at localhost, which is another host to browsers."""

    @property
    def pages(self) -> str:
        return f"http://localhost:{self.port}"


def test_a_steward_who_signed_in_too_long_ago_sees_and_does_not_decide_until_she_does_so_anew(
    own_host: RealHub,
) -> None:
    token = own_host.token("alice")
    with own_host.client(token) as alice, own_host.client(own_host.token("dana")) as steward:
        assert alice.me() and steward.me()
        for name in ("alice", "dana"):
            own_host.cli("user", "change", name, "--clearance", "secret")
        one, other = (alice.ask_join(f"clock/{n}", Level.SECRET, "to join visits") for n in range(2))

        def states() -> dict[str, str]:
            return {found.id: found.state for found in alice.joins()}

        def passed(minutes: int) -> str:
            """Let the service's process believe so; the page then."""
            assert own_host.service is not None
            os.kill(own_host.service.pid, signal.SIGUSR1)
            until(lambda: f"You signed in with the Hub {minutes} minutes ago" in page())
            return page()

        def page() -> str:
            with suppress(httpx.TransportError):  # it lets go of connections that it believes idle for long
                return dana.get(PAGE).text
            return ""

        with browser(own_host, "dana") as dana:
            dana.sign_in()
            assert f'value="{one.id}"' in passed(4)
            xsrf = dana.xsrf
            assert dana.post(PAGE, _xsrf=xsrf, id=one.id, answer="yes").status_code == 303
            late = passed(9)
            assert "clock/1" in late and other.id not in late
            refused = dana.post(PAGE, _xsrf=xsrf, id=other.id, answer="yes")
            assert refused.status_code == 403 and "within the last 5 minutes" in refused.text
            assert states() == {one.id: "allowed", other.id: "asked"}
            dana.sign_in()
            assert dana.post(PAGE, _xsrf=dana.xsrf, id=other.id, answer="yes").status_code == 303
        assert states() == {one.id: "allowed", other.id: "allowed"}
