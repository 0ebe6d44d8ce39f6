"""Records of executions: vouched for by the log, found when somebody changes them, read by whom they concern."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from material import ALICE, BOB, CAROL, DANA, DAY, Vault

from jupyter_securecollab.bundles import verify_bundle
from jupyter_securecollab.errors import LogBroken, Unavailable
from jupyter_securecollab.model import Caller
from jupyter_securecollab.proofs import parse_entry
from jupyter_securecollab.runs import Record, Seen

CODE = b"print('a secret of alice')"


def seen(vault: Vault, number: int, who: str | None = "alice", **fields) -> list[Seen]:
    """Start and end of one execution."""
    fields = {"v": 1, "run": f"{number:032x}", "at": vault.clock.now, "act": "execute", "who": who, **fields}
    return [Seen(Record(what="start", **fields), CODE), Seen(Record(what="end", status="ok", took=1500, **fields))]


@pytest.fixture
def executed(empty: Vault) -> Iterator[Vault]:
    """Three batches: alice and bob ran something, then somebody by another road."""
    empty.door.record([*seen(empty, 1, notebook="a.ipynb"), *seen(empty, 2, "bob", notebook="b.ipynb")])
    empty.clock.turn(DAY)
    empty.door.record(seen(empty, 3, None, road="other"))
    empty.door.record(seen(empty, 4, notebook="a.ipynb")[:1])
    return empty


def runs(vault: Vault, who: Caller, **where) -> list[int]:
    return [int(run.start.run, 16) for run in vault.door.executions(who, **where)]


def test_a_batch_is_one_entry_that_vouches_for_all_of_it(executed: Vault) -> None:
    entries = [parse_entry(body) for (body,) in executed.sql("SELECT body FROM entry WHERE act = 'executions'")]
    assert [(one.who, one.detail["first"], one.detail["count"]) for one in entries] == [
        ("recorder", 0, 4), ("recorder", 4, 2), ("recorder", 6, 1),
    ]  # fmt: skip
    assert executed.door.verify(state=True).rows
    executed.door.record([])
    assert len(executed.sql("SELECT 1 FROM entry WHERE act = 'executions'")) == 3


def test_start_and_end_are_listed_as_one_and_code_only_as_length_and_hash(executed: Vault) -> None:
    one, *_, last = executed.door.executions(CAROL)
    assert (one.start.who, one.start.notebook, one.start.length, one.outcome) == ("alice", "a.ipynb", len(CODE), "ok")
    assert (last.end, last.outcome) == (None, "not ended")
    found = [run.start.code for run in executed.door.executions(CAROL)]
    assert len(set(found)) == 1 and len(found[0]) == 64
    for table in ("execution", "entry"):
        assert not [row for row in executed.sql(f"SELECT * FROM {table}") if "a secret" in str(row)]


def test_people_read_their_own_executions_and_auditors_all(executed: Vault) -> None:
    assert runs(executed, ALICE) == [1, 4]
    assert runs(executed, BOB) == [2]
    assert runs(executed, CAROL) == runs(executed, DANA) == [1, 2, 3, 4]
    assert runs(executed, BOB, by="alice") == []
    assert runs(executed, Caller("alice", "kernel", "s", also=("bob",))) == []
    assert runs(executed, CAROL, by="bob") == [2]
    assert runs(executed, CAROL, notebook="a.ipynb") == [1, 4]
    assert runs(executed, CAROL, since=executed.clock.now - timedelta(hours=1)) == [3, 4]
    assert runs(executed, CAROL, limit=2) == [3, 4]


def test_what_vouches_for_executions_does_not_bury_the_rest_of_the_log(executed: Vault) -> None:
    for number in range(30):
        executed.door.record(seen(executed, 10 + number))
    acts = {parse_entry(view.body).act for view in executed.door.audit(CAROL, limit=10)}
    assert acts and "executions" not in acts


@pytest.mark.parametrize(("statement", "what"), [
    ("UPDATE execution SET body = replace(body, 'bob', 'eve'), who = 'eve' WHERE who = 'bob'", "is not as entry"),
    ("UPDATE execution SET who = 'eve' WHERE who = 'bob'", "listed under something it does not say"),
    ("UPDATE execution SET body = x'00' WHERE seq = 1", "not a record"),
    ("DELETE FROM execution WHERE seq = 2", "record 2 of an execution is gone"),
    ("DELETE FROM execution WHERE seq = 6", "record 6 of an execution is gone"),
    ("DELETE FROM execution", "record 0 of an execution is gone"),
    ("INSERT INTO execution SELECT seq + 5, entry, at, what, run, who, notebook, body FROM execution WHERE seq = 2",
     "never recorded"),
    ("UPDATE execution SET seq = -1 WHERE seq = 0; ", "record 0 of an execution is gone"),
    ("UPDATE execution SET seq = CASE seq WHEN 0 THEN 102 ELSE 100 END WHERE seq IN (0, 2)", "is gone"),
])  # fmt: skip
def test_a_record_changed_by_hand_is_found(executed: Vault, tmp_path: Path, statement: str, what: str) -> None:
    assert executed.door.verify(state=True).rows
    executed.sql(statement)
    with pytest.raises(LogBroken, match=what):
        executed.door.verify(state=True)
    if "listed" not in what:  # a bundle has no columns to search by
        executed.door.export(CAROL, destination=tmp_path / "bundle")
        with pytest.raises(LogBroken):
            verify_bundle(tmp_path / "bundle", executed.door.log_key, state=True)


def test_a_bundle_carries_the_records(executed: Vault, tmp_path: Path) -> None:
    executed.door.export(CAROL, destination=tmp_path / "bundle")
    assert verify_bundle(tmp_path / "bundle", executed.door.log_key, state=True).rows
    kept = [line for line in (tmp_path / "bundle").read_bytes().splitlines(True) if b'"seq":3}' not in line]
    (tmp_path / "bundle").write_bytes(b"".join(kept))
    with pytest.raises(LogBroken, match="record 3 of an execution is gone"):
        verify_bundle(tmp_path / "bundle", executed.door.log_key, state=True)


def test_a_vault_that_is_closed_records_nothing(executed: Vault) -> None:
    batch = seen(executed, 9)
    executed.door.close()
    with pytest.raises(Unavailable):
        executed.door.record(batch)
