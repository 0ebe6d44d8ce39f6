"""What every `Store` must do, run on each of them; and what SQLite does when its file is not what it should be."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from jupyter_securecollab.adapters.sql import HEAD, METADATA, SqlStore
from jupyter_securecollab.core.catalog import (
    ROWS,
    AssetRow,
    CheckpointRow,
    EntryRow,
    GrantRow,
    LevelRow,
    MembershipRow,
    PersonRow,
    TileRow,
)  # fmt: skip
from jupyter_securecollab.core.ports import Store
from jupyter_securecollab.errors import StoreBroken, Unavailable
from jupyter_securecollab.model import Level

AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


@pytest.fixture(params=["sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    made = {"sqlite": lambda: SqlStore(f"sqlite:///{tmp_path / 'vault.sqlite'}")}[request.param]()
    yield made
    made.close()


def asset(id: str = "a1", name: str = "p/n", **other) -> AssetRow:
    return AssetRow(id, name, "frame", other.get("owner", "alice"), other.get("title", ""), False, 0, AT)


def grant(id: str, asset: str = "a1", grantee: str = "bob") -> GrantRow:
    return GrantRow(id, asset, grantee, "open", Level.SECRET, None, AT, ("care", 'a"b'), False, "alice")


def everything(store: Store, kind):
    with store.snapshot() as rows:
        return rows.find(kind)


def test_rows_come_back_exactly_as_they_were_put(store: Store) -> None:
    rows_in = [
        asset(title="<b> 'quotes' \"\\ \u202e 😀 \x00 \n"),
        grant("g1"),
        PersonRow("bob", "agent", Level.INTERNAL, ("member", "auditor"), True, 2**40, acts_for="alice"),
        LevelRow("v1", Level.SECRET, bytes(range(256))),
        EntryRow(2**53, AT, "open", "bob", None, b""),
    ]
    with store.transaction() as rows:
        for row in rows_in:
            rows.put(row)
    for row in rows_in:
        assert everything(store, type(row)) == [row]
    (found,) = everything(store, PersonRow)
    assert type(found.clearance) is Level


def test_put_replaces_the_row_of_the_same_key_and_remove_deletes_it(store: Store) -> None:
    with store.transaction() as rows:
        rows.put(asset())
        rows.put(asset(title="new"))
        assert rows.get(AssetRow, "a1") == asset(title="new")
        rows.remove(AssetRow, "a1")
        rows.remove(AssetRow, "a1")
        assert rows.get(AssetRow, "a1") is None


def test_rows_that_are_nothing_but_a_key_can_be_put_twice(store: Store) -> None:
    with store.transaction() as rows:
        for _ in range(2):
            rows.put(MembershipRow("g", "bob"))
        assert rows.find(MembershipRow) == [MembershipRow("g", "bob")]


def test_find_takes_equal_values_one_of_several_and_none_of_none(store: Store) -> None:
    with store.transaction() as rows:
        rows.put_many([grant("g1"), grant("g2", grantee="@g"), grant("g3", asset="a2"), grant("g4", grantee="eve")])
        assert [row.id for row in rows.find(GrantRow, asset="a1", grantee=("bob", "@g"))] == ["g1", "g2"]
        assert [row.id for row in rows.find(GrantRow, grantee="bob")] == ["g1", "g3"]
        assert rows.find(GrantRow, grantee=()) == [] and rows.find(GrantRow, grantee="' OR 1=1 --") == []
        assert len(rows.find(GrantRow)) == 4
        assert len(rows.find(GrantRow, id=tuple(f"g{n}" for n in range(30_000)))) == 4


def test_find_is_ordered_by_key_and_limited(store: Store) -> None:
    with store.transaction() as rows:
        rows.put_many([CheckpointRow(size, str(size)) for size in (5, 100, 7, 20)])
        assert [row.size for row in rows.find(CheckpointRow)] == [5, 7, 20, 100]
        assert [row.size for row in rows.find(CheckpointRow, newest=True, limit=2)] == [100, 20]
        assert [row.size for row in rows.after(CheckpointRow, 5, limit=2)] == [7, 20]
        assert rows.after(CheckpointRow, 100, limit=9) == [] == rows.find(CheckpointRow, limit=0)


def test_put_many_refuses_rows_that_exist_and_takes_none(store: Store) -> None:
    with store.transaction() as rows:
        rows.put_many([])
        rows.put(TileRow(0, 0, b"x"))
    with pytest.raises(StoreBroken), store.transaction() as rows:
        rows.put_many([TileRow(0, 1, b"y"), TileRow(0, 0, b"z")])
    assert everything(store, TileRow) == [TileRow(0, 0, b"x")]


def test_a_transaction_that_raises_leaves_nothing(store: Store) -> None:
    with pytest.raises(KeyError), store.transaction() as rows:
        rows.put(asset())
        raise KeyError
    assert everything(store, AssetRow) == []


def test_a_savepoint_is_undone_alone_also_inside_another(store: Store) -> None:
    with store.transaction() as rows:
        rows.put(asset("a1", "p/1"))
        with rows.savepoint():
            rows.put(asset("a2", "p/2"))
            with suppress(KeyError), rows.savepoint():
                rows.put(asset("a3", "p/3"))
                raise KeyError
        with suppress(StoreBroken), rows.savepoint():
            rows.put(asset("a4", "p/4"))
            rows.put(asset("a5", "p/1"))  # the name is taken
    assert [row.id for row in everything(store, AssetRow)] == ["a1", "a2"]


def test_a_snapshot_does_not_change_and_does_not_wait(store: Store) -> None:
    with store.transaction() as rows:
        rows.put(asset("a1", "p/1"))
    with store.snapshot() as view:
        assert len(view.find(AssetRow)) == 1
        with store.transaction() as rows:
            rows.put(asset("a2", "p/2"))
        assert len(view.find(AssetRow)) == 1
    assert len(everything(store, AssetRow)) == 2


def test_writers_exclude_each_other_from_their_first_statement_on(store: Store) -> None:
    reading, order = threading.Event(), []

    def second() -> None:
        reading.wait()
        with store.transaction() as rows:
            order.append(("second", len(rows.find(AssetRow))))

    thread = threading.Thread(target=second)
    thread.start()
    with store.transaction() as rows:
        assert rows.find(AssetRow) == []
        reading.set()
        thread.join(0.2)
        rows.put(asset())
        order.append(("first", 1))
    thread.join()
    assert order == [("first", 1), ("second", 1)]


GREEDY = """
import sys
from jupyter_securecollab.adapters.sql import SqlStore
from jupyter_securecollab.core.catalog import MembershipRow
store = SqlStore(sys.argv[1])
for number in range(1_000_000):
    with store.transaction() as rows:
        rows.put(MembershipRow(str(number), "greedy"))
    if not number:
        print(flush=True)
