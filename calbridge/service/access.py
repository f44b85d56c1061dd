"""Who may call what (DESIGN: REST API, keys and scopes)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from calbridge.service.parts import Actor


class Role(enum.StrEnum):
    """What kind of caller presented a key or a token."""

    PLATFORM = "platform"
    """The operator of the installation: tenants and their keys."""
    ADMIN = "admin"
    """An administrator of a tenant."""
    BACKEND = "backend"
    """The PSA's own server, for all users of its tenant."""
    USER = "user"
    """One user, by a short-lived token in a PSA's page."""


class Scope(enum.StrEnum):
    """What an operation needs; each operation names one (``x-scope``)."""

    PLATFORM = "platform"
    ADMIN = "admin"
    BACKEND = "backend"
    INTEGRATIONS = "integrations"
    """Integrations, their runs, logs and links; of one's own user with a token."""
    ITEMS_READ = "items:read"
    ITEMS_WRITE = "items:write"
    CONFIRM = "confirm"
    """Giving the word that a guard waits for."""
    STATUS = "status"
    """How things stand: for the platform in the whole installation, for others in their tenant."""


_OF_USERS = frozenset({Scope.INTEGRATIONS, Scope.ITEMS_READ, Scope.ITEMS_WRITE, Scope.CONFIRM})
SCOPES: Mapping[Role, frozenset[Scope]] = MappingProxyType(
    {
        Role.PLATFORM: frozenset({Scope.PLATFORM, Scope.STATUS}),
        Role.ADMIN: _OF_USERS | {Scope.ADMIN, Scope.BACKEND, Scope.STATUS},
        Role.BACKEND: _OF_USERS | {Scope.BACKEND, Scope.STATUS},
        Role.USER: frozenset({Scope.INTEGRATIONS, Scope.ITEMS_READ}),
    }
)
"""What a role may do by itself."""
GRANTABLE = frozenset({Scope.ITEMS_WRITE, Scope.CONFIRM})
"""What a user token has only if it was granted."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who presented a valid key or token. ``tenant`` is None for the platform, ``user_id`` for all but user tokens."""

    role: Role
    scopes: frozenset[Scope]
    tenant: str | None = None
    user_id: str | None = None
    key_id: str | None = None

    @property
    def actor(self) -> Actor:
        """On whose behalf use cases run."""
        door = "page" if self.role is Role.USER else "api"
        return Actor(door, key=self.key_id, user=self.user_id, admin=self.role is Role.ADMIN)
