"""What webhooks are told: one row a message, told in order for each item and each integration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, func, insert, or_, select, true, update

from calbridge.errors import Refused
from calbridge.store.sql import database_micros
from calbridge.store.tables import deliveries, webhooks


@dataclass(frozen=True, slots=True)
class Delivery:
    """``place`` orders those of one ``subject`` (an item or an integration). ``status``: pending, delivered or failed.

    ``facts`` hold no text of anybody: what is told is made when it is sent. ``next_at``: not before; ``answered``: the
    last HTTP status; ``code``: the last failure.
    """

    id: str
    webhook_id: str
    type: str
    subject: str
    place: int = 0
    seq: int | None = None
    user_id: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    status: str = "pending"
    attempts: int = 0
    next_at: datetime | None = None
    answered: int | None = None
    code: str | None = None
    created_at: datetime | None = None
    finished_at: datetime | None = None


_FIELDS = tuple(each.name for each in fields(Delivery))
_SELECT = select(*(deliveries.c[name] for name in _FIELDS))
_CHANGEABLE = frozenset({"status", "attempts", "next_at", "answered", "code", "finished_at"})
_earlier = deliveries.alias("earlier")
_BEHIND = exists().where(
    _earlier.c.tenant_id == deliveries.c.tenant_id,
    _earlier.c.webhook_id == deliveries.c.webhook_id,
    _earlier.c.subject == deliveries.c.subject,
    _earlier.c.status == "pending",
    _earlier.c.place < deliveries.c.place,
)
"""An earlier one of the same subject is still to be told."""


class Deliveries:
    """What the webhooks of one tenant are told."""

    def __init__(self, connection: Connection, tenant: str, now: datetime) -> None:
        self._connection = connection
        self._tenant = tenant
        self._now = now

    def add(self, delivery: Delivery) -> Delivery:
        """Store one that no change made."""
        row = {name: getattr(delivery, name) for name in _FIELDS}
        row |= {"tenant_id": self._tenant, "facts": dict(delivery.facts), "created_at": self._now}
        self._connection.execute(insert(deliveries).values(row))
        return self.require(delivery.id)

    def require(self, delivery_id: str, *, lock: bool = False) -> Delivery:
        """One delivery. :raises Refused: ``delivery_not_found``."""
        query = _SELECT.where(deliveries.c.tenant_id == self._tenant, deliveries.c.id == delivery_id)
        row = self._connection.execute(query.with_for_update() if lock else query).one_or_none()
        if row is None:
            raise Refused(code="delivery_not_found", delivery=delivery_id)
        return Delivery(*row)

    def list(
        self, webhook_id: str, *, status: str | None = None, before: Delivery | None = None, limit: int = 50
    ) -> list[Delivery]:
        """Those of a webhook, the newest first, older than ``before``."""
        query = _SELECT.where(*self._of(webhook_id))
        if status is not None:
            query = query.where(deliveries.c.status == status)
        if before is not None:
            same = (deliveries.c.created_at == before.created_at) & (deliveries.c.id < before.id)
            query = query.where((deliveries.c.created_at < before.created_at) | same)
        query = query.order_by(deliveries.c.created_at.desc(), deliveries.c.id.desc()).limit(limit)
        return [Delivery(*row) for row in self._connection.execute(query)]

    def heads(self, webhook_id: str, limit: int) -> Sequence[Delivery]:
        """What may be told now: of each subject the first that was not told, unless it rests."""
        query = _SELECT.where(*self._due(webhook_id), ~_BEHIND).order_by(deliveries.c.place).limit(limit)
        return [Delivery(*row) for row in self._connection.execute(query)]

    def due(self, webhook_id: str) -> bool:
        """Whether something is due, be it only behind something that rests."""
        return (
            self._connection.execute(select(deliveries.c.id).where(*self._due(webhook_id)).limit(1)).first() is not None
        )

    def park(self, webhook_id: str) -> None:
        """What stands behind something that rests, rests as long."""
        ahead = (
            select(func.max(_earlier.c.next_at))
            .where(
                _earlier.c.tenant_id == deliveries.c.tenant_id,
                _earlier.c.webhook_id == deliveries.c.webhook_id,
                _earlier.c.subject == deliveries.c.subject,
                _earlier.c.status == "pending",
                _earlier.c.place < deliveries.c.place,
            )
            .scalar_subquery()
        )
        self._connection.execute(update(deliveries).where(*self._due(webhook_id), _BEHIND).values(next_at=ahead))

    def save(self, delivery_id: str, **values: Any) -> None:
        """Store some columns."""
        wrong = values.keys() - _CHANGEABLE
        if wrong:
            raise ValueError(f"not to be changed here: {sorted(wrong)}")
        here = (deliveries.c.tenant_id == self._tenant, deliveries.c.id == delivery_id)
        self._connection.execute(update(deliveries).where(*here).values(values))

    def rest(self, webhook_id: str, subject: str, until: datetime) -> None:
        """Tell nothing of a subject before that time."""
        mine = (*self._of(webhook_id), deliveries.c.status == "pending", deliveries.c.subject == subject)
        self._connection.execute(update(deliveries).where(*mine).values(next_at=until))

    def wake(self, webhook_id: str, subject: str | None = None) -> None:
        """Nothing rests any more, of this subject or of all."""
        resting = [*self._of(webhook_id), deliveries.c.status == "pending", deliveries.c.next_at > self._now]
        if subject is not None:
            resting.append(deliveries.c.subject == subject)
        self._connection.execute(update(deliveries).where(*resting).values(next_at=self._now))

    def start_over(self, webhook_id: str) -> None:
        """All that was not told is tried as if for the first time."""
        waiting = (*self._of(webhook_id), deliveries.c.status == "pending", deliveries.c.next_at.is_not(None))
        self._connection.execute(update(deliveries).where(*waiting).values(next_at=self._now, attempts=0))

    def _of(self, webhook_id: str) -> tuple[ColumnElement[bool], ...]:
        return (deliveries.c.tenant_id == self._tenant, deliveries.c.webhook_id == webhook_id)

    def _due(self, webhook_id: str) -> tuple[ColumnElement[bool], ...]:
        return (*self._of(webhook_id), deliveries.c.status == "pending", deliveries.c.next_at <= self._now)


def webhooks_due(connection: Connection, now: datetime, limit: int, tenant: str | None = None) -> list[tuple[str, str]]:
    """Tenant and id of webhooks, over all tenants or of one, that have something to deliver, may be tried, and are at
    nobody's."""
    waiting = exists().where(
        deliveries.c.tenant_id == webhooks.c.tenant_id,
        deliveries.c.webhook_id == webhooks.c.id,
        deliveries.c.status == "pending",
        deliveries.c.next_at <= now,
    )
    query = (
        select(webhooks.c.tenant_id, webhooks.c.id)
        .where(
            webhooks.c.active == true(),
            or_(webhooks.c.not_before.is_(None), webhooks.c.not_before <= now),
            or_(webhooks.c.owner.is_(None), webhooks.c.owned_until <= database_micros(connection)),
            waiting,
        )
        .order_by(webhooks.c.tenant_id, webhooks.c.id)
        .limit(limit)
    )
    if tenant is not None:
        query = query.where(webhooks.c.tenant_id == tenant)
    return [(row.tenant_id, row.id) for row in connection.execute(query)]
