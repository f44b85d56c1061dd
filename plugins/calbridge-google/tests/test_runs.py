"""Whole runs of the engine with the connector: what they cost, and what must not happen (dossier 2 to 5, 8 and 9)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from calbridge.domain.content import Field, People, Person
from calbridge.domain.options import Options
from calbridge.errors import CalendarGone, ConnectorError, Throttled, Unavailable
from calbridge.sync.engine import Task
from calbridge.sync.memory import LinkState
from tests.doubles.google import ApiError, GoogleDouble
from tests.servers.reaching import transport
from tests.unit.sync.world import ALL, event

from .conftest import Serve
from .machine import GoogleWorld
from .support import single, weekly

Begin = Callable[..., GoogleWorld]
QUOTA = ApiError(403, "rateLimitExceeded", domain="usageLimits")


@pytest.fixture
def begin() -> Iterator[Begin]:
    """A user whose calendar is linked; nothing ran yet, the access token is fresh and the double's log empty."""
    with ExitStack() as stack:

        def make(google: GoogleDouble, options: Options | None = None) -> GoogleWorld:
            world = GoogleWorld(google, stack.enter_context(transport()), options or Options())
            world.connector().check()
            google.clear()
            return world

        yield make


def cost(world: GoogleWorld, task: Task | None = None) -> list[str]:
    """What one run asks for: the operations of its requests."""
    world.google.clear()
    world.run(task)
    return [entry.operation for entry in world.google.requests]


def copied(google: GoogleDouble, begin: Begin, options: Options | None = None) -> GoogleWorld:
    """A world that has retrieved all there is, and is quiet."""
    world = begin(google, options)
    world.run(Task(retrieve=ALL, send=ALL))
    world.run()
    return world


def titles(google: GoogleDouble) -> list[str]:
    return sorted(each["summary"] for each in google.events().values())


def test_a_first_run_over_ten_thousand_events_costs_four_requests(serve: Serve, begin: Begin) -> None:
    google = serve()
    plain = google.get(google.insert(single()))
    names = [f"bulk{number:06}" for number in range(9_989)]
    google.fill({**plain, "id": name, "iCalUID": f"{name}@google.com"} for name in names)
    for number in range(5):
        master = google.insert(weekly(f"Series {number}"))
        google.patch(google.instances(master)[1]["id"], {"summary": "Other"})
    world = begin(google)
    assert cost(world) == ["events.list"] * 4
    assert len(world.tables.known) == 9_995
    assert cost(world) == ["events.list"]


def test_copying_a_calendar_costs_its_pages_and_a_fetch_for_each_series_with_exceptions(
    serve: Serve, begin: Begin
) -> None:
    google = serve(page_size=25)
    for number in range(89):
        google.insert(single(f"Visit {number}"))
    for number in range(8):
        master = google.insert(weekly(f"Series {number}"))
        if number < 3:
            google.patch(google.instances(master)[1]["id"], {"summary": "Other"})
    world = begin(google)
    asked = cost(world, Task(retrieve=ALL, send=ALL))
    assert asked == ["events.list"] * 4 + ["batch"] * 2
    assert sum(google.count(name) for name in ("events.get", "events.instances")) == 3 * 2
    assert len(world.psa.living()) == 97


def test_changes_cost_one_request_one_for_series_and_the_writes(serve: Serve, begin: Begin) -> None:
    google = serve()
    masters = [google.insert(weekly(f"Series {number}")) for number in range(3)]
    visits = [google.insert(single(f"Visit {number}")) for number in range(5)]
    world = copied(google, begin)
    assert cost(world) == ["events.list"]
    for name in (*masters, *visits):
        google.patch(name, {"location": "Room 7"})
    assert cost(world) == ["events.list", "batch"]
    for item in world.psa.living()[:4]:
        world.psa.edit(item.id, location="Room 8")
    assert cost(world) == ["events.list", "batch"]
    assert google.count("events.patch") == 4
    # The echo of our own writes: the series among them are read once more, nothing is written.
    assert set(cost(world)) <= {"events.list", "batch"}
    assert google.count("events.patch") == 0
    assert cost(world) == ["events.list"]


