"""What is forgotten in time, and what is erased on request with a counted receipt (DESIGN 5)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, exists, insert, select, tuple_, update

from calbridge.errors import Refused
from calbridge.store.database import Database
from calbridge.store.sql import BATCH
from calbridge.store.tables import (
    TENANT_TABLES,
    accounts,
    authorizations,
    changes,
    checks,
    connector_states,
    deletions,
    deliveries,
    integrations,
    items,
    links,
    logs,
    notices,
    receipts,
    revocations,
    runs,
    tenants,
    users,
    webhooks,
)
from calbridge.sync.memory import LinkState

LOG_VALUES = timedelta(days=30)
TOMBSTONES = timedelta(days=90)
LEDGER = timedelta(days=2)
CHECKS = timedelta(days=1)
TOLD = timedelta(days=7)
"""How long messages to webhooks and mails are kept, told or not."""
SIGN_INS = timedelta(days=1)
"""How long sign-ins that nobody finished stand after their time."""
_OF_INTEGRATION = frozenset(
    {
        "authorizations",
        "deletions",
        "intents",
        "keys",
        "known",
        "listings",
        "leases",
        "link_uids",
        "links",
        "logs",
        "notices",
        "runs",
        "watches",
    }
)


def purge(
    database: Database,
    now: datetime,
    *,
    log_values: timedelta = LOG_VALUES,
    tombstones: timedelta = TOMBSTONES,
    ledger: timedelta = LEDGER,
) -> dict[str, int]:
    """Forget what is older than it may be, in small transactions; returns how many rows of each kind.

    Log lines lose titles and values and keep the names of fields. Tombstones of items go unless a link still tells
    that what was deleted must not come back (SYNC B4); rows of the change feed go with the same age.
    """
    counts = {"log_values": _strip_logs(database, now - log_values)}
    counts["tombstones"] = _drop(database, items, _forgettable(now - tombstones))
    counts["changes"] = _drop(database, changes, changes.c.at < now - tombstones)
    counts["deletions"] = _drop(database, deletions, deletions.c.at < now - ledger)
    counts["checks"] = _drop(database, checks, checks.c.at < now - CHECKS)
    counts["authorizations"] = _drop(database, authorizations, authorizations.c.expires_at < now - SIGN_INS)
    for table in (deliveries, notices):
        counts[table.name] = _drop(database, table, table.c.created_at < now - TOLD)
    return counts


def _forgettable(before: datetime) -> ColumnElement[bool]:
    linked = exists().where(links.c.tenant_id == items.c.tenant_id, links.c.item_id == items.c.id)
    return and_(items.c.deleted_at < before, ~linked)


def _drop(database: Database, table: Table, condition: ColumnElement[bool]) -> int:
    keys = tuple(table.primary_key.columns)
    total = 0
    while True:
        with database.connect(writes=True) as connection:
            chosen = select(*keys).where(condition).limit(BATCH)
            gone = connection.execute(delete(table).where(tuple_(*keys).in_(chosen))).rowcount
        total += gone
        if gone < BATCH:
            return total


def _strip_logs(database: Database, before: datetime) -> int:
    total = 0
    while True:
        with database.connect(writes=True) as connection:
            query = select(logs.c.id, logs.c.changes).where(~logs.c.stripped, logs.c.at < before)
            rows = connection.execute(query.limit(BATCH)).all()
            for row in rows:
                names = dict.fromkeys(row.changes)
                connection.execute(
                    update(logs).where(logs.c.id == row.id).values(title=None, changes=names, stripped=True)
                )
        total += len(rows)
        if len(rows) < BATCH:
            return total


def forget_integration(connection: Connection, tenant: str, integration_id: str) -> dict[str, int]:
    """Erase the memory of an ended integration except what keeps its events from coming back as strangers: its keys
    and tombstone (SYNC C4), its closed links (B4), and the run that tells how it ended."""
    counts: dict[str, int] = {}
    for table in reversed(TENANT_TABLES):
        if table.name not in _OF_INTEGRATION - {"keys"}:
            continue
        mine: list[ColumnElement[bool]] = [table.c.tenant_id == tenant, table.c.integration_id == integration_id]
        if table is runs:
            mine.append(runs.c.kind != "removal")
        if table.name in {"links", "link_uids"}:
            closed = select(links.c.id).where(
                links.c.tenant_id == tenant,
                links.c.integration_id == integration_id,
                links.c.state == LinkState.CLOSED.value,
            )
            mine.append((links.c.id if table is links else table.c.link_id).not_in(closed))
        counts[table.name] = connection.execute(delete(table).where(*mine)).rowcount
    return counts


def erase_user(database: Database, tenant: str, user_id: str) -> dict[str, int]:
    """Erase everything of a user; leaves a receipt with counts. :raises Refused: ``user_not_found``."""
    with database.connect(writes=True) as connection:
        here = (users.c.tenant_id == tenant, users.c.id == user_id)
        if connection.execute(select(users.c.id).where(*here).with_for_update()).first() is None:
            raise Refused(code="user_not_found", user=user_id)
        mine = select(integrations.c.id).where(integrations.c.tenant_id == tenant, integrations.c.user_id == user_id)
        conditions: dict[str, ColumnElement[bool]] = {}
        for table in TENANT_TABLES:
            if table.name in _OF_INTEGRATION:
                conditions[table.name] = table.c.integration_id.in_(mine)
            elif table in {integrations, items, changes, accounts, webhooks}:
                conditions[table.name] = table.c.user_id == user_id
        owned = select(accounts.c.id).where(accounts.c.tenant_id == tenant, accounts.c.user_id == user_id)
        conditions["connector_states"] = connector_states.c.account_id.in_(owned)
        narrowed = select(webhooks.c.id).where(webhooks.c.tenant_id == tenant, webhooks.c.user_id == user_id)
        conditions["deliveries"] = (deliveries.c.user_id == user_id) | deliveries.c.webhook_id.in_(narrowed)
        conditions["users"] = users.c.id == user_id
        counts = _erase(connection, tenant, conditions)
        _receipt(connection, "user", tenant, user_id, database.clock(), counts)
        return counts


def erase_tenant(database: Database, tenant: str) -> dict[str, int]:
    """Erase a tenant with all that belongs to it but the grants that are still to be ended; leaves a receipt.

    :raises Refused: ``tenant_not_found``.
    """
    with database.connect(writes=True) as connection:
        here = tenants.c.id == tenant
        if connection.execute(select(tenants.c.id).where(here).with_for_update()).first() is None:
            raise Refused(code="tenant_not_found", tenant=tenant)
        conditions = {table.name: table.c.tenant_id == tenant for table in TENANT_TABLES if table is not revocations}
        counts = _erase(connection, tenant, conditions)
        counts["tenants"] = connection.execute(delete(tenants).where(here)).rowcount
        _receipt(connection, "tenant", tenant, None, database.clock(), counts)
        return counts


def _erase(connection: Connection, tenant: str, conditions: Mapping[str, ColumnElement[bool]]) -> dict[str, int]:
    """Delete rows, those first that point to others."""
    return {
        table.name: connection.execute(
            delete(table).where(table.c.tenant_id == tenant, conditions[table.name])
        ).rowcount
        for table in reversed(TENANT_TABLES)
        if table.name in conditions
    }


def _receipt(
    connection: Connection, kind: str, tenant: str, user_id: str | None, now: datetime, counts: Mapping[str, int]
) -> None:
    row = {"kind": kind, "erased_tenant": tenant, "erased_user": user_id, "at": now, "counts": dict(counts)}
    connection.execute(insert(receipts).values(row))
