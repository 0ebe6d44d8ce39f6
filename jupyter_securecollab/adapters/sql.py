"""The `Store` port on SQLite, through SQLAlchemy Core.

Tables follow from the row types in `core.catalog`; Alembic migrations create and change them. Write-ahead log,
`synchronous=FULL` (a commit survives power loss) and `secure_delete` (deleted keys are overwritten). Writers take the
database lock with their first statement, so that what they read cannot change before they commit.
"""

from __future__ import annotations

import json
import random
import sqlite3
import threading
import time
import types
import typing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from ..core.catalog import ROWS
from ..core.ports import Row, Rows
from ..errors import StoreBroken, Unavailable
from ..model import Level

HEAD = "0007"
"""The newest migration; a database already there starts without loading Alembic."""

_CHECKED_WHOLE = 64 * 1024 * 1024
"""Largest database, in bytes, that is checked page by page at every start."""

_CHECKPOINT = 4000
"""Pages in the write-ahead log when a commit also moves them to the tables, which it then takes long for."""

_WRITE = "BEGIN IMMEDIATE"

# 64 bits everywhere; SQLite makes a lone INTEGER key the row's own address.
WHOLE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_R = TypeVar("_R", bound=Row)
_Values = dict[str, Any]


class _Time(sa.types.TypeDecorator[datetime]):
    """A UTC datetime as whole milliseconds since 1970, so that it compares and survives exactly."""

    impl = WHOLE
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // _MILLISECOND

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        return None if value is None else _EPOCH + value * _MILLISECOND


