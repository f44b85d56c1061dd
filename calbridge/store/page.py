"""One transaction of a run over the database: :class:`calbridge.sync.ports.Page`."""

from __future__ import annotations

from collections.abc import Sequence, Set
from datetime import datetime
from functools import cached_property

from sqlalchemy import Connection

from calbridge.domain.item import Item
from calbridge.store.changes import Changes, Source
from calbridge.store.items import Items
from calbridge.store.leases import Lease, keep_serial
from calbridge.store.outstanding import read_outstanding
from calbridge.store.page_items import ItemMemory
from calbridge.store.page_known import IntentMemory, KnownMemory
from calbridge.store.page_links import LinkMemory
from calbridge.store.page_listed import keep_listed, read_listed
from calbridge.store.page_places import Neighbours, RunLog, read_integration, save_places
from calbridge.sync.memory import Direction, Integration, Intent, KeyOwner, Known, Link, LogEntry, Outstanding
from calbridge.sync.ports import Keys


class SqlPage:
    """Made by :class:`calbridge.store.run_store.SqlRunStore` when the lease is locked; ``serial`` numbers rows.

    ``seq`` of items written here is known only after the page's end (SYNC E2): what the writing methods return still
    carries the former one.
    """

    def __init__(
        self, connection: Connection, lease: Lease, keys: Keys, run_id: str | None, now: datetime, serial: int
    ) -> None:
        self._connection = connection
        self._lease = lease
        self._keys = keys
        self._run_id = run_id
        self._now = now
        self._serial = self._last_serial = serial
        tenant, integration_id = lease.tenant_id, lease.integration_id
        self._changes = Changes(connection, tenant, now)
        self._links = LinkMemory(connection, tenant, integration_id, self._number)
        self._known = KnownMemory(connection, tenant, integration_id)
        self._intents = IntentMemory(connection, tenant, integration_id, self._number)
        self._log = RunLog(connection, tenant, integration_id, run_id)

    @cached_property
    def _integration(self) -> Integration:
        return read_integration(self._connection, self._lease.tenant_id, self._lease.integration_id)

    @cached_property
    def _items(self) -> ItemMemory:
        state = self._integration
        source = Source("sync", integration=state.id, run=self._run_id)
        items = Items(self._connection, state.tenant_id, self._keys, self._changes, self._now)
        return ItemMemory(items, state.user_id, self._keys, state.options.default_minutes, source, self._now)

    @cached_property
    def _neighbours(self) -> Neighbours:
        return Neighbours(self._connection, self._integration)

    def _number(self) -> int:
        self._serial += 1
        return self._serial

    def expect(
        self,
        remote_ids: Sequence[str] = (),
        uids: Sequence[str] = (),
        matches: Sequence[str] = (),
        markers: Sequence[str] = (),
    ) -> None:
        """Read in a few statements what a page of events will be asked about one by one. Changes nothing."""
        links = [*self._links.find("remote", remote_ids), *self._links.find("uid", uids)]
        self._known.known(remote_ids)
        for index, keys in (("uid", uids), ("match", matches), ("marker", markers)):
            self._known.find(index, keys)
        items = [*self._items.find("uid", uids), *self._items.find("match", matches)]
        self._items.many([link.item_id for link in links])
        self._links.linked([item.id for item in items])
        self._neighbours.expect(uids, markers)

    def finish(self) -> None:
        """Write what is collected, the order of changes last."""
        self._flush()
        self._log.flush()
        if "_neighbours" in self.__dict__:
            self._neighbours.flush()
        if self._serial != self._last_serial:
            keep_serial(self._connection, self._lease, self._serial)
        self._changes.finish()

    def forget(self) -> None:
        """Let go of all rows when the page is over: its parts refer to each other, so that nothing else frees them."""
        if "_items" in self.__dict__:
            self._items.forget()
        self._links.forget()
        self._known.forget()

    @property
    def announced(self) -> bool:
        """Whether webhooks have something to deliver; known at the end."""
        return self._changes.announced

    def _flush(self) -> None:
        if "_items" in self.__dict__:
            self._items.flush()
        self._links.flush()
        self._known.flush()
        self._intents.flush()

    def integration(self) -> Integration:
        """The state of the integration."""
        return self._integration

    def save_integration(self, value: Integration) -> None:
        """Store the places of the run."""
        self._integration = save_places(self._changes, self._integration, value)

    def keep_listed(self, remote_ids: Set[str] | None) -> None:
        """Keep what a listing named up to its checkpoint; None forgets it."""
        keep_listed(self._connection, self._integration, remote_ids)

    def listed(self) -> set[str] | None:
        """What was kept for the checkpoint that is stored now."""
        return read_listed(self._connection, self._integration)

    def links(self, link_ids: Sequence[str]) -> dict[str, Link]:
        """Links by id."""
        return self._links.links(link_ids)

    def links_at(self, remote_ids: Sequence[str]) -> dict[str, Link]:
        """Links by remote id, a live one first."""
        return self._links.links_at(remote_ids)

    def links_of(self, item_ids: Sequence[str]) -> dict[str, Link]:
        """The link of each item."""
        return self._links.links_of(item_ids)

    def links_with_uid(self, uids: Sequence[str]) -> list[Link]:
        """Links whose uid or old uid is one of these."""
        return self._links.links_with_uid(uids)

    def all_links(self, after: str | None, limit: int) -> list[Link]:
        """All links ordered by id."""
        return self._links.all_links(after, limit)

    def links_not_at(self, remote_ids: Set[str]) -> list[str]:
        """Ids of the live links whose address is none of these."""
        return self._links.not_at(remote_ids)

    def links_to_read(self, now: datetime, after: str | None, limit: int) -> list[Link]:
        """Links to do whose event must be read first."""
        self._intents.flush()
        return self._links.to_read(now, after, limit)

    def links_to_send(self, now: datetime, after: str | None, limit: int) -> list[Link]:
        """Links to do that can be decided without reading."""
        self._intents.flush()
        return self._links.to_send(now, after, limit)

    def has_creates(self, now: datetime) -> bool:
        """Whether a link to do has no event yet."""
        self._intents.flush()
        return self._links.has_creates(now)

    def links_gone(self, after: str | None, limit: int, *, waiting: bool) -> list[Link]:
        """Links with evidence of a remote deletion."""
        return self._links.gone(after, limit, waiting=waiting)

    def gone_waiting(self) -> int:
        """How many of them wait for somebody's word."""
        return self._links.gone_waiting()

    def links_waiting(self, after: str | None, limit: int) -> list[Link]:
        """Links that wait for somebody's word."""
        return self._links.waiting(after, limit)

    def outstanding(self, now: datetime) -> Outstanding:
        """What kinds of work there are."""
        self._flush()
        return read_outstanding(self._connection, self._lease.tenant_id, self._lease.integration_id, now)

    def live_count(self) -> int:
        """How many links are live."""
        return self._links.live_count()

    def put_link(self, link: Link) -> None:
        """Insert or replace."""
        self._links.put(link)

    def drop_link(self, link_id: str) -> None:
        """Forget a link and its open steps."""
        self._intents.drop_of(link_id)
        self._links.drop(link_id)

    def known(self, remote_ids: Sequence[str]) -> dict[str, Known]:
        """Known rows by remote id."""
        return self._known.known(remote_ids)

    def known_matching(self, uid: str | None, match: str | None, marker: str | None) -> list[Known]:
        """Known rows with this uid, match or marker."""
        return self._known.matching(uid, match, marker)

    def known_to_index(self, limit: int) -> list[Known]:
        """Known rows whose body was never read."""
        return self._known.to_index(limit)

    def known_to_recheck(self, now: datetime, after: str | None, limit: int) -> list[Known]:
        """Known rows that must be decided now."""
        return self._known.to_recheck(now, after, limit)

    def all_known(self, after: str | None, limit: int) -> list[Known]:
        """All known rows ordered by remote id."""
        return self._known.all(after, limit)

    def known_not_at(self, remote_ids: Set[str]) -> list[str]:
        """Addresses of the known rows that are none of these."""
        return self._known.not_at(remote_ids)

    def put_known(self, known: Known) -> None:
        """Insert or replace."""
        self._known.put(known)

    def drop_known(self, remote_ids: Sequence[str]) -> None:
        """Forget known rows."""
        self._known.drop(remote_ids)

    def wake_known(self, uid: str) -> None:
        """Known rows with this uid in this user's integrations are decided again."""
        if self._known.wake(uid):
            self._changes.raise_due([self._integration.id])
        for each in self._neighbours.that_know(uid):
            self._changes.wake(each, uid)

    def intents(self) -> list[Intent]:
        """Open intents in the order they were made."""
        return self._intents.all()

    def put_intent(self, intent: Intent) -> None:
        """Store a step."""
        self._intents.put(intent)

    def drop_intent(self, intent_id: str) -> None:
        """Forget a step."""
        self._intents.drop(intent_id)

    def item(self, item_id: str) -> Item | None:
        """An item of this user, tombstones too."""
        return self._items.many([item_id]).get(item_id)

    def items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Items of this user by id, tombstones too."""
        return self._items.many(item_ids)

    def items_after(self, seq: int, limit: int) -> list[Item]:
        """Items with a higher seq; what this page wrote comes with the next one."""
        return self._items.after(seq, limit)

    def items_to_scan(self, seq: int, limit: int) -> tuple[list[Item], int]:
        """Items with a higher seq that are not taken over here; what this page wrote comes with the next one."""
        self._links.flush()
        return self._items.to_scan(self._integration.id, seq, limit)

    def items_matching(self, uid: str | None, match: str | None) -> list[Item]:
        """Living items with this ical_uid or match that have neither an event nor a closed link here."""
        found = self._items.matching(uid, match)
        if not found:
            return []
        linked = self._links.linked([item.id for item in found])
        return [item for item in found if item.id not in linked]

    def has_unlinked_items(self) -> bool:
        """Whether a living item of a sent type has neither an event nor a closed link here."""
        self._flush()
        return self._items.any_unlinked(self._integration.id, self._integration.options.send.types)

    def add_item(self, item: Item) -> Item:
        """Store a new item."""
        return self._items.add(item)

    def put_item(self, item: Item, expected_version: int) -> Item:
        """Store a changed item."""
        return self._items.put(item, expected_version)

    def delete_item(self, item_id: str, expected_version: int) -> Item:
        """Make a tombstone."""
        return self._items.delete(item_id, expected_version)

    def mark_not_own(self, item: Item) -> None:
        """Tell the PSA about an item that did not change."""
        self._items.tell(item)

    def linked_elsewhere(self, uid: str) -> bool:
        """Whether another live integration of this user has a live link with this uid."""
        return self._neighbours.linked(uid)

    def key_owner(self, marker: str) -> KeyOwner | None:
        """Whose key this is."""
        return self._neighbours.key_owner(marker)

    def keep_key(self, key: str, item_id: str) -> None:
        """Remember that this integration made this key."""
        self._neighbours.keep_key(key, item_id)

    def log(self, entry: LogEntry) -> None:
        """Add a line to the run's log."""
        self._log.add(entry)

    def forget_texts(self, item_id: str) -> None:
        """Erase what log lines tell of an item's text."""
        self._log.forget_texts(item_id)

    def deletions(self, direction: Direction, since: datetime) -> int:
        """Deletions executed in this direction since then."""
        return self._log.deletions(direction, since)
