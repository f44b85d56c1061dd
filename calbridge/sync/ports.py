"""What the engine asks of its surroundings: a store in pages, a clock, a maker of keys."""

from __future__ import annotations

from collections.abc import Sequence, Set
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from calbridge.domain.content import Content
from calbridge.domain.item import Item
from calbridge.sync.memory import Direction, Integration, Intent, KeyOwner, Known, Link, LogEntry, Outstanding


class Clock(Protocol):
    """Time and a short pause."""

    def now(self) -> datetime:
        """Aware UTC."""


class Keys(Protocol):
    """Stable keys and keyed fingerprints (C4, A9)."""

    def stable(self, integration_id: str, item_id: str, generation: int) -> str:
        """The key of one create; letters, digits and ``-`` only, at most 64 characters."""

    def match(self, content: Content) -> str | None:
        """Keyed fingerprint of time and normalised title; None without a time or title."""

    def fingerprint(self, content: Content) -> str:
        """Keyed fingerprint of the whole meaning."""

    def new_id(self) -> str:
        """A fresh random id."""


class Page(Protocol):
    """One transaction of a run: all of it is stored, or nothing."""

    def integration(self) -> Integration:
        """The state of the integration."""

    def save_integration(self, value: Integration) -> None:
        """Store cursor, mark and the other places of the run (never the options)."""

    def keep_listed(self, remote_ids: Set[str] | None) -> None:
        """Keep what a listing named up to its stored checkpoint; None forgets it."""

    def listed(self) -> set[str] | None:
        """What was kept for the checkpoint that is stored now; None where nothing was."""

    def expect(
        self,
        remote_ids: Sequence[str] = (),
        uids: Sequence[str] = (),
        matches: Sequence[str] = (),
        markers: Sequence[str] = (),
    ) -> None:
        """What this transaction will ask about, so that a store may read it in a few statements. Changes nothing."""

    def links(self, link_ids: Sequence[str]) -> dict[str, Link]:
        """Links by id."""

    def links_at(self, remote_ids: Sequence[str]) -> dict[str, Link]:
        """Links by remote id; closed, withdrawn and detached ones too, a live one first."""

    def links_of(self, item_ids: Sequence[str]) -> dict[str, Link]:
        """The link of each item in this integration: the one that is not closed, else the newest."""

    def links_with_uid(self, uids: Sequence[str]) -> list[Link]:
        """Links whose uid or old uid is one of these."""

    def all_links(self, after: str | None, limit: int) -> list[Link]:
        """All links ordered by id, after that id."""

    def links_not_at(self, remote_ids: Set[str]) -> list[str]:
        """Ids of the live links without evidence of a deletion whose address is none of these."""

    def links_to_read(self, now: datetime, after: str | None, limit: int) -> list[Link]:
        """Links to do whose event must be read before they are decided (``reread``), ordered by id, after that id.

        To do: with ``work``, without evidence of a remote deletion (D7), ``retry_at`` empty or past, no open intent.
        """

    def links_to_send(self, now: datetime, after: str | None, limit: int) -> list[Link]:
        """Links to do that can be decided without reading, ordered by id, after that id."""

    def has_creates(self, now: datetime) -> bool:
        """Whether a link to do has no event yet."""

    def links_gone(self, after: str | None, limit: int, *, waiting: bool) -> list[Link]:
        """Links with evidence of a remote deletion (``gone_at``), ordered by id, after that id.

        ``waiting``: also those that wait for somebody's word (:attr:`calbridge.sync.memory.Link.waits`).
        """

    def gone_waiting(self) -> int:
        """How many links with evidence of a remote deletion wait for somebody's word."""

    def links_waiting(self, after: str | None, limit: int) -> list[Link]:
        """Links whose reason is ``confirmation_needed``, ordered by id, after that id."""

    def outstanding(self, now: datetime) -> Outstanding:
        """Which kinds of work the links and known rows have."""

    def live_count(self) -> int:
        """How many links are live."""

    def put_link(self, link: Link) -> None:
        """Insert or replace."""

    def drop_link(self, link_id: str) -> None:
        """Forget a link."""

    def known(self, remote_ids: Sequence[str]) -> dict[str, Known]:
        """Known rows by remote id."""

    def known_matching(self, uid: str | None, match: str | None, marker: str | None) -> list[Known]:
        """Known rows with this uid, match or marker (empty criteria match nothing)."""

    def known_to_index(self, limit: int) -> list[Known]:
        """Known rows whose body was never read."""

    def known_to_recheck(self, now: datetime, after: str | None, limit: int) -> list[Known]:
        """Known rows that must be decided again, ``retry_at`` empty or past, ordered by remote id, after that id."""

    def all_known(self, after: str | None, limit: int) -> list[Known]:
        """All known rows ordered by remote id, after that id."""

    def known_not_at(self, remote_ids: Set[str]) -> list[str]:
        """Addresses of the known rows that are none of these."""

    def put_known(self, known: Known) -> None:
        """Insert or replace."""

    def drop_known(self, remote_ids: Sequence[str]) -> None:
        """Forget known rows."""

    def wake_known(self, uid: str) -> None:
        """Known rows with this uid that stood aside, in this user's integrations, are decided again, and those
        integrations made due (D10)."""

    def intents(self) -> list[Intent]:
        """Open intents in the order they were made."""

    def put_intent(self, intent: Intent) -> None:
        """Store a step before its call."""

    def drop_intent(self, intent_id: str) -> None:
        """The step's outcome is stored, or it is given up."""

    def item(self, item_id: str) -> Item | None:
        """An item of this user, tombstones too."""

    def items(self, item_ids: Sequence[str]) -> dict[str, Item]:
        """Items of this user by id, tombstones too."""

    def items_after(self, seq: int, limit: int) -> list[Item]:
        """This user's items with a higher seq, in order of seq, tombstones too."""

    def items_to_scan(self, seq: int, limit: int) -> tuple[list[Item], int]:
        """Items with a higher seq that this integration has not taken over, in order, and the seq looked at up to.

        Taken over: a link that has not failed knows the item's version.
        """

    def items_matching(self, uid: str | None, match: str | None) -> list[Item]:
        """This user's living items without an open link here that have this ical_uid or match."""

    def has_unlinked_items(self) -> bool:
        """Whether this user has a living item of a sent type without a link here."""

    def add_item(self, item: Item) -> Item:
        """Store a new item; gives version 1 and the next seq."""

    def put_item(self, item: Item, expected_version: int) -> Item:
        """Store a changed item; raises version and seq. :raises ItemChanged: it has another version."""

    def delete_item(self, item_id: str, expected_version: int) -> Item:
        """Make a tombstone that keeps the last state. :raises ItemChanged: it has another version."""

    def mark_not_own(self, item: Item) -> None:
        """Tell the PSA about an item that syncing did not change (a deletion on the phone that was kept from it)."""

    def linked_elsewhere(self, uid: str) -> bool:
        """Whether another live integration of this user has a live link with this uid."""

    def key_owner(self, marker: str) -> KeyOwner | None:
        """Whose key this is; None when this installation never made it."""

    def keep_key(self, key: str, item_id: str) -> None:
        """Remember that this integration made this key for this item."""

    def log(self, entry: LogEntry) -> None:
        """Add a line to the run's log; counters follow from it."""

    def forget_texts(self, item_id: str) -> None:
        """Erase titles and values from this integration's log lines of an item whose text is hidden now (A9)."""

    def deletions(self, direction: Direction, since: datetime) -> int:
        """Deletions executed in this direction since then (D8)."""


class RunStore(Protocol):
    """The memory of one run."""

    def page(self) -> AbstractContextManager[Page]:
        """A transaction that first locks the lease and compares the fence. :raises LeaseLost: another one runs."""

    def renew(self) -> None:
        """Extend the lease before a remote batch. :raises LeaseLost: it was taken."""


class Budget(Protocol):
    """When a slice must yield."""

    def spent(self) -> bool:
        """Whether the slice's time is over."""
