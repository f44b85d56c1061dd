"""Runs: executions of the sync of one integration, with what they did."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, text, update

from calbridge.errors import Refused
from calbridge.store.tables import integrations, runs


@dataclass(frozen=True, slots=True)
class Run:
    """``status``: queued, running, succeeded, partial, failed or waiting. ``facts``: what this kind of run needs."""

    id: str
    integration_id: str
    kind: str
    trigger: str
    status: str = "queued"
    reason: str | None = None
    counters: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


LONG = frozenset({"range", "removal"})
"""Kinds of runs that take their time: what waits for one goes to the bulk queue."""
_FIELDS = tuple(each.name for each in fields(Run))
_CHANGEABLE = frozenset({"status", "reason", "counters", "facts", "started_at", "finished_at"})

# Built once: every run asks them.
_HERE = (runs.c.tenant_id == bindparam("b_tenant"), runs.c.id == bindparam("b_id"))
_GET = select(*(runs.c[name] for name in _FIELDS)).where(*_HERE)
_OPEN = (
    select(*(runs.c[name] for name in _FIELDS))
    # Said as the index says it, so that SQLite knows it for the same.
    .where(runs.c.tenant_id == bindparam("b_tenant"), runs.c.integration_id == bindparam("b_integration"))
    .where(text("status IN ('queued', 'running')"))
    .order_by(runs.c.created_at.desc(), runs.c.id.desc())
    .limit(bindparam("b_limit"))
)
_ADD = insert(runs)
_SAVE = update(runs).where(*_HERE).returning(*(runs.c[name] for name in _FIELDS))
_LONG = (
    update(integrations)
    .where(integrations.c.tenant_id == bindparam("b_tenant"), integrations.c.id == bindparam("b_id"))
    .values(bulk=True)
)
_QUEUED = (
    select(*(runs.c[name] for name in _FIELDS))
    .where(
        runs.c.tenant_id == bindparam("b_tenant"),
        runs.c.integration_id == bindparam("b_integration"),
        runs.c.status == "queued",
        text("status IN ('queued', 'running')"),
    )
    .order_by(runs.c.created_at, runs.c.id)
    .limit(bindparam("b_limit"))
)


class Runs:
    """The runs of one tenant."""

    def __init__(self, connection: Connection, tenant: str, now: datetime) -> None:
        self._connection = connection
        self._tenant = tenant
        self._now = now

    def add(self, run: Run) -> None:
        """Store a new run."""
        row: dict[str, Any] = {name: getattr(run, name) for name in _FIELDS}
        row |= {"tenant_id": self._tenant, "created_at": run.created_at or self._now}
        self._connection.execute(_ADD, row | {"counters": dict(run.counters), "facts": dict(run.facts)})
        if run.status == "queued" and run.kind in LONG:
            self._connection.execute(_LONG, {"b_tenant": self._tenant, "b_id": run.integration_id})

    def get(self, run_id: str) -> Run | None:
        """One run."""
        row = self._connection.execute(_GET, {"b_tenant": self._tenant, "b_id": run_id}).one_or_none()
        return None if row is None else Run(*row)

    def open(self, integration_id: str, limit: int) -> list[Run]:
        """Runs of an integration that are queued or running, the newest first."""
        asked = {"b_tenant": self._tenant, "b_integration": integration_id, "b_limit": limit}
        return [Run(*row) for row in self._connection.execute(_OPEN, asked)]

    def save(self, run_id: str, **values: Any) -> Run:
        """Store some columns; the run as it is then. :raises Refused: ``refused``: there is no such run."""
        wrong = values.keys() - _CHANGEABLE
        if wrong:
            raise ValueError(f"not to be changed here: {sorted(wrong)}")
        bound = {"b_tenant": self._tenant, "b_id": run_id} | values
        row = self._connection.execute(_SAVE, bound).one_or_none()
        if row is None:
            raise Refused("there is no such run", run=run_id)
        return Run(*row)

    def queued(self, integration_id: str, limit: int = 20) -> list[Run]:
        """Runs of an integration that wait to be carried out, the oldest first."""
        here = {"b_tenant": self._tenant, "b_integration": integration_id, "b_limit": limit}
        return [Run(*row) for row in self._connection.execute(_QUEUED, here)]

    def list(
        self,
        integration_id: str,
        *,
        status: str | Collection[str] | None = None,
        kind: str | None = None,
        trigger: str | None = None,
        before: Run | None = None,
        limit: int = 50,
    ) -> list[Run]:
        """Runs of an integration, the newest first, older than ``before``."""
        query = self._select(runs.c.integration_id == integration_id)
        if isinstance(status, str):
            query = query.where(runs.c.status == status)
        elif status is not None:
            query = query.where(runs.c.status.in_(sorted(status)))
        if kind is not None:
            query = query.where(runs.c.kind == kind)
        if trigger is not None:
            query = query.where(runs.c.trigger == trigger)
        if before is not None:
            older = (runs.c.created_at < before.created_at) | (
                (runs.c.created_at == before.created_at) & (runs.c.id < before.id)
            )
            query = query.where(older)
        query = query.order_by(runs.c.created_at.desc(), runs.c.id.desc()).limit(limit)
        return [Run(*row) for row in self._connection.execute(query)]

    def _select(self, *conditions: Any) -> Any:
        return select(*(runs.c[name] for name in _FIELDS)).where(runs.c.tenant_id == self._tenant, *conditions)
