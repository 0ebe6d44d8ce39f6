"""A vault without a Hub: browsers sign in with OpenID Connect at a real provider process, kernels with a token."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import oidc_provider
import pytest
from serving import error_of, free_port, share

from jupyter_securecollab.client import Client
from jupyter_securecollab.core.collaboration import Settings
from jupyter_securecollab.errors import Denied, Invalid
from jupyter_securecollab.model import AccessSpec, Level
from jupyter_securecollab.proofs import parse_entry
from jupyter_securecollab.protocol import PREFIX
from jupyter_securecollab.server.hashed import sha256_hex
from jupyter_securecollab.server.service.oauth import Attempt
from jupyter_securecollab.server.service.oidc import OidcSettings, OidcSignIn, read_settings
from jupyter_securecollab.server.service.own_tokens import kept
from jupyter_securecollab.server.service.sessions import SignedIn
from jupyter_securecollab.server.vault import open_vault

REQUESTS, TOKENS, LOG = "securecollab/requests", "securecollab/tokens", "securecollab/log"
DEPLOYED = Path(__file__).parent.parent / "deploy" / "standalone" / "securecollab_oidc.yaml"


@dataclass
class Team:
    """A vault and its provider, and where they are."""

    folder: Path
    provider: int
    port: int
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    open: list[httpx.Client] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/vault"

    def run(self, log: str, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / log).open("ab") as out:
            made = subprocess.Popen([sys.executable, *command], stdout=out, stderr=out)
        self.processes.append(made)
        return made

    def start(self) -> None:
        provider = self.run("provider.log", oidc_provider.__file__, str(self.provider), f"{self.url}/oauth_callback")
        (self.folder / "secret").write_text(oidc_provider.SECRET + "\n")
        settings = DEPLOYED.read_text("utf-8").replace("https://id.example.org", f"http://127.0.0.1:{self.provider}")
        settings = settings.replace("/etc/securecollab/client-secret", str(self.folder / "secret"))
        (self.folder / "oidc.yaml").write_text(settings)
        service = self.run("service.log", *self.serve())
        for process, url in ((provider, f"http://127.0.0.1:{self.provider}/jwks"), (service, f"{self.url}/readyz")):
            while not answers(url):
                assert process.poll() is None, [path.read_text() for path in self.folder.glob("*.log")]
                time.sleep(0.05)

    def serve(self, *more: str) -> tuple[str, ...]:
        return (
            *("-m", "jupyter_securecollab.cli", "--folder", str(self.folder / "vault"), "serve"),
            *("--oidc", str(self.folder / "oidc.yaml"), "--port", str(self.port), "--public-url", self.url, *more),
        )

    def stop(self) -> None:
        self.close_browsers()
        for process in reversed(self.processes):
            process.send_signal(signal.SIGTERM)
            process.wait(60)

    def http(self, **options: Any) -> httpx.Client:
        """A plain HTTP client, closed after the test."""
        self.open.append(httpx.Client(timeout=30, trust_env=False, **options))
        return self.open[-1]

    def close_browsers(self) -> None:
        while self.open:
            self.open.pop().close()

    def cli(self, *words: str) -> str:
        command = [sys.executable, "-m", "jupyter_securecollab.cli", "--folder", str(self.folder / "vault"), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def tell(self, what: str, **said: Any) -> None:
        """Tell the provider about people, or what its next token is to be."""
        url, body = f"http://127.0.0.1:{self.provider}/{what}", json.dumps(said)  # which takes NaN
        assert httpx.post(url, content=body, trust_env=False).status_code == 200

    @contextmanager
    def client(self, token: str) -> Iterator[Client]:
        with closing(Client(self.url, token, memory=self.folder / f"memory-{os.urandom(4).hex()}")) as made:
            yield made


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    made = Team(tmp_path_factory.mktemp("team"), free_port(), free_port())
    try:
        made.start()
        members, stewards, auditors = (f"securecollab-{role}" for role in ("members", "stewards", "auditors"))
        groups = {"alice": [members], "bob": [members, "analysts"], "dana": [stewards], "carol": [auditors], "eve": []}
        made.tell("people", **{name: {"groups": found} for name, found in groups.items()})
        for name in ("alice", "dana"):
            browser(made, name)
            made.cli("user", "change", name, "--clearance", "secret")
        yield made
    finally:
        made.stop()


@pytest.fixture(autouse=True)
def closing_browsers(team: Team) -> Iterator[None]:
    yield
    team.close_browsers()


class Person:
    """A browser, and who sits before it."""

    def __init__(self, team: Team, name: str) -> None:
        self.team, self.name, self.http = team, name, team.http()

    def away(self, page: str = REQUESTS) -> httpx.URL:
        """Begin to sign in: the provider's address, with who will be there."""
        begun = self.http.get(f"{self.team.url}/sign-in?next={page}")
        return httpx.URL(begun.headers["Location"]).copy_add_param("user", self.name)

    def back(self, page: str = REQUESTS) -> str:
        """The address at which the provider sends the browser back."""
        return str(self.http.get(self.away(page)).headers["Location"])

    def sign_in(self, page: str = REQUESTS) -> httpx.Response:
        return self.http.get(self.back(page), follow_redirects=True)

    def get(self, page: str) -> httpx.Response:
        return self.http.get(f"{self.team.url}/{page}")

    def post(self, page: str, **fields: str) -> httpx.Response:
        found = re.search(r'name="_xsrf" value="([^"]+)"', self.get(page).text)
        sent = {"_xsrf": found[1] if found else "", **fields}
        return self.http.post(f"{self.team.url}/{page}", data=sent, headers={"Sec-Fetch-Site": "same-origin"})

    @property
    def signed_in(self) -> bool:
        return "securecollab-session" in self.http.cookies

    def token(self) -> str:
        found = re.search(r"<code>(sct_[^<]+)</code>", self.post(TOKENS, answer="make").text)
        assert found is not None
        return found[1]


