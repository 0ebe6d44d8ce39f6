"""Joins over a project's assets survive masking after a steward's yes; not before, not elsewhere, not over levels."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pandas as pd
import pytest
from notebook_kernels import Kernel, VaultServer

from jupyter_securecollab.errors import Invalid
from jupyter_securecollab.frames.techniques import choose, joined_name
from jupyter_securecollab.model import Join, Label, Level
from jupyter_securecollab.notebook.plan import plan

Kernels = Callable[[str | None], Kernel]

FRAMES = """
import pandas as pd, jupyter_securecollab as collab
visits = pd.DataFrame({"Id": ["p1", "p2", "p3"], "ward": ["a", "b", "c"]})
labs = pd.DataFrame({"Person": ["p3", "p1"], "value": [3, 1]})
%classify visits --set Id=confidential ward=internal
%classify labs --set Person=confidential value=internal
"""
SHARE = """
%share visits --as {project}/visits --with bob --mask Id=pseudonym:person@project
%share labs --as {project}/labs --with bob --mask Person=pseudonym:person@project
"""


def decide(server: VaultServer, name: str, level: str, answer: str = "yes") -> None:
    """Dana, in her browser, on the vault's page."""
    with httpx.Client(base_url=f"{server.url}/", follow_redirects=True, timeout=30, trust_env=False) as http:
        http.get("login")
        body = {"username": "dana", "password": server.tokens["dana"], "_xsrf": http.cookies["_xsrf"]}
        http.post("login", data=body)
        found = http.get("securecollab/api/v1/joins").json()["result"]
        (one,) = (one["id"] for one in found if (one["name"], one["level"]) == (name, level))
        done = http.post("securecollab/requests", data={"_xsrf": http.cookies["_xsrf"], "id": one, "answer": answer})
        assert done.status_code == 200, done.text


def joined(bob: Kernel, left: str, right: str) -> str:
    """What bob gets when he joins two masked frames: the wards and values that belong together."""
    code = f"a = %open {left}\nb = %open {right}\n"
    code += "print('JOINED', a.merge(b, left_on='Id', right_on='Person')[['ward', 'value']].values.tolist())"
    return bob.ok(code).printed.partition("JOINED ")[2].strip()


@pytest.fixture(scope="module")
def alice(kernel: Kernels) -> Kernel:
    kernel("alice").ok(FRAMES)
    return kernel("alice")


def test_before_the_yes_nothing_is_shared_and_it_says_who_decides(alice: Kernel) -> None:
    refused = alice.run(SHARE.format(project="early"))
    assert refused.error == "Denied" and "steward" in refused.traceback
    assert "%join early/person --level confidential" in refused.traceback
    assert "early/" not in alice.ok("%shares").text
    asked = alice.ok("%join early/person --level confidential --because 'one cohort'").text
    assert "securecollab/requests" in asked
    refused = alice.run(SHARE.format(project="early"))
    assert refused.error == "Denied" and "has yet to decide" in refused.traceback
    assert "asked" in alice.ok("%joins").text


def test_after_the_yes_joins_survive_over_two_assets_and_values_do_not(
    alice: Kernel, kernel: Kernels, vault_server: VaultServer
) -> None:
    alice.ok("%join late/person --level confidential --because 'one cohort'")
    decide(vault_server, "late/person", "confidential")
    assert "allowed" in alice.ok("%joins").text
    alice.ok(SHARE.format(project="late"))
    bob = kernel("bob")
    assert joined(bob, "late/visits", "late/labs") == "[['a', 1], ['c', 3]]"
    seen = bob.ok("print(a.to_dict('list'), b.to_dict('list'))").printed
    assert "'p1'" not in seen and "'p3'" not in seen  # pseudonyms may begin with the same two signs
    told = bob.ok("%open late/visits").text  # how it was masked, without the name
    assert "pseudonym" in told and "person" not in told and "@" not in told


def test_names_inside_one_asset_do_not_join_with_others(alice: Kernel, kernel: Kernels) -> None:
    alice.ok(SHARE.format(project="inside").replace("@project", ""))
    assert joined(kernel("bob"), "inside/visits", "inside/labs") == "[]"


