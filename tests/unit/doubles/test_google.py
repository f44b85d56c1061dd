"""The Google double as the real client library meets it, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httplib2
import pytest
import requests
from googleapiclient.discovery import build_from_document
from googleapiclient.discovery_cache import get_static_doc
from googleapiclient.errors import HttpError

from tests.doubles.google import ApiError, GoogleDouble, google_double

START = {"dateTime": "2027-01-05T10:00:00", "timeZone": "Europe/Vienna"}
END = {"dateTime": "2027-01-05T11:00:00", "timeZone": "Europe/Vienna"}
EVENT = {"summary": "Lunch", "start": START, "end": END}
WEEKLY = {**EVENT, "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]}


@pytest.fixture
def google() -> Iterator[GoogleDouble]:
    with google_double() as found:
        yield found


class BearerHttp(httplib2.Http):
    """The library's own HTTP, with a token."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self._token = token

    def request(self, uri: str, method: str = "GET", body: Any = None, headers: Any = None, **more: Any) -> Any:
        return super().request(uri, method, body, {**(headers or {}), "authorization": f"Bearer {self._token}"}, **more)


def token(google: GoogleDouble) -> str:
    form = {"grant_type": "refresh_token", "refresh_token": google.grant()}
    form |= {"client_id": google.client.id, "client_secret": google.client.secret}
    return str(requests.post(f"{google.url}token", form, timeout=30).json()["access_token"])


@pytest.fixture
def api(google: GoogleDouble) -> Iterator[Any]:
    """The library's service on the double."""
    document = json.loads(get_static_doc("calendar", "v3"))
    http = BearerHttp(token(google))
    yield build_from_document({**document, "rootUrl": google.url}, http=http)
    http.close()


def refusal(request: Any, *, etag: str | None = None) -> tuple[int, str]:
    if etag is not None:
        request.headers["If-Match"] = etag
    with pytest.raises(HttpError) as raised:
        request.execute()
    return raised.value.resp.status, json.loads(raised.value.content)["error"]["errors"][0]["reason"]


def test_the_real_library_makes_reads_changes_and_deletes(google: GoogleDouble, api: Any) -> None:
    events = api.events()
    made = events.insert(calendarId="primary", body=EVENT).execute()
    patch = events.patch(calendarId=google.user, eventId=made["id"], body={"summary": "Dinner"})
    patch.headers["If-Match"] = made["etag"]
    changed = patch.execute()
    assert changed["summary"] == "Dinner"
    assert changed["etag"] != made["etag"]
    listed = events.list(calendarId="primary").execute()
    assert [item["id"] for item in listed["items"]] == [made["id"]]
    delete = events.delete(calendarId="primary", eventId=made["id"])
    delete.headers["If-Match"] = changed["etag"]
    assert delete.execute() == ""
    assert events.get(calendarId="primary", eventId=made["id"]).execute()["status"] == "cancelled"
    delta = events.list(calendarId="primary", syncToken=listed["nextSyncToken"]).execute()
    assert [(item["id"], item["status"]) for item in delta["items"]] == [(made["id"], "cancelled")]
    assert google.breaches == []


def test_the_real_library_sends_a_batch(google: GoogleDouble, api: Any) -> None:
    found: dict[str, Any] = {}
    batch = api.new_batch_http_request(callback=lambda name, told, error: found.update({name: error or told}))
    batch.add(api.events().insert(calendarId="primary", body=EVENT), request_id="good")
    batch.add(api.events().get(calendarId="primary", eventId="nothing"), request_id="bad")
    batch.execute()
    assert found["good"]["summary"] == "Lunch"
    assert found["bad"].resp.status == 404
    assert google.count("batch") == 1
    assert google.count("events.insert") == 1


