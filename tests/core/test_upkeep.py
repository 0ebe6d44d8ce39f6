"""Keys renewed while the vault is in use, and what interrupted uploads left cleared away."""

from __future__ import annotations

import os
from typing import Any

import pytest
from material import ALICE, DAY, EVE, INTERNAL, PATIENTS, ROOT, SECRET, Vault, parcel

from jupyter_securecollab.core.upkeep import Collected
from jupyter_securecollab.errors import NotFound, StoreBroken
from jupyter_securecollab.model import AccessSpec


def age(vault: Vault, days: int) -> None:
    """Let the vault's clock and the files grow older together."""
    vault.clock.turn(days * DAY)
    for path in vault.objects():
        at = (vault.clock.now - days * DAY).timestamp()
        os.utime(path, (at, at))


# ---- keys ------------------------------------------------------------------------------------------------------


def test_after_rotation_everything_opens_with_the_same_keys(vault: Vault) -> None:
    before = vault.door.open(ALICE, name=PATIENTS).keys
    assert vault.door.rotate_keys(ROOT, project="oncology") == 5
    assert vault.door.open(ALICE, name=PATIENTS).keys == before
    assert vault.sql("SELECT project, number FROM project_key") == [("oncology", 2)]
    vault.restart()
    assert vault.door.open(ALICE, name=PATIENTS).keys == before
    assert vault.share(content="second").number == 2


def test_a_project_nobody_shared_in_has_no_key_to_rotate(vault: Vault) -> None:
    with pytest.raises(NotFound):
        vault.door.rotate_keys(ROOT, project="onclogy")
    assert vault.sql("SELECT DISTINCT project FROM project_key") == [("oncology",)]


def test_interrupted_rewrap_goes_on_working_and_is_finished_by_the_next(vault: Vault) -> None:
    for content in ("2", "3", "4"):
        vault.share(content=content)
    before = vault.door.open(ALICE, name=PATIENTS, number=1).keys
    keys = vault.door.rotate_keys.__self__._keys
    rewrap = keys.rewrap

    def two_then_stop(work: Any, project: str, *, limit: int) -> int:
        rewrap(work, project, limit=2)
        keys.rewrap = fail
        return 2

    def fail(*_: Any, **__: Any) -> int:
        raise StoreBroken("interrupted")

    keys.rewrap = two_then_stop
    with pytest.raises(StoreBroken, match="interrupted"):
        vault.door.rotate_keys(ROOT, project="oncology")
    assert sorted(vault.sql("SELECT number, count(*) FROM data_key GROUP BY number")) == [(1, 9), (2, 2)]
    vault.restart()
    assert vault.door.open(ALICE, name=PATIENTS, number=1).keys == before
    assert vault.door.rotate_keys(ROOT, project="oncology") == 11
    assert vault.sql("SELECT number FROM project_key") == [(3,)]
    assert vault.door.open(ALICE, name=PATIENTS, number=1).keys == before


def test_projects_have_keys_of_their_own(vault: Vault) -> None:
    vault.share(name="cardiology/ecg")
    vault.door.rotate_keys(ROOT, project="oncology")
    assert vault.sql("SELECT project, number FROM project_key") == [("cardiology", 1), ("oncology", 2)]


# ---- leftovers -------------------------------------------------------------------------------------------------


def test_interrupted_upload_is_cleared_away_with_its_name_and_keys(vault: Vault) -> None:
    kept = vault.objects()
    begun = vault.door.begin(ALICE, name="a/left", kind="frame", levels=[SECRET], access=AccessSpec(("bob",)))
    vault.upload(ALICE, begun, parcel(begun))
    half = vault.door.upload(ALICE, version=begun.version, level=SECRET, partition=1)
    half.write(b"x" * 9_000_000)
    half._upload._file.close()  # as when the process is killed
    assert len(vault.objects()) == len(kept) + 2
    age(vault, 2)
    assert vault.door.collect(ROOT) == Collected(versions=1, objects=2)
    assert vault.objects() == kept
    assert vault.sql("SELECT name FROM asset") == [(PATIENTS,)]
    assert vault.sql("SELECT * FROM data_key WHERE owner IN (?, ?)", begun.version, begun.asset) == []
    assert vault.door.collect(ROOT) == Collected(0, 0)


def test_running_upload_is_left_alone_and_can_be_finished(vault: Vault) -> None:
    begun = vault.door.begin(ALICE, name=PATIENTS, kind="frame", levels=[INTERNAL, SECRET])
    made = parcel(begun, content="second")
    vault.upload(ALICE, begun, made)
    vault.clock.turn(DAY - DAY / 24)
    assert vault.door.collect(ROOT) == Collected(0, 0)
    assert vault.commit(ALICE, begun, made).number == 2


def test_committed_parts_are_never_collected(vault: Vault) -> None:
    age(vault, 400)
    kept = vault.objects()
    assert vault.door.collect(ROOT) == Collected(0, 0)
    assert vault.objects() == kept and len(kept) == 2


def test_replaced_part_of_a_version_is_collected_and_the_one_that_counts_kept(vault: Vault) -> None:
    begun = vault.door.begin(ALICE, name=PATIENTS, kind="frame", levels=[INTERNAL, SECRET])
    made = parcel(begun, content="second")
    vault.upload(ALICE, begun, made)
    vault.upload(ALICE, begun, made)
    vault.commit(ALICE, begun, made)
    age(vault, 2)
    assert vault.door.collect(ROOT) == Collected(0, 2)
    vault.read(ALICE, vault.door.open(ALICE, name=PATIENTS))


def test_name_of_a_collected_version_is_free_for_others(vault: Vault) -> None:
    vault.door.begin(ALICE, name="a/left", kind="file", levels=[INTERNAL])
    age(vault, 2)
    vault.door.collect(ROOT)
    assert vault.share(EVE, "a/left", levels=(INTERNAL,), columns={"id": INTERNAL}).number == 1


def test_very_many_leftovers_are_cleared_in_several_entries(vault: Vault) -> None:
    for number in range(120):
        vault.door.begin(ALICE, name=f"a/left{number}", kind="file", levels=[SECRET])
    age(vault, 2)
    assert vault.door.collect(ROOT) == Collected(versions=120, objects=0)
    assert [entry.act for entry in vault.entries()].count("collect") == 3
    vault.door.verify(state=True)
