"""Integrations: user + account + linked calendar + settings, and where their runs stand."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    bindparam,
    exists,
    func,
    insert,
    select,
    true,
    type_coerce,
    update,
)

from calbridge.errors import Refused
from calbridge.store.columns import Instant, digest, micros
from calbridge.store.failures import unique
from calbridge.store.stopping import STOPPED, unstopped
from calbridge.store.tables import accounts, integrations, links


@dataclass(frozen=True, slots=True)
class StoredIntegration:
    """An integration as the service layer sees it; ``settings`` as in :mod:`calbridge.domain.settings_json`.

    ``status``: setup, connected, not_connected or deleting. ``due_no`` counts triggers, ``cleared`` those that a run
    took up (SYNC D1), ``bulk`` says that its next run will be a long one, ``stopped`` is the code of what keeps it from
    running although it is active. ``watch_*``: when its push subscriptions are to be looked after, how often that
    failed since it last went well, and why. The places of a run are not here: only its pages move them.
    """

    id: str
    user_id: str
    service: str
    account_id: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    active: bool = False
    status: str = "setup"
    reason: str | None = None
    calendar_id: str | None = None
    calendar_name: str | None = None
    calendar_zone: str | None = None
    baselined: bool = False
    bulk: bool = False
    compared_at: datetime | None = None
    due_no: int = 0
    cleared: int = 0
    next_poll_at: datetime | None = None
    last_sync_at: datetime | None = None
    last_run_at: datetime | None = None
    fresh_as_of: datetime | None = None
    created_at: datetime | None = None
    deleted_at: datetime | None = None
    version: int = 1
    watch_at: datetime | None = None
    watch_tries: int = 0
    watch_code: str | None = None
    stopped: str | None = None


_FIELDS = tuple(each.name for each in fields(StoredIntegration) if each.name != "stopped")
_ALL = (*(integrations.c[name] for name in _FIELDS), STOPPED.label("stopped"))
_NEW = {"mark": 0, "leave_confirmed": False}
_CHANGEABLE = frozenset(
    {
        "account_id",
        "settings",
        "active",
        "status",
        "reason",
        "calendar_id",
        "calendar_name",
        "calendar_zone",
        "next_poll_at",
        "last_sync_at",
        "last_run_at",
        "fresh_as_of",
        "leave_confirmed",
        "confirmed_retrieve_until",
        "confirmed_send_until",
        "compared_at",
        "bulk",
    }
)
_OF_CALENDAR = ("account_id", "calendar_id", "calendar_hash", "calendar_name", "calendar_zone")
_FRESH_CALENDAR: Mapping[str, Any] = {"cursor": None, "checkpoint": None, "baselined": False, "compared_at": None}

# Built once: every run asks them.
_LIVING = (
    integrations.c.tenant_id == bindparam("b_tenant"),
    integrations.c.id == bindparam("b_id"),
    integrations.c.deleted_at.is_(None),
)
_GET = select(*_ALL).where(*_LIVING)
# Every run that came through asks it.
_TROUBLED = (
    select(*_ALL)
    .where(
        integrations.c.tenant_id == bindparam("b_tenant"),
        integrations.c.account_id == bindparam("b_account"),
        integrations.c.deleted_at.is_(None),
        integrations.c.reason.is_not(None),
    )
    .order_by(integrations.c.id)
)
_SAVE = update(integrations).where(*_LIVING)
_SAVE_ANEW = _SAVE.values(version=integrations.c.version + 1)
_RETRIES = exists().where(
    links.c.tenant_id == integrations.c.tenant_id,
    links.c.integration_id == integrations.c.id,
    links.c.work,
    links.c.retry_at.is_not(None),
    links.c.retry_at <= bindparam("b_now", type_=Instant),
)
_WATCHED = frozenset({"active", "status", "calendar_id", "account_id"})
"""Where one of them changes, so may what is to be subscribed to."""
_OF_CALLER = frozenset({"settings", "active", "calendar_id", "account_id"})
"""What a caller may change: the version rises with it."""


class Integrations:
    """The integrations of one tenant."""

    def __init__(self, connection: Connection, tenant: str, now: datetime) -> None:
        self._connection = connection
        self._tenant = tenant
        self._now = now

    def add(self, integration: StoredIntegration) -> None:
        """Store a new one. :raises Refused: ``already_exists``: this user, account and calendar are linked."""
        row = {name: getattr(integration, name) for name in _FIELDS} | _NEW
        row |= {"tenant_id": self._tenant, "created_at": self._now, "settings": dict(integration.settings)}
        row["calendar_hash"] = digest(integration.calendar_id) if integration.calendar_id else None
        if integration.active:
            row["watch_at"] = self._now
        with unique("integration"):
            self._connection.execute(insert(integrations).values(row))

    def get(self, integration_id: str, *, lock: bool = False) -> StoredIntegration | None:
        """One that was not deleted; ``lock`` it where what is read will be written."""
        query = _GET.with_for_update() if lock else _GET
        row = self._connection.execute(query, {"b_tenant": self._tenant, "b_id": integration_id}).one_or_none()
        return None if row is None else StoredIntegration(*row)

    def require(self, integration_id: str, *, lock: bool = False) -> StoredIntegration:
        """One that was not deleted. :raises Refused: ``integration_not_found``."""
        found = self.get(integration_id, lock=lock)
        if found is None:
            raise Refused(code="integration_not_found", integration=integration_id)
        return found

    def list(
        self,
        *,
        user_id: str | None = None,
        service: str | None = None,
        status: str | None = None,
        active: bool | None = None,
        account_id: str | None = None,
        after: str | None = None,
        limit: int = 200,
    ) -> Sequence[StoredIntegration]:
        """Those that were not deleted, in the order of their ids."""
        asked = {"user_id": user_id, "service": service, "status": status, "active": active, "account_id": account_id}
        chosen = [integrations.c[name] == value for name, value in asked.items() if value is not None]
        if after is not None:
            chosen.append(integrations.c.id > after)
        return self._select(*chosen, limit=limit)

    def troubled(self, account_id: str) -> Sequence[StoredIntegration]:
        """Those of an account that were not deleted and have a reason, in the order of their ids."""
        asked = {"b_tenant": self._tenant, "b_account": account_id}
        return [StoredIntegration(*row) for row in self._connection.execute(_TROUBLED, asked)]

    def save(self, integration_id: str, **values: Any) -> None:
        """Store some columns; another calendar starts from nothing (cursor, baseline).

        :raises Refused: ``integration_not_found``, ``already_exists``.
        """
        wrong = values.keys() - _CHANGEABLE
        if wrong:
            raise ValueError(f"not to be changed here: {sorted(wrong)}")
        if values.keys() & _WATCHED:
            values = {"watch_at": self._now, **values}
        if "calendar_id" in values and values["calendar_id"] != self.require(integration_id).calendar_id:
            calendar = values["calendar_id"]
            values = {**values, **_FRESH_CALENDAR, "calendar_hash": digest(calendar) if calendar else None}
        with unique("integration"):
            statement = _SAVE_ANEW if values.keys() & _OF_CALLER else _SAVE
            saved = self._connection.execute(statement, {"b_tenant": self._tenant, "b_id": integration_id} | values)
        if saved.rowcount != 1:
            raise Refused(code="integration_not_found", integration=integration_id)

    def clear_due(self, integration_id: str, due_no: int) -> bool:
        """A run took up the triggers up to this number, which it read at its start; returns whether more came (D1)."""
        self._connection.execute(
            update(integrations)
            .where(*self._here(integration_id), integrations.c.cleared < due_no)
            .values(cleared=due_no)
        )
        now = self.require(integration_id)
        return now.due_no > now.cleared

    def due(self, integration_id: str) -> str | None:
        """Why a run is due now: ``change``, ``poll``, ``retry``; None where nothing is to do."""
        row = self._connection.execute(
            select(
                (integrations.c.due_no > integrations.c.cleared).label("change"),
                (integrations.c.next_poll_at <= self._now).label("poll"),
                _RETRIES.label("retry"),
            ).where(*_LIVING),
            {"b_tenant": self._tenant, "b_id": integration_id, "b_now": self._now},
        ).one_or_none()
        return next((why for why in ("change", "poll", "retry") if row is not None and getattr(row, why)), None)

    def allow(self, services: Collection[str] | None) -> None:
        """Only integrations of these services run from now on; None are all."""
        allowed = true() if services is None else integrations.c.service.in_(services)
        self._connection.execute(
            update(integrations).where(integrations.c.tenant_id == self._tenant).values(allowed=allowed)
        )

    def poll_sooner(self, minutes: int, before: int) -> None:
        """Polls to come in steps of ``before`` minutes come in steps of ``minutes``, spread as they were."""
        now = micros(self._now)
        planned = type_coerce(integrations.c.next_poll_at, BigInteger)
        sooner = now + (planned - now) * minutes // before
        self._connection.execute(
            update(integrations)
            .where(integrations.c.tenant_id == self._tenant, planned > now)
            .values(next_poll_at=type_coerce(sooner, Instant))
        )

    def look_after_watches(self, user_id: str | None = None) -> None:
        """The tenant's, or a user's, subscriptions are to be looked after: something they depend on changed."""
        chosen = [integrations.c.tenant_id == self._tenant, integrations.c.active, integrations.c.deleted_at.is_(None)]
        if user_id is not None:
            chosen.append(integrations.c.user_id == user_id)
        self._connection.execute(update(integrations).where(*chosen).values(watch_at=self._now))

    def claim_watches(self, integration_id: str, until: datetime) -> StoredIntegration | None:
        """The integration, if its subscriptions are to be looked after: nobody else does until then."""
        claimed = self._connection.execute(
            update(integrations)
            .where(*self._here(integration_id), integrations.c.watch_at <= self._now)
            .where(integrations.c.deleted_at.is_(None))
            .values(watch_at=until)
        )
        return self.get(integration_id) if claimed.rowcount == 1 else None

    def watches_looked_after(
        self, claimed: StoredIntegration, look_at: datetime | None, tries: int, code: str | None
    ) -> None:
        """It was done, and is to be done again then; at once where something changed meanwhile."""
        here = (*self._here(claimed.id), integrations.c.deleted_at.is_(None))
        done = update(integrations).where(*here).values(watch_tries=tries, watch_code=code)
        self._connection.execute(done)
        unchanged = integrations.c.watch_at == claimed.watch_at
        last = update(integrations).where(*here, unchanged).values(watch_at=look_at)
        if self._connection.execute(last).rowcount != 1:
            self._connection.execute(update(integrations).where(*here).values(watch_at=self._now))

    def poll_until(self, integration_id: str, moment: datetime) -> None:
        """The next poll comes then, if none comes sooner."""
        here = (*self._here(integration_id), integrations.c.next_poll_at > moment)
        self._connection.execute(update(integrations).where(*here).values(next_poll_at=moment))

    def end(self, integration_id: str) -> None:
        """Make a tombstone: what is left tells whose keys its events carry (SYNC C4)."""
        gone = dict.fromkeys(_OF_CALENDAR)
        values = (
            gone | dict(_FRESH_CALENDAR) | {"active": False, "settings": {}, "deleted_at": self._now, "watch_at": None}
        )
        self._connection.execute(update(integrations).where(*self._here(integration_id)).values(values))

    def count_by_status(self) -> dict[str, int]:
        """How many there are of each status."""
        query = (
            select(integrations.c.status, func.count().label("number"))
            .where(integrations.c.tenant_id == self._tenant, integrations.c.deleted_at.is_(None))
            .group_by(integrations.c.status)
        )
        return {row.status: row.number for row in self._connection.execute(query)}

    def _here(self, integration_id: str) -> tuple[ColumnElement[bool], ...]:
        return (integrations.c.tenant_id == self._tenant, integrations.c.id == integration_id)

    def _select(self, *conditions: ColumnElement[bool], limit: int | None = None) -> Sequence[StoredIntegration]:
        query = (
            select(*_ALL)
            .where(integrations.c.tenant_id == self._tenant, integrations.c.deleted_at.is_(None), *conditions)
            .order_by(integrations.c.id)
            .limit(limit)
        )
        return [StoredIntegration(*row) for row in self._connection.execute(query)]


def runnable() -> tuple[ColumnElement[bool], ...]:
    """Conditions under which an integration may run at all (SYNC D12)."""
    return (
        integrations.c.active.is_(True),
        integrations.c.status == "connected",
        integrations.c.deleted_at.is_(None),
        accounts.c.refused.is_(False),
        unstopped(),
    )
