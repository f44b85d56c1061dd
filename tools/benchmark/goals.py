"""What the numbers should be."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tools.benchmark.cases import (
    CALBRIDGE,
    FAR_CASE,
    FEW,
    GET_CASE,
    LIST_CASE,
    MANY,
    VDIRSYNCER,
    WRITE_CASE,
    Row,
    Sizes,
    Warm,
    changes_case,
    first_case,
    idle_case,
    sending_case,
)
from tools.benchmark.jobs import JobNumbers
from tools.benchmark.measuring import Cost
from tools.benchmark.pushes import PushNumbers

BATCH = 500
"""Bodies read with one request."""
BASELINE_REQUESTS = 3
IDLE_BYTES = 2_000
POLL_CPU_MS = 30
"""Of one core: 10,000 idle integrations every five minutes."""
API_LIMITS = {GET_CASE: 1.5, LIST_CASE: 2.5, WRITE_CASE: 3.0}


@dataclass(frozen=True)
class Goal:
    """One goal: what was measured must be at most ``limit``."""

    text: str
    measured: float
    limit: float
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether it is kept."""
        return self.measured <= self.limit


def goals(
    rows: Iterable[Row],
    warm: Warm,
    sizes: Sizes,
    year: Mapping[str, float],
    api: Mapping[str, tuple[float, float]],
) -> Sequence[Goal]:
    """All goals with what was measured. Counts of requests are ceilings that tests hold, too."""
    cost = {(row.case, row.side): row.cost for row in rows}
    return [*_ceilings(cost, sizes), *_efforts(cost, warm, sizes), *_listing(year), *_requests(api)]


def job_goals(found: Mapping[str, JobNumbers]) -> Iterable[Goal]:
    """What jobs cost, and how soon they act, on each database."""
    for kind, jobs in found.items():
        yield Goal(f"item written by REST until the server has it, {kind}: p95", jobs.idle_p95 * 1000, 1000, "ms")
        yield Goal(f"the same during another tenant's first runs, {kind}: p95", jobs.busy_p95 * 1000, 2000, "ms")
        yield Goal(f"a job with nothing to do, {kind}: CPU", jobs.overhead_cpu * 1000, 25, "ms")
        yield Goal(f"poll of an idle integration, {kind}: CPU", jobs.poll_cpu * 1000, POLL_CPU_MS, "ms")


def push_goals(found: Mapping[str, PushNumbers]) -> Iterable[Goal]:
    """How soon what a service pushes is told, on each database."""
    for kind, pushes in found.items():
        yield Goal(f"notification to an item in the change feed, {kind}: p95", pushes.heard_p95 * 1000, 1000, "ms")
        yield Goal(f"notification answered, {kind}: p95", pushes.answered_p95 * 1000, 50, "ms")


def _batches(count: int) -> int:
    return math.ceil(count / BATCH)


def _ceilings(cost: Mapping[tuple[str, str], Cost], sizes: Sizes) -> Iterable[Goal]:
    for count in (sizes.small, sizes.large):
        # The first run makes the baseline and is a range run.
        first = cost[first_case(count), CALBRIDGE]
        yield Goal(f"{first_case(count)}: requests", first.requests, BASELINE_REQUESTS + 3 + _batches(count))
        idle = cost[idle_case(count), CALBRIDGE]
        yield Goal(f"{idle_case(count)}: requests", idle.requests, 1)
        yield Goal(f"{idle_case(count)}: bytes", idle.bytes, IDLE_BYTES)
        mixed = cost[changes_case(count), CALBRIDGE]
        yield Goal(f"{changes_case(count)}: requests", mixed.requests, 1 + _batches(FEW) + FEW + _batches(FEW))
    sent = cost[sending_case(sizes.sent), CALBRIDGE]
    yield Goal(f"{sending_case(sizes.sent)}: requests", sent.requests, sizes.sent + 1 + _batches(sizes.sent))
    yield Goal(f"{FAR_CASE}: requests", cost[FAR_CASE, CALBRIDGE].requests, MANY + 1 + _batches(MANY))


def _efforts(cost: Mapping[tuple[str, str], Cost], warm: Warm, sizes: Sizes) -> Iterable[Goal]:
    small, large = sizes.small, sizes.large
    yield Goal(f"{idle_case(large)}: CPU in a warm process", warm.idle[large] * 1000, 10, "ms")
    yield Goal(f"{idle_case(large)}: CPU against {small:,}", warm.idle[large] / warm.idle[small], 1.2, "x")
    ours, theirs = cost[first_case(large), CALBRIDGE], cost[first_case(large), VDIRSYNCER]
    yield Goal(f"{first_case(large)}: CPU against vdirsyncer", ours.cpu / theirs.cpu, 1.5, "x")
    grown = ours.peak - cost[first_case(small), CALBRIDGE].peak
    yield Goal(f"{first_case(large)}: more memory than for {small:,}", grown, 20, "MiB")
    theirs = cost[FAR_CASE, VDIRSYNCER]
    far = cost[FAR_CASE, CALBRIDGE].wall / theirs.wall
    yield Goal(f"{FAR_CASE}: wall against vdirsyncer", far, 0.4, "x")
    yield Goal(f"{FAR_CASE}: wall in a warm process", warm.far / theirs.wall, 0.4, "x")


def _listing(year: Mapping[str, float]) -> Iterable[Goal]:
    ratio = year["listed"] / year["expanded"]
    yield Goal(f"a year of {year['items']:,.0f} items: CPU against plain dateutil", ratio, 3, "x")


def _requests(api: Mapping[str, tuple[float, float]]) -> Iterable[Goal]:
    for case, limit in API_LIMITS.items():
        ours, minimal = api[case]
        yield Goal(f"{case} by REST: CPU against a minimal Flask application", ours / minimal, limit, "x")