def test_a_full_listing_that_comes_back_empty_once_neither_deletes_nor_makes_anything(
    serve: Serve, begin: Begin
) -> None:
    google = serve()
    for number in range(3):
        google.insert(single(f"Visit {number}"))
    google.insert(weekly())
    world = copied(google, begin)
    world.psa.add(event("Repair", "2027-01-08 09:00"))
    world.run()
    before = titles(google)
    google.expire_tokens()
    google.quirks.lists_empty_once = True
    google.clear()
    for _ in range(3):
        world.run()
    assert not google.quirks.lists_empty_once
    assert world.psa.titles() == titles(google) == before
    assert world.writes() == 0


def test_a_run_that_the_quota_ended_half_way_makes_nothing_twice(serve: Serve, begin: Begin) -> None:
    google = serve()
    world = copied(google, begin)
    for number in range(6):
        world.psa.add(event(f"Repair {number}", "2027-01-08 09:00"))
    google.fail("events.insert", QUOTA, times=2)
    google.lose_reply("events.insert")
    for _ in range(4):
        try:
            world.run()
        except (Throttled, Unavailable):
            google.fail("events.list", QUOTA)
            with pytest.raises(Throttled):
                world.run()
    world.run()
    assert titles(google) == [f"Repair {number}" for number in range(6)]
    assert world.psa.titles() == titles(google)


def test_a_write_that_meets_a_passing_404_deletes_nothing_and_is_done_later(serve: Serve, begin: Begin) -> None:
    google = serve()
    name = google.insert(single())
    world = copied(google, begin)
    [item] = world.psa.living()
    world.psa.edit(item.id, title="Moved on")
    google.fail("events.patch", ApiError(404, "notFound"))
    for _ in range(3):
        world.run()
    assert google.get(name)["summary"] == "Moved on"
    assert world.psa.titles() == ["Moved on"]


@pytest.mark.parametrize("reason", ["invalid", "badRequest", "required"])
def test_a_request_that_google_refuses_for_good_parks_one_item_alone(serve: Serve, begin: Begin, reason: str) -> None:
    google = serve()
    world = copied(google, begin)
    for number in range(3):
        world.psa.add(event(f"Repair {number}", "2027-01-08 09:00"))
    google.fail("events.insert", ApiError(400, reason))
    world.run()
    assert len(google.events()) == 2
    assert [link.state for link in world.tables.links.values()].count(LinkState.FAILED) == 1


def test_one_odd_event_stops_neither_the_page_nor_later_changes(serve: Serve, begin: Begin) -> None:
    google = serve()
    odd = google.insert(single("Odd"))
    google.put_raw({**google.get(odd), "start": {"date": "2027-13-77"}, "end": {"date": "2027-01-02"}})
    good = google.insert(single("Good"))
    world = copied(google, begin)
    assert world.psa.titles() == ["Good"]
    google.patch(good, {"summary": "Better"})
    world.run()
    assert world.psa.titles() == ["Better"]
    google.put_raw({**google.get(odd), **single("Mended")})
    world.run()
    assert world.psa.titles() == ["Better", "Mended"]


@pytest.mark.parametrize(("from_day", "to_day"), [("2027-01-12", "2031-05-06"), ("2031-05-06", "2027-01-12")])
def test_a_visit_is_followed_whether_its_date_or_its_place_is_near(
    serve: Serve, begin: Begin, from_day: str, to_day: str
) -> None:
    """Of an exception either may lie outside of what somebody looks at."""
    google = serve()
    master = google.insert(single(recurrence=["RRULE:FREQ=WEEKLY"]))
    world = copied(google, begin)
    [name] = [each["id"] for each in google.instances(master) if each["start"]["dateTime"][:10] == from_day]
    moved = {key: {"dateTime": f"{to_day}T{at}:00:00", "timeZone": "Europe/Vienna"} for key, at in TIMES.items()}
    google.patch(name, moved)
    world.run()
    [item] = world.psa.living()
    assert item.content.of(Field.TIME, f"{from_day}T10:00:00").start.key == f"{to_day}T15:00:00"  # type: ignore[union-attr]


TIMES = {"start": "15", "end": "16"}


@pytest.mark.parametrize("how", ["not found", "forbidden"])
def test_a_calendar_that_is_not_shared_any_more_deletes_nothing(serve: Serve, begin: Begin, how: str) -> None:
    google = serve()
    google.insert(single())
    world = copied(google, begin)
    google.fail("events.list", ApiError(404, "notFound") if how == "not found" else ApiError(403, "forbidden"))
    with pytest.raises(CalendarGone):
        world.run()
    assert world.psa.titles() == ["Lunch"]
    assert world.writes() == 0
    world.run()
    assert world.psa.titles() == titles(google) == ["Lunch"]


