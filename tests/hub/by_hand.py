"""`make hub`: the Hub, proxy and service of the tests, with three people, for somebody to click through.

Nothing is kept: folders, processes and passwords end with Ctrl-C. Users are numbers; none is added to the machine.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import ClassVar

from hubs import PROXY, UserServers, others_may_run

from jupyter_securecollab.server.service.record_pages import LOG_PAGE


class ByHand(UserServers):
    """As in the tests, but people sign in with passwords and start their servers themselves."""

    UIDS: ClassVar = {"alice": 30101, "bob": 30102, "carol": 30103}
    ELSEWHERE: ClassVar = {}
    SERVICE_UID: ClassVar = 30199
    SIGN_IN = """
import hmac
from jupyterhub.auth import Authenticator


class Throwaway(Authenticator):
    async def authenticate(self, handler, data):
        right = {passwords!r}.get(data["username"])
        return data["username"] if right and hmac.compare_digest(right, data["password"]) else None


c.JupyterHub.authenticator_class = Throwaway
"""

    def __init__(self, base: Path) -> None:
        self.passwords = {name: secrets.token_urlsafe(9) for name in self.UIDS}
        super().__init__(base)

    def config(self) -> str:
        return super().config() + self.SIGN_IN.format(passwords=self.passwords)

    @property
    def url_of_log(self) -> str:
        """The vault's own page for who reads the log, as browsers find it."""
        return f"{self.pages}/services/securecollab/{LOG_PAGE}"

    def start_all(self) -> None:
        """Without anybody's server. The vault knows alice and bob already, and alice may share what is secret."""
        self.start_hub()
        for name in ("alice", "bob"):
            with self.client(self.token(name)) as come:
                come.me()
        self.cli("user", "change", "alice", "--clearance", "secret")


def main() -> int:
    """Serve until interrupted or ended."""
    if os.geteuid() != 0:
        print("make hub: starts people's servers under users of their own, which only root can", file=sys.stderr)
        return 1
    if not others_may_run(Path(sys.executable)) or not PROXY.exists():
        print("make hub: start it with `make hub`, which makes an environment that others may run", file=sys.stderr)
        return 1
    for ending in (signal.SIGINT, signal.SIGTERM):  # started in the background, it would not hear the first
        signal.signal(ending, signal.default_int_handler)
    base = Path(tempfile.mkdtemp(prefix="securecollab-hub-", dir="/tmp"))
    base.chmod(0o755)
    hub = ByHand(base)
    try:
        hub.start_all()
        print(f"JupyterHub: {hub.entrance}/")
        print(f"The vault:  {hub.url_of_log}\n")
        for name, password in hub.passwords.items():
            print(f"  {name:6} {password}")
        print("\nalice and bob may share, carol reads the log. Each in a browser, or a private window, of its own.")
        print("Ctrl-C ends it all and leaves nothing.", flush=True)
        signal.pause()
    except KeyboardInterrupt:
        print("Ending.", flush=True)
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever is impatient would leave servers behind
        hub.close()
        shutil.rmtree(base)
    return 0


if __name__ == "__main__":
    sys.exit(main())
