"""Items of My Calendar: read, and written conditionally, with the order of changes kept."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, exists, func, or_, select, true, update

from calbridge.domain.content import differing
from calbridge.domain.item import Item, ItemType
from calbridge.errors import ItemChanged, Refused
from calbridge.store.bulk import add_rows
from calbridge.store.changes import Changes, Source
from calbridge.store.columns import digest
from calbridge.store.failures import unique
from calbridge.store.rows import DEFAULT_MINUTES, item_in, item_out
from calbridge.store.sql import among, kept
from calbridge.store.tables import items, links, tenants
from calbridge.sync.memory import LinkState
from calbridge.sync.ports import Keys

_FACTS = ("type", "external_id", "record_id", "due", "completed_at", "associations", "hidden", "locked", "ical_uid")
_LATER = (
    items.c.tenant_id == bindparam("b_tenant"),
    items.c.user_id == bindparam("b_user"),
    items.c.seq > bindparam("b_seq"),
)
# Built once: every run asks them.
_AFTER = select(items).where(*_LATER).order_by(items.c.seq).limit(bindparam("b_limit"))
_NEW = (
    _AFTER.where(
        ~exists().where(
            links.c.tenant_id == items.c.tenant_id,
            links.c.item_id == items.c.id,
            links.c.integration_id == bindparam("b_integration"),
            links.c.synced_version == items.c.version,
            links.c.state != bindparam("b_failed", LinkState.FAILED.value),
        )
    )
).subquery()
_LAST = select(func.max(items.c.seq).label("last_seq")).where(*_LATER).subquery()
_TO_SCAN = select(_LAST.c.last_seq, _NEW).select_from(_LAST.outerjoin(_NEW, true())).order_by(_NEW.c.seq)
_ONE = select(items).where(*_LATER[:2], items.c.id == bindparam("b_id"))
_OF_ANYONE = select(items).where(_LATER[0], among(items.c.id, "b_keys"))
_BY_EXTERNAL = select(items).where(*_LATER[:2], items.c.external_hash == bindparam("b_external"))
_BY_EXTERNALS = (
    select(items)
    .where(*_LATER[:2], among(items.c.external_hash, "b_keys"))
    .order_by(kept(items.c.id))
    .with_for_update()
)
_REPLACE = update(items).where(*_LATER[:2], items.c.id == bindparam("b_id"), items.c.version == bindparam("b_version"))
_HAVING = {
    "id": select(items).where(_LATER[0], kept(_LATER[1]), among(items.c.id, "b_keys")),
    "uid": select(items).where(*_LATER[:2], among(items.c.ical_hash, "b_keys")),
    "match": select(items).where(*_LATER[:2], among(items.c.match, "b_keys")),
}
"""Questions by the keys of an index."""


@dataclass(frozen=True, slots=True)
class ItemFilter:
    """What a list of items shows. ``start``, ``end``: a window that a series touches if any of it may lie in it."""

    types: frozenset[ItemType] | None = None
    start: datetime | None = None
    end: datetime | None = None
    deleted: bool = False
    external_id: str | None = None


class Items:
    """The items of a tenant within one unit of work. ``seq`` of what is written is known only after its end."""

    def __init__(self, connection: Connection, tenant: str, keys: Keys, changes: Changes, now: datetime) -> None:
        self._connection = connection
        self._tenant = tenant
        self._keys = keys
        self._changes = changes
        self._now = now

    @cached_property
    def _default_minutes(self) -> int:
        told = self._connection.scalar(select(tenants.c.settings).where(tenants.c.id == self._tenant)) or {}
        return int(told.get("default_minutes", DEFAULT_MINUTES))

    def get(self, user_id: str, item_id: str) -> Item | None:
        """An item of this user, tombstones too."""
        found = self.many(user_id, [item_id])
        return found.get(item_id)

    def many(self, user_id: str, item_ids: Sequence[str]) -> dict[str, Item]:
        """Items of this user by id, tombstones too."""
        return {item.id: item for item in self.having(user_id, "id", item_ids)}

    def of_anyone(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Items by id, whichever users of the tenant they belong to, tombstones too."""
        if not item_ids:
            return {}
        rows = self._connection.execute(_OF_ANYONE, {"b_tenant": self._tenant, "b_keys": list(item_ids)})
        return {row.id: item_in(row) for row in rows}

    def having(self, user_id: str, index: str, values: Sequence[str]) -> Iterable[Item]:
        """Items by ``id``, by ``uid`` (ical_uid) or by ``match``, tombstones too."""
        if not values:
            return ()
        keys = [digest(value) for value in values] if index == "uid" else list(values)
        asked = {"b_tenant": self._tenant, "b_user": user_id, "b_keys": keys}
        return map(item_in, self._connection.execute(_HAVING[index], asked))

    def one(self, user_id: str, item_id: str, *, lock: bool = False) -> Item | None:
        """An item of this user, a tombstone too; ``lock`` it where what is read will be written."""
        return self._one(_ONE, user_id, {"b_id": item_id}, lock=lock)

    def by_external_id(self, user_id: str, external_id: str, *, lock: bool = False) -> Item | None:
        """The item with this external id; a tombstone keeps it, so that it can be revived with its id and links."""
        return self._one(_BY_EXTERNAL, user_id, {"b_external": digest(external_id)}, lock=lock)

    def by_external_ids(self, user_id: str, external_ids: Collection[str]) -> dict[str, Item]:
        """Items by external id, tombstones too, locked in the order of their ids."""
        asked = {"b_tenant": self._tenant, "b_user": user_id, "b_keys": [digest(each) for each in external_ids]}
        found = [item_in(row) for row in self._connection.execute(_BY_EXTERNALS, asked)]
        return {item.external_id: item for item in found if item.external_id is not None}

    def list(self, user_id: str, chosen: ItemFilter, after: str | None, limit: int) -> Sequence[Item]:
        """Items in the order of their ids, after that id."""
        conditions: list[ColumnElement[bool]] = []
        if not chosen.deleted:
            conditions.append(items.c.deleted_at.is_(None))
        if chosen.types is not None:
            conditions.append(items.c.type.in_(sorted(each.value for each in chosen.types)))
        if chosen.end is not None:
            conditions.append(items.c.first_start < chosen.end)
        if chosen.start is not None:
            touching = or_(items.c.last_end.is_(None), items.c.last_end >= chosen.start)
            conditions.append(and_(items.c.first_start.is_not(None), touching))
        if chosen.external_id is not None:
            conditions.append(items.c.external_hash == digest(chosen.external_id))
        if after is not None:
            conditions.append(items.c.id > after)
        return self._select(user_id, *conditions, order=items.c.id, limit=limit)

    def after(self, user_id: str, seq: int, limit: int) -> Sequence[Item]:
        """Items with a higher seq, in order of seq, tombstones too."""
        asked = {"b_tenant": self._tenant, "b_user": user_id, "b_seq": seq, "b_limit": limit}
        return [item_in(row) for row in self._connection.execute(_AFTER, asked)]

    def to_scan(self, user_id: str, integration_id: str, seq: int, limit: int) -> tuple[Sequence[Item], int]:
        """Items with a higher seq that the integration has not taken over, in order, tombstones too.

        Also the highest seq that was looked at: the last one's where there are more of them.
        """
        asked = {"b_tenant": self._tenant, "b_user": user_id, "b_seq": seq, "b_limit": limit + 1}
        rows = self._connection.execute(_TO_SCAN, asked | {"b_integration": integration_id}).all()
        found = [item_in(row) for row in rows if row.id is not None]
        if len(found) > limit:
            return found[:limit], found[limit - 1].seq
        return found, max(seq, rows[0].last_seq or 0)

    def any_unlinked(self, user_id: str, integration_id: str, types: Collection[ItemType]) -> bool:
        """Whether a living item of these types has neither an event nor a closed link in this integration."""
        linked = exists().where(
            links.c.tenant_id == self._tenant,
            links.c.integration_id == integration_id,
            links.c.item_id == items.c.id,
            or_(links.c.remote_id.is_not(None), links.c.state == LinkState.CLOSED.value),
            links.c.parked.is_(None),
        )
        query = select(items.c.id).where(
            *self._of(user_id),
            items.c.deleted_at.is_(None),
            items.c.type.in_(sorted(each.value for each in types)),
            ~linked,
        )
        return self._connection.execute(query.limit(1)).first() is not None

    def add(self, item: Item, source: Source) -> Item:
        """Store a new item with version 1. :raises Refused: ``already_exists``."""
        stored = self.prepared(item)
        with unique("item"):
            self.insert([stored])
        self.announce(stored, "create", {unit[1].value for unit in stored.content}, source)
        return stored

    def put(self, item: Item, source: Source, expected_version: int | None = None) -> Item:
        """Store a changed item; what changes no meaning is not stored at all (SYNC E1).

        :raises ItemChanged: it has another version; :raises Refused: ``item_not_found``.
        """
        before = self.locked(item.user_id, item.id)
        if expected_version is not None and before.version != expected_version:
            raise ItemChanged(item=item.id)
        return self.change(before, item, source)

    def change(self, before: Item, item: Item, source: Source) -> Item:
        """Store the next state of an item that this unit of work has read; without change of meaning nothing (SYNC E1).

        :raises ItemChanged: it moved on since it was read, which a locked one can't.
        """
        fields = changed_fields(before, item)
        if item.deleted_at == before.deleted_at and not fields:
            return before
        return self._replace(before, item, fields, source)

    def delete(self, user_id: str, item_id: str, source: Source, expected_version: int | None = None) -> Item:
        """Make a tombstone that keeps the last state; a tombstone stays as it is. :raises ItemChanged:, Refused:"""
        before = self.locked(user_id, item_id)
        if expected_version is not None and before.version != expected_version:
            raise ItemChanged(item=item_id)
        return before if before.deleted else self.bury(before, source)

    def bury(self, item: Item, source: Source) -> Item:
        """Make a tombstone of a living item that this unit of work has read. :raises ItemChanged: it moved on."""
        return self._replace(item, replace(item, deleted_at=self._now), (), source)

    def locked(self, user_id: str, item_id: str) -> Item:
        """The item as it is now, locked for this unit of work. :raises Refused: ``item_not_found``."""
        query = select(items).where(*self._of(user_id), items.c.id == item_id).with_for_update()
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise Refused(code="item_not_found", item=item_id)
        return item_in(row)

    def replace(self, before: Item, item: Item, source: Source) -> Item:
        """Store the next version if it is still the one that was read. :raises ItemChanged: it is not."""
        return self._replace(before, item, changed_fields(before, item), source)

    def _replace(self, before: Item, item: Item, fields: Collection[str], source: Source) -> Item:
        stored = replace(
            item,
            version=before.version + 1,
            seq=before.seq,
            created_at=before.created_at,
            updated_at=self._now,
        )
        here = {"b_tenant": self._tenant, "b_user": item.user_id, "b_id": item.id, "b_version": before.version}
        with unique("item"):
            done = self._connection.execute(_REPLACE, item_out(stored, self._keys, self._default_minutes) | here)
        if done.rowcount != 1:
            raise ItemChanged(item=item.id)
        op = "delete" if stored.deleted else "create" if before.deleted else "update"
        self.announce(stored, op, fields, source)
        return stored

    def prepared(self, item: Item) -> Item:
        """A new item as it is stored."""
        return replace(item, version=1, seq=0, created_at=item.created_at or self._now, updated_at=self._now)

    def insert(self, new: Sequence[Item]) -> None:
        """Insert prepared items in one executemany; telling of them is up to the caller."""
        rows = [item_out(item, self._keys, self._default_minutes) | {"tenant_id": self._tenant} for item in new]
        add_rows(self._connection, items, rows)

    def announce(self, item: Item, op: str, fields: Collection[str], source: Source, *, moves: bool = True) -> None:
        """Tell the feed; ``moves``: the item gets the new seq."""
        self._changes.record(item.user_id, item.id, op, item.version, fields, source, moves_item=moves)

    def _one(self, query: Select[Any], user_id: str, asked: Mapping[str, str], *, lock: bool) -> Item | None:
        found = self._connection.execute(
            query.with_for_update() if lock else query, {"b_tenant": self._tenant, "b_user": user_id} | dict(asked)
        )
        row = found.one_or_none()
        return None if row is None else item_in(row)

    def _of(self, user_id: str) -> tuple[ColumnElement[bool], ...]:
        return (items.c.tenant_id == self._tenant, items.c.user_id == user_id)

    def _select(
        self, user_id: str, *conditions: ColumnElement[bool], order: Any = None, limit: int | None = None
    ) -> Sequence[Item]:
        query = select(items).where(*self._of(user_id), *conditions)
        if order is not None:
            query = query.order_by(order)
        if limit is not None:
            query = query.limit(limit)
        return [item_in(row) for row in self._connection.execute(query)]


def changed_fields(before: Item, after: Item) -> set[str]:
    """Names of the fields in which two states of an item differ in meaning."""
    fields = {unit[1].value for unit in differing(before.content, after.content)}
    return fields | {name for name in _FACTS if getattr(before, name) != getattr(after, name)}