def browser(team: Team, name: str) -> Person:
    made = Person(team, name)
    made.sign_in()
    return made


# ---- who comes in ------------------------------------------------------------------------------------------------


def test_people_sign_in_with_the_provider_and_make_a_token_for_their_kernels(team: Team) -> None:
    alice, bob = browser(team, "alice"), browser(team, "bob")
    page = alice.get(TOKENS)
    assert page.status_code == 200 and "<strong>alice</strong>" in page.text and "sct_" not in page.text
    with team.client(alice.token()) as at_alice, team.client(bob.token()) as at_bob:
        assert at_bob.me().groups == ("analysts", "securecollab-members") and at_bob.me().deployment == "service"
        share(at_alice, "oncology/patients", access=AccessSpec(people=("@analysts",)))
        opened = at_bob.open("oncology/patients")
        assert {key.level for key in opened.keys} == {Level.INTERNAL}
        assert "token.make" in {parse_entry(one.body).act for one in at_alice.audit(by="alice")}
    assert "The state is what the log says" in team.cli("audit", "verify", "--state")


def test_a_token_is_a_members_and_decides_nothing(team: Team) -> None:
    dana = browser(team, "dana")
    with team.client(browser(team, "alice").token()) as alice:
        one = alice.ask_join("oncology/joined", Level.SECRET, "to join")
    token = dana.token()
    with team.client(token) as kernel:
        assert kernel.me().roles == ("member",)
        assert all(parse_entry(entry.body).who == "dana" for entry in kernel.audit())
    script = team.http(headers={"Authorization": f"token {token}"})
    assert script.post(f"{team.url}/{REQUESTS}", data={"id": one.id, "answer": "yes"}).status_code == 401
    assert script.post(f"{team.url}/{TOKENS}", data={"answer": "make"}).status_code == 401
    assert "oncology/joined, secret: asked" in dana.get(REQUESTS).text
    assert dana.post(REQUESTS, id=one.id, answer="yes").status_code == 303
    assert "oncology/joined, secret: allowed" in dana.get(REQUESTS).text


