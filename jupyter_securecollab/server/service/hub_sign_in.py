"""Signing browsers in at the Hub: its OAuth, where every service is a client.

The token that comes out carries what the Hub was told this service may ask for (`oauth_client_allowed_scopes`), of that
what its person has. The Hub is asked about it anew for everything that is decided.
"""

from __future__ import annotations

import httpx

from . import oauth
from .hub import Hub
from .sessions import SignedIn
from .vouching import KnownPerson


class HubSignIn:
    """The Hub as whom people sign in with. `client` says as which service, and where the Hub is."""

    name = "the Hub"
    session_seconds: float = 8 * 3600

    def __init__(self, hub: Hub, client: oauth.Client) -> None:
        self._hub, self._client = hub, client
        self._http = httpx.AsyncClient(timeout=5.0, trust_env=False)

    async def address(self, attempt: oauth.Attempt) -> str:
        """Where to send the browser."""
        return oauth.authorize_url(self._client, attempt)

    async def finish(self, attempt: oauth.Attempt, code: str) -> SignedIn:
        """Who came back with this code. Raises `Denied` and `Unavailable`."""
        token = (await oauth.exchange(self._http, self._client, attempt, code)).access_token
        return SignedIn(await self._hub.person(token, fresh=True), token)

    async def person(self, signed_in: SignedIn, *, fresh: bool) -> KnownPerson:
        """What the Hub says of them now, or said at most five seconds ago. Raises `NotSignedIn`, `Unavailable`."""
        return await self._hub.person(signed_in.token, fresh=fresh)

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()
