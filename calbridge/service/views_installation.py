"""What looking after an installation finds, as use cases answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from calbridge.service.views import RunView


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
