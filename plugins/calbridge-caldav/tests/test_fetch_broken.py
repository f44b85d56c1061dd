"""Objects that a server can't hand out as they are, and servers that fail at all they hold (dossier 4.3)."""

from __future__ import annotations

import pytest

from calbridge.connectors.contract import Gone, Seen, Unknown, Unreadable
from calbridge.errors import CalendarGone, EventFailed, Unavailable

from .conftest import Link, Serve
from .support import error_of, filled, ics, meeting, single, title_of, vevent

HERE = "/calendars/alice@example.com/work/"


def test_an_empty_body_in_a_report_is_read_by_itself(serve: Serve, link: Link) -> None:
    double = serve(empty_data=frozenset({"e0.ics"}))
    paths = filled(double, 2)
    assert title_of(link(double).fetch(*paths)[paths[0]]) == "Title 0"


def test_one_broken_object_is_set_aside_and_stops_nobody(serve: Serve, link: Link) -> None:
    double = serve(object_errors=frozenset({"e1.ics"}))
    paths = filled(double, 3)
    double.put_event("work", "e3.ics", b"BEGIN:VCALENDAR\r\nrubbish")
    paths.append(HERE + "e3.ics")
    rows = link(double).fetch(*paths)
    assert [type(rows[path]).__name__ for path in paths] == ["Seen", "Unreadable", "Seen", "Unreadable"]
    assert {row.code for row in rows.values() if isinstance(row, Unreadable)} == {"broken_calendar_data"}


@pytest.mark.parametrize("how", [500, "html"])
def test_one_object_that_breaks_every_answer_is_set_aside_and_stops_nobody(
    serve: Serve, link: Link, how: int | str
) -> None:
    double = serve(fatal_objects=frozenset({"e17.ics"}), fatal_answer=how)
    paths = filled(double, 30)
    rows = link(double).fetch(*paths)
    assert rows.pop(paths[17]) == Unreadable(paths[17], None, "broken_calendar_data")
    assert all(isinstance(row, Seen) for row in rows.values())


@pytest.mark.parametrize("how", [502, 503, 504, "lost"])
def test_one_object_for_which_nobody_answers_is_unknown_and_stops_nobody(
    serve: Serve, link: Link, how: int | str
) -> None:
    double = serve(fatal_objects=frozenset({"e17.ics"}), fatal_answer=how)
    paths = filled(double, 30)
    rows = link(double).fetch(*paths)
    assert rows.pop(paths[17]) == Unknown(paths[17])
    assert all(isinstance(row, Seen) for row in rows.values())


def test_objects_for_which_nobody_answers_are_not_all_asked(serve: Serve, link: Link) -> None:
    double = serve(multiget_max=0, multiget_max_status=502)
    paths = filled(double, 100)
    double.quirks.fatal_objects = frozenset(path.rpartition("/")[2] for path in paths)
    double.quirks.fatal_answer = 502
    rows = link(double).fetch(*paths)
    assert rows == {path: Unknown(path) for path in paths}
    assert double.count("GET") <= 3


def test_an_object_for_which_nobody_answered_is_read_when_somebody_does(serve: Serve, link: Link) -> None:
    double = serve(fatal_objects=frozenset({"e0.ics"}), fatal_answer=502)
    (path,) = filled(double, 1)
    phone = link(double)
    assert phone.fetch(path) == {path: Unknown(path)}
    double.quirks.fatal_objects = frozenset()
    assert title_of(phone.fetch(path)[path]) == "Title 0"


def test_an_object_at_which_the_server_hangs_is_set_aside(serve: Serve, link: Link) -> None:
    double = serve(fatal_objects=frozenset({"e1.ics"}), fatal_answer="late")
    paths = filled(double, 3)
    rows = link(double, timeout=0.4).fetch(*paths)
    assert rows.pop(paths[1]) == Unreadable(paths[1], None, "broken_calendar_data")
    assert all(isinstance(row, Seen) for row in rows.values())


def test_an_object_at_the_head_of_many_at_which_the_server_hangs_ends_nothing(serve: Serve, link: Link) -> None:
    double = serve(fatal_objects=frozenset({"e0.ics"}), fatal_answer="late")
    paths = filled(double, 60)
    rows = link(double, timeout=0.4).fetch(*paths)
    assert rows.pop(paths[0]) == Unreadable(paths[0], None, "broken_calendar_data")
    assert all(isinstance(row, Seen) for row in rows.values())


def test_an_object_whose_answer_is_always_cut_is_set_aside(serve: Serve, link: Link) -> None:
    double = serve(multiget_omits_missing=True, empty_data=frozenset({"e0.ics"}), faulty_operations=frozenset({"GET"}))
    paths = filled(double, 2)
    double.quirks.cut_times = 9
    rows = link(double).fetch(*paths)
    assert rows[paths[0]] == Unreadable(paths[0], None, "broken_calendar_data")
    assert isinstance(rows[paths[1]], Seen)


@pytest.mark.parametrize("count", [1, 8, 20])
def test_any_number_of_objects_that_xml_can_not_carry_stops_nobody(serve: Serve, link: Link, count: int) -> None:
    double = serve(control_characters_in_xml=True)
    paths = filled(double, 30)
    for number in range(10, 10 + count):
        double.put_event("work", f"e{number}.ics", single(f"uid-{number}", "Control\x0b"))
    rows = link(double).fetch(*paths)
    assert all(isinstance(rows[path], Seen) for path in paths)


