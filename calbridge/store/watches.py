"""Push subscriptions: stored before a service is asked for them, so that a notice which comes early is known.

The last part of a notification address is a secret of 256 bits: only its digest is stored. The token that notices carry
beside it is sealed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from calbridge.store.secrets import SecretBox
from calbridge.store.tables import accounts, installation, integrations, leases, watches

ASKED, LIVE, DOUBTED = "asked", "live", "doubted"
"""The service is being asked, or nobody knows what it answered; it pushes; it may have stopped to."""


@dataclass(frozen=True, slots=True)
class StoredWatch:
    """A subscription. ``base``: the installation's outer address that the service was given; ``state``: what ending it
    takes, as the connector told it."""

    id: str
    integration_id: str
    account_id: str
    connector: str
    calendar_id: str
    base: str
    status: str
    created_at: datetime
    state: str | None = None
    expires_at: datetime | None = None


_FIELDS = tuple(each.name for each in fields(StoredWatch))


@dataclass(frozen=True, slots=True)
class Heeded:
    """What a notice is held against. ``waiting``: its integration has a trigger that no run has taken up yet."""

    tenant_id: str
    integration_id: str
    id: str
    token: str = field(repr=False)
    runs: bool
    waiting: bool


def address_digest(address_id: str) -> str:
    """What the last part of a notification address is found by."""
    return hashlib.sha256(address_id.encode("utf-8", "surrogatepass")).hexdigest()


class Watches:
    """The subscriptions of one tenant."""

    def __init__(self, connection: Connection, tenant: str, secrets: SecretBox, now: datetime) -> None:
        self._connection = connection
        self._tenant = tenant
        self._secrets = secrets
        self._now = now

    def add(self, watch: StoredWatch, address_id: str, token: str) -> None:
        """Store what a service is about to be asked for."""
        row = {name: getattr(watch, name) for name in _FIELDS} | {"tenant_id": self._tenant}
        row["digest"] = address_digest(address_id)
        row["token"] = self._secrets.seal(token, *_place(self._tenant, watch.id))
        self._connection.execute(insert(watches).values(row))

    def list(self, integration_id: str) -> Sequence[StoredWatch]:
        """Those of an integration, the oldest first."""
        query = select(*(watches.c[name] for name in _FIELDS)).where(
            watches.c.tenant_id == self._tenant, watches.c.integration_id == integration_id
        )
        query = query.order_by(watches.c.created_at, watches.c.id)
        return [StoredWatch(*row) for row in self._connection.execute(query)]

    def answered(self, watch_id: str, state: str, expires_at: datetime) -> bool:
        """The service agreed; whether the subscription is still wanted."""
        saved = self._connection.execute(
            update(watches).where(*self._here(watch_id)).values(status=LIVE, state=state, expires_at=expires_at)
        )
        return saved.rowcount == 1

    def doubt(self, watch_ids: Collection[str]) -> None:
        """Whether the service still pushes is not known."""
        here = (watches.c.tenant_id == self._tenant, watches.c.id.in_(watch_ids))
        self._connection.execute(update(watches).where(*here, watches.c.status == LIVE).values(status=DOUBTED))

    def drop(self, watch_ids: Collection[str]) -> None:
        """What comes in for them is of an unknown address from now on."""
        here = (watches.c.tenant_id == self._tenant, watches.c.id.in_(watch_ids))
        self._connection.execute(delete(watches).where(*here))

    def pushed(self, integration_id: str) -> bool:
        """Whether the service tells of changes."""
        query = select(watches.c.id).where(
            watches.c.tenant_id == self._tenant, watches.c.integration_id == integration_id, _pushes(self._now)
        )
        return self._connection.execute(query.limit(1)).first() is not None

    def watched_integrations(self, user_id: str | None, limit: int) -> Sequence[str]:
        """Integrations that have subscriptions, of the tenant or one of its users."""
        query = select(watches.c.integration_id).distinct().where(watches.c.tenant_id == self._tenant)
        if user_id is not None:
            query = query.join(integrations, _INTEGRATION).where(integrations.c.user_id == user_id)
        return list(self._connection.scalars(query.limit(limit)))

    def _here(self, watch_id: str) -> tuple[ColumnElement[bool], ...]:
        return (watches.c.tenant_id == self._tenant, watches.c.id == watch_id)


_INTEGRATION = and_(integrations.c.tenant_id == watches.c.tenant_id, integrations.c.id == watches.c.integration_id)
_LEASE = and_(leases.c.tenant_id == watches.c.tenant_id, leases.c.integration_id == watches.c.integration_id)
_KNOWN = case((leases.c.taken > integrations.c.cleared, leases.c.taken), else_=integrations.c.cleared)
# Built once: every notice asks it.
_LOOK_UP = (
    select(
        watches.c.tenant_id,
        watches.c.integration_id,
        watches.c.id,
        watches.c.token,
        and_(integrations.c.active, integrations.c.status == "connected").label("runs"),
        (integrations.c.due_no > _KNOWN).label("waiting"),
    )
    .join(integrations, _INTEGRATION)
    .outerjoin(leases, _LEASE)
    .where(watches.c.digest == bindparam("b_digest"), watches.c.connector == bindparam("b_connector"))
)


def look_up(connection: Connection, secrets: SecretBox, connector: str, address_id: str) -> Heeded | None:
    """The subscription behind a notification address. :raises SecretUnreadable: no key opens its token."""
    asked = {"b_digest": address_digest(address_id), "b_connector": connector}
    row = connection.execute(_LOOK_UP, asked).one_or_none()
    if row is None:
        return None
    token = secrets.open(row.token, *_place(row.tenant_id, row.id))
    return Heeded(row.tenant_id, row.integration_id, row.id, token, bool(row.runs), bool(row.waiting))


def due_watches(connection: Connection, now: datetime, services: Collection[str], limit: int) -> list[tuple[str, str]]:
    """Tenant and id of integrations of these services whose subscriptions are to be looked after, tenants in turn."""
    # Nobody is asked where the account is cut off, so that need not wait.
    free = or_(accounts.c.not_before.is_(None), accounts.c.not_before <= now, integrations.c.status != "connected")
    order = (integrations.c.watch_at, integrations.c.id)
    place = func.row_number().over(partition_by=integrations.c.tenant_id, order_by=order)
    account = and_(accounts.c.tenant_id == integrations.c.tenant_id, accounts.c.id == integrations.c.account_id)
    query = (
        select(integrations.c.tenant_id, integrations.c.id, place.label("place"))
        .outerjoin(accounts, account)
        .where(*_due(now), integrations.c.service.in_(services), free)
    ).subquery()
    rows = connection.execute(select(query).order_by(query.c.place, query.c.tenant_id).limit(limit))
    return [(row.tenant_id, row.id) for row in rows]


def unwatched_due(connection: Connection, now: datetime, services: Collection[str]) -> bool:
    """Whether there is something for :func:`leave_unwatched`."""
    query = select(integrations.c.id).where(*_due(now), integrations.c.service.not_in(services))
    return connection.execute(query.limit(1)).first() is not None


def leave_unwatched(connection: Connection, now: datetime, services: Collection[str]) -> None:
    """Integrations of services that do not push need no looking after."""
    others = integrations.c.service.not_in(services)
    connection.execute(update(integrations).where(*_due(now), others).values(watch_at=None))


def pushed_elsewhere(connection: Connection, pushed_at: str) -> bool:
    """Whether it is new where services push to, or which ones."""
    return connection.execute(select(installation.c.id).where(_elsewhere(pushed_at))).first() is not None


def push_to(connection: Connection, now: datetime, pushed_at: str, services: Collection[str]) -> None:
    """Remember where services push to, and that all subscriptions are to be looked after."""
    connection.execute(update(installation).where(_elsewhere(pushed_at)).values(pushed_at=pushed_at))
    chosen = (integrations.c.service.in_(services), integrations.c.active, integrations.c.deleted_at.is_(None))
    connection.execute(update(integrations).where(*chosen).values(watch_at=now))


def _elsewhere(pushed_at: str) -> ColumnElement[bool]:
    return or_(installation.c.pushed_at.is_(None), installation.c.pushed_at != pushed_at)


def doubt_all(connection: Connection, now: datetime) -> None:
    """Nobody knows which subscriptions services still push to: all are to be looked after."""
    connection.execute(update(watches).where(watches.c.status == LIVE).values(status=DOUBTED))
    mine = (watches.c.tenant_id == integrations.c.tenant_id, watches.c.integration_id == integrations.c.id)
    connection.execute(update(integrations).where(exists().where(*mine)).values(watch_at=now))


def count_watches(connection: Connection, now: datetime, tenant: str | None) -> dict[str, int]:
    """``live`` subscriptions, and ``failing``: integrations that shall have one and have none that is sound."""
    live = select(func.count()).select_from(watches).where(_pushes(now))
    failing = (
        select(func.count())
        .select_from(integrations)
        .where(integrations.c.deleted_at.is_(None), integrations.c.watch_code.is_not(None))
    )
    if tenant is not None:
        live = live.where(watches.c.tenant_id == tenant)
        failing = failing.where(integrations.c.tenant_id == tenant)
    return {name: int(connection.execute(query).scalar_one()) for name, query in (("live", live), ("failing", failing))}


def _pushes(now: datetime) -> ColumnElement[bool]:
    return and_(watches.c.status == LIVE, watches.c.expires_at > now)


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    due: Any = integrations.c.watch_at <= now
    return (integrations.c.watch_at.is_not(None), due, integrations.c.deleted_at.is_(None))


def _place(tenant: str, watch_id: str) -> tuple[str, str, str, str]:
    """What a token is bound to."""
    return (tenant, "watches", watch_id, "token")
