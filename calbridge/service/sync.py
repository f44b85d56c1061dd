"""Running the sync of one integration (SYNC D), and the word somebody gives to what waits (D8)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from calbridge.connectors.contract import Window
from calbridge.errors import BudgetSpent, ConnectorError, LeaseLost, Refused, StoreError
from calbridge.log import bound, get_logger
from calbridge.service.integration_views import integration_view
from calbridge.service.leasing import Hold, holding, leased_store, new_owner
from calbridge.service.opening import opened, usable_account
from calbridge.service.outages import came_back, recovered, went_wrong
from calbridge.service.parts import Parts
from calbridge.service.polling import pause_between_polls
from calbridge.service.run_rows import begin_row, keep_for_later, long_waits, repeat
from calbridge.service.run_views import run_view
from calbridge.service.telling import run_waits
from calbridge.service.values import invalid
from calbridge.service.views import IntegrationView, RunView
from calbridge.store.accounts import StoredAccount
from calbridge.store.integrations import StoredIntegration
from calbridge.store.leases import Lease
from calbridge.store.runs import Run
from calbridge.store.work import Work
from calbridge.sync import engine
from calbridge.sync.windows import local_window

Range = tuple[int | None, int | None]
"""Local days before and after today; None is unbounded (F2)."""
Stop = Callable[[], bool]
MAX_DAYS = 36_500
CONFIRMED_FOR = timedelta(hours=24)
log = get_logger(__name__)


class NothingDue(Exception):
    """Somebody else did it in between."""


@dataclass(frozen=True, slots=True)
class Slice:
    """A budget of time, and a word to stop at the next border of a page; ``until`` of None has no end."""

    until: float | None
    stop: Stop | None = None

    @classmethod
    def of(cls, seconds: float | None, stop: Stop | None = None) -> Slice:
        """So many seconds from now."""
        return cls(None if seconds is None else time.monotonic() + seconds, stop)

    def left(self) -> float | None:
        """Seconds that are left, not below 0."""
        return None if self.until is None else max(0.0, self.until - time.monotonic())

    def spent(self) -> bool:
        """Whether the time is over, or somebody wants an end."""
        if self.stop is not None and self.stop():
            return True
        return self.until is not None and time.monotonic() >= self.until


@dataclass(frozen=True, slots=True)
class _Begun:
    lease: Lease
    integration: StoredIntegration
    zone: str
    """Of the user, where there are ranges of days."""
    account: StoredAccount
    secret: str = field(repr=False)
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
    stop: Stop | None = None,
    run_id: str | None = None,
    only_if_due: bool = False,
) -> RunView:
    """Catch up with both sides now, and copy the ranges that are given or were left by an earlier run.

    ``stop`` ends it as the budget does, at the next border of a page. ``run_id`` is a queued run to take up;
    ``only_if_due`` does nothing (raises NothingDue) where another run just did what was due.

    The answer's ``status`` tells how it went: ``succeeded``, ``partial`` (its time is over, it goes on by itself),
    ``waiting`` (``confirmation_needed``) or ``failed`` with its ``reason``. Raises Refused (``integration_not_found``,
    ``integration_running`` and those of :func:`refuse_idle`), DatabaseUnusable.
    """
    facts = facts_of(retrieve, send)
    try:
        begun = _begin(parts, tenant, integration_id, facts, trigger, run_id, only_if_due)
    except Refused as refused:
        if refused.code == "integration_running":
            keep_for_later(parts, tenant, integration_id, facts)
        raise
    with holding(parts, begun.lease) as hold, bound(run=begun.run.id, tenant=tenant, integration=integration_id):
        return _carry_out(parts, hold, begun, compare, Slice.of(budget_seconds, stop))


def refuse_idle(work: Work, integration: StoredIntegration, trigger: str) -> tuple[StoredAccount, str]:
    """D12: inactive, stopped or not connected, no run starts, whoever asks; else the account and its secret.

    Raises Refused (``integration_inactive``, ``sync_disabled``, ``calendar_sync_off``, ``service_not_allowed``,
    ``not_connected``, ``throttled``).
    """
    if not integration.active:
        raise Refused(code="integration_inactive", integration=integration.id)
    if integration.stopped is not None:
        raise Refused(code=integration.stopped, integration=integration.id)
    if integration.status != "connected":
        raise Refused(code="not_connected", integration=integration.id, reason=integration.reason)
    account, secret = usable_account(work, integration.account_id)
    held = account.not_before is not None and account.not_before > work.now
    if held and (trigger != "manual" or integration.reason in {"throttled", "sign_in_required"}):
        raise Refused(code="throttled", integration=integration.id, until=account.not_before)
    return account, secret


def facts_of(retrieve: Range | None, send: Range | None) -> dict[str, Any]:
    """The ranges as a run keeps them. Raises Refused (``invalid_value``)."""
    given = {"retrieve": retrieve, "send": send}
    for name, chosen in given.items():
        for days in chosen or ():
            if days is not None and not (isinstance(days, int) and 0 <= days <= MAX_DAYS):
                raise invalid(name, f"days must be from 0 to {MAX_DAYS}")
    return {name: list(chosen) for name, chosen in given.items() if chosen is not None}


def _begin(
    parts: Parts,
    tenant: str,
    integration_id: str,
    facts: Mapping[str, Any],
    trigger: str,
    run_id: str | None,
    only_if_due: bool,
) -> _Begun:
    """The lease and the run's row in one transaction: whatever is refused leaves neither."""
    with parts.database.write(tenant) as work:
        integration = work.integrations.require(integration_id)
        account, secret = refuse_idle(work, integration, trigger)
        lease = work.take_lease(integration_id, new_owner(), parts.settings.lease_seconds, integration.due_no)
        if lease is None:
            raise Refused(code="integration_running", integration=integration_id)
        if only_if_due and work.integrations.due(integration_id) is None:
            raise NothingDue
        run = begin_row(work, integration_id, facts, trigger, run_id)
        zone = work.users.require(integration.user_id).time_zone if run.facts else "UTC"
    return _Begun(lease, integration, zone, account, secret, run)


