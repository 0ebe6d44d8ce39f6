"""The vault as a service of a real Hub: who is let in, what ends at once, and what nobody gets by tricks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from hubs import AUDITOR, DRIVER, MEMBER, OTHER, USE, RealHub, until
from serving import error_of, share

from jupyter_securecollab.client import Client
from jupyter_securecollab.errors import Denied, LeaseExpired, NotSignedIn
from jupyter_securecollab.model import AccessSpec, Level
from jupyter_securecollab.proofs import parse_entry
from jupyter_securecollab.server.service.hub import CACHED_SECONDS, Hub
from jupyter_securecollab.server.vault import operator

NAME = "oncology/patients"


@pytest.fixture(scope="module")
def alice(hub: RealHub) -> Iterator[Client]:
    """Alice, who has shared something with the analysts."""
    with hub.client(hub.token("bob")) as bob, hub.client(hub.token("alice")) as alice:
        bob.me()  # a group is known once somebody of it has come
        alice.me()
        assert hub.cli("user", "change", "alice", "--clearance", "secret")
        share(alice, NAME, access=AccessSpec(people=("@analysts",)))
        yield alice


def denied(act, policy: str) -> None:
    with pytest.raises(Denied) as error:
        act()
    assert error.value.decision is not None and policy in error.value.decision.policies
    assert error.value.next_step


# ---- who is let in -----------------------------------------------------------------------------------------------


def test_people_are_who_the_hub_says_and_the_vault_calls_itself_a_wall(hub: RealHub) -> None:
    with hub.client(hub.token("bob")) as bob:
        me = bob.me()
    assert (me.name, me.clearance, me.deployment) == ("bob", Level.INTERNAL, "service")
    assert (me.roles, me.groups) == (("member",), ("analysts", "securecollab-members"))


def test_alice_shares_and_bob_of_the_group_opens_what_he_may(hub: RealHub, alice: Client) -> None:
    with hub.client(hub.token("bob")) as bob:
        opened = bob.open(NAME)
        assert opened.up_to == Level.INTERNAL and {key.level for key in opened.keys} == {Level.INTERNAL}
        assert bob.read_part(opened, Level.INTERNAL, 0, 0, 10) and opened.files == {}
        with pytest.raises(LeaseExpired):
            bob.read_part(opened, Level.SECRET, 0, 0, 10)


@pytest.mark.parametrize("name", ["eve", "no-use", "no-role"])
def test_without_the_scopes_there_is_no_way_in_and_the_attempt_is_on_record(hub: RealHub, alice, name: str) -> None:
    with hub.http(hub.token(name)) as nobody:
        said = [error_of(nobody.post("open", json={"name": asset}), 403) for asset in (NAME, "no/such")]
        said.append(error_of(nobody.get("me"), 403))
    assert all(one.decision.policies == ("deny.no_role",) and "start it again" in one.next_step for one in said)
    with hub.client(hub.token("carol")) as carol:
        assert {entry.act for entry in map(parsed, carol.audit(by=name))} == {"open"}


def parsed(entry):
    return parse_entry(entry.body)


def test_a_token_of_less_gives_less(hub: RealHub, alice: Client) -> None:
    with hub.client(hub.token("dana")) as dana:
        assert dana.me().roles == ("member", "steward") and dana.versions(NAME)
    with hub.client(hub.token("dana", USE, MEMBER)) as kernel:
        assert kernel.me().roles == ("member",)
        denied(lambda: kernel.versions(NAME), "deny.no_grant")
        assert all(parsed(entry).who == "dana" for entry in kernel.audit())
    for scopes in ((USE,), (MEMBER,)):
        with hub.client(hub.token("alice", *scopes)) as half:
            denied(lambda half=half: half.open(NAME), "deny.no_role")


def test_the_auditor_reads_the_log_and_no_data(hub: RealHub, alice: Client) -> None:
    alice.me()
    with hub.client(hub.token("carol", USE, AUDITOR)) as carol:
        assert carol.me().roles == ("auditor",)
        assert "user.vouch" in {parsed(entry).act for entry in carol.audit(limit=1000)}
        alice.grant(NAME, AccessSpec(people=("carol",)))
        denied(lambda: carol.open(NAME), "deny.auditor_data")


def test_a_scope_shared_with_somebody_counts_for_nothing(hub: RealHub, alice: Client) -> None:
    """It comes with a filter, `...!server=alice/`; taking the filter for decoration would make anybody a member."""
    shared = hub.ask("POST", "shares/alice/", hub.token("alice"), user="no-role", scopes=[MEMBER])
    assert shared["scopes"] == [f"{MEMBER}!server=alice/"]
    token = hub.token("no-role")
    assert f"{MEMBER}!server=alice/" in hub.ask("GET", "user", token)["scopes"]
    with hub.client(token) as nobody:
        denied(lambda: nobody.open(NAME), "deny.no_role")


def test_a_service_is_no_person(hub: RealHub) -> None:
    with hub.http(OTHER) as service:
        assert "only people" in error_of(service.get("me"), 403).message


@pytest.mark.parametrize("headers", [
    {}, {"Authorization": "token wrong"}, {"Authorization": "Bearer " + "x" * 512}, {"Authorization": "Basic YTpi"},
    {"Authorization": "token a b"}, {"X-SecureCollab-Token": "sck_x"},
    {"Cookie": "jupyterhub-services=x; jupyterhub-session-id=y"}, {"Accept": "text/html"},
    {"Authorization": b"token \xff\xfe"}, {"Authorization": "token ../users/alice"},
], ids=str)  # fmt: skip
def test_nobody_is_told_so_in_json_and_never_sent_to_a_login_page(hub: RealHub, headers) -> None:
    with hub.http() as http:
        for method, path in (("GET", "me"), ("POST", "open"), ("PUT", "versions/" + "0" * 32 + "/parts/secret/0")):
            assert error_of(http.request(method, path, headers=headers), 401).code == "not_signed_in"


def test_a_token_in_the_address_is_not_looked_at(hub: RealHub) -> None:
    with hub.http() as http:
        error_of(http.get("me", params={"token": hub.token("alice")}), 401)


# ---- what ends ---------------------------------------------------------------------------------------------------


def test_who_is_taken_out_of_the_group_is_refused_at_once_and_let_in_again_at_once(hub: RealHub, alice) -> None:
    with hub.client(hub.token("bob")) as bob:
        assert bob.open(NAME)
        hub.ask("DELETE", "groups/analysts/users", users=["bob"])
        denied(lambda: bob.open(NAME), "deny.no_grant")
        hub.ask("POST", "groups/analysts/users", users=["bob"])
        assert bob.open(NAME)


def test_who_loses_the_role_is_refused_at_once(hub: RealHub, alice: Client) -> None:
    with hub.client(hub.token("bob")) as bob:
        assert bob.open(NAME)
        hub.ask("DELETE", "groups/securecollab-members/users", users=["bob"])
        denied(lambda: bob.open(NAME), "deny.no_role")
        hub.ask("POST", "groups/securecollab-members/users", users=["bob"])


def test_a_revoked_token_gives_no_more_keys(hub: RealHub, alice: Client) -> None:
    made = hub.ask("POST", "users/bob/tokens", note="to be revoked")
    with hub.client(made["token"]) as bob:
        assert bob.open(NAME)
        hub.ask("DELETE", f"users/bob/tokens/{made['id']}")
        with pytest.raises(NotSignedIn):
            bob.open(NAME)
        with pytest.raises(NotSignedIn):  # and what was said of it a moment ago is forgotten
            bob.me()


async def asked(hub: RealHub, act) -> None:
    """`act` with this Hub as the service sees it, and the hands of its clock."""
    hands = [0.0]
    found = Hub(f"http://127.0.0.1:{hub.hub}/hub/api", DRIVER, "securecollab", clock=lambda: hands[0])
    try:
        await act(found, hands)
    finally:
        await found.close()


def test_for_lists_the_hubs_word_holds_five_seconds_and_no_longer(hub: RealHub) -> None:
    made = hub.ask("POST", "users/alice/tokens", note="asked twice")

    async def act(found: Hub, hands: list[float]) -> None:
        assert (await found.person(made["token"], fresh=False)).name == "alice"
        hub.ask("DELETE", f"users/alice/tokens/{made['id']}")
        hands[0] += CACHED_SECONDS - 0.001
        assert (await found.person(made["token"], fresh=False)).name == "alice"
        hands[0] += 0.001
        with pytest.raises(NotSignedIn):
            await found.person(made["token"], fresh=False)

    assert CACHED_SECONDS <= 5
    asyncio.run(asked(hub, act))


# ---- names -------------------------------------------------------------------------------------------------------


def test_somebody_new_under_an_old_name_inherits_nothing_until_an_administrator_says_so(hub: RealHub, alice) -> None:
    hub.add("frank", "securecollab-members")
    old = hub.token("frank")
    with hub.client(old) as frank:
        frank.me()
        alice.grant(NAME, AccessSpec(people=("frank",)))
        assert frank.open(NAME)
    hub.ask("DELETE", "users/frank")
    hub.add("frank", "securecollab-members")
    with hub.client(hub.token("frank")) as other:
        for act in (other.me, lambda: other.open(NAME)):
            denied(act, "deny.another_person")
        assert "next user named frank is taken for this person" in hub.cli("user", "admit", "frank")
        assert other.open(NAME)
    with hub.http(old) as gone:
        error_of(gone.post("open", json={"name": NAME}), 401)


def test_who_is_renamed_is_somebody_new(hub: RealHub, alice: Client) -> None:
    hub.add("grace", "securecollab-members")
    with hub.client(hub.token("grace")) as grace:
        grace.me()
        alice.grant(NAME, AccessSpec(people=("grace",)))
        assert grace.open(NAME)
        hub.ask("PATCH", "users/grace", name="gracia")
        denied(lambda: grace.open(NAME), "deny.no_grant")
    hub.add("grace", "securecollab-members")  # whoever comes next to have the name that she had
    with hub.client(hub.token("grace")) as next_one:
        denied(lambda: next_one.open(NAME), "deny.another_person")


def test_who_is_renamed_to_a_name_somebody_had_does_not_become_them(hub: RealHub, alice: Client) -> None:
    """Not even with a token that the vault has seen under the old name a moment ago."""
    for name in ("heidi", "ivan"):
        hub.add(name, "securecollab-members")
    with hub.client(hub.token("heidi")) as heidi, hub.client(hub.token("ivan")) as ivan:
        assert heidi.me() and ivan.me().name == "ivan"
        alice.grant(NAME, AccessSpec(people=("heidi",)))
        assert heidi.open(NAME)
        hub.ask("DELETE", "users/heidi")
        hub.ask("PATCH", "users/ivan", name="heidi")
        denied(lambda: ivan.open(NAME), "deny.another_person")


def test_a_user_named_like_the_operator_does_not_become_the_administrator(hub: RealHub) -> None:
    hub.add(operator(), "securecollab-members")
    with hub.client(hub.token(operator())) as impostor:
        denied(impostor.me, "deny.another_person")


# ---- the record, and what is told of it --------------------------------------------------------------------------


def test_the_tables_are_what_the_log_says_after_all_this(hub: RealHub, alice: Client) -> None:
    alice.me()
    assert "The state is what the log says" in hub.cli("audit", "verify", "--state")


def test_the_services_own_log_is_json_and_names_neither_tokens_nor_assets(hub: RealHub, alice: Client) -> None:
    token = hub.token("alice")
    with hub.client(token) as again:
        again.describe(NAME)
    wanted = {"message": "request", "route": "GET assets/{name}", "status": 200, "who": "alice"}
    until(lambda: any(wanted.items() <= line.items() for line in hub.lines()))  # it is written after the answer
    assert token not in hub.log and "oncology" not in "".join(map(str, hub.lines()))


def test_metrics_count_requests_refusals_and_questions_to_the_hub_and_name_nobody(hub: RealHub, alice) -> None:
    alice.me()
    text = httpx.get(f"http://127.0.0.1:{hub.metrics}/metrics", trust_env=False).text
    for wanted in (
        'securecollab_request_seconds_count{route="POST open",status="200"}',
        'securecollab_decisions_total{action="open",outcome="allow"}', 'securecollab_append_seconds_count',
        'securecollab_decisions_total{action="open",outcome="deny"}', "securecollab_queue_operations 0.0",
        "securecollab_pool_calls 0.0", "securecollab_pool_threads 32.0",
        'securecollab_refusals_total{code="denied"}', 'securecollab_hub_seconds_count{answer="200"}',
    ):  # fmt: skip
        assert wanted in text
    assert "alice" not in text and "oncology" not in text
    with hub.http() as http:
        assert http.get(f"{hub.url}/metrics").status_code == 404


def test_entries_say_that_it_was_a_token(hub: RealHub, alice: Client) -> None:
    entry = parsed(alice.audit(by="alice", limit=1)[0])
    assert (entry.who, entry.via) == ("alice", "token")
