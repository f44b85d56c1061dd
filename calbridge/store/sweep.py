"""What is due over all tenants: the one question that is asked without a tenant (DESIGN 2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, ColumnElement, Connection, and_, case, exists, func, or_, select, text, union

from calbridge.store.integrations import runnable
from calbridge.store.sql import database_micros
from calbridge.store.tables import accounts, integrations, leases, links, runs

TRIGGERED, POLLED, BULK = 0, 1, 2
"""Lanes: a tenant's long work never hides its short work."""
UNSWITCHED = ("preview", "removal")
"""Kinds of runs that need no active integration."""


@dataclass(frozen=True, slots=True)
class Due:
    """An integration that has something to do; ``polled``: only because it is time to look; ``bulk``: it is long."""

    tenant_id: str
    integration_id: str
    due_no: int
    polled: bool
    bulk: bool = False


class Sweep:
    """Reads what is due; taking it up is a matter of leases."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def due(self, now: datetime | None = None, limit: int = 1000, per_tenant: int = 200) -> list[Due]:
        """Integrations with a trigger, a retry, a poll or a queued run due, whose account may be used now.

        Tenants come in turn, each with at most ``per_tenant`` of every lane, what waits longest first: however much one
        has to do, it pushes nobody out. Those that run at the moment are left out: they notice later triggers by
        themselves.
        """
        now = now or self._now
        chosen = _chosen(now)
        place = func.row_number().over(
            partition_by=(integrations.c.tenant_id, _LANE), order_by=(integrations.c.next_poll_at, integrations.c.id)
        )
        query = (
            select(
                integrations.c.tenant_id,
                integrations.c.id,
                integrations.c.due_no,
                integrations.c.cleared,
                _LANE.label("lane"),
                place.label("place"),
            )
            .join(chosen, and_(chosen.c.tenant_id == integrations.c.tenant_id, chosen.c.id == integrations.c.id))
            .outerjoin(accounts, _ACCOUNT)
            .where(_may_run(now), ~_running(database_micros(self._connection)))
        ).subquery()
        rows = self._connection.execute(
            select(query)
            .where(query.c.place <= per_tenant)
            .order_by(query.c.place, query.c.lane, query.c.tenant_id, query.c.id)
            .limit(limit)
        )
        return [
            Due(row.tenant_id, row.id, row.due_no, polled=row.due_no <= row.cleared, bulk=row.lane == BULK)
            for row in rows
        ]


_ACCOUNT = and_(accounts.c.tenant_id == integrations.c.tenant_id, accounts.c.id == integrations.c.account_id)
_LANE: ColumnElement[int] = case(
    (or_(integrations.c.bulk, ~integrations.c.baselined), BULK),
    (integrations.c.due_no > integrations.c.cleared, TRIGGERED),
    else_=POLLED,
)


def _chosen(now: datetime) -> CTE:
    """Ids of what has something to do, each part found by an index of its own."""
    triggered = select(integrations.c.tenant_id, integrations.c.id).where(
        integrations.c.due_no > integrations.c.cleared
    )
    polled = select(integrations.c.tenant_id, integrations.c.id).where(integrations.c.next_poll_at <= now)
    retried = select(links.c.tenant_id, links.c.integration_id).where(
        links.c.work, links.c.retry_at.is_not(None), links.c.retry_at <= now
    )
    queued = select(runs.c.tenant_id, runs.c.integration_id).where(_queued())
    return union(triggered, polled, retried, queued).cte("chosen")


def _queued() -> ColumnElement[bool]:
    # The first condition is the one of the index, word for word: SQLite's planner asks for that.
    return and_(text("runs.status IN ('queued', 'running')"), runs.c.status == "queued")


def _may_run(now: datetime) -> ColumnElement[bool]:
    """What runs while it is active and connected (SYNC D12), and what somebody asked for beside that."""
    free = or_(accounts.c.not_before.is_(None), accounts.c.not_before <= now)
    asked: Any = exists().where(
        runs.c.tenant_id == integrations.c.tenant_id,
        runs.c.integration_id == integrations.c.id,
        _queued(),
        runs.c.kind.in_(UNSWITCHED),
    )
    return or_(and_(*runnable(), free), and_(integrations.c.deleted_at.is_(None), asked))


def _running(micros: int) -> ColumnElement[bool]:
    return exists().where(
        leases.c.tenant_id == integrations.c.tenant_id,
        leases.c.integration_id == integrations.c.id,
        leases.c.owner.is_not(None),
        leases.c.expires_at > micros,
    )