class _Level(sa.types.TypeDecorator[Level]):
    """A level by its name."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: Level | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else value.value

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Level | None:
        return None if value is None else Level(value)


class _Words(sa.types.TypeDecorator[tuple[str, ...]]):
    """A short tuple of words as JSON."""

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: sa.Dialect) -> str | None:
        return None if value is None else json.dumps([str(word) for word in value])

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> tuple[str, ...] | None:
        return None if value is None else tuple(json.loads(value))


class _Levels(_Words):
    """A tuple of levels as JSON."""

    cache_ok = True

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> tuple[str, ...] | None:
        return None if value is None else tuple(Level(word) for word in json.loads(value))


_SIMPLE: dict[object, sa.types.TypeEngine[Any]] = {
    str: sa.String(), int: WHOLE, bool: sa.Boolean(), bytes: sa.LargeBinary(), datetime: _Time(), Level: _Level(),
}  # fmt: skip


def _column(kind: type[Row], name: str, annotation: object) -> sa.Column[Any]:
    options = [a for a in typing.get_args(annotation) if a is not type(None)]
    optional = isinstance(annotation, types.UnionType)
    core = options[0] if optional else annotation
    if typing.get_origin(core) is typing.Literal:
        core = str
    if typing.get_origin(core) is tuple:
        made: sa.types.TypeEngine[Any] = _Levels() if Level in typing.get_args(core) else _Words()
    else:
        made = _SIMPLE[core]
    return sa.Column(name, made, primary_key=name in kind.key, nullable=optional, autoincrement=False)


METADATA = sa.MetaData()
_TABLES: dict[type[Row], sa.Table] = {
    kind: sa.Table(
        kind.table,
        METADATA,
        *(
            _column(kind, name, annotation)
            for name, annotation in typing.get_type_hints(kind).items()
            if name in kind.__struct_fields__
        ),
    )
    for kind in ROWS
}


def _is_not(column: sa.Column[Any], value: str) -> sa.ColumnElement[bool]:
    """The value stands in the statement itself: only so is an index over these rows alone used."""
    return column != sa.literal(value, literal_execute=True)


def _by(table: str, *columns: str, unique: bool = False) -> sa.Index:
    found = METADATA.tables[table]
    return sa.Index(f"{table}_{'_'.join(columns)}", *(found.c[name] for name in columns), unique=unique)


_by("asset", "name", unique=True)
_by("asset", "owner")
_by("person", "token_sha256")
_by("membership", "person")
_by("version", "asset", "number")
_by("version", "state")
_by("grant", "asset", "grantee")
_by("grant", "grantee")
_by("join_request", "person")
_by("join_request", "project")
_by("data_key", "project", "number")
_by("part", "object")
_by("entry", "asset")
_by("entry", "actor")
# Entries that people look at: those that vouch for records of executions may be many times as many.
sa.Index("entry_told", METADATA.tables["entry"].c.index, sqlite_where=sa.text("act != 'executions'"))
_by("answer", "person", "once")
_by("execution", "run")
_by("execution", "who")
_by("execution", "notebook")


@cache
def _select(
    kind: type[Row], where: tuple[tuple[str, bool], ...], limited: bool, newest: bool, but: tuple[str, str] | None
) -> sa.Select[Any]:
    """One compiled-once statement per shape of question."""
    table = _TABLES[kind]
    query = sa.select(table)
    for name, several in where:
        column = table.c[name]
        bound: sa.BindParameter[Any] = sa.bindparam(f"by_{name}", expanding=several)
        query = query.where(column.in_(bound) if several else column == bound)
    if but is not None:
        query = query.where(_is_not(table.c[but[0]], but[1]))
    for name in kind.key:
        query = query.order_by(table.c[name].desc() if newest else table.c[name])
    return query.limit(sa.bindparam("most", type_=sa.Integer)) if limited else query


@cache
def _insert(kind: type[Row]) -> sa.Executable:
    return _TABLES[kind].insert()


@cache
def _upsert(kind: type[Row]) -> sa.Executable:
    statement = insert(_TABLES[kind])
    rest = {name: statement.excluded[name] for name in kind.__struct_fields__ if name not in kind.key}
    keys = list(kind.key)
    if not rest:
        return statement.on_conflict_do_nothing(index_elements=keys)
    return statement.on_conflict_do_update(index_elements=keys, set_=rest)


@cache
def _delete(kind: type[Row]) -> sa.Delete:
    table = _TABLES[kind]
    return table.delete().where(*(table.c[name] == sa.bindparam(f"by_{name}") for name in kind.key))


def _values(row: Row) -> _Values:
    return {name: getattr(row, name) for name in row.__struct_fields__}


@contextmanager
def _translated() -> Iterator[None]:
    """Database failures as ours; the driver's words stay in the exception chain for the server's log."""
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        raise Unavailable("the vault's database cannot be written or read just now") from error
    except DatabaseError as error:
        raise StoreBroken("the vault's database is damaged") from error


class SqlRows(Rows):
    """Typed rows on one connection."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def get(self, kind: type[_R], *key: object) -> _R | None:
        found = self._select(kind, dict(zip(kind.key, key, strict=True)))
        return found[0] if found else None

    def find(
        self,
        kind: type[_R],
        *,
        limit: int | None = None,
        newest: bool = False,
        but: tuple[str, str] | None = None,
        **where: object,
    ) -> list[_R]:
        return self._select(kind, where, limit, newest, but)

    def _select(
        self,
        kind: type[_R],
        where: dict[str, object],
        limit: int | None = None,
        newest: bool = False,
        but: tuple[str, str] | None = None,
    ) -> list[_R]:
        shape = tuple((name, isinstance(value, tuple)) for name, value in where.items())
        bound: _Values = {f"by_{name}": value for name, value in where.items()}
        if limit is not None:
            bound["most"] = limit
        return self._fetch(kind, _select(kind, shape, limit is not None, newest, but), bound)

    def _fetch(self, kind: type[_R], query: sa.Executable, bound: _Values) -> list[_R]:
        with _translated():
            return [kind(*row) for row in self._connection.execute(query, bound)]

    def _execute(self, statement: sa.Executable, values: _Values | list[_Values]) -> None:
        with _translated():
            self._connection.execute(statement, values)

    def put(self, row: Row) -> None:
        self._execute(_upsert(type(row)), _values(row))

    def put_many(self, rows: Sequence[Row]) -> None:
        if rows:
            self._execute(_insert(type(rows[0])), [_values(row) for row in rows])

    def remove(self, kind: type[_R], *key: object) -> None:
        self._execute(_delete(kind), {f"by_{n}": v for n, v in zip(kind.key, key, strict=True)})

    def after(self, kind: type[_R], key: object, *, limit: int) -> list[_R]:
        table, (name,) = _TABLES[kind], kind.key
        query = sa.select(table).where(table.c[name] > key).order_by(table.c[name]).limit(limit)
        return self._fetch(kind, query, {})

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        with _translated(), self._connection.begin_nested():
            yield


