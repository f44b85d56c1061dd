"""Questions over all tenants that the regular round asks beside the sweep."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Text, exists, or_, select, text, type_coerce, update

from calbridge.store.sql import database_micros
from calbridge.store.stopping import unstopped
from calbridge.store.tables import accounts, integrations, leases, runs
from calbridge.store.work import System

PLANS = timedelta(days=1)
"""A plan of a preview holds people's text and is stale long before."""
CALENDAR_GONE = "calendar_gone"


def cut_off(system: System, limit: int = 200) -> list[tuple[str, str]]:
    """Active integrations that an outage cut off and whose account may be tried again: tenant and id.

    One per account, but each whose calendar was gone; not those whose secret was refused.
    """
    query = (
        select(integrations.c.tenant_id, integrations.c.id, integrations.c.account_id, integrations.c.reason)
        .join(
            accounts,
            (accounts.c.tenant_id == integrations.c.tenant_id) & (accounts.c.id == integrations.c.account_id),
        )
        .where(
            integrations.c.active.is_(True),
            integrations.c.status == "not_connected",
            integrations.c.deleted_at.is_(None),
            accounts.c.refused.is_(False),
            accounts.c.secret.is_not(None),
            unstopped(),
            or_(accounts.c.not_before.is_(None), accounts.c.not_before <= system.now),
        )
        .order_by(integrations.c.tenant_id, integrations.c.id)
        .limit(limit)
    )
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for row in system.connection.execute(query):
        one = row.id if row.reason == CALENDAR_GONE else f"account:{row.account_id}"
        found.setdefault((row.tenant_id, one), (row.tenant_id, row.id))
    return list(found.values())


def lost_runs(system: System, limit: int = 200) -> list[tuple[str, str, str]]:
    """Tenant, integration and id of runs that are said to be at work and whose lease ran out."""
    now = database_micros(system.connection)
    held = exists().where(
        leases.c.tenant_id == runs.c.tenant_id,
        leases.c.integration_id == runs.c.integration_id,
        leases.c.owner.is_not(None),
        leases.c.expires_at > now,
    )
    # The first condition is the one of the index, word for word.
    opened = text("runs.status IN ('queued', 'running')")
    query = select(runs.c.tenant_id, runs.c.integration_id, runs.c.id).where(opened, runs.c.status == "running", ~held)
    return [(row.tenant_id, row.integration_id, row.id) for row in system.connection.execute(query.limit(limit))]


def strip_plans(system: System, now: datetime) -> int:
    """Forget the plans of old previews; how many."""
    old = select(runs.c.tenant_id, runs.c.id, runs.c.facts).where(
        runs.c.kind == "preview",
        runs.c.created_at < now - PLANS,
        # As the text it is stored as: a pattern that went through the column's type would be JSON itself.
        type_coerce(runs.c.facts, Text).like('%"plan"%'),
    )
    stripped = 0
    for row in system.connection.execute(old).all():
        facts = {name: value for name, value in row.facts.items() if name != "plan"}
        system.connection.execute(
            update(runs).where(runs.c.tenant_id == row.tenant_id, runs.c.id == row.id).values(facts=facts)
        )
        stripped += 1
    return stripped
