"""Counts over an installation or a tenant, as its status and the metrics tell them."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, type_coerce

from calbridge.store.columns import Instant
from calbridge.store.stopping import unstopped
from calbridge.store.tables import deliveries, integrations, items, notices, runs, tenants, users

DAY = timedelta(days=1)


def integrations_by_status(connection: Connection, tenant: str | None) -> dict[str, int]:
    """Those that were not deleted: by status, with ``inactive`` for those that are switched off."""
    query = select(integrations.c.status, integrations.c.active, func.count()).where(
        integrations.c.deleted_at.is_(None)
    )
    if tenant is not None:
        query = query.where(integrations.c.tenant_id == tenant)
    counts: dict[str, int] = {}
    for status, active, count in connection.execute(query.group_by(integrations.c.status, integrations.c.active)):
        name = status if active or status == "setup" else "inactive"
        counts[name] = counts.get(name, 0) + count
    return counts


def runs_by_status(connection: Connection, tenant: str | None, now: datetime) -> dict[str, int]:
    """Runs of the last day by status."""
    query = select(runs.c.status, func.count()).where(runs.c.created_at >= now - DAY)
    if tenant is not None:
        query = query.where(runs.c.tenant_id == tenant)
    return {row[0]: int(row[1]) for row in connection.execute(query.group_by(runs.c.status))}


def due_integrations(connection: Connection, tenant: str | None) -> int:
    """Active ones whose triggers nobody has taken up."""
    query = select(func.count()).where(
        integrations.c.deleted_at.is_(None), integrations.c.active, integrations.c.due_no > integrations.c.cleared
    )
    if tenant is not None:
        query = query.where(integrations.c.tenant_id == tenant)
    return int(connection.execute(query).scalar_one())


def longest_unread(connection: Connection) -> datetime | None:
    """Since when the calendar that waits longest was not read to its end, of those that are connected and may run."""
    since = func.min(func.coalesce(integrations.c.fresh_as_of, integrations.c.created_at))
    query = select(type_coerce(since, Instant)).where(
        integrations.c.deleted_at.is_(None), integrations.c.active, integrations.c.status == "connected", unstopped()
    )
    return connection.execute(query).scalar_one()


def waiting_messages(connection: Connection, tenant: str | None) -> dict[str, int]:
    """Webhook deliveries and mails that are still to be sent."""
    counts: dict[str, int] = {}
    for name, table in (("deliveries", deliveries), ("mails", notices)):
        query = select(func.count()).select_from(table).where(table.c.status == "pending")
        if tenant is not None:
            query = query.where(table.c.tenant_id == tenant)
        counts[name] = int(connection.execute(query).scalar_one())
    return counts


def sizes(connection: Connection) -> dict[str, int]:
    """How much there is in all."""
    tables = {"tenants": tenants, "users": users, "items": items}
    return {
        name: int(connection.execute(select(func.count()).select_from(table)).scalar_one())
        for name, table in tables.items()
    }
