"""Services, accounts and what is reached with them, as use cases answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


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
class HostView:
    """A private place a tenant may reach."""

    host: str