def _carry_out(parts: Parts, hold: Hold, begun: _Begun, compare: bool, budget: Slice) -> RunView:
    started = parts.clock.now()
    compare = compare or engine.compare_due(begun.integration.compared_at, started)
    try:
        outcome = _run(parts, begun, compare, budget)
    except LeaseLost:
        return _lost(parts, begun)
    except BudgetSpent as spent:
        return _yielded(parts, hold, begun, spent)
    except ConnectorError as error:
        outage = went_wrong(parts, begun.lease.tenant_id, begun.integration, error)
        log.warning("run_failed", code=outage.code, given_up=outage.given_up)
        return _failed(parts, hold, begun, outage.code)
    except StoreError:
        raise
    except KeyboardInterrupt:
        _interrupted(parts, hold, begun)
        raise
    except Refused as refused:
        _failed(parts, hold, begun, refused.code)
        raise
    except Exception as error:
        log.error("run_broke", exc_info=error)
        went_wrong(parts, begun.lease.tenant_id, begun.integration, error)
        return _failed(parts, hold, begun, "internal_error")
    return _came_through(parts, hold, begun, outcome, started)


def _run(parts: Parts, begun: _Begun, compare: bool, budget: Slice) -> engine.Outcome:
    tenant = begun.lease.tenant_id
    store = leased_store(parts, begun.lease, begun.run.id)
    task = engine.Task(
        retrieve=window(parts, begun.zone, begun.run.facts.get("retrieve")),
        send=window(parts, begun.zone, begun.run.facts.get("send")),
        compare=compare,
    )
    keys = parts.database.keys(tenant)
    with opened(parts, tenant, begun.account, begun.secret, store.before_request) as connector:
        return engine.run(connector, store, parts.clock, keys, task, budget)


def window(parts: Parts, zone: str, days: Any) -> Window | None:
    """A range of local days in that time zone."""
    if days is None:
        return None
    today = parts.clock.now().astimezone(ZoneInfo(zone)).date()
    return local_window(today, days[0], days[1])


