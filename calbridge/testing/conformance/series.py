"""Must pass: series."""

from __future__ import annotations

from datetime import timedelta

from calbridge.connectors.contract import Done, Partial
from calbridge.domain.content import MASTER, Field, Span, differing
from calbridge.testing.conformance.base import Suite
from calbridge.testing.conformance.driver import Driver
from calbridge.testing.conformance.samples import at, slot, span, weekly

TIME, TITLE, PLACE = (MASTER, Field.TIME), (MASTER, Field.TITLE), (MASTER, Field.LOCATION)


class SeriesTests(Suite):
    """Masters, overrides, exclusions."""

    def test_a_series_is_read_whole(self, kit: Driver) -> None:
        """A2.read: overrides and exclusions by their original local start, a cancelled one as an exclusion."""
        target = weekly(kit.harness.today)
        remote_id = kit.harness.phone.create(target)
        start = at(kit.harness.today)
        shown = kit.event(remote_id).content
        assert shown.same(kit.harness.connector().normalise(target))
        assert shown.keys == (slot(start, 2), slot(start, 3))
        assert shown.excluded(slot(start, 2))

    def test_a_series_is_written_whole(self, kit: Driver) -> None:
        """A2.write: master, overrides and exclusions arrive, in however many steps."""
        target = weekly(kit.harness.today)
        seen = kit.create("kit-series", target)
        assert kit.harness.phone.events()[seen.remote_id].content.same(kit.harness.connector().normalise(target))

    def test_occurrences_follow_a_moved_series(self, kit: Driver) -> None:
        """A2.move: the cancelled visit stays cancelled at the new hour, the moved one keeps its time of day."""
        today = kit.harness.today
        remote_id = kit.harness.phone.create(weekly(today))
        later = span(at(today, 8, 10), rule=("RRULE:FREQ=WEEKLY;COUNT=6",))
        seen = kit.update(remote_id, {TIME: later})
        after = kit.harness.phone.events()[seen.remote_id].content
        assert after.span is not None
        assert after.span.start.key == later.start.key
        assert after.excluded(slot(later.start, 2))
        moved = after.get((slot(later.start, 3), Field.TIME))
        assert isinstance(moved, Span)
        assert moved.start.local.hour == 14
        assert moved.start.local.date() == later.start.local.date() + timedelta(weeks=3)

    def test_what_an_occurrence_inherits_follows_the_master(self, kit: Driver) -> None:
        """A2.inherit: a new master field shows in overrides that had none of their own, others keep theirs."""
        remote_id = kit.harness.phone.create(weekly(kit.harness.today))
        seen = kit.update(remote_id, {TITLE: "New for all", PLACE: "Room 9"})
        key = slot(at(kit.harness.today), 3)
        after = kit.harness.phone.events()[seen.remote_id].content
        assert after.of(Field.LOCATION, key) == "Room 9"
        assert after.of(Field.TITLE, key) == "Visit in the afternoon"

    def test_one_occurrence_can_be_changed_and_put_back(self, kit: Driver) -> None:
        """A2.one: a unit of an occurrence is written alone; None inherits it again, a cancelled visit returns."""
        remote_id = kit.harness.phone.create(weekly(kit.harness.today))
        start = at(kit.harness.today)
        changed = (slot(start, 1), Field.TITLE)
        remote_id = kit.update(remote_id, {changed: "Only this one"}).remote_id
        assert kit.harness.phone.events()[remote_id].content.get(changed) == "Only this one"
        seen = kit.update(remote_id, {changed: None, (slot(start, 2), Field.EXISTS): None})
        assert kit.harness.phone.events()[seen.remote_id].content.keys == (slot(start, 3),)

    def test_a_partial_result_tells_what_is_missing(self, kit: Driver) -> None:
        """C3.partial: what was not written is named exactly; ``Done`` means that all of it was."""
        target = weekly(kit.harness.today)
        normal = kit.harness.connector().normalise(target)
        for number in range(4):
            [result] = kit.write(kit.creation(f"kit-partial-{number}", target))
            if isinstance(result, Partial):
                assert result.missing == differing(result.event.content, normal)
            if isinstance(result, Done) and result.event is not None:
                assert not differing(kit.harness.connector().normalise(result.event.content), normal)
