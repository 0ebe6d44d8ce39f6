"""Browsers at the service's own address: how they sign in and out, and what a page may do for who is signed in.

Routes take tokens in headers and pages take a cookie; neither takes the other, so that no kernel decides anything and
no page elsewhere calls a route. What changes something is taken from our own forms alone, and only from somebody who
was with the provider minutes ago, at a host that no notebook shares.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, cast
from urllib.parse import urlencode, urlsplit

import msgspec

from ...errors import Denied, Invalid, NotSignedIn, SecureCollabError
from ...model import decode
from ..base import Frame, status_of
from ..pages import Page
from .oauth import Attempt, not_yours
from .sessions import FRESH_SECONDS, Session, Sessions, SignedIn
from .vouching import KnownPerson, admitted

if TYPE_CHECKING:
    from .process import Service

SIGN_IN, CALLBACK, SIGN_OUT = "sign-in", "oauth_callback", "sign-out"
_ATTEMPT_SECONDS = 600
_PORTS = {"http": 80, "https": 443}
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class Address(NamedTuple):
    """Where browsers find the service.

    `own`: at a host name other than the one where notebooks run. `alone`: at one that nothing else has.
    """

    origin: str
    prefix: str
    own: bool
    alone: bool

    @property
    def secure(self) -> bool:
        """Whether cookies travel encrypted only."""
        return self.origin.startswith("https:")

    @property
    def host(self) -> str:
        """Its name, without a port."""
        return urlsplit(self.origin).hostname or ""

    def cookie(self, name: str) -> tuple[str, dict[str, Any]]:
        """The cookie's full name, and its attributes: browsers let no other host set a name with that prefix."""
        alone = self.alone and self.secure
        path = "/" if alone else self.prefix
        full = f"__Host-securecollab-{name}" if alone else f"securecollab-{name}"
        return full, {"path": path, "secure": self.secure, "httponly": True, "samesite": "Lax"}


def address(public_url: str, prefix: str, notebooks_url: str, *, alone: bool) -> Address:
    """The address in `public_url`. Raises `Invalid` for one at which nobody should sign in."""
    found = urlsplit(public_url)
    host = found.hostname
    if found.scheme not in ("http", "https") or host is None or found.username is not None:
        raise Invalid("the public address of the vault is a URL with https")
    if found.scheme == "http" and host not in _LOOPBACK:
        raise Invalid("people sign in over https only", next_step="Put a TLS proxy before the Hub and the vault.")
    elsewhere = urlsplit(notebooks_url).hostname != host
    port = "" if found.port in (None, _PORTS[found.scheme]) else f":{found.port}"  # as browsers write an Origin
    bracketed = f"[{host}]" if ":" in host else host
    return Address(f"{found.scheme}://{bracketed}{port}", prefix, elsewhere, alone and elsewhere)


class Provider(Protocol):
    """Whom people sign in with. Each method may raise `Denied`, `NotSignedIn` and `Unavailable`."""

    name: str
    session_seconds: float
    """How long a browser stays signed in with it."""

    async def address(self, attempt: Attempt) -> str:
        """Where to send the browser."""

    async def finish(self, attempt: Attempt, code: str) -> SignedIn:
        """Who came back with this code."""

    async def person(self, signed_in: SignedIn, *, fresh: bool) -> KnownPerson:
        """What is said of them now; unless `fresh`, what was said a few seconds ago will do."""

    async def close(self) -> None:
        """Close the connections."""


class Browsers:
    """What all pages of one service share.

    `pages` are all of them, by name, with their titles: after signing in people go to one of these and nowhere else.
    """

    def __init__(self, address: Address, provider: Provider, pages: Mapping[str, str]) -> None:
        self.address = address
        self.provider = provider
        self.pages = pages
        self.sessions = Sessions(provider.session_seconds)

    def page(self, name: str) -> str:
        """The name if it is one of a page, else that of the first."""
        return name if name in self.pages else next(iter(self.pages))

    def path(self, name: str) -> str:
        """The path of a page."""
        return f"{self.address.prefix}{name}"

    def sign_in(self, page: str) -> str:
        """The path that leads to this page by way of the provider."""
        return f"{self.path(SIGN_IN)}?{urlencode({'next': page})}"


class BrowserHandler(Page):
    """What every page rests on: the right host, and errors as pages. Who is there is found out by what derives."""

    _session: Session | None = None

    async def prepare(self) -> None:
        """Serve browsers at one address alone; elsewhere a cookie of ours would be in other hands."""
        await super().prepare()
        address = self._browsers.address
        if self.request.host_name.lower() != address.host:
            if self.request.method != "GET":
                raise Denied("this page is not reached under that name")
            self.redirect(f"{address.origin}{self.request.path}")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A page; JSON for what is no error of ours."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if not isinstance(error, SecureCollabError):
            super().write_error(status_code, **kwargs)
            return
        self.set_status(status_of(error))
        self.render_page("securecollab_problem.html", error=error, again=self._browsers.sign_in(self.page_name))
        self.finish()

    @property
    def page_name(self) -> str:
        """The page this is, or the first."""
        return self._browsers.page(self.request.path.removeprefix(self._browsers.address.prefix))

    @property
    def xsrf_token(self) -> bytes:
        """What our forms carry: the session's own, never one that a browser brought along."""
        return b"" if self._session is None else self._session.xsrf.encode()

    def check_xsrf_cookie(self) -> None:
        """Forms are looked at in `SignedInHandler.prepare`."""

    def own_url(self) -> str:
        return f"{self._browsers.address.origin}{self._browsers.address.prefix}".rstrip("/")

    def remember(self, name: str, value: str, *, signed: bool = False) -> None:
        """Set a cookie of ours, until the browser closes."""
        full, how = self._browsers.address.cookie(name)
        if signed:
            self.set_signed_cookie(full, value, expires_days=None, **how)
        else:
            self.set_cookie(full, value, **how)

    def forget(self, name: str) -> None:
        """Take a cookie of ours back."""
        full, how = self._browsers.address.cookie(name)
        self.clear_cookie(full, **how)

    @property
    def _service(self) -> Service:
        return cast("Service", self.settings["securecollab"])

    @property
    def _browsers(self) -> Browsers:
        return cast(Browsers, self._service.where.browsers)


