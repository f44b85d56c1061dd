"""Linking another calendar (SYNC D9): nothing is deleted unless asked, and coming back is possible."""

from __future__ import annotations

from collections.abc import Mapping

from calbridge.connectors.contract import Calendar
from calbridge.log import get_logger
from calbridge.service.leasing import LeasedStore, leased, leased_store
from calbridge.service.opening import opened, usable_account
from calbridge.service.outages import came_back
from calbridge.service.parts import Parts
from calbridge.service.telling import calendar_found
from calbridge.store.integrations import StoredIntegration
from calbridge.store.leases import Lease
from calbridge.store.runs import Run
from calbridge.sync.change_calendar import Left, enter_calendar, leave_calendar

log = get_logger(__name__)


def change_calendar(
    parts: Parts, tenant: str, integration: StoredIntegration, calendar: Calendar, *, remove_ours: bool
) -> None:
    """Finish what is open, read the old calendar a last time, close its links, start with the new one.

    A run of kind ``calendar`` tells how it went: its reason is ``old_calendar_unread`` where the last reading was
    impossible. Raises Refused (``integration_running``, ``not_connected``, ``already_exists``).
    """
    with leased(parts, tenant, integration.id) as lease:
        run = start_run(parts, lease, "calendar")
        store = leased_store(parts, lease, run.id)
        counters: dict[str, int] = {}
        unread = None
        if integration.calendar_id is not None:
            gone = leave(parts, tenant, integration, store, remove_ours=remove_ours)
            counters = {"parked": gone.parked, "removed": gone.removed, "not_removed": gone.not_removed}
            unread = gone.unread
        with parts.database.write(tenant) as work:
            told = calendar_found(work, work.integrations.require(integration.id, lock=True))
            work.integrations.save(
                integration.id,
                calendar_id=calendar.id,
                calendar_name=calendar.name,
                calendar_zone=calendar.time_zone,
                status="connected",
                reason=None,
            )
        counters["reopened"] = enter_calendar(store, parts.clock)
        end_run(parts, tenant, run, "old_calendar_unread" if unread else None, counters)
    if told:
        came_back(parts, tenant, integration)


def leave(parts: Parts, tenant: str, integration: StoredIntegration, store: LeasedStore, *, remove_ours: bool) -> Left:
    """Finish with the linked calendar. Raises Refused (``not_connected``), LeaseLost."""
    with parts.database.read(tenant) as work:
        account, secret = usable_account(work, integration.account_id)
        keys = work.keys
    with opened(parts, tenant, account, secret, store.before_request) as connector:
        left = leave_calendar(connector, store, parts.clock, keys, remove_ours=remove_ours)
    if left.unread is not None:
        log.warning("old_calendar_unread", code=left.unread)
    return left


def start_run(parts: Parts, lease: Lease, kind: str) -> Run:
    """The row of a run that is at work."""
    with parts.database.write(lease.tenant_id) as work:
        run = Run(work.keys.new_id(), lease.integration_id, kind, "manual", "running", started_at=work.now)
        work.runs.add(run)
        work.audit.add(str(parts.actor), f"{kind}_changed", integration=lease.integration_id)
    return run


def end_run(parts: Parts, tenant: str, run: Run, reason: str | None, counters: Mapping[str, int]) -> None:
    """The run is over."""
    with parts.database.write(tenant) as work:
        stored = work.runs.get(run.id)
        told = {**(stored.counters if stored else {}), **counters}
        status = "partial" if reason else "succeeded"
        work.runs.save(run.id, status=status, reason=reason, counters=told, finished_at=work.now)
