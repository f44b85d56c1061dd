"""Keys of programs that call the API: the platform's own, and those of tenants. What is stored can't be presented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, or_, select, update

from calbridge.store.tables import installation, keys_of_platform, keys_of_tenants

USE_STEP = timedelta(minutes=1)
"""How exactly ``last_used_at`` is kept, so that reading requests rarely write."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A stored key. ``prefix`` finds it, ``digest`` proves it (hexadecimal SHA-256 of the whole key).

    ``role`` is admin or backend; keys of the platform have the role platform and no tenant.
    """

    id: str
    role: str
    name: str
    prefix: str
    digest: str = field(repr=False)
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    tenant: str | None = None

    def live(self, now: datetime) -> bool:
        """Whether it may still be used."""
        return self.expires_at is None or now < self.expires_at


PLATFORM = "platform"
_FIELDS = tuple(each.name for each in fields(ApiKey) if each.name not in ("role", "tenant"))
_OF_PLATFORM = select(*(keys_of_platform.c[name] for name in _FIELDS))
_OF_TENANTS = select(
    *(keys_of_tenants.c[name] for name in _FIELDS), keys_of_tenants.c.role, keys_of_tenants.c.tenant_id
)
# Built once: every request asks one of them.
_PLATFORM_BY_PREFIX = _OF_PLATFORM.where(keys_of_platform.c.prefix == bindparam("b_prefix"))
_TENANT_BY_PREFIX = _OF_TENANTS.where(keys_of_tenants.c.prefix == bindparam("b_prefix"))


class ApiKeys:
    """The keys of one tenant, or with None those of the platform."""

    def __init__(self, connection: Connection, tenant: str | None, now: datetime) -> None:
        self._connection = connection
        self._tenant = tenant
        self._now = now
        self._table = keys_of_platform if tenant is None else keys_of_tenants
        self._all = _OF_PLATFORM if tenant is None else _OF_TENANTS

    def lock(self) -> None:
        """Make those who add keys of the platform take turns; a tenant's are ordered by the tenant's own row."""
        self._connection.execute(select(installation.c.id).with_for_update())

    def add(self, key: ApiKey) -> None:
        """Store a new key."""
        row: dict[str, Any] = {name: getattr(key, name) for name in _FIELDS}
        if self._tenant is not None:
            row |= {"role": key.role, "tenant_id": self._tenant}
        self._connection.execute(insert(self._table).values(row))

    def get(self, key_id: str) -> ApiKey | None:
        """One key."""
        row = self._connection.execute(self._all.where(*self._here(key_id))).one_or_none()
        return None if row is None else _key(row)

    def list(self, after: str | None = None, limit: int = 200) -> Sequence[ApiKey]:
        """Keys in the order of their ids, expired ones too."""
        query = self._all.where(*self._mine()).order_by(self._table.c.id).limit(limit)
        if after is not None:
            query = query.where(self._table.c.id > after)
        return [_key(row) for row in self._connection.execute(query)]

    def count_live(self, role: str, name: str) -> int:
        """How many keys of this role and name may be used now."""
        columns = self._table.c
        chosen = [
            *self._mine(),
            columns.name == name,
            or_(columns.expires_at.is_(None), columns.expires_at > self._now),
        ]
        if self._tenant is not None:
            chosen.append(columns.role == role)
        query = select(func.count()).select_from(self._table).where(*chosen)
        return int(self._connection.execute(query).scalar_one())

    def remove(self, key_id: str) -> bool:
        """Forget a key; returns whether there was one."""
        return self._connection.execute(delete(self._table).where(*self._here(key_id))).rowcount == 1

    def used(self, key_id: str) -> None:
        """The key was presented. Two that see the same minute pass write once."""
        last = self._table.c.last_used_at
        stale = or_(last.is_(None), last <= self._now - USE_STEP)
        self._connection.execute(update(self._table).where(*self._here(key_id), stale).values(last_used_at=self._now))

    def _mine(self) -> tuple[ColumnElement[bool], ...]:
        return () if self._tenant is None else (self._table.c.tenant_id == self._tenant,)

    def _here(self, key_id: str) -> tuple[ColumnElement[bool], ...]:
        return (*self._mine(), self._table.c.id == key_id)


def find_key(connection: Connection, prefix: str, *, platform: bool) -> ApiKey | None:
    """The key that this prefix names, whoever's it is: who presents it is not known before (one query)."""
    row = connection.execute(_PLATFORM_BY_PREFIX if platform else _TENANT_BY_PREFIX, {"b_prefix": prefix}).one_or_none()
    return None if row is None else _key(row)


def _key(row: Any) -> ApiKey:
    facts = dict(row._mapping)
    return ApiKey(role=facts.pop("role", PLATFORM), tenant=facts.pop("tenant_id", None), **facts)