def test_a_token_ends_with_the_next_one_by_hand_with_the_account_and_with_its_time(team: Team) -> None:
    bob = browser(team, "bob")
    first = bob.token()
    second = bob.token()
    bare = team.http(base_url=f"{team.url}/{PREFIX}/")
    later = second.replace(second.split("_")[1], str(int(time.time()) + 10**6))
    over = second.replace(second.split("_")[1], "1000000000")
    for token in (first, later, over, second[:-1], "sct_x", "scp_x"):
        error_of(bare.get("me", headers={"Authorization": f"token {token}"}), 401)
    assert bare.get("me", headers={"Authorization": f"token {second}"}).status_code == 200
    assert abs(int(second.split("_")[1]) - time.time() - 12 * 3600) < 120
    assert bob.post(TOKENS, answer="end").status_code == 200
    error_of(bare.get("me", headers={"Authorization": f"token {second}"}), 401)
    third = bob.token()
    team.cli("user", "disable", "bob")
    try:
        error_of(bare.get("me", headers={"Authorization": f"token {third}"}), 401)
        assert bob.post(TOKENS, answer="make").status_code == 403
    finally:
        team.cli("user", "enable", "bob")
    fourth = bob.token()
    with closing(open_vault(team.folder / "vault", Settings())) as door:  # as another kind of server would look it up
        assert door.account_of_token(sha256_hex(fourth)) is None and door.account_of_token(kept(fourth)) is not None
    stored = (team.folder / "vault" / "vault.sqlite").read_bytes() + (team.folder / "service.log").read_bytes()
    assert not any(token.encode() in stored for token in (first, second, third))


def test_an_auditor_reads_the_log_and_has_no_token(team: Team) -> None:
    carol = browser(team, "carol")
    assert "user.vouch" in carol.get(LOG).text and "in the log" in carol.get(LOG).text
    assert carol.post(TOKENS, answer="make").status_code == 403
    refused = carol.get(REQUESTS)
    assert refused.status_code == 403 and "Only members and stewards" in refused.text and ".." not in refused.text


def test_who_has_no_role_gets_no_session(team: Team) -> None:
    eve = Person(team, "eve")
    said = eve.sign_in()
    assert said.status_code == 403 and "no role" in said.text and not eve.signed_in


def test_what_the_provider_says_next_time_counts(team: Team) -> None:
    bob = browser(team, "bob")
    with team.client(bob.token()) as kernel:
        assert "analysts" in kernel.me().groups
        team.tell("lie", claims={"groups": ["securecollab-members", 7, "not a name!"]})
        bob.sign_in()
        assert kernel.me().groups == ("securecollab-members",)
        bob.sign_in()
        assert "analysts" in kernel.me().groups


def test_another_account_of_the_same_name_is_somebody_else_until_an_administrator_says_so(team: Team) -> None:
    browser(team, "alice")
    team.tell("lie", claims={"sub": "made-later"})
    other = Person(team, "alice")
    assert other.sign_in().status_code == 403 and not other.signed_in
    for name in ("dana/../alice", "@stewards", "vault", ""):
        team.tell("lie", claims={"preferred_username": name})
        assert other.sign_in().status_code == 403 and not other.signed_in


def test_who_was_with_the_provider_too_long_ago_sees_and_does_not_decide(team: Team) -> None:
    said = [
        {"auth_time": -301},
        {"auth_time": 60},
        *({"claims": {"auth_time": x}} for x in (None, float("nan"), "now")),
    ]
    for lie in said:
        team.tell("lie", **lie)
        dana = browser(team, "dana")
        page = dana.get(TOKENS)
        assert page.status_code == 200 and 'name="answer"' not in page.text and "Sign in anew" in page.text
        assert dana.post(TOKENS, answer="make").status_code == 403
    assert dana.away().params["max_age"] == "300"
    assert browser(team, "dana").post(TOKENS, answer="make").status_code == 200


# ---- what does not come in ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lie", [
    {"claims": {"nonce": "another"}}, {"claims": {"nonce": None}}, {"exp": -31}, {"claims": {"exp": None}},
    {"claims": {"aud": "another"}}, {"claims": {"aud": None}}, {"claims": {"aud": ["securecollab", "another"]}},
    {"claims": {"azp": "another"}}, {"claims": {"iss": "https://evil.example"}}, {"claims": {"sub": None}},
    {"claims": {"sub": ["x"]}}, {"claims": {"sub": 5}},
    {"claims": {"sub": {}}}, {"iat": 60}, {"how": "none"}, {"how": "HS256"}, {"how": "RS384"}, {"how": "stranger"},
    {"broken": True}, {"claims": {"preferred_username": None}}, {"claims": {"preferred_username": ["alice"]}},
], ids=str)  # fmt: skip
def test_a_token_that_is_not_for_us_here_and_now_signs_nobody_in(team: Team, lie: dict[str, Any]) -> None:
    team.tell("lie", **lie)
    alice = Person(team, "alice")
    said = alice.sign_in()
    assert said.status_code == 403 and 'role="alert"' in said.text and not alice.signed_in
    assert "another" not in said.text and "evil" not in said.text


