"""Origins of pages that may call the API: the operator's, and those that a tenant adds to its settings."""

from __future__ import annotations

from collections.abc import Sequence

from calbridge.service.parts import Parts
from calbridge.store.queries_origins import origins_of_tenants


def allowed_anywhere(parts: Parts, origin: str) -> bool:
    """Whether the operator or any tenant allows this origin."""
    if origin in parts.settings.allowed_origins:
        return True
    with parts.database.system_read() as system:
        return origin in origins_of_tenants(system)


def allowed_for(parts: Parts, tenant: str | None, origin: str) -> bool:
    """Whether the operator or this tenant allows it."""
    if origin in parts.settings.allowed_origins:
        return True
    if tenant is None:
        return False
    with parts.database.read(tenant) as work:
        found = work.settings.get().settings.get("allowed_origins")
    return isinstance(found, Sequence) and not isinstance(found, str) and origin in found
