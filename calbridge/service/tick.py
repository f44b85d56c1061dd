"""Everything due, once (SYNC D1, D11, D12): what the scheduler will do all the time, and ``calbridge tick`` by hand."""

from __future__ import annotations

from contextlib import suppress

from calbridge.errors import Refused
from calbridge.service.deliveries import deliver, webhooks_due
from calbridge.service.notices import send_notices
from calbridge.service.parts import Parts
from calbridge.service.recoveries import cut_off_now, probe, resume_lost
from calbridge.service.requests import carry_out
from calbridge.service.revoking import lapse, revocations_due, revoke
from calbridge.service.views import RunView
from calbridge.service.views_installation import TickReport
from calbridge.service.watching import keep_watch, watches_due
from calbridge.store.queries_due import strip_plans
from calbridge.store.retention import purge

SLICE_SECONDS = 60.0
"""A run yields after this and is due again (DESIGN: Jobs)."""
ROUNDS = 20


def tick(parts: Parts) -> TickReport:
    """Run what is due (triggers, polls, retries, daily comparisons, changed options), look whether outages are over,
    look after push subscriptions, tell webhooks and administrators, end grants that nobody uses, forget what is too
    old.

    One failure never stops the rest. Raises DatabaseUnusable.
    """
    for tenant, integration_id in cut_off_now(parts):
        probe(parts, tenant, integration_id)
    for tenant, integration_id in watches_due(parts):
        with suppress(Refused):
            keep_watch(parts, tenant, integration_id)
    resume_lost(parts)
    ran: list[RunView] = []
    for _ in range(ROUNDS):
        done = _run_due(parts)
        ran += done
        if not any(view.status == "partial" for view in done):
            break
    for tenant, revocation_id in revocations_due(parts):
        revoke(parts, tenant, revocation_id)
    delivered = sum(deliver(parts, *each, SLICE_SECONDS).delivered for each in webhooks_due(parts))
    return TickReport(
        ran=tuple(ran),
        succeeded=sum(view.status == "succeeded" for view in ran),
        failed=sum(view.status == "failed" for view in ran),
        waiting=sum(view.status == "waiting" for view in ran),
        purged=forget(parts),
        delivered=delivered,
        mailed=send_notices(parts, SLICE_SECONDS).sent,
    )


def _run_due(parts: Parts) -> list[RunView]:
    """One pass over what is due, tenants in turn."""
    with parts.database.system_read() as system:
        due = system.sweep.due()
    found: list[RunView] = []
    for each in due:
        found += carry_out(parts, each.tenant_id, each.integration_id, budget_seconds=SLICE_SECONDS)
    return found


def forget(parts: Parts) -> dict[str, int]:
    """Forget what is too old; how many of each kind. Raises DatabaseUnusable."""
    now = parts.clock.now()
    lapsed = lapse(parts)
    purged = purge(parts.database, now) | {"sign_ins": lapsed}
    with parts.database.system_write() as system:
        purged["plans"] = strip_plans(system, now)
    return purged
