"""The links of one integration within a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Select, delete, exists, func, insert, literal_column, or_, select

from calbridge.store.columns import digest
from calbridge.store.overlay import Overlay
from calbridge.store.rows import AnyRow, link_in, link_out
from calbridge.store.sql import batches, put_rows, within
from calbridge.store.tables import intents, link_uids, links
from calbridge.sync.memory import Link, LinkState

_KEEP = frozenset({"born"})


class LinkMemory:
    """See :class:`calbridge.sync.ports.Page`; ``number`` gives rows their age."""

    def __init__(self, connection: Connection, tenant: str, integration_id: str, number: Callable[[], int]) -> None:
        self._connection = connection
        self._place = {"tenant_id": tenant, "integration_id": integration_id}
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
        query = self._select() if after is None else self._select(links.c.id > after)
        return self._read(query.order_by(links.c.id).limit(limit))

    def links_to_do(self, now: datetime, limit: int) -> list[Link]:
        """Links with work that may be done now and have no open intent, ordered by id."""
        busy = exists().where(
            intents.c.tenant_id == links.c.tenant_id,
            intents.c.integration_id == links.c.integration_id,
            intents.c.link_id == links.c.id,
        )
        ready = or_(links.c.retry_at.is_(None), links.c.retry_at <= now)
        return self._read(self._select(links.c.work, ready, ~busy).order_by(links.c.id).limit(limit))

    def links_gone(self) -> list[Link]:
        """Links with evidence of a remote deletion, ordered by it."""
        return self._read(self._select(links.c.gone_at.is_not(None)).order_by(links.c.gone_at, links.c.id))

    def links_waiting(self, limit: int) -> list[Link]:
        """Links that wait for somebody's word, ordered by id."""
        waits = links.c.reason == literal_column("'confirmation_needed'")
        return self._read(self._select(waits).order_by(links.c.id).limit(limit))

    def live_count(self) -> int:
        """How many links are live."""
        self.flush()
        query = select(func.count()).select_from(links).where(*self._here(), links.c.live)
        return int(self._connection.execute(query).scalar_one())

    def _here(self) -> tuple[ColumnElement[bool], ...]:
        return within(links, self._place)

    def _select(self, *conditions: ColumnElement[bool]) -> Select[tuple[object, ...]]:
        return select(links).where(*self._here(), *conditions)

    def _read(self, query: Select[tuple[object, ...]]) -> list[Link]:
        self.flush()
        return [self._rows.seen(self._take(row)) for row in self._connection.execute(query)]

    def _take(self, row: AnyRow) -> Link:
        link = link_in(row)
        self._born[link.id] = row.born
        if link.old_uids:
            self._with_old_uids.add(link.id)
        return link

    def _load(self, index: str, keys: Sequence[str]) -> Iterable[Link]:
        for some in batches(keys):
            for row in self._connection.execute(self._select(self._having(index, some))):
                yield self._take(row)

    def _having(self, index: str, keys: Sequence[str]) -> ColumnElement[bool]:
        if index == "id":
            return links.c.id.in_(keys)
        if index == "item":
            return links.c.item_id.in_(keys)
        hashes = [digest(key) for key in keys]
        if index == "remote":
            return links.c.remote_hash.in_(hashes)
        old = select(link_uids.c.link_id).where(*within(link_uids, self._place), link_uids.c.uid_hash.in_(hashes))
        return or_(links.c.uid_hash.in_(hashes), links.c.id.in_(old))

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
            self._connection.execute(insert(link_uids), rows)
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
