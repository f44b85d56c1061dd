"""Users of a tenant."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from calbridge.errors import Refused
from calbridge.store.failures import unique
from calbridge.store.tables import users


@dataclass(frozen=True, slots=True)
class User:
    """A PSA user, under the PSA's own id. ``epoch`` rises when the user's tokens are to be refused."""

    id: str
    name: str = ""
    email: str | None = None
    time_zone: str = "UTC"
    calendar_sync: bool = True
    epoch: int = 1
    created_at: datetime | None = None
    updated_at: datetime | None = None
    version: int = 1


_FIELDS = tuple(each.name for each in fields(User))


class Users:
    """The users of one tenant."""

    def __init__(self, connection: Connection, tenant: str, now: datetime) -> None:
        self._connection = connection
        self._tenant = tenant
        self._now = now

    def get(self, user_id: str, *, lock: bool = False) -> User | None:
        """One user; ``lock`` it where what is read will be written."""
        query = self._select().where(users.c.id == user_id)
        row = self._connection.execute(query.with_for_update() if lock else query).one_or_none()
        return None if row is None else User(*row)

    def require(self, user_id: str, *, lock: bool = False) -> User:
        """One user. :raises Refused: ``user_not_found``."""
        found = self.get(user_id, lock=lock)
        if found is None:
            raise Refused(code="user_not_found", user=user_id)
        return found

    def list(self, after: str | None = None, limit: int = 200) -> list[User]:
        """Users in the order of their ids."""
        query = self._select().order_by(users.c.id).limit(limit)
        if after is not None:
            query = query.where(users.c.id > after)
        return [User(*row) for row in self._connection.execute(query)]

    def add(self, user: User) -> User:
        """Store a new user. :raises Refused: ``already_exists``."""
        stored = replace(user, created_at=self._now, updated_at=self._now)
        with unique("user"):
            self._connection.execute(insert(users).values(self._row(stored) | {"tenant_id": self._tenant}))
        return stored

    def save(self, user: User) -> User:
        """Store a changed user under the next version. :raises Refused: ``user_not_found``."""
        stored = replace(user, updated_at=self._now, version=user.version + 1)
        here = (users.c.tenant_id == self._tenant, users.c.id == user.id)
        if self._connection.execute(update(users).where(*here).values(self._row(stored))).rowcount != 1:
            raise Refused(code="user_not_found", user=user.id)
        return stored

    def _select(self) -> Select[Any]:
        return select(*(users.c[name] for name in _FIELDS)).where(users.c.tenant_id == self._tenant)

    @staticmethod
    def _row(user: User) -> dict[str, object]:
        return {name: getattr(user, name) for name in _FIELDS}
