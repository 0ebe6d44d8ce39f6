"""People, groups and tokens: who may change them, what ends with them, and that somebody is always left to do it."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from material import ALICE, INTERNAL, ROOT, SECRET, Vault

from jupyter_securecollab.errors import Conflict, Denied, Invalid, InvalidName, NotFound
from jupyter_securecollab.model import Caller, Level

CHANGES = {
    "add_user": {"name": "zoe"},
    "change_user": {"name": "bob", "clearance": SECRET},
    "disable_user": {"name": "bob"},
    "enable_user": {"name": "bob"},
    "admit_user": {"name": "bob"},
    "new_token": {"name": "bob"},
    "set_password": {"name": "bob", "password_hash": "x"},
    "add_member": {"group": "analysts", "person": "eve"},
    "remove_member": {"group": "analysts", "person": "bob"},
    "rotate_keys": {"project": "oncology"},
    "collect": {},
}


def state(vault: Vault) -> list[object]:
    tables = ("person", "membership", "project_key", "version")
    return [vault.sql(f"SELECT * FROM {table}") for table in tables]


@pytest.mark.parametrize("act", CHANGES)
def test_only_administrators_administer_and_the_attempt_is_on_record(vault: Vault, act: str) -> None:
    before = state(vault)
    for name in ("alice", "carol", "dana", "nobody"):
        who = Caller(name, "cli", "s")
        with pytest.raises(Denied) as error:
            getattr(vault.door, act)(who, **CHANGES[act])
        assert "deny.role" in error.value.decision.policies
        assert (vault.entries()[-1].who, vault.entries()[-1].decision.allow) == (who.name, False)
    assert state(vault) == before
    getattr(vault.door, act)(ROOT, **CHANGES[act])


@pytest.mark.parametrize("act", CHANGES)
def test_nothing_is_administered_from_a_kernel(vault: Vault, act: str) -> None:
    before = state(vault)
    with pytest.raises(Denied, match="any notebook could do it in your name") as error:
        getattr(vault.door, act)(Caller("root", "kernel", "s", kernel="k"), **CHANGES[act])
    assert error.value.decision.policies == ("deny.from_kernel",)
    assert vault.entries()[-1].decision.policies == ("deny.from_kernel",)
    assert state(vault) == before


def test_list_of_accounts_is_for_administrators(vault: Vault) -> None:
    assert [who.name for who in vault.door.people(ROOT)] == ["alice", "bob", "carol", "dana", "eve", "root"]
    with pytest.raises(Denied, match="You may not list accounts"):
        vault.door.people(ALICE)
    with pytest.raises(Denied):
        vault.door.people(Caller("root", "kernel", "s"))


def test_one_is_told_who_one_is_and_strangers_that_they_are_nobody(vault: Vault) -> None:
    who = vault.door.me(Caller("bob", "browser", "s"))
    assert (who.name, who.clearance, who.groups, who.log_key) == ("bob", INTERNAL, ("analysts",), vault.door.log_key)
    vault.door.disable_user(ROOT, name="bob")
    for name in ("bob", "nobody", "", "' OR 1=1", "x" * 500):
        with pytest.raises(Denied, match="has no account for"):
            vault.door.me(Caller(name, "browser", "s"))


def test_names_taken_or_malformed_make_no_account(vault: Vault) -> None:
    for name, error in (("bob", Conflict), ("@x", Invalid), ("", InvalidName), ("a b", InvalidName),
                        ("../x", InvalidName), ("x" * 129, InvalidName), ("<b>", InvalidName)):  # fmt: skip
        with pytest.raises(error):
            vault.door.add_user(ROOT, name=name)
    vault.door.add_user(ROOT, name="zoe@hospital.org")


def test_agent_acts_for_somebody_and_nobody_else_does(vault: Vault) -> None:
    for kind, acts_for in (("agent", None), ("person", "bob"), ("service", "bob")):
        with pytest.raises(Invalid, match="acts for"):
            vault.door.add_user(ROOT, name="helper", kind=kind, acts_for=acts_for)
    with pytest.raises(NotFound):
        vault.door.add_user(ROOT, name="helper", kind="agent", acts_for="nobody")
    vault.door.add_user(ROOT, name="helper", kind="agent", acts_for="bob")


def test_token_is_kept_as_its_hash_and_replaces_the_one_before(vault: Vault) -> None:
    def of(token: str):
        return vault.door.account_of_token(hashlib.sha256(token.encode()).hexdigest())

    first = vault.door.new_token(ROOT, name="bob")
    epoch = of(first).epoch
    second = vault.door.new_token(ROOT, name="bob")
    assert of(first) is None and of(second).name == "bob" and of(second).epoch == epoch + 1
    assert vault.door.account_of_token("") is None
    everything = b"".join(path.read_bytes() for path in vault.folder.rglob("*") if path.is_file())
    assert second.encode() not in everything
    assert hashlib.sha256(second.encode()).hexdigest() not in "".join(map(str, vault.sql("SELECT body FROM entry")))


@pytest.mark.parametrize("via", ["kernel", "token", "cli", "service"])
def test_a_token_for_kernels_is_made_by_its_person_in_a_browser_and_by_nobody_else(vault: Vault, via) -> None:
    digest = hashlib.sha256(b"mine").hexdigest()
    vault.door.set_own_token(Caller("alice", "browser", "s"), token_sha256=digest)
    account = vault.door.account_of_token(digest)
    assert account is not None and account.name == "alice" and vault.entries()[-1].act == "token.make"
    with pytest.raises(Denied) as error:
        vault.door.set_own_token(Caller("alice", via, "s"), token_sha256="")
    assert error.value.decision.policies == ("deny.from_kernel",) and vault.door.account_of_token(digest) == account
    for name in ("carol", "nobody"):  # an auditor shares nothing, so has nothing to do in a kernel
        with pytest.raises(Denied):
            vault.door.set_own_token(Caller(name, "browser", "s"), token_sha256=digest)
    vault.door.set_own_token(Caller("alice", "browser", "s"), token_sha256="")
    assert vault.door.account_of_token(digest) is None and vault.entries()[-1].act == "token.end"
    vault.door.verify(state=True)


def test_disabled_account_has_nothing_left_and_gets_nothing_until_enabled(vault: Vault) -> None:
    token = vault.door.new_token(ROOT, name="bob")
    vault.door.set_password(ROOT, name="bob", password_hash="hash")
    before = vault.door.account("bob")
    vault.door.disable_user(ROOT, name="bob")
    after = vault.door.account("bob")
    assert (after.active, after.password_hash, after.epoch) == (False, "", before.epoch + 1)
    assert vault.door.account_of_token(hashlib.sha256(token.encode()).hexdigest()) is None
    for act in ("new_token", "set_password"):
        with pytest.raises(Conflict, match="disabled"):
            getattr(vault.door, act)(ROOT, **CHANGES[act])
    vault.door.enable_user(ROOT, name="bob")
    vault.door.new_token(ROOT, name="bob")
    assert vault.door.account("bob").active


def test_last_administrator_stays(vault: Vault) -> None:
    for leave in (
        lambda: vault.door.disable_user(ROOT, name="root"),
        lambda: vault.door.change_user(ROOT, name="root", roles=("member",)),
    ):
        with pytest.raises(Conflict, match="nobody would be left"):
            leave()
    vault.door.change_user(ROOT, name="dana", roles=("admin",))
    vault.door.disable_user(ROOT, name="root")
    with pytest.raises(Denied):
        vault.door.add_user(ROOT, name="zoe")


@pytest.mark.parametrize("act", ["change_user", "disable_user", "enable_user", "new_token", "set_password"])
def test_changing_nobody_is_not_found(vault: Vault, act: str) -> None:
    with pytest.raises(NotFound, match="there is no person nobody here"):
        getattr(vault.door, act)(ROOT, **CHANGES[act] | {"name": "nobody"})


def test_membership_needs_a_person_and_a_proper_group(vault: Vault) -> None:
    with pytest.raises(NotFound):
        vault.door.add_member(ROOT, group="analysts", person="nobody")
    with pytest.raises(InvalidName):
        vault.door.add_member(ROOT, group="@@x", person="bob")
    with pytest.raises(NotFound, match="eve is not in analysts"):
        vault.door.remove_member(ROOT, group="analysts", person="eve")


def test_a_vault_is_founded_once(vault: Vault) -> None:
    entries = len(vault.entries())
    vault.door.found("mallory")
    assert len(vault.entries()) == entries
    assert vault.door.account("mallory") is None


def test_a_team_is_more_than_its_operator_and_stays_one(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    vault.door.found(ROOT.name)
    assert not vault.door.is_team()
    vault.door.add_user(ROOT, name="bob")
    vault.door.new_token(ROOT, name="bob")
    vault.door.disable_user(ROOT, name="bob")
    assert vault.door.is_team()
    vault.door.close()


def test_an_operator_who_can_sign_in_makes_a_team(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    vault.door.found(ROOT.name)
    vault.door.new_token(ROOT, name=ROOT.name)
    assert vault.door.is_team()
    vault.door.close()


def test_clearance_and_roles_change_one_without_the_other(vault: Vault) -> None:
    vault.door.change_user(ROOT, name="bob", clearance=SECRET)
    vault.door.change_user(ROOT, name="bob", roles=("member", "auditor"))
    who = vault.door.me(Caller("bob", "browser", "s"))
    assert (who.clearance, who.roles) == (Level.SECRET, ("member", "auditor"))
    vault.door.change_user(ROOT, name="bob", roles=())
    assert vault.door.me(Caller("bob", "browser", "s")).roles == ()