def test_projects_do_not_join(alice: Kernel, kernel: Kernels, vault_server: VaultServer) -> None:
    for project in ("north", "south"):
        alice.ok(f"%join {project}/person --level confidential --because x")
        decide(vault_server, f"{project}/person", "confidential")
        alice.ok(SHARE.format(project=project))
    assert joined(kernel("bob"), "north/visits", "south/labs") == "[]"
    assert joined(kernel("bob"), "north/visits", "north/labs") != "[]"


def test_levels_do_not_join(alice: Kernel, kernel: Kernels, vault_server: VaultServer) -> None:
    for level in ("confidential", "secret"):
        alice.ok(f"%join levels/person --level {level} --because x")
        decide(vault_server, "levels/person", level)
    alice.ok("higher = labs.copy()\n%classify higher --set Person=secret value=internal")
    share = SHARE.format(project="levels").replace("%share labs", "%share higher")
    alice.ok(share)
    assert joined(kernel("bob"), "levels/visits", "levels/labs") == "[]"
    alice.ok("%classify higher --forget Person value")


def test_a_yes_taken_back_stops_the_next_share(alice: Kernel, vault_server: VaultServer) -> None:
    alice.ok("%join back/person --level confidential --because x")
    decide(vault_server, "back/person", "confidential")
    alice.ok(SHARE.format(project="back"))
    decide(vault_server, "back/person", "confidential", "no")
    assert alice.run("visits.loc[3] = ['p4', 'd']\n" + SHARE.format(project="back")).error == "Denied"


def test_a_preview_and_a_mask_of_ones_own_need_no_yes(alice: Kernel) -> None:
    shown = alice.ok("%share visits --as ask/visits --with bob --mask Id=pseudonym:person@project --preview")
    assert "nothing was shared" in shown.text
    alice.ok("copy = %mask visits --mask Id=pseudonym:person@project\nassert not set(copy.Id) & set(visits.Id)")


@pytest.mark.parametrize(("line", "error"), [
    ("%join oncology/person --because x", "Invalid"),
    ("%join oncology/person --level confidential", "Invalid"),
    ("%join oncology/person --level confidential --because ' '", "Invalid"),
    ("%join person --level confidential --because x", "InvalidName"),
    ("%join oncology/person --level nonsense --because x", "UnknownLevel"),
    ("%share visits --as p/v --with bob --mask Id=pseudonym:person@oncology", "Invalid"),
    ("%share visits --as p/v --with bob --mask Id=pseudonym:@project", "Invalid"),
    ("%share visits --as p/v --with bob --mask 'Id=pseudonym:a b@project'", "InvalidName"),
])  # fmt: skip
def test_what_is_wrong_is_said(alice: Kernel, line: str, error: str) -> None:
    assert alice.run(line).error == error


def test_who_reads_too_little_cannot_even_ask(kernel: Kernels) -> None:
    assert kernel("bob").run("%join oncology/person --level secret --because x").error == "Denied"


# ---- the plan ----------------------------------------------------------------------------------------------------


def test_a_plan_says_which_keys_of_a_project_it_needs_and_uses_no_other() -> None:
    frame = pd.DataFrame({"a": ["x"], "b": ["x"], "c": ["x"]})
    labels = {"a": Label(Level.SECRET), "b": Label(Level.CONFIDENTIAL), "c": Label(Level.SECRET)}
    one = plan(
        frame, labels, Level.INTERNAL, {"a": "pseudonym:p@project", "b": "pseudonym:p@project", "c": "pseudonym:p"}
    )
    assert one.joins == (Join("p", Level.SECRET), Join("p", Level.CONFIDENTIAL))
    keys = {level: bytes([level.rank]) * 32 for level in Level}
    with pytest.raises(KeyError):  # never the asset's own instead
        one.finished(keys)
    made = one.finished(keys, {join: bytes([9 + join.level.rank]) * 32 for join in one.joins}).view(Level.INTERNAL)
    assert len({made.a[0], made.b[0], made.c[0]}) == 3


@pytest.mark.parametrize("given", ["pseudonym:@project", "pseudonym:a@b", "pseudonym:a@", "pseudonym:a@project@b"])
def test_an_at_sign_means_the_project_and_nothing_else(given: str) -> None:
    with pytest.raises(Invalid):
        choose(given)
    assert joined_name(choose("pseudonym:a@project")) == "a" and joined_name(choose("pseudonym:a")) is None
