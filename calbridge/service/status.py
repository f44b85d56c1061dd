"""How an installation or a tenant stands: what operators watch (DESIGN: REST API, ``/v1/status`` and ``/metrics``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from calbridge.service.budgets import project_budgets
from calbridge.service.heartbeats import ProcessView, list_processes
from calbridge.service.parts import Parts
from calbridge.store import queries_status
from calbridge.store.watches import count_watches


@dataclass(frozen=True, slots=True)
class StatusView:
    """Counts. ``queues`` are jobs that wait, by queue: None where nobody counts them, as without Redis. ``watches``:
    ``live`` push subscriptions, and integrations for which asking for one is ``failing``.

    ``budgets``: the share of each service's quota for the whole installation that is used at the moment, 0 to 1;
    empty where nobody counts. They and ``processes`` belong to the installation and are not told to a tenant.
    """

    integrations: Mapping[str, int]
    runs: Mapping[str, int]
    due: int
    waiting: Mapping[str, int]
    queues: Mapping[str, int] | None
    budgets: Mapping[str, float]
    watches: Mapping[str, int]
    processes: tuple[ProcessView, ...]


def tenant_status(parts: Parts, tenant: str) -> StatusView:
    """A tenant's own counts. Raises Refused (``tenant_not_found``)."""
    with parts.database.read(tenant) as work:
        work.settings.get()
        return StatusView(
            queries_status.integrations_by_status(work.connection, tenant),
            queries_status.runs_by_status(work.connection, tenant, work.now),
            queries_status.due_integrations(work.connection, tenant),
            queries_status.waiting_messages(work.connection, tenant),
            None,
            {},
            count_watches(work.connection, work.now, tenant),
            (),
        )


def status(parts: Parts) -> StatusView:
    """The whole installation. Raises DatabaseUnusable."""
    with parts.database.system_read() as system:
        connection = system.connection
        found = (
            queries_status.integrations_by_status(connection, None),
            queries_status.runs_by_status(connection, None, system.now),
            queries_status.due_integrations(connection, None),
            queries_status.waiting_messages(connection, None),
        )
        watches = count_watches(connection, system.now, None)
    return StatusView(*found, parts.dispatcher.queued(), _budgets(parts), watches, tuple(list_processes(parts)))


def _budgets(parts: Parts) -> Mapping[str, float]:
    """By connector the fullest of its budgets."""
    shared = project_budgets(parts.registry.specs)
    used = parts.budgets.used([budget for _, budget in shared]) if shared else None
    if used is None:
        return {}
    fullest: dict[str, float] = {}
    for (name, _), share in zip(shared, used, strict=True):
        fullest[name] = max(share, fullest.get(name, 0.0))
    return fullest


def seconds_unread(parts: Parts) -> float | None:
    """For how long the calendar that waits longest was not read to its end; None without any that is connected.

    A service that answers and tells nothing any more is seen by nothing else. Raises DatabaseUnusable.
    """
    with parts.database.system_read() as system:
        since = queries_status.longest_unread(system.connection)
        return None if since is None else max(0.0, (system.now - since).total_seconds())


def sizes(parts: Parts) -> Mapping[str, int]:
    """How many tenants, users and items there are. Raises DatabaseUnusable."""
    with parts.database.system_read() as system:
        return queries_status.sizes(system.connection)
