"""Small helpers over SQLAlchemy that hold on both databases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ColumnElement, Connection, Table, bindparam, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from calbridge.store.columns import Texts

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

BATCH = 500
"""Values in one IN list."""


def upserting(connection: Connection, table: Table) -> SqliteInsert | PostgresqlInsert:
    """An INSERT that knows ON CONFLICT, which both databases spell alike."""
    # Loaded by use: PostgreSQL's part is large, and an installation has one database.
    if connection.dialect.name == "sqlite":
        from sqlalchemy.dialects.sqlite import insert as sqlite_insert

        return sqlite_insert(table)
    from sqlalchemy.dialects.postgresql import insert as postgresql_insert

    return postgresql_insert(table)


def within(table: Table, place: Mapping[str, str]) -> tuple[ColumnElement[bool], ...]:
    """The condition that rows belong to this tenant, or to this integration of it."""
    return tuple(table.c[name] == value for name, value in place.items())


class _Condition(FunctionElement[Any]):
    """Of no type: a Boolean would be compared with 1 on SQLite, and then no index fits it."""

    type = NullType()
    inherit_cache = True


class _Among(_Condition):
    inherit_cache = True


class _Kept(_Condition):
    inherit_cache = True


class DatabaseNow(FunctionElement[int]):
    """The database's own clock in microseconds since 1970 (SYNC D1): the only one that leases go by."""

    type = BigInteger()
    inherit_cache = True


def among(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Whether a column is one of the texts that are bound as one list to ``name``.

    The statement is the same however many they are: neither SQLAlchemy nor the database prepares it anew.
    """
    return _Among(column, bindparam(name, type_=Texts()))


def kept(expression: ColumnElement[Any]) -> ColumnElement[Any]:
    """A condition or an order that rows are tested or sorted by, and no index is chosen for.

    Without statistics SQLite prefers an index with two columns that equal something to one with a single column and a
    list: it would go through all rows of a user to find a few by their ids.
    """
    return _Kept(expression)


@compiles(_Among, "sqlite")
def _among_in_sqlite(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"


@compiles(_Among, "postgresql")
def _among_in_postgresql(element: _Among, compiler: SQLCompiler, **options: Any) -> str:
    column, values = (compiler.process(each, **options) for each in element.clauses)
    return f"{column} = ANY ({values})"


@compiles(DatabaseNow, "sqlite")
def _now_in_sqlite(element: DatabaseNow, compiler: SQLCompiler, **options: Any) -> str:
    # Rounded, because a day's fraction often falls short of its millisecond, and the clock would jump back.
    return "(CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000)"


@compiles(DatabaseNow, "postgresql")
def _now_in_postgresql(element: DatabaseNow, compiler: SQLCompiler, **options: Any) -> str:
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"


@compiles(_Kept, "sqlite")
def _kept_in_sqlite(element: _Kept, compiler: SQLCompiler, **options: Any) -> str:
    return f"+({compiler.process(element.clauses, **options)})"


@compiles(_Kept, "postgresql")
def _kept_in_postgresql(element: _Kept, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


def batches(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut into IN lists."""
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]


_NOW = select(DatabaseNow())


def database_micros(connection: Connection) -> int:
    """What :class:`DatabaseNow` is now."""
    return int(connection.execute(_NOW).scalar_one())
