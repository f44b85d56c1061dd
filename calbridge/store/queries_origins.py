"""The one question about origins that is asked before anybody is known: a browser's preflight carries no key."""

from __future__ import annotations

from sqlalchemy import Text, select, type_coerce

from calbridge.store.tables import tenants
from calbridge.store.work import System


def origins_of_tenants(system: System) -> frozenset[str]:
    """Every origin that some tenant allows."""
    some = type_coerce(tenants.c.settings, Text).like('%"allowed_origins"%')
    rows = system.connection.scalars(select(tenants.c.settings).where(some))
    return frozenset(origin for settings in rows for origin in settings.get("allowed_origins") or ())
