"""The authorization code flow, as a client of whoever people sign in with: RFC 6749 section 4.1 with PKCE (RFC 7636).

One attempt to sign in is three random values that only one browser and this process know. Who somebody is, is not
decided here: what comes out is what the provider answered for the code.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import NamedTuple
from urllib.parse import urlencode

import httpx
import msgspec

from ...errors import Denied, Unavailable
from ...model import Confidential, decode

ANSWER_BYTES = 256 * 1024
"""An answer of a provider that is longer is not read."""


class Attempt(Confidential, frozen=True):
    """One attempt to sign in, kept by the browser that makes it until the provider sends it back."""

    state: str
    verifier: str
    nonce: str
    then: str
    """Which of our own pages comes next."""

    @classmethod
    def begin(cls, then: str) -> Attempt:
        """A fresh one."""
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(32), secrets.token_urlsafe(32), then)

    def check(self, state: str) -> None:
        """Raise `Denied` unless this is the attempt that the provider was sent away with."""
        if not hmac.compare_digest(self.state.encode(), state.encode()):
            raise not_yours()


class Client(NamedTuple):
    """Who we are at a provider, and where it is. Without `redirect_uri` it sends people to the only one it knows."""

    authorize_url: str
    token_url: str
    client_id: str
    client_secret: str
    redirect_uri: str | None = None
    scope: str | None = None
    basic: bool = False
    """Whether the secret travels in a header (RFC 6749 section 2.3.1) and not in the body."""


class TokenAnswer(msgspec.Struct):
    """What a provider gives for a code; what else is in it does not matter here."""

    access_token: str
    id_token: str = ""

    def __repr__(self) -> str:
        return "<TokenAnswer>"


def not_yours() -> Denied:
    """The error for an attempt that is not this browser's."""
    return Denied(
        "this sign-in was not begun in this browser, or too long ago",
        next_step="Begin again on the page you want to see.",
    )


def out_of_order() -> Unavailable:
    """The error for a provider that cannot be understood."""
    return Unavailable("whoever people sign in with does not answer as it should")


def authorize_url(client: Client, attempt: Attempt, **more: str) -> str:
    """Where to send the browser."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": client.client_id,
        "redirect_uri": client.redirect_uri,
        "scope": client.scope,
        "state": attempt.state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        **more,
    }
    return f"{client.authorize_url}?{urlencode({name: value for name, value in asked.items() if value is not None})}"


async def exchange(http: httpx.AsyncClient, client: Client, attempt: Attempt, code: str) -> TokenAnswer:
    """What the provider gives for this code. Raises `Denied` for a code that is none, and `Unavailable`."""
    body = {"grant_type": "authorization_code", "code": code, "code_verifier": attempt.verifier}
    if client.redirect_uri is not None:
        body["redirect_uri"] = client.redirect_uri
    authenticated = None
    if client.basic:
        authenticated = httpx.BasicAuth(client.client_id, client.client_secret)
    else:
        body |= {"client_id": client.client_id, "client_secret": client.client_secret}
    answer = await fetched(http, httpx.Request("POST", client.token_url, data=body), authenticated)
    if answer is None:
        raise Denied("the code for signing in was not accepted", next_step="Sign in once more.")
    try:
        return decode(answer, TokenAnswer)
    except msgspec.DecodeError:
        raise out_of_order() from None


async def fetched(http: httpx.AsyncClient, request: httpx.Request, auth: httpx.Auth | None = None) -> bytes | None:
    """The body of a good answer, None for a refusal (400, 401, 403). Raises `Unavailable`; follows no redirect."""
    whole = bytearray()
    try:
        answer = await http.send(request, auth=auth, stream=True, follow_redirects=False)
        try:
            if answer.status_code in (400, 401, 403):
                return None
            if answer.status_code != 200:
                raise out_of_order()
            async for piece in answer.aiter_bytes():
                whole += piece
                if len(whole) > ANSWER_BYTES:
                    raise out_of_order()
        finally:
            await answer.aclose()
    except httpx.HTTPError:
        raise out_of_order() from None
    return bytes(whole)
