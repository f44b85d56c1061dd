"""A preview: what a run would do, worked out in memory and written nowhere; and carrying out exactly that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from calbridge.domain.times import When, utc
from calbridge.errors import ConnectorError, Refused, SecretUnreadable
from calbridge.service.leasing import LeasedStore, leased, leased_store
from calbridge.service.opening import opened, usable_account
from calbridge.service.parts import Parts
from calbridge.service.rehearsal import Rehearsal
from calbridge.service.run_rows import start_row
from calbridge.service.run_views import change_views, run_view
from calbridge.service.sync import Range, Stop, facts_of, refuse_idle, sync_integration, window
from calbridge.service.values import invalid, when_json
from calbridge.service.views import RunView
from calbridge.store.leases import Lease
from calbridge.store.runs import Run
from calbridge.store.work import Work
from calbridge.sync import engine
from calbridge.sync.in_memory import InMemoryPage, InMemoryStore, Tables
from calbridge.sync.memory import Direction, KeyOwner, LogEntry
from calbridge.sync.ports import Clock, Keys

PAGE = 1000


class _PreviewPage(InMemoryPage):
    """Asks the real store what does not belong to this integration."""

    def __init__(self, store: PreviewStore) -> None:
        super().__init__(store)
        self._real = store.real

    def linked_elsewhere(self, uid: str) -> bool:
        with self._real.page() as page:
            return page.linked_elsewhere(uid)

    def key_owner(self, marker: str) -> KeyOwner | None:
        own = super().key_owner(marker)
        if own is not None:
            return own
        with self._real.page() as page:
            return page.key_owner(marker)

    def deletions(self, direction: Direction, since: Any) -> int:
        with self._real.page() as page:
            return page.deletions(direction, since) + super().deletions(direction, since)


class PreviewStore(InMemoryStore):
    """The integration's memory as a copy; the lease is the real one."""

    def __init__(self, tables: Tables, integration_id: str, clock: Clock, keys: Keys, real: LeasedStore) -> None:
        super().__init__(tables, integration_id, clock, keys)
        self.real = real

    @contextmanager
    def page(self) -> Iterator[InMemoryPage]:
        """See RunStore."""
        with super().page():
            yield _PreviewPage(self)

    def renew(self) -> None:
        """See RunStore."""
        self.real.renew()


def preview(
    parts: Parts, tenant: str, integration_id: str, *, retrieve: Range | None = None, send: Range | None = None
) -> RunView:
    """A run of kind ``preview`` whose plan says what a run would do now; no item, link or event is written.

    Raises Refused (``integration_not_found``, ``invalid_value``, ``not_connected``, ``integration_running``),
    ConnectorError.
    """
    facts = facts_of(retrieve, send)
    refuse_preview(parts, tenant, integration_id)
    with leased(parts, tenant, integration_id) as lease:
        plan, outcome = _work_out(parts, lease, facts)
    with parts.database.write(tenant) as work:
        run = Run(work.keys.new_id(), integration_id, "preview", "manual", facts=facts, started_at=work.now)
        work.runs.add(replace(run, status="running"))
        return _planned(work, run, plan, outcome)


def refuse_preview(parts: Parts, tenant: str, integration_id: str) -> None:
    """A preview is for looking before anything is switched on, so the integration may be inactive. Raises Refused."""
    with parts.database.read(tenant) as work:
        integration = work.integrations.require(integration_id)
        if integration.account_id is not None and integration.calendar_id is None:
            raise invalid("calendar_id", "no calendar is linked yet: choose one first")
        refuse_idle(work, replace(integration, active=True), "manual")


def preview_queued(parts: Parts, tenant: str, run: Run) -> RunView:
    """Work out a preview that waits. Raises Refused (``integration_running``), LeaseLost, DatabaseUnusable."""
    with leased(parts, tenant, run.integration_id) as lease:
        with parts.database.write(tenant) as work:
            start_row(work, run)
        try:
            refuse_preview(parts, tenant, run.integration_id)
            plan, outcome = _work_out(parts, lease, run.facts)
        except (ConnectorError, Refused, SecretUnreadable) as error:
            return end_refused(parts, tenant, run, error.code)
        with parts.database.write(tenant) as work:
            return _planned(work, run, plan, outcome)


def _planned(work: Work, run: Run, plan: list[dict[str, Any]], outcome: engine.Outcome) -> RunView:
    reason = "confirmation_needed" if outcome.waiting else None
    stored = work.runs.save(
        run.id,
        status="waiting" if outcome.waiting else "succeeded",
        reason=reason,
        counters=dict(outcome.counters),
        facts=dict(run.facts) | {"plan": plan},
        finished_at=work.now,
    )
    return run_view(stored)


def end_refused(parts: Parts, tenant: str, run: Run, code: str) -> RunView:
    """A queued run that can't be done tells why."""
    with parts.database.write(tenant) as work:
        stored = work.runs.save(run.id, status="failed", reason=code, finished_at=work.now)
    return run_view(stored)


def apply(parts: Parts, tenant: str, run_id: str, *, stop: Stop | None = None) -> RunView:
    """Carry a plan out, if it would still be the same now; ``stop`` as for ``sync_integration``.

    Raises Refused (``run_not_found``, ``plan_stale`` and those of ``sync_integration``), ConnectorError.
    """
    run = refuse_apply(parts, tenant, run_id)
    ranges = _verified(parts, tenant, run)
    retrieve, send = (_range(ranges.get(name)) for name in ("retrieve", "send"))
    return sync_integration(parts, tenant, run.integration_id, retrieve=retrieve, send=send, stop=stop)


