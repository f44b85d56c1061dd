"""Running the sync of one integration (SYNC D), and the word somebody gives to what waits (D8)."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from calbridge.connectors.contract import Window
from calbridge.domain.settings_json import settings_in
from calbridge.errors import ConnectorError, LeaseLost, Refused, StoreError
from calbridge.log import bound, get_logger
from calbridge.service.integration_views import integration_view
from calbridge.service.leasing import leased, leased_store
from calbridge.service.opening import opened, usable_account
from calbridge.service.outages import went_well, went_wrong
from calbridge.service.parts import Parts
from calbridge.service.run_views import run_view
from calbridge.service.values import invalid
from calbridge.service.views import IntegrationView, RunView
from calbridge.store.integrations import StoredIntegration
from calbridge.store.leases import Lease
from calbridge.store.runs import Run
from calbridge.store.work import Work
from calbridge.sync import engine
from calbridge.sync.local import local_window
from calbridge.sync.memory import Integration

Range = tuple[int | None, int | None]
"""Local days before and after today; None is unbounded (F2)."""
MAX_DAYS = 36_500
POLL_MINUTES = 15
CONFIRMED_FOR = timedelta(hours=24)
WAITING_RUNS = 20

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Slice:
    """A budget of seconds from its making; None has no end."""

    until: float | None

    def spent(self) -> bool:
        """Whether the time is over."""
        return self.until is not None and time.monotonic() >= self.until


@dataclass(frozen=True, slots=True)
class _Begun:
    integration: StoredIntegration
    state: Integration
    run: Run


def sync_integration(
    parts: Parts,
    tenant: str,
    integration_id: str,
    *,
    retrieve: Range | None = None,
    send: Range | None = None,
    compare: bool = False,
    trigger: str = "manual",
    budget_seconds: float | None = None,
) -> RunView:
    """Catch up with both sides now, and copy the ranges that are given or were left by an earlier run.

    The answer's ``status`` tells how it went: ``succeeded``, ``partial`` (its time is over, it goes on by itself),
    ``waiting`` (``confirmation_needed``) or ``failed`` with its ``reason``. Raises Refused (``integration_not_found``,
    ``integration_inactive``, ``not_connected``, ``throttled``, ``integration_running``), DatabaseUnusable.
    """
    facts = facts_of(retrieve, send)
    with parts.database.read(tenant) as work:
        refuse_idle(work, work.integrations.require(integration_id), trigger)
    try:
        with leased(parts, tenant, integration_id) as lease:
            begun = _begin(parts, lease, facts, trigger)
            with bound(run=begun.run.id, tenant=tenant, integration=integration_id):
                return _carry_out(parts, lease, begun, compare, budget_seconds)
    except Refused as refused:
        if refused.code == "integration_running":
            keep_for_later(parts, tenant, integration_id, facts)
        raise


def refuse_idle(work: Work, integration: StoredIntegration, trigger: str) -> None:
    """D12: inactive or not connected, no run starts, whoever asks. Raises Refused."""
    if not integration.active:
        raise Refused(code="integration_inactive", integration=integration.id)
    if integration.status != "connected":
        raise Refused(code="not_connected", integration=integration.id, reason=integration.reason)
    account, _ = usable_account(work, integration.account_id)
    held = account.not_before is not None and account.not_before > work.now
    if held and (trigger != "manual" or integration.reason in {"throttled", "sign_in_required"}):
        raise Refused(code="throttled", integration=integration.id, until=account.not_before)


def keep_for_later(parts: Parts, tenant: str, integration_id: str, facts: Mapping[str, Any]) -> None:
    """A trigger while a run is at work: it is due again, and a range is not forgotten."""
    with parts.database.write(tenant) as work:
        work.raise_due(integration_id)
        if facts:
            work.runs.add(Run(work.keys.new_id(), integration_id, "range", "manual", facts=facts))


def facts_of(retrieve: Range | None, send: Range | None) -> dict[str, Any]:
    """The ranges as a run keeps them. Raises Refused (``invalid_value``)."""
    given = {"retrieve": retrieve, "send": send}
    for name, chosen in given.items():
        for days in chosen or ():
            if days is not None and not (isinstance(days, int) and 0 <= days <= MAX_DAYS):
                raise invalid(name, f"days must be from 0 to {MAX_DAYS}")
    return {name: list(chosen) for name, chosen in given.items() if chosen is not None}


def _begin(parts: Parts, lease: Lease, facts: Mapping[str, Any], trigger: str) -> _Begun:
    """The run's row: a new one, or a range that waits."""
    tenant, integration_id = lease.tenant_id, lease.integration_id
    with leased_store(parts, lease).page() as page:
        state = page.integration()
    with parts.database.write(tenant) as work:
        integration = work.integrations.require(integration_id)
        waiting = [] if facts else work.runs.list(integration_id, status="queued", limit=WAITING_RUNS)
        if waiting:
            run = waiting[-1]
        else:
            run = Run(work.keys.new_id(), integration_id, "range" if facts else "live", trigger, facts=facts)
            work.runs.add(run)
        for left in work.runs.list(integration_id, status="running", limit=WAITING_RUNS):
            # Whoever ran it died: its lease ran out, and its steps are in the intents.
            work.runs.save(left.id, status="failed", reason="lease_lost", finished_at=work.now)
            _repeat(work, left)
        work.runs.save(run.id, status="running", started_at=work.now)
    return _Begun(integration, state, run)


