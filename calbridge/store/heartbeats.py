"""Signs of life of the processes of the service."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from calbridge.store.sql import upserting
from calbridge.store.tables import heartbeats


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The last sign of a process; ``facts`` are small values, such as the queues it serves."""

    id: str
    kind: str
    host: str
    started_at: datetime
    seen_at: datetime
    facts: Mapping[str, Any]


_FIELDS = tuple(each.name for each in fields(Heartbeat))


class Heartbeats:
    """Those of the whole installation."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def save(self, seen: Heartbeat) -> None:
        """The last sign takes the place of the one before."""
        row = {name: getattr(seen, name) for name in _FIELDS} | {"facts": dict(seen.facts)}
        statement = upserting(self._connection, heartbeats).values(row)
        self._connection.execute(
            statement.on_conflict_do_update(
                index_elements=["id"], set_={name: statement.excluded[name] for name in _FIELDS if name != "id"}
            )
        )

    def list(self, since: datetime) -> list[Heartbeat]:
        """Those seen since then, by kind and id."""
        query = select(*(heartbeats.c[name] for name in _FIELDS)).where(heartbeats.c.seen_at >= since)
        return [Heartbeat(*row) for row in self._connection.execute(query.order_by(heartbeats.c.kind, heartbeats.c.id))]

    def remove(self, process_id: str) -> None:
        """A process that ended has no sign any more."""
        self._connection.execute(delete(heartbeats).where(heartbeats.c.id == process_id))

    def forget(self, before: datetime) -> int:
        """Drop those not seen since; how many."""
        return self._connection.execute(delete(heartbeats).where(heartbeats.c.seen_at < before)).rowcount