@pytest.mark.parametrize(
    "body",
    [
        {**EVENT, "color": "red"},
        {**EVENT, "start": {**START, "zone": "x"}},
        {**EVENT, "attendees": [{"mail": "a@b.c"}]},
        {**EVENT, "summary": 7},
        {**EVENT, "start": {**START, "date": "2027-01-05"}},
        {**EVENT, "start": {"dateTime": "2027-01-05T10:00:00"}},
        {**EVENT, "start": {"dateTime": "2027-01-05T10:00:00", "timeZone": "W. Europe Standard Time"}},
        {**EVENT, "end": {"date": "2027-01-06"}},
        {**EVENT, "id": "UPPER"},
        {**EVENT, "id": "abc"},
        {**EVENT, "reminders": {"useDefault": True, "overrides": [{"method": "popup", "minutes": 5}]}},
        {**EVENT, "recurrence": ["RRULE:FREQ=WEEKLY;UNTIL=20270301"]},
        {**EVENT, "recurrence": ["DTSTART:20270105T100000Z"]},
        {**EVENT, "eventType": "focusTime"},
        {**EVENT, "source": {"title": "x", "url": "ftp://example.com"}},
        {"summary": "No time"},
    ],
)
def test_what_the_api_does_not_take_is_refused(google: GoogleDouble, body: dict[str, Any]) -> None:
    answer = post(google, "calendars/primary/events", body)
    assert answer.status_code == 400, answer.text
    assert google.events() == {}


def post(google: GoogleDouble, path: str, body: Any, **query: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token(google)}"}
    return requests.post(f"{google.url}calendar/v3/{path}", params=query, json=body, headers=headers, timeout=30)


@pytest.mark.parametrize(
    "query",
    [
        "unknown=1",
        "maxResults=0",
        "maxResults=x",
        "singleEvents=yes",
        "timeMin=2027-01-01",
        "orderBy=id",
        "eventTypes=x",
    ],
)
def test_what_no_parameter_can_be_is_refused(google: GoogleDouble, query: str) -> None:
    headers = {"Authorization": f"Bearer {token(google)}"}
    url = f"{google.url}calendar/v3/calendars/primary/events?{query}"
    assert requests.get(url, headers=headers, timeout=30).status_code == 400


def test_tokens_refuse_company_and_expire_by_reason(google: GoogleDouble, api: Any) -> None:
    events = api.events()
    sync = events.list(calendarId="primary").execute()["nextSyncToken"]
    for more in ({"timeMin": "2027-01-01T00:00:00Z"}, {"iCalUID": "x"}, {"privateExtendedProperty": "a=b"}):
        assert refusal(events.list(calendarId="primary", syncToken=sync, **more)) == (400, "badRequest")
    assert "nextSyncToken" not in events.list(calendarId="primary", iCalUID="x").execute()
    events.list(calendarId="primary", syncToken=sync, singleEvents=True).execute()
    assert len(google.breaches) == 1
    google.expire_tokens()
    assert refusal(events.list(calendarId="primary", syncToken=sync)) == (410, "fullSyncRequired")
    assert refusal(events.list(calendarId="primary", syncToken="x")) == (400, "invalid")


def test_a_listing_may_expand_series_or_keep_their_parts(google: GoogleDouble, api: Any) -> None:
    events = api.events()
    master = google.insert(dict(WEEKLY))
    google.patch(google.instances(master)[1]["id"], {"summary": "Other"})
    google.delete(google.instances(master)[2]["id"])
    parts = events.list(calendarId="primary").execute()["items"]
    assert [item.get("status") for item in parts] == ["confirmed", "confirmed", "cancelled"]
    single = events.list(calendarId="primary", singleEvents=True, orderBy="startTime").execute()["items"]
    assert [item["summary"] for item in single] == ["Lunch", "Other", "Lunch"]
    late = "2027-01-20T00:00:00Z"
    found = events.list(calendarId="primary", singleEvents=True, timeMin=late).execute()["items"]
    assert len(found) == 1
    told = events.instances(calendarId="primary", eventId=master, showDeleted=True, fields="items(id,status)").execute()
    assert [set(item) for item in told["items"]] == [{"id", "status"}] * 4