def _came_through(parts: Parts, hold: Hold, begun: _Begun, outcome: engine.Outcome, started: datetime) -> RunView:
    """The end of a run that was not stopped by an error, in one transaction: the outage is over, too."""
    reason = "confirmation_needed" if outcome.waiting else None
    status = "partial" if not outcome.complete else "waiting" if outcome.waiting else "succeeded"
    with parts.database.write(hold.lease.tenant_id) as work:
        told = recovered(work, begun.integration)
        moved = _moved(parts, work, begun.integration, outcome, started)
        if status == "waiting":
            run_waits(work, begun.integration, begun.run.id)
        view = _close(work, hold, begun.run, status, reason, moved, outcome)
    hold.held = False
    parts.dispatch(hold.lease.tenant_id, work)
    if told:
        came_back(parts, hold.lease.tenant_id, begun.integration)
    return view


def _moved(
    parts: Parts, work: Work, integration: StoredIntegration, outcome: engine.Outcome, started: datetime
) -> dict[str, Any]:
    """What a run that came through moves: times, the next poll, and the triggers it took up."""
    # Many that are switched on together are spread over the whole time between two polls.
    part, rest = (0.1, 0.9) if integration.fresh_as_of is None else (0.9, 0.2)
    pause = pause_between_polls(parts, work, integration) * (part + rest * parts.random.random())
    moved: dict[str, Any] = {"next_poll_at": work.now + pause}
    if not outcome.complete:
        moved["bulk"] = True
    elif integration.bulk:
        moved["bulk"] = long_waits(work, integration.id)
    if outcome.wrote:
        moved["last_sync_at"] = work.now
    if outcome.complete:
        moved["fresh_as_of"] = started
        if integration.due_no > integration.cleared:
            work.integrations.clear_due(integration.id, integration.due_no)
    else:
        work.raise_due(integration.id)
    return moved


def _yielded(parts: Parts, hold: Hold, begun: _Begun, spent: BudgetSpent) -> RunView:
    """Nothing is wrong: the rest is done when there is a share of the service's quota again."""
    with parts.database.write(hold.lease.tenant_id) as work:
        work.accounts.hold(begun.account.id, work.now + timedelta(seconds=spent.retry_after or 1.0))
        work.raise_due(begun.integration.id)
        view = _close(work, hold, begun.run, "partial", spent.code, {"bulk": True})
    hold.held = False
    return view


def _interrupted(parts: Parts, hold: Hold, begun: _Begun) -> None:
    """Somebody stopped it at once: the next run finds out what became of the step under way (D4), and goes on."""
    # A database that is gone leaves the row to that next run.
    with suppress(StoreError), parts.database.write(hold.lease.tenant_id) as work:
        work.raise_due(begun.integration.id)
        _close(work, hold, begun.run, "partial", "interrupted", {})
        hold.held = False


def _failed(parts: Parts, hold: Hold, begun: _Begun, reason: str) -> RunView:
    with parts.database.write(hold.lease.tenant_id) as work:
        view = _close(work, hold, begun.run, "failed", reason, {})
    hold.held = False
    return view


def _close(
    work: Work,
    hold: Hold,
    run: Run,
    status: str,
    reason: str | None,
    moved: Mapping[str, Any],
    outcome: engine.Outcome | None = None,
) -> RunView:
    """Close the run's row and give the lease back; a range that was not copied whole waits in a row of its own."""
    before = work.runs.get(run.id) if status in {"partial", "failed"} else None
    stored = work.runs.save(run.id, status=status, reason=reason, finished_at=work.now)
    if outcome is not None and outcome.counters:
        stored = work.runs.save(run.id, counters={**stored.counters, **outcome.counters})
    work.integrations.save(run.integration_id, last_run_at=work.now, **moved)
    if before is not None and before.status == "running":
        repeat(work, run, retrieved=outcome is not None and outcome.retrieved)
    work.release_lease(hold.lease)
    return run_view(stored)


def _lost(parts: Parts, begun: _Begun) -> RunView:
    """What has lost its lease writes nothing: whoever has it now ends this run's row when the next run begins."""
    with parts.database.read(begun.lease.tenant_id) as work:
        stored = work.runs.get(begun.run.id)
    return replace(run_view(stored or begun.run), status="failed", reason="lease_lost")


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
        work.audit.add(str(parts.actor), "deletions_confirmed", integration=integration_id)
        work.raise_due(integration_id)
    parts.dispatch(tenant, work)
    with parts.database.read(tenant) as work:
        return integration_view(work, work.integrations.require(integration_id))
