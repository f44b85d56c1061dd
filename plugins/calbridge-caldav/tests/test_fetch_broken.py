"""Objects that a server can't hand out as they are, and servers that fail at all they hold (dossier 4.3)."""

from __future__ import annotations

import pytest

from calbridge.connectors.contract import Seen, Unreadable
from calbridge.errors import Unavailable

from .conftest import Link, Serve
from .support import filled, single, title_of

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


@pytest.mark.parametrize("how", [500, 502, 504, "html"])
def test_one_object_that_breaks_every_answer_is_set_aside_and_stops_nobody(
    serve: Serve, link: Link, how: int | str
) -> None:
    double = serve(fatal_objects=frozenset({"e17.ics"}), fatal_answer=how)
    paths = filled(double, 30)
    rows = link(double).fetch(*paths)
    assert rows.pop(paths[17]) == Unreadable(paths[17], None, "broken_calendar_data")
    assert all(isinstance(row, Seen) for row in rows.values())


def test_an_object_at_which_the_server_hangs_is_set_aside(serve: Serve, link: Link) -> None:
    double = serve(fatal_objects=frozenset({"e1.ics"}), fatal_answer="late")
    paths = filled(double, 3)
    rows = link(double, timeout=0.4).fetch(*paths)
    assert rows.pop(paths[1]) == Unreadable(paths[1], None, "broken_calendar_data")
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


@pytest.mark.parametrize("status", [502, 504])
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