def refuse_apply(parts: Parts, tenant: str, run_id: str) -> Run:
    """The preview whose plan may be carried out. Raises Refused (``run_not_found``, ``plan_stale``, idle ones)."""
    with parts.database.read(tenant) as work:
        run = work.runs.get(run_id)
        if run is None or run.kind != "preview":
            raise Refused(code="run_not_found", run=run_id)
        if "plan" not in run.facts:
            raise Refused(code="plan_stale", run=run_id)
        refuse_idle(work, work.integrations.require(run.integration_id), "manual")
    return run


def apply_queued(
    parts: Parts, tenant: str, run: Run, *, budget_seconds: float | None = None, stop: Stop | None = None
) -> RunView:
    """Carry out a plan that waits for it, if it would still be the same now.

    Raises Refused (``integration_running``), DatabaseUnusable.
    """
    try:
        ranges = _verified(parts, tenant, refuse_apply(parts, tenant, run.facts["preview"]))
        with parts.database.write(tenant) as work:
            work.runs.save(run.id, facts={**run.facts, **ranges})
        return sync_integration(
            parts, tenant, run.integration_id, budget_seconds=budget_seconds, stop=stop, run_id=run.id
        )
    except (ConnectorError, Refused, SecretUnreadable) as error:
        if error.code == "integration_running":
            raise
        return end_refused(parts, tenant, run, error.code)


def _verified(parts: Parts, tenant: str, run: Run) -> dict[str, Any]:
    """The ranges of a plan that was worked out anew and is still the same; the plan itself is used up."""
    ranges = {name: run.facts[name] for name in ("retrieve", "send") if name in run.facts}
    with leased(parts, tenant, run.integration_id) as lease:
        plan, _ = _work_out(parts, lease, ranges)
    if _digest(plan) != _digest(run.facts["plan"]):
        raise Refused(code="plan_stale", run=run.id)
    with parts.database.write(tenant) as work:
        work.runs.save(run.id, facts={name: value for name, value in run.facts.items() if name != "plan"})
    return ranges


def _range(days: Any) -> Range | None:
    return None if days is None else (days[0], days[1])


def _work_out(parts: Parts, lease: Lease, facts: Mapping[str, Any]) -> tuple[list[dict[str, Any]], engine.Outcome]:
    tenant, integration_id = lease.tenant_id, lease.integration_id
    with parts.database.read(tenant) as work:
        account, secret = usable_account(work, work.integrations.require(integration_id).account_id)
        keys = work.keys
    real = leased_store(parts, lease)
    tables = _copy(real, integration_id)
    store = PreviewStore(tables, integration_id, parts.clock, keys, real)
    zone = tables.integrations[integration_id].time_zone
    task = engine.Task(retrieve=window(parts, zone, facts.get("retrieve")), send=window(parts, zone, facts.get("send")))
    with opened(parts, tenant, account, secret, real.before_request) as connector:
        outcome = engine.run(Rehearsal(connector), store, parts.clock, keys, task)
    return _plan(tables, integration_id), outcome


def _copy(real: LeasedStore, integration_id: str) -> Tables:
    """All that the integration remembers, and its user's items."""
    tables = Tables()
    with real.page() as page:
        tables.integrations[integration_id] = page.integration()
        place: str | None = None
        while links := page.all_links(place, PAGE):
            place = links[-1].id
            tables.links |= {(integration_id, link.id): link for link in links}
        place = None
        while rows := page.all_known(place, PAGE):
            place = rows[-1].remote_id
            tables.known |= {(integration_id, row.remote_id): row for row in rows}
        tables.intents = {(integration_id, each.id): each for each in page.intents()}
        seq = 0
        while items := page.items_after(seq, PAGE):
            seq = items[-1].seq
            tables.items |= {item.id: item for item in items}
        tables.seq = seq
    return tables


def _plan(tables: Tables, integration_id: str) -> list[dict[str, Any]]:
    return [
        {
            "action": entry.action,
            "direction": entry.direction.value,
            "item_id": entry.item_id,
            "remote_id": entry.remote_id,
            "title": entry.title,
            "start": when_json(_start(tables, integration_id, entry)),
            "reason": entry.code,
            "changes": [[each.field, each.before, each.after] for each in change_views(entry.changes)],
        }
        for owner, entry in tables.log
        if owner == integration_id
    ]


def _start(tables: Tables, integration_id: str, entry: LogEntry) -> When | None:
    """Of the item as the run would leave it; of an event without one, what is kept of its time."""
    item = tables.items.get(entry.item_id or "")
    if item is not None:
        return item.content.span.start if item.content.span is not None else None
    known = tables.known.get((integration_id, entry.remote_id or ""))
    return utc(known.first_start) if known is not None and known.first_start is not None else None


def _digest(plan: Sequence[Mapping[str, Any]]) -> str:
    """What a plan does, without the ids that are drawn anew each time."""
    names = ("action", "direction", "title", "reason", "changes")
    told = [
        [*(step[name] for name in names), step["remote_id" if step["direction"] == "retrieve" else "item_id"]]
        for step in plan
    ]
    return hashlib.sha256(json.dumps(sorted(told, key=json.dumps)).encode()).hexdigest()
