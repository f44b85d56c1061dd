"""Must pass: writes."""

from __future__ import annotations

from dataclasses import replace

from calbridge.connectors.capabilities import Ability
from calbridge.connectors.contract import Delete, Done, Failed, Partial, Update
from calbridge.domain.content import MASTER, Field, differing
from calbridge.errors import NotFound, VersionConflict
from calbridge.testing.conformance.base import Suite
from calbridge.testing.conformance.driver import Driver
from calbridge.testing.conformance.samples import rich, single

TIME, TITLE, PLACE = (MASTER, Field.TIME), (MASTER, Field.TITLE), (MASTER, Field.LOCATION)


class WriteTests(Suite):
    """Create, update, delete."""

    def test_a_created_event_is_there(self, kit: Driver) -> None:
        """C3.create: the target, as this service can hold it, lives in the calendar."""
        target = single(kit.harness.today, location="Room 7")
        seen = kit.create("kit-create", target)
        event = kit.harness.phone.events()[seen.remote_id]
        assert event.content.same(kit.harness.connector().normalise(target))

    def test_the_address_of_the_record_is_no_part_of_the_event(self, kit: Driver) -> None:
        """C3.source: it is held where the service has a place for it, and nothing else is another than without."""
        target = single(kit.harness.today, location="Room 7")
        address = "https://psa.example.com/records/42?a=b%20c"
        made = kit.write_until(lambda: replace(kit.creation("kit-source", target), source_url=address))
        assert isinstance(made, Done)
        event = kit.harness.phone.events()[made.remote_id]
        assert event.content.same(kit.harness.connector().normalise(target))
        changed = kit.update(made.remote_id, {TITLE: "New title"})
        assert differing(event.content, kit.harness.phone.events()[changed.remote_id].content) == {TITLE}

    def test_a_create_carries_our_key(self, kit: Driver) -> None:
        """C4.marker: the event shows the key it was created with; a person's event shows none."""
        seen = kit.create("kit-marker", single(kit.harness.today))
        assert kit.event(seen.remote_id).marker == "kit-marker"
        theirs = kit.harness.phone.create(single(kit.harness.today, "Theirs"))
        assert kit.event(theirs).marker is None

    def test_a_create_lands_where_it_was_to_be(self, kit: Driver) -> None:
        """C4.place: address and UID follow from the key alone, before the call; else ``place`` is None."""
        first, second = (kit.harness.connector().place(kit.harness.calendar, "kit-place") for _ in range(2))
        other = kit.harness.connector().place(kit.harness.calendar, "kit-other")
        assert first == second
        assert (first is not None) == kit.harness.connector().capabilities.has(Ability.CHOOSES_ADDRESS)
        seen = kit.create("kit-place", single(kit.harness.today))
        if first is not None:
            assert first != other
            assert (seen.remote_id, kit.event(seen.remote_id).uid) == (first.remote_id, first.uid)

    def test_the_same_key_twice_makes_one_event(self, kit: Driver) -> None:
        """C4.once: a create that is sent again finds what the first one made."""
        target = single(kit.harness.today)
        seen = kit.create("kit-once", target)
        result = kit.write_until(lambda: kit.creation("kit-once", target))
        assert isinstance(result, Done | Partial)
        assert result.remote_id == seen.remote_id
        assert len(kit.harness.phone.events()) == 1

    def test_an_update_changes_its_units_and_nothing_else(self, kit: Driver) -> None:
        """C3.update: units not named stay as a person left them."""
        remote_id = kit.harness.phone.create(rich(kit.harness.today))
        before = kit.harness.phone.events()[remote_id].content
        seen = kit.update(remote_id, {TITLE: "New title"})
        after = kit.harness.phone.events()[seen.remote_id].content
        assert differing(before, after) == {TITLE}
        assert after.title == "New title"

    def test_a_unit_can_be_emptied(self, kit: Driver) -> None:
        """C3.empty: None empties a unit of the event."""
        remote_id = kit.harness.phone.create(single(kit.harness.today, location="Room 7"))
        seen = kit.update(remote_id, {PLACE: None})
        assert kit.harness.phone.events()[seen.remote_id].content.get(PLACE) is None

    def test_a_deleted_event_is_gone(self, kit: Driver) -> None:
        """C3.delete: nothing lives there afterwards, and others are untouched."""
        gone, stays = (kit.harness.phone.create(single(kit.harness.today, title)) for title in ("Goes", "Stays"))
        kit.delete(gone)
        assert set(kit.harness.phone.events()) == {stays}

    def test_the_answer_is_what_the_service_holds(self, kit: Driver) -> None:
        """C3.answer: a write's own answer shows the event, whose later reading is at most ``normalise`` of it."""
        result = kit.write_until(lambda: kit.creation("kit-answer", rich(kit.harness.today)))
        assert isinstance(result, Done)
        assert result.event is not None
        held = kit.harness.phone.events()[result.remote_id].content
        normal = kit.harness.connector().normalise(result.event.content)
        assert held.same(result.event.content) or held.same(normal)

    def test_results_come_in_the_order_of_the_writes(self, kit: Driver) -> None:
        """C3.order: one result per write, in order, and a refused one does not stop the others."""
        remote_id = kit.harness.phone.create(single(kit.harness.today))
        absent = kit.creation("kit-absent", single(kit.harness.today))
        writes = (
            kit.creation("kit-first", single(kit.harness.today, "First")),
            Delete(absent.remote_id or "kit-absent", None),
            Update(remote_id, None, kit.show(remote_id).native, {TITLE: "Third"}),
        )
        first, second, third = kit.write(*writes)
        if isinstance(first, Done) and first.event:
            assert first.event.content.title == "First"
        if isinstance(third, Done) and third.event:
            assert third.event.content.title == "Third"
        assert not isinstance(second, Done | Partial)

    def test_a_stale_version_is_refused(self, kit: Driver) -> None:
        """C3.conflict: a conditional write met by another version is ``VersionConflict`` and changes nothing."""
        remote_id = kit.harness.phone.create(single(kit.harness.today))
        stale = kit.show(remote_id)
        kit.harness.phone.edit(remote_id, {PLACE: "Moved meanwhile"})
        result = kit.write_until(lambda: Update(remote_id, stale.version, stale.native, {TITLE: "Stale"}))
        if kit.harness.connector().capabilities.has(Ability.CONDITIONAL_WRITE):
            assert isinstance(result, Failed)
            assert isinstance(result.error, VersionConflict)
            assert kit.event(remote_id).content.title != "Stale"
        else:
            assert isinstance(result, Done)
            assert not result.conditional
        assert kit.event(remote_id).content.get(PLACE) == "Moved meanwhile"

    def test_writing_to_nothing_is_told(self, kit: Driver) -> None:
        """C3.not-found: an update of what is not there is ``NotFound`` and makes no event."""
        remote_id = kit.harness.phone.create(single(kit.harness.today))
        seen = kit.show(remote_id)
        kit.harness.phone.delete(remote_id)
        result = kit.write_until(lambda: Update(remote_id, seen.version, seen.native, {TITLE: "Nobody"}))
        assert isinstance(result, Failed)
        assert isinstance(result.error, NotFound | VersionConflict)
        assert not kit.harness.phone.events()
