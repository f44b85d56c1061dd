"""The result, for people and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from calbridge.cli.plain import plain_table
from tools.benchmark.cases import FAR_CASE, Row, Warm
from tools.benchmark.goals import Goal
from tools.benchmark.jobs import JOB_HEADERS, JobNumbers, job_row
from tools.benchmark.pushes import PUSH_HEADERS, PushNumbers, push_row

_HEADERS = ("case", "side", "requests", "kB", "CPU s", "wall s", "peak MiB")


def as_text(
    rows: Sequence[Row],
    goals: Sequence[Goal],
    warm: Warm,
    api: Mapping[str, tuple[float, float]],
    jobs: Mapping[str, JobNumbers],
    pushes: Mapping[str, PushNumbers],
) -> str:
    """Tables of what was measured and of the goals."""
    measured = plain_table(_HEADERS, [_measured(row) for row in rows])
    warmed = "\n".join(
        [f"no change among {count:,}, warm: {cpu * 1000:.1f} ms of CPU" for count, cpu in warm.idle.items()]
        + [f"{FAR_CASE}, warm: {warm.far:.2f} s of wall"]
    )
    aims = plain_table(("goal", "measured", "at most", "met"), [_aim(goal) for goal in goals])
    asked = [[case, f"{ours:.2f}", f"{minimal:.2f}"] for case, (ours, minimal) in api.items()]
    requests = plain_table(("REST request", "calbridge CPU ms", "minimal CPU ms"), asked)
    worked = plain_table(JOB_HEADERS, [job_row(kind, numbers) for kind, numbers in jobs.items()])
    pushed = plain_table(PUSH_HEADERS, [push_row(kind, numbers) for kind, numbers in pushes.items()])
    return f"{measured}\n\n{warmed}\n\n{requests}\n\n{worked}\n\n{pushed}\n\n{aims}"


def as_json(
    rows: Sequence[Row],
    goals: Sequence[Goal],
    warm: Warm,
    api: Mapping[str, tuple[float, float]],
    jobs: Mapping[str, JobNumbers],
    pushes: Mapping[str, PushNumbers],
) -> dict[str, Any]:
    """The same as plain values; seconds, bytes and MiB, and milliseconds for requests."""
    return {
        "cases": [{"case": row.case, "side": row.side, **asdict(row.cost)} for row in rows],
        "warm_cpu": {str(count): cpu for count, cpu in warm.idle.items()},
        "warm_far_wall": warm.far,
        "requests": {case: {"calbridge": ours, "minimal": minimal} for case, (ours, minimal) in api.items()},
        "jobs": {kind: asdict(numbers) for kind, numbers in jobs.items()},
        "pushes": {kind: asdict(numbers) for kind, numbers in pushes.items()},
        "goals": [{**asdict(goal), "met": goal.met} for goal in goals],
    }


def _measured(row: Row) -> list[str]:
    cost = row.cost
    return [
        row.case,
        row.side,
        f"{cost.requests:,}",
        f"{cost.bytes / 1000:,.1f}",
        f"{cost.cpu:.2f}",
        f"{cost.wall:.2f}",
        f"{cost.peak:.0f}",
    ]


def _aim(goal: Goal) -> list[str]:
    return [goal.text, _number(goal.measured, goal.unit), _number(goal.limit, goal.unit), "yes" if goal.met else "NO"]


def _number(value: float, unit: str) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".") + (f" {unit}" if unit else "")
