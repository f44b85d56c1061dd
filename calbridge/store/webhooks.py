"""Webhooks: where a tenant is told what happens, with sealed secrets, and who delivers to them at the moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, or_, select, true, update

from calbridge.errors import LeaseLost, Refused
from calbridge.store.secrets import SecretBox
from calbridge.store.sql import DatabaseNow
from calbridge.store.tables import deliveries, webhooks

_SECOND = 1_000_000


@dataclass(frozen=True, slots=True)
class Webhook:
    """``user_id``: only what concerns this user. ``key_id``: whose writes are its own. ``reason``: code of why it was
    switched off. ``failing_since``, ``tries``: failures without a success in between; ``not_before``: it rests until
    then. ``former_until``: messages are signed with the former secret, too, until then."""

    id: str
    url: str
    events: tuple[str, ...]
    user_id: str | None = None
    key_id: str | None = None
    own: bool = False
    active: bool = True
    reason: str | None = None
    failing_since: datetime | None = None
    tries: int = 0
    not_before: datetime | None = None
    former_until: datetime | None = None
    version: int = 1
    created_at: datetime | None = None
    updated_at: datetime | None = None


_FIELDS = tuple(each.name for each in fields(Webhook))
_SELECT = select(*(webhooks.c[name] for name in _FIELDS))
_OF_CALLER = frozenset({"url", "events", "user_id", "key_id", "own", "active"})
_OF_DELIVERY = frozenset({"active", "reason", "failing_since", "tries", "not_before"})


class Webhooks:
    """The webhooks of one tenant."""

    def __init__(self, connection: Connection, tenant: str, secrets: SecretBox, now: datetime) -> None:
        self._connection = connection
        self._tenant = tenant
        self._secrets = secrets
        self._now = now

    def add(self, webhook: Webhook, secret: str) -> Webhook:
        """Store a new one with its signing secret."""
        row: dict[str, Any] = {name: getattr(webhook, name) for name in _FIELDS}
        row |= {"tenant_id": self._tenant, "events": list(webhook.events), "secret": self._sealed(webhook.id, secret)}
        row |= {"created_at": self._now, "updated_at": self._now}
        self._connection.execute(insert(webhooks).values(row))
        return self.require(webhook.id)

    def get(self, webhook_id: str, *, lock: bool = False) -> Webhook | None:
        """One webhook; ``lock`` it where what is read will be written."""
        query = _SELECT.where(*self._here(webhook_id))
        row = self._connection.execute(query.with_for_update() if lock else query).one_or_none()
        return None if row is None else _webhook(row)

    def require(self, webhook_id: str, *, lock: bool = False) -> Webhook:
        """One webhook. :raises Refused: ``webhook_not_found``."""
        found = self.get(webhook_id, lock=lock)
        if found is None:
            raise Refused(code="webhook_not_found", webhook=webhook_id)
        return found

    def list(self, after: str | None = None, limit: int = 200) -> list[Webhook]:
        """Webhooks in the order of their ids."""
        query = _SELECT.where(webhooks.c.tenant_id == self._tenant).order_by(webhooks.c.id).limit(limit)
        if after is not None:
            query = query.where(webhooks.c.id > after)
        return [_webhook(row) for row in self._connection.execute(query)]

    def count(self) -> int:
        """How many there are."""
        query = select(func.count()).select_from(webhooks).where(webhooks.c.tenant_id == self._tenant)
        return int(self._connection.execute(query).scalar_one())

    def save(self, webhook_id: str, values: Mapping[str, Any]) -> None:
        """Store what a caller changed; the version rises."""
        wrong = values.keys() - (_OF_CALLER | _OF_DELIVERY)
        if wrong:
            raise ValueError(f"not to be changed here: {sorted(wrong)}")
        moved = {"version": webhooks.c.version + 1, "updated_at": self._now}
        self._connection.execute(update(webhooks).where(*self._here(webhook_id)).values({**values, **moved}))

    def remove(self, webhook_id: str) -> None:
        """Forget it and what it was to be told."""
        of_it = (deliveries.c.tenant_id == self._tenant, deliveries.c.webhook_id == webhook_id)
        self._connection.execute(delete(deliveries).where(*of_it))
        self._connection.execute(delete(webhooks).where(*self._here(webhook_id)))

    def secrets(self, webhook_id: str) -> Sequence[str]:
        """The signing secret, and the former one while it is still good. :raises SecretUnreadable: no key opens it."""
        columns = (webhooks.c.secret, webhooks.c.former_secret, webhooks.c.former_until)
        row = self._connection.execute(select(*columns).where(*self._here(webhook_id))).one()
        found = [self._secrets.open(row.secret, *secret_place(self._tenant, webhook_id))]
        if row.former_secret is not None and row.former_until > self._now:
            found.append(self._secrets.open(row.former_secret, *secret_place(self._tenant, webhook_id, former=True)))
        return found

    def rotate(self, webhook_id: str, secret: str, until: datetime) -> None:
        """A new secret; the present one is used beside it until that time."""
        former = self.secrets(webhook_id)[0]
        values = {
            "secret": self._sealed(webhook_id, secret),
            "former_secret": self._secrets.seal(former, *secret_place(self._tenant, webhook_id, former=True)),
            "former_until": until,
            "version": webhooks.c.version + 1,
            "updated_at": self._now,
        }
        self._connection.execute(update(webhooks).where(*self._here(webhook_id)).values(values))

    def claim(self, webhook_id: str, owner: str, seconds: float) -> bool:
        """Become the only one who delivers to it, by the database's clock; whether nobody else is."""
        free = or_(webhooks.c.owner.is_(None), webhooks.c.owned_until <= DatabaseNow())
        claimed = update(webhooks).where(*self._here(webhook_id), webhooks.c.active == true(), free)
        values = {"owner": owner, "owned_until": DatabaseNow() + int(seconds * _SECOND)}
        return self._connection.execute(claimed.values(values)).rowcount == 1

    def keep(self, webhook_id: str, owner: str, seconds: float, **values: Any) -> None:
        """Go on delivering, and store how it stands. :raises LeaseLost: somebody else took it over."""
        wrong = values.keys() - _OF_DELIVERY
        if wrong:
            raise ValueError(f"not to be changed here: {sorted(wrong)}")
        until = DatabaseNow() + int(seconds * _SECOND)
        mine = update(webhooks).where(*self._here(webhook_id), webhooks.c.owner == owner)
        if self._connection.execute(mine.values(owned_until=until, **values)).rowcount != 1:
            raise LeaseLost

    def release(self, webhook_id: str, owner: str) -> None:
        """Give it back; nothing happens if somebody else has it by now."""
        mine = update(webhooks).where(*self._here(webhook_id), webhooks.c.owner == owner)
        self._connection.execute(mine.values(owner=None, owned_until=None))

    def _here(self, webhook_id: str) -> tuple[ColumnElement[bool], ...]:
        return (webhooks.c.tenant_id == self._tenant, webhooks.c.id == webhook_id)

    def _sealed(self, webhook_id: str, secret: str) -> str:
        return self._secrets.seal(secret, *secret_place(self._tenant, webhook_id))


def secret_place(tenant: str, webhook_id: str, *, former: bool = False) -> tuple[str, str, str, str]:
    """What a secret is bound to."""
    return (tenant, "webhooks", webhook_id, "former_secret" if former else "secret")


def _webhook(row: Row[Any]) -> Webhook:
    values = dict(zip(_FIELDS, row, strict=True))
    return Webhook(**values | {"events": tuple(values["events"])})
