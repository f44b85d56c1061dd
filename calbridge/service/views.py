"""What the use cases answer with: frozen values, and their JSON form (the package's docstring names the shapes)."""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import UTC, date, datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class TenantView:
    """A PSA account. ``private_hosts`` are the grants it has."""

    id: str
    name: str
    private_hosts: tuple[str, ...]
    created_at: datetime | None
    version: int = 1


@dataclass(frozen=True, slots=True)
class UserView:
    """A PSA user."""

    id: str
    email: str | None
    name: str
    time_zone: str
    calendar_sync: bool
    created_at: datetime | None
    updated_at: datetime | None
    version: int = 1


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A service that can be picked, or a plugin that can't be used and why (``problem``)."""

    service: str
    title: str
    connector: str
    authentication: str = ""
    needs_url: bool = False
    help: str = ""
    account_schema: Mapping[str, object] = field(default_factory=dict)
    capabilities: Mapping[str, str] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)
    horizon: int | None = None
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class AccountView:
    """A signed-in identity, without its secret."""

    service: str
    url: str | None
    username: str
    owner_address: str | None
    has_secret: bool


@dataclass(frozen=True, slots=True)
class AuthorizationView:
    """Where a user's browser is to be sent to sign in, and until when."""

    authorize_url: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class CalendarView:
    """A calendar that can be linked."""

    id: str
    name: str
    time_zone: str | None
    color: str | None
    primary: bool
    writable: bool


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


@dataclass(frozen=True, slots=True)
class LinkView:
    """One pair and where it stands."""

    integration_id: str
    item_id: str
    state: str
    reason: str | None
    since: datetime | None
    remote_id: str | None
    web_link: str | None
    synced_version: int
    made_by: str
    title: str | None
    withheld: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownView:
    """An event of the linked calendar that has no link; its text is not kept, its times only where they were read."""

    id: str
    integration_id: str
    remote_id: str
    state: str
    code: str | None
    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class HostView:
    """A private place a tenant may reach."""

    host: str


@dataclass(frozen=True, slots=True)
class ImportRow:
    """What became of one line. ``status``: created, updated, unchanged or failed."""

    line: int
    user_id: str
    status: str
    code: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a file of users."""

    rows: tuple[ImportRow, ...]
    created: int
    updated: int
    unchanged: int
    failed: int


@dataclass(frozen=True, slots=True)
class ReceiptView:
    """What was erased, in numbers."""

    kind: str
    tenant: str
    user_id: str | None
    at: datetime
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RemovalView:
    """What a deleted integration took along: events removed there, items removed here, events that had to stay."""

    integration_id: str
    linked: int
    psa: int
    kept: int


@dataclass(frozen=True, slots=True)
class TickReport:
    """What one round of everything due did."""

    ran: tuple[RunView, ...]
    succeeded: int
    failed: int
    waiting: int
    purged: Mapping[str, int]
    delivered: int = 0
    mailed: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``code`` is in the catalogue where something is wrong; with ``ok`` it is only worth
    knowing: it may be meant so."""

    ok: bool
    what: str
    remedy: str = ""
    code: str | None = None


@dataclass(frozen=True, slots=True)
class SecretsReport:
    """Stored secrets: all, those under the first key, those sealed anew, those that no key opens."""

    total: int
    current: int
    changed: int
    unreadable: int


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
