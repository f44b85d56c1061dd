"""Each switch about single broken objects does what it says."""

from __future__ import annotations

import http.client
from typing import Any

import pytest

from tests.doubles.caldav_fixture import Pair, Start
from tests.doubles.raw_client import CALDAV, event


def _fill(pair: Pair, *names: str) -> None:
    for name in names:
        pair.double.put_event("work", name, event(f"{name}@example.com"))


def test_single_objects_may_be_broken(start: Start) -> None:
    pair = start(empty_data=frozenset({"a.ics"}), object_errors=frozenset({"b.ics"}))
    _fill(pair, "a.ics", "b.ics", "c.ics")
    answer = pair.client.multiget(pair.work, "a.ics", "b.ics", "c.ics")
    assert [data.text is not None for data in answer.xml.iter(f"{CALDAV}calendar-data")] == [False, True]
    assert b"HTTP/1.1 500" in answer.body
    assert [pair.client.send("GET", pair.work + name).status for name in ("a.ics", "b.ics")] == [200, 500]


@pytest.mark.parametrize(("how", "status"), [(502, 502), ("html", 200)])
def test_an_object_may_break_every_answer_that_names_it(how: Any, status: int, start: Start) -> None:
    pair = start(fatal_objects=frozenset({"b.ics"}), fatal_answer=how)
    _fill(pair, "a.ics", "b.ics")
    assert pair.client.multiget(pair.work, "a.ics").status == 207
    answers = [pair.client.multiget(pair.work, "a.ics", "b.ics"), pair.client.send("GET", pair.work + "b.ics")]
    assert [answer.status for answer in answers] == [status, status]
    assert all((b"<form>" in answer.body) is (how == "html") for answer in answers)


def test_a_server_may_hang_at_an_object_and_answer_others_meanwhile(start: Start) -> None:
    pair = start(fatal_objects=frozenset({"b.ics"}), fatal_answer="late")
    _fill(pair, "a.ics", "b.ics")
    pair.client.timeout = 0.5
    with pytest.raises(TimeoutError):
        pair.client.send("GET", pair.work + "b.ics")
    pair.client.close()
    assert pair.client.multiget(pair.work, "a.ics").status == 207


def test_a_connection_may_end_at_an_object(start: Start) -> None:
    pair = start(fatal_objects=frozenset({"b.ics"}), fatal_answer="lost")
    _fill(pair, "a.ics", "b.ics")
    with pytest.raises(http.client.RemoteDisconnected):
        pair.client.send("GET", pair.work + "b.ics")
    pair.client.close()
    assert pair.client.multiget(pair.work, "a.ics").status == 207


@pytest.mark.parametrize("fails", [False, True])
def test_a_query_may_fail_at_an_object_it_does_not_name(fails: bool, start: Start) -> None:
    pair = start(fatal_objects=frozenset({"b.ics"}), fatal_answer=502, fatal_queries=fails)
    _fill(pair, "a.ics", "b.ics")
    answer = pair.client.query(pair.work, '<C:comp-filter name="VEVENT"/>')
    assert answer.status == (502 if fails else 207)


def test_reports_may_hold_what_xml_has_not(start: Start) -> None:
    pair = start(control_characters_in_xml=True)
    pair.double.put_event("work", "a.ics", event("a@example.com", "COMMENT:\x0b"))
    assert b"\x0b" in pair.client.multiget(pair.work, "a.ics").body
    pair.double.quirks.control_characters_in_xml = False
    assert b"\x0b" not in pair.client.multiget(pair.work, "a.ics").body
