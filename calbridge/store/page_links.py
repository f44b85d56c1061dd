"""The links of one integration within a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence, Set
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
)

from calbridge.store.bulk import add_rows, put_rows
from calbridge.store.columns import digest
from calbridge.store.overlay import Overlay
from calbridge.store.rows import AnyRow, link_in, link_out
from calbridge.store.sql import among, batches, kept, within
from calbridge.store.tables import intents, link_uids, links
from calbridge.sync.memory import Link, LinkState

_KEEP = frozenset({"born"})
# Built once: every run asks them, most of them for nothing.
_HERE = (links.c.tenant_id == bindparam("b_tenant"), links.c.integration_id == bindparam("b_integration"))
_BUSY = exists().where(
    intents.c.tenant_id == links.c.tenant_id,
    intents.c.integration_id == links.c.integration_id,
    intents.c.link_id == links.c.id,
)
_READY = or_(links.c.retry_at.is_(None), links.c.retry_at <= bindparam("b_now"))
_ORDERED = select(links).where(*_HERE).order_by(links.c.id)
_SOME = _ORDERED.where(links.c.id > bindparam("b_after")).limit(bindparam("b_limit"))
_NOW = (links.c.work, links.c.gone_at.is_(None), _READY, ~_BUSY)
TO_DO = _ORDERED.where(*_NOW)
_MUST_BE_READ = and_(links.c.reread, links.c.remote_id.is_not(None))
_TO_READ = _SOME.where(*_NOW, _MUST_BE_READ)
_TO_SEND = _SOME.where(*_NOW, ~_MUST_BE_READ)
_CREATES = TO_DO.where(links.c.remote_id.is_(None)).with_only_columns(links.c.id).limit(1)
_WAITS = links.c.reason == literal_column("'confirmation_needed'")
WAITING = _ORDERED.where(_WAITS)
_WAITING = _SOME.where(_WAITS)
GONE = _ORDERED.where(links.c.gone_at.is_not(None))
_WAITS_GONE = and_(_WAITS, links.c.state == literal_column("'pending_delete'"))
_GONE = _SOME.where(links.c.gone_at.is_not(None))
_GONE_FREE = _GONE.where(or_(links.c.reason.is_(None), ~_WAITS_GONE))
_GONE_WAITING = select(func.count()).select_from(links).where(*_HERE, links.c.gone_at.is_not(None), _WAITS_GONE)
_ADDRESSES = select(links.c.id, links.c.remote_id).where(*_HERE, links.c.live, links.c.gone_at.is_(None))
_LIVE = select(func.count()).select_from(links).where(*_HERE, links.c.live)
_FORMER = select(link_uids.c.link_id).where(
    link_uids.c.tenant_id == bindparam("b_tenant"),
    link_uids.c.integration_id == bindparam("b_integration"),
    among(link_uids.c.uid_hash, "b_keys"),
)
_HAVING = {
    "id": (select(links).where(*_HERE, among(links.c.id, "b_keys")),),
    "remote": (select(links).where(*_HERE, among(links.c.remote_hash, "b_keys")),),
    "item": (select(links).where(_HERE[0], kept(_HERE[1]), among(links.c.item_id, "b_keys")),),
    # Two questions: with OR between them SQLite would go through all links.
    "uid": (
        select(links).where(*_HERE, among(links.c.uid_hash, "b_keys")),
        select(links).where(*_HERE, links.c.id.in_(_FORMER)),
    ),
}
"""Questions by the keys of an index."""
_HASHED = {"remote", "uid"}


class LinkMemory:
    """See :class:`calbridge.sync.ports.Page`; ``number`` gives rows their age."""

    def __init__(self, connection: Connection, tenant: str, integration_id: str, number: Callable[[], int]) -> None:
        self._connection = connection
        self._place = {"tenant_id": tenant, "integration_id": integration_id}
        self._bound = {"b_tenant": tenant, "b_integration": integration_id}
        self._number = number
        self._born: dict[str, int] = {}
        self._with_old_uids: set[str] = set()
        self._rows: Overlay[Link] = Overlay(
            {
                "id": lambda link: (link.id,),
                "remote": lambda link: (link.remote_id,) if link.remote_id else (),
                "item": lambda link: (link.item_id,),
                "uid": lambda link: {*([link.uid] if link.uid else []), *link.old_uids},
            },
            self._load,
            self._store,
            self._remove,
        )
        self.drop = self._rows.drop
        self.flush = self._rows.flush
        self.find = self._rows.find
        self.forget = self._rows.forget

    def put(self, link: Link) -> None:
        """Insert or replace."""
        if link.id not in self._born:
            self._born[link.id] = self._number()
        self._rows.put(link)

    def links(self, link_ids: Sequence[str]) -> dict[str, Link]:
        """Links by id."""
        return {link.id: link for link in self._rows.find("id", link_ids)}

    def links_at(self, remote_ids: Sequence[str]) -> dict[str, Link]:
        """Links by remote id: a live one, else one that is not closed, else the newest."""
        found: dict[str, Link] = {}
        for link in sorted(self._rows.find("remote", remote_ids), key=self._rank):
            found[link.remote_id or ""] = link
        return found

    def links_of(self, item_ids: Sequence[str]) -> dict[str, Link]:
        """The link of each item: the one that is not closed, else the newest."""
        return {link.item_id: link for link in sorted(self._rows.find("item", item_ids), key=self._rank)}

    def _rank(self, link: Link) -> tuple[bool, bool, int]:
        return (link.live, link.state is not LinkState.CLOSED, self._born.get(link.id, 0))

    def linked(self, item_ids: Sequence[str]) -> set[str]:
        """Those items that have an event here, or a closed link."""
        found = self._rows.find("item", item_ids)
        return {link.item_id for link in found if link.holds_item}

    def links_with_uid(self, uids: Sequence[str]) -> list[Link]:
        """Links whose uid or old uid is one of these, the oldest first."""
        return sorted(self._rows.find("uid", uids), key=lambda link: self._born.get(link.id, 0))

    def all_links(self, after: str | None, limit: int) -> list[Link]:
        """All links ordered by id, after that id."""
        return self._read(_SOME, b_after=after or "", b_limit=limit)

    def not_at(self, remote_ids: Set[str]) -> list[str]:
        """Ids of the live links whose address is none of these."""
        self.flush()
        rows = self._connection.execute(_ADDRESSES, self._bound)
        return sorted(row.id for row in rows if row.remote_id not in remote_ids)

    def to_read(self, now: datetime, after: str | None, limit: int) -> list[Link]:
        """Links to do whose event must be read first."""
        return self._read(_TO_READ, b_now=now, b_after=after or "", b_limit=limit)

    def to_send(self, now: datetime, after: str | None, limit: int) -> list[Link]:
        """Links to do that can be decided without reading."""
        return self._read(_TO_SEND, b_now=now, b_after=after or "", b_limit=limit)

    def has_creates(self, now: datetime) -> bool:
        """Whether a link to do has no event yet."""
        self.flush()
        return self._connection.execute(_CREATES, self._bound | {"b_now": now}).first() is not None

    def gone(self, after: str | None, limit: int, *, waiting: bool) -> list[Link]:
        """Links with evidence of a remote deletion; with those that wait for somebody's word, or without."""
        return self._read(_GONE if waiting else _GONE_FREE, b_after=after or "", b_limit=limit)

    def gone_waiting(self) -> int:
        """How many of them wait for somebody's word."""
        self.flush()
        return int(self._connection.execute(_GONE_WAITING, self._bound).scalar_one())

    def waiting(self, after: str | None, limit: int) -> list[Link]:
        """Links that wait for somebody's word."""
        return self._read(_WAITING, b_after=after or "", b_limit=limit)

    def live_count(self) -> int:
        """How many links are live."""
        self.flush()
        return int(self._connection.execute(_LIVE, self._bound).scalar_one())

    def _here(self) -> tuple[ColumnElement[bool], ...]:
        return within(links, self._place)

    def _read(self, query: Select[tuple[object, ...]], **asked: object) -> list[Link]:
        self.flush()
        rows = self._connection.execute(query, self._bound | asked).all()
        return [self._rows.seen(self._take(row)) for row in rows]

    def _take(self, row: AnyRow) -> Link:
        link = link_in(row)
        self._born[link.id] = row.born
        if link.old_uids:
            self._with_old_uids.add(link.id)
        return link

    def _load(self, index: str, keys: Sequence[str]) -> Iterable[Link]:
        asked = [digest(key) for key in keys] if index in _HASHED else list(keys)
        for query in _HAVING[index]:
            for row in self._connection.execute(query, self._bound | {"b_keys": asked}):
                yield self._take(row)

    def _store(self, changed: Sequence[Link]) -> None:
        rows = []
        for link in changed:
            rows.append(self._place | link_out(link) | {"born": self._born[link.id]})
        put_rows(self._connection, links, rows, _KEEP)
        self._store_old_uids(changed)

    def _store_old_uids(self, changed: Sequence[Link]) -> None:
        touched = [link for link in changed if link.old_uids or link.id in self._with_old_uids]
        if not touched:
            return
        self._forget_old_uids([link.id for link in touched])
        rows = [
            self._place | {"link_id": link.id, "uid_hash": hashed}
            for link in touched
            for hashed in {digest(uid) for uid in link.old_uids}
        ]
        if rows:
            add_rows(self._connection, link_uids, rows)
        self._with_old_uids.update(link.id for link in touched)

    def _forget_old_uids(self, link_ids: Sequence[str]) -> None:
        for some in batches(link_ids):
            self._connection.execute(
                delete(link_uids).where(*within(link_uids, self._place), link_uids.c.link_id.in_(some))
            )

    def _remove(self, link_ids: Sequence[str]) -> None:
        """Steps and former UIDs of a link go with it."""
        self._forget_old_uids(link_ids)
        for some in batches(link_ids):
            self._connection.execute(delete(intents).where(*within(intents, self._place), intents.c.link_id.in_(some)))
            self._connection.execute(delete(links).where(*self._here(), links.c.id.in_(some)))
