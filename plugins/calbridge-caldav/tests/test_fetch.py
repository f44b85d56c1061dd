"""Reading bodies: batches, gaps, broken ones, several things in one resource (dossier 4.3, contract C1)."""

from __future__ import annotations

import math

import pytest

from calbridge.connectors.contract import Gone, Seen, Unknown, Unreadable
from calbridge.errors import Unavailable

from .conftest import Link, Serve
from .support import filled, ics, meeting, single, title_of, vevent

HERE = "/calendars/alice@example.com/work/"


def test_many_are_one_request(serve: Serve, link: Link) -> None:
    double = serve()
    paths = filled(double, 40)
    rows = link(double).fetch(*paths)
    assert [title_of(rows[path]) for path in paths] == [f"Title {n}" for n in range(40)]
    assert [entry.operation for entry in double.requests] == ["calendar-multiget"]
    shown = rows[paths[0]]
    assert isinstance(shown, Seen)
    assert shown.version == double.etag("work", "e0.ics")
    assert shown.native is not None


@pytest.mark.parametrize(("service", "size"), [("caldav", 500), ("icloud", 100)])
def test_batches_are_as_large_as_the_service_bears(serve: Serve, link: Link, service: str, size: int) -> None:
    double = serve()
    paths = filled(double, 501)
    phone = link(double, service=service)
    assert phone.connector.capabilities.fetch_batch == size
    assert len(phone.fetch(*paths)) == 501
    assert double.count("calendar-multiget") == math.ceil(501 / size)


@pytest.mark.parametrize("status", [413, 500, 502, 503, 504, 507])
def test_a_refused_batch_is_halved(serve: Serve, link: Link, status: int) -> None:
    double = serve(multiget_max=3, multiget_max_status=status)
    paths = filled(double, 10)
    rows = link(double).fetch(*paths)
    assert all(isinstance(rows[path], Seen) for path in paths)
    assert double.count("GET") == 0


def test_a_server_that_only_fails_is_not_asked_for_ever(serve: Serve, link: Link) -> None:
    double = serve()
    paths = filled(double, 300)
    phone = link(double)
    double.quirks.server_error_times = 999
    with pytest.raises(Unavailable):
        phone.fetch(*paths)
    assert len(double.requests) < 40


def test_where_no_batch_works_objects_are_read_singly(serve: Serve, link: Link) -> None:
    double = serve(multiget_max=0, multiget_max_status=500)
    paths = filled(double, 50)
    rows = link(double).fetch(*paths)
    assert all(isinstance(rows[path], Seen) for path in paths)
    assert len(double.requests) < 50 + 40


def test_a_deleted_resource_is_gone(serve: Serve, link: Link) -> None:
    double = serve()
    paths = filled(double, 2)
    double.delete_event("work", "e1.ics")
    rows = link(double).fetch(*paths)
    assert rows[paths[1]] == Gone(paths[1])
    assert isinstance(rows[paths[0]], Seen)


def test_what_a_delta_named_as_deleted_costs_no_second_look(serve: Serve, link: Link) -> None:
    double = serve()
    paths = filled(double, 3)
    phone = link(double)
    cursor = phone.cursor()
    for name in ("e0.ics", "e1.ics"):
        double.delete_event("work", name)
    phone.listing(cursor)
    double.clear()
    assert phone.fetch(*paths[:2]) == {path: Gone(path) for path in paths[:2]}
    assert len(double.requests) == 1


@pytest.mark.parametrize("count", [3, 30])
def test_omitted_rows_are_looked_at_before_they_count_as_gone(serve: Serve, link: Link, count: int) -> None:
    double = serve(multiget_omits_missing=True)
    paths = filled(double, count)
    for number in range(1, count):
        double.delete_event("work", f"e{number}.ics")
    rows = link(double).fetch(*paths)
    assert [row for row in rows.values() if isinstance(row, Gone)] == [Gone(path) for path in paths[1:]]
    assert len(double.requests) <= 4


def test_a_multiget_that_lags_behind_is_no_deletion(serve: Serve, link: Link) -> None:
    double = serve()
    paths = filled(double, 2)
    phone = link(double)
    double.quirks.multiget_lags_times = 1
    assert isinstance(phone.fetch(*paths)[paths[1]], Seen)


def test_the_version_is_that_of_the_body_not_of_the_listing(serve: Serve, link: Link) -> None:
    double = serve()
    paths = filled(double, 1)
    phone = link(double)
    listed = phone.listing()[0][0]
    double.quirks.multiget_newer_times = 1
    shown = phone.fetch_one(paths[0])
    assert isinstance(listed, Seen)
    assert shown.version != listed.version
    assert shown.version == double.etag("work", "e0.ics")
    assert b"X-TOUCHED" in (shown.native or b"")


