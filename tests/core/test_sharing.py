"""Putting something in: who may, what is checked before it counts, and what is left when it is not finished."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
import pytest
from material import (
    ALICE,
    BOB,
    CAROL,
    CONFIDENTIAL,
    DAY,
    EVE,
    INTERNAL,
    PATIENTS,
    PUBLIC,
    ROOT,
    SECRET,
    Parcel,
    Vault,
    noise,
    parcel,
)  # fmt: skip

from jupyter_securecollab.errors import (
    Conflict,
    Denied,
    Invalid,
    InvalidName,
    InvalidTime,
    NotFound,
    SealBroken,
    UnknownFormat,
)  # fmt: skip
from jupyter_securecollab.manifest import LevelManifest, TopManifest, encode, level_hash
from jupyter_securecollab.model import AccessSpec, Begun
from jupyter_securecollab.proofs import verify_receipt


def begin(vault: Vault, who=ALICE, name=PATIENTS, levels=(INTERNAL, SECRET), **more: Any) -> Begun:
    return vault.door.begin(who, name=name, kind="frame", levels=levels, **more)


def test_committed_content_is_read_back_byte_for_byte(vault: Vault) -> None:
    opened = vault.door.open(ALICE, name=PATIENTS)
    assert set(vault.read(ALICE, opened)) == {"internal:id", "internal:age", "secret:ssn"}


def test_begun_version_is_invisible_until_its_commit(empty: Vault) -> None:
    begun = begin(empty)
    vault_sees = [
        lambda: empty.door.open(ALICE, name=PATIENTS),
        lambda: empty.door.describe(ALICE, name=PATIENTS),
        lambda: empty.door.versions(ALICE, name=PATIENTS),
    ]
    for look in vault_sees:
        with pytest.raises(Denied):
            look()
    assert empty.door.assets(ALICE) == ()
    made = parcel(begun)
    empty.upload(ALICE, begun, made)
    assert empty.door.assets(ALICE) == ()
    empty.commit(ALICE, begun, made)
    assert [one.name for one in empty.door.assets(ALICE)] == [PATIENTS]


def test_receipt_of_a_commit_proves_the_manifest(vault: Vault) -> None:
    done = vault.share(content="second")
    proven = verify_receipt(done.receipt, vault.door.log_key)
    assert proven.entry.act == "commit"
    row = vault.sql("SELECT manifest_sha256 FROM version WHERE id = ?", done.version)
    assert msgspec.json.decode(done.receipt.entry)["detail"]["manifest_sha256"] == row[0][0]


def test_unchanged_content_makes_no_new_version_and_leaves_no_object(vault: Vault) -> None:
    before = vault.objects()
    done = vault.share()
    assert (done.number, done.unchanged) == (1, True)
    assert vault.objects() == before
    assert len(vault.door.versions(ALICE, name=PATIENTS)) == 1
    assert vault.sql("SELECT count(*) FROM data_key WHERE owner LIKE 'level:%'") == [(0,)]


def test_changed_content_makes_the_next_version(vault: Vault) -> None:
    done = vault.share(content="second")
    assert (done.number, done.unchanged) == (2, False)
    assert [one.number for one in vault.door.versions(ALICE, name=PATIENTS)] == [2, 1]


def test_the_same_fingerprint_at_other_levels_tells_nothing(vault: Vault) -> None:
    # else a lower writer could guess at content above him and be told "unchanged"
    done = vault.share(levels=(INTERNAL,), columns={"id": INTERNAL})
    assert (done.number, done.unchanged) == (2, False)


def test_retried_commit_gives_the_same_answer(vault: Vault) -> None:
    for content in ("second", "second"):  # once a new version, once an unchanged one
        begun = begin(vault)
        made = parcel(begun, content=content)
        vault.upload(ALICE, begun, made)
        first, entries = vault.commit(ALICE, begun, made), len(vault.entries())
        again = vault.commit(ALICE, begun, made)
        assert len(vault.entries()) == entries
        assert (again.version, again.number, again.unchanged) == (first.version, first.number, first.unchanged)
        assert (again.receipt.index, again.receipt.entry) == (first.receipt.index, first.receipt.entry)


def test_commit_with_another_manifest_after_the_first_is_refused(vault: Vault) -> None:
    for content in ("second", "second"):
        begun = begin(vault)
        made = parcel(begun, content=content)
        vault.upload(ALICE, begun, made)
        vault.commit(ALICE, begun, made)
        with pytest.raises(Conflict):
            vault.commit(ALICE, begun, parcel(begun, content="other"))
    assert len(vault.door.versions(ALICE, name=PATIENTS)) == 2


def test_retried_begin_gives_fresh_keys(vault: Vault) -> None:
    first, second = begin(vault), begin(vault)
    assert first.version != second.version
    assert not set(first.keys.values()) & set(second.keys.values())
    assert first.mask_keys == second.mask_keys and first.fingerprint_key == second.fingerprint_key
    assert len({*first.keys.values(), *first.mask_keys.values(), first.fingerprint_key}) == 5


def test_mask_keys_last_over_versions_and_new_project_keys(vault: Vault) -> None:
    before = begin(vault).mask_keys
    vault.share(content="second")
    vault.door.rotate_keys(ROOT, project="oncology")
    vault.restart()
    assert begin(vault).mask_keys == before  # so a value keeps its pseudonym from version to version


def test_mask_keys_differ_by_asset_and_level_and_go_no_higher_than_what_is_shared(vault: Vault) -> None:
    whole = begin(vault).mask_keys
    other = begin(vault, name="oncology/others").mask_keys
    assert len({*whole.values(), *other.values()}) == 4
    vault.grant("eve", can="update", up_to=INTERNAL)
    assert begin(vault, EVE, levels=(INTERNAL,)).mask_keys == {INTERNAL: whole[INTERNAL]}
    with pytest.raises(Denied):
        begin(vault, EVE, levels=(INTERNAL, SECRET))


def test_two_people_at_once_get_consecutive_numbers(vault: Vault) -> None:
    vault.grant("eve", can="update", up_to=INTERNAL)

    def share(who, content):
        begun = begin(vault, who, levels=(INTERNAL,))
        made = parcel(begun, {"id": INTERNAL}, content=content)
        vault.upload(who, begun, made)
        return vault.commit(who, begun, made)

    with ThreadPoolExecutor(8) as threads:
        done = list(threads.map(share, [ALICE, EVE] * 4, [f"c{n}" for n in range(8)]))
    assert sorted(one.number for one in done) == list(range(2, 10))
    assert len({one.version for one in done}) == 8
    assert [one.number for one in vault.door.versions(ALICE, name=PATIENTS)] == list(range(9, 0, -1))


@pytest.mark.parametrize(
    "name",
    ["../etc/passwd", "a/../b", "a/b/c", "a", "/a", "a/", "a/b'; DROP TABLE asset", 'a/"b"', "a/😀", "a/<script>",
     "a/b\n", "a/b\x00", "a b/c", "", "é/b", "a/" + "b" * 65, "a/.b", "-a/b"],
)  # fmt: skip
def test_strange_names_are_refused_before_anything_happens(empty: Vault, name: str) -> None:
    entries = len(empty.entries())
    with pytest.raises(InvalidName):
        begin(empty, name=name)
    assert len(empty.entries()) == entries and empty.sql("SELECT * FROM asset") == []


def test_names_with_every_allowed_sign_are_taken_and_never_become_paths(empty: Vault) -> None:
    empty.share(name="A.b_c-9/x.Y_z-0")
    assert not any("x.Y" in str(path) for path in empty.folder.rglob("*"))


def test_nothing_to_share_is_refused(empty: Vault) -> None:
    with pytest.raises(Invalid, match="no columns"):
        begin(empty, levels=())


def test_another_kind_under_the_same_name_is_a_conflict(vault: Vault) -> None:
    with pytest.raises(Conflict, match="is a frame, not a file"):
        vault.door.begin(ALICE, name=PATIENTS, kind="file", levels=[INTERNAL])


def test_auditor_shares_nothing_and_owner_nothing_above_his_clearance(empty: Vault) -> None:
    with pytest.raises(Denied) as error:
        begin(empty, CAROL)
    assert error.value.decision.policies == ("deny.role", "deny.clearance")
    with pytest.raises(Denied) as error:
        begin(empty, BOB)
    assert error.value.decision.policies == ("deny.clearance",)
    assert empty.sql("SELECT * FROM asset") == []
    begin(empty, BOB, levels=(INTERNAL,))


def test_sharing_under_a_taken_name_says_so_and_not_whose_it_is(vault: Vault) -> None:
    with pytest.raises(Denied) as error:
        begin(vault, BOB, levels=(INTERNAL,))
    assert str(error.value).startswith(f"You may not share {PATIENTS}. The name is taken")
    assert "alice" not in str(error.value) + error.value.next_step
    vault.grant("bob", can="open")
    with pytest.raises(Denied, match="lets you open this, but not update it"):
        begin(vault, BOB, levels=(INTERNAL,))


def test_a_share_given_up_keeps_no_name_from_others(empty: Vault) -> None:
    first, second = (empty.door.begin(EVE, name="team/data", kind="frame", levels=(INTERNAL,)) for _ in range(2))
    empty.door.abort(EVE, version=first.version)
    with pytest.raises(Denied, match="taken"):
        empty.share(BOB, "team/data", levels=(INTERNAL,), columns={"id": INTERNAL})
    empty.door.abort(EVE, version=second.version)
    empty.share(BOB, "team/data", levels=(INTERNAL,), columns={"id": INTERNAL})
    with pytest.raises(Conflict):
        empty.door.upload(EVE, version=second.version, level=INTERNAL, partition=0)
    assert empty.sql("SELECT count(*) FROM data_key WHERE owner = ?", first.asset) == [(0,)]
    assert empty.door.verify(state=True).rows


def test_what_was_only_begun_has_no_access_to_give_or_end(empty: Vault) -> None:
    empty.door.begin(ALICE, name="team/data", kind="frame", levels=(INTERNAL,))
    with pytest.raises(Denied):
        empty.grant("bob", name="team/data")
    with pytest.raises(Denied):
        empty.door.revoke(ALICE, name="team/data", people=["bob"])
    with pytest.raises(Denied):
        empty.door.shred(ALICE, name="team/data", before=1)


def test_update_grantee_makes_a_version_and_sees_only_his_own_lines(vault: Vault) -> None:
    vault.grant("bob", can="update", up_to=INTERNAL)
    vault.grant("eve", up_to=INTERNAL)
    done = vault.share(BOB, levels=(INTERNAL,), columns={"id": INTERNAL}, content="bob's")
    assert done.number == 2
    assert [line.grantee for line in done.access] == ["alice", "bob"]
    assert [line.grantee for line in vault.door.access(ALICE, name=PATIENTS)] == ["alice", "bob", "eve"]
    with pytest.raises(Denied):
        begin(vault, BOB, levels=(INTERNAL, CONFIDENTIAL))
    with pytest.raises(Denied, match="give access"):
        begin(vault, BOB, levels=(INTERNAL,), access=AccessSpec(("eve",)))


def test_access_named_at_begin_is_checked_before_anything_is_kept(empty: Vault) -> None:
    wrong = [
        (AccessSpec(("nobody",)), NotFound),
        (AccessSpec(("@nobody",)), NotFound),
        (AccessSpec(("a b",)), InvalidName),
        (AccessSpec(("alice",)), Conflict),
        (AccessSpec(("bob",), until=empty.clock.now), InvalidTime),
        (AccessSpec(("bob",), start=empty.clock.now + 2 * DAY, until=empty.clock.now + DAY), InvalidTime),
    ]
    for access, error in wrong:
        with pytest.raises(error):
            begin(empty, access=access)
    assert empty.sql("SELECT * FROM asset") == [] and empty.sql("SELECT * FROM version") == []


def test_refused_access_at_begin_leaves_no_name_behind(empty: Vault) -> None:
    for _ in range(2):  # the second denial of the kind is passed over by the log
        with pytest.raises(Denied, match="give access"):
            begin(empty, BOB, levels=(INTERNAL,), access=AccessSpec(("eve",), up_to=SECRET))
    assert empty.sql("SELECT * FROM asset") == []
    assert [entry.act for entry in empty.entries()][-1] == "grant"


def test_access_no_longer_allowed_at_commit_stops_the_commit_whole(empty: Vault) -> None:
    begun = begin(empty, access=AccessSpec(("bob",), up_to=SECRET))
    made = parcel(begun)
    empty.upload(ALICE, begun, made)
    empty.door.change_user(ROOT, name="alice", clearance=SECRET, roles=("auditor",))
    with pytest.raises(Denied):
        empty.commit(ALICE, begun, made)
    assert empty.sql("SELECT state, number FROM version") == [("begun", 0)]
    assert empty.sql('SELECT * FROM "grant"') == []
    empty.door.change_user(ROOT, name="alice", roles=("member",))
    empty.door.disable_user(ROOT, name="bob")
    with pytest.raises(NotFound):
        empty.commit(ALICE, begun, made)
    assert empty.sql("SELECT state, number FROM version") == [("begun", 0)]


def test_somebody_elses_version_does_not_exist_for_others(vault: Vault) -> None:
    vault.grant("eve", can="manage", up_to=INTERNAL)
    begun = begin(vault)
    made = parcel(begun)
    attempts = [
        lambda: vault.door.upload(EVE, version=begun.version, level=INTERNAL, partition=0),
        lambda: vault.commit(EVE, begun, made),
        lambda: vault.door.abort(EVE, version=begun.version),
        lambda: vault.door.abort(EVE, version="0" * 32),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound, match="you have begun no such version"):
            attempt()


def test_upload_of_a_level_not_begun_or_after_the_end_is_refused(vault: Vault) -> None:
    begun = begin(vault)
    with pytest.raises(Conflict):
        vault.door.upload(ALICE, version=begun.version, level=CONFIDENTIAL, partition=0)
    late = vault.door.upload(ALICE, version=begun.version, level=SECRET, partition=7)
    late.write(b"late")
    made = parcel(begun, content="second")
    vault.upload(ALICE, begun, made)
    vault.commit(ALICE, begun, made)
    before = vault.objects()
    with pytest.raises(Conflict):
        late.finish()
    assert len(vault.objects()) == len(before) - 1
    with pytest.raises(Conflict):
        vault.door.upload(ALICE, version=begun.version, level=SECRET, partition=0)


def test_abandoned_upload_leaves_nothing_and_takes_nothing_more(vault: Vault) -> None:
    begun, before = begin(vault), vault.objects()
    upload = vault.door.upload(ALICE, version=begun.version, level=SECRET, partition=0)
    upload.write(b"x" * 10_000_000)
    upload.abandon()
    upload.abandon()
    assert vault.objects() == before
    for use in (lambda: upload.write(b"x"), upload.finish):
        with pytest.raises(Conflict):
            use()


def test_finished_upload_survives_a_late_abandon(vault: Vault) -> None:
    begun = begin(vault)
    made = parcel(begun, content="second")
    for (level, partition), data in made.parts.items():
        upload = vault.door.upload(ALICE, version=begun.version, level=level, partition=partition)
        upload.write(data)
        assert upload.finish() == len(data)
        upload.abandon()
    assert vault.commit(ALICE, begun, made).number == 2


def test_aborted_version_is_gone_with_keys_and_parts_and_once_is_enough(vault: Vault) -> None:
    before = vault.objects()
    begun = begin(vault)
    vault.upload(ALICE, begun, parcel(begun))
    for _ in range(2):
        vault.door.abort(ALICE, version=begun.version)
    assert vault.objects() == before
    assert vault.sql("SELECT * FROM data_key WHERE owner = ?", begun.version) == []
    with pytest.raises(Conflict):
        vault.commit(ALICE, begun, parcel(begun))
    assert [entry.act for entry in vault.entries()].count("abort") == 1


# ---- what commit verifies --------------------------------------------------------------------------------------


def resealed(made: Parcel, **fields: Any) -> Parcel:
    """The parcel with fields of its top manifest changed."""
    top = msgspec.structs.replace(msgspec.json.decode(made.top, type=TopManifest), **fields)
    return made.changed(top=encode(top))


def relabelled(made: Parcel, level, **fields: Any) -> Parcel:
    """The parcel with fields of one level manifest changed, and the top manifest vouching for it."""
    changed = msgspec.structs.replace(msgspec.json.decode(made.levels[level], type=LevelManifest), **fields)
    levels = {**made.levels, level: encode(changed)}
    return resealed(made.changed(levels=levels), levels={one: level_hash(data) for one, data in levels.items()})


FAULTS = {
    "another version's manifest": lambda made: resealed(made, version="0" * 32),
    "another asset's manifest": lambda made: resealed(made, asset="0" * 32),
    "another kind": lambda made: resealed(made, kind="file"),
    "a level withheld": lambda made: made.changed(levels={INTERNAL: made.levels[INTERNAL]}),
    "a level the manifest does not know": lambda made: made.changed(levels={**made.levels, PUBLIC: b"{}"}),
    "fewer levels than were begun": lambda made: resealed(
        made.changed(levels={INTERNAL: made.levels[INTERNAL]}), levels={INTERNAL: level_hash(made.levels[INTERNAL])}
    ),
    "levels exchanged": lambda made: resealed(
        made.changed(levels={INTERNAL: made.levels[SECRET], SECRET: made.levels[INTERNAL]}),
        levels={INTERNAL: level_hash(made.levels[SECRET]), SECRET: level_hash(made.levels[INTERNAL])},
    ),
    "row counts that differ": lambda made: relabelled(made, SECRET, rows=4),
    "a level without its streams": lambda made: relabelled(made, SECRET, streams=()),
    "not canonical": lambda made: made.changed(top=b" " + made.top),
    "garbage": lambda made: made.changed(top=b"\xff\x00"),
    "empty": lambda made: made.changed(top=b""),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_manifests_that_do_not_fit_are_refused_and_can_be_corrected(vault: Vault, fault: str) -> None:
    begun = begin(vault)
    made = parcel(begun, content="second")
    vault.upload(ALICE, begun, made)
    with pytest.raises(SealBroken):
        vault.commit(ALICE, begun, FAULTS[fault](made))
    assert vault.sql("SELECT state FROM version WHERE id = ?", begun.version) == [("begun",)]
    assert vault.commit(ALICE, begun, made).number == 2


def test_a_future_format_is_named(vault: Vault) -> None:
    begun = begin(vault)
    made = parcel(begun, content="second")
    vault.upload(ALICE, begun, made)
    with pytest.raises(UnknownFormat):
        vault.commit(ALICE, begun, resealed(made, format=2))


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data + b"x",
        lambda data: bytes([data[0] ^ 1]) + data[1:],
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: noise("other", len(data)),
        lambda data: b"",
    ],
)
def test_parts_that_are_not_what_the_manifest_says_are_refused(vault: Vault, damage: Any) -> None:
    begun = begin(vault)
    made = parcel(begun, content="second")
    broken = made.changed(parts={**made.parts, (SECRET, 0): damage(made.parts[SECRET, 0])})
    vault.upload(ALICE, begun, broken)
    with pytest.raises(SealBroken):
        vault.commit(ALICE, begun, made)
    vault.upload(ALICE, begun, made)
    assert vault.commit(ALICE, begun, made).number == 2


def test_missing_and_superfluous_parts_are_refused(vault: Vault) -> None:
    begun = begin(vault)
    made = parcel(begun, content="second")
    with pytest.raises(SealBroken):
        vault.commit(ALICE, begun, made)
    vault.upload(ALICE, begun, made.changed(parts={**made.parts, (SECRET, 1): b"more"}))
    with pytest.raises(SealBroken):
        vault.commit(ALICE, begun, made)


def test_part_deleted_from_the_store_before_the_commit_is_noticed(vault: Vault) -> None:
    before = vault.objects()
    begun = begin(vault)
    made = parcel(begun, content="second")
    vault.upload(ALICE, begun, made)
    for path in set(vault.objects()) - set(before):
        path.unlink()
    with pytest.raises(NotFound, match="missing from the store"):
        vault.commit(ALICE, begun, made)


def test_part_replaced_after_it_was_verified_is_not_committed(vault: Vault) -> None:
    """An upload that ends between verification and the commit's transaction must not slip in."""
    begun = begin(vault)
    made = parcel(begun, content="second")
    vault.upload(ALICE, begun, made)
    sharing = vault.door.commit.__self__
    verified = sharing._verified_parts

    def then_replaced(*args: Any) -> Any:
        parts = verified(*args)
        vault.upload(ALICE, begun, made.changed(parts={(SECRET, 0): noise("evil", len(made.parts[SECRET, 0]))}))
        return parts

    sharing._verified_parts = then_replaced
    with pytest.raises(Conflict):
        vault.commit(ALICE, begun, made)
    assert [one.number for one in vault.door.versions(ALICE, name=PATIENTS)] == [1]
