"""Whether somebody is at work: workers and schedulers by their signs of life."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from calbridge.service.findings import bad, note, well
from calbridge.service.heartbeats import ProcessView
from calbridge.service.views_installation import Finding

BULK = "bulk"


def processes(found: Sequence[ProcessView]) -> Iterator[Finding]:
    """What those that are alive leave undone. A worker tells in ``queues`` which ones it serves."""
    workers = [each for each in found if each.alive and each.kind == "worker"]
    schedulers = [each for each in found if each.alive and each.kind == "scheduler"]
    yield well(f"workers at work: {len(workers)}") if workers else bad("no_worker")
    if workers:
        yield from _bulk([BULK in each.facts.get("queues", ()) for each in workers])
    yield well(f"schedulers at work: {len(schedulers)}") if schedulers else bad("no_scheduler")


def _bulk(takes_bulk: Sequence[bool]) -> Iterator[Finding]:
    if not any(takes_bulk):
        yield bad("no_bulk_worker")
    elif all(takes_bulk):
        yield note("no_short_worker")
    else:
        yield well("short work does not wait for long work")
