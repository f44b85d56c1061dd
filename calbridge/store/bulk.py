"""Many rows at once: a statement is compiled once, values are converted here and handed to the driver as they are.

SQLAlchemy prepares each row of an executemany by itself, which costs more than SQLite's own work. What is stored is
the same: the columns' own types convert the values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, insert

from calbridge.store.sql import upserting

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
    from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
    from sqlalchemy.sql.dml import Insert

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Prepared:
    """``names`` in the order of the statement, whose values ``take`` gets out of a row.

    ``converters``: place, and what the column's type makes of a value.
    """

    text: str
    names: tuple[str, ...]
    take: Callable[[Row], tuple[Any, ...]]
    converters: tuple[tuple[int, Callable[[Any], Any]], ...]
    positional: bool

    def bound(self, rows: Sequence[Row]) -> list[Any]:
        """Rows as the driver takes them, converted column by column; None is NULL for every type."""
        columns = list(zip(*map(self.take, rows), strict=True))
        for place, convert in self.converters:
            columns[place] = tuple([None if value is None else convert(value) for value in columns[place]])
        values = zip(*columns, strict=True)
        return list(values) if self.positional else [dict(zip(self.names, each, strict=True)) for each in values]


_PREPARED: dict[tuple[str, str, frozenset[str] | None, tuple[str, ...]], _Prepared] = {}
"""By dialect, table, the columns that stay (None: rows are only added) and the columns that are given."""


def add_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows that all have the same columns, in one executemany."""
    if rows:
        _execute(connection, table, rows, None)


def put_rows(connection: Connection, table: Table, rows: Sequence[Row], keep: frozenset[str] = frozenset()) -> None:
    """Insert or replace rows that all have the same columns, in one executemany; columns in ``keep`` stay."""
    if rows:
        _execute(connection, table, rows, keep)


def _execute(connection: Connection, table: Table, rows: Sequence[Row], keep: frozenset[str] | None) -> None:
    place = (connection.dialect.name, table.name, keep, tuple(rows[0]))
    prepared = _PREPARED.get(place)
    if prepared is None:
        prepared = _PREPARED.setdefault(place, _prepare(connection, table, tuple(rows[0]), keep))
    connection.exec_driver_sql(prepared.text, prepared.bound(rows))


def _prepare(connection: Connection, table: Table, names: tuple[str, ...], keep: frozenset[str] | None) -> _Prepared:
    dialect = connection.dialect
    statement: Insert = insert(table) if keep is None else _replacing(upserting(connection, table), table, names, keep)
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    order = tuple(compiled.positiontup or ()) if dialect.positional else names
    found = ((place, table.c[name].type.dialect_impl(dialect)) for place, name in enumerate(order))
    converters = tuple(
        (place, convert) for place, type_ in found if (convert := type_.bind_processor(dialect)) is not None
    )
    return _Prepared(compiled.string, order, _taking(order), converters, dialect.positional)


def _taking(names: tuple[str, ...]) -> Callable[[Row], tuple[Any, ...]]:
    """What takes these values out of a row; an itemgetter of one name alone would give no tuple."""
    return itemgetter(*names) if len(names) > 1 else lambda row: (row[names[0]],)


def _replacing(
    statement: SqliteInsert | PostgresqlInsert, table: Table, names: Sequence[str], keep: frozenset[str]
) -> Insert:
    keys = [column.name for column in table.primary_key.columns]
    moved = {name: statement.excluded[name] for name in names if name not in keys and name not in keep}
    return statement.on_conflict_do_update(index_elements=keys, set_=moved)
