"""What webhooks are to be told, written in the transaction that changes it (SYNC E3).

A row names what happened and to whom; what it says is made when it is sent, so nothing that privacy hides is stored.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, true

from calbridge.store.bulk import add_rows
from calbridge.store.tables import deliveries, webhooks

ITEM_TYPES: Mapping[str, str] = {
    "create": "item.created",
    "update": "item.updated",
    "delete": "item.deleted",
    "kept": "item.kept",
}
"""The op of a change to the type of its message."""
CONNECTED, NOT_CONNECTED, WAITING, PING = "integration.connected", "integration.not_connected", "run.waiting", "ping"
TYPES = (*ITEM_TYPES.values(), NOT_CONNECTED, CONNECTED, WAITING)
"""What a webhook may ask for."""

# Built once: every unit of work that changed something asks it.
_ACTIVE = select(webhooks.c.id, webhooks.c.events, webhooks.c.user_id, webhooks.c.key_id, webhooks.c.own).where(
    webhooks.c.tenant_id == bindparam("b_tenant"), webhooks.c.active == true()
)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something to tell. ``subject``: the item or integration whose happenings are told in their order."""

    type: str
    seq: int
    user_id: str
    subject: str
    key: str | None
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Listener:
    """A webhook: what it asked for, whose (None: everybody's), and whose writes are its own."""

    id: str
    events: Sequence[str]
    user_id: str | None
    key_id: str | None
    own: bool

    def wants(self, happening: Happening) -> bool:
        """Whether it is to be told."""
        its_own = happening.key is not None and happening.key == self.key_id
        return happening.type in self.events and self.user_id in (None, happening.user_id) and (self.own or not its_own)


def listeners(connection: Connection, tenant: str) -> list[Listener]:
    """The tenant's active webhooks."""
    return [Listener(*row) for row in connection.execute(_ACTIVE, {"b_tenant": tenant})]


def announce(
    connection: Connection, tenant: str, told: Sequence[Happening], hooks: Sequence[Listener], now: datetime
) -> bool:
    """Write what these webhooks are to be told; whether there is anything."""
    rows = [_row(tenant, hook, each, now) for each in told for hook in hooks if hook.wants(each)]
    add_rows(connection, deliveries, rows)
    return bool(rows)


def _row(tenant: str, hook: Listener, told: Happening, now: datetime) -> dict[str, Any]:
    return {
        "tenant_id": tenant,
        "id": secrets.token_hex(16),
        "webhook_id": hook.id,
        "type": told.type,
        "place": told.seq,
        "seq": told.seq,
        "user_id": told.user_id,
        "subject": told.subject,
        "facts": dict(told.facts),
        "status": "pending",
        "attempts": 0,
        "next_at": now,
        "created_at": now,
    }
