"""What is due over all tenants: the one question that is asked without a tenant (DESIGN 2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, exists, or_, select

from calbridge.store.integrations import runnable
from calbridge.store.sql import database_micros
from calbridge.store.tables import accounts, integrations, leases, links


@dataclass(frozen=True, slots=True)
class Due:
    """An integration that has something to do; ``polled``: only because it is time to look."""

    tenant_id: str
    integration_id: str
    due_no: int
    polled: bool


class Sweep:
    """Reads what is due; taking it up is a matter of leases."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def due(self, now: datetime | None = None, limit: int = 1000) -> list[Due]:
        """Active, connected integrations with a trigger, a retry or a poll due, whose account may be used now.

        Those that run at the moment are left out: they notice later triggers by themselves.
        """
        now = now or self._now
        triggered = integrations.c.due_no > integrations.c.cleared
        retry = exists().where(
            links.c.tenant_id == integrations.c.tenant_id,
            links.c.integration_id == integrations.c.id,
            links.c.work,
            links.c.retry_at.is_not(None),
            links.c.retry_at <= now,
        )
        running = exists().where(
            leases.c.tenant_id == integrations.c.tenant_id,
            leases.c.integration_id == integrations.c.id,
            leases.c.owner.is_not(None),
            leases.c.expires_at > database_micros(self._connection),
        )
        account = and_(accounts.c.tenant_id == integrations.c.tenant_id, accounts.c.id == integrations.c.account_id)
        query = (
            select(integrations.c.tenant_id, integrations.c.id, integrations.c.due_no, integrations.c.cleared)
            .join(accounts, account)
            .where(
                *runnable(),
                or_(triggered, integrations.c.next_poll_at <= now, retry),
                or_(accounts.c.not_before.is_(None), accounts.c.not_before <= now),
                ~running,
            )
            .order_by(integrations.c.tenant_id, integrations.c.id)
            .limit(limit)
        )
        return [
            Due(row.tenant_id, row.id, row.due_no, polled=row.due_no <= row.cleared)
            for row in self._connection.execute(query)
        ]
