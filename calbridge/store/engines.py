"""Engines for the two databases, set up so that a unit of work means the same on both."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from calbridge.errors import DatabaseUnusable

CONNECT_SECONDS = 10
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=NORMAL",
    "foreign_keys=ON",
    # Of its own 2 MB the indexes of some 10,000 items alone take more, and their pages would be read again and again.
    "cache_size=-8000",
    # In pages of 4 kB: a long run rewrites the same pages, which are then carried over less often.
    "wal_autocheckpoint=4000",
)


def make_engine(url: str, busy_seconds: float) -> Engine:
    """An engine; connects on first use.

    ``busy_seconds``: how long a statement waits for a lock. :raises DatabaseUnusable: the URL can't be read.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise DatabaseUnusable("the database URL can't be read") from error
    common: dict[str, Any] = {"hide_parameters": True}
    if parsed.get_backend_name() == "sqlite":
        engine = create_engine(parsed, connect_args={"timeout": busy_seconds}, **common)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    options = f"-c lock_timeout={int(busy_seconds * 1000)} -c timezone=UTC"
    connect = {"connect_timeout": CONNECT_SECONDS, "options": options}
    return create_engine(parsed, connect_args=connect, pool_pre_ping=True, pool_size=5, max_overflow=10, **common)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    # The driver's own transactions begin late and deferred; ours are begun by _begin_sqlite.
    connection.isolation_level = None
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    # A deferred transaction that writes after it read fails at once when another one wrote in between, whatever the
    # time-out; begun immediate it waits its turn.
    writes = connection.get_execution_options().get("calbridge_writes", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
