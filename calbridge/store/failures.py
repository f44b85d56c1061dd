"""What a database's own errors mean, in our words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from calbridge.errors import DatabaseUnusable, Refused
from calbridge.store.causes import cause_of

_SQLITE = {
    "SQLITE_BUSY": "database_locked",
    "SQLITE_LOCKED": "database_locked",
    "SQLITE_FULL": "disk_full",
    "SQLITE_CANTOPEN": "database_unusable",
    "SQLITE_CORRUPT": "database_unusable",
    "SQLITE_IOERR": "database_unusable",
    "SQLITE_NOTADB": "database_unusable",
    "SQLITE_PERM": "database_unusable",
    "SQLITE_READONLY": "database_unusable",
}
_POSTGRESQL = {
    "40001": "database_locked",
    "40P01": "database_locked",
    "55P03": "database_locked",
    "53100": "disk_full",
    "42P01": "database_not_migrated",
    "42703": "database_not_migrated",
}
"""SQLSTATE: serialization failure, deadlock, lock not available, disk full, undefined table, undefined column."""
_POSTGRESQL_CLASSES = {"08", "28", "3D", "53", "57", "58"}
"""Connection, authorization, no such database, resources, operator intervention, system error."""


@contextmanager
def told(file: str | None = None) -> Iterator[None]:
    """Turn what the database says into :class:`DatabaseUnusable` with its cause; our own bugs stay what they are.

    ``file`` is where the embedded database lies.

    :raises DatabaseUnusable: ``database_locked``, ``disk_full``, ``database_not_migrated``, ``database_unusable``.
    """
    try:
        yield
    except PoolTimeout as error:
        raise DatabaseUnusable(code="database_locked") from error
    except IntegrityError:
        raise
    except DBAPIError as error:
        code = code_of(error)
        if code is None:
            raise
        raise DatabaseUnusable(_cause(code, error.orig, file), code=code) from error
    except sqlite3.Error as error:
        # While connecting nothing wraps the driver's errors.
        code = _sqlite_code(error) or "database_unusable"
        raise DatabaseUnusable(_cause(code, error, file), code=code) from error


def _cause(code: str, error: BaseException | None, file: str | None) -> str:
    """The other codes say it themselves."""
    return cause_of(error, file) if code == "database_unusable" else ""


@contextmanager
def unique(what: str) -> Iterator[None]:
    """Turn a doubled row into a refusal. :raises Refused: ``already_exists``."""
    try:
        yield
    except IntegrityError as error:
        if _is_unique(error):
            raise Refused(code="already_exists", what=what) from None
        raise


def code_of(error: SQLAlchemyError) -> str | None:
    """The code of an error of the database itself; None for what only a bug can cause."""
    cause = getattr(error, "orig", None)
    if isinstance(cause, sqlite3.Error):
        return _sqlite_code(cause)
    state = getattr(cause, "sqlstate", None)
    if state is None:
        return "database_unusable" if type(cause).__name__ in {"OperationalError", "InterfaceError"} else None
    if state in _POSTGRESQL:
        return _POSTGRESQL[state]
    return "database_unusable" if state[:2] in _POSTGRESQL_CLASSES else None


def _sqlite_code(error: sqlite3.Error) -> str | None:
    name = str(getattr(error, "sqlite_errorname", ""))
    if name == "SQLITE_ERROR" and str(error).startswith(("no such table", "no such column")):
        return "database_not_migrated"
    return next((code for start, code in _SQLITE.items() if name.startswith(start)), None)


def _is_unique(error: IntegrityError) -> bool:
    cause = error.orig
    if isinstance(cause, sqlite3.Error):
        return cause.sqlite_errorname in {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}
    return getattr(cause, "sqlstate", None) == "23505"
