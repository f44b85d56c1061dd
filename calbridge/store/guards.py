"""What a tenant may reach, and how often credentials may be checked."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from calbridge.store.columns import digest
from calbridge.store.sql import upserting
from calbridge.store.tables import checks, grants, tenants

CHECKS_MOST = 5
CHECKS_WINDOW = timedelta(minutes=15)
"""DESIGN 8: checks of credentials per user, and per host and user name."""
# Built once: every run asks it.
_HOSTS = select(grants.c.host).where(grants.c.tenant_id == bindparam("b_tenant")).order_by(grants.c.host)


class Grants:
    """Private hosts (``host``, ``host:port`` or a network) that the platform granted to this tenant."""

    def __init__(self, connection: Connection, tenant: str, now: datetime) -> None:
        self._connection = connection
        self._tenant = tenant
        self._now = now

    def add(self, host: str) -> None:
        """Grant a host; granting it twice changes nothing."""
        row = {"tenant_id": self._tenant, "host": host, "created_at": self._now}
        self._connection.execute(upserting(self._connection, grants).values(row).on_conflict_do_nothing())

    def remove(self, host: str) -> bool:
        """Take a grant back; returns whether there was one."""
        here = (grants.c.tenant_id == self._tenant, grants.c.host == host)
        return self._connection.execute(delete(grants).where(*here)).rowcount == 1

    def list(self) -> list[str]:
        """All granted hosts."""
        return list(self._connection.scalars(_HOSTS, {"b_tenant": self._tenant}))


class Checks:
    """Rate limit of credential checks. A subject is a user, or a host with a user name; only its hash is kept."""

    def __init__(self, connection: Connection, tenant: str, now: datetime) -> None:
        self._connection = connection
        self._tenant = tenant
        self._now = now

    def claim(self, *subjects: str) -> bool:
        """Whether one more check is allowed for all of these subjects; if so, it is counted.

        The tenant's row is locked meanwhile, so that checks at the same time count each other.
        """
        self._connection.execute(select(tenants.c.id).where(tenants.c.id == self._tenant).with_for_update())
        hashes = [digest(subject) for subject in subjects]
        if any(self._count(each) >= CHECKS_MOST for each in hashes):
            return False
        rows = [{"tenant_id": self._tenant, "subject": each, "at": self._now} for each in hashes]
        self._connection.execute(insert(checks), rows)
        return True

    def _count(self, subject: str) -> int:
        query = (
            select(func.count())
            .select_from(checks)
            .where(
                checks.c.tenant_id == self._tenant,
                checks.c.subject == subject,
                checks.c.at > self._now - CHECKS_WINDOW,
            )
        )
        return int(self._connection.execute(query).scalar_one())
