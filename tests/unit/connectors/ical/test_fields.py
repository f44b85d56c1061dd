"""Properties to merge units (SYNC A5, A6)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from calbridge.connectors.ical import create, normalise_content
from calbridge.domain.content import MASTER, Content, Field, People, Person, Span, Text, Value, content
from calbridge.domain.event import ALL_EDITABLE, Editable
from calbridge.domain.times import day, unknown, utc, zoned
from calbridge.errors import Rejected
from tests.unit.connectors.ical.files import calendar, content_of, event_of, vevent

START = "DTSTART:20270105T100000Z"


def value_of(name: Field, *lines: str) -> Value:
    return content_of(vevent(START, *lines)).get((MASTER, name))


@pytest.mark.parametrize(
    ("lines", "name", "expected"),
    [
        (("SUMMARY:a\\, b\\; c\\\\d\\ne",), Field.TITLE, "a, b; c\\d\ne"),
        (("SUMMARY:a\x00b\x07",), Field.TITLE, "ab"),
        (('SUMMARY;LANGUAGE=de;X-P="a:b;c":d:e',), Field.TITLE, "d:e"),
        (("summary:lower",), Field.TITLE, "lower"),
        (("LOCATION:Room",), Field.LOCATION, "Room"),
        (("STATUS:TENTATIVE",), Field.STATUS, "tentative"),
        (("STATUS:CANCELLED",), Field.STATUS, "cancelled"),
        (("STATUS:CANCELLED",), Field.SHOW_AS, "free"),
        (("STATUS:CONFIRMED",), Field.STATUS, None),
        (("TRANSP:TRANSPARENT",), Field.SHOW_AS, "free"),
        (("TRANSP:OPAQUE",), Field.SHOW_AS, None),
        (("TRANSP:OPAQUE", "X-MICROSOFT-CDO-BUSYSTATUS:OOF"), Field.SHOW_AS, "oof"),
        (("X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE",), Field.SHOW_AS, "elsewhere"),
        (("X-MICROSOFT-CDO-BUSYSTATUS:FREE",), Field.SHOW_AS, "free"),
        (("TRANSP:OPAQUE", "X-MICROSOFT-CDO-BUSYSTATUS:FREE"), Field.SHOW_AS, None),
        (("TRANSP:TRANSPARENT", "X-MICROSOFT-CDO-BUSYSTATUS:BUSY"), Field.SHOW_AS, "free"),
        (("CLASS:PRIVATE",), Field.VISIBILITY, "private"),
        (("CLASS:CONFIDENTIAL",), Field.VISIBILITY, "confidential"),
        (("CLASS:PUBLIC",), Field.VISIBILITY, None),
        (("CLASS:X-SECRET",), Field.VISIBILITY, "private"),
        (("CATEGORIES:a,b\\,c", "CATEGORIES:d,a"), Field.CATEGORIES, ("a", "b,c", "d")),
        (("CONFERENCE;VALUE=URI:https://meet.example.com/x",), Field.CONFERENCE, "https://meet.example.com/x"),
        (("X-GOOGLE-CONFERENCE:https://meet.example.com/y",), Field.CONFERENCE, "https://meet.example.com/y"),
        (("CONFERENCE:tel:+1-555",), Field.CONFERENCE, None),
        (("CONFERENCE:javascript:alert(1)",), Field.CONFERENCE, None),
        (("URL:https://example.com/",), Field.CONFERENCE, None),
        (("DESCRIPTION:a\\nb",), Field.TEXT, Text("a\nb")),
        (("DESCRIPTION:a", "X-ALT-DESC;FMTTYPE=text/html:<b>a</b>"), Field.TEXT, Text("a", "<b>a</b>")),
        (
            ("X-ALT-DESC:<p>a &amp\\; b</p><p>c</p>",),
            Field.TEXT,
            Text("a & b\nc", "<p>a &amp; b</p><p>c</p>"),
        ),
        (('DESCRIPTION;ALTREP="data:text/html,%3Cb%3Ea%3C/b%3E":a',), Field.TEXT, Text("a", "<b>a</b>")),
        (('DESCRIPTION;ALTREP="data:text/html;base64,PGI+YTwvYj4=":a',), Field.TEXT, Text("a", "<b>a</b>")),
        (
            ('DESCRIPTION;ALTREP="DATA:text/html;charset=utf-8;BASE64,PGI%2Bw6Q8L2I%2B":\u00e4',),
            Field.TEXT,
            Text("\u00e4", "<b>\u00e4</b>"),
        ),
        (('DESCRIPTION;ALTREP="data:text/html;base64,PGI":a',), Field.TEXT, Text("a")),
        (('DESCRIPTION;ALTREP="data:text/html;base64,/w==":a',), Field.TEXT, Text("a")),
    ],
)
def test_a_property_is_a_unit(lines: tuple[str, ...], name: Field, expected: Value) -> None:
    assert value_of(name, *lines) == expected


@pytest.mark.parametrize(
    "markup", ["<p>Room A</p>\\n<p>at 9</p>", "<html><body>Room&nbsp;A<br>at <i>9</i></body></html>"]
)
def test_html_that_says_what_the_text_says_goes_with_it(markup: str) -> None:
    text = value_of(Field.TEXT, "DESCRIPTION:Room A\\nat 9", f"X-ALT-DESC;FMTTYPE=text/html:{markup}")
    assert text == Text("Room A\nat 9", markup.replace("\\n", "\n"))


@pytest.mark.parametrize(
    "lines",
    [
        ("DESCRIPTION:Room B\\nat 11", "X-ALT-DESC;FMTTYPE=text/html:<p>Room A</p><p>at 9</p>"),
        ('DESCRIPTION;ALTREP="data:text/html,%3Cp%3ERoom A%3C/p%3E":Room B\\nat 11',),
    ],
)
def test_html_that_says_what_the_text_said_before_is_not_told(lines: tuple[str, ...]) -> None:
    assert value_of(Field.TEXT, *lines) == Text("Room B\nat 11")


PEOPLE = (
    "ORGANIZER;CN=Bob:mailto:Bob@Example.com",
    "ATTENDEE;CN=Alice;PARTSTAT=ACCEPTED:MAILTO:alice@example.com",
    'ATTENDEE;CN="Carol, C.";ROLE=OPT-PARTICIPANT;PARTSTAT=DECLINED:mailto:carol@example.com',
    "ATTENDEE;CUTYPE=ROOM;EMAIL=room@example.com:urn:uuid:1234",
    "ATTENDEE;ROLE=NON-PARTICIPANT;PARTSTAT=DELEGATED:mailto:dave@example.com",
)


def test_people_have_addresses_names_and_roles() -> None:
    assert value_of(Field.PEOPLE, *PEOPLE) == People(
        Person("bob@example.com", "Bob"),
        (
            Person("alice@example.com", "Alice"),
            Person("carol@example.com", "Carol, C.", "optional"),
            Person("room@example.com", "", "resource"),
            Person("dave@example.com", "", "none"),
        ),
    )


def test_answers_of_others_and_the_own_one_are_told_apart() -> None:
    assert value_of(Field.MY_RESPONSE, *PEOPLE) == "accepted"
    assert value_of(Field.RESPONSES, *PEOPLE) == (
        ("carol@example.com", "declined"),
        ("dave@example.com", "needs_action"),
        ("room@example.com", "needs_action"),
    )


def test_a_meeting_of_somebody_else_can_only_be_answered_or_removed() -> None:
    event = event_of(calendar(vevent(START, *PEOPLE)))
    assert not event.organised_here
    assert event.editable == Editable(time=False, details=False, people=False, existence=True, response=True)


def test_the_own_meeting_can_be_changed() -> None:
    event = event_of(calendar(vevent(START, *PEOPLE)), frozenset({"bob@example.com"}))
    assert event.organised_here
    assert event.editable == ALL_EDITABLE


def test_marker_and_modified_time_are_read() -> None:
    event = event_of(calendar(vevent(START, "X-CALBRIDGE-KEY:k1", "LAST-MODIFIED:20260203T040506Z")))
    assert event.marker == "k1"
    assert event.modified_at == datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)


def test_alarms_are_no_content() -> None:
    alarm = "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER:-PT5M\nDESCRIPTION:x\nEND:VALARM"
    assert content_of(vevent(START, alarm)).same(content_of(vevent(START)))


def _content(**values: Value) -> Content:
    span = Span(utc(datetime(2027, 1, 5, 10)), utc(datetime(2027, 1, 5, 11)))
    return content({(MASTER, Field.TIME): span, **{(MASTER, Field[name]): value for name, value in values.items()}})


def test_a_new_file_has_crlf_short_lines_an_end_and_no_method() -> None:
    body = create(_content(TITLE="ü" * 200), uid="u", marker="k")
    lines = body.split(b"\r\n")
    assert lines[-1] == b""
    assert all(len(one) <= 75 and b"\n" not in one for one in lines)
    assert b"DTEND:" in body
    assert b"METHOD" not in body
    assert event_of(body).content.title == "ü" * 200


def test_a_new_file_is_the_same_for_the_same_moment() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert create(_content(), uid="u", marker=None, now=now) == create(_content(), uid="u", marker=None, now=now)


def test_an_alarm_of_ours_is_marked_and_says_nothing_of_the_event() -> None:
    body = create(_content(TITLE="Secret", REMINDERS=(15, 60)), uid="u", marker=None)
    assert body.count(b"X-CALBRIDGE-ALARM:1") == 2
    assert b"TRIGGER:-PT15M" in body
    assert body.count(b"Secret") == 1


def test_what_a_calendar_owns_is_not_written() -> None:
    wanted = _content(CONFERENCE="https://meet.example.com/", RESPONSES=(("bob@example.com", "accepted"),))
    assert set(normalise_content(wanted)) == {(MASTER, Field.TIME)}


def test_text_can_not_smuggle_lines_into_a_file() -> None:
    evil = "x\r\nATTENDEE:mailto:eve@example.com\nEND:VEVENT"
    wanted = _content(
        TITLE=evil, LOCATION=evil, CATEGORIES=(evil,), TEXT=Text(evil), PEOPLE=People(Person("a@example.com", evil))
    )
    event = event_of(create(wanted, uid=evil, marker=None))
    assert event.content.people.attendees == ()
    assert event.content.title == evil.replace("\r\n", "\n")


@pytest.mark.parametrize("marker", ["a\r\nX:y", "a\nEND:VEVENT"])
def test_a_marker_can_not_smuggle_lines_into_a_file(marker: str) -> None:
    assert b"\nX:y" not in create(_content(), uid="u", marker=marker)
    assert event_of(create(_content(), uid="u", marker=marker)).uid == "u"


def test_a_zone_nobody_can_define_is_refused() -> None:
    when = unknown(datetime(2027, 1, 5, 10), "Planet X")
    with pytest.raises(Rejected, match="not_expressible"):
        create(content({(MASTER, Field.TIME): Span(when, when)}), uid="u", marker=None)


def test_an_event_without_a_time_is_refused() -> None:
    with pytest.raises(Rejected, match="not_expressible"):
        create(content({(MASTER, Field.TITLE): "x"}), uid="u", marker=None)


def test_an_unknown_zone_with_an_offset_keeps_its_instant() -> None:
    when = unknown(datetime(2027, 1, 5, 10), "Planet X", 9 * 3600 + 17 * 60)
    found = normalise_content(content({(MASTER, Field.TIME): Span(when, when)}))
    assert found.span == Span(when, when)


def test_what_no_new_file_can_hold_is_normalised_to_itself() -> None:
    when = unknown(datetime(2027, 1, 5, 10), "Planet X", None)
    series = content({(MASTER, Field.TIME): Span(when, when, ("RRULE:FREQ=DAILY",)), (MASTER, Field.TITLE): "Watch"})
    with pytest.raises(Rejected):
        create(series, uid="u", marker=None)
    assert normalise_content(series) is series


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
@pytest.mark.parametrize("local", [datetime(1, 1, 1), datetime(9999, 12, 31, 23)])
def test_the_first_and_the_last_of_all_times_can_be_written_in_every_zone(zone: str, local: datetime) -> None:
    span = Span(zoned(local, zone), zoned(local, zone))
    body = create(content({(MASTER, Field.TIME): span}), uid="u", marker=None)
    assert event_of(body).content.span == span
    assert all(len(one) == len(b"DTSTART:20270105T100000") for one in body.split() if one.startswith(b"DTSTART:"))


def test_a_date_is_written_as_a_date() -> None:
    span = Span(day(datetime(2027, 1, 5)), day(datetime(2027, 1, 6)))
    body = create(content({(MASTER, Field.TIME): span}), uid="u", marker=None)
    assert b"DTSTART;VALUE=DATE:20270105" in body
    assert b"DTEND;VALUE=DATE:20270106" in body


def test_public_is_what_icalendar_takes_for_granted() -> None:
    """RFC 5545 3.8.1.3: without CLASS an event is public, and servers add the property by themselves."""
    public = _content(VISIBILITY="public")
    assert normalise_content(public).visibility == "default"