def test_an_event_moved_to_another_calendar_leaves_a_tombstone_and_is_a_deletion(serve: Serve, begin: Begin) -> None:
    google = serve()
    google.insert(single("Stays"))
    name = google.insert(single("Moves"))
    world = copied(google, begin)
    google.put_raw({**google.get(name), "status": "cancelled"})
    world.run()
    assert world.psa.titles() == ["Stays"]


def test_an_edit_of_reminders_alone_is_seen_by_its_etag_and_stays(serve: Serve, begin: Begin) -> None:
    google = serve()
    name = google.insert(single())
    world = copied(google, begin)
    before = google.get(name)
    own = {"useDefault": False, "overrides": [{"method": "popup", "minutes": 45}]}
    google.patch(name, {"reminders": own})
    assert google.get(name)["updated"] == before["updated"]
    assert google.get(name)["etag"] != before["etag"]
    [item] = world.psa.living()
    world.psa.edit(item.id, title="New")
    world.run()
    assert (google.get(name)["summary"], google.get(name)["reminders"]) == ("New", own)


def test_a_series_that_somebody_cut_in_two_is_two_items(serve: Serve, begin: Begin) -> None:
    """What "this and following" does: there is no call for it."""
    google = serve()
    master = google.insert(weekly())
    world = copied(google, begin)
    google.patch(master, {"recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20270118T225959Z"]})
    google.insert(single("Weekly, later", day=19, hour=14, recurrence=["RRULE:FREQ=WEEKLY;COUNT=4"]))
    world.run()
    assert world.psa.titles() == ["Weekly", "Weekly, later"]
    assert world.writes() == 0


def test_a_list_of_guests_that_google_left_out_is_never_written(serve: Serve, begin: Begin) -> None:
    google = serve()
    carol = {"email": "carol@example.com", "responseStatus": "accepted"}
    name = google.insert(single(_set={"attendees": [carol], "attendeesOmitted": True}))
    world = copied(google, begin, Options(invitations_all=True))
    [item] = world.psa.living()
    world.psa.edit(item.id, title="New", people=People(None, (Person("bob@example.com"),)))
    for _ in range(2):
        world.run()
    assert (google.get(name)["summary"], google.get(name)["attendees"]) == ("New", [carol])
    assert google.mails == []


def test_whatever_google_says_a_run_ends_with_an_error_of_the_contract(serve: Serve, begin: Begin) -> None:
    google = serve()
    google.insert(single())
    world = copied(google, begin)
    for status in (403, 409, 410, 418, 502):
        google.fail("events.list", ApiError(status, "somethingNew"), times=3)
        with pytest.raises(ConnectorError):
            world.run()
        google.heal()
    assert world.psa.titles() == titles(google) == ["Lunch"]


def test_a_series_whose_visits_are_not_to_be_found_yet_is_completed_later(serve: Serve, begin: Begin) -> None:
    """Right after a creation Google may answer 404 for a while."""
    google = serve()
    world = copied(google, begin)
    target = event("Series", "2027-01-05 10:00", rule="FREQ=WEEKLY;COUNT=4")
    world.psa.add(target.with_units({("2027-01-12T10:00:00", Field.EXISTS): False}))
    google.fail("events.instances", ApiError(404, "notFound"), times=2)
    for _ in range(3):
        world.run()
    assert google.count("events.instances") > 2
    [master] = google.events()
    [exception] = google.exceptions(master)
    assert exception["status"] == "cancelled"
    assert len(google.events()) == len(world.psa.living()) == 1


def test_general_limits_end_a_run_that_goes_on_hours_later_with_nothing_lost(serve: Serve, begin: Begin) -> None:
    google = serve()
    world = copied(google, begin)
    for number in range(3):
        world.psa.add(event(f"Repair {number}", "2027-01-08 09:00"))
    google.fail("events.insert", ApiError(403, "quotaExceeded", domain="usageLimits"))
    with pytest.raises(Throttled) as raised:
        world.run()
    assert (raised.value.retry_after or 0) >= 3600
    world.run()
    assert titles(google) == [f"Repair {number}" for number in range(3)]
