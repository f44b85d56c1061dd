"""Sealed secrets under new keys, and a look whether all of them can be opened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from calbridge.errors import SecretUnreadable
from calbridge.store.database import INSTALLATION_PLACE, Database
from calbridge.store.tables import accounts, authorizations, installation, metadata, revocations, watches, webhooks

_SEALED = tuple(
    (column.table, column)
    for column in (
        accounts.c.secret,
        authorizations.c.verifier,
        authorizations.c.secret,
        revocations.c.secret,
        watches.c.token,
        webhooks.c.secret,
        webhooks.c.former_secret,
    )
)
"""Columns of tenants' tables that hold secrets; each is sealed for its own place."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A stored secret and where it belongs (tenant, table, row, field)."""

    place: tuple[str, str, str, str]
    text: str


@dataclass(frozen=True, slots=True)
class Report:
    """How many secrets there are, how many were or would be sealed anew, and which can't be opened."""

    total: int
    outdated: int
    unreadable: tuple[tuple[str, str, str, str], ...]


def verify(database: Database) -> Report:
    """Open every secret; changes nothing."""
    with database.connect(writes=False) as connection:
        return _walk(database, connection, store=False)


def rotate(database: Database) -> Report:
    """Seal every secret with the first key that is not yet; what can't be opened stays as it is and is reported."""
    with database.connect(writes=True) as connection:
        return _walk(database, connection, store=True)


def _walk(database: Database, connection: Connection, *, store: bool) -> Report:
    total, outdated, unreadable = 0, 0, []
    for sealed in list(_all(connection)):
        total += 1
        try:
            opened = database.secrets.open(sealed.text, *sealed.place)
        except SecretUnreadable:
            unreadable.append(sealed.place)
            continue
        if database.secrets.current(sealed.text):
            continue
        outdated += 1
        if store:
            _save(connection, sealed.place, database.secrets.seal(opened, *sealed.place))
    return Report(total, outdated, tuple(unreadable))


def _all(connection: Connection) -> Iterator[Sealed]:
    for row in connection.execute(select(installation)):
        yield Sealed(INSTALLATION_PLACE, row.fingerprint_secret)
    for table, column in _SEALED:
        query = select(table.c.tenant_id, table.c.id, column).where(column.is_not(None))
        for tenant, row_id, text in connection.execute(query):
            yield Sealed((tenant, table.name, row_id, column.name), text)


def _save(connection: Connection, place: tuple[str, str, str, str], sealed: str) -> None:
    tenant, name, row_id, column = place
    if name == installation.name:
        connection.execute(update(installation).values(fingerprint_secret=sealed))
        return
    table = metadata.tables[name]
    here = (table.c.tenant_id == tenant, table.c.id == row_id)
    connection.execute(update(table).where(*here).values({column: sealed}))
