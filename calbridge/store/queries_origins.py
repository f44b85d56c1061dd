"""The one question about origins that is asked before anybody is known: a browser's preflight carries no key."""

from __future__ import annotations

from sqlalchemy import select

from calbridge.store.tables import tenants
from calbridge.store.work import System


def origins_of_tenants(system: System) -> frozenset[str]:
    """Every origin that some tenant allows."""
    rows = system.connection.scalars(select(tenants.c.settings).where(tenants.c.settings.like('%"allowed_origins"%')))
    return frozenset(origin for settings in rows for origin in settings.get("allowed_origins") or ())
