"""Grants that nobody uses any more, until their service knows it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from calbridge.store.secrets import SecretBox
from calbridge.store.tables import revocations


@dataclass(frozen=True, slots=True)
class Revocation:
    """A grant to end, without its secret. ``facts`` are those of the account."""

    id: str
    service: str
    username: str
    owner_id: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    attempts: int = 0
    created_at: datetime | None = None


class Revocations:
    """The grants that one tenant has to end."""

    def __init__(self, connection: Connection, tenant: str, secrets: SecretBox, now: datetime) -> None:
        self._connection = connection
        self._tenant = tenant
        self._secrets = secrets
        self._now = now

    def add(self, wanted: Revocation, secret: str) -> None:
        """To be tried at once."""
        row = {
            "tenant_id": self._tenant,
            "id": wanted.id,
            "service": wanted.service,
            "username": wanted.username,
            "owner_id": wanted.owner_id,
            "facts": dict(wanted.facts),
            "secret": self._secrets.seal(secret, *self._place(wanted.id)),
            "attempts": 0,
            "next_at": self._now,
            "created_at": self._now,
        }
        self._connection.execute(insert(revocations).values(row))

    def claim(self, revocation_id: str, again_at: datetime) -> tuple[Revocation, str] | None:
        """One that is due, with its secret, for the one caller that tries it now; until ``again_at`` nobody else does.

        :raises SecretUnreadable: no key opens it.
        """
        due = (*self._here(revocation_id), revocations.c.next_at <= self._now)
        claimed = update(revocations).where(*due).values(next_at=again_at, attempts=revocations.c.attempts + 1)
        if self._connection.execute(claimed).rowcount != 1:
            return None
        row = self._connection.execute(select(revocations).where(*self._here(revocation_id))).one()
        found = Revocation(
            row.id, row.service, row.username, row.owner_id, row.facts, row.attempts, created_at=row.created_at
        )
        return found, self._secrets.open(row.secret, *self._place(row.id))

    def put_off(self, revocation_id: str, again_at: datetime) -> None:
        """It failed; to be tried again."""
        self._connection.execute(update(revocations).where(*self._here(revocation_id)).values(next_at=again_at))

    def drop(self, revocation_id: str) -> None:
        """It is done, or given up."""
        self._connection.execute(delete(revocations).where(*self._here(revocation_id)))

    def _here(self, revocation_id: str) -> tuple[ColumnElement[bool], ...]:
        return (revocations.c.tenant_id == self._tenant, revocations.c.id == revocation_id)

    def _place(self, revocation_id: str) -> tuple[str, str, str, str]:
        return (self._tenant, "revocations", revocation_id, "secret")


def due_revocations(connection: Connection, now: datetime, limit: int) -> list[tuple[str, str]]:
    """Tenant and id of what is due, the oldest first."""
    query = select(revocations.c.tenant_id, revocations.c.id).where(revocations.c.next_at <= now)
    rows = connection.execute(query.order_by(revocations.c.next_at, revocations.c.id).limit(limit))
    return [(row.tenant_id, row.id) for row in rows]