def test_an_instance_is_addressed_by_its_original_start(google: GoogleDouble, api: Any) -> None:
    events = api.events()
    master = google.insert(dict(WEEKLY))
    [found] = events.instances(
        calendarId="primary", eventId=master, originalStart="2027-01-12T10:00:00+01:00"
    ).execute()["items"]
    assert found["id"] == f"{master}_20270112T090000Z"
    assert found["recurringEventId"] == master


def test_ids_are_never_free_again_and_conditions_hold(google: GoogleDouble, api: Any) -> None:
    events = api.events()
    name = google.insert({**EVENT, "id": "abcde"})
    google.delete(name)
    assert refusal(events.insert(calendarId="primary", body={**EVENT, "id": "abcde"})) == (409, "duplicate")
    living = google.insert(dict(EVENT))
    patch = events.patch(calendarId="primary", eventId=living, body={"summary": "x"})
    assert refusal(patch, etag='"stale"') == (412, "conditionNotMet")
    assert refusal(events.delete(calendarId="primary", eventId=name), etag='"x"') == (410, "deleted")
    events.patch(calendarId="primary", eventId=living, body={"summary": "x"}).execute()
    assert google.breaches == ["patch without If-Match"]


def test_an_import_is_one_copy_for_each_uid(google: GoogleDouble) -> None:
    body = {**EVENT, "iCalUID": "x@example.org", "organizer": {"email": google.user}}
    first = post(google, "calendars/primary/events/import", body).json()
    second = post(google, "calendars/primary/events/import", body).json()
    assert first["id"] == second["id"]
    foreign = {**body, "iCalUID": "y@example.org", "organizer": {"email": "chair@example.org"}}
    answer = post(google, "calendars/primary/events/import", foreign)
    assert answer.json()["error"]["errors"][0]["reason"] == "participantIsNeitherOrganizerNorAttendee"


def test_an_update_drops_what_is_not_sent(google: GoogleDouble, api: Any) -> None:
    events = api.events()
    name = google.insert({**EVENT, "extendedProperties": {"private": {"a": "b" * 2000, "k" * 45: "x"}}})
    told = google.get(name)
    assert told["extendedProperties"]["private"] == {"a": "b" * 1024}
    update = events.update(calendarId="primary", eventId=name, body=EVENT)
    update.headers["If-Match"] = told["etag"]
    assert "extendedProperties" not in update.execute()


def test_guests_change_their_own_and_nothing_else(google: GoogleDouble, api: Any) -> None:
    events = api.events()
    guests = [{"email": google.user, "self": True}, {"email": "bob@example.com"}]
    chair = {"organizer": {"email": "chair@example.com", "self": False}, "attendees": guests}
    name = google.insert({**EVENT, "_set": chair})
    patch = events.patch(calendarId="primary", eventId=name, body={"summary": "x"})
    assert refusal(patch, etag="*") == (403, "forbiddenForNonOrganizer")
    own = [{"email": google.user, "responseStatus": "accepted"}]
    answer = events.patch(calendarId="primary", eventId=name, body={"attendees": own, "attendeesOmitted": True})
    answer.headers["If-Match"] = "*"
    told = answer.execute()["attendees"]
    assert [each.get("responseStatus") for each in told] == ["accepted", "needsAction"]


def test_visibility_of_an_instance_spreads_or_is_ignored(google: GoogleDouble) -> None:
    master = google.insert(dict(WEEKLY))
    google.patch(google.instances(master)[1]["id"], {"visibility": "private"})
    assert google.get(master)["visibility"] == "private"
    google.patch(google.instances(master)[1]["id"], {"visibility": "public"})
    assert google.get(master)["visibility"] == "private"


