"""What connectors keep for an account (contract C10): bytes with a version, compared and set."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, delete, select, update

from calbridge.store.sql import upserting
from calbridge.store.tables import accounts, connector_states


class ConnectorStates:
    """The states of one tenant's accounts."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant

    def read(self, account_id: str) -> tuple[bytes | None, int]:
        """What is kept and its version; None and 0 where nothing is."""
        query = select(connector_states.c.content, connector_states.c.version).where(*self._here(account_id))
        row = self._connection.execute(query).one_or_none()
        return (None, 0) if row is None else (row.content, row.version)

    def write(self, account_id: str, content: bytes, expected_version: int) -> bool | None:
        """Store the next version if it still is the one expected; whether it was, or None without such an account."""
        known = select(accounts.c.id).where(accounts.c.tenant_id == self._tenant, accounts.c.id == account_id)
        if self._connection.execute(known.with_for_update(read=True)).first() is None:
            return None
        values = {"content": content, "version": expected_version + 1}
        if expected_version == 0:
            row = {"tenant_id": self._tenant, "account_id": account_id, **values}
            made = upserting(self._connection, connector_states).values(row).on_conflict_do_nothing()
            # PostgreSQL's driver tells no row count of this.
            return self._connection.execute(made.returning(connector_states.c.version)).first() is not None
        here = (*self._here(account_id), connector_states.c.version == expected_version)
        return self._connection.execute(update(connector_states).where(*here).values(values)).rowcount == 1

    def forget(self, account_id: str) -> None:
        """Erase it."""
        self._connection.execute(delete(connector_states).where(*self._here(account_id)))

    def _here(self, account_id: str) -> tuple[ColumnElement[bool], ...]:
        return (connector_states.c.tenant_id == self._tenant, connector_states.c.account_id == account_id)
