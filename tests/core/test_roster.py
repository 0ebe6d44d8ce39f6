"""People whom an identity provider outside vouches for: what it says counts, is on record, and caps what they may."""

from __future__ import annotations

import pytest
from material import INTERNAL, PATIENTS, ROOT, SECRET, Vault

from jupyter_securecollab.errors import Denied, NotFound
from jupyter_securecollab.model import Caller, Role, Vouched

MADE = "2026-01-01T00:00:00.000000Z"


def said(*roles: Role, groups: tuple[str, ...] = ()) -> Vouched:
    return Vouched(roles or ("member",), groups)


def caller(name: str, vouched: Vouched) -> Caller:
    return Caller(name, "token", "s", vouched=vouched)


def come(vault: Vault, name: str, vouched: Vouched, made: str = MADE) -> Caller:
    """Somebody arrives as the server lets him: first vouched for, then asking."""
    vault.door.vouch(name, vouched, made=made)
    return caller(name, vouched)


def denied(act, policy: str) -> None:
    with pytest.raises(Denied) as error:
        act()
    assert policy in error.value.decision.policies and error.value.decision.next_step


def test_who_is_seen_for_the_first_time_is_a_member_who_reads_up_to_internal(empty: Vault) -> None:
    zoe = come(empty, "zoe", said(groups=("team", "care")))
    me = empty.door.me(zoe)
    assert (me.clearance, me.roles, me.groups) == (INTERNAL, ("member",), ("care", "team"))
    entry = empty.entries()[-1]
    assert (entry.act, entry.who, entry.name) == ("user.vouch", "vault", "zoe")
    empty.door.verify(state=True)


def test_an_entry_is_left_only_where_something_changed(empty: Vault) -> None:
    come(empty, "zoe", said(groups=("team",)))
    before = len(empty.entries())
    come(empty, "zoe", said(groups=("team",)))
    assert len(empty.entries()) == before
    come(empty, "zoe", said(groups=("care",)))
    assert len(empty.entries()) == before + 1
    assert empty.door.groups_of("zoe") == ("care",)
    empty.door.verify(state=True)


def test_access_through_a_group_ends_with_the_word_that_she_is_no_longer_in_it(vault: Vault) -> None:
    zoe = come(vault, "zoe", said(groups=("analysts",)))
    vault.grant("@analysts")
    assert vault.door.open(zoe, name=PATIENTS).up_to == INTERNAL
    zoe = come(vault, "zoe", said())
    denied(lambda: vault.door.open(zoe, name=PATIENTS), "deny.no_grant")


def test_a_group_on_record_gives_nothing_that_this_token_does_not_show(vault: Vault) -> None:
    """An older answer of the provider may come to be written after a newer one; whoever asks is capped by his own."""
    come(vault, "zoe", said(groups=("analysts",)))
    vault.grant("@analysts")
    denied(lambda: vault.door.open(caller("zoe", said()), name=PATIENTS), "deny.no_grant")
    assert vault.door.open(caller("zoe", said(groups=("analysts",))), name=PATIENTS).up_to == INTERNAL


def test_a_token_gives_no_more_than_the_roles_it_carries(vault: Vault) -> None:
    steward = come(vault, "zoe", said("member", "steward"))
    assert vault.door.audit(steward) and vault.door.me(steward).roles == ("member", "steward")
    member = come(vault, "zoe", said("member"))
    assert vault.door.me(member).roles == ("member",)
    denied(lambda: vault.door.describe(member, name=PATIENTS), "deny.no_grant")
    everything = vault.door.audit(steward)
    assert len(vault.door.audit(member)) < len(everything)


def test_who_is_an_auditor_reads_no_data_with_any_token(vault: Vault) -> None:
    come(vault, "zoe", said("auditor"))
    vault.grant("zoe")
    denied(lambda: vault.door.open(come(vault, "zoe", said("member")), name=PATIENTS), "deny.auditor_data")


def test_a_token_without_a_role_gives_nothing_even_with_access_from_before(vault: Vault) -> None:
    come(vault, "zoe", said())
    vault.grant("zoe")
    nobody = caller("zoe", Vouched((), ()))
    assert vault.door.open(caller("zoe", said()), name=PATIENTS)
    for name in (PATIENTS, "no/such"):
        denied(lambda name=name: vault.door.open(nobody, name=name), "deny.no_role")
    denied(lambda: vault.door.me(nobody), "deny.no_role")
    denied(lambda: vault.door.begin(nobody, name="a/b", kind="frame", levels=(INTERNAL,)), "deny.no_role")
    assert vault.door.assets(nobody) == ()


def test_nothing_is_administered_with_a_token_whatever_it_carries(empty: Vault) -> None:
    zoe = come(empty, "zoe", said("member", "steward", "auditor", "admin"))
    denied(lambda: empty.door.change_user(zoe, name="bob", clearance=SECRET), "deny.from_kernel")
    denied(lambda: empty.door.add_member(zoe, group="x", person="zoe"), "deny.from_kernel")


def test_an_account_made_anew_under_the_name_inherits_nothing_until_an_administrator_says_so(vault: Vault) -> None:
    come(vault, "zoe", said())
    vault.grant("zoe")
    denied(lambda: come(vault, "zoe", said(), made="2026-02-02T00:00:00Z"), "deny.another_person")
    assert vault.entries()[-1].decision.policies == ("deny.another_person",)
    with pytest.raises(Denied) as error:
        come(vault, "zoe", said(), made="2026-02-02T00:00:00Z")
    assert "jupyter securecollab user admit" in error.value.next_step
    vault.door.admit_user(ROOT, name="zoe")
    assert vault.door.open(come(vault, "zoe", said(), made="2026-02-02T00:00:00Z"), name=PATIENTS)
    denied(lambda: come(vault, "zoe", said(), made=MADE), "deny.another_person")
    vault.door.verify(state=True)


def test_an_account_of_the_vault_itself_is_not_the_providers(empty: Vault) -> None:
    """Otherwise a Hub user named like the operating system's user would be the vault's administrator."""
    for name in (
        "root",
        "vault",
    ):  # what the vault itself writes stands in the log under its name, to be read by its actor
        denied(lambda name=name: come(empty, name, said()), "deny.another_person")
    with pytest.raises(NotFound):
        empty.door.admit_user(ROOT, name="nobody")


def test_a_disabled_account_stays_disabled_whatever_is_said_of_it(vault: Vault) -> None:
    come(vault, "zoe", said())
    vault.door.disable_user(ROOT, name="zoe")
    before = len(vault.entries())
    zoe = come(vault, "zoe", said("member", "steward", groups=("analysts",)))
    assert len(vault.entries()) == before and vault.door.groups_of("zoe") == ()
    denied(lambda: vault.door.open(zoe, name=PATIENTS), "deny.no_grant")
    with pytest.raises(Denied):
        vault.door.me(zoe)


def test_hundreds_of_groups_with_long_names_take_several_entries(empty: Vault) -> None:
    groups = tuple(f"{number:04}-" + "g" * 122 for number in range(450))
    before = len(empty.entries())
    come(empty, "zoe", said(groups=groups))
    assert len(empty.entries()) == before + 5 and empty.door.groups_of("zoe") == groups
    come(empty, "zoe", said())
    assert empty.door.groups_of("zoe") == ()
    empty.door.verify(state=True)