"""


def test_a_process_that_always_writes_lets_others_have_their_turn(file: Path) -> None:
    address = f"sqlite:///{file}"
    command = [sys.executable, "-c", GREEDY, address]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other, closing(SqlStore(address)) as store:
        assert other.stdout is not None and other.stdout.readline()
        for turn in range(100):
            with store.transaction() as rows:
                rows.put(MembershipRow(str(turn), "patient"))
        other.kill()
        found = everything(store, MembershipRow)
    assert len([row for row in found if row.person == "patient"]) == 100 < len(found)


def test_the_version_changes_with_every_commit_whoever_makes_it_and_with_nothing_else(store: Store, tmp_path) -> None:
    seen = {store.version()}
    with store.snapshot() as rows:
        assert rows.find(AssetRow) == []
    with suppress(ZeroDivisionError), store.transaction() as rows:
        rows.put(asset())
        raise ZeroDivisionError
    assert {store.version()} == seen
    with closing(SqlStore(f"sqlite:///{tmp_path / 'vault.sqlite'}")) as other:
        for one in (store, other, store):
            with one.transaction() as rows:
                rows.put(asset(f"a{len(seen)}", f"p/{len(seen)}"))
            seen.add(store.version())
    assert len(seen) == 4
    store.close()
    with pytest.raises(Unavailable):
        store.version()


def test_a_closed_store_is_unavailable(store: Store) -> None:
    store.close()
    store.close()
    for begin in (store.transaction, store.snapshot):
        with pytest.raises(Unavailable), begin():
            pass


# ---- SQLite ----------------------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database with something in it, closed."""
    path = tmp_path / "vault.sqlite"
    with closing(SqlStore(f"sqlite:///{path}")) as store, store.transaction() as rows:
        rows.put_many([asset(f"a{n}", f"p/{n}", title="x" * 500) for n in range(200)])
    return path


def test_migrations_make_exactly_the_tables_the_rows_need(file: Path) -> None:
    with sa.create_engine(f"sqlite:///{file}").connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        assert context.get_current_revision() == HEAD
        assert compare_metadata(context, METADATA) == []
        assert {kind.table for kind in ROWS} <= set(sa.inspect(connection).get_table_names())
        connection.exec_driver_sql("DROP INDEX part_object")
        assert len(compare_metadata(context, METADATA)) == 1
    connection.engine.dispose()


@pytest.mark.parametrize("damage", [
    lambda data: b"not a database at all" * 100,
    lambda data: data[: len(data) // 2],
    lambda data: data[:4096] + b"\x00" * 8192 + data[12288:],
    lambda data: data[:16] + b"\xff\xff" + data[18:],
    lambda data: data[:20_000] + b"garbage!" * 5000 + data[60_000:],
])  # fmt: skip
def test_damaged_database_is_refused_with_what_to_do(file: Path, damage) -> None:
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(StoreBroken, match="damaged") as error:
        SqlStore(f"sqlite:///{file}")
    assert "restore" in error.value.next_step


def test_damage_in_a_large_database_shows_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "vault.sqlite"
    with closing(SqlStore(f"sqlite:///{path}")) as store, store.transaction() as rows:
        rows.put_many([asset(f"a{n}", f"p/{n}", title="x" * 100_000) for n in range(700)])
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 4096 // 2 * 4096)
        file.write(b"\xff" * 4096 * 100)
    with closing(SqlStore(f"sqlite:///{path}")) as store, pytest.raises(StoreBroken):
        everything(store, AssetRow)


def test_database_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        SqlStore(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.sqlite'}")


def test_database_of_a_newer_release_is_refused(file: Path) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreBroken, match="newer release"):
        SqlStore(f"sqlite:///{file}")


def test_commits_are_durable_and_deleted_keys_overwritten(file: Path) -> None:
    with closing(SqlStore(f"sqlite:///{file}")) as store, store.transaction() as rows:
        pragma = {
            name: rows._connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "secure_delete")
        }
        assert pragma == {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1}
        assert [rows.remove(AssetRow, f"a{n}") for n in range(200)]
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"x" * 500 not in file.read_bytes()
    assert stat.S_ISREG(file.stat().st_mode)
