"""Leases (SYNC D1): one run per integration at a time over all processes, by the clock of the database."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, or_, select, update

from calbridge.errors import LeaseLost
from calbridge.store.database import Database
from calbridge.store.sql import database_micros, upserting
from calbridge.store.tables import leases

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that was taken: its ``fence`` is higher than that of every lease before it."""

    tenant_id: str
    integration_id: str
    owner: str
    fence: int
    seconds: float


class Leases:
    """Takes and gives back leases, each call in a transaction of its own."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def acquire(self, tenant: str, integration_id: str, owner: str, seconds: float) -> Lease | None:
        """Take the lease unless somebody holds one that has not run out; ``owner`` is a name used only once."""
        with self._database.connect(writes=True) as connection:
            now = database_micros(connection)
            until = now + int(seconds * _SECOND)
            new = {
                "tenant_id": tenant,
                "integration_id": integration_id,
                "owner": owner,
                "expires_at": until,
                "fence": 1,
                "serial": 0,
            }
            fence = connection.execute(
                upserting(connection, leases)
                .values(new)
                .on_conflict_do_update(
                    index_elements=["tenant_id", "integration_id"],
                    set_={"owner": owner, "expires_at": until, "fence": leases.c.fence + 1},
                    where=or_(leases.c.owner.is_(None), leases.c.expires_at <= now),
                )
                .returning(leases.c.fence)
            ).scalar_one_or_none()
        return None if fence is None else Lease(tenant, integration_id, owner, fence, seconds)

    def renew(self, lease: Lease) -> None:
        """Extend it from now. :raises LeaseLost: somebody took it, or it was given back."""
        with self._database.connect(writes=True) as connection:
            until = database_micros(connection) + int(lease.seconds * _SECOND)
            held = connection.execute(update(leases).where(*_held(lease)).values(expires_at=until))
            if held.rowcount != 1:
                raise LeaseLost

    def release(self, lease: Lease) -> None:
        """Give it back; nothing happens if somebody else has it by now."""
        with self._database.connect(writes=True) as connection:
            connection.execute(update(leases).where(*_held(lease)).values(owner=None))

    def held(self, tenant: str, integration_id: str) -> bool:
        """Whether somebody holds a lease that has not run out."""
        with self._database.connect(writes=False) as connection:
            row = connection.execute(
                select(leases.c.owner, leases.c.expires_at).where(
                    leases.c.tenant_id == tenant, leases.c.integration_id == integration_id
                )
            ).one_or_none()
            return row is not None and row.owner is not None and row.expires_at > database_micros(connection)


def lock(connection: Connection, lease: Lease) -> int:
    """Lock the lease's row for this transaction and compare the fence; returns the last number given to a row.

    :raises LeaseLost: another run took it.
    """
    row = connection.execute(select(leases.c.serial).where(*_held(lease)).with_for_update()).one_or_none()
    if row is None:
        raise LeaseLost
    return int(row.serial)


def keep_serial(connection: Connection, lease: Lease, serial: int) -> None:
    """Store the last number given to a row."""
    connection.execute(update(leases).where(*_held(lease)).values(serial=serial))


def _held(lease: Lease) -> tuple[ColumnElement[bool], ...]:
    return (
        leases.c.tenant_id == lease.tenant_id,
        leases.c.integration_id == lease.integration_id,
        leases.c.owner == lease.owner,
        leases.c.fence == lease.fence,
    )
