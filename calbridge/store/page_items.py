"""A user's items within a page of a run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from calbridge.domain.item import Item, ItemType
from calbridge.errors import ItemChanged
from calbridge.store.changes import Source
from calbridge.store.items import Items
from calbridge.store.overlay import Overlay
from calbridge.sync.ports import Keys


class ItemMemory:
    """New items are inserted in batches; changed ones at once, because they are conditional."""

    def __init__(
        self, items: Items, user_id: str, keys: Keys, default_minutes: int, source: Source, now: datetime
    ) -> None:
        self._items = items
        self._user = user_id
        self._keys = keys
        self._default_minutes = default_minutes
        self._source = source
        self._now = now
        self._rows: Overlay[Item] = Overlay(
            {
                "id": lambda item: (item.id,),
                "uid": lambda item: (item.ical_uid,) if item.ical_uid else (),
                "match": self._matches,
            },
            self._load,
            items.insert,
            _never,
        )
        self.flush = self._rows.flush
        self.find = self._rows.find
        self.forget = self._rows.forget

    def many(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Items by id, tombstones too."""
        return {item.id: item for item in self._rows.find("id", item_ids)}

    def after(self, seq: int, limit: int) -> list[Item]:
        """Items with a higher seq, in order of seq, tombstones too."""
        self.flush()
        return [self._rows.seen(item) for item in self._items.after(self._user, seq, limit)]

    def to_scan(self, integration_id: str, seq: int, limit: int) -> tuple[list[Item], int]:
        """Items with a higher seq that the integration has not taken over, and the seq that was looked at up to."""
        self.flush()
        found, last = self._items.to_scan(self._user, integration_id, seq, limit)
        return [self._rows.seen(item) for item in found], last

    def matching(self, uid: str | None, match: str | None) -> list[Item]:
        """Living items with this ical_uid or match, linked or not."""
        found = {
            item.id: item
            for index, key in (("uid", uid), ("match", match))
            if key
            for item in self._rows.find(index, [key])
            if not item.deleted
        }
        return list(found.values())

    def any_unlinked(self, integration_id: str, types: Collection[ItemType]) -> bool:
        """Whether a living item of these types has neither an event nor a closed link in the integration."""
        return self._items.any_unlinked(self._user, integration_id, types)

    def add(self, item: Item) -> Item:
        """Store a new item."""
        stored = self._items.prepared(item)
        self._rows.put(stored)
        self._items.announce(stored, "create", {unit[1].value for unit in stored.content}, self._source)
        return stored

    def put(self, item: Item, expected_version: int) -> Item:
        """Store a changed item. :raises ItemChanged: it has another version."""
        self.flush()
        before = self._items.locked(self._user, item.id)
        if before.version != expected_version:
            raise ItemChanged(item=item.id)
        stored = self._items.replace(before, item, self._source)
        self._rows.put(stored)
        self._rows.written(stored.id)
        return stored

    def delete(self, item_id: str, expected_version: int) -> Item:
        """Make a tombstone. :raises ItemChanged: it has another version."""
        self.flush()
        return self.put(replace(self._items.locked(self._user, item_id), deleted_at=self._now), expected_version)

    def tell(self, item: Item) -> None:
        """Tell the feed about an item that did not change."""
        self._items.announce(item, "kept", (), self._source, moves=False)

    def _matches(self, item: Item) -> Iterable[str]:
        found = self._keys.match(item.calendar_content(self._default_minutes))
        return (found,) if found else ()

    def _load(self, index: str, keys: Sequence[str]) -> Iterable[Item]:
        return self._items.having(self._user, index, keys)


def _never(_: Sequence[str]) -> None:
    raise AssertionError("items are never removed by a run")
