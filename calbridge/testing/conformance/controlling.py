"""Optional: storages (for specs that ask for one), and controls (for connectors that claim ``CONTROLS``)."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

import pytest

from calbridge.connectors.contract import Controlled, Done, Failed, Seen
from calbridge.domain.content import MASTER, Field, People, Person
from calbridge.errors import CalendarGone, CursorExpired, Rejected, SignInRequired, Throttled
from calbridge.testing.conformance.base import Suite
from calbridge.testing.conformance.driver import Driver
from calbridge.testing.conformance.samples import single

TITLE, ANSWERS = (MASTER, Field.TITLE), (MASTER, Field.RESPONSES)


class StorageTests(Suite):
    """Connectors that keep something in the storage they were given."""

    def test_who_writes_at_once_loses_nothing(self, kit: Driver) -> None:
        """C10.storage: any number of connectors write at the same time, each result holds, nothing is lost or twice."""
        today, calendar = kit.harness.today, kit.harness.calendar

        def made(number: int) -> object:
            creation = kit.creation(f"kit-parallel-{number}", single(today, f"Visit {number}"))
            [result] = kit.harness.connector().write(calendar, [creation])
            return result

        with ThreadPoolExecutor(4) as pool:
            results = list(pool.map(made, range(24)))
        assert all(isinstance(result, Done) for result in results)
        titles = sorted(event.content.title for event in kit.harness.phone.events().values())
        assert titles == sorted(f"Visit {number}" for number in range(24))


class ControlTests(Suite):
    """The other door to a calendar for trying out."""

    def test_what_a_control_does_is_a_persons_act(self, kit: Driver) -> None:
        """C10.acts: made, changed, answered and deleted by ``control`` is told like any other act, without a marker."""
        people = People(None, (Person("kit-guest@example.com"),))
        cursor = kit.walk().cursor
        made = acted(kit, "create", content=single(kit.harness.today, people=people))
        assert made.remote_id in kit.walk(cursor).seen()
        assert kit.event(made.remote_id).marker is None
        acted(kit, "change", remote_id=made.remote_id, units={TITLE: "Another title"}, version=made.version)
        assert kit.event(made.remote_id).content.title == "Another title"
        acted(kit, "answer", remote_id=made.remote_id, attendee="kit-guest@example.com", answer="declined")
        assert kit.event(made.remote_id).content.get(ANSWERS) == (("kit-guest@example.com", "declined"),)
        listed = control(kit, "list")["events"]
        assert isinstance(listed, tuple)
        assert [seen.remote_id for seen in listed] == [made.remote_id]
        cursor = kit.walk().cursor
        control(kit, "delete", remote_id=made.remote_id)
        assert made.remote_id in kit.walk(cursor).gone()
        with pytest.raises(Rejected):
            control(kit, "kit-no-such-act")

    def test_faults_happen_as_often_as_asked_for(self, kit: Driver) -> None:
        """C10.faults: refused sign-in, throttling and lost replies, each until it is used up or restored."""
        control(kit, "fault", fault="throttle", requests=2, retry_after=7)
        for _ in range(2):
            with pytest.raises(Throttled) as throttled:
                kit.harness.connector().calendars()
            assert throttled.value.retry_after == 7
        assert kit.harness.connector().calendars()
        control(kit, "fault", fault="revoke")
        with pytest.raises(SignInRequired) as refused:
            kit.harness.connector().check()
        assert refused.value.confirmed
        control(kit, "fault", fault="restore")
        assert kit.harness.connector().check().id
        control(kit, "fault", fault="lose_reply", writes=1)
        for key, lost in (("kit-lost", True), ("kit-kept", False)):
            [result] = kit.harness.connector().write(
                kit.harness.calendar, [kit.creation(key, single(kit.harness.today))]
            )
            assert (result is None) is lost
            assert not isinstance(result, Failed)
        assert len(kit.find(keys=["kit-lost", "kit-kept"])) == 2

    def test_what_was_known_can_be_taken_away(self, kit: Driver) -> None:
        """C10.gone: cursors that expire, a calendar that is not there any more until all is restored."""
        kit.harness.phone.create(single(kit.harness.today))
        cursor = kit.walk().cursor
        control(kit, "fault", fault="expire_cursor")
        with pytest.raises(CursorExpired):
            kit.walk(cursor)
        control(kit, "fault", fault="calendar_gone", calendar=kit.harness.calendar)
        with pytest.raises(CalendarGone):
            kit.walk()
        control(kit, "fault", fault="restore")
        assert kit.walk().seen() == set(kit.harness.phone.events())


def control(kit: Driver, action: str, **arguments: object) -> Mapping[str, object]:
    """One act through the other door."""
    connector = kit.harness.connector()
    assert isinstance(connector, Controlled), "the connector has no control"
    return connector.control(action, {"calendar": kit.harness.calendar, **arguments})


def acted(kit: Driver, action: str, **arguments: object) -> Seen:
    """One act on an event; the event afterwards."""
    event = control(kit, action, **arguments)["event"]
    assert isinstance(event, Seen)
    return event
