"""Leases (SYNC D1): one run per integration at a time over all processes, by the clock of the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, bindparam, case, or_, select, update

from calbridge.errors import LeaseLost
from calbridge.store.sql import DatabaseNow, database_micros, upserting
from calbridge.store.tables import leases

if TYPE_CHECKING:
    from sqlalchemy.sql.dml import ReturningInsert

    from calbridge.store.database import Database

_SECOND = 1_000_000
# Built once: every page of a run begins with one, every remote batch with another.
_HELD = (
    leases.c.tenant_id == bindparam("b_tenant"),
    leases.c.integration_id == bindparam("b_integration"),
    leases.c.owner == bindparam("b_owner"),
    leases.c.fence == bindparam("b_fence"),
)
_LOCK = select(leases.c.serial).where(*_HELD).with_for_update()
_RENEW = update(leases).where(*_HELD).values(expires_at=DatabaseNow() + bindparam("b_micros"))
_RELEASE = update(leases).where(*_HELD).values(owner=None)
_KEEP = update(leases).where(*_HELD).values(serial=bindparam("b_serial"))


_TAKING: dict[str, ReturningInsert[int]] = {}
"""By the name of the dialect."""


def _taking(connection: Connection) -> ReturningInsert[int]:
    dialect = connection.dialect.name
    if dialect not in _TAKING:
        statement = upserting(connection, leases).values(
            tenant_id=bindparam("b_tenant"),
            integration_id=bindparam("b_integration"),
            owner=bindparam("b_owner"),
            expires_at=DatabaseNow() + bindparam("b_micros"),
            fence=1,
            serial=0,
            taken=bindparam("b_taken"),
        )
        new = statement.excluded
        _TAKING[dialect] = statement.on_conflict_do_update(
            index_elements=["tenant_id", "integration_id"],
            set_={
                "owner": new.owner,
                "expires_at": new.expires_at,
                "fence": leases.c.fence + 1,
                "taken": case((new.taken > leases.c.taken, new.taken), else_=leases.c.taken),
            },
            where=or_(leases.c.owner.is_(None), leases.c.expires_at <= DatabaseNow()),
        ).returning(leases.c.fence)
    return _TAKING[dialect]


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
            return acquire(connection, tenant, integration_id, owner, seconds)

    def renew(self, lease: Lease) -> None:
        """Extend it from now. :raises LeaseLost: somebody took it, or it was given back."""
        with self._database.connect(writes=True) as connection:
            held = connection.execute(_RENEW, _held(lease) | {"b_micros": int(lease.seconds * _SECOND)})
            if held.rowcount != 1:
                raise LeaseLost

    def release(self, lease: Lease) -> None:
        """Give it back; nothing happens if somebody else has it by now."""
        with self._database.connect(writes=True) as connection:
            release(connection, lease)

    def held(self, tenant: str, integration_id: str) -> bool:
        """Whether somebody holds a lease that has not run out."""
        with self._database.connect(writes=False) as connection:
            row = connection.execute(
                select(leases.c.owner, leases.c.expires_at).where(
                    leases.c.tenant_id == tenant, leases.c.integration_id == integration_id
                )
            ).one_or_none()
            return row is not None and row.owner is not None and row.expires_at > database_micros(connection)


def acquire(
    connection: Connection, tenant: str, integration_id: str, owner: str, seconds: float, taken: int = 0
) -> Lease | None:
    """Take the lease in this transaction, see :meth:`Leases.acquire`; ``taken``: the last trigger that the holder knows
    of, so that others can tell whether a later one is there already."""
    new = {
        "b_tenant": tenant,
        "b_integration": integration_id,
        "b_owner": owner,
        "b_micros": int(seconds * _SECOND),
        "b_taken": taken,
    }
    fence = connection.execute(_taking(connection), new).scalar_one_or_none()
    return None if fence is None else Lease(tenant, integration_id, owner, fence, seconds)


def release(connection: Connection, lease: Lease) -> None:
    """Give it back in this transaction, see :meth:`Leases.release`."""
    connection.execute(_RELEASE, _held(lease))


def lock(connection: Connection, lease: Lease) -> int:
    """Lock the lease's row for this transaction and compare the fence; returns the last number given to a row.

    :raises LeaseLost: another run took it.
    """
    row = connection.execute(_LOCK, _held(lease)).one_or_none()
    if row is None:
        raise LeaseLost
    return int(row.serial)


def keep_serial(connection: Connection, lease: Lease, serial: int) -> None:
    """Store the last number given to a row."""
    connection.execute(_KEEP, _held(lease) | {"b_serial": serial})


def _held(lease: Lease) -> dict[str, object]:
    return {
        "b_tenant": lease.tenant_id,
        "b_integration": lease.integration_id,
        "b_owner": lease.owner,
        "b_fence": lease.fence,
    }
