"""The order of a tenant's changes (SYNC E2, E3): ``seq`` given out at the end, and the feed that tells of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Update, bindparam, select, update

from calbridge.store.announcing import ITEM_TYPES, Happening, announce, listeners
from calbridge.store.bulk import add_rows
from calbridge.store.columns import EPOCH, JsonText, digest, json_text
from calbridge.store.tables import changes, integrations, items, known, leases, tenants
from calbridge.sync.memory import STOOD_ASIDE

_OF_USER = select(integrations.c.id).where(
    integrations.c.tenant_id == bindparam("b_tenant"),
    integrations.c.user_id == bindparam("b_user"),
    integrations.c.deleted_at.is_(None),
)
_RAISED = [integrations.c[name] for name in ("id", "due_no", "active", "status", "deleted_at", "baselined", "bulk")]


@dataclass(frozen=True, slots=True)
class Source:
    """Who made a change: ``door`` is api, page, cli or sync."""

    door: str
    key: str | None = None
    integration: str | None = None
    run: str | None = None

    def told(self) -> dict[str, str]:
        """As the feed tells it."""
        facts = {"door": self.door, "key": self.key, "integration": self.integration, "run": self.run}
        return {name: value for name, value in facts.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the feed. ``op``: create, update, delete, or kept (a deletion elsewhere that was not followed)."""

    seq: int
    user_id: str
    item_id: str
    op: str
    version: int
    changed_fields: tuple[str, ...]
    source: Mapping[str, str]
    at: datetime


@dataclass(frozen=True, slots=True)
class Raised:
    """An integration that may run and was given something to do: its trigger's number (SYNC D1).

    ``bulk``: what it has to do is long: a first run, a range, the rest of a run that was cut.
    """

    integration_id: str
    due_no: int
    bulk: bool


@dataclass(slots=True)
class _Pending:
    user_id: str
    item_id: str
    op: str
    version: int
    fields: Collection[str]
    source: Source
    moves_item: bool


@dataclass(frozen=True, slots=True)
class _Event:
    type: str
    user_id: str
    integration_id: str
    facts: Mapping[str, Any]


