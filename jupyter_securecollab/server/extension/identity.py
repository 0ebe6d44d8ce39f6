"""Who is asking: named people on one Jupyter server, or the one person whose server it is.

A header token says who makes a request; only the login page, or a link opened in the browser, may change who the
browser is. Accounts are read anew for every request, off the event loop and without a cache, so that disabling one
acts at once whichever process did it. Decides nothing about data: that is the vault's business.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal, Protocol, cast
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import msgspec
from jupyter_server.auth.identity import IdentityProvider, LegacyIdentityProvider, PasswordIdentityProvider, User
from jupyter_server.serverapp import WILDCARD_IPS, ServerApp
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from tornado import web
from tornado.httputil import url_concat
from traitlets import default, validate

from ...model import Account, Value, decode
from ...runs import Outcome, Record
from ..hashed import sha256_hex
from ..recording.execution import Recording
from ..recording.hooks import Asked, Hooks
from .executions import Executions, KernelTokens
from .passwords import Backoff, Passwords

Mode = Literal["single", "team", "named"]


class Accounts(Protocol):
    """The vault's door, as far as signing in needs it. Called from worker threads."""

    def account(self, name: str) -> Account | None:
        """The account of that name, active or not."""

    def account_at_once(self, name: str) -> Account | None:
        """The same; raises `Unavailable` where it would have to wait. Called from the event loop."""

    def account_of_token(self, sha256_hex: str) -> Account | None:
        """The account whose personal token has this hash, active or not."""

    def groups_of(self, name: str) -> tuple[str, ...]:
        """The groups of that person."""

    def is_team(self) -> bool:
        """Whether an administrator has made accounts."""


class People:
    """What everything that must know who is who on this server shares."""

    def __init__(
        self,
        accounts: Accounts,
        serverapp: ServerApp,
        *,
        os_user: str,
        notice: str,
        environment: Mapping[str, str],
        recording: Recording,
        hooks: Hooks,
    ) -> None:
        self.tokens = KernelTokens()
        self.executions = Executions()
        self.recording = recording
        self.hooks = hooks
        self.notice = notice
        self._accounts = accounts
        self._serverapp = serverapp
        self._os_user = os_user
        self._environment = environment
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="securecollab-accounts")
        vars(serverapp)[_PLACE] = self

    @classmethod
    def of(cls, serverapp: object) -> People:
        """The people of this server. Jupyter builds our classes by itself; its application is what all can reach."""
        return cast(People, vars(serverapp)[_PLACE])

    @property
    def mode(self) -> Mode:
        """Accounts of this vault, names that an administrator's own provider gives, or just the OS user."""
        provider = self._serverapp.identity_provider
        if isinstance(provider, TeamIdentityProvider):
            return "team"
        anonymous = (IdentityProvider, PasswordIdentityProvider, LegacyIdentityProvider)
        return "single" if type(provider) in anonymous else "named"

    def person_of(self, user: User | None) -> str | None:
        """The name under which the vault knows this signed-in user. Stock names are anonymous and made up anew."""
        if user is None:
            return None
        return self._os_user if self.mode == "single" else user.username

    def owner_for(self, user: User | None) -> str | None:
        """Whose a kernel is that this user starts, or (None) the server by itself."""
        return self._os_user if self.mode == "single" else self.person_of(user)

    def may_use(self, user: User | None, owner: str | None) -> bool:
        """Whether a kernel of `owner` is this user's to use: alone on a server, everything is."""
        return user is not None and (self.mode == "single" or self.person_of(user) == owner)

    async def account(self, name: str) -> Account | None:
        """The account of that name if it is active."""
        return _active(await asyncio.get_running_loop().run_in_executor(self._threads, self._accounts.account, name))

    async def account_of_token(self, token: str) -> Account | None:
        """The account of that personal token if it is active."""
        find, digest = self._accounts.account_of_token, sha256_hex(token)
        return _active(await asyncio.get_running_loop().run_in_executor(self._threads, find, digest))

    async def epoch(self, person: str) -> int | None:
        """The epoch of this person's account, None if it has ended. Names from elsewhere have none: always 0."""
        if self.mode != "team":
            return 0
        account = await self.account(person)
        return account.epoch if account else None

    def epoch_at_once(self, person: str) -> int | None:
        """The same for messages, each of which would wait for a thread; `Unavailable` if the vault cannot say."""
        if self.mode != "team":
            return 0
        account = _active(self._accounts.account_at_once(person))
        return account.epoch if account else None

    async def kernel_environment(self, kernel_id: str, owner: str | None) -> dict[str, str]:
        """What a kernel that is about to start needs to reach the vault, with a new token for it alone.

        A kernel of nobody gets the address without a token: so it knows that it may not use a sign-in kept at home.
        """
        own = {"SECURECOLLAB_URL": _local_url(self._serverapp), **self._environment}
        epoch = None if owner is None else await self.epoch(owner)
        if owner is None or epoch is None:
            return own
        return {**own, "SECURECOLLAB_TOKEN": self.tokens.issue(kernel_id, owner, epoch)}

    async def hooked(self, person: str, start: Record, content: Any) -> str | None:
        """Why a hook minds that this is executed; None if none does."""
        if not self.hooks:
            return None
        groups = await asyncio.get_running_loop().run_in_executor(self._threads, self._accounts.groups_of, person)
        code = content.get("code") if isinstance(content, dict) else None
        return await self.hooks.refusal(Asked(start, code if isinstance(code, str) else "", groups))

    def kernel_ended(self, kernel_id: str, how: Outcome) -> None:
        """The kernel's process is gone: its token, and what was known of who executed in it, with it."""
        self.tokens.revoke(kernel_id)
        self.executions.forget(kernel_id)
        self.recording.kernel_ended(kernel_id, how)


