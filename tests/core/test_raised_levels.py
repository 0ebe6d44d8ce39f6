"""Raising a column's level reaches back: what a version holds above a reader, no version before it gives him."""

from __future__ import annotations

import pytest
from material import ALICE, BOB, CONFIDENTIAL, INTERNAL, PATIENTS, SECRET, Vault, parcel
from msgspec.structs import replace

from jupyter_securecollab.errors import Denied, NotFound
from jupyter_securecollab.manifest import encode, level_hash, parse_top, stored_level

BEFORE = {"id": INTERNAL, "ssn": SECRET, "age": INTERNAL}
RAISED = {"id": INTERNAL, "ssn": SECRET, "age": CONFIDENTIAL}


@pytest.fixture
def raised(empty: Vault) -> Vault:
    """Version 1 has `age` at internal, version 2 at confidential; bob reads up to internal."""
    empty.share(to="bob", columns=BEFORE)
    empty.share(columns=RAISED, content="second", levels=(INTERNAL, CONFIDENTIAL, SECRET))
    return empty


def test_a_raised_column_is_left_out_of_older_versions(raised: Vault) -> None:
    opened = raised.door.open(BOB, name=PATIENTS, number=1)
    assert opened.columns == ("id", "ssn")
    assert set(raised.read(BOB, opened)) == {"internal:id", "internal:ssn"}
    assert raised.entries()[-1].detail["columns"] == ["id", "ssn"]


def test_asking_for_it_by_name_is_like_asking_for_no_column(raised: Vault) -> None:
    with pytest.raises(NotFound, match="there is no column 'age' that you may read"):
        raised.door.open(BOB, name=PATIENTS, number=1, columns=("age",))
    assert raised.door.open(BOB, name=PATIENTS, number=1, columns=("id",)).columns is None


def test_who_reads_up_to_the_new_level_gets_it_as_before(raised: Vault) -> None:
    opened = raised.door.open(ALICE, name=PATIENTS, number=1)
    assert opened.columns is None and "internal:age" in raised.read(ALICE, opened)


def test_a_level_that_was_not_raised_withholds_nothing(empty: Vault) -> None:
    empty.share(to="bob", columns=BEFORE)
    empty.share(columns=BEFORE, content="second")
    opened = empty.door.open(BOB, name=PATIENTS, number=1)
    assert opened.columns is None and "internal:age" in empty.read(BOB, opened)


def test_a_column_that_is_gone_from_the_newest_version_keeps_its_level(empty: Vault) -> None:
    empty.share(to="bob", columns=BEFORE)
    empty.share(columns={"id": INTERNAL, "ssn": SECRET}, content="second")
    assert "internal:age" in empty.read(BOB, empty.door.open(BOB, name=PATIENTS, number=1))


def test_a_raised_file_is_denied_as_a_whole(empty: Vault) -> None:
    empty.share(to="bob", kind="file", levels=(INTERNAL,))
    empty.share(kind="file", content="second", levels=(SECRET,))
    with pytest.raises(Denied, match="since been found to lie above internal") as error:
        empty.door.open(BOB, name=PATIENTS, number=1)
    assert error.value.decision is not None and error.value.decision.policies == ("deny.raised",)
    empty.door.open(ALICE, name=PATIENTS, number=1)


def test_a_later_version_without_the_column_does_not_bring_it_back(raised: Vault) -> None:
    raised.share(columns={"id": INTERNAL, "ssn": SECRET}, content="third")
    assert raised.door.open(BOB, name=PATIENTS, number=1).columns == ("id", "ssn")


def test_who_may_update_cannot_undo_what_was_raised_above_him(raised: Vault) -> None:
    raised.grant("bob", can="update")
    raised.share(BOB, columns={"id": INTERNAL, "age": INTERNAL}, content="bob's", levels=(INTERNAL,))
    assert raised.door.open(BOB, name=PATIENTS, number=1).columns == ("id", "ssn")
    assert "internal:age" in raised.read(BOB, raised.door.open(BOB, name=PATIENTS))  # his own


def test_a_column_that_was_raised_as_it_became_the_index_is_withheld(empty: Vault) -> None:
    empty.share(to="bob", columns={"id": INTERNAL, "age": INTERNAL}, levels=(INTERNAL,))
    begun = empty.door.begin(ALICE, name=PATIENTS, kind="frame", levels=(INTERNAL, CONFIDENTIAL))
    made = parcel(begun, {"id": INTERNAL, "age": CONFIDENTIAL}, content="second")
    level = stored_level(made.levels[CONFIDENTIAL])
    (age,) = level.streams
    index = encode(replace(level, streams=(replace(age, role="index", position=0),)))
    top = parse_top(made.top)
    made = made.changed(
        levels=made.levels | {CONFIDENTIAL: index},
        top=encode(replace(top, levels=top.levels | {CONFIDENTIAL: level_hash(index)})),
    )
    empty.upload(ALICE, begun, made)
    empty.commit(ALICE, begun, made)
    assert empty.door.open(BOB, name=PATIENTS, number=1).columns == ("id",)
