"""Signing in with OpenID Connect, for teams without a Hub: what an administrator configures, and who an ID token is.

Signatures and claims are checked by joserfc; which algorithms, issuer, audience and keys count is decided here, and
never taken from the token nor from what a provider announces (OpenID Connect Core 1.0, 3.1.3.7). A person is who the
issuer's `sub` is: another one under the same name is another person.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from ...errors import Denied, Invalid
from ...model import ROLES, Role, Value, Vouched, decode
from ..hashed import sha256_hex
from . import oauth
from .sessions import FRESH_SECONDS, SignedIn
from .vouching import KnownPerson, checked_name, nameable

T = TypeVar("T")

SKEW_SECONDS = 30
"""How far the provider's clock and ours may be apart."""

_KEPT_SECONDS = 300
"""How long the provider's description and keys serve; a key it has taken back counts no longer than that."""

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]


class OidcSettings(Value, frozen=True):
    """What an administrator writes into the file of `serve --oidc`.

    `roles` are the values of the claim `roles_claim` that give each role. `client_secret_file` is a path.
    """

    issuer: str
    client_id: str
    client_secret_file: str
    roles: dict[Role, tuple[str, ...]]
    roles_claim: str = "groups"
    groups_claim: str = "groups"
    name_claim: str = "preferred_username"
    scopes: tuple[str, ...] = ("openid", "profile")
    algorithms: tuple[Algorithm, ...] = ("RS256",)
    token_hours: Annotated[int, msgspec.Meta(ge=1, le=168)] = 12