def owner_of(kernels: AsyncMappingKernelManager, kernel_id: str) -> str | None:
    """Whose kernel this is; None for one that another kernel manager, or another program, started."""
    return getattr(kernels.get_kernel(kernel_id), "owner", None)


def _local_url(serverapp: ServerApp) -> str:
    """The address under which a kernel on this machine reaches this server, without a trailing slash."""
    anywhere = serverapp.ip in ("", "localhost", *WILDCARD_IPS)
    parts = urlsplit(serverapp.local_url if anywhere else serverapp.connection_url)
    return f"{parts.scheme}://{parts.netloc}{serverapp.base_url}".rstrip("/")


_PLACE = "securecollab_people"


def _active(account: Account | None) -> Account | None:
    return account if account is not None and account.active else None


@dataclass
class SignedIn(User):
    """A person with an account, and the epoch under which the sign-in holds."""

    epoch: int = 0


class _Cookie(Value, frozen=True):
    """All that a login cookie says; whether it still holds is looked up each time. `browser` makes it unique."""

    username: str
    epoch: int
    browser: str


class TeamIdentityProvider(IdentityProvider):
    """Named accounts with passwords and personal tokens; cookies end with the account's epoch."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._passwords = Passwords()
        self._backoff = Backoff(time.monotonic)

    @default("token")
    def _token_default(self) -> str:
        return ""

    @validate("token")
    def _no_shared_token(self, proposal: object) -> str:
        # One token for all would tell nobody apart, and JupyterLab writes it into every page.
        return ""

    @default("login_handler_class")
    def _login_handler_default(self) -> str:
        return "jupyter_securecollab.server.extension.login.TeamLoginHandler"

    @default("updatable_fields")
    def _updatable_fields_default(self) -> list[str]:
        return []

    @default("cookie_options")
    def _cookie_options_default(self) -> dict[str, object]:
        return {"samesite": "Lax"}

    @property
    def people(self) -> People:
        """The people of the server this provider belongs to."""
        return People.of(self.parent)

    def signed_in(self, account: Account) -> SignedIn:
        """The account as Jupyter's kind of user."""
        return SignedIn(account.name, initials=account.name[:2].upper(), epoch=account.epoch)

    async def get_user(self, handler: web.RequestHandler) -> User | None:
        """The person of this request; asks first when a link would make the browser somebody else.

        Somebody else's kernel does not exist for him, also where another extension forgets to ask the authorizer.
        """
        user = await self._user_of(handler)
        kernel_id, kernels = handler.path_kwargs.get("kernel_id", ""), handler.settings["kernel_manager"]
        if user is not None and kernel_id in kernels and not self.people.may_use(user, owner_of(kernels, kernel_id)):
            vars(handler)["_jupyter_current_user"] = user  # so that the record says whom this refused
            raise web.HTTPError(404, f"Kernel does not exist: {kernel_id}")
        return user

    async def _user_of(self, handler: web.RequestHandler) -> User | None:
        if is_link(handler):
            by_link, by_cookie = await self.get_user_token(handler), await self.get_user_cookie(handler)
            if by_link is not None and _must_ask(handler, by_link, by_cookie):
                if not isinstance(handler, cast(type, self.login_handler_class)):
                    handler.redirect(_question_url(handler))
                    raise web.Finish
                return by_cookie
        return await self._get_user(handler)

    def get_token(self, handler: web.RequestHandler) -> str | None:
        """From the Authorization header or the address. Not from a form: any site can make a browser post one."""
        in_address = handler.get_query_argument("token", "")
        in_header = self.auth_header_pat.match(handler.request.headers.get("Authorization", ""))
        return in_address or (in_header.group(2) if in_header else None)

    async def get_user_token(self, handler: web.RequestHandler) -> SignedIn | None:
        """The person whose personal token came with the request."""
        token = self.get_token(handler)
        account = await self.people.account_of_token(token) if token else None
        return self.signed_in(account) if account else None

    async def get_user_cookie(self, handler: web.RequestHandler) -> SignedIn | None:
        """The person of the login cookie, if account and epoch still agree with it."""
        value_bytes = handler.get_secure_cookie(self.get_cookie_name(handler), **self.get_secure_cookie_kwargs)
        if not value_bytes:
            return None
        try:
            cookie = decode(value_bytes, _Cookie)
        except msgspec.DecodeError:  # of another provider that used the same secret
            return None
        account = await self.people.account(cookie.username)
        return self.signed_in(account) if account and account.epoch == cookie.epoch else None

    async def user_of_login(self, name: str, secret: str, address: str) -> SignedIn | float | None:
        """The person this name and secret belong to, or None; or the seconds to wait before trying again.

        A personal token serves as secret, with or without the name. It is no use guessing one, so it is not
        slowed down: nobody can be kept out by others who try his name.
        """
        by_token = await self.people.account_of_token(secret)
        if by_token is not None:
            return self.signed_in(by_token) if name in ("", by_token.name) else None
        wait = self._backoff.attempt(name, address)
        if wait:
            return wait
        account = await self.people.account(name)
        if not await self._passwords.fits(account, secret) or account is None:
            return None
        self._backoff.succeeded(name, address)
        return self.signed_in(account)

    def user_to_cookie(self, user: User) -> str:
        """Name and epoch, for one browser: leases are bound to it."""
        cookie = _Cookie(user.username, cast(SignedIn, user).epoch, secrets.token_urlsafe(16))
        return msgspec.json.encode(cookie).decode()

    def set_login_cookie(self, handler: web.RequestHandler, user: User) -> None:
        """Called by Jupyter for every valid token; only a link opened in the browser may sign the browser in."""
        if is_link(handler):
            self.sign_in(handler, user)

    def sign_in(self, handler: web.RequestHandler, user: User) -> None:
        """Make the browser this person's."""
        super().set_login_cookie(handler, user)

    def identity_model(self, user: User) -> dict[str, Any]:
        """What `/api/me` tells: everything but the epoch."""
        return {name: value for name, value in super().identity_model(user).items() if name != "epoch"}


def is_link(handler: web.RequestHandler) -> bool:
    """Whether this request is a page opened through an address that carries a token."""
    request = handler.request
    is_page = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
    return is_page and "token" in request.query_arguments


def _must_ask(handler: web.RequestHandler, by_link: User, by_cookie: User | None) -> bool:
    """A link that replaces somebody, or was followed from another site, may be a trap (login CSRF)."""
    if by_cookie is not None:
        return by_cookie.username != by_link.username
    return handler.request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")


def _question_url(handler: web.RequestHandler) -> str:
    parts = urlsplit(handler.request.uri or "")
    rest = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "token"]
    target = urlunsplit(("", "", parts.path, urlencode(rest), ""))
    return url_concat(handler.settings["login_url"], {"next": target, "token": handler.get_query_argument("token")})
