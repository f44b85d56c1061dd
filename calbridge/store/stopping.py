"""Why nothing runs although an integration is active: what administrators or the PSA switched off."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, case, exists, null

from calbridge.store.tables import integrations, tenants, users

_TENANT_SYNCS = exists().where(tenants.c.id == integrations.c.tenant_id, tenants.c.sync_enabled)
_USER_SYNCS = exists().where(
    users.c.tenant_id == integrations.c.tenant_id, users.c.id == integrations.c.user_id, users.c.calendar_sync
)
STOPPED: ColumnElement[str | None] = case(
    (~_TENANT_SYNCS, "sync_disabled"),
    (~_USER_SYNCS, "calendar_sync_off"),
    (~integrations.c.allowed, "service_not_allowed"),
    else_=null(),
)
"""The code, or nothing: of the tenant's ``sync_enabled``, the user's ``calendar_sync``, and ``services_allowed``."""


def unstopped() -> ColumnElement[bool]:
    """The condition that nothing of it holds."""
    return and_(_TENANT_SYNCS, _USER_SYNCS, integrations.c.allowed)