def test_a_small_difference_of_clocks_is_none(team: Team) -> None:
    team.tell("lie", exp=-20, iat=20, auth_time=20)
    assert browser(team, "alice").signed_in


@pytest.mark.parametrize("how", ["state", "code", "replayed", "elsewhere", "twice"])
def test_a_sign_in_that_is_not_this_browsers_ends_without_a_session(team: Team, how: str) -> None:
    alice = Person(team, "alice")
    back = alice.back()
    if how in ("state", "code"):
        back = re.sub(rf"{how}=[^&]+", f"{how}=another", back)
    if how == "elsewhere":
        alice = Person(team, "alice")
    if how in ("replayed", "twice"):
        assert alice.http.get(back).status_code == 302
        alice.http.cookies.delete("securecollab-session")
    if how == "replayed":  # with the attempt of another sign-in in the same browser
        alice.back()
    assert alice.http.get(back).status_code == 403 and not alice.signed_in


def test_the_provider_may_change_its_key(team: Team) -> None:
    assert browser(team, "alice").signed_in
    team.tell("rotate")
    assert browser(team, "alice").signed_in
    team.tell("lie", how="stranger")
    assert not browser(team, "alice").signed_in


def test_the_ways_of_a_kernel_and_of_a_browser_stay_apart(team: Team) -> None:
    alice = browser(team, "alice")
    for path in ("me", "audit"):
        error_of(alice.http.get(f"{team.url}/{PREFIX}/{path}"), 401)
    nobody = team.http()
    assert nobody.get(f"{team.url}/{TOKENS}").headers["Location"] == "/vault/sign-in?next=securecollab%2Ftokens"
    assert nobody.get(f"http://localhost:{team.port}/{TOKENS}").status_code == 404
    forged = nobody.get(f"{team.url}/{TOKENS}", headers={"Host": "evil.example"})
    assert forged.headers["Location"] == f"{team.url}/{TOKENS}"
    assert "Access-Control-Allow-Origin" not in alice.http.get(f"{team.url}/{LOG}", headers={"Origin": "x"}).headers


# ---- starting ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("change", "said"), [
    ({"issuer": "http://evil.example"}, "over https only"), ({"algorithms": ["none"]}, "algorithms"),
    ({"algorithms": ["HS256"]}, "algorithms"), ({"algorithms": []}, "allows no algorithm"),
    ({"surprise": 1}, "surprise"),
    ({"scopes": ["profile"]}, "no scope openid"), ({"roles": {"king": ["x"]}}, "roles"), ({"token_hours": 1000}, "168"),
], ids=str)  # fmt: skip
def test_settings_that_cannot_be_meant_are_refused_at_the_start(tmp_path: Path, change, said: str) -> None:
    good = {"issuer": "https://id.example", "client_id": "x", "client_secret_file": "y", "roles": {}}
    (tmp_path / "oidc.yaml").write_text(json.dumps(good))
    assert read_settings(tmp_path / "oidc.yaml").algorithms == ("RS256",)
    (tmp_path / "oidc.yaml").write_text(json.dumps(good | change))
    with pytest.raises(Invalid, match=said):
        read_settings(tmp_path / "oidc.yaml")


def test_without_a_secret_or_an_address_there_is_no_service(team: Team, tmp_path: Path) -> None:
    command = [one.replace(str(team.folder / "vault"), str(tmp_path / "vault")) for one in team.serve()]
    for bad in (["--public-url", "http://vault.example.org"], ["--public-url", "vault.example.org"]):
        done = subprocess.run([sys.executable, *command, *bad], capture_output=True, text=True, check=False)
        assert done.returncode == 1 and "https" in done.stderr and not (tmp_path / "vault").exists()


