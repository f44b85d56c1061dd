"""Deleting an integration (DESIGN: REST API): by default it leaves both calendars as they are."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import replace
from typing import Any

from calbridge.errors import ConnectorError, Refused, SecretUnreadable
from calbridge.log import get_logger
from calbridge.service.calendar_change import leave
from calbridge.service.leasing import leased, leased_store
from calbridge.service.parts import Parts
from calbridge.service.revoking import end_unanswered, let_go
from calbridge.service.run_rows import start_row
from calbridge.service.run_views import run_view
from calbridge.service.values import choice
from calbridge.service.views import RunView
from calbridge.service.views_installation import RemovalView
from calbridge.service.watching import end_watches
from calbridge.store.integrations import StoredIntegration
from calbridge.store.items import ItemFilter
from calbridge.store.retention import forget_integration
from calbridge.store.runs import Run

PAGE = 500
WHAT = frozenset({"linked", "psa"})

log = get_logger(__name__)


def delete_integration(parts: Parts, tenant: str, integration_id: str, remove: Set[str] = frozenset()) -> RemovalView:
    """End an integration. ``remove``: ``linked`` the events that calbridge made there, ``psa`` the items it retrieved.

    What can't be removed there (``kept``) stays. Raises Refused (``integration_not_found``, ``integration_running``,
    ``invalid_value``; with ``linked`` ``not_connected``).
    """
    check_remove(remove)
    with parts.database.read(tenant) as work:
        integration = work.integrations.require(integration_id)
    with leased(parts, tenant, integration_id) as lease:
        removed = kept = 0
        if "linked" in remove and integration.calendar_id is not None:
            store = leased_store(parts, lease)
            left = leave(parts, tenant, integration, store, remove_ours=True)
            if left.unread is not None:
                raise Refused("the calendar can't be reached", code="not_connected", reason=left.unread)
            removed, kept = left.removed, left.not_removed
        items = _remove_items(parts, tenant, integration) if "psa" in remove else 0
        end_watches(parts, tenant, integration_id)
        with parts.database.write(tenant) as work:
            work.integrations.end(integration_id)
            work.audit.add(
                str(parts.actor), "integration_deleted", integration=integration_id, linked=removed, psa=items
            )
    _forget(parts, tenant, integration)
    return RemovalView(integration_id, removed, items, kept)


def check_remove(remove: Set[str]) -> None:
    """Raises Refused (``invalid_value``): there is no such thing to remove."""
    for each in remove:
        choice(each, "remove", WHAT)


def remove_queued(parts: Parts, tenant: str, run: Run) -> RunView:
    """Carry out a removal that waits; where it can't be done now, the integration stays and the run tells why.

    Raises Refused (``integration_running``), DatabaseUnusable.
    """
    with leased(parts, tenant, run.integration_id), parts.database.write(tenant) as work:
        start_row(work, run)
    told: dict[str, Any] = {"status": "succeeded"}
    try:
        removed = delete_integration(parts, tenant, run.integration_id, frozenset(run.facts["remove"]))
        told["counters"] = {"linked": removed.linked, "psa": removed.psa, "kept": removed.kept}
    except (ConnectorError, Refused, SecretUnreadable) as error:
        if error.code == "integration_running":
            with parts.database.write(tenant) as work:
                work.runs.save(run.id, status="queued")
            raise
        told |= {"status": "failed", "reason": error.code}
        log.warning("removal_failed", code=error.code)
    with parts.database.write(tenant) as work:
        if told["status"] == "failed" and work.integrations.get(run.integration_id) is not None:
            work.integrations.save(run.integration_id, status=run.facts["was"], bulk=False)
        stored = work.runs.save(run.id, finished_at=work.now, **told)
    return run_view(stored)


def _forget(parts: Parts, tenant: str, integration: StoredIntegration) -> None:
    """After the lease was given back: what it remembered goes, and an account that nobody uses any more."""
    with parts.database.write(tenant) as work:
        # Whoever signs in to the same account now comes before or after, not between.
        work.users.get(integration.user_id, lock=True)
        end_unanswered(parts, work, work.authorizations.unanswered(integration_id=integration.id))
        forget_integration(work.connection, tenant, integration.id)
        if integration.account_id:
            let_go(parts, work, integration.account_id)


def _remove_items(parts: Parts, tenant: str, integration: StoredIntegration) -> int:
    """Items that this integration retrieved; the PSA's own stay."""
    source = replace(parts.actor.source, integration=integration.id)
    removed = 0
    place: str | None = None
    while True:
        with parts.database.write(tenant) as work:
            page = work.items.list(integration.user_id, ItemFilter(), place, PAGE)
            if not page:
                return removed
            place = page[-1].id
            for item in page:
                if item.origin == integration.id:
                    work.items.delete(integration.user_id, item.id, source)
                    removed += 1
