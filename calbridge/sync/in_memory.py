"""A run's memory held in dictionaries: for previews, which must leave no trace, and for driving the engine in tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from calbridge.domain.item import Item
from calbridge.errors import ItemChanged, LeaseLost
from calbridge.sync.memory import (
    Direction,
    Integration,
    Intent,
    KeyOwner,
    Known,
    KnownState,
    Link,
    LinkState,
    LogEntry,
    Outstanding,
)
from calbridge.sync.ports import Clock, Keys

_ENDED = {LinkState.CLOSED}
DELETE_ACTION = "delete"


@dataclass
class Tables:
    """Everything one tenant's integrations remember."""

    items: dict[str, Item] = field(default_factory=dict)
    integrations: dict[str, Integration] = field(default_factory=dict)
    links: dict[tuple[str, str], Link] = field(default_factory=dict)
    known: dict[tuple[str, str], Known] = field(default_factory=dict)
    intents: dict[tuple[str, str], Intent] = field(default_factory=dict)
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    listed: dict[str, tuple[str | None, frozenset[str]]] = field(default_factory=dict)
    log: list[tuple[str, LogEntry]] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    due: set[str] = field(default_factory=set)
    seq: int = 0

    def copy(self) -> Tables:
        """A copy one level deep: rows are immutable."""
        return Tables(
            dict(self.items),
            dict(self.integrations),
            dict(self.links),
            dict(self.known),
            dict(self.intents),
            dict(self.keys),
            dict(self.ended),
            dict(self.listed),
            list(self.log),
            list(self.told),
            set(self.due),
            self.seq,
        )


class InMemoryStore:
    """A :class:`calbridge.sync.ports.RunStore` over :class:`Tables`; a page that raises leaves nothing behind."""

    def __init__(self, tables: Tables, integration_id: str, clock: Clock, keys: Keys) -> None:
        self.tables = tables
        self.integration_id = integration_id
        self.clock = clock
        self.keys = keys
        self.holds_lease = True
        self.before_commit: Callable[[], None] | None = None

    @contextmanager
    def page(self) -> Iterator[InMemoryPage]:
        """One transaction: copied at the start, put back when it raises."""
        if not self.holds_lease:
            raise LeaseLost
        before = self.tables.copy()
        try:
            yield InMemoryPage(self)
            if self.before_commit is not None:
                self.before_commit()
        except BaseException:
            self.tables.__dict__.update(before.__dict__)
            raise

    def renew(self) -> None:
        """Check that the lease is still held."""
        if not self.holds_lease:
            raise LeaseLost


