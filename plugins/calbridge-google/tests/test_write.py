"""Writes: ids of our own, conditions, changed fields only, and what is never touched (dossier 4 and 5)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from calbridge.connectors.contract import OPEN_WINDOW, Create, Delete, Done, Failed, Partial, Update
from calbridge.domain.content import MASTER, Field, People, Person, Text
from calbridge.domain.times import day, floating, unknown
from calbridge.errors import NotFound, PermissionMissing, Rejected, Throttled, Unavailable, VersionConflict
from calbridge_google.connector import GoogleConnector
from tests.doubles.google import ApiError
from tests.servers.reaching import transport

from .conftest import Link, Serve
from .support import Client, account, at, error_of, meeting, single, title_of, weekly

TITLE, TEXT, PLACE, TIME = (MASTER, Field.TITLE), (MASTER, Field.TEXT), (MASTER, Field.LOCATION), (MASTER, Field.TIME)
SECOND = "2027-01-12T10:00:00"


def sent(google: Any, operation: str) -> list[dict[str, Any]]:
    """The bodies of calls that went out by themselves."""
    return [json.loads(entry.body) for entry in google.requests if entry.operation == operation]


def test_a_create_has_an_id_from_its_key_and_says_nothing_of_a_uid(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    made = client.made("key-1", meeting())
    [body] = sent(google, "events.insert")
    assert body["id"] == made.remote_id
    assert "iCalUID" not in body
    assert body["extendedProperties"] == {"private": {"calbridge": "key-1"}}
    assert made.event is not None
    assert made.event.uid == f"{made.remote_id}@google.com"
    assert google.mails == []


def test_the_address_of_the_record_is_the_source_of_the_event_until_it_is_hidden(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    address = "https://psa.example.com/records/42"
    [made] = client.connector.write(
        client.calendar, [replace(client.creation("key-1", meeting("Made")), source_url=address)]
    )
    assert isinstance(made, Done)
    assert google.get(made.remote_id)["source"] == {"title": "Made", "url": address}
    [hidden] = client.connector.write(
        client.calendar, [Update(made.remote_id, made.version, made.native, {TITLE: "Busy"}, redact=True)]
    )
    assert isinstance(hidden, Done)
    assert "source" not in google.get(made.remote_id)


def test_a_create_whose_reply_was_lost_is_found_and_not_doubled(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    google.lose_reply("events.insert")
    assert client.create("key-1", meeting()) is None
    again = client.made("key-1", meeting())
    assert not again.exact
    assert len(google.events()) == 1
    assert google.count("events.insert") == 2


def test_a_lost_reply_is_not_resent_by_any_library(serve: Serve, link: Link) -> None:
    """httplib2 would do it in silence when a connection closes without a status line."""
    google = serve()
    client = link(google)
    google.lose_request("events.insert")
    assert client.create("key-1", meeting()) is None
    assert google.count("events.insert") == 1
    assert google.events() == {}


def test_a_repeated_create_shows_what_somebody_did_meanwhile(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    made = client.made("key-1", meeting())
    google.patch(made.remote_id, {"summary": "Moved on"})
    assert title_of(client.made("key-1", meeting())) == "Moved on"


@pytest.mark.parametrize("quirks", [{}, {"revive_refused": True}, {"tombstones_vanish": True}])
def test_the_id_of_a_deleted_event_is_never_free_again(serve: Serve, link: Link, quirks: dict[str, bool]) -> None:
    google = serve(**quirks)
    client = link(google)
    first = client.made("key-1", meeting())
    google.delete(first.remote_id)
    second = client.made("key-1", meeting())
    assert second.remote_id != first.remote_id
    assert [seen.remote_id for seen in client.find(keys=["key-1"])] == [second.remote_id]
    assert client.made("key-1", meeting()).remote_id == second.remote_id
    assert len(google.events()) == 1


def test_an_id_that_a_stranger_uses_is_a_conflict(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    place = client.connector.place(client.calendar, "key-1")
    assert place is not None
    google.insert(single(id=place.remote_id, extendedProperties={"private": {"calbridge": "another"}}))
    assert error_of(client.create("key-1", meeting())).code == "uid_conflict"


def test_an_update_sends_its_fields_and_nothing_else(serve: Serve, link: Link) -> None:
    google = serve()
    name = google.insert(single(location="Room 7", reminders={"useDefault": False, "overrides": []}))
    client = link(google)
    seen = client.fetch_one(name)
    google.clear()
    result = client.retitle(seen, "New")
    assert isinstance(result, Done)
    assert (result.conditional, result.exact) == (True, True)
    assert sent(google, "events.patch") == [{"summary": "New"}]
    [entry] = google.requests
    assert entry.headers["if-match"] == seen.version
    assert "sendUpdates=none" in entry.target


def test_the_organizer_of_a_target_is_never_sent(serve: Serve, link: Link) -> None:
    google = serve()
    people = People(Person("chair@example.com", "Chair"), (Person("bob@example.com"),))
    link(google).create("key-1", meeting(people=people))
    [body] = sent(google, "events.insert")
    assert set(body) == {"id", "summary", "start", "end", "attendees", "extendedProperties"}
    assert [each["email"] for each in body["attendees"]] == ["bob@example.com"]


def test_an_emptied_field_is_sent_as_null(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    seen = client.fetch_one(google.insert(single(location="Room 7", description="Text")))
    google.clear()
    assert isinstance(client.update(seen, {PLACE: None, TEXT: None}), Done)
    assert sent(google, "events.patch") == [{"location": None, "description": None}]


def test_an_all_day_event_becomes_timed_and_back(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    seen = client.fetch_one(google.insert(single()))
    first = day(at(0).local)
    whole = meeting(start=first, end=first.shifted(first.local - first.local.replace(day=4))).span
    result = client.update(seen, {TIME: whole})
    assert isinstance(result, Done)
    assert google.get(seen.remote_id)["start"] == {"date": "2027-01-05"}
    result = client.update(result, {TIME: meeting().span})
    assert isinstance(result, Done)
    assert set(google.get(seen.remote_id)["start"]) == {"dateTime", "timeZone"}


def test_an_update_of_another_version_is_refused(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    seen = client.fetch_one(google.insert(single()))
    google.patch(seen.remote_id, {"location": "Meanwhile"})
    assert isinstance(error_of(client.retitle(seen, "Stale")), VersionConflict)
    assert isinstance(error_of(client.delete(seen)), VersionConflict)
    assert google.get(seen.remote_id)["summary"] == "Lunch"


def test_without_its_native_form_an_event_is_read_first(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    seen = client.fetch_one(google.insert(single()))
    update = Update(seen.remote_id, seen.version, None, {TITLE: "New"})
    [result] = client.connector.write(client.calendar, [update])
    assert title_of(result) == "New"
    [result] = client.connector.write(client.calendar, [update])
    assert isinstance(error_of(result), VersionConflict)


def test_a_deletion_is_silent_conditional_and_done_twice_without_harm(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    seen = client.fetch_one(google.insert(single(attendees=[{"email": "bob@example.com"}])))
    assert isinstance(client.delete(seen), Done)
    assert google.mails == []
    assert isinstance(client.delete(seen), Done)
    assert google.breaches == []
    [result] = client.connector.write(client.calendar, [Delete("neverwas", '"1"')])
    assert isinstance(error_of(result), NotFound)


def test_an_update_of_what_was_deleted_brings_nothing_back(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    seen = client.fetch_one(google.insert(single()))
    google.delete(seen.remote_id)
    [result] = client.connector.write(client.calendar, [Update(seen.remote_id, None, seen.native, {TITLE: "x"})])
    assert isinstance(error_of(result), NotFound | VersionConflict)
    assert google.events() == {}


def test_guests_and_meetings_are_not_touched_by_other_changes(serve: Serve, link: Link) -> None:
    google = serve()
    conference = {"entryPoints": [{"entryPointType": "video", "uri": "https://meet.google.com/abc"}]}
    guests = [{"email": "bob@example.com", "responseStatus": "accepted", "comment": "Late"}]
    name = google.insert(single(conferenceData=conference, attendees=guests, colorId="4"))
    client = link(google)
    before = google.get(name)
    result = client.update(client.fetch_one(name), {TITLE: "New", TEXT: Text("More")})
    assert isinstance(result, Done)
    after = google.get(name)
    for field in ("conferenceData", "attendees", "colorId", "reminders"):
        assert after[field] == before[field]
    assert google.mails == []


def test_a_changed_guest_list_keeps_what_google_knows_of_who_stays(serve: Serve, link: Link) -> None:
    google = serve()
    guests = [
        {"email": "bob@example.com", "responseStatus": "accepted", "comment": "Late"},
        {"email": "carol@example.com"},
        {"email": google.user, "organizer": True, "self": True, "responseStatus": "accepted"},
    ]
    client = link(google)
    seen = client.fetch_one(google.insert(single(attendees=guests)))
    wanted = People(None, (Person("bob@example.com"), Person("dave@example.com", "Dave", "optional")))
    result = client.update(seen, {(MASTER, Field.PEOPLE): wanted})
    assert isinstance(result, Done)
    told = {each["email"]: each for each in google.get(seen.remote_id)["attendees"]}
    assert set(told) == {"bob@example.com", "dave@example.com", google.user}
    assert (told["bob@example.com"]["responseStatus"], told["bob@example.com"]["comment"]) == ("accepted", "Late")
    assert told["dave@example.com"]["optional"]


def test_only_a_written_guest_list_lets_google_mail(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    made = client.made("key-1", meeting(people=People(None, (Person("bob@example.com"),))))
    assert [act for act, _, _ in google.mails] == ["insert"]
    google.clear()
    assert isinstance(client.retitle(made, "New"), Done)
    assert google.mails == []


def test_somebody_elses_meeting_is_refused_with_its_own_code(serve: Serve, link: Link) -> None:
    google = serve()
    chair = {"organizer": {"email": "chair@example.com", "self": False}}
    client = link(google)
    seen = client.fetch_one(google.insert(single(_set=chair)))
    error = error_of(client.retitle(seen, "Mine"))
    assert isinstance(error, Rejected)
    assert error.code == "organised_elsewhere"


def test_reminders_of_ours_are_popups_beside_the_users_mails(serve: Serve, link: Link) -> None:
    google = serve()
    own = {"useDefault": False, "overrides": [{"method": "email", "minutes": 60}, {"method": "popup", "minutes": 5}]}
    client = link(google)
    seen = client.fetch_one(google.insert(single(reminders=own)))
    result = client.update(seen, {(MASTER, Field.REMINDERS): (15, 30)})
    assert isinstance(result, Done)
    told = google.get(seen.remote_id)["reminders"]
    assert not told["useDefault"]
    assert sorted((each["method"], each["minutes"]) for each in told["overrides"]) == [
        ("email", 60),
        ("popup", 15),
        ("popup", 30),
    ]
    made = client.made("key-1", meeting(reminders=(1, 2, 3, 4, 5, 6, 99_999)))
    assert made.event is not None
    assert made.event.content.get((MASTER, Field.REMINDERS)) == (1, 2, 3, 4, 5)


def test_html_stays_where_the_text_says_the_same(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    seen = client.fetch_one(google.insert(single(description="<b>Bring</b> the key")))
    assert isinstance(client.update(seen, {TEXT: Text("Bring the key"), PLACE: "x"}), Done)
    assert google.get(seen.remote_id)["description"] == "<b>Bring</b> the key"


@pytest.mark.parametrize("start", [floating(at(10).local), unknown(at(10).local, "Nowhere", 3600)])
def test_times_that_google_has_not_are_refused_and_nothing_is_sent(serve: Serve, link: Link, start: Any) -> None:
    google = serve()
    client = link(google)
    error = error_of(client.create("key-1", meeting(start=start)))
    assert isinstance(error, Rejected)
    assert (error.code, error.field) == ("not_expressible", Field.TIME)
    assert google.requests == []


def test_a_cancelled_item_never_deletes_an_event(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    seen = client.fetch_one(google.insert(single()))
    result = client.update(seen, {(MASTER, Field.STATUS): "cancelled", TITLE: "Called off"})
    assert isinstance(result, Done)
    assert google.get(seen.remote_id)["status"] == "confirmed"


def test_redacting_empties_what_the_model_does_not_know(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    made = client.made("key-1", meeting())
    conference = {"entryPoints": [{"entryPointType": "video", "uri": "https://meet.google.com/abc"}]}
    properties = {"private": {"crm": "42"}, "shared": {"deal": "7"}}
    extra = {"conferenceData": conference, "attachments": [{"fileUrl": "https://example.com/f"}], "colorId": "3"}
    google.patch(made.remote_id, {"extendedProperties": properties, **extra})
    seen = client.fetch_one(made.remote_id)
    result = client.update(seen, {TITLE: "Busy"}, redact=True)
    assert isinstance(result, Done)
    after = google.get(made.remote_id)
    assert after["summary"] == "Busy"
    assert not {"conferenceData", "attachments", "colorId"} & set(after)
    assert after["extendedProperties"] == {"private": {"calbridge": "key-1"}, "shared": {}}


@pytest.mark.parametrize(
    ("error", "expected", "wait"),
    [
        (ApiError(403, "rateLimitExceeded", domain="usageLimits"), Throttled, None),
        (ApiError(403, "userRateLimitExceeded", domain="usageLimits"), Throttled, None),
        (ApiError(429, "rateLimitExceeded", headers={"Retry-After": "7"}), Throttled, 7.0),
        (ApiError(403, "quotaExceeded", "Calendar usage limits exceeded.", domain="usageLimits"), Throttled, 10_800.0),
        (ApiError(403, "insufficientPermissions"), PermissionMissing, None),
        (ApiError(403, "accessNotConfigured", domain="usageLimits"), PermissionMissing, None),
        (ApiError(403, "requiredAccessLevel"), Rejected, None),
        (ApiError(400, "invalid"), Rejected, None),
        (ApiError(404, "notFound"), NotFound, None),
        (ApiError(409, "conflict"), VersionConflict, None),
        (ApiError(412, "conditionNotMet"), VersionConflict, None),
        (ApiError(503, "backendError"), Unavailable, None),
        (ApiError(500, "backendError"), Unavailable, None),
    ],
)
def test_refusals_are_told_apart_by_reason(serve: Serve, link: Link, error: ApiError, expected: Any, wait: Any) -> None:
    google = serve()
    client = link(google)
    seen = client.fetch_one(google.insert(single()))
    google.fail("events.patch", error)
    found = error_of(client.retitle(seen, "New"))
    assert type(found) is expected
    if isinstance(found, Throttled):
        assert found.retry_after == wait


def test_a_whole_batch_of_writes_is_one_request(serve: Serve, link: Link) -> None:
    google = serve(batch_shuffled=True)
    client = link(google)
    seen = [client.fetch_one(google.insert(single(f"Visit {number}"))) for number in range(3)]
    google.clear()
    writes = [
        client.creation("key-1", meeting("Made")),
        Update(seen[0].remote_id, seen[0].version, seen[0].native, {TITLE: "Changed"}),
        Update(seen[1].remote_id, '"stale"', seen[1].native, {TITLE: "Never"}),
        Delete(seen[2].remote_id, seen[2].version, None),
    ]
    made, changed, refused, deleted = client.connector.write(client.calendar, writes)
    assert (title_of(made), title_of(changed)) == ("Made", "Changed")
    assert isinstance(error_of(refused), VersionConflict)
    assert isinstance(deleted, Done)
    assert len(google.requests) == 1


def test_each_call_of_a_batch_counts_in_the_quota(serve: Serve) -> None:
    google = serve()
    counted: list[int] = []
    with transport(before_request=lambda request: counted.append(request.calls)) as sending:
        client = Client(GoogleConnector(account(google), sending), google.user)
        client.connector.check()
        counted.clear()
        trap = "Content-Type: application/http\r\nContent-Type: application/http"
        writes = [client.creation(f"key-{n}", meeting(trap)) for n in range(3)]
        assert [isinstance(each, Done) for each in client.connector.write(client.calendar, writes)] == [True] * 3
        assert counted == [3]
        list(client.connector.changes(client.calendar, None, OPEN_WINDOW))
        assert counted == [3, 1]


def test_a_throttled_part_leaves_the_others_alone(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    google.fail("events.insert", ApiError(403, "rateLimitExceeded", domain="usageLimits"))
    results = client.connector.write(client.calendar, [client.creation(f"key-{n}", meeting(f"M{n}")) for n in range(3)])
    assert [isinstance(result, Done) for result in results].count(True) == 2
    assert [isinstance(result, Failed) and isinstance(result.error, Throttled) for result in results].count(True) == 1


@pytest.mark.parametrize("fault", ["lose_reply", "lose_request", "part", "html"])
def test_after_a_broken_batch_nothing_is_claimed(serve: Serve, link: Link, fault: str) -> None:
    google = serve()
    client = link(google)
    if fault == "part":
        google.quirks.batch_loses_part = True
    elif fault == "html":
        google.quirks.breakage = "html"
    else:
        getattr(google, fault)("batch")
    results = client.connector.write(client.calendar, [client.creation(f"key-{n}", meeting()) for n in range(2)])
    assert results == [None, None]
    google.quirks.batch_loses_part, google.quirks.breakage = False, None
    again = client.connector.write(client.calendar, [client.creation(f"key-{n}", meeting()) for n in range(2)])
    assert all(isinstance(result, Done) for result in again)
    assert len(google.events()) == 2


def test_a_calendar_that_may_not_be_written_says_so(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    google.set_role("reader")
    assert error_of(client.create("key-1", meeting())).code == "read_only_calendar"


def series(**more: Any) -> Any:
    """A target with a cancelled and a renamed visit."""
    target = meeting("Series", rule=["RRULE:FREQ=WEEKLY;COUNT=6"], **more)
    return target.with_units({(SECOND, Field.EXISTS): False, ("2027-01-19T10:00:00", Field.TITLE): "Other"})


def test_a_series_with_exceptions_is_made_in_three_requests(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    made = client.made("key-1", series())
    assert [entry.operation for entry in google.requests] == ["events.insert", "batch", "batch"]
    assert made.event is not None
    assert made.event.content.same(client.connector.normalise(series()))
    assert "EXDATE" not in str(google.get(made.remote_id)["recurrence"])
    assert client.fetch_one(made.remote_id).version == made.version


def test_a_series_that_stops_half_way_says_what_is_missing(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    google.fail("events.patch", ApiError(403, "rateLimitExceeded", domain="usageLimits"), times=2)
    result = client.create("key-1", series())
    assert isinstance(result, Partial)
    assert result.missing == {(SECOND, Field.EXISTS), ("2027-01-19T10:00:00", Field.TITLE)}
    units = {unit: series().get(unit) for unit in result.missing}
    [done] = client.connector.write(client.calendar, [Update(result.remote_id, result.version, result.native, units)])
    assert isinstance(done, Done)
    assert done.event is not None
    assert done.event.content.same(client.connector.normalise(series()))


def test_a_lost_reply_in_the_middle_of_a_series_is_unknown(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    google.lose_reply("events.patch")
    assert client.create("key-1", series()) is None
    assert len(google.exceptions(next(iter(google.events())))) == 2


def test_a_look_that_fails_after_the_master_was_written_leaves_the_outcome_open(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    made = client.made("key-1", series())
    google.lose_reply("events.instances")
    assert client.retitle(made, "New") is None
    assert google.get(made.remote_id)["summary"] == "New"


def test_a_look_that_fails_before_anything_was_written_is_a_failure(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    seen = client.fetch_one(google.insert(weekly()))
    google.lose_reply("events.instances", times=2)
    error = error_of(client.update(seen, {(SECOND, Field.TITLE): "Other"}))
    assert isinstance(error, Unavailable)
    assert google.exceptions(seen.remote_id) == []


@pytest.mark.parametrize("policy", ["drops", "keeps", "shifts"])
def test_a_moved_series_takes_its_exceptions_along_whatever_google_does(serve: Serve, link: Link, policy: str) -> None:
    google = serve(on_master_move=policy)
    client = link(google)
    made = client.made("key-1", series())
    later = meeting(start=at(14, 6), rule=["RRULE:FREQ=WEEKLY;COUNT=6"]).span
    keys = {SECOND: "2027-01-13T14:00:00", "2027-01-19T10:00:00": "2027-01-20T14:00:00"}
    result = client.update(made, {TIME: later}, rekeyed=keys)
    assert isinstance(result, Done)
    content = client.fetch_one(made.remote_id).event.content  # type: ignore[union-attr]
    assert content.keys == ("2027-01-13T14:00:00", "2027-01-20T14:00:00")
    assert content.excluded("2027-01-13T14:00:00")
    assert content.of(Field.TITLE, "2027-01-20T14:00:00") == "Other"
    shown = [each for each in google.instances(made.remote_id) if each["status"] != "cancelled"]
    assert len(shown) == 5


def test_a_longer_series_does_not_send_its_start(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    made = client.made("key-1", meeting(rule=["RRULE:FREQ=WEEKLY;COUNT=6"]))
    google.clear()
    result = client.update(made, {TIME: meeting(rule=["RRULE:FREQ=WEEKLY;COUNT=9"]).span})
    assert isinstance(result, Done)
    assert sent(google, "events.patch") == [{"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=9"]}]


def test_until_is_sent_in_the_form_that_google_takes(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    target = meeting(rule=["RRULE:FREQ=WEEKLY;UNTIL=20270301"])
    made = client.made("key-1", target)
    assert google.get(made.remote_id)["recurrence"] == ["RRULE:FREQ=WEEKLY;UNTIL=20270301T225959Z"]
    assert made.event is not None
    assert made.event.content.same(client.connector.normalise(target))


def test_added_dates_have_the_zone_of_the_series(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    target = meeting(rule=["RRULE:FREQ=WEEKLY;COUNT=2", "RDATE:20270120T100000"])
    made = client.made("key-1", target)
    assert "RDATE;TZID=Europe/Vienna:20270120T100000" in google.get(made.remote_id)["recurrence"]
    assert made.event is not None
    assert made.event.content.same(target)


def test_a_visit_that_the_rule_itself_leaves_out_comes_back(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    body = weekly()
    body["recurrence"].append("EXDATE;TZID=Europe/Vienna:20270112T100000,20270119T100000")
    seen = client.fetch_one(google.insert(body))
    result = client.update(seen, {(SECOND, Field.EXISTS): None})
    assert isinstance(result, Done)
    content = client.fetch_one(seen.remote_id).event.content  # type: ignore[union-attr]
    assert content.keys == ("2027-01-19T10:00:00",)


def test_one_private_visit_makes_its_series_private(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    seen = client.fetch_one(google.insert(weekly()))
    result = client.update(seen, {(SECOND, Field.VISIBILITY): "private"})
    assert isinstance(result, Done)
    assert google.get(seen.remote_id)["visibility"] == "private"


def test_a_series_hidden_hides_its_exceptions_too(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    made = client.made("key-1", series())
    properties = {"extendedProperties": {"private": {"crm": "42"}}}
    google.patch(google.exceptions(made.remote_id)[0]["id"], {"location": "Secret place", **properties})
    seen = client.fetch_one(made.remote_id)
    units = {TITLE: "Busy", PLACE: None, ("2027-01-19T10:00:00", Field.TITLE): None}
    units |= {unit: None for unit in seen.event.content.units if unit[1] is Field.LOCATION}  # type: ignore[union-attr]
    result = client.update(seen, units, redact=True)
    assert isinstance(result, Done), result
    told = json.dumps(
        [google.get(made.remote_id), *[e for e in google.exceptions(made.remote_id) if e["status"] != "cancelled"]]
    )
    assert not any(word in told for word in ("Series", "Other", "Secret", "crm"))


def test_an_exception_that_somebody_edited_meanwhile_is_not_overwritten(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    made = client.made("key-1", series())
    [renamed] = [each for each in google.exceptions(made.remote_id) if each["status"] != "cancelled"]
    google.patch(renamed["id"], {"summary": "By hand"})
    result = client.update(made, {("2027-01-19T10:00:00", Field.TITLE): "Ours"})
    assert isinstance(error_of(result), VersionConflict)
    assert google.get(renamed["id"])["summary"] == "By hand"


def test_a_create_asked_for_where_the_calendar_went_is_told(serve: Serve, link: Link) -> None:
    google = serve()
    google.add_calendar("team@example.com", "Team")
    client = link(google, calendar="team@example.com")
    google.drop_calendar("team@example.com")
    [result] = client.connector.write("team@example.com", [Create("k", meeting(), "u", None)])
    assert type(error_of(result)).__name__ == "CalendarGone"