def test_a_task_is_no_event(serve: Serve, link: Link) -> None:
    double = serve()
    double.put_event("work", "t.ics", ics("BEGIN:VTODO\r\nUID:t\r\nDTSTAMP:20270101T000000Z\r\nEND:VTODO"))
    row = link(double).fetch(HERE + "t.ics")[HERE + "t.ics"]
    assert isinstance(row, Unreadable)
    assert row.code == "no_vevent"


def test_several_uids_in_a_resource_are_several_events(serve: Serve, link: Link) -> None:
    double = serve()
    double.put_event("work", "two.ics", ics(vevent("a@x", "A"), vevent("b/ä", "B")))
    rows = link(double).fetch(HERE + "two.ics")
    assert set(rows) == {HERE + "two.ics", HERE + "two.ics#a%40x", HERE + "two.ics#b%2F%C3%A4"}
    assert rows[HERE + "two.ics"] == Gone(HERE + "two.ics")
    assert title_of(rows[HERE + "two.ics#b%2F%C3%A4"]) == "B"


def test_an_override_without_its_master_is_an_event_until_the_master_comes(serve: Serve, link: Link) -> None:
    double = serve()
    lone = vevent("s", "Only this day", "RECURRENCE-ID:20270105T090000Z")
    double.put_event("work", "s.ics", ics(lone))
    phone = link(double)
    rows = phone.fetch(HERE + "s.ics")
    (part,) = (row for row in rows.values() if isinstance(row, Seen))
    assert part.remote_id.startswith(HERE + "s.ics#s#")
    assert title_of(phone.fetch(part.remote_id)[part.remote_id]) == "Only this day"
    master = vevent("s", "Series", "RRULE:FREQ=DAILY;COUNT=5", start="20270105T090000Z")
    double.put_event("work", "s.ics", ics(master, lone))
    rows = phone.fetch(part.remote_id)
    assert rows[part.remote_id] == Gone(part.remote_id)
    assert title_of(rows[HERE + "s.ics"]) == "Series"


def test_invitations_to_two_dates_of_one_series_are_two_appointments(serve: Serve, link: Link) -> None:
    double = serve()
    visits = [vevent("s", f"Visit {day}", f"RECURRENCE-ID:2027010{day}T090000Z") for day in (5, 6)]
    double.put_event("work", "s.ics", ics(*visits))
    seen = [row for row in link(double).fetch(HERE + "s.ics").values() if isinstance(row, Seen)]
    assert len(seen) == 2
    assert len({row.uid for row in seen}) == 2
    assert all(row.event is not None and row.event.uid == row.uid for row in seen)


def test_range_dependent_additions_never_show(serve: Serve, link: Link) -> None:
    double = serve(adds_recurrence_exception=True)
    paths = filled(double, 1)
    assert b"X-RECURRENCE-EXCEPTION" not in (link(double).fetch_one(paths[0]).native or b"")


def test_find_knows_our_events_by_key_and_others_by_uid(serve: Serve, link: Link) -> None:
    double = serve()
    filled(double, 2)
    phone = link(double)
    made = phone.made("key-1", meeting())
    found = phone.connector.find(phone.calendar, ["key-1", "key-2"], ["uid-1", "nobody"])
    assert {seen.remote_id for seen in found} == {made.remote_id, HERE + "e1.ics"}


def test_find_sees_our_event_under_another_address(serve: Serve, link: Link) -> None:
    double = serve()
    phone = link(double)
    made = phone.made("key-1", meeting())
    double.move_event("work", made.remote_id.rpartition("/")[2], "moved.ics")
    (seen,) = phone.connector.find(phone.calendar, ["key-1"], [])
    assert seen.remote_id == HERE + "moved.ics"
    assert seen.event is not None
    assert seen.event.marker == "key-1"


def test_find_sees_a_lone_date_of_a_series_under_another_address(serve: Serve, link: Link) -> None:
    double = serve()
    visits = [vevent("s#1", f"Visit {day}", f"RECURRENCE-ID:2027010{day}T090000Z") for day in (5, 6)]
    double.put_event("work", "s.ics", ics(*visits))
    double.put_event("work", "t.ics", single("t#1", "Plain"))
    phone = link(double)
    rows = phone.fetch(HERE + "s.ics", HERE + "t.ics").values()
    before = {title_of(row): row for row in rows if isinstance(row, Seen)}
    for name in ("s", "t"):
        double.move_event("work", f"{name}.ics", f"moved-{name}.ics")
    for title, name in (("Visit 5", "s"), ("Visit 6", "s"), ("Plain", "t")):
        (seen,) = phone.connector.find(phone.calendar, [], [before[title].uid or ""])
        assert (title_of(seen), seen.remote_id.partition("#")[0]) == (title, f"{HERE}moved-{name}.ics")


def test_an_address_outside_the_calendar_is_no_evidence_of_anything(serve: Serve, link: Link) -> None:
    phone = link(serve())
    for foreign in ("", "/calendars/alice@example.com/home/a.ics", "../..", "http://127.0.0.1/"):
        assert phone.fetch(foreign) == {foreign: Unknown(foreign)}
