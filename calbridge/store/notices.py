"""Mails that wait to be sent: written with what they tell of, addressed and worded when they are sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, insert, select, update

from calbridge.store.tables import notices

OUTAGE, RECOVERY, WEBHOOK = "outage", "recovery", "webhook"


@dataclass(frozen=True, slots=True)
class Notice:
    """``kind``: outage or recovery of an integration, or a webhook (named in ``facts``) that was switched off.

    ``code``: what is or was wrong, ``since`` when. ``status``: pending, sent, skipped (nobody wants it) or failed.
    """

    id: str
    kind: str
    code: str
    since: datetime
    integration_id: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    status: str = "pending"
    attempts: int = 0
    next_at: datetime | None = None
    created_at: datetime | None = None
    finished_at: datetime | None = None


_FIELDS = tuple(each.name for each in fields(Notice))
_SELECT = select(*(notices.c[name] for name in _FIELDS))
_ORDER = (notices.c.created_at, notices.c.kind)


class Notices:
    """The mails of one tenant."""

    def __init__(self, connection: Connection, tenant: str, now: datetime) -> None:
        self._connection = connection
        self._tenant = tenant
        self._now = now

    def add(
        self, notice_id: str, kind: str, code: str, since: datetime, integration_id: str | None = None, **facts: Any
    ) -> None:
        """One more mail to send, as soon as possible."""
        notice = Notice(notice_id, kind, code, since, integration_id, facts, next_at=self._now, created_at=self._now)
        row = {name: getattr(notice, name) for name in _FIELDS} | {"facts": dict(facts)}
        self._connection.execute(insert(notices).values(row | {"tenant_id": self._tenant}))

    def claim(self, notice_id: str, until: datetime) -> Notice | None:
        """Become the only one who sends it until that time; None where somebody else does or did."""
        due = (*self._here(notice_id), notices.c.status == "pending", notices.c.next_at <= self._now)
        if self._connection.execute(update(notices).where(*due).values(next_at=until)).rowcount != 1:
            return None
        return Notice(*self._connection.execute(_SELECT.where(*self._here(notice_id))).one())

    def before(self, notice: Notice) -> Notice | None:
        """An earlier mail of the same integration that still waits; of an outage before that of its end."""
        mine = (notices.c.tenant_id == self._tenant, notices.c.integration_id == notice.integration_id)
        same_moment = (notices.c.created_at == notice.created_at) & (notices.c.kind < notice.kind)
        earlier = (notices.c.status == "pending", (notices.c.created_at < notice.created_at) | same_moment)
        row = self._connection.execute(_SELECT.where(*mine, *earlier).order_by(*_ORDER).limit(1)).first()
        return None if row is None else Notice(*row)

    def last(self, integration_id: str, kind: str) -> Notice | None:
        """The latest of this kind that is still kept."""
        mine = (notices.c.tenant_id == self._tenant, notices.c.integration_id == integration_id)
        query = _SELECT.where(*mine, notices.c.kind == kind).order_by(notices.c.created_at.desc()).limit(1)
        row = self._connection.execute(query).first()
        return None if row is None else Notice(*row)

    def finish(self, notice_id: str, status: str, attempts: int) -> None:
        """It is sent, or will never be."""
        values = {"status": status, "attempts": attempts, "next_at": None, "finished_at": self._now}
        self._connection.execute(update(notices).where(*self._here(notice_id)).values(values))

    def postpone(self, notice_id: str, until: datetime, attempts: int) -> None:
        """Try it again at that time."""
        values = {"next_at": until, "attempts": attempts}
        self._connection.execute(update(notices).where(*self._here(notice_id)).values(values))

    def _here(self, notice_id: str) -> tuple[ColumnElement[bool], ...]:
        return (notices.c.tenant_id == self._tenant, notices.c.id == notice_id)


def notices_due(connection: Connection, now: datetime, limit: int) -> list[tuple[str, str]]:
    """Tenant and id of mails over all tenants that may be sent now, the oldest first."""
    query = (
        select(notices.c.tenant_id, notices.c.id)
        .where(notices.c.status == "pending", notices.c.next_at <= now)
        .order_by(*_ORDER, notices.c.id)
        .limit(limit)
    )
    return [(row.tenant_id, row.id) for row in connection.execute(query)]
