"""Destroyed versions: keys, parts and manifests gone, on record, by nobody but who manages the asset."""

from __future__ import annotations

import pytest
from material import ALICE, BOB, INTERNAL, PATIENTS, ROOT, Vault

from jupyter_securecollab.errors import Conflict, Denied, NotFound
from jupyter_securecollab.model import Caller


@pytest.fixture
def three(vault: Vault) -> Vault:
    """Three versions, open to bob."""
    vault.grant("bob")
    vault.share(content="second")
    vault.share(content="third")
    return vault


def test_versions_before_a_number_are_gone_and_the_newest_opens(three: Vault) -> None:
    objects = len(three.objects())
    done = three.door.shred(ALICE, name=PATIENTS, before=3)
    assert done.numbers == (1, 2)
    assert len(three.objects()) == objects // 3
    for number in (1, 2):
        with pytest.raises(NotFound, match=f"has no version {number}"):
            three.door.open(BOB, name=PATIENTS, number=number)
    assert three.read(BOB, three.door.open(BOB, name=PATIENTS))
    assert [one.number for one in three.door.versions(ALICE, name=PATIENTS)] == [3]
    assert three.door.shred(ALICE, name=PATIENTS, before=3).numbers == ()


def test_no_key_and_no_manifest_of_a_destroyed_version_is_left(three: Vault) -> None:
    gone = three.door.open(ALICE, name=PATIENTS, number=1).version
    three.door.shred(ALICE, name=PATIENTS, before=2)
    for table, column in (("data_key", "owner"), ("level_manifest", "version"), ("part", "version")):
        assert three.sql(f"SELECT count(*) FROM {table} WHERE {column} = ?", gone) == [(0,)]
    entry = three.entries()[-1]
    assert (entry.act, entry.detail["numbers"]) == ("shred", [1])
    three.door.verify(state=True)


def test_destroyed_keys_are_in_no_file_any_more(three: Vault) -> None:
    gone = three.door.open(ALICE, name=PATIENTS, number=1).version
    wrapped = [key for (key,) in three.sql("SELECT wrapped FROM data_key WHERE owner = ?", gone)]
    assert wrapped and all(in_files(three, key) for key in wrapped)
    three.door.shred(ALICE, name=PATIENTS, before=2)
    assert not any(in_files(three, key) for key in wrapped)


def test_keys_wrapped_under_the_old_project_key_are_in_no_file_after_rotating(three: Vault) -> None:
    old = [key for (key,) in three.sql("SELECT wrapped FROM data_key")]
    assert three.door.rotate_keys(ROOT, project="oncology") == len(old)
    assert old and not any(in_files(three, key) for key in old)


def in_files(vault: Vault, needle: bytes) -> bool:
    return any(needle in file.read_bytes() for file in vault.folder.glob("vault.sqlite*"))


def test_the_newest_version_cannot_be_destroyed(three: Vault) -> None:
    with pytest.raises(Conflict):
        three.door.shred(ALICE, name=PATIENTS, before=4)
    assert len(three.door.versions(ALICE, name=PATIENTS)) == 3


@pytest.mark.parametrize("who", [BOB, Caller("eve", "kernel", "s-eve")])
def test_a_reader_or_stranger_destroys_nothing(three: Vault, who: Caller) -> None:
    with pytest.raises(Denied):
        three.door.shred(who, name=PATIENTS, before=3)
    assert len(three.door.versions(ALICE, name=PATIENTS)) == 3


def test_an_unknown_name_is_refused_like_a_hidden_one(three: Vault) -> None:
    eve = Caller("eve", "kernel", "s-eve")
    with pytest.raises(Denied) as hidden:
        three.door.shred(eve, name=PATIENTS, before=3)
    with pytest.raises(Denied) as unknown:
        three.door.shred(eve, name="oncology/none", before=3)
    assert str(hidden.value).replace(PATIENTS, "X") == str(unknown.value).replace("oncology/none", "X")


def test_nobody_destroys_what_lies_above_him(three: Vault) -> None:
    three.grant("bob", can="manage")
    three.share(BOB, columns={"id": INTERNAL}, levels=(INTERNAL,), content="bob's")
    with pytest.raises(Denied):
        three.door.shred(BOB, name=PATIENTS, before=4)
    assert [one.number for one in three.door.versions(ALICE, name=PATIENTS)] == [4, 3, 2, 1]
    three.share(BOB, columns={"id": INTERNAL}, levels=(INTERNAL,), content="bob's second")
    three.door.shred(ALICE, name=PATIENTS, before=4)
    assert three.door.shred(BOB, name=PATIENTS, before=5).numbers == (4,)