class InMemoryPage:
    """See :class:`calbridge.sync.ports.Page`."""

    def __init__(self, store: InMemoryStore) -> None:
        self._store = store
        self._tables = store.tables
        self._id = store.integration_id

    # integration

    def integration(self) -> Integration:
        return self._tables.integrations[self._id]

    def save_integration(self, value: Integration) -> None:
        self._tables.integrations[self._id] = replace(value, options=self.integration().options)

    def keep_listed(self, remote_ids: Set[str] | None) -> None:
        self._tables.listed.pop(self._id, None)
        if remote_ids is not None:
            self._tables.listed[self._id] = (self.integration().checkpoint, frozenset(remote_ids))

    def listed(self) -> set[str] | None:
        checkpoint, found = self._tables.listed.get(self._id, (None, frozenset()))
        return set(found) if checkpoint is not None and checkpoint == self.integration().checkpoint else None

    def expect(
        self,
        remote_ids: Sequence[str] = (),
        uids: Sequence[str] = (),
        matches: Sequence[str] = (),
        markers: Sequence[str] = (),
    ) -> None:
        """Everything is at hand."""

    # links

    def _links(self) -> Iterator[Link]:
        return (link for (owner, _), link in self._tables.links.items() if owner == self._id)

    def links(self, link_ids: Sequence[str]) -> dict[str, Link]:
        rows = ((each, self._tables.links.get((self._id, each))) for each in link_ids)
        return {each: link for each, link in rows if link is not None}

    def links_at(self, remote_ids: Sequence[str]) -> dict[str, Link]:
        wanted = set(remote_ids)
        found: dict[str, Link] = {}
        for link in self._links():
            if link.remote_id in wanted and (link.remote_id not in found or link.live):
                found[link.remote_id or ""] = link
        return found

    def links_of(self, item_ids: Sequence[str]) -> dict[str, Link]:
        wanted = set(item_ids)
        found: dict[str, Link] = {}
        for link in self._links():
            if link.item_id in wanted and not self._outranked(link, found.get(link.item_id)):
                found[link.item_id] = link
        return found

    @staticmethod
    def _outranked(link: Link, other: Link | None) -> bool:
        return other is not None and link.state in _ENDED and other.state not in _ENDED

    def links_with_uid(self, uids: Sequence[str]) -> list[Link]:
        wanted = set(uids)
        return [link for link in self._links() if link.uid in wanted or link.old_uids & wanted]

    def all_links(self, after: str | None, limit: int) -> list[Link]:
        return _after(self._links(), after, limit)

    def links_not_at(self, remote_ids: Set[str]) -> list[str]:
        return [
            link.id for link in self._links() if link.live and link.gone_at is None and link.remote_id not in remote_ids
        ]

    def _to_do(self, now: datetime) -> Iterator[Link]:
        busy = {intent.link_id for intent in self.intents()}
        return (
            link
            for link in self._links()
            if link.work
            and link.gone_at is None
            and link.id not in busy
            and (link.retry_at is None or link.retry_at <= now)
        )

    def links_to_read(self, now: datetime, after: str | None, limit: int) -> list[Link]:
        return _after((link for link in self._to_do(now) if link.must_be_read), after, limit)

    def links_to_send(self, now: datetime, after: str | None, limit: int) -> list[Link]:
        return _after((link for link in self._to_do(now) if not link.must_be_read), after, limit)

    def has_creates(self, now: datetime) -> bool:
        return any(link.remote_id is None for link in self._to_do(now))

    def _gone(self) -> Iterator[Link]:
        return (link for link in self._links() if link.gone_at is not None)

    def links_gone(self, after: str | None, limit: int, *, waiting: bool) -> list[Link]:
        return _after((link for link in self._gone() if waiting or not link.waits), after, limit)

    def gone_waiting(self) -> int:
        return sum(1 for link in self._gone() if link.waits)

    def links_waiting(self, after: str | None, limit: int) -> list[Link]:
        return _after((link for link in self._links() if link.reason == "confirmation_needed"), after, limit)

    def outstanding(self, now: datetime) -> Outstanding:
        return Outstanding(
            any(self._to_do(now)),
            bool(self.known_to_recheck(now, None, 1)),
            any(self._gone()),
            bool(self.links_waiting(None, 1)),
        )

    def live_count(self) -> int:
        return sum(1 for link in self._links() if link.live)

    def put_link(self, link: Link) -> None:
        self._tables.links[(self._id, link.id)] = link

    def drop_link(self, link_id: str) -> None:
        self._tables.links.pop((self._id, link_id), None)

    # known rows

    def _known(self) -> Iterator[Known]:
        return (row for (owner, _), row in self._tables.known.items() if owner == self._id)

    def known(self, remote_ids: Sequence[str]) -> dict[str, Known]:
        rows = ((each, self._tables.known.get((self._id, each))) for each in remote_ids)
        return {each: row for each, row in rows if row is not None}

    def known_matching(self, uid: str | None, match: str | None, marker: str | None) -> list[Known]:
        return [
            row
            for row in self._known()
            if (uid and row.uid == uid) or (match and row.match == match) or (marker and row.marker == marker)
        ]

    def known_to_index(self, limit: int) -> list[Known]:
        rows = (row for row in self._known() if not row.indexed and row.state is KnownState.KNOWN)
        return sorted(rows, key=lambda row: row.remote_id)[:limit]

    def known_to_recheck(self, now: datetime, after: str | None, limit: int) -> list[Known]:
        due = (row for row in self._known() if row.recheck and (row.retry_at is None or row.retry_at <= now))
        rows = (row for row in due if after is None or row.remote_id > after)
        return sorted(rows, key=lambda row: row.remote_id)[:limit]

    def all_known(self, after: str | None, limit: int) -> list[Known]:
        rows = (row for row in self._known() if after is None or row.remote_id > after)
        return sorted(rows, key=lambda row: row.remote_id)[:limit]

    def known_not_at(self, remote_ids: Set[str]) -> list[str]:
        return [row.remote_id for row in self._known() if row.remote_id not in remote_ids]

    def put_known(self, known: Known) -> None:
        self._tables.known[(self._id, known.remote_id)] = known

    def drop_known(self, remote_ids: Sequence[str]) -> None:
        for each in remote_ids:
            self._tables.known.pop((self._id, each), None)

    def wake_known(self, uid: str) -> None:
        user = self.integration().user_id
        for (owner, remote_id), row in list(self._tables.known.items()):
            if row.uid == uid and row.stood_aside and self._tables.integrations[owner].user_id == user:
                self._tables.known[(owner, remote_id)] = row.again()
                self._tables.due.add(owner)

    # intents

    def intents(self) -> list[Intent]:
        return [intent for (owner, _), intent in self._tables.intents.items() if owner == self._id]

    def put_intent(self, intent: Intent) -> None:
        self._tables.intents[(self._id, intent.id)] = intent

    def drop_intent(self, intent_id: str) -> None:
        self._tables.intents.pop((self._id, intent_id), None)

    # items

    def _items(self) -> Iterator[Item]:
        user = self.integration().user_id
        return (item for item in self._tables.items.values() if item.user_id == user)

    def item(self, item_id: str) -> Item | None:
        return self._tables.items.get(item_id)

    def items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        return {each: self._tables.items[each] for each in item_ids if each in self._tables.items}

    def items_after(self, seq: int, limit: int) -> list[Item]:
        return sorted((item for item in self._items() if item.seq > seq), key=lambda row: row.seq)[:limit]

    def items_to_scan(self, seq: int, limit: int) -> tuple[list[Item], int]:
        taken = {(link.item_id, link.synced_version) for link in self._links() if link.state is not LinkState.FAILED}
        later = self.items_after(seq, len(self._tables.items))
        found = [item for item in later if (item.id, item.version) not in taken]
        if len(found) > limit:
            return found[:limit], found[limit - 1].seq
        return found, later[-1].seq if later else seq

    def _unlinked(self) -> Iterator[Item]:
        linked = {link.item_id for link in self._links() if link.holds_item}
        return (item for item in self._items() if not item.deleted and item.id not in linked)

    def items_matching(self, uid: str | None, match: str | None) -> list[Item]:
        minutes = self.integration().options.default_minutes

        def fits(item: Item) -> bool:
            return self._store.keys.match(item.calendar_content(minutes)) == match

        return [
            item for item in self._unlinked() if (uid and item.ical_uid == uid) or (match is not None and fits(item))
        ]

    def has_unlinked_items(self) -> bool:
        types = self.integration().options.send.types
        return any(item.type in types for item in self._unlinked())

    def _stamp(self, item: Item, version: int) -> Item:
        self._tables.seq += 1
        now = self._store.clock.now()
        stamped = replace(
            item, version=version, seq=self._tables.seq, updated_at=now, created_at=item.created_at or now
        )
        self._tables.items[item.id] = stamped
        self._wake_integrations(item.user_id)
        return stamped

    def _wake_integrations(self, user_id: str) -> None:
        self._tables.due |= {
            each.id for each in self._tables.integrations.values() if each.user_id == user_id and each.id != self._id
        }

    def add_item(self, item: Item) -> Item:
        return self._stamp(item, 1)

    def put_item(self, item: Item, expected_version: int) -> Item:
        if self._tables.items[item.id].version != expected_version:
            raise ItemChanged
        return self._stamp(item, expected_version + 1)

    def delete_item(self, item_id: str, expected_version: int) -> Item:
        item = self._tables.items[item_id]
        return self.put_item(replace(item, deleted_at=self._store.clock.now()), expected_version)

    def mark_not_own(self, item: Item) -> None:
        self._tables.told.append(item.id)

    # others

    def linked_elsewhere(self, uid: str) -> bool:
        user = self.integration().user_id
        return any(
            link.uid == uid and link.live and owner != self._id and self._tables.integrations[owner].user_id == user
            for (owner, _), link in self._tables.links.items()
            if owner in self._tables.integrations
        )

    def key_owner(self, marker: str) -> KeyOwner | None:
        found = self._tables.keys.get(marker)
        if found is None:
            return None
        owner, item_id = found
        user = self.integration().user_id
        alive = self._tables.integrations.get(owner)
        same = alive.user_id == user if alive else self._tables.ended.get(owner) == user
        return KeyOwner(owner, item_id, alive is not None, same)

    def keep_key(self, key: str, item_id: str) -> None:
        self._tables.keys[key] = (self._id, item_id)

    def log(self, entry: LogEntry) -> None:
        self._tables.log.append((self._id, entry))

    def forget_texts(self, item_id: str) -> None:
        self._tables.log[:] = [
            (owner, replace(entry, title=None, changes={}) if owner == self._id and entry.item_id == item_id else entry)
            for owner, entry in self._tables.log
        ]

    def deletions(self, direction: Direction, since: datetime) -> int:
        return sum(
            1
            for owner, entry in self._tables.log
            if owner == self._id
            and entry.action == DELETE_ACTION
            and entry.direction is direction
            and entry.at >= since
        )


def _after(links: Iterable[Link], after: str | None, limit: int) -> list[Link]:
    """The first links by id, after that id."""
    return sorted((link for link in links if after is None or link.id > after), key=lambda link: link.id)[:limit]
