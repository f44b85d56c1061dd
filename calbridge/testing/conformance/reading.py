"""Must pass: accounts, calendars, changes and fetching."""

from __future__ import annotations

import pytest

from calbridge.connectors.contract import Gone, Seen
from calbridge.domain.content import MASTER, Field
from calbridge.errors import CursorExpired
from calbridge.testing.conformance.base import Suite
from calbridge.testing.conformance.driver import Driver
from calbridge.testing.conformance.samples import single, weekly

TITLE = (MASTER, Field.TITLE)


class CheckTests(Suite):
    """Who the account is."""

    def test_the_owner_is_the_same_each_time(self, kit: Driver) -> None:
        """C.check: a stable id, an address, all own addresses in lower case."""
        first, second = (kit.read(lambda: kit.harness.connector().check()) for _ in range(2))
        assert first.id
        assert first.id == second.id
        assert first.own_addresses == second.own_addresses
        assert all(address == address.lower() for address in first.own_addresses)


class CalendarTests(Suite):
    """Which calendars there are."""

    def test_the_linked_calendar_is_listed_once_and_writable(self, kit: Driver) -> None:
        """C.calendars: every calendar once, with a name and whether it can be written."""
        found = kit.read(lambda: kit.harness.connector().calendars())
        assert [each.writable for each in found if each.id == kit.harness.calendar] == [True]
        assert len({each.id for each in found}) == len(found)
        assert all(each.name for each in found)


class ChangesTests(Suite):
    """Listing and deltas."""

    def test_without_a_cursor_everything_is_listed(self, kit: Driver) -> None:
        """C1.full: a complete listing says so, on its last page, and leaves nothing out that lives."""
        ids = {kit.harness.phone.create(single(kit.harness.today, f"Visit {number}")) for number in range(5)}
        walk = kit.walk()
        assert walk.last.full
        assert walk.seen() == ids

    def test_only_the_last_page_ends_the_walk(self, kit: Driver) -> None:
        """C1.pages: the last page, and no other, is marked and carries the cursor."""
        for number in range(5):
            kit.harness.phone.create(single(kit.harness.today, f"Visit {number}"))
        pages = kit.walk().pages
        assert [page.last for page in pages] == [False] * (len(pages) - 1) + [True]
        assert [page.cursor is not None for page in pages] == [page.last for page in pages]

    def test_a_listing_says_what_it_covers(self, kit: Driver) -> None:
        """C1.covers: absence means something only inside the range a full listing names; it holds the coming days."""
        covers = kit.walk().last.covers
        assert covers is not None
        assert covers.start is None or covers.start <= kit.harness.today
        assert covers.end is None or covers.end > kit.harness.today

    def test_a_delta_tells_what_a_person_did(self, kit: Driver) -> None:
        """C1.delta: made, edited and deleted events since the cursor; each is told at its address."""
        phone, today = kit.harness.phone, kit.harness.today
        edited, deleted = (phone.create(single(today, title)) for title in ("To edit", "To delete"))
        cursor = kit.walk().cursor
        made = phone.create(single(today, "Made later"))
        edited = phone.edit(edited, {TITLE: "Edited"})
        phone.delete(deleted)
        walk = kit.walk(cursor)
        assert {made, edited} <= walk.seen()
        assert deleted in walk.gone()
        assert deleted not in walk.seen()

    def test_a_cursor_can_be_used_again(self, kit: Driver) -> None:
        """C1.replay: after a crash the same cursor tells the same changes once more."""
        cursor = kit.walk().cursor
        made = kit.harness.phone.create(single(kit.harness.today))
        assert made in kit.walk(cursor).seen()
        assert made in kit.walk(cursor).seen()

    def test_a_listing_goes_on_from_its_checkpoint(self, kit: Driver) -> None:
        """C1.checkpoint: what is told before a checkpoint and after it is together everything."""
        ids = {kit.harness.phone.create(single(kit.harness.today, f"Visit {number}")) for number in range(7)}
        pages = kit.walk().pages
        for place, page in enumerate(pages):
            if page.checkpoint is not None:
                before = {entry.remote_id for each in pages[: place + 1] for entry in each.entries}
                assert before | kit.walk(page.checkpoint).seen() == ids

    def test_a_useless_cursor_is_told(self, kit: Driver) -> None:
        """C1.expired: a cursor that can't be used is ``CursorExpired``, never a silent end of news."""
        with pytest.raises(CursorExpired):
            kit.walk("no cursor of this service")

    def test_an_event_in_a_listing_is_whole(self, kit: Driver) -> None:
        """C1.whole: ``event`` is filled only with all of it, overrides too, and its native form goes along."""
        kit.harness.phone.create(single(kit.harness.today))
        kit.harness.phone.create(weekly(kit.harness.today))
        for entry in kit.walk().entries:
            if isinstance(entry, Seen) and entry.event is not None:
                assert entry.event.content.same(kit.event(entry.remote_id).content)
                assert entry.native is not None

    def test_an_edit_changes_the_version(self, kit: Driver) -> None:
        """C1.version: equal versions mean equal events, overrides included; what can't promise that is None."""
        remote_id = kit.harness.phone.create(weekly(kit.harness.today))
        before = kit.show(remote_id).version
        assert kit.show(remote_id).version == before
        [key] = [key for key, name in kit.event(remote_id).content.units if key and name is Field.TITLE]
        kit.harness.phone.edit(remote_id, {(key, Field.TITLE): "Another title for one visit"})
        assert before is None or kit.show(remote_id).version != before

    def test_a_series_has_one_address(self, kit: Driver) -> None:
        """C1.address: an address is a single event or a whole series, never an occurrence."""
        remote_id = kit.harness.phone.create(weekly(kit.harness.today))
        assert kit.walk().seen() == {remote_id}


class FetchTests(Suite):
    """Looking at addresses and for keys."""

    def test_every_id_has_an_answer(self, kit: Driver) -> None:
        """C.fetch: the whole event with its native form, or Gone where nothing lives."""
        lives, deleted = (kit.harness.phone.create(single(kit.harness.today, title)) for title in ("Lives", "Deleted"))
        kit.harness.phone.delete(deleted)
        answers = kit.fetch([lives, deleted])
        seen = answers[lives]
        assert isinstance(seen, Seen)
        assert seen.event is not None
        assert seen.native is not None
        assert seen.event.content.same(kit.harness.phone.events()[lives].content)
        assert isinstance(answers[deleted], Gone)

    def test_a_whole_batch_can_be_fetched(self, kit: Driver) -> None:
        """C2: as many ids as the capability says are answered in one call."""
        size = min(kit.harness.connector().capabilities.fetch_batch, 30)
        ids = [kit.harness.phone.create(single(kit.harness.today, f"Visit {number}")) for number in range(size)]
        assert all(isinstance(answer, Seen) for answer in kit.fetch(ids).values())

    def test_events_are_found_by_uid_and_by_key(self, kit: Driver) -> None:
        """C.find: by UID wherever it lives, by our key where the marker stands; nothing else is found."""
        theirs = kit.harness.phone.create(single(kit.harness.today, "Theirs"))
        ours = kit.create("kit-find", single(kit.harness.today, "Ours"))
        uid = kit.harness.phone.events()[theirs].uid
        assert [seen.remote_id for seen in kit.find(uids=[uid])] == [theirs]
        assert [seen.remote_id for seen in kit.find(keys=["kit-find"])] == [ours.remote_id]
        assert kit.find(keys=["kit-nobody"], uids=["nobody@example.com"]) == []