def test_a_key_that_the_provider_took_back_counts_for_five_minutes_at_most(team: Team) -> None:
    hands = [time.time()]
    settings = OidcSettings(f"http://127.0.0.1:{team.provider}", oidc_provider.CLIENT, "", {})

    async def act() -> None:
        back = f"{team.url}/oauth_callback"
        sign_in = OidcSignIn(settings, oidc_provider.SECRET, back, clock=lambda: hands[0])

        async def signed_in() -> SignedIn:
            attempt = Attempt.begin(REQUESTS)
            away = httpx.URL(await sign_in.address(attempt)).copy_add_param("user", "alice")
            came = httpx.URL(httpx.get(away, trust_env=False).headers["Location"])
            return await sign_in.finish(attempt, came.params["code"])

        try:
            assert (await signed_in()).person.name == "alice"
            team.tell("rotate")
            team.tell("lie", how="taken back")
            assert (await signed_in()).person.name == "alice"
            hands[0] += 300
            team.tell("lie", how="taken back")
            with pytest.raises(Denied, match="not for this sign-in"):
                await signed_in()
            assert (await signed_in()).age > 200
        finally:
            await sign_in.close()

    asyncio.run(act())


# ---- with a provider that others wrote ---------------------------------------------------------------------------


def test_a_provider_that_others_wrote_is_understood(tmp_path: Path) -> None:
    """And an address that the provider has not verified is no name."""
    port, back = free_port(), "http://localhost:1/oauth_callback"
    issuer = f"http://127.0.0.1:{port}"
    settings = OidcSettings(
        issuer, "anything", "", {"member": ("staff",)}, name_claim="email", scopes=("openid", "email")
    )

    async def signed_in(**person: object) -> SignedIn:
        httpx.put(f"{issuer}/users/zoe", json=person, trust_env=False).raise_for_status()
        sign_in, attempt = OidcSignIn(settings, "secret", back), Attempt.begin(REQUESTS)
        try:
            away = await sign_in.address(attempt)
            came = httpx.post(away, data={"sub": "zoe"}, trust_env=False).headers["Location"]
            query = httpx.URL(came).params
            attempt.check(query["state"])
            return await sign_in.finish(attempt, query["code"])
        finally:
            await sign_in.close()

    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port)]
    with (tmp_path / "log").open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as provider:
        try:
            while not answers(f"{issuer}/jwks"):
                assert provider.poll() is None
                time.sleep(0.05)
            zoe = asyncio.run(signed_in(email="zoe", email_verified=True, groups=["staff", "analysts"]))
            assert (zoe.person.name, zoe.person.vouched.roles) == ("zoe", ("member",))
            assert zoe.person.vouched.groups == ("analysts", "staff") and zoe.age < 60
            with pytest.raises(Denied):
                asyncio.run(signed_in(email="zoe", email_verified=False, groups=["staff"]))
        finally:
            provider.terminate()


def test_behind_tls_at_a_name_of_its_own_cookies_are_bound_to_that_name(team: Team, tmp_path: Path) -> None:
    where = [str(tmp_path / "vault") if one == str(team.folder / "vault") else one for one in team.serve()]
    port = free_port()
    command = [sys.executable, *where, "--port", str(port), "--public-url", "https://vault.example.org:443/"]
    with (tmp_path / "log").open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as service:
        try:
            while not answers(f"http://127.0.0.1:{port}/readyz"):
                assert service.poll() is None
                time.sleep(0.05)
            proxied = team.http(base_url=f"http://127.0.0.1:{port}", headers={"Host": "vault.example.org"})
            begun = proxied.get("sign-in")
            cookie = begun.headers["Set-Cookie"]
            assert cookie.startswith("__Host-securecollab-attempt=") and "Secure" in cookie and "Path=/" in cookie
            assert "vault.example.org%2Foauth_callback" in begun.headers["Location"]
            elsewhere = team.http(base_url=f"http://127.0.0.1:{port}").get("sign-in")
            assert elsewhere.headers["Location"] == "https://vault.example.org/sign-in"
        finally:
            service.terminate()