class SignInHandler(BrowserHandler):
    """`sign-in?next=PAGE`: off to the provider, with an attempt that only this browser can end."""

    async def get(self) -> None:
        attempt = Attempt.begin(self._browsers.page(self.get_query_argument("next", "")))
        self.remember("attempt", msgspec.json.encode(attempt).decode(), signed=True)
        self.set_header("Cache-Control", "no-store")
        self.redirect(await self._browsers.provider.address(attempt))


class CallbackHandler(BrowserHandler):
    """Where the provider sends people back to."""

    async def get(self) -> None:
        attempt = self._attempt()
        self.forget("attempt")
        attempt.check(self.get_query_argument("state", ""))
        code = self.get_query_argument("code", "")
        if not code:
            raise Denied(f"{self._browsers.provider.name} did not let you in", next_step="Ask its administrator.")
        signed_in = await self._browsers.provider.finish(attempt, code)
        door = self._service.async_door
        self.caller = await door.call(admitted, door.door, signed_in.person, "", "browser")
        await door.call(door.door.me, self.caller)  # who may do nothing here is told so, and gets no session
        self.remember("session", self._browsers.sessions.begin(signed_in))
        self.set_header("Cache-Control", "no-store")
        self.redirect(self._browsers.path(attempt.then))

    def _attempt(self) -> Attempt:
        name, _ = self._browsers.address.cookie("attempt")
        kept = self.get_signed_cookie(name, max_age_days=_ATTEMPT_SECONDS / 86_400)
        if kept is None:
            raise not_yours()
        return decode(kept, Attempt)


class SignedInHandler(BrowserHandler):
    """Put beneath pages: `caller` is who signed in, as the provider says now."""

    decides = True
    """Whether a POST decides something, and so has to be the person's own act, a moment ago."""

    async def prepare(self) -> None:
        await super().prepare()
        if self._finished:
            return
        if self.request.headers.get("Sec-Fetch-Dest", "document") != "document":
            raise Denied("a page of the vault is for people to open, not for code to read")
        name, _ = self._browsers.address.cookie("session")
        secret = self.get_cookie(name)
        session = self._session = self._browsers.sessions.of(secret)
        if session is None or secret is None:
            self._ask_to_sign_in()
            return
        changes = self.request.method != "GET"
        if changes:
            self._check_form(session)
        try:
            person = await self._browsers.provider.person(session.signed_in, fresh=changes)
        except NotSignedIn:
            self._browsers.sessions.end(session)
            self._ask_to_sign_in()
            return
        door = self._service.async_door
        self.caller = await door.call(admitted, door.door, person, secret, "browser")

    def _ask_to_sign_in(self) -> None:
        if self.request.method != "GET":
            raise NotSignedIn("you are not, or no longer, signed in", next_step="Open the page anew.")
        self.set_header("Cache-Control", "no-store")
        self.redirect(self._browsers.sign_in(self.page_name))

    def _check_form(self, session: Session) -> None:
        """Raise `Denied` unless our own page sent this, for who signed in a moment ago."""
        here = self._browsers.address
        if self.request.headers.get("Origin", here.origin) != here.origin:
            raise Denied("another site may not ask in your name")
        if self.request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
            raise Denied("another site may not ask in your name")
        session.check_xsrf(self.get_body_argument("_xsrf", ""))
        if not self.decides:
            return
        if not here.own:
            raise Denied("nothing is decided at an address that notebooks share", next_step=_NO_HOST)
        if self._browsers.sessions.age(session) > FRESH_SECONDS:
            raise Denied(
                f"you did not sign in within the last {FRESH_SECONDS // 60} minutes",
                next_step="Sign in anew, then decide.",
            )

    def frame(self) -> Frame:
        links = tuple((self._browsers.path(name), title) for name, title in self._browsers.pages.items())
        if self._session is None:
            return Frame(links=links)
        out = self._browsers.path(SIGN_OUT)
        if not self._browsers.address.own:
            return Frame(_NO_HOST, False, links, sign_out=out)
        age, limit = self._browsers.sessions.age(self._session), FRESH_SECONDS
        when = f" {int(age // 60)} minutes ago" if isfinite(age) else "; it does not say when"
        said = f"You signed in with {self._browsers.provider.name}{when}. "
        said += f"Decisions are taken until {limit // 60} minutes after that."
        again = self._browsers.sign_in(self.page_name)
        return Frame(said, age <= limit, links, sign_in=again, sign_out=out)


class SignOutHandler(SignedInHandler):
    """`sign-out`: the session ends here, at once."""

    decides = False

    async def post(self) -> None:
        if self._session is not None:
            self._browsers.sessions.end(self._session)
        self.forget("session")
        self._session = None
        provider, again = self._browsers.provider.name, self._browsers.sign_in(self.page_name)
        await self.show("securecollab_signed_out.html", provider=provider, again=again)


_NO_HOST = (
    "This page has the same host as JupyterLab, where code in your browser could press buttons in your name: it only "
    "shows. Stewards decide where the vault has a host of its own, or with `jupyter securecollab request`."
)
