"""Who calls a vault that is a service of JupyterHub: whoever the Hub says the token in the header belongs to.

The Hub is asked through its REST API. What it says of roles is taken from the scopes of that one token, matched whole:
a scope with a filter (`...!server=x/`) is what somebody else shared and counts for nothing. Groups are the Hub's.
Nothing is decided here, and when the Hub does not answer nobody is let in.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import httpx
import msgspec

from ...connections import Connections
from ...errors import Denied, NotSignedIn, Unavailable
from ...model import ROLES, Caller, Role, Vouched, decode, recorder_name
from ..hashed import sha256_hex
from .vouching import KnownPerson, admitted, checked_name, nameable

if TYPE_CHECKING:
    from ..handlers import AsyncDoor

SCOPES: dict[Role, str] = {role: f"custom:securecollab:{role}" for role in ROLES}
"""The custom scope that gives each role."""

RECORDER = "custom:securecollab:recorder"
"""The scope of a service of the Hub that reports what people execute. A person's token that has it is a person's."""

CACHED_SECONDS = 5.0
"""How long what the Hub said serves for reading lists and parts. Everything else asks anew."""

_TOKENS_KEPT = 10_000
_AT_ONCE = 16
"""Questions at a time, a thread and a connection that stays for each: the Hub answers one after another anyhow. On the
event loop each would take several times the processor, which all requests share."""

_STRANGERS = 8
"""How many questions about tokens never seen before the Hub is asked at a time: made-up ones cost it no more."""

_STRANGERS_WAITING = 500
_ONE_TOKEN = re.compile(r"(?:token|bearer) +([\w.~+/=-]{1,512})", re.IGNORECASE | re.ASCII)
_TIMEOUT = {"timeout": httpx.Timeout(5.0).as_dict()}
_log = logging.getLogger(__name__)
T = TypeVar("T")


class _Model(msgspec.Struct):
    """What `GET /user` says of the token it is asked with; what else is in it does not matter here."""

    kind: str
    name: str
    groups: list[str] = []
    scopes: list[str] = []


class _Made(msgspec.Struct):
    """What `GET /users/NAME` says to whoever may `read:users`."""

    created: str


class _Known(NamedTuple):
    asked: float
    person: KnownPerson


class Hub:
    """The Hub at `api_url`, asked with the service's own token about the tokens of others.

    `service` is this service's name at the Hub: a token must carry access to it, so that one issued to another service
    counts for nothing. `count` is told how each question to the Hub went.
    """

    def __init__(
        self,
        api_url: str,
        own_token: str,
        service: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        count: Callable[[str, float], None] = lambda answer, seconds: None,
    ) -> None:
        self._own_token = own_token
        self._access = {"access:services", f"access:services!service={service}"}
        self._clock = clock
        self._count = count
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="securecollab-hub")
        self._api_url = api_url.rstrip("/")
        self._connections = Connections()  # by itself: no cookies, no redirects
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._strangers = asyncio.Semaphore(_STRANGERS)
        self._waiting = 0
        self._silent_since = float("-inf")

    async def person(self, token: str, *, fresh: bool) -> KnownPerson:
        """Whose token this is. `fresh`: as the Hub says now; else as it said up to `CACHED_SECONDS` ago.

        Raises `NotSignedIn` for a token the Hub does not know, `Denied` for one that is no person's, and `Unavailable`
        when the Hub cannot be asked, or too many come at once whom the vault does not know.
        """
        found = await self._found(token, fresh=fresh)
        if isinstance(found, Caller):
            raise _no_person()
        return found

    async def _found(self, token: str, *, fresh: bool) -> KnownPerson | Caller:
        """A person, or a recorder as a caller."""
        digest = sha256_hex(token)
        known = self._known.get(digest)
        if known is not None and not fresh and self._clock() - known.asked < CACHED_SECONDS:
            return known.person
        asked = self._clock()
        user = self._ask_of_stranger(digest, token) if known is None else self._ask("user", token, _Model, asked)
        model = await user
        if model is None:
            self._known.pop(digest, None)
            raise NotSignedIn(
                "the Hub does not, or no longer, know this token",
                next_step="Stop your server and start it again, or make a new token at the Hub.",
            )
        if model.kind == "service" and RECORDER in model.scopes and self._access.intersection(model.scopes):
            # Not kept: it comes to report, and who reports is asked of anew.
            return Caller(recorder_name(model.name), "service", digest, vouched=Vouched((), ()), recorder=True)
        name = _name(model)
        # A token ends with the account it was made for, so one look at the account is enough for each.
        made = known.person.made if known is not None and known.person.name == name else await self._made(name)
        person = KnownPerson(name, made, Vouched(self._roles(model), nameable(model.groups)))
        _keep(self._known, digest, _Known(asked, person))
        return person

    async def caller(self, door: AsyncDoor, token: str, *, fresh: bool) -> Caller:
        """Whose token this is, as a caller of the door: a person's, or a recorder's. Raises as `person`."""
        found = await self._found(token, fresh=fresh)
        if isinstance(found, Caller):
            return found
        return await door.call(admitted, door.door, found, token)

    async def _ask_of_stranger(self, digest: str, token: str) -> _Model | None:
        """Few at a time, so that whoever is known is served beside any number of made-up tokens.

        One that the Hub did not know a moment ago it does not know now: tokens are random.
        """
        asked = self._clock()
        if asked - self._unknown.get(digest, float("-inf")) < CACHED_SECONDS:
            return None
        if self._waiting >= _STRANGERS_WAITING:
            raise Unavailable("too many come at once whom the vault does not know", next_step="Try again in a minute.")
        self._waiting += 1
        try:
            async with self._strangers:
                model = await self._ask("user", token, _Model, asked)
        finally:
            self._waiting -= 1
        if model is None:
            _keep(self._unknown, digest, asked)
        return model

    async def close(self) -> None:
        """Let running questions end, and close the connections."""
        await asyncio.to_thread(self._threads.shutdown, cancel_futures=True)
        self._connections.close()

    def _roles(self, model: _Model) -> tuple[Role, ...]:
        scopes = set(model.scopes)
        return tuple(role for role in ROLES if SCOPES[role] in scopes) if scopes & self._access else ()

    async def _made(self, name: str) -> str:
        found = await self._ask(f"users/{name}", self._own_token, _Made, self._clock())
        if found is None:
            _log.error("the Hub does not let this service read users: give it the scope read:users")
            raise Unavailable("the Hub does not let the vault look at accounts", next_step="Tell the administrator.")
        return found.created

    async def _ask(self, path: str, token: str, kind: type[T], since: float) -> T | None:
        """One question to the Hub, when its turn comes, by who waits since then; None where this token may not ask.

        While the Hub is silent who waits does not wait for one time-out after the other: where it did not answer
        somebody who asked later, it is not asked.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask_now, path, token, kind, since)

    def _ask_now(self, path: str, token: str, kind: type[T], since: float) -> T | None:
        began = self._clock()
        if since < self._silent_since:
            raise _silent()
        answer = "failed"
        try:
            response = self._get(path, token)
            answer = str(response.status_code)
            if response.status_code in (401, 403):
                return None
            if response.status_code == 200:
                return decode(response.read(), kind)
        except httpx.HTTPError as error:
            self._silent_since = max(self._silent_since, began)
            _log.warning("the Hub does not answer: %s", type(error).__name__)
        except msgspec.DecodeError:
            answer = "unreadable"
        finally:
            self._count(answer, self._clock() - began)
        raise _silent()

    def _get(self, path: str, token: str) -> httpx.Response:
        headers = {"Authorization": f"token {token}"}
        request = httpx.Request("GET", f"{self._api_url}/{path}", headers=headers, extensions=_TIMEOUT)
        try:
            return self._connections.handle_request(request)
        except httpx.TransportError as error:
            if isinstance(error, httpx.ConnectError) or isinstance(error.__cause__, TimeoutError):
                raise
            # Most likely a connection kept from before the Hub was restarted.
            return self._connections.handle_request(request)


def _keep(kept: OrderedDict[str, T], digest: str, what: T) -> None:
    """Remember this of a token, and forget the one longest not heard of if they are too many."""
    kept[digest] = what
    kept.move_to_end(digest)
    if len(kept) > _TOKENS_KEPT:
        kept.popitem(last=False)


def token_of(authorization: str) -> str:
    """The token in an Authorization header. Raises `NotSignedIn`; nowhere else is a token looked for."""
    found = _ONE_TOKEN.fullmatch(authorization)
    if found is None:
        raise NotSignedIn("the vault wants a token", next_step="Send it as `Authorization: token ...`.")
    return found[1]


def _name(model: _Model) -> str:
    if model.kind != "user":
        raise _no_person()
    return checked_name(model.name)


def _silent() -> Unavailable:
    return Unavailable("the Hub cannot say just now who you are", next_step="Try again in a minute.")


def _no_person() -> Denied:
    return Denied("this token is of a service, and only people use a vault")