@pytest.mark.parametrize("status", [502, 503, 504])
def test_a_gateway_without_its_server_breaks_no_object(serve: Serve, link: Link, status: int) -> None:
    double = serve(throttle_status=status, retry_after=None)
    paths = filled(double, 300)
    phone = link(double)
    double.quirks.throttle_times = 99
    with pytest.raises(Unavailable):
        phone.fetch(*paths)
    assert len(double.requests) == 2


def test_bytes_that_xml_can_not_carry_are_read_as_they_are(serve: Serve, link: Link) -> None:
    double = serve()
    double.put_event("work", "l.ics", single("l", "Café").decode().encode("latin-1"))
    shown = link(double).fetch_one(HERE + "l.ics")
    assert shown.native == single("l", "Café").decode().encode("latin-1")


def test_a_resource_of_many_megabytes_is_set_aside(serve: Serve, link: Link) -> None:
    double = serve()
    paths = filled(double, 2)
    double.put_event("work", "e1.ics", single("uid-1", "Big", "ATTACH;VALUE=BINARY:" + "A" * 30_000_000))
    row = link(double).fetch(*paths)
    assert title_of(row[paths[0]]) == "Title 0"
    assert row[paths[1]] == Unreadable(paths[1], double.etag("work", "e1.ics"), "too_large")


def test_a_server_that_is_down_breaks_no_object(serve: Serve, link: Link) -> None:
    double = serve()
    paths = filled(double, 1)
    phone = link(double)
    double.quirks.server_error_times = 99
    with pytest.raises(Unavailable):
        phone.fetch(*paths)


def test_one_object_that_breaks_its_own_batch_is_set_aside(serve: Serve, link: Link) -> None:
    double = serve(multiget_max=0, multiget_max_status=500, object_errors=frozenset({"e0.ics"}))
    paths = filled(double, 1)
    assert link(double).fetch(*paths) == {paths[0]: Unreadable(paths[0], None, "broken_calendar_data")}


@pytest.mark.parametrize("how", [502, "lost"])
def test_a_create_in_whose_place_nobody_answers_has_no_outcome_yet(serve: Serve, link: Link, how: int | str) -> None:
    double = serve()
    phone = link(double)
    creation = phone.creation("key-1", meeting())
    phone.made("key-1", meeting())
    double.quirks.fatal_objects = frozenset({(creation.remote_id or "").rpartition("/")[2]})
    double.quirks.fatal_answer = how
    assert phone.connector.write(phone.calendar, [creation]) == [None]


def test_a_create_in_whose_place_something_broken_stands_is_tried_again_later(serve: Serve, link: Link) -> None:
    double = serve()
    phone = link(double)
    made = phone.made("key-1", meeting())
    double.quirks.object_errors = frozenset({made.remote_id.rpartition("/")[2]})
    assert isinstance(error_of(phone.create("key-1", meeting())), EventFailed)


@pytest.mark.parametrize("how", [500, 502, "lost", "html"])
def test_looking_for_a_create_is_not_ended_by_an_object_at_which_the_server_fails(
    serve: Serve, link: Link, how: int | str
) -> None:
    double = serve()
    filled(double, 2)
    phone = link(double)
    made = phone.made("key-1", meeting())
    double.quirks.fatal_objects = frozenset({"e1.ics"})
    double.quirks.fatal_answer = how
    double.quirks.fatal_queries = True
    (seen,) = phone.connector.find(phone.calendar, ["key-1", "key-2"], ["uid-1"])
    assert seen.remote_id == made.remote_id


def test_objects_that_fail_in_every_answer_are_never_gone(serve: Serve, link: Link) -> None:
    names = frozenset(f"e{number}.ics" for number in range(12))
    double = serve(object_errors=names, error_rows=names)
    paths = filled(double, 30)
    rows = link(double).fetch(*paths)
    assert [type(rows[path]).__name__ for path in paths] == ["Unreadable"] * 12 + ["Seen"] * 18


def test_a_cut_listing_makes_no_object_gone(serve: Serve, link: Link) -> None:
    double = serve(multiget_max=0, multiget_max_status=500, listing_page=5)
    paths = filled(double, 30)
    with pytest.raises(Unavailable):
        link(double).fetch(*paths)


@pytest.mark.parametrize("count", [1, 5])
def test_what_is_not_found_while_its_calendar_is_not_either_is_not_gone(serve: Serve, link: Link, count: int) -> None:
    double = serve(multiget_max=0, multiget_max_status=500)
    paths = filled(double, count)
    phone = link(double)
    double.before("GET", lambda: setattr(double.quirks, "calendar_vanished", 404))
    with pytest.raises(CalendarGone):
        phone.fetch(*paths)


def test_a_lone_occurrence_that_became_unreadable_beside_another_is_not_gone(serve: Serve, link: Link) -> None:
    double = serve()
    visits = [vevent("s", f"Visit {day}", f"RECURRENCE-ID:2027010{day}T090000Z") for day in (5, 6)]
    double.put_event("work", "s.ics", ics(*visits))
    phone = link(double)
    first, second = sorted(phone.fetch(HERE + "s.ics").keys() - {HERE + "s.ics"})
    double.put_event("work", "s.ics", ics(visits[0], visits[1].replace("RECURRENCE-ID:20270106", "RECURRENCE-ID:2027")))
    rows = phone.fetch(first, second)
    assert isinstance(rows[first], Seen)
    assert rows[second] == Unreadable(second, double.etag("work", "s.ics"), "broken_calendar_data")
    double.put_event("work", "s.ics", ics(visits[0]))
    assert isinstance(phone.fetch(first, second)[second], Gone)
