"""Reading addresses, looking for keys and UIDs, and what an event is understood to say (dossier 4)."""

from __future__ import annotations

from typing import Any

import pytest

from calbridge.connectors.contract import Gone, Seen, Unknown
from calbridge.domain.content import MASTER, Field, People, Person, Text
from calbridge.domain.times import TimeKind, day
from tests.doubles.google import ApiError

from .conftest import Link, Serve
from .support import Client, meeting, single, weekly


@pytest.mark.parametrize("forgotten", [True, False])
def test_what_was_deleted_is_gone_with_or_without_a_tombstone(serve: Serve, link: Link, forgotten: bool) -> None:
    google = serve(tombstones_vanish=forgotten)
    name = google.insert(single())
    google.delete(name)
    row = link(google).fetch(name)[name]
    assert row == Gone(name, sure=not forgotten)


def test_a_part_of_a_batch_that_fails_is_unknown_alone(serve: Serve, link: Link) -> None:
    google = serve()
    names = [google.insert(single(f"Visit {number}")) for number in range(3)]
    client = link(google)
    google.fail("events.get", ApiError(503, "backendError"))
    rows = client.fetch(*names)
    assert [type(row) for row in rows.values()].count(Unknown) == 1
    assert [type(row) for row in rows.values()].count(Seen) == 2


@pytest.mark.parametrize("shuffled", [True, False])
def test_a_batch_of_reads_is_one_request(serve: Serve, link: Link, shuffled: bool) -> None:
    google = serve(batch_shuffled=shuffled)
    names = [google.insert(single(f"Visit {number}")) for number in range(50)]
    client = link(google)
    rows = client.fetch(*names)
    assert [rows[name].event.content.title for name in names] == [f"Visit {number}" for number in range(50)]  # type: ignore[union-attr]
    assert len(google.requests) == 1


