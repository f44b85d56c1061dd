"""Listings and deltas: what Google tells, in what pieces and in which order (dossier 3)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from calbridge.connectors.contract import OPEN_WINDOW, Gone, Seen, Unreadable
from calbridge.domain.content import Field
from calbridge.domain.event import Editable
from calbridge.errors import CalendarGone, CursorExpired, PermissionMissing, Throttled, Unavailable
from tests.doubles.google import ApiError, GoogleDouble

from .conftest import Link, Serve
from .support import gone, ids, single, title_of, weekly


def seen(entries: list[Any]) -> list[Seen]:
    """Without addresses that are told to hold nothing."""
    return [entry for entry in entries if isinstance(entry, Seen)]


def test_singles_and_plain_series_of_a_listing_are_whole(serve: Serve, link: Link) -> None:
    google = serve()
    names = {google.insert(single()), google.insert(weekly())}
    client = link(google)
    entries, last = client.listing()
    assert {entry.remote_id for entry in entries if entry.event is not None} == names
    assert last.full
    assert last.covers == OPEN_WINDOW
    assert [entry.operation for entry in google.requests] == ["events.list"]


def test_a_series_with_exceptions_is_listed_by_its_version_alone(serve: Serve, link: Link) -> None:
    google = serve(page_size=1, exceptions_first=True)
    master = google.insert(weekly())
    google.patch(google.instances(master)[1]["id"], {"summary": "Other"})
    google.delete(google.instances(master)[2]["id"])
    client = link(google)
    [entry] = client.listing()[0]
    assert (entry.remote_id, entry.event) == (master, None)
    assert entry.version == client.fetch_one(master).version


def test_a_plain_series_has_the_same_version_listed_and_fetched(serve: Serve, link: Link) -> None:
    google = serve()
    master = google.insert(weekly())
    client = link(google)
    [entry] = client.listing()[0]
    assert entry.version == client.fetch_one(master).version


def test_pages_may_be_empty_and_still_go_on(serve: Serve, link: Link) -> None:
    google = serve(page_size=2, empty_pages=True)
    names = {google.insert(single(f"Visit {number}")) for number in range(5)}
    client = link(google)
    entries, last = client.listing()
    assert ids(entries) == names
    assert last.last
    google.clear()
    client.listing(last.cursor)
    assert {entry.operation for entry in google.requests} == {"events.list"}


def test_every_page_repeats_the_query_and_the_token(serve: Serve, link: Link) -> None:
    google = serve(page_size=1)
    client = link(google)
    cursor = client.cursor()
    for number in range(3):
        google.insert(single(f"Visit {number}"))
    google.clear()
    client.listing(cursor)
    queries = [entry.target.partition("?")[2] for entry in google.requests]
    assert len(queries) == 3
    assert all("syncToken=" in query and "singleEvents=false" in query for query in queries)
    assert google.breaches == []


def test_no_change_costs_one_request(serve: Serve, link: Link) -> None:
    google = serve()
    google.insert(weekly())
    client = link(google)
    cursor = client.cursor()
    google.clear()
    entries, last = client.listing(cursor)
    assert entries == []
    assert last.cursor is not None
    assert [entry.operation for entry in google.requests] == ["events.list"]


def test_a_tombstone_has_nothing_but_an_id(serve: Serve, link: Link) -> None:
    google = serve()
    name = google.insert(single())
    client = link(google)
    cursor = client.cursor()
    google.delete(name)
    assert client.listing(cursor)[0] == [Gone(name, sure=True)]


def test_an_exception_without_its_master_brings_the_whole_series(serve: Serve, link: Link) -> None:
    google = serve()
    master = google.insert(weekly())
    client = link(google)
    cursor = client.cursor()
    google.patch(google.instances(master)[1]["id"], {"summary": "Other"})
    google.clear()
    [entry] = seen(client.listing(cursor)[0])
    assert entry.remote_id == master
    assert entry.event is not None
    assert [entry.operation for entry in google.requests] == ["events.list", "batch"]


def test_a_cancelled_instance_without_its_master_takes_the_visit_out(serve: Serve, link: Link) -> None:
    google = serve()
    master = google.insert(weekly())
    client = link(google)
    cursor = client.cursor()
    google.delete(google.instances(master)[1]["id"])
    [entry] = seen(client.listing(cursor)[0])
    assert entry.event.content.excluded("2027-01-12T10:00:00")


def test_the_uid_of_an_invited_series_is_learned_on_the_way(serve: Serve, link: Link) -> None:
    google = serve()
    master = google.insert(weekly(_set={"iCalUID": "chair-7@example.org"}))
    client = link(google)
    cursor = client.cursor()
    google.delete(google.instances(master)[1]["id"])
    google.patch(google.instances(master)[2]["id"], {"summary": "Other"})
    [entry] = seen(client.listing(cursor)[0])
    assert entry.uid == "chair-7@example.org"
    assert entry.event.content.keys == ("2027-01-12T10:00:00", "2027-01-19T10:00:00")


def test_a_cancellation_alone_tells_no_uid_and_is_read_all_the_same(serve: Serve, link: Link) -> None:
    google = serve()
    master = google.insert(weekly(_set={"iCalUID": "chair-7@example.org"}))
    google.patch(google.instances(master)[2]["id"], {"summary": "Other"})
    client = link(google)
    cursor = client.cursor()
    google.delete(google.instances(master)[1]["id"])
    [entry] = seen(client.listing(cursor)[0])
    assert entry.event.content.keys == ("2027-01-12T10:00:00", "2027-01-19T10:00:00")


@pytest.mark.parametrize("told", [True, False])
def test_a_deleted_series_is_gone_once(serve: Serve, link: Link, told: bool) -> None:
    google = serve(tells_exceptions_of_deleted=told)
    master = google.insert(weekly())
    google.patch(google.instances(master)[1]["id"], {"summary": "Other"})
    client = link(google)
    cursor = client.cursor()
    google.delete(master)
    entries, _ = client.listing(cursor)
    assert master in gone(entries)
    assert ids(entries) == set()


def invited_once(google: GoogleDouble, day: int) -> str:
    """An instance of somebody else's series that is in nobody's calendar here; its id."""
    at = {"dateTime": f"2027-01-{day}T09:00:00Z", "timeZone": "Europe/Vienna"}
    name = f"chairseries_202701{day}T090000Z"
    told = {**google.get(google.insert(single("Only this once", day=day))), "id": name}
    google.put_raw(
        {
            **told,
            "iCalUID": "chairseries@example.com",
            "recurringEventId": "chairseries",
            "originalStartTime": at,
            "start": at,
            "end": {**at, "dateTime": f"2027-01-{day}T10:00:00Z"},
        }
    )
    return name


def test_an_invitation_to_one_instance_is_an_event_of_its_own(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    cursor = client.cursor()
    name = invited_once(google, 12)
    for entries in (client.listing()[0], client.listing(cursor)[0]):
        assert name in ids(entries)
        assert "chairseries" not in ids(entries)
    row = client.fetch_one(name)
    assert row.event is not None
    assert not row.event.content.span.recurring  # type: ignore[union-attr]


def test_invitations_to_two_instances_of_a_series_are_two_events(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    names = [invited_once(google, day) for day in (12, 19)]
    uids = [f"chairseries@example.com#2027-01-{day}T10:00:00" for day in (12, 19)]

    assert [client.fetch_one(name).uid for name in names] == uids
    for name, uid in zip(names, uids, strict=True):
        assert [(row.remote_id, row.uid) for row in client.find(uids=[uid])] == [(name, uid)]
    assert client.find(uids=["chairseries@example.com"]) == []


def test_events_far_outside_of_any_window_are_told_too(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    cursor = client.cursor()
    far = google.insert({**single(), "start": {"date": "1999-01-01"}, "end": {"date": "1999-01-02"}})
    assert far in ids(client.listing(cursor)[0])


def test_kinds_of_events_that_are_no_appointments_are_left_out(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    cursor = client.cursor()
    kept = google.insert(single())
    place = google.insert(single("Home office", _set={"eventType": "workingLocation"}))
    birthday = google.insert(weekly("Birthday", _set={"eventType": "birthday"}))
    unheard = google.insert(single("Of next year", _set={"eventType": "somethingNew"}))
    for entries in (client.listing()[0], client.listing(cursor)[0]):
        assert {entry.remote_id for entry in entries} == {kept}
    assert google.count("batch") == 0
    row = client.fetch(place, birthday, unheard)
    assert [each.code for each in row.values() if isinstance(each, Unreadable)] == ["no_appointment"] * 3


@pytest.mark.parametrize("kind", ["outOfOffice", "focusTime", "fromGmail"])
def test_special_kinds_of_appointments_are_told_and_can_not_be_changed(serve: Serve, link: Link, kind: str) -> None:
    google = serve()
    client = link(google)
    cursor = client.cursor()
    name = google.insert(single("Away", _set={"eventType": kind}))
    for entries in (client.listing()[0], client.listing(cursor)[0]):
        [entry] = entries
        assert entry.remote_id == name
        assert entry.event.editable == Editable(time=False, details=False, people=False, existence=False)
        assert entry.event.content.of(Field.SHOW_AS) == ("oof" if kind == "outOfOffice" else None)


def test_one_odd_event_does_not_stop_the_others(serve: Serve, link: Link) -> None:
    google = serve()
    good = google.insert(single())
    odd = google.insert(single("Odd"))
    google.put_raw({**google.get(odd), "start": {"date": "2027-13-77"}, "end": {"date": "2027-01-02"}})
    fine = google.insert(weekly("Hourly"))
    google.put_raw({**google.get(fine), "recurrence": ["RRULE:FREQ=HOURLY;COUNT=3"]})
    entries, _ = link(google).listing()
    assert ids(entries) == {good}
    codes = {entry.remote_id: entry.code for entry in entries if isinstance(entry, Unreadable)}
    assert codes == {odd: "broken_calendar_data", fine: "recurrence_too_fine"}


def test_an_exrule_is_not_flattened(serve: Serve, link: Link) -> None:
    google = serve()
    google.insert(single(recurrence=["RRULE:FREQ=WEEKLY;COUNT=6", "EXRULE:FREQ=WEEKLY;COUNT=2"]))
    [entry] = link(google).listing()[0]
    assert entry.code == "unsupported_recurrence"


def test_an_expired_token_asks_for_a_full_listing(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    cursor = client.cursor()
    google.expire_tokens()
    with pytest.raises(CursorExpired):
        client.listing(cursor)


def test_a_token_that_expires_between_two_pages_is_expired(serve: Serve, link: Link) -> None:
    google = serve(page_size=1)
    client = link(google)
    cursor = client.cursor()
    google.insert(single("One"))
    google.insert(single("Two"))
    pages = client.connector.changes(client.calendar, cursor, OPEN_WINDOW)
    next(pages)
    google.expire_tokens()
    with pytest.raises(CursorExpired):
        list(pages)


def test_a_full_listing_that_is_cut_off_is_no_listing(serve: Serve, link: Link) -> None:
    google = serve(page_size=1)
    google.insert(single("One"))
    google.insert(single("Two"))
    client = link(google)
    pages = client.connector.changes(client.calendar, None, OPEN_WINDOW)
    next(pages)
    google.expire_tokens()
    with pytest.raises(Unavailable):
        list(pages)


def test_a_token_that_google_can_not_read_is_expired(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    for token in ("garbage", ""):
        with pytest.raises(CursorExpired):
            client.listing(json.dumps({"query": "1", "token": token or "x"}))
    assert google.count("events.list") == 2


def test_a_cursor_of_another_query_is_expired_without_asking(serve: Serve, link: Link) -> None:
    google = serve()
    client = link(google)
    for cursor in ('{"query":"0","token":"x"}', "no cursor", "[]", "{}"):
        with pytest.raises(CursorExpired):
            client.listing(cursor)
    assert google.requests == []


def test_a_calendar_that_is_not_shared_any_more_is_gone_and_not_empty(serve: Serve, link: Link) -> None:
    google = serve()
    google.add_calendar("team@group.calendar.google.com", "Team")
    client = link(google, calendar="team@group.calendar.google.com")
    cursor = client.cursor()
    google.drop_calendar("team@group.calendar.google.com")
    with pytest.raises(CalendarGone):
        client.listing(cursor)
    with pytest.raises(CalendarGone):
        client.listing()
    with pytest.raises(CalendarGone):
        client.fetch("something")


@pytest.mark.parametrize("reason", ["forbidden", "requiredAccessLevel"])
def test_a_listing_that_is_forbidden_concerns_its_calendar_and_not_the_account(
    serve: Serve, link: Link, reason: str
) -> None:
    google = serve()
    client = link(google)
    cursor = client.cursor()
    google.fail("events.list", ApiError(403, reason), times=2)
    for since in (cursor, None):
        with pytest.raises(CalendarGone):
            client.listing(since)


@pytest.mark.parametrize("reason", ["insufficientPermissions", "accessNotConfigured", "somethingNew"])
def test_a_listing_that_is_refused_for_another_reason_is_a_missing_permission(
    serve: Serve, link: Link, reason: str
) -> None:
    google = serve()
    client = link(google)
    google.fail("events.list", ApiError(403, reason))
    with pytest.raises(PermissionMissing):
        client.listing()


@pytest.mark.parametrize("kind", ["html", "not_json", "empty", "list", "deep", "huge"])
def test_nonsense_is_never_an_empty_calendar(serve: Serve, link: Link, kind: str) -> None:
    google = serve()
    client = link(google)
    google.quirks.breakage = kind  # type: ignore[assignment]
    with pytest.raises(Unavailable):
        client.listing()


def test_a_changed_series_that_meets_the_quota_leaves_the_cursor_alone(serve: Serve, link: Link) -> None:
    google = serve()
    master = google.insert(weekly())
    client = link(google)
    cursor = client.cursor()
    google.patch(master, {"summary": "New"})
    google.fail("events.get", ApiError(403, "rateLimitExceeded", domain="usageLimits"))
    with pytest.raises(Throttled):
        client.listing(cursor)
    [entry] = client.listing(cursor)[0]
    assert isinstance(entry, Seen)
    assert title_of(entry) == "New"


def test_k_changes_cost_one_request_and_few_for_the_series(serve: Serve, link: Link) -> None:
    google = serve()
    masters = [google.insert(weekly(f"Series {number}")) for number in range(20)]
    singles = [google.insert(single(f"Single {number}")) for number in range(20)]
    client = link(google)
    cursor = client.cursor()
    for name in (*masters, *singles):
        google.patch(name, {"summary": "New"})
    google.clear()
    entries, _ = client.listing(cursor)
    assert len(entries) == 40
    assert all(title_of(entry) == "New" for entry in entries)
    assert [entry.operation for entry in google.requests] == ["events.list", "batch", "batch"]


def test_a_first_listing_of_ten_thousand_takes_four_pages(serve: Serve, link: Link) -> None:
    google = serve()
    plain = google.get(google.insert(single()))
    google.fill(
        {**plain, "id": f"bulk{number:06}", "iCalUID": f"bulk{number:06}@google.com"} for number in range(9_996)
    )
    masters = [google.insert(weekly(f"Series {number}")) for number in range(3)]
    google.patch(google.instances(masters[0])[1]["id"], {"summary": "Other"})
    client = link(google)
    entries, _ = client.listing()
    assert [entry.operation for entry in google.requests] == ["events.list"] * 5
    assert len({entry.remote_id for entry in entries}) == 10_000
    assert [entry.remote_id for entry in entries if entry.event is None] == [masters[0]]
