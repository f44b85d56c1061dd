"""Everything due, once (SYNC D1, D11, D12): what the scheduler will do all the time, and ``calbridge tick`` by hand."""

from __future__ import annotations

from calbridge.errors import ConnectorError, Refused, SecretUnreadable
from calbridge.log import get_logger
from calbridge.service.opening import opened, usable_account
from calbridge.service.outages import went_well, went_wrong
from calbridge.service.parts import Parts
from calbridge.service.sync import sync_integration
from calbridge.service.views import RunView, TickReport
from calbridge.store.integrations import StoredIntegration
from calbridge.store.queries_due import cut_off, strip_plans
from calbridge.store.retention import purge

SLICE_SECONDS = 60.0
"""A run yields after this and is due again (DESIGN: Jobs)."""
ROUNDS = 20

log = get_logger(__name__)


def tick(parts: Parts) -> TickReport:
    """Run what is due (triggers, polls, retries, daily comparisons, changed options), look whether outages are over,
    forget what is too old. One failure never stops the rest. Raises DatabaseUnusable."""
    _look_for_recoveries(parts)
    ran: list[RunView] = []
    for _ in range(ROUNDS):
        done = _run_due(parts)
        ran += done
        if not any(view.status == "partial" for view in done):
            break
    return TickReport(
        ran=tuple(ran),
        succeeded=sum(view.status == "succeeded" for view in ran),
        failed=sum(view.status == "failed" for view in ran),
        waiting=sum(view.status == "waiting" for view in ran),
        purged=_forget(parts),
    )


def _run_due(parts: Parts) -> list[RunView]:
    """One pass over what is due, tenants in turn."""
    with parts.database.system_read() as system:
        due = system.sweep.due()
    found: list[RunView] = []
    for each in due:
        trigger = "poll" if each.polled else "change"
        try:
            found.append(
                sync_integration(
                    parts, each.tenant_id, each.integration_id, trigger=trigger, budget_seconds=SLICE_SECONDS
                )
            )
        except (Refused, SecretUnreadable) as error:
            # Somebody else runs it, or it was switched off in between.
            log.info("not_run", integration=each.integration_id, code=error.code)
    return found


def _look_for_recoveries(parts: Parts) -> None:
    """What an outage cut off is connected again when its service answers; a refused secret is left alone."""
    with parts.database.system_read() as system:
        waiting = cut_off(system)
    for tenant, integration_id in waiting:
        with parts.database.read(tenant) as work:
            integration = work.integrations.get(integration_id)
        if integration is not None:
            _probe(parts, tenant, integration)


def _probe(parts: Parts, tenant: str, integration: StoredIntegration) -> None:
    try:
        with parts.database.read(tenant) as work:
            account, secret = usable_account(work, integration.account_id)
        with opened(parts, tenant, account, secret) as connector:
            calendars = connector.calendars()
    except ConnectorError as error:
        went_wrong(parts, tenant, integration, error)
    except (Refused, SecretUnreadable) as error:
        log.info("not_probed", integration=integration.id, code=error.code)
    else:
        if integration.reason == "calendar_gone":
            _calendar_back(parts, tenant, integration, {each.id for each in calendars})
        else:
            went_well(parts, tenant, integration)


def _calendar_back(parts: Parts, tenant: str, integration: StoredIntegration, calendars: set[str]) -> None:
    if integration.calendar_id not in calendars:
        return
    with parts.database.write(tenant) as work:
        work.integrations.save(integration.id, status="connected", reason=None)
        work.raise_due(integration.id)


def _forget(parts: Parts) -> dict[str, int]:
    now = parts.clock.now()
    purged = purge(parts.database, now)
    with parts.database.system_write() as system:
        purged["plans"] = strip_plans(system, now)
    return purged
