"""Messages to webhooks: listed, repeated, found and delivered."""

from __future__ import annotations

import time

from calbridge.errors import LeaseLost, Refused
from calbridge.log import bound, get_logger
from calbridge.service.delivering import Turn
from calbridge.service.parts import Parts
from calbridge.service.values import choice
from calbridge.service.webhook_views import DeliveryReport, DeliveryView, delivery_view
from calbridge.store import deliveries as stored

STATUSES = frozenset({"pending", "delivered", "failed"})

log = get_logger(__name__)


def list_deliveries(
    parts: Parts,
    tenant: str,
    webhook_id: str,
    *,
    status: str | None = None,
    limit: int = 50,
    before: str | None = None,
) -> list[DeliveryView]:
    """Messages to a webhook, the newest first, older than the one with the id ``before``.

    Raises Refused (``webhook_not_found``, ``delivery_not_found``, ``invalid_value``).
    """
    chosen = None if status is None else choice(status, "status", STATUSES)
    with parts.database.read(tenant) as work:
        work.webhooks.require(webhook_id)
        older = None if before is None else work.deliveries.require(before)
        found = work.deliveries.list(webhook_id, status=chosen, before=older, limit=limit)
        return [delivery_view(each) for each in found]


def redeliver(parts: Parts, tenant: str, delivery_id: str) -> DeliveryView:
    """Deliver a message once more, under the same id; one that waits is tried at once.

    Raises Refused (``delivery_not_found``, ``webhook_inactive``).
    """
    with parts.database.write(tenant) as work:
        delivery = work.deliveries.require(delivery_id, lock=True)
        hook = work.webhooks.require(delivery.webhook_id)
        if not hook.active:
            raise Refused(code="webhook_inactive", webhook=hook.id)
        work.deliveries.save(delivery_id, status="pending", attempts=0, next_at=work.now, code=None, finished_at=None)
        work.deliveries.wake(hook.id, delivery.subject)
        work.audit.add(str(parts.actor), "delivery_repeated", webhook=hook.id, delivery=delivery_id)
        shown = delivery_view(work.deliveries.require(delivery_id))
    parts.dispatcher.deliveries(tenant)
    return shown


def webhooks_due(parts: Parts, tenant: str | None = None, limit: int = 1000) -> list[tuple[str, str]]:
    """Tenant and id of webhooks, of all tenants or one, that have something to deliver and that nobody delivers to."""
    with parts.database.system_read() as system:
        return stored.webhooks_due(system.connection, system.now, limit, tenant)


def deliver(parts: Parts, tenant: str, webhook_id: str, budget_seconds: float) -> DeliveryReport:
    """Deliver what is due to a webhook for at most so long (a request under way is waited for).

    Only one delivers to a webhook at a time, over all processes; whoever comes second does nothing. Raises
    DatabaseUnusable.
    """
    with bound(tenant=tenant, webhook=webhook_id):
        turn = Turn(parts, tenant, webhook_id, until=time.monotonic() + budget_seconds)
        try:
            return turn.take()
        except LeaseLost:
            # Somebody else goes on with what is left.
            log.warning("delivery_taken_over")
            return turn.report(left=False)
