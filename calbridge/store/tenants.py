"""Tenants: all of them for the platform, and each one's own settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from calbridge.errors import Refused
from calbridge.store.failures import unique
from calbridge.store.tables import tenants


@dataclass(frozen=True, slots=True)
class Tenant:
    """One PSA account. ``epoch`` rises when a backup was restored: cursors from before are refused (SYNC E3)."""

    id: str
    name: str
    settings: Mapping[str, Any]
    seq: int
    epoch: int
    created_at: datetime
    version: int = 1
    deletes_confirmed_until: datetime | None = None


_FIELDS = tuple(each.name for each in fields(Tenant))
_ALL = select(*(tenants.c[name] for name in _FIELDS))
_GET = _ALL.where(tenants.c.id == bindparam("b_id"))
_LOCK = _GET.with_for_update()


class Tenants:
    """All tenants."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    def add(self, tenant_id: str, name: str, settings: Mapping[str, Any] | None = None) -> Tenant:
        """Make a tenant. :raises Refused: ``already_exists``."""
        tenant = Tenant(tenant_id, name, dict(settings or {}), 0, 1, self._now)
        row = {name: getattr(tenant, name) for name in _FIELDS} | _beside(tenant.settings)
        with unique("tenant"):
            self._connection.execute(insert(tenants).values(row))
        return tenant

    def get(self, tenant_id: str) -> Tenant | None:
        """One tenant."""
        row = self._connection.execute(_GET, {"b_id": tenant_id}).one_or_none()
        return None if row is None else Tenant(*row)

    def list(self, after: str | None = None, limit: int = 200) -> list[Tenant]:
        """Tenants in the order of their ids."""
        query = _ALL.order_by(tenants.c.id).limit(limit)
        if after is not None:
            query = query.where(tenants.c.id > after)
        return [Tenant(*row) for row in self._connection.execute(query)]

    def start_epoch(self) -> None:
        """After a backup was restored: every cursor of before is void."""
        self._connection.execute(update(tenants).values(epoch=tenants.c.epoch + 1))


class TenantSettings:
    """One tenant's own row."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant

    def get(self, *, lock: bool = False) -> Tenant:
        """The tenant; ``lock`` it where what is read will be written. :raises Refused: ``tenant_not_found``."""
        row = self._connection.execute(_LOCK if lock else _GET, {"b_id": self._tenant}).one_or_none()
        if row is None:
            raise Refused(code="tenant_not_found", tenant=self._tenant)
        return Tenant(*row)

    def save(self, *, name: str | None = None, settings: Mapping[str, Any] | None = None) -> None:
        """Store a new name or the whole of the settings; the version rises."""
        given: dict[str, Any] = {} if name is None else {"name": name}
        if settings is not None:
            given |= {"settings": dict(settings)} | _beside(settings)
        if given:
            self._connection.execute(
                update(tenants).where(tenants.c.id == self._tenant).values(given | {"version": tenants.c.version + 1})
            )

    def confirm_deletes(self, until: datetime) -> None:
        """An administrator's word for unusually many deletions (SYNC D8)."""
        here = tenants.c.id == self._tenant
        self._connection.execute(update(tenants).where(here).values(deletes_confirmed_until=until))


def _beside(settings: Mapping[str, Any]) -> dict[str, Any]:
    """What the sweep asks of every tenant at once stands in a column of its own, too."""
    return {"sync_enabled": settings.get("sync_enabled") is not False}
