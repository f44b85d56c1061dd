"""The indexes of the tables: what makes questions fast.

No statement is built of them, so they stand by themselves: what makes tables, or compares them with these, imports
``metadata`` from here; everything else is spared them, and with them SQLAlchemy's part for a database that it may not
even have.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, Table, text

from calbridge.store.tables import (
    accounts,
    audit,
    authorizations,
    changes,
    checks,
    deletions,
    deliveries,
    heartbeats,
    integrations,
    intents,
    items,
    keys,
    keys_of_platform,
    keys_of_tenants,
    known,
    link_uids,
    links,
    logs,
    metadata,
    notices,
    revocations,
    runs,
    watches,
)

__all__ = ["metadata"]


def _index(
    table: Table,
    *columns: str,
    name: str | None = None,
    unique: bool = False,
    where: str | None = None,
    pg_where: str | None = None,
) -> None:
    """An index over some rows where there is a ``where``, which PostgreSQL may want to read in other words."""
    some: dict[str, Any] = {}
    if where is not None:
        some = {"sqlite_where": text(where), "postgresql_where": text(pg_where or where)}
    Index(name, *(table.c[each] for each in columns), unique=unique, **some)


_index(accounts, "tenant_id", "user_id")
_index(integrations, "tenant_id", "user_id")
_index(integrations, "tenant_id", "account_id")
_index(integrations, "next_poll_at")
_index(integrations, "watch_at", name="ix_integrations_watch", where="watch_at IS NOT NULL")
_index(integrations, "tenant_id", "id", name="ix_integrations_due", where="due_no > cleared")
_index(
    integrations,
    "tenant_id",
    "user_id",
    "account_id",
    "calendar_hash",
    name="uq_integrations_calendar",
    unique=True,
    where="deleted_at IS NULL",
)
_index(items, "tenant_id", "user_id", "seq")
_index(items, "tenant_id", "user_id", "ical_hash")
_index(items, "tenant_id", "user_id", "match")
_index(links, "tenant_id", "integration_id", "remote_hash")
_index(links, "tenant_id", "integration_id", "uid_hash")
_index(links, "tenant_id", "item_id")
_index(links, "tenant_id", "integration_id", "id", name="ix_links_work", where="work = 1", pg_where="work")
_index(
    links,
    "retry_at",
    name="ix_links_retry",
    where="work = 1 AND retry_at IS NOT NULL",
    pg_where="work AND retry_at IS NOT NULL",
)
_index(links, "tenant_id", "integration_id", "live")
_index(links, "tenant_id", "integration_id", "id", name="ix_links_waiting", where="reason = 'confirmation_needed'")
_index(links, "tenant_id", "integration_id", "id", name="ix_links_gone", where="gone_at IS NOT NULL")
_index(link_uids, "tenant_id", "integration_id", "link_id")
_index(known, "tenant_id", "integration_id", "uid_hash")
_index(known, "tenant_id", "integration_id", "match")
_index(known, "tenant_id", "integration_id", "marker_hash")
_index(
    known, "tenant_id", "integration_id", "retry_at", name="ix_known_recheck", where="recheck = 1", pg_where="recheck"
)
_index(intents, "tenant_id", "integration_id", "link_id")
_index(keys, "key")
_index(keys, "tenant_id", "integration_id")
_index(changes, "tenant_id", "user_id", "seq")
_index(changes, "tenant_id", "at")
_index(runs, "tenant_id", "integration_id", "created_at")
# Every run looks for open ones first, and a year of polls leaves many that are not.
_index(runs, "tenant_id", "integration_id", "created_at", name="ix_runs_open", where="status IN ('queued', 'running')")
_index(logs, "tenant_id", "integration_id", "id")
_index(logs, "tenant_id", "item_id")
_index(logs, "tenant_id", "at", name="ix_logs_values", where="stripped = 0", pg_where="NOT stripped")
_index(deletions, "tenant_id", "integration_id", "direction", "at")
_index(audit, "tenant_id", "id")
_index(checks, "tenant_id", "subject", "at")
_index(keys_of_platform, "prefix", name="uq_keys_of_platform_prefix", unique=True)
_index(keys_of_tenants, "prefix", name="uq_keys_of_tenants_prefix", unique=True)
_index(
    deliveries, "tenant_id", "webhook_id", "subject", "place", name="ix_deliveries_order", where="status = 'pending'"
)
_index(deliveries, "tenant_id", "webhook_id", "next_at", name="ix_deliveries_due", where="status = 'pending'")
_index(deliveries, "tenant_id", "webhook_id", "created_at")
_index(notices, "next_at", name="ix_notices_due", where="status = 'pending'")
_index(authorizations, "digest", name="uq_authorizations_digest", unique=True)
_index(authorizations, "tenant_id", "integration_id")
_index(authorizations, "expires_at")
_index(revocations, "next_at")
_index(watches, "digest", name="uq_watches_digest", unique=True)
_index(watches, "tenant_id", "integration_id")
_index(heartbeats, "kind", "seen_at")
