"""Events as nobody has seen them yet: whatever stands in a field, a row comes out and nothing is raised (dossier 9)."""

from __future__ import annotations

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from calbridge.connectors.contract import Gone, Seen, Unreadable
from calbridge_google.bundle import Bundle, row_of
from calbridge_google.changes import _Series

ZONE = "Europe/Vienna"
WHOLE: dict[str, Any] = {
    "id": "abcde",
    "etag": '"1"',
    "status": "confirmed",
    "iCalUID": "abcde@google.com",
    "summary": "Visit",
    "description": "<b>Bring</b> the key",
    "location": "Room 7",
    "start": {"dateTime": "2027-01-05T10:00:00+01:00", "timeZone": ZONE},
    "end": {"dateTime": "2027-01-05T11:00:00+01:00", "timeZone": ZONE},
    "recurrence": ["RRULE:FREQ=WEEKLY;COUNT=6", f"EXDATE;TZID={ZONE}:20270112T100000"],
    "updated": "2027-01-01T08:00:00.000Z",
    "eventType": "default",
    "visibility": "private",
    "transparency": "opaque",
    "organizer": {"email": "chair@example.com", "self": False},
    "attendees": [{"email": "alice@example.com", "self": True, "responseStatus": "accepted"}],
    "reminders": {"useDefault": False, "overrides": [{"method": "popup", "minutes": 5}]},
    "conferenceData": {"entryPoints": [{"entryPointType": "video", "uri": "https://meet.google.com/abc"}]},
    "hangoutLink": "https://meet.google.com/abc",
    "extendedProperties": {"private": {"calbridge": "key"}},
    "htmlLink": "https://www.google.com/calendar/event?eid=abcde",
}
VISIT: dict[str, Any] = {
    **{name: value for name, value in WHOLE.items() if name != "recurrence"},
    "id": "abcde_20270119T090000Z",
    "recurringEventId": "abcde",
    "originalStartTime": {"dateTime": "2027-01-19T10:00:00+01:00", "timeZone": ZONE},
}
NAMES = st.sampled_from(["date", "dateTime", "timeZone", "email", "minutes", "method", "uri"])
DATES = ["2027-13-77", "0001-01-01", "9999-12-31", "9999-12-31T23:59:59Z"]
WORDS = st.sampled_from(["", "x", *DATES, "RRULE:FREQ=HOURLY", "RRULE:", "\x00", "Ä" * 300]) | st.text(max_size=5)
NUMBERS = st.integers(-(10**12), 10**12) | st.floats(allow_nan=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=5,
)
NO_LIST = {**WHOLE, "recurrence": True}
ENDLESS = {**WHOLE, "end": {"dateTime": "9999-12-31T23:59:59-05:00", "timeZone": "America/New_York"}}


@st.composite
def odd(draw: st.DrawFn, base: dict[str, Any]) -> dict[str, Any]:
    """An event in which something is not what it should be, on the first level or below."""
    found = {**base}
    for name in draw(st.lists(st.sampled_from(sorted(set(base) - {"id"})), min_size=1, max_size=3)):
        inner = found[name]
        if isinstance(inner, dict) and inner and draw(st.booleans()):
            found[name] = {**inner, draw(st.sampled_from(sorted(inner))): draw(JSON)}
        elif isinstance(inner, list) and inner and draw(st.booleans()):
            found[name] = [draw(JSON), *inner]
        else:
            found[name] = draw(JSON)
    return found


@settings(max_examples=400, deadline=None, derandomize=True)
@given(odd(WHOLE), odd(VISIT))
@example(NO_LIST, VISIT)
@example(ENDLESS, VISIT)
def test_a_row_comes_out_of_anything(master: dict[str, Any], visit: dict[str, Any]) -> None:
    for bundle in (Bundle(master), Bundle(master, (visit,)), Bundle(WHOLE, (visit,))):
        assert isinstance(row_of(bundle), Seen | Gone | Unreadable)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(odd(WHOLE) | odd(VISIT), min_size=1, max_size=4))
@example([NO_LIST, ENDLESS])
def test_a_page_of_oddities_stops_nothing(items: list[dict[str, Any]]) -> None:
    series = _Series()
    good = {**WHOLE, "id": "fghij", "recurrence": None}
    named = [{**item, "id": f"{item['id']}{number}"} for number, item in enumerate(items)]
    entries = [entry for item in [*named, good] for entry in series.take(item)] + series.rest()
    assert "fghij" in {entry.remote_id for entry in entries}
