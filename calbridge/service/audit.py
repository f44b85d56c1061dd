"""The audit of a tenant: what happened to keys, settings, accounts and confirmations, and who did it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from calbridge.service.parts import Parts


@dataclass(frozen=True, slots=True)
class AuditView:
    """One line. ``actor``: the door, and the key or user behind it; ``facts`` hold no secrets and no text of items."""

    id: int
    at: datetime
    actor: str
    action: str
    facts: Mapping[str, Any]


def list_audit(parts: Parts, tenant: str, *, after: int | None = None, limit: int = 200) -> list[AuditView]:
    """Lines in their order, after the one of this id. Raises Refused (``tenant_not_found``)."""
    with parts.database.read(tenant) as work:
        work.settings.get()
        found = work.audit.list(after=after or 0, limit=limit)
        return [AuditView(each.id, each.at, each.actor, each.action, each.facts) for each in found]
