"""Providers that talk nonsense, addresses at which nobody should sign in, and what cookies are bound to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from serving import free_port
from strangers import Stranger, listening

from jupyter_securecollab.errors import Denied, Invalid, Unavailable
from jupyter_securecollab.server.service import oauth
from jupyter_securecollab.server.service.browsers import address
from jupyter_securecollab.server.service.oidc import OidcSettings, OidcSignIn

GOOD = b'{"access_token": "t", "more": 1}'
DESCRIBED = '{{"issuer": "{0}", "authorization_endpoint": "{1}/a", "token_endpoint": "{1}/t", "jwks_uri": "{2}"}}'


class _Strange(Stranger):
    """The first part of the path says what is answered."""

    def reply(self) -> tuple[int, bytes, str]:
        own = f"http://127.0.0.1:{self.server.server_address[1]}"
        how = self.path.split("/")[1]
        status, body = {
            "good": (200, GOOD), "html": (200, b"<html>"), "empty": (200, b""), "list": (200, b"[]"),
            "number": (200, b'{"access_token": 7}'), "nothing": (200, b"{}"), "huge": (200, GOOD + b" " * 300_000),
            "redirect": (302, GOOD), "teapot": (418, GOOD), "down": (502, GOOD), "bad": (400, b"{}"),
            "no": (401, b"{}"), "forbidden": (403, b"{}"),
            "honest": (200, DESCRIBED.format(f"{own}/honest", own, f"{own}/empty").encode()),
            "other": (200, DESCRIBED.format("https://other.example", own, f"{own}/k").encode()),
            "plain": (200, DESCRIBED.format(f"{own}/plain", own, "http://keys.example/k").encode()),
        }[how]  # fmt: skip
        return status, body, f"{own}/good"


@pytest.fixture(scope="module")
def strange() -> Iterator[str]:
    with listening(_Strange) as url:
        yield url


async def exchanged(url: str) -> oauth.TokenAnswer:
    client = oauth.Client("https://id.example/authorize", f"{url}/token", "id", "secret")
    async with httpx.AsyncClient(timeout=5, trust_env=False) as http:
        return await oauth.exchange(http, client, oauth.Attempt.begin("page"), "code")


def test_a_good_answer_is_a_token_and_is_not_printed(strange: str) -> None:
    answer = asyncio.run(exchanged(f"{strange}/good"))
    assert answer.access_token == "t" and "'t'" not in repr(answer)
    attempt = oauth.Attempt.begin("page")
    assert attempt.verifier not in repr(attempt) and len({attempt.state, attempt.verifier, attempt.nonce}) == 3


@pytest.mark.parametrize("how", ["html", "empty", "list", "number", "nothing", "huge", "redirect", "teapot", "down"])
def test_an_answer_that_is_none_signs_nobody_in(strange: str, how: str) -> None:
    with pytest.raises(Unavailable):
        asyncio.run(exchanged(f"{strange}/{how}"))


@pytest.mark.parametrize("how", ["bad", "no", "forbidden"])
def test_a_no_is_a_no(strange: str, how: str) -> None:
    with pytest.raises(Denied):
        asyncio.run(exchanged(f"{strange}/{how}"))


def test_a_provider_that_is_not_there_signs_nobody_in() -> None:
    with pytest.raises(Unavailable):
        asyncio.run(exchanged(f"http://127.0.0.1:{free_port()}"))


@pytest.mark.parametrize("how", ["html", "redirect", "other", "plain", "nothing"])
def test_a_provider_that_describes_another_or_itself_wrongly_is_not_used(strange: str, how: str) -> None:
    async def away(issuer: str) -> str:
        sign_in = OidcSignIn(OidcSettings(issuer, "id", "", {}), "secret", "https://vault.example/oauth_callback")
        try:
            return await sign_in.address(oauth.Attempt.begin("page"))
        finally:
            await sign_in.close()

    assert asyncio.run(away(f"{strange}/honest")).startswith(f"{strange}/a?")
    with pytest.raises((Unavailable, Invalid)):
        asyncio.run(away(f"{strange}/{how}"))


@pytest.mark.parametrize("url", [
    "", "vault.example", "ftp://vault.example", "http://vault.example", "https://", "https://you@vault.example",
    "javascript:alert(1)",
])  # fmt: skip
def test_addresses_at_which_nobody_should_sign_in(url: str) -> None:
    with pytest.raises(Invalid):
        address(url, "/", "", alone=True)


@pytest.mark.parametrize(("url", "notebooks", "alone", "own", "cookie"), [
    ("https://vault.example", "https://hub.example/hub/", True, True, "__Host-securecollab-session"),
    ("https://services.hub.example", "https://hub.example/hub/", False, True, "securecollab-session"),
    ("https://hub.example", "https://hub.example/hub/", False, False, "securecollab-session"),
    ("https://HUB.example:8443", "https://hub.example/hub/", True, False, "securecollab-session"),
    ("http://localhost:1", "http://127.0.0.1:2/hub/", True, True, "securecollab-session"),
])  # fmt: skip
def test_what_a_cookie_is_bound_to_and_where_decisions_are_taken(url, notebooks, alone, own, cookie) -> None:
    found = address(url, "/services/vault/", notebooks, alone=alone)
    name, how = found.cookie("session")
    assert (found.own, name, how["secure"]) == (own, cookie, url.startswith("https"))
    assert how["path"] == ("/" if name.startswith("__Host-") else "/services/vault/") and how["httponly"]
