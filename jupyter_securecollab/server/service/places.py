"""Where a service listens, where browsers find it and with whom people sign in: from what an administrator set.

At a Hub most of it comes from the Hub's environment; by itself all of it is on the command line and in one file.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from ...errors import Invalid
from ...kept_code import CodeKeeping
from ...model import Caller
from ..handlers import AsyncDoor
from ..requests_page import PAGE
from ..vault import NOBODY, WitnessedBy
from .browsers import CALLBACK, Address, Browsers, address
from .hub import Hub
from .hub_sign_in import HubSignIn
from .oauth import Client
from .own_tokens import OwnTokens
from .record_pages import EXECUTIONS_PAGE, LOG_PAGE
from .tokens_page import TOKENS_PAGE

PAGES = {PAGE: "Requests", LOG_PAGE: "Log", EXECUTIONS_PAGE: "Executions"}
"""Every page and its title, below the prefix."""

NO_PUBLIC_URL = "set c.JupyterHub.public_url, with https, and restart the Hub and the vault"
"""What an administrator does so that browsers can sign in at a Hub's service."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PORT = 8765
_log = logging.getLogger(__name__)


class Serving(NamedTuple):
    """What an administrator chooses on the command line. Address and prefix otherwise come from the Hub."""

    folder: Path
    checkpoint_folder: Path | None
    vault_name: str
    host: str | None
    port: int | None
    allowed_hosts: tuple[str, ...]
    metrics_port: int | None
    public_url: str | None
    oidc: Path | None
    witnessed: WitnessedBy = NOBODY
    keeping: CodeKeeping = CodeKeeping()
    metrics_host: str = _LOOPBACK[0]


class Callers(Protocol):
    """Who calls the routes, by the token in the header."""

    async def caller(self, door: AsyncDoor, token: str, *, fresh: bool) -> Caller:
        """Whose token this is now; unless `fresh`, a few seconds ago will do.

        Raises `NotSignedIn`, `Denied` and `Unavailable`.
        """

    async def close(self) -> None:
        """Close the connections."""


class Place(NamedTuple):
    """Where the service listens, the names and prefix it is reached under, and who says who somebody is.

    `token_hours`: how long tokens last that people make for themselves, where they can.
    """

    host: str
    port: int
    prefix: str
    names: frozenset[str]
    callers: Callers
    browsers: Browsers | None
    token_hours: int = 0


def place(serving: Serving, environment: Mapping[str, str], count: Callable[[str, float], None]) -> Place:
    """Where and as what to serve; `count` is told of each question to the Hub. Raises `Invalid` for what is missing."""
    return _at_hub(serving, environment, count) if serving.oidc is None else _by_itself(serving, serving.oidc)


def _by_itself(serving: Serving, file: Path) -> Place:
    try:
        from .oidc import OidcSignIn, read_settings  # its library is an extra
    except ImportError as error:
        raise Invalid(
            f"signing in with OpenID Connect needs a package that is missing: {error.name}",
            next_step='Install it: pip install "jupyter-securecollab[oidc]".',
        ) from None
    if serving.public_url is None:
        raise Invalid("with --oidc the vault needs --public-url, where browsers find it")
    prefix = f"/{urlsplit(serving.public_url).path.strip('/')}/".replace("//", "/")
    public = address(serving.public_url, prefix, "", alone=True)
    settings = read_settings(file)
    secret = Path(settings.client_secret_file).read_text("utf-8").strip()
    sign_in = OidcSignIn(settings, secret, f"{public.origin}{prefix}{CALLBACK}")
    browsers = Browsers(public, sign_in, PAGES | {TOKENS_PAGE: "Token for kernels"})
    host, port = serving.host or _LOOPBACK[0], serving.port or _PORT
    names = _names(serving, public)
    return Place(host, port, prefix, names, OwnTokens(), browsers, settings.token_hours)


def _at_hub(serving: Serving, environment: Mapping[str, str], count: Callable[[str, float], None]) -> Place:
    wanted = ("JUPYTERHUB_API_URL", "JUPYTERHUB_API_TOKEN", "JUPYTERHUB_SERVICE_NAME")
    missing = [name for name in wanted if not environment.get(name)]
    if missing:
        raise Invalid(
            f"a vault that is a service needs {', '.join(missing)}",
            next_step="JupyterHub sets them for services it starts; for others see docs/operate/jupyterhub.md, and "
            "docs/operate/standalone.md for a vault without a Hub.",
        )
    api, token, name = (environment[one] for one in wanted)
    own = urlsplit(environment.get("JUPYTERHUB_SERVICE_URL", ""))
    known = (own, *(urlsplit(environment.get(f"JUPYTERHUB_PUBLIC_{one}", "")) for one in ("URL", "HUB_URL")))
    prefix = "/" + environment.get("JUPYTERHUB_SERVICE_PREFIX", f"/services/{name}/").strip("/") + "/"
    hub = Hub(api, token, name, count=count)
    public = _public(serving, environment, prefix)
    browsers = None
    if public is not None:
        authorize = f"{environment['JUPYTERHUB_PUBLIC_HUB_URL'].rstrip('/')}/api/oauth2/authorize"
        client_id = environment.get("JUPYTERHUB_CLIENT_ID", f"service-{name}")
        client = Client(authorize, f"{api.rstrip('/')}/oauth2/token", client_id, token)
        browsers = Browsers(public, HubSignIn(hub, client), PAGES)
    names = _names(serving, public, *(one.hostname for one in known))
    return Place(
        serving.host or own.hostname or _LOOPBACK[0], serving.port or own.port or _PORT, prefix, names, hub, browsers
    )


def _names(serving: Serving, public: Address | None, *known: str | None) -> frozenset[str]:
    found = (*_LOOPBACK, *serving.allowed_hosts, *known, None if public is None else public.host)
    return frozenset(one.lower() for one in found if one)


def _public(serving: Serving, environment: Mapping[str, str], prefix: str) -> Address | None:
    """Where browsers find a Hub's service; None where they cannot sign in."""
    hub = environment.get("JUPYTERHUB_PUBLIC_HUB_URL", "")
    if serving.public_url is not None:
        if not hub:
            raise Invalid(
                "with --public-url the vault needs JUPYTERHUB_PUBLIC_HUB_URL",
                next_step="JupyterHub sets it once c.JupyterHub.public_url is set.",
            )
        return address(serving.public_url, prefix, hub, alone=True)
    if not hub:
        _log.warning("browsers cannot sign in: %s", NO_PUBLIC_URL)
        return None
    try:
        return address(environment.get("JUPYTERHUB_PUBLIC_URL", ""), prefix, hub, alone=False)
    except Invalid as error:
        _log.warning("browsers cannot sign in: %s", error)
        return None
