"""Whatever can be written is read back with the same meaning; whatever comes in never raises."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
import recurring_ical_events
from hypothesis import given, settings
from hypothesis import strategies as st

from calbridge.connectors.ical import Readable, create, digest, edit, normalise_content, read, remove
from calbridge.domain.content import MASTER, Content, Field, People, Person, Span, Text, Unit, Value, content
from calbridge.domain.recurrence import occurrences
from calbridge.domain.times import When, day, floating, utc, zoned
from calbridge.errors import Rejected, VersionConflict
from tests.unit.connectors.ical.files import CENTRAL_EUROPE, calendar, event_of, vevent

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=120)
ZONES = ("Europe/Berlin", "America/New_York", "Africa/Casablanca", "Australia/Lord_Howe", "Asia/Kathmandu")
LOCALS = st.datetimes(datetime(2000, 1, 1), datetime(2060, 1, 1)).map(lambda found: found.replace(microsecond=0))
ADDRESSES = st.from_regex(r"[a-z]{1,8}@example\.(com|org)", fullmatch=True)
PEOPLE = st.builds(Person, ADDRESSES, TEXT, st.sampled_from(["required", "optional", "resource", "none"]))


@st.composite
def spans(draw: st.DrawFn) -> Span:
    """A time of any kind that can be written."""
    local = draw(LOCALS)
    kind = draw(st.sampled_from(["date", "utc", "floating", "zoned"]))
    start: When
    if kind == "date":
        start = day(local)
    else:
        zone = draw(st.sampled_from(ZONES))
        start = {"utc": utc(local), "floating": floating(local)}.get(kind, zoned(local, zone))
    length = (
        timedelta(days=draw(st.integers(1, 9))) if kind == "date" else timedelta(minutes=draw(st.integers(180, 900)))
    )
    return Span(
        start, start.shifted(length), draw(st.sampled_from([(), ("RRULE:FREQ=DAILY",), ("RRULE:FREQ=WEEKLY",)]))
    )


@st.composite
def contents(draw: st.DrawFn) -> Content:
    """Anything the model can say and a file can hold."""
    span = draw(spans())
    people = draw(st.lists(PEOPLE, max_size=3, unique_by=lambda person: person.email))
    host = draw(st.none() | st.builds(Person, ADDRESSES, TEXT))
    units: dict[Unit, Value] = {
        (MASTER, Field.TIME): span,
        (MASTER, Field.TITLE): draw(TEXT),
        (MASTER, Field.TEXT): Text(draw(TEXT), draw(st.none() | TEXT)),
        (MASTER, Field.LOCATION): draw(TEXT),
        (MASTER, Field.STATUS): draw(st.sampled_from(["confirmed", "tentative"])),
        (MASTER, Field.SHOW_AS): draw(st.sampled_from(["free", "busy", "tentative", "oof", "elsewhere"])),
        (MASTER, Field.VISIBILITY): draw(st.sampled_from(["default", "private", "confidential"])),
        (MASTER, Field.CATEGORIES): tuple(draw(st.lists(TEXT.map(str.strip).filter(bool), max_size=3, unique=True))),
        (MASTER, Field.PEOPLE): People(host, tuple(people)),
    }
    for number in draw(st.lists(st.integers(1, 9), max_size=3, unique=True)) if span.rule else []:
        key = span.start.shifted(timedelta(days=7 * number)).key
        name = draw(st.sampled_from([Field.EXISTS, Field.TITLE, Field.LOCATION, Field.TIME]))
        own = span.start.shifted(timedelta(days=7 * number, hours=48))
        values: dict[Field, Value] = {Field.EXISTS: False, Field.TIME: Span(own, own.shifted(timedelta(days=2)))}
        units[(key, name)] = values.get(name, draw(TEXT))
    return content(units)


@settings(deadline=None, max_examples=150)
@given(contents())
def test_what_is_written_is_read_with_the_same_meaning(wanted: Content) -> None:
    found = event_of(create(wanted, uid="u@example.com", marker="k", now=NOW))
    assert found.content.without([Field.RESPONSES, Field.MY_RESPONSE]).same(wanted)
    assert (found.uid, found.marker) == ("u@example.com", "k")


@settings(deadline=None, max_examples=60)
@given(contents())
def test_normalising_twice_is_normalising_once(wanted: Content) -> None:
    once = normalise_content(wanted)
    assert normalise_content(once).same(once)


@settings(deadline=None, max_examples=100)
@given(contents(), contents())
def test_editing_one_content_into_another_arrives_there(start: Content, target: Content) -> None:
    old, new = start.without([Field.TIME]), target.without([Field.TIME])
    singles = {
        unit: new.get(unit)
        for unit in {*old, *new}
        if unit[0] == MASTER and unit[1] not in (Field.RESPONSES, Field.MY_RESPONSE)
    }
    body = create(start, uid="u", marker=None, now=NOW)
    changed = edit(body, uid="u", recurrence_id=None, units=singles, rekeyed={}, redact=False, now=NOW)
    found = event_of(changed).content.without([Field.RESPONSES, Field.MY_RESPONSE])
    assert found.same(start.with_units(singles))


BERLIN = zoned(datetime(2026, 1, 5, 10), "Europe/Berlin")


def series(start: When, until: str) -> Content:
    length = timedelta(days=1) if start.is_date else timedelta(hours=1)
    span = Span(start, start.shifted(length), (f"RRULE:FREQ=WEEKLY;UNTIL={until};WKST=SU",))
    return content({(MASTER, Field.TIME): span, (MASTER, Field.TITLE): "x"})


@pytest.mark.parametrize(
    ("start", "given_until", "written"),
    [
        (BERLIN, "20260202", "20260202T225959Z"),
        (BERLIN, "20260720", "20260720T215959Z"),
        (BERLIN, "20260202T100000", "20260202T090000Z"),
        (BERLIN, "20260202T090000z", "20260202T090000Z"),
        (utc(datetime(2026, 1, 5, 10)), "20260202", "20260202T235959Z"),
        (floating(datetime(2026, 1, 5, 10)), "20260202", "20260202T235959"),
        (floating(datetime(2026, 1, 5, 10)), "20260202T100000Z", "20260202T100000"),
        (day(datetime(2026, 1, 5)), "20260202", "20260202"),
        (day(datetime(2026, 1, 5)), "20260202T235959Z", "20260202"),
        (day(datetime(2026, 1, 5)), "20260202T100000", "20260202"),
        (BERLIN, "20261131", "20261131"),
        (BERLIN, "soon", "soon"),
        (zoned(datetime(2026, 1, 5, 10), "America/New_York"), "99991231", "99991231T235959Z"),
    ],
)
def test_the_end_of_a_rule_is_written_in_the_type_of_its_start(start: When, given_until: str, written: str) -> None:
    """RFC 5545 3.3.10: a date for a date, UTC for a time with a zone, local for a time without."""
    wanted = series(start, given_until)
    found = normalise_content(wanted)
    assert found.same(series(start, written))
    assert normalise_content(found).units == found.units


@pytest.mark.parametrize("until", ["20260202", "20260202T100000", "20260202T090000Z"])
def test_the_end_of_a_rule_in_another_type_takes_out_no_occurrence(until: str) -> None:
    window = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
    wanted = series(BERLIN, until)
    body = create(wanted, uid="u", marker=None, now=NOW)
    assert list(occurrences(normalise_content(wanted), *window)) == list(occurrences(wanted, *window))
    theirs = recurring_ical_events.of(icalendar.Calendar.from_ical(body)).between(*window)
    assert len(theirs) == len(list(occurrences(wanted, *window))) == 5


PIECES = st.sampled_from(
    [
        "BEGIN:VCALENDAR", "END:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "BEGIN:VTIMEZONE", "END:VTIMEZONE", "UID:u",
        "BEGIN:VALARM", "END:VALARM", "DTSTART:20270105T100000Z", "DTSTART;TZID=X:20270105T100000", "DTSTART:99999999",
        "RRULE:FREQ=DAILY;COUNT=3", "RRULE:", "RRULE:FREQ=YEARLY;UNTIL=x", "EXDATE:,,", "RDATE;VALUE=PERIOD:/",
        "RDATE:x/y",
        "RECURRENCE-ID:20270105T100000Z", "RECURRENCE-ID:", "DURATION:P99999999999999999999D", "DTEND:00010101T000000Z",
        "DTSTART;TZID=X:00010101T000000", "DTSTART;TZID=X:99991231T235959", "ATTENDEE;CN=\"a:b", "ATTENDEE", ";:;=\"",
        "TZID:X", "BEGIN:STANDARD", "END:STANDARD", "TZOFFSETFROM:+9999", "TZOFFSETTO:+0100", "SUMMARY",
        "DTSTART:19700101T000000",
    ]
)  # fmt: skip


@settings(deadline=None, max_examples=400)
@given(st.lists(PIECES | st.text(max_size=10), max_size=25), st.booleans())
def test_no_file_makes_reading_raise(lines: list[str], framed: bool) -> None:
    if framed:
        lines = ["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:u", *lines, "END:VEVENT", "END:VCALENDAR"]
    body = "\r\n".join(lines).encode("utf-8", errors="surrogatepass")
    for one in read(body):
        assert one
        if isinstance(one, Readable):
            edited = {(MASTER, Field.TITLE): "x"}
            edit(body, uid=one.uid, recurrence_id=one.recurrence_id, units=edited, rekeyed={}, redact=False, now=NOW)
    with contextlib.suppress(Rejected):
        remove(body, uid="u", recurrence_id=None)
    assert len(digest(body)) == 64


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_no_bytes_make_reading_raise(body: bytes) -> None:
    assert read(body)
    with contextlib.suppress(Rejected, VersionConflict):
        edit(body, uid="u", recurrence_id=None, units={}, rekeyed={}, redact=False, now=NOW)


START = "DTSTART;TZID=Europe/Berlin:20270105T100000"
ZONE = CENTRAL_EUROPE.format(name="Europe/Berlin")


def test_a_digest_is_deaf_to_what_servers_do_by_themselves() -> None:
    guest = "ATTENDEE;A=b;C=d:mailto:a@example.com"
    one = calendar(ZONE, vevent(START, "SUMMARY:x", "RRULE:FREQ=WEEKLY;COUNT=3", guest))
    other = calendar(
        vevent(
            "X-RECURRENCE-EXCEPTION:1",
            "SEQUENCE:3",
            'ATTENDEE;C="d";A=b;SCHEDULE-STATUS=1.1:mailto:a@example.com',
            "RRULE:COUNT=3;FREQ=WEEKLY",
            "SUMM\n ARY:x",
            START,
        )
    ).replace(b"20260101T000000Z", b"20260202T000000Z")
    assert digest(one) == digest(other)


def test_a_digest_hears_a_change() -> None:
    one = calendar(vevent(START, "SUMMARY:x"))
    assert digest(one) != digest(one.replace(b"SUMMARY:x", b"SUMMARY:y"))
    assert digest(one) != digest(one.replace(b"T100000", b"T110000"))
    assert digest(b"no file") != digest(b"no files")
