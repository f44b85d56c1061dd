"""What was done: lines of runs, and the audit of keys and settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select

from calbridge.store import codec
from calbridge.store.tables import audit, logs
from calbridge.sync.memory import Direction, LogEntry


@dataclass(frozen=True, slots=True)
class LogLine:
    """A stored line; ``id`` orders lines."""

    id: int
    integration_id: str
    run_id: str | None
    entry: LogEntry


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines; None is any."""

    integration_id: str | None = None
    run_id: str | None = None
    item_id: str | None = None
    direction: Direction | None = None
    action: str | None = None
    code: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class Logs:
    """The lines of one tenant."""

    def __init__(self, connection: Connection, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant

    def add(self, integration_id: str, action: str, direction: Direction, code: str, at: datetime) -> None:
        """A line that belongs to no run."""
        row = {"tenant_id": self._tenant, "integration_id": integration_id, "at": at, "action": action, "code": code}
        row |= {"direction": direction.value, "changes": {}, "stripped": False}
        self._connection.execute(insert(logs).values(row))

    def list(self, chosen: LogFilter, *, before: int | None = None, limit: int = 200) -> list[LogLine]:
        """The newest lines first, older than the line with the id ``before``."""
        names = ("integration_id", "run_id", "item_id", "direction", "action", "code")
        asked = [(logs.c[name], getattr(chosen, name)) for name in names]
        conditions: list[ColumnElement[bool]] = [column == value for column, value in asked if value is not None]
        if chosen.since is not None:
            conditions.append(logs.c.at >= chosen.since)
        if chosen.until is not None:
            conditions.append(logs.c.at < chosen.until)
        if before is not None:
            conditions.append(logs.c.id < before)
        query = select(logs).where(logs.c.tenant_id == self._tenant, *conditions).order_by(logs.c.id.desc())
        return [_line(row) for row in self._connection.execute(query.limit(limit))]


def _line(row: Any) -> LogLine:
    entry = LogEntry(
        at=row.at,
        action=row.action,
        direction=Direction(row.direction),
        item_id=row.item_id,
        link_id=row.link_id,
        remote_id=row.remote_id,
        code=row.code,
        title=row.title,
        changes=codec.changes_in(row.changes),
    )
    return LogLine(row.id, row.integration_id, row.run_id, entry)


@dataclass(frozen=True, slots=True)
class AuditLine:
    """Who did what, with small facts: no secrets, no text of items."""

    id: int
    at: datetime
    actor: str
    action: str
    facts: Mapping[str, Any]


class Audit:
    """The audit of one tenant: added to, read, and erased only with the tenant."""

    def __init__(self, connection: Connection, tenant: str, now: datetime) -> None:
        self._connection = connection
        self._tenant = tenant
        self._now = now

    def add(self, actor: str, action: str, **facts: Any) -> None:
        """Add a line."""
        row = {"tenant_id": self._tenant, "at": self._now, "actor": actor, "action": action, "facts": facts}
        self._connection.execute(insert(audit).values(row))

    def list(self, *, after: int = 0, limit: int = 200) -> list[AuditLine]:
        """Lines in order, after the line with that id."""
        query = (
            select(audit.c.id, audit.c.at, audit.c.actor, audit.c.action, audit.c.facts)
            .where(audit.c.tenant_id == self._tenant, audit.c.id > after)
            .order_by(audit.c.id)
            .limit(limit)
        )
        return [AuditLine(*row) for row in self._connection.execute(query)]