def _carry_out(parts: Parts, lease: Lease, begun: _Begun, compare: bool, budget_seconds: float | None) -> RunView:
    started = parts.clock.now()
    budget = Slice(None if budget_seconds is None else time.monotonic() + budget_seconds)
    compare = compare or engine.compare_due(begun.state, parts.clock)
    try:
        outcome = _run(parts, lease, begun, compare, budget)
    except LeaseLost:
        return _lost(parts, begun, lease)
    except ConnectorError as error:
        outage = went_wrong(parts, lease.tenant_id, begun.integration, error)
        log.warning("run_failed", code=outage.code, given_up=outage.given_up)
        return _end(parts, lease, begun, status="failed", reason=outage.code)
    except StoreError:
        raise
    except Refused as refused:
        _end(parts, lease, begun, status="failed", reason=refused.code)
        raise
    except Exception as error:
        log.error("run_broke", exc_info=error)
        went_wrong(parts, lease.tenant_id, begun.integration, error)
        return _end(parts, lease, begun, status="failed", reason="internal_error")
    went_well(parts, lease.tenant_id, begun.integration)
    _passed(parts, lease, begun, outcome, started)
    reason = "confirmation_needed" if outcome.waiting else None
    status = "partial" if not outcome.complete else "waiting" if outcome.waiting else "succeeded"
    return _end(parts, lease, begun, status=status, reason=reason, counters=dict(outcome.counters))


def _run(parts: Parts, lease: Lease, begun: _Begun, compare: bool, budget: Slice) -> engine.Outcome:
    tenant = lease.tenant_id
    with parts.database.read(tenant) as work:
        account, secret = usable_account(work, begun.integration.account_id)
        keys = work.keys
    store = leased_store(parts, lease, begun.run.id)
    task = engine.Task(
        retrieve=window(parts, begun.state, begun.run.facts.get("retrieve")),
        send=window(parts, begun.state, begun.run.facts.get("send")),
        compare=compare,
    )
    with opened(parts, tenant, account, secret, store.before_request) as connector:
        return engine.run(connector, store, parts.clock, keys, task, budget)


def window(parts: Parts, state: Integration, days: Any) -> Window | None:
    """A range of the user's local days."""
    if days is None:
        return None
    today = parts.clock.now().astimezone(ZoneInfo(state.time_zone)).date()
    return local_window(today, days[0], days[1])


def _passed(parts: Parts, lease: Lease, begun: _Begun, outcome: engine.Outcome, started: Any) -> None:
    """What a run that came through moves: times, the next poll, and the triggers it took up."""
    integration = begun.integration
    with parts.database.write(lease.tenant_id) as work:
        minutes = settings_in(integration.settings).poll_minutes or _poll_minutes(work)
        pause = timedelta(minutes=minutes) * (0.9 + 0.2 * parts.random.random())
        moved: dict[str, Any] = {"next_poll_at": work.now + pause}
        if outcome.wrote:
            moved["last_sync_at"] = work.now
        if outcome.complete:
            moved["fresh_as_of"] = started
            work.integrations.clear_due(integration.id, integration.due_no)
        else:
            work.raise_due(integration.id)
        work.integrations.save(integration.id, **moved)


def _poll_minutes(work: Work) -> int:
    told = work.settings.get().settings.get("poll_minutes")
    return told if isinstance(told, int) else POLL_MINUTES


def _end(
    parts: Parts,
    lease: Lease,
    begun: _Begun,
    *,
    status: str,
    reason: str | None,
    counters: Mapping[str, int] | None = None,
) -> RunView:
    """Close the run's row; a range that was not copied whole waits in a row of its own."""
    run = begun.run
    with parts.database.write(lease.tenant_id) as work:
        values: dict[str, Any] = {"status": status, "reason": reason, "finished_at": work.now}
        stored = work.runs.get(run.id)
        if counters and stored is not None:
            values["counters"] = {**stored.counters, **counters}
        work.runs.save(run.id, **values)
        work.integrations.save(run.integration_id, last_run_at=work.now)
        if status in {"partial", "failed"} and stored is not None and stored.status == "running":
            _repeat(work, run)
        ended = work.runs.get(run.id)
    assert ended is not None
    return run_view(ended)


def _lost(parts: Parts, begun: _Begun, lease: Lease) -> RunView:
    """What has lost its lease writes nothing: whoever has it now ends this run's row when the next run begins."""
    with parts.database.read(lease.tenant_id) as work:
        stored = work.runs.get(begun.run.id)
    return replace(run_view(stored or begun.run), status="failed", reason="lease_lost")


def _repeat(work: Work, run: Run) -> None:
    """A range that was not copied whole is copied again by the next run; what is there already costs little."""
    if run.kind == "range":
        work.runs.add(Run(work.keys.new_id(), run.integration_id, run.kind, "retry", facts=run.facts))
        work.raise_due(run.integration_id)


def confirm(parts: Parts, tenant: str, run_or_integration_id: str) -> IntegrationView:
    """Let wait no longer what the guard held back (D8) or what would leave the calendar (B3), for 24 hours.

    Raises Refused (``integration_not_found``).
    """
    with parts.database.write(tenant) as work:
        run = work.runs.get(run_or_integration_id)
        integration_id = run.integration_id if run is not None else run_or_integration_id
        work.integrations.require(integration_id)
        until = work.now + CONFIRMED_FOR
        work.integrations.save(
            integration_id, confirmed_retrieve_until=until, confirmed_send_until=until, leave_confirmed=True
        )
        work.audit.add("user", "deletions_confirmed", integration=integration_id)
        work.raise_due(integration_id)
    parts.dispatcher.due(tenant, [integration_id])
    with parts.database.read(tenant) as work:
        return integration_view(work, work.integrations.require(integration_id))