def test_what_can_be_no_id_is_not_asked_for(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    assert all(isinstance(row, Unknown) for row in client.fetch("", "../import", "a/b").values())
    assert {entry.operation for entry in google.requests} == {"events.list"}


def test_all_instances_of_a_long_series_are_looked_through_page_by_page(serve: Serve, link: Link) -> None:
    google = serve(page_size=3)
    master = google.insert(single(recurrence=["RRULE:FREQ=WEEKLY"]))
    google.delete(google.instances(master)[9]["id"])
    google.patch(google.instances(master)[7]["id"], {"summary": "Other"})
    event = link(google).fetch_one(master).event
    assert event is not None
    assert event.content.keys == ("2027-02-23T10:00:00", "2027-03-09T10:00:00")


def test_an_exception_moved_out_of_its_place_keeps_its_key(serve: Serve, link: Link) -> None:
    google = serve()
    master = google.insert(weekly())
    later = single(day=28, hour=15)
    google.patch(google.instances(master)[1]["id"], {"start": later["start"], "end": later["end"]})
    event = link(google).fetch_one(master).event
    assert event is not None
    [key] = event.content.keys
    assert key == "2027-01-12T10:00:00"
    assert event.content.of(Field.TIME, key).start.key == "2027-01-28T15:00:00"  # type: ignore[union-attr]


def test_all_of_a_find_is_one_batch(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    client.made("key-1", meeting("Ours"))
    client.made("key-2", meeting("Ours too"))
    theirs = google.insert(single("Theirs"))
    uid = google.get(theirs)["iCalUID"]
    google.clear()
    found = client.find(keys=["key-1", "key-2"], uids=[uid, "nobody@example.com"])
    assert sorted(seen.event.content.title for seen in found if seen.event) == ["Ours", "Ours too", "Theirs"]
    assert len(google.requests) == 1


def test_a_series_is_found_whole(serve: Serve, link: Link) -> None:
    google = serve()
    master = google.insert(weekly())
    google.delete(google.instances(master)[1]["id"])
    [seen] = link(google).find(uids=[f"{master}@google.com"])
    assert seen.event is not None
    assert seen.event.content.keys == ("2027-01-12T10:00:00",)


def test_what_was_deleted_is_not_found(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    made = client.made("key-1", meeting())
    google.delete(made.remote_id)
    assert client.find(keys=["key-1"], uids=[f"{made.remote_id}@google.com"]) == []


def read(client: Client, body: dict[str, Any]) -> Any:
    google_id = client.google.insert(body)  # type: ignore[attr-defined]
    event = client.fetch_one(google_id).event
    assert event is not None
    return event


@pytest.fixture
def reading(serve: Serve, link: Link) -> Any:
    google = serve()
    client = link(google)
    client.google = google  # type: ignore[attr-defined]
    return lambda body: read(client, body)


def test_the_zone_is_the_events_own_and_the_offset_that_of_the_answer(reading: Any) -> None:
    body = single()
    for name in ("start", "end"):
        body[name] = {"dateTime": body[name]["dateTime"], "timeZone": "America/New_York"}
    start = reading(body).content.span.start
    assert (start.zone, start.key) == ("America/New_York", "2027-01-05T10:00:00")


def test_an_instant_without_a_zone_is_told_in_utc(reading: Any) -> None:
    body = {
        **single(),
        "start": {"dateTime": "2027-01-05T10:00:00+01:00"},
        "end": {"dateTime": "2027-01-05T11:00:00+01:00"},
    }
    start = reading(body).content.span.start
    assert (start.kind, start.key) == (TimeKind.UTC, "2027-01-05T09:00:00")


def test_the_second_turn_of_a_repeated_hour_stays_where_it_is(reading: Any) -> None:
    body = {
        **single(),
        "start": {"dateTime": "2027-10-31T02:30:00+01:00", "timeZone": "Europe/Vienna"},
        "end": {"dateTime": "2027-10-31T03:30:00+01:00", "timeZone": "Europe/Vienna"},
    }
    span = reading(body).content.span
    assert span.start.instant().isoformat() == "2027-10-31T01:30:00+00:00"
    assert (span.end.instant() - span.start.instant()).total_seconds() == 3600


def test_all_day_ends_are_exclusive(reading: Any) -> None:
    span = reading({**single(), "start": {"date": "2027-01-05"}, "end": {"date": "2027-01-07"}}).content.span
    assert (span.start, span.end) == (day(span.start.local), day(span.end.local))
    assert span.duration.days == 2


def test_an_all_day_event_without_a_length_lasts_a_day(serve: Serve, link: Link) -> None:
    google = serve()
    name = google.insert(single())
    google.put_raw({**google.get(name), "start": {"date": "2027-01-05"}, "end": {"date": "2027-01-05"}})
    span = link(google).fetch_one(name).event.content.span  # type: ignore[union-attr]
    assert span is not None
    assert span.duration.days == 1


def test_exdates_and_cancelled_instances_are_one_thing(reading: Any) -> None:
    body = weekly()
    body["recurrence"].append("EXDATE;TZID=Europe/Vienna:20270112T100000")
    assert reading(body).content.excluded("2027-01-12T10:00:00")


def test_guests_answers_and_the_organizer(reading: Any) -> None:
    guests = [
        {"email": "Alice@example.com", "self": True, "responseStatus": "tentative"},
        {"email": "bob@example.com", "displayName": "Bob", "optional": True, "responseStatus": "accepted"},
        {"email": "room@example.com", "resource": True},
        {"email": "chair@example.com", "organizer": True, "responseStatus": "accepted"},
    ]
    event = reading(single(_set={"organizer": {"email": "chair@example.com", "self": False}, "attendees": guests}))
    assert event.content.people == People(
        Person("chair@example.com"),
        (
            Person("alice@example.com"),
            Person("bob@example.com", "Bob", "optional"),
            Person("room@example.com", "", "resource"),
        ),
    )
    assert event.content.get((MASTER, Field.MY_RESPONSE)) == "tentative"
    assert dict(event.content.get((MASTER, Field.RESPONSES)))["bob@example.com"] == "accepted"
    assert not event.organised_here
    assert (event.editable.time, event.editable.details, event.editable.people) == (False, False, False)
    assert (event.editable.existence, event.editable.response) == (True, True)


@pytest.mark.parametrize(("count", "code"), [(1000, None), (1001, "too_large")])
def test_more_guests_than_an_item_may_have_are_that_events_own_trouble(
    serve: Serve, link: Link, count: int, code: str | None
) -> None:
    google = serve()
    guests = [{"email": f"guest{number}@example.com"} for number in range(count)]
    crowded = google.insert(single("Town hall", attendees=guests))
    series = google.insert(weekly())
    google.patch(google.instances(series)[1]["id"], {"attendees": guests})
    good = google.insert(single())
    rows = link(google).fetch(crowded, series, good)
    assert [getattr(rows[name], "code", None) for name in (crowded, series, good)] == [code, code, None]


def test_a_locked_event_is_not_editable(reading: Any) -> None:
    event = reading(single(_set={"locked": True}))
    assert (event.editable.time, event.editable.details) == (False, False)


def test_a_meeting_link_and_html_are_shown(reading: Any) -> None:
    conference = {"entryPoints": [{"entryPointType": "video", "uri": "https://meet.google.com/abc"}]}
    event = reading(single(conferenceData=conference, description="<b>Bring</b> the key<br>and a lamp &amp; rope"))
    assert event.content.get((MASTER, Field.CONFERENCE)) == "https://meet.google.com/abc"
    text = event.content.get((MASTER, Field.TEXT))
    assert text == Text("Bring the key\nand a lamp & rope", "<b>Bring</b> the key<br>and a lamp &amp; rope")


def test_the_users_own_reminders_are_shown_and_defaults_are_not(reading: Any) -> None:
    own = {"useDefault": False, "overrides": [{"method": "popup", "minutes": 30}, {"method": "email", "minutes": 5}]}
    assert reading(single(reminders=own)).content.get((MASTER, Field.REMINDERS)) == (30,)
    assert reading(single()).content.get((MASTER, Field.REMINDERS)) is None
