"""People and what they belong to: tenants and users, as use cases answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


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
