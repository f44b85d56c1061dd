"""What the use cases answer with: frozen values, and their JSON form (the package's docstring names the shapes)."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class IntegrationView:
    """User, account, linked calendar and settings."""

    id: str
    user_id: str
    service: str
    account: Mapping[str, object] | None
    active: bool
    status: str
    reason: str | None
    calendar: Mapping[str, object] | None
    settings: Mapping[str, Any]
    last_sync_at: datetime | None
    last_run_at: datetime | None
    fresh_as_of: datetime | None
    next_run_at: datetime | None
    version: int = 1


@dataclass(frozen=True, slots=True)
class ChangeView:
    """One field before and after, as a person may read it; both None where privacy hides values."""

    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class StepView:
    """One step of a plan."""

    action: str
    direction: str
    item_id: str | None
    remote_id: str | None
    title: str | None
    reason: str | None
    changes: tuple[ChangeView, ...] = ()
    start: Mapping[str, str | None] | None = None
    """As items have it."""


@dataclass(frozen=True, slots=True)
class RunView:
    """One execution of the sync of one integration. ``plan`` is filled for previews.

    ``request_id``: of the request that asked for it; None where none did.
    """

    id: str
    integration_id: str
    kind: str
    trigger: str
    status: str
    reason: str | None
    counters: Mapping[str, int]
    created_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    request_id: str | None = None
    plan: tuple[StepView, ...] = ()


@dataclass(frozen=True, slots=True)
class LogView:
    """One line of the log."""

    id: int
    run_id: str | None
    integration_id: str
    at: datetime
    action: str
    direction: str
    item_id: str | None
    remote_id: str | None
    code: str | None
    title: str | None
    changes: tuple[ChangeView, ...] = ()


def to_json(view: object) -> Any:
    """The JSON form of a view or of values within one: times as RFC 3339 in UTC, sets in order."""
    match view:
        case enum.Enum():
            return view.value
        case datetime():
            return rfc3339(view)
        case date():
            return view.isoformat()
        case str() | None | bool() | int() | float():
            return view
        case Mapping():
            return {str(name): to_json(value) for name, value in view.items()}
        case Set():
            return sorted(to_json(value) for value in view)
        case Sequence():
            return [to_json(value) for value in view]
    if is_dataclass(view):
        return {each.name: to_json(getattr(view, each.name)) for each in fields(view)}
    raise TypeError(f"{type(view).__name__} has no JSON form")


def rfc3339(moment: datetime | None) -> str | None:
    """An aware time in UTC with ``Z``."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
