"""What runs did: their list, and the lines of their log."""

from __future__ import annotations

from calbridge.errors import Refused
from calbridge.service.parts import Parts
from calbridge.service.run_views import log_view, run_view
from calbridge.service.views import LogView, RunView
from calbridge.store.journal import LogFilter


def list_runs(
    parts: Parts,
    tenant: str,
    integration_id: str,
    *,
    status: str | None = None,
    kind: str | None = None,
    trigger: str | None = None,
    limit: int = 50,
    before: str | None = None,
) -> list[RunView]:
    """Runs of an integration, the newest first, older than the run ``before``. Raises Refused."""
    with parts.database.read(tenant) as work:
        work.integrations.require(integration_id)
        last = work.runs.get(before) if before is not None else None
        found = work.runs.list(integration_id, status=status, kind=kind, trigger=trigger, before=last, limit=limit)
    return [run_view(run) for run in found]


def get_run(parts: Parts, tenant: str, run_id: str) -> RunView:
    """One run. Raises Refused (``run_not_found``)."""
    with parts.database.read(tenant) as work:
        run = work.runs.get(run_id)
    if run is None:
        raise Refused(code="run_not_found", run=run_id)
    return run_view(run)


def list_logs(
    parts: Parts,
    tenant: str,
    integration_id: str,
    *,
    item_id: str | None = None,
    run_id: str | None = None,
    action: str | None = None,
    limit: int = 100,
    before: int | None = None,
) -> list[LogView]:
    """Lines of the log, the newest first. Raises Refused (``integration_not_found``)."""
    chosen = LogFilter(integration_id=integration_id, item_id=item_id, run_id=run_id, action=action)
    with parts.database.read(tenant) as work:
        work.integrations.require(integration_id)
        return [log_view(line) for line in work.logs.list(chosen, before=before, limit=limit)]