@dataclass(slots=True)
class Changes:
    """What a unit of work changed; :meth:`finish` stores what must be stored last, in an order that can't deadlock."""

    connection: Connection
    tenant: str
    now: datetime
    _pending: list[_Pending] = field(default_factory=list)
    _due: set[str] = field(default_factory=set)
    _due_users: set[tuple[str, str | None]] = field(default_factory=set)
    _woken: dict[str, set[str]] = field(default_factory=dict)
    _places: dict[str, dict[str, Any]] = field(default_factory=dict)
    raised: list[Raised] = field(default_factory=list)
    _events: list[_Event] = field(default_factory=list)
    announced: bool = False
    """Whether webhooks have something to deliver; known at the end."""

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A part that is undone by itself where it raises."""
        before, events = len(self._pending), len(self._events)
        try:
            with self.connection.begin_nested():
                yield
        except BaseException:
            del self._pending[before:]
            del self._events[events:]
            raise

    def record(
        self,
        user_id: str,
        item_id: str,
        op: str,
        version: int,
        fields: Collection[str],
        source: Source,
        *,
        moves_item: bool = True,
    ) -> None:
        """An item changed; ``moves_item``: it takes the new seq, and the user's other integrations become due."""
        if moves_item:
            self._due_users.add((user_id, source.integration))
        self._pending.append(_Pending(user_id, item_id, op, version, fields, source, moves_item))

    def happened(self, type: str, user_id: str, integration_id: str, facts: Mapping[str, Any]) -> None:
        """Something happened to an integration that webhooks may want to know."""
        self._events.append(_Event(type, user_id, integration_id, facts))

    def raise_due(self, integration_ids: Collection[str]) -> None:
        """These integrations have something to do (SYNC D1)."""
        self._due.update(integration_ids)

    def wake(self, integration_id: str, uid: str) -> None:
        """Known rows of another integration are decided again (SYNC D10)."""
        self._woken.setdefault(integration_id, set()).add(uid)
        self._due.add(integration_id)

    def place(self, integration_id: str, values: Mapping[str, Any]) -> None:
        """Columns of an integration to be stored at the end."""
        self._places.setdefault(integration_id, {}).update(values)

    def finish(self) -> None:
        """Rows of integrations in the order of their ids; then seq, followed only by stamping the rows (E2)."""
        for user_id, but in self._due_users:
            self._due.update(integrations_of(self.connection, self.tenant, user_id) - {but})
        for integration_id in sorted(self._woken):
            self._wake(integration_id, sorted(self._woken[integration_id]))
        for integration_id in sorted(self._due | self._places.keys()):
            values: dict[str, Any] = dict(self._places.get(integration_id, {}))
            statement = update(integrations).where(
                integrations.c.tenant_id == self.tenant, integrations.c.id == integration_id
            )
            if integration_id in self._due:
                values["due_no"] = integrations.c.due_no + 1
                self._raise(statement.values(values))
            else:
                self.connection.execute(statement.values(values))
        if self._pending or self._events:
            self._stamp(self._pending, self._events)
        for collected in (self._due, self._due_users, self._woken, self._places, self._pending, self._events):
            collected.clear()

    def _raise(self, statement: Update) -> None:
        """Store a trigger and remember it, where the integration may run (SYNC D12)."""
        row = self.connection.execute(statement.returning(*_RAISED)).one_or_none()
        if row is not None and row.active and row.status == "connected" and row.deleted_at is None:
            self.raised.append(Raised(row.id, row.due_no, bulk=row.bulk or not row.baselined))

    def _wake(self, integration_id: str, uids: Sequence[str]) -> None:
        # Its run holds this lock while it rewrites the same rows, so neither overwrites the other.
        self.connection.execute(
            select(leases.c.fence)
            .where(leases.c.tenant_id == self.tenant, leases.c.integration_id == integration_id)
            .with_for_update()
        )
        self.connection.execute(
            update(known)
            .where(
                known.c.tenant_id == self.tenant,
                known.c.integration_id == integration_id,
                known.c.uid_hash.in_([digest(uid) for uid in uids]),
                known.c.state.in_(STOOD_ASIDE),
            )
            .values(recheck=True, retry_at=EPOCH, tries=0)
        )

    def _stamp(self, pending: Sequence[_Pending], events: Sequence[_Event]) -> None:
        count = len(pending) + len(events)
        last = self.connection.execute(
            update(tenants)
            .where(tenants.c.id == self.tenant)
            .values(seq=tenants.c.seq + count)
            .returning(tenants.c.seq)
        ).scalar_one()
        numbered = list(enumerate(pending, last - count + 1))
        stamps = {each.item_id: seq for seq, each in numbered if each.moves_item}
        if stamps:
            self.connection.execute(
                update(items)
                .where(items.c.tenant_id == self.tenant, items.c.id == bindparam("b_id"))
                .values(seq=bindparam("b_seq")),
                [{"b_id": item_id, "b_seq": seq} for item_id, seq in sorted(stamps.items())],
            )
        add_rows(self.connection, changes, [self._row(seq, each) for seq, each in numbered])
        # Asked under the lock of the tenant's row, which new webhooks take, too: what is stored after one was made and
        # is not in a list that was read then is told to it.
        hooks = listeners(self.connection, self.tenant)
        if hooks:
            told = [_of_item(seq, each) for seq, each in numbered]
            told += [_of_integration(seq, each) for seq, each in enumerate(events, last - len(events) + 1)]
            self.announced = announce(self.connection, self.tenant, told, hooks, self.now) or self.announced

    def _row(self, seq: int, each: _Pending) -> dict[str, Any]:
        return {
            "tenant_id": self.tenant,
            "seq": seq,
            "user_id": each.user_id,
            "item_id": each.item_id,
            "op": each.op,
            "version": each.version,
            "changed_fields": _fields_text(frozenset(each.fields)),
            "source": _source_text(each.source),
            "at": self.now,
        }


@lru_cache(maxsize=256)
def _fields_text(fields: frozenset[str]) -> JsonText:
    """Encoded once: the rows of a run name a few sets of fields."""
    return json_text(sorted(fields))


@lru_cache(maxsize=256)
def _source_text(source: Source) -> JsonText:
    return json_text(source.told())


def _of_item(seq: int, each: _Pending) -> Happening:
    facts = {
        "op": each.op,
        "version": each.version,
        "changed_fields": sorted(each.fields),
        "source": each.source.told(),
    }
    return Happening(ITEM_TYPES[each.op], seq, each.user_id, each.item_id, each.source.key, facts)


def _of_integration(seq: int, each: _Event) -> Happening:
    return Happening(each.type, seq, each.user_id, each.integration_id, None, each.facts)


def integrations_of(connection: Connection, tenant: str, user_id: str) -> set[str]:
    """Ids of a user's integrations that were not deleted."""
    return set(connection.scalars(_OF_USER, {"b_tenant": tenant, "b_user": user_id}))
