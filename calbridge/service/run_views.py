"""Runs and log lines as they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from calbridge.domain.content import Text
from calbridge.service.views import ChangeView, LogView, RunView, StepView
from calbridge.store.journal import LogLine
from calbridge.store.runs import Run

REQUEST = "request"
"""The fact of a run that tells which request asked for it."""


def run_view(run: Run) -> RunView:
    """A run; that of a preview with its plan."""
    return RunView(
        id=run.id,
        integration_id=run.integration_id,
        kind=run.kind,
        trigger=run.trigger,
        status=run.status,
        reason=run.reason,
        counters=run.counters,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        request_id=run.facts.get(REQUEST),
        plan=tuple(_step(each) for each in run.facts.get("plan", ())),
    )


def _step(told: Mapping[str, Any]) -> StepView:
    changes = tuple(ChangeView(*row) for row in told["changes"])
    return StepView(**{**told, "changes": changes})


def log_view(line: LogLine) -> LogView:
    """A line of the log."""
    entry = line.entry
    return LogView(
        id=line.id,
        run_id=line.run_id,
        integration_id=line.integration_id,
        at=entry.at,
        action=entry.action,
        direction=entry.direction.value,
        item_id=entry.item_id,
        remote_id=entry.remote_id,
        code=entry.code,
        title=entry.title,
        changes=change_views(entry.changes),
    )


def change_views(changes: Mapping[str, tuple[object, object]]) -> tuple[ChangeView, ...]:
    """Field differences as text."""
    return tuple(ChangeView(name, _told(before), _told(after)) for name, (before, after) in changes.items())


def _told(value: object) -> str | None:
    if value is None:
        return None
    return value.plain if isinstance(value, Text) else str(value)
