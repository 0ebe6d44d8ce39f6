"""Requests to a vault, sent again while it is away: a service is stopped and started without a call that fails."""

from __future__ import annotations

import math
import random
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeVar, cast

import httpx
import msgspec

from .. import answers, protocol
from ..connections import Connections
from ..errors import SecureCollabError, Unavailable
from ..protocol import PREFIX, Reply, Route

TIMEOUT = httpx.Timeout(60.0, connect=5.0)

PATIENCE = 15.0
"""Seconds in which a vault that went away may come back: as long as a service takes to stop and start again."""
_GIVEN_UP = 60.0
"""Seconds for which a vault that did not come back is not waited for again."""

_FROM_A_PROXY = (502, 503, 504)
"""What a proxy says in the place of a vault that is not there."""

T = TypeVar("T")


class Requests:
    """To the vault at `url`, as whoever `token` stands for; safe to use from several threads.

    `parent` names the message being executed; `transport` and `patience` (s) as for `Client`.
    """

    def __init__(
        self,
        url: str,
        token: str,
        parent: Callable[[], str | None],
        transport: httpx.BaseTransport | None,
        patience: float,
    ) -> None:
        header = protocol.TOKEN_HEADER if token.startswith("sck_") else "Authorization"
        value = token if token.startswith("sck_") else f"token {token}"
        self._http = httpx.Client(
            base_url=f"{url.rstrip('/')}/{PREFIX}/",
            headers={header: value},
            timeout=TIMEOUT,
            transport=transport or Connections(),
            trust_env=False,
        )
        self._parent = parent
        self._patience = patience
        self._gave_up = -math.inf

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(
        self,
        at: Route,
        path: str,
        *,
        content: Iterable[bytes] | None = None,
        json_body: bytes | None = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The vault's answer to a request; raises what the vault raised, or `Unavailable`."""
        sent = dict(headers or {})
        if (parent := self._parent()) is not None:
            sent[protocol.PARENT_HEADER] = parent
        if json_body is not None:
            sent["Content-Type"] = "application/json"
        if at.once:
            sent[protocol.ONCE_HEADER] = f'"{secrets.token_hex(16)}"'
        body = _Body(json_body if content is None else content)
        response = self._patiently(body, method=at.method, url=path, params=params, headers=sent)
        if not response.is_success:
            raise _error(response)
        return response

    def _patiently(self, body: _Body, **request: Any) -> httpx.Response:
        """The vault's answer. One that is away is asked again, ever more seldom, until it was away too long."""
        until = None if time.monotonic() > self._gave_up + _GIVEN_UP else -math.inf
        for pause in _pauses():
            try:
                response = self._once(body, **request)
            except _Away as away:
                if body.gone:
                    raise Unavailable("the vault does not answer") from away
                until = time.monotonic() + self._patience if until is None else until
                if time.monotonic() + pause > until:
                    self._gave_up = time.monotonic()
                    raise Unavailable("the vault does not answer") from away
            else:
                self._gave_up = -math.inf
                return response
            time.sleep(pause)
        raise AssertionError("pauses never end")

    def _once(self, body: _Body, **request: Any) -> httpx.Response:
        try:
            response = self._http.request(content=body.content, **request)
        except httpx.TransportError as error:
            raise _Away from error
        if response.status_code in _FROM_A_PROXY and not _is_ours(response):
            raise _Away
        return response


class _Away(Exception):
    """Nobody answers for the vault. The request may have reached it all the same.

    It may be sent again: the vault reads, or decides and records anew, or knows what it has already done, by a version
    or by the key of a request that is done once.
    """


class _Body:
    """What is sent, as bytes or in pieces."""

    def __init__(self, content: bytes | Iterable[bytes] | None) -> None:
        self._begun = False
        self._source = content
        self.content = content if content is None or isinstance(content, bytes) else self

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._source or ():
            self._begun = True
            yield cast(bytes, chunk)

    @property
    def gone(self) -> bool:
        """Whether pieces were sent that cannot be had again."""
        return self._begun and iter(cast(Iterable[bytes], self._source)) is self._source


def _pauses() -> Iterator[float]:
    """Seconds between attempts, ever longer, and never the same for all who wait."""
    longest = 0.1
    while True:
        yield random.uniform(longest / 2, longest)  # noqa: S311 - nothing secret
        longest = min(2 * longest, 2.0)


def reply_in(response: httpx.Response, kind: type[T]) -> Reply[T]:
    """What an answer says; raises `Unavailable` for one that cannot be read."""
    try:
        return answers.read(response.content, Reply[kind])  # type: ignore[valid-type]  # made at run time
    except msgspec.DecodeError as error:
        step = "Check that both sides run the same version."
        raise Unavailable("the vault's answer cannot be read", next_step=step) from error


def _is_ours(response: httpx.Response) -> bool:
    """Whether the vault itself says so, and not somebody in its place."""
    with suppress(msgspec.DecodeError):
        return bool(answers.read(response.content, protocol.ErrorReply))
    return False


def _error(response: httpx.Response) -> SecureCollabError:
    try:
        return protocol.error_from(answers.read(response.content, protocol.ErrorReply).error)
    except msgspec.DecodeError:
        return Unavailable(f"the vault's server answered {response.status_code}")