class _Described(msgspec.Struct):
    """What a provider says of itself (OpenID Connect Discovery 1.0, 3); the rest does not matter here."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


def read_settings(file: Path) -> OidcSettings:
    """The settings in this YAML file. Raises `Invalid`, naming what is wrong."""
    try:
        settings = msgspec.yaml.decode(file.read_bytes(), type=OidcSettings)
    except msgspec.DecodeError as error:
        raise Invalid(f"{file} cannot be understood: {error}") from None
    _checked_url(settings.issuer)
    if "openid" not in settings.scopes or not settings.algorithms:
        raise Invalid(f"{file} asks for no scope openid, or allows no algorithm")
    return settings


class OidcSignIn:
    """The provider as whom people sign in with. `clock` counts seconds since 1970."""

    session_seconds: float = 3600

    def __init__(
        self, settings: OidcSettings, secret: str, redirect_uri: str, clock: Callable[[], float] = time.time
    ) -> None:
        self.name = urlsplit(settings.issuer).hostname or ""
        self._settings, self._secret, self._redirect_uri, self._clock = settings, secret, redirect_uri, clock
        self._http = httpx.AsyncClient(timeout=10.0, trust_env=False)
        self._described: tuple[float, _Described] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def address(self, attempt: oauth.Attempt) -> str:
        """Where to send the browser. Who was with the provider longer ago than that signs in there anew."""
        client = await self._client()
        return oauth.authorize_url(client, attempt, nonce=attempt.nonce, max_age=str(FRESH_SECONDS))

    async def finish(self, attempt: oauth.Attempt, code: str) -> SignedIn:
        """Who came back with this code. Raises `Denied` for a token that is not for us, here and now."""
        answer = await oauth.exchange(self._http, await self._client(), attempt, code)
        claims = await self._claims(answer.id_token, attempt.nonce)
        return SignedIn(self._person(claims), age=self._age(claims))

    async def person(self, signed_in: SignedIn, *, fresh: bool) -> KnownPerson:
        """As the provider said at the sign-in: there is nobody to ask in between, so what counts anew is signing in."""
        return signed_in.person

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _client(self) -> oauth.Client:
        described = await self._description()
        return oauth.Client(
            described.authorization_endpoint,
            described.token_endpoint,
            self._settings.client_id,
            self._secret,
            self._redirect_uri,
            " ".join(self._settings.scopes),
            basic="client_secret_basic" in described.token_endpoint_auth_methods_supported,
        )

    async def _description(self) -> _Described:
        if self._described is None or self._clock() - self._described[0] >= _KEPT_SECONDS:
            issuer = self._settings.issuer
            found = await self._fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration", _Described)
            if found.issuer != issuer:  # Discovery 4.3
                raise oauth.out_of_order()
            for url in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
                _checked_url(url)
            self._described = self._clock(), found
        return self._described[1]

    async def _key_set(self, *, anew: bool) -> KeySet:
        if anew or self._keys is None or self._clock() - self._keys[0] >= _KEPT_SECONDS:
            found = await self._fetch((await self._description()).jwks_uri, dict[str, Any])
            try:
                self._keys = self._clock(), KeySet.import_key_set(found)  # type: ignore[arg-type]
            except (JoseError, KeyError, TypeError, ValueError):
                raise oauth.out_of_order() from None
        return self._keys[1]

    async def _claims(self, id_token: str, nonce: str) -> dict[str, Any]:
        """What a token says, once everything about it was checked."""
        try:
            try:
                token = jwt.decode(id_token, await self._key_set(anew=False), list(self._settings.algorithms))
            except InvalidKeyIdError:  # the provider signs with a key it did not have a moment ago
                token = jwt.decode(id_token, await self._key_set(anew=True), list(self._settings.algorithms))
            self._wanted(nonce).validate(token.claims)
        except (JoseError, ValueError):
            raise _not_for_us() from None
        audience, party = token.claims["aud"], token.claims.get("azp", self._settings.client_id)
        if audience not in (self._settings.client_id, [self._settings.client_id]) or party != self._settings.client_id:
            raise _not_for_us()  # one that others may use as well is not ours alone
        return token.claims

    def _wanted(self, nonce: str) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=lambda: int(self._clock()),
            leeway=SKEW_SECONDS,
            iss={"essential": True, "value": self._settings.issuer},
            aud={"essential": True, "value": self._settings.client_id},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
            nonce={"essential": True, "value": nonce},
        )

    def _person(self, claims: dict[str, Any]) -> KnownPerson:
        settings = self._settings
        name = claims.get(settings.name_claim)
        if not isinstance(name, str) or (settings.name_claim == "email" and claims.get("email_verified") is not True):
            raise Denied("the provider does not say what you are called", next_step="Tell the administrator.")
        held = set(_texts(claims.get(settings.roles_claim)))
        roles = tuple(role for role in ROLES if held & set(settings.roles.get(role, ())))
        groups = nameable(_texts(claims.get(settings.groups_claim)))
        made = f"oidc:{sha256_hex(settings.issuer + ' ' + claims['sub'])}"
        return KnownPerson(checked_name(name), made, Vouched(roles, groups))

    def _age(self, claims: dict[str, Any]) -> float:
        at = claims.get("auth_time")
        if not isinstance(at, int | float) or not at <= self._clock() + SKEW_SECONDS:  # NaN, too, is no time
            return float("inf")
        return max(0.0, self._clock() - at)

    async def _fetch(self, url: str, kind: type[T]) -> T:
        body = await oauth.fetched(self._http, httpx.Request("GET", url))
        try:
            return decode(body or b"", kind)
        except msgspec.DecodeError:
            raise oauth.out_of_order() from None


def _texts(claim: object) -> Iterable[str]:
    """A claim that is a text, or a list of texts; everything else says nothing."""
    if isinstance(claim, str):
        return (claim,)
    return [one for one in claim if isinstance(one, str)] if isinstance(claim, list) else ()


def _checked_url(url: str) -> None:
    found = urlsplit(url)
    if found.scheme != "https" and not (found.scheme == "http" and found.hostname in ("127.0.0.1", "localhost")):
        raise Invalid("a provider is reached over https only")


def _not_for_us() -> Denied:
    return Denied("what the provider says of you is not for this sign-in", next_step="Sign in once more.")