def _engine(url: str, begin: str | None, *, patience: int = 10_000) -> sa.Engine:
    """Connections that begin transactions with this statement, None for without, and wait this long (ms) for a lock."""
    engine = sa.create_engine(url, pool_reset_on_return="rollback" if begin else None)

    @sa.event.listens_for(engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        # The driver's own transaction handling breaks savepoints: we say BEGIN ourselves.
        connection.isolation_level = None
        for pragma in (f"busy_timeout={patience}", "journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT}")
        if begin == _WRITE:
            connection.execute("PRAGMA busy_timeout=0")  # from here on `_take_turn` waits

    if begin is not None:

        @sa.event.listens_for(engine, "begin")
        def _began(connection: sa.Connection) -> None:
            if begin == _WRITE:
                _take_turn(connection, patience)
            else:
                connection.exec_driver_sql(begin)

    return engine


def _take_turn(connection: sa.Connection, patience: int) -> None:
    """Become the one that writes.

    SQLite by itself would ask again ten times a second, and a process that writes all the time is back within less than
    a thousandth: others would never have their turn.
    """
    until = time.monotonic() + patience / 1000
    while time.monotonic() < until:
        try:
            cast(sqlite3.Connection, connection.connection.driver_connection).execute(_WRITE)
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                break
        time.sleep(random.uniform(0.0002, 0.001))  # noqa: S311 - nothing secret
    connection.exec_driver_sql(_WRITE)


class SqlStore:
    """SQLite at `url` (`sqlite:///path`), checked and migrated to the newest schema when opened.

    Raises `StoreBroken` if the file is damaged or not a database, `Unavailable` if it cannot be opened.
    """

    def __init__(self, url: str) -> None:
        self._writers = _engine(url, _WRITE)
        self._readers = _engine(url, "BEGIN")
        self._glances = _engine(url, None, patience=0)
        self._closed = False
        with _translated():
            self._check()
            revision = self._revision()
            if revision > HEAD:
                step = "Upgrade jupyter_securecollab."
                raise StoreBroken("the vault's database was made by a newer release", next_step=step)
            if revision < HEAD:
                self._migrate()
            # The number is that of one connection: it must be the same each time. The driver alone, as it is quicker.
            self._watcher = self._glances.raw_connection()
        self._one_watcher = threading.Lock()

    def _check(self) -> None:
        """Look for damage; in a large database that would take too long, and shows when it is read."""
        with self._readers.connect() as connection:
            pages, size = (
                connection.exec_driver_sql(f"PRAGMA {what}").scalar() for what in ("page_count", "page_size")
            )
            if (pages or 0) * (size or 0) > _CHECKED_WHOLE:
                return
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if found != "ok":
            raise StoreBroken("the vault's database is damaged")

    def _revision(self) -> str:
        """The newest migration of this database, empty for a new one; they are named so as to sort."""
        with self._readers.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return ""
            return str(connection.scalar(sa.text("SELECT version_num FROM alembic_version")))

    def _migrate(self) -> None:
        # Alembic takes longer to load than everything else together and is needed once per release.
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", "jupyter_securecollab.adapters:migrations")
        with self._writers.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, HEAD)

    @contextmanager
    def transaction(self) -> Iterator[Rows]:
        self._check_open()
        with _translated(), self._writers.begin() as connection:
            yield SqlRows(connection)

    @contextmanager
    def snapshot(self) -> Iterator[Rows]:
        self._check_open()
        with _translated(), self._readers.begin() as connection:
            yield SqlRows(connection)

    @contextmanager
    def glance(self) -> Iterator[Rows]:
        self._check_open()
        with _translated(), self._glances.connect() as connection:
            yield SqlRows(connection)

    def version(self) -> int:
        with self._one_watcher:
            self._check_open()
            try:
                (number,) = self._watcher.cursor().execute("PRAGMA data_version").fetchone()
            except sqlite3.Error as error:
                raise Unavailable("the vault's database cannot be read just now") from error
        return int(number)

    def wipe(self) -> None:
        self._check_open()
        with _translated(), self._readers.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            # Deleted rows are overwritten in the tables; their former pages stay in the write-ahead log until then.
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the vault is closed")

    def close(self) -> None:
        with self._one_watcher:
            if not self._closed:
                self._watcher.close()
            self._closed = True
        self._writers.dispose()
        self._readers.dispose()
        self._glances.dispose()