def test_reminders_change_the_etag_and_not_the_stamp(google: GoogleDouble) -> None:
    name = google.insert(dict(EVENT))
    before = google.get(name)
    after = google.patch(name, {"reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]}})
    assert after["etag"] != before["etag"]
    assert after["updated"] == before["updated"]


def test_access_ends_with_its_token_and_its_scopes(google: GoogleDouble) -> None:
    form = {"grant_type": "refresh_token", "client_id": google.client.id, "client_secret": google.client.secret}
    form["refresh_token"] = google.grant(["https://www.googleapis.com/auth/calendar.events"])
    limited = requests.post(f"{google.url}token", form, timeout=30).json()["access_token"]
    headers = {"Authorization": f"Bearer {limited}"}
    answer = requests.get(f"{google.url}calendar/v3/users/me/calendarList", headers=headers, timeout=30)
    assert answer.json()["error"]["errors"][0]["reason"] == "insufficientPermissions"
    google.kill_access_tokens()
    answer = requests.get(f"{google.url}calendar/v3/calendars/primary/events", headers=headers, timeout=30)
    assert answer.status_code == 401


def test_the_consent_page_is_a_page_with_a_form(google: GoogleDouble) -> None:
    redirect = google.client.redirect_uris[0]
    query = {"client_id": google.client.id, "redirect_uri": redirect, "response_type": "code", "scope": "openid email"}
    page = requests.get(f"{google.url}o/oauth2/v2/auth", {**query, "state": "s", "access_type": "offline"}, timeout=30)
    assert page.status_code == 200
    assert page.text.count('type="checkbox"') == 2
    form = {
        "request": json.dumps({**query, "state": "s", "access_type": "offline"}),
        "scope": ["openid"],
        "act": "allow",
    }
    done = requests.post(f"{google.url}signin/consent", form, timeout=30, allow_redirects=False)
    back = parse_qs(urlsplit(done.headers["Location"]).query)
    assert (back["state"], back["scope"]) == (["s"], ["openid"])
    for wrong in ({"client_id": "x"}, {"redirect_uri": "https://evil.example.com/"}, {"unknown": "1"}):
        assert requests.get(f"{google.url}o/oauth2/v2/auth", {**query, **wrong}, timeout=30).status_code == 400


def test_faults_are_spent_and_a_lost_reply_was_done(google: GoogleDouble, api: Any) -> None:
    """httplib2 resends in silence: without an id of one's own there are two events."""
    google.lose_reply("events.insert")
    api.events().insert(calendarId="primary", body=EVENT).execute()
    assert len(google.events()) == 2
    google.fail("events.list", ApiError(429, "rateLimitExceeded", headers={"Retry-After": "3"}))
    events = api.events()
    assert refusal(events.list(calendarId="primary")) == (429, "rateLimitExceeded")
    events.list(calendarId="primary").execute()


def test_what_may_break_more_than_it_says_is_noted(google: GoogleDouble, api: Any) -> None:
    events = api.events()
    made = events.insert(calendarId="primary", body={**EVENT, "sequence": 0}).execute()
    events.list(calendarId="primary", maxAttendees=1).execute()
    patch = events.patch(calendarId="primary", eventId=made["id"], body={"summary": "New"}, eventLabelVersion=1)
    patch.headers["If-Match"] = made["etag"]
    patch.execute()
    noted = ["events.insert with sequence", "events.list with maxAttendees", "events.patch with eventLabelVersion"]
    assert google.breaches == noted


def test_one_full_listing_may_come_back_empty(google: GoogleDouble, api: Any) -> None:
    name = google.insert(dict(EVENT))
    token = api.events().list(calendarId="primary").execute()["nextSyncToken"]
    google.quirks.lists_empty_once = True
    google.patch(name, {"summary": "New"})
    assert len(api.events().list(calendarId="primary", syncToken=token).execute()["items"]) == 1
    assert api.events().list(calendarId="primary").execute()["items"] == []
    assert len(api.events().list(calendarId="primary").execute()["items"]) == 1


def test_a_bug_of_the_double_is_not_silent() -> None:
    with pytest.raises(BaseExceptionGroup) as raised, google_double() as google:  # noqa: PT012
        google.before("events.list", lambda: 1 / 0)
        with pytest.raises(requests.ConnectionError):
            listed(google)
    assert raised.group_contains(ZeroDivisionError)


def listed(google: GoogleDouble) -> requests.Response:
    headers = {"Authorization": f"Bearer {token(google)}"}
    return requests.get(f"{google.url}calendar/v3/calendars/primary/events", headers=headers, timeout=30)
