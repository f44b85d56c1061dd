"""The rows of runs: how one begins, waits, is repeated, and what becomes of one whose process died."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calbridge.service.parts import Parts
from calbridge.store.runs import LONG, Run
from calbridge.store.work import Work

WAITING_RUNS = 20
SYNCING = frozenset({"live", "range"})
"""Kinds that any sync may take up."""
REPEATABLE = frozenset({"preview", "removal"})
"""Kinds that begin anew when their process died: what they had done before costs little."""
MOST_ATTEMPTS = 3


def begin_row(
    work: Work, integration_id: str, facts: Mapping[str, Any], trigger: str, run_id: str | None = None
) -> Run:
    """The row of a sync that begins under the lease: the queued one of this id, one that waits, or a new one."""
    open_runs = work.runs.open(integration_id, 2 * WAITING_RUNS)
    for left in open_runs:
        if left.status == "running":
            end_lost(work, left)
    if run_id is not None:
        waiting = [each for each in open_runs if each.id == run_id and each.status == "queued"]
    else:
        waiting = [] if facts else [each for each in open_runs if each.status == "queued" and each.kind in SYNCING]
    if waiting:
        return start_row(work, waiting[-1])
    kind = "range" if facts else "live"
    run = Run(work.keys.new_id(), integration_id, kind, trigger, status="running", facts=facts, started_at=work.now)
    work.runs.add(run)
    return run


def start_row(work: Work, run: Run) -> Run:
    """A queued run is at work now."""
    return work.runs.save(run.id, status="running", started_at=work.now)


def end_lost(work: Work, run: Run) -> None:
    """Whoever ran it died: its lease ran out, and its steps are in the intents."""
    attempts = int(run.facts.get("attempts", 1))
    if run.kind in REPEATABLE and attempts < MOST_ATTEMPTS:
        work.runs.save(run.id, status="queued", facts={**run.facts, "attempts": attempts + 1})
        return
    work.runs.save(run.id, status="failed", reason="lease_lost", finished_at=work.now)
    repeat(work, run)


def repeat(work: Work, run: Run, *, retrieved: bool = False) -> None:
    """A range that was not copied whole is copied again by the next run; what is there already costs little.

    ``retrieved``: the range of the linked calendar is there.
    """
    names = ("send",) if retrieved else ("retrieve", "send")
    ranges = {name: run.facts[name] for name in names if name in run.facts}
    if run.kind in {"range", "apply"} and ranges:
        work.runs.add(Run(work.keys.new_id(), run.integration_id, "range", "retry", facts=ranges))
        work.raise_due(run.integration_id)


def keep_for_later(parts: Parts, tenant: str, integration_id: str, facts: Mapping[str, Any]) -> None:
    """A trigger while a run is at work: it is due again, and a range is not forgotten."""
    with parts.database.write(tenant) as work:
        work.raise_due(integration_id)
        if facts:
            work.runs.add(Run(work.keys.new_id(), integration_id, "range", "manual", facts=facts))


def long_waits(work: Work, integration_id: str) -> bool:
    """Whether a run that takes its time is queued."""
    return any(run.kind in LONG for run in work.runs.queued(integration_id, WAITING_RUNS))
