"""Runs that somebody asks for and does not wait for: they are queued here, and carried out by a job.

Asking calls no calendar service. What is queued stands in the database, so a lost job costs seconds and no run.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from calbridge.errors import CalbridgeError, Refused, SecretUnreadable
from calbridge.log import bound, get_logger
from calbridge.service.outages import went_wrong
from calbridge.service.parts import Parts
from calbridge.service.previews import apply_queued, preview_queued, refuse_apply, refuse_preview
from calbridge.service.removals import check_remove, remove_queued
from calbridge.service.run_rows import SYNCING
from calbridge.service.run_views import REQUEST, run_view
from calbridge.service.sync import NothingDue, Range, Slice, Stop, facts_of, refuse_idle, sync_integration
from calbridge.service.views import RunView
from calbridge.store.runs import Run
from calbridge.store.work import Work

OTHERS = frozenset(
    {
        "integration_running",
        "integration_inactive",
        "integration_not_found",
        "not_connected",
        "throttled",
        "sync_disabled",
        "calendar_sync_off",
        "service_not_allowed",
    }
)
"""Refusals that say nothing about the account: somebody else runs it, or it was switched off in between."""
CAUGHT_UP = 2
"""How often one job catches up; what never comes to rest is left to the next sweep."""
GOES_ON = frozenset({"succeeded", "waiting"})

log = get_logger(__name__)


def request_sync(
    parts: Parts,
    tenant: str,
    integration_id: str,
    *,
    retrieve: Range | None = None,
    send: Range | None = None,
    trigger: str = "manual",
) -> RunView:
    """Queue a run that catches up, or copies the ranges that are given. One that waits already is the answer, so that a
    burst of triggers is one run.

    Raises Refused (``integration_not_found``, ``invalid_value`` and those of ``refuse_idle``).
    """
    facts = facts_of(retrieve, send)
    with parts.database.write(tenant) as work:
        refuse_idle(work, work.integrations.require(integration_id), trigger)
        run = _queue(parts, work, integration_id, "range" if facts else "live", trigger, facts)
    return _told(parts, tenant, work, run)


def request_preview(
    parts: Parts, tenant: str, integration_id: str, *, retrieve: Range | None = None, send: Range | None = None
) -> RunView:
    """Queue the making of a plan. Raises Refused (``integration_not_found``, ``not_connected``, ``throttled``)."""
    facts = facts_of(retrieve, send)
    refuse_preview(parts, tenant, integration_id)
    with parts.database.write(tenant) as work:
        run = _queue(parts, work, integration_id, "preview", "manual", facts)
    return _told(parts, tenant, work, run)


def request_apply(parts: Parts, tenant: str, run_id: str) -> RunView:
    """Queue the carrying out of a preview's plan; whether it is stale is found by the run.

    Raises Refused (``run_not_found``, ``plan_stale`` and those of :func:`request_sync`).
    """
    planned = refuse_apply(parts, tenant, run_id)
    with parts.database.write(tenant) as work:
        run = _queue(parts, work, planned.integration_id, "apply", "manual", {"preview": run_id})
    return _told(parts, tenant, work, run)


def request_removal(parts: Parts, tenant: str, integration_id: str, remove: Set[str] = frozenset()) -> RunView:
    """Queue the end of an integration: no other run starts from now on; see ``delete_integration`` for ``remove``.

    Raises Refused (``integration_not_found``, ``invalid_value``).
    """
    check_remove(remove)
    with parts.database.write(tenant) as work:
        integration = work.integrations.require(integration_id, lock=True)
        facts = {"remove": sorted(remove), "was": integration.status}
        if integration.status == "deleting":
            waiting = [run for run in work.runs.open(integration_id, 20) if _removes(run)]
            if waiting:
                return run_view(waiting[0])
        work.integrations.save(integration_id, active=False, status="deleting")
        work.audit.add(
            str(parts.actor), "removal_requested", integration=integration_id, remove=",".join(sorted(remove))
        )
        run = _queue(parts, work, integration_id, "removal", "manual", facts)
    return _told(parts, tenant, work, run)


def _removes(run: Run) -> bool:
    return run.kind == "removal"


def _queue(parts: Parts, work: Work, integration_id: str, kind: str, trigger: str, facts: Mapping[str, Any]) -> Run:
    for waiting in work.runs.queued(integration_id):
        if waiting.kind == kind and {**waiting.facts, REQUEST: None} == {**facts, REQUEST: None}:
            return waiting
    asked = {REQUEST: parts.actor.request} if parts.actor.request else {}
    run = Run(work.keys.new_id(), integration_id, kind, trigger, facts={**facts, **asked}, created_at=work.now)
    work.runs.add(run)
    work.raise_due(integration_id)
    return run


def _told(parts: Parts, tenant: str, stored: Work, run: Run) -> RunView:
    parts.dispatch(tenant, stored, urgent=False)
    return run_view(run)


@dataclass(frozen=True, slots=True)
class _Turn:
    """What is to be done next: a queued run, or catching up for this reason."""

    trigger: str
    run: Run | None = None


def carry_out(
    parts: Parts,
    tenant: str,
    integration_id: str,
    *,
    budget_seconds: float | None,
    stop: Stop | None = None,
) -> list[RunView]:
    """What a job does: every queued run of an integration and whatever else is due, one after the other, each under
    the lease, until nothing is left or the time is over. Nothing due costs one question.

    A run that was cut by its budget is due again. Raises DatabaseUnusable.
    """
    budget = Slice.of(budget_seconds, stop)
    ran: list[RunView] = []
    caught_up = 0
    while not budget.spent():
        turn = _next_turn(parts, tenant, integration_id)
        caught_up += turn is not None and turn.run is None
        if turn is None or caught_up > CAUGHT_UP:
            break
        try:
            view = _do(parts, tenant, integration_id, turn, budget)
        except NothingDue:
            break
        except (Refused, SecretUnreadable) as error:
            _not_run(parts, tenant, integration_id, error)
            break
        ran.append(view)
        if view.status not in GOES_ON and (turn.run is None or turn.run.kind in SYNCING):
            break
    return ran


def _next_turn(parts: Parts, tenant: str, integration_id: str) -> _Turn | None:
    with parts.database.read(tenant) as work:
        if work.integrations.get(integration_id) is None:
            return None
        queued = work.runs.queued(integration_id)
        # Nothing is worth doing any more where the integration ends.
        for run in sorted(queued, key=lambda each: not _removes(each)):
            return _Turn(run.trigger, run)
        why = work.integrations.due(integration_id)
    return None if why is None else _Turn(why)


def _do(parts: Parts, tenant: str, integration_id: str, turn: _Turn, budget: Slice) -> RunView:
    run, left = turn.run, budget.left()
    asked = run.facts.get(REQUEST) if run is not None else None
    with bound(tenant=tenant, integration=integration_id, request=asked):
        match run and run.kind:
            case "removal":
                assert run is not None
                return remove_queued(parts, tenant, run)
            case "preview":
                assert run is not None
                return preview_queued(parts, tenant, run)
            case "apply":
                assert run is not None
                return apply_queued(parts, tenant, run, budget_seconds=left, stop=budget.stop)
        return sync_integration(
            parts,
            tenant,
            integration_id,
            trigger=turn.trigger,
            budget_seconds=left,
            stop=budget.stop,
            run_id=run.id if run is not None else None,
            only_if_due=run is None,
        )


def _not_run(parts: Parts, tenant: str, integration_id: str, error: CalbridgeError) -> None:
    """What can't run for a reason of its own is tried again after a pause, as after any failure."""
    log.info("not_run", tenant=tenant, integration=integration_id, code=error.code)
    if error.code in OTHERS:
        return
    with parts.database.read(tenant) as work:
        integration = work.integrations.get(integration_id)
    if integration is not None:
        went_wrong(parts, tenant, integration, error)
