"""Small helpers over SQLAlchemy that hold on both databases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, Table, text

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert

BATCH = 500
"""Values in one IN list."""
# Rounded, because a day's fraction often falls short of its millisecond, and the clock would jump back.
_SQLITE_NOW = text("SELECT CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER) * 1000")
_POSTGRESQL_NOW = text("SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)")


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


def batches(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut into IN lists."""
    for start in range(0, len(values), BATCH):
        yield values[start : start + BATCH]


def database_micros(connection: Connection) -> int:
    """The database's own clock in microseconds since 1970 (SYNC D1): the only one that leases go by."""
    asked = _SQLITE_NOW if connection.dialect.name == "sqlite" else _POSTGRESQL_NOW
    return int(connection.execute(asked).scalar_one())
