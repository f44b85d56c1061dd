"""What came to a halt and goes on: integrations that an outage cut off, and runs whose process died (SYNC D12, D1)."""

from __future__ import annotations

from calbridge.errors import ConnectorError, Refused, SecretUnreadable
from calbridge.log import get_logger
from calbridge.service.opening import opened, usable_account
from calbridge.service.outages import came_back, went_well, went_wrong
from calbridge.service.parts import Parts
from calbridge.service.run_rows import end_lost
from calbridge.service.telling import CALENDAR_GONE, calendar_found
from calbridge.store.integrations import StoredIntegration
from calbridge.store.queries_due import cut_off, lost_runs

log = get_logger(__name__)


def cut_off_now(parts: Parts) -> list[tuple[str, str]]:
    """Tenant and id of integrations that an outage cut off and that may be tried again, refused secrets excepted."""
    with parts.database.system_read() as system:
        return cut_off(system)


def probe(parts: Parts, tenant: str, integration_id: str) -> None:
    """Look whether the service answers again; if so, everything behind that account is connected and due."""
    with parts.database.read(tenant) as work:
        integration = work.integrations.get(integration_id)
    if integration is None or integration.status != "not_connected":
        return
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
        if integration.reason == CALENDAR_GONE:
            _calendar_back(parts, tenant, integration, {each.id for each in calendars})
        else:
            went_well(parts, tenant, integration)


def _calendar_back(parts: Parts, tenant: str, integration: StoredIntegration, calendars: set[str]) -> None:
    if integration.calendar_id not in calendars:
        return
    with parts.database.write(tenant) as work:
        now = work.integrations.require(integration.id, lock=True)
        told = calendar_found(work, now)
        work.integrations.save(integration.id, status="connected", reason=None)
        work.raise_due(integration.id)
    parts.dispatch(tenant, work)
    if told:
        came_back(parts, tenant, integration)


def resume_lost(parts: Parts, limit: int = 200) -> int:
    """Runs that are said to be at work and whose lease ran out: their process died, so they go on; how many."""
    with parts.database.system_read() as system:
        lost = lost_runs(system, limit)
    resumed = 0
    for tenant, integration_id, run_id in lost:
        with parts.database.write(tenant) as work:
            # Whoever takes the lease meanwhile ends the row by itself.
            lease = work.take_lease(integration_id, f"resume-{run_id}", parts.settings.lease_seconds)
            run = work.runs.get(run_id)
            if lease is None:
                continue
            if run is not None and run.status == "running":
                log.warning("run_lost", tenant=tenant, integration=integration_id, run=run_id, kind=run.kind)
                end_lost(work, run)
                work.raise_due(integration_id)
                resumed += 1
            work.release_lease(lease)
        parts.dispatch(tenant, work)
    return resumed
