"""An edit changes the named units and nothing else (SYNC A2, A6, A9)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import icalendar
import pytest

from calbridge.connectors.ical import Readable, edit, read, remove, respond
from calbridge.domain.content import MASTER, Content, Field, People, Person, Span, Text, Unit, Value
from calbridge.domain.times import day, utc, zoned
from calbridge.errors import Rejected, VersionConflict
from tests.unit.connectors.ical.files import CENTRAL_EUROPE, FIXED_ZONE, OWN, calendar, event_of, master, vevent

UID = "one@example.com"
NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
SECOND, THIRD = "2027-01-12T10:00:00", "2027-01-19T10:00:00"
ALARM = "BEGIN:VALARM\nUID:alarm-1\nACTION:AUDIO\nTRIGGER:-PT5M\nX-APPLE-DEFAULT-ALARM:TRUE\nEND:VALARM"
FOREIGN = (
    'X-APPLE-STRUCTURED-LOCATION;VALUE=URI;X-TITLE="Room 1":geo:1,2',
    "ATTACH;MANAGED-ID=7:https://example.com/a.pdf",
    "GEO:1.0;2.0",
    "COMMENT:keep me",
    "X-UNKNOWN;X-A=b:va\\,lue",
    "BEGIN:X-PART\nX-IN:side\nEND:X-PART",
    ALARM,
)
TIMES = ("DTSTART;TZID=Europe/Berlin:20270105T100000", "DTEND;TZID=Europe/Berlin:20270105T110000")
WEEKLY = (*TIMES, "RRULE:FREQ=WEEKLY;WKST=SU;COUNT=20", "SUMMARY:Talk", "LOCATION:Room 1", *FOREIGN)
OVERRIDE = (
    "RECURRENCE-ID;TZID=Europe/Berlin:20270112T100000",
    "DTSTART;TZID=Europe/Berlin:20270112T140000",
    "DTEND;TZID=Europe/Berlin:20270112T150000",
    "SUMMARY:Talk",
    "LOCATION:Room 9",
    "X-OVERRIDE:mine",
)
ZONE = CENTRAL_EUROPE.format(name="Europe/Berlin")
SERIES = calendar("X-WR-CALNAME:Work", ZONE, vevent(*WEEKLY), vevent(*OVERRIDE))
BOB = Person("bob@example.com", "Bob")
PLACE = ("GEO", "X-APPLE-STRUCTURED-LOCATION")
SINGLE = calendar(ZONE, vevent(*TIMES, "SUMMARY:Talk", "DESCRIPTION:text", *FOREIGN))


def change(
    body: bytes,
    units: Mapping[Unit, Value],
    *,
    rekeyed: Mapping[str, str | None] | None = None,
    redact: bool = False,
    recurrence_id: str | None = None,
    own: frozenset[str] = OWN,
) -> bytes:
    return edit(
        body,
        uid=UID,
        recurrence_id=recurrence_id,
        units=units,
        rekeyed=rekeyed or {},
        redact=redact,
        now=NOW,
        own_addresses=own,
    )


def after(body: bytes, units: Mapping[Unit, Value], **more: object) -> Content:
    return event_of(change(body, units, **more)).content  # type: ignore[arg-type]


def properties(body: bytes, without: frozenset[str] = frozenset()) -> list[str]:
    """What an independent parser finds, component by component, without stamps and the named properties."""
    found = []
    for number, part in enumerate(icalendar.Calendar.from_ical(body).walk()):
        if part.name in ("VTIMEZONE", "STANDARD", "DAYLIGHT"):
            continue
        for name, value in part.property_items(recursive=False):
            if name not in without | {"DTSTAMP", "LAST-MODIFIED", "SEQUENCE", "BEGIN", "END"}:
                given = sorted(getattr(value, "params", {}).items())
                text = value.to_ical() if hasattr(value, "to_ical") else str(value).encode()
                found.append(f"{number} {part.name} {name} {given} {text!r}")
    return sorted(found)


@pytest.mark.parametrize(
    ("units", "names"),
    [
        (master(Field.TITLE, "New; title"), {"SUMMARY"}),
        (master(Field.TEXT, Text("New\ntext")), {"DESCRIPTION"}),
        (master(Field.LOCATION, "Room 2"), {"LOCATION", *PLACE}),
        (master(Field.STATUS, "tentative"), {"STATUS"}),
        (master(Field.SHOW_AS, "oof"), {"TRANSP", "X-MICROSOFT-CDO-BUSYSTATUS"}),
        (master(Field.VISIBILITY, "private"), {"CLASS"}),
        (master(Field.CATEGORIES, ("a", "b,c")), {"CATEGORIES"}),
        (
            master(Field.PEOPLE, People(Person("alice@example.com"), (Person("x@example.com"),))),
            {"ORGANIZER", "ATTENDEE"},
        ),
        (
            master(Field.TIME, Span(utc(datetime(2027, 2, 1, 9)), utc(datetime(2027, 2, 1, 10)))),
            {"DTSTART", "DTEND"},
        ),
    ],
)
def test_only_the_named_unit_changes(units: Mapping[Unit, Value], names: set[str]) -> None:
    changed = change(SINGLE, units)
    before, now = event_of(SINGLE).content, event_of(changed).content
    assert now.same(before.with_units(units).with_units(_answers(now)))
    assert properties(changed, frozenset(names)) == properties(SINGLE, frozenset(names))
    assert properties(changed) != properties(SINGLE)


def _answers(found: Content) -> dict[Unit, Value]:
    """Answers come with people and are no edit."""
    return {unit: value for unit, value in found.units.items() if unit[1] in (Field.RESPONSES, Field.MY_RESPONSE)}


def places(body: bytes) -> list[list[str]]:
    """Of each component, what tells where it is, beside its LOCATION."""
    parts = icalendar.Calendar.from_ical(body).walk("VEVENT")
    return [[name for name in PLACE if name in part] for part in parts]


@pytest.mark.parametrize(
    ("location", "left"), [("Room 2", []), ("", []), (None, []), ("Room 1", [*PLACE]), ("Room  1 ", [*PLACE])]
)
def test_where_the_old_place_is_on_a_map_goes_with_its_name_alone(location: str | None, left: list[str]) -> None:
    body = SINGLE.replace(b"SUMMARY:Talk", b"SUMMARY:Talk\r\nLOCATION:Room 1")
    assert places(change(body, master(Field.LOCATION, location))) == [left]
    assert places(change(body, master(Field.TITLE, "Other"))) == [[*PLACE]]


@pytest.mark.parametrize(
    "name", ["X-MICROSOFT-LOCATIONS", "X-MICROSOFT-LATITUDE", "X-MICROSOFT-LOCATIONSTREET", "STRUCTURED-LOCATION"]
)
def test_what_other_programs_say_of_the_old_place_goes_too(name: str) -> None:
    body = calendar(ZONE, vevent(*TIMES, "LOCATION:Room 1", f"{name}:there"))
    assert name.encode() not in change(body, master(Field.LOCATION, "Room 2"))
    assert name.encode() in change(body, master(Field.TITLE, "Other"))


def test_occurrences_that_are_where_the_series_is_move_with_it_on_the_map() -> None:
    same = [*OVERRIDE[:3], "SUMMARY:Other talk", "LOCATION:Room 1", "GEO:1.0;2.0"]
    elsewhere = [OVERRIDE[0].replace("0112", "0119"), *TIMES, "LOCATION:Room 9", "GEO:9.0;9.0"]
    body = calendar(ZONE, vevent(*WEEKLY), vevent(*same), vevent(*elsewhere))
    assert places(change(body, master(Field.LOCATION, "Room 2"))) == [[], [], ["GEO"]]


def test_an_occurrence_somewhere_else_is_not_on_the_map_where_the_series_is() -> None:
    changed = change(SERIES, {(THIRD, Field.LOCATION): "Room 3"})
    assert places(changed) == [[*PLACE], [], []]
    back = change(changed, {(THIRD, Field.LOCATION): None, (THIRD, Field.TITLE): "Third"})
    assert places(back) == [[*PLACE], [], [*PLACE]]


@pytest.mark.parametrize("name", ["X-MICROSOFT-CDO-ALLDAYEVENT", "X-MICROSOFT-MSNCALENDAR-ALLDAYEVENT"])
def test_outlook_is_told_when_an_event_begins_or_ceases_to_take_days(name: str) -> None:
    days = Span(day(datetime(2027, 1, 5)), day(datetime(2027, 1, 6)))
    hours = Span(utc(datetime(2027, 1, 5, 9)), utc(datetime(2027, 1, 5, 10)))
    timed = calendar(ZONE, vevent(*TIMES, "SUMMARY:Talk", f"{name}:FALSE"))
    whole = change(timed, master(Field.TIME, days))
    assert f"{name}:TRUE\r\n".encode() in whole
    assert f"{name}:FALSE\r\n".encode() in change(whole, master(Field.TIME, hours))
    assert f"{name}:true\r\n".encode() in change(
        whole.replace(b":TRUE", b":true"), master(Field.TIME, Span(days.start, days.end.shifted(timedelta(days=1))))
    )
    assert b"ALLDAYEVENT" not in change(SINGLE, master(Field.TIME, days))


def test_what_styled_text_said_goes_with_the_text() -> None:
    styled = "STYLED-DESCRIPTION;VALUE=TEXT;FMTTYPE=text/html:<b>text</b>"
    body = calendar(ZONE, vevent(*TIMES, "SUMMARY:Talk", "DESCRIPTION:text", styled))
    assert b"STYLED" not in change(body, master(Field.TEXT, Text("Other")))
    assert styled.encode() in change(body, master(Field.TEXT, Text("text ")))


def test_nothing_named_changes_nothing() -> None:
    assert change(SERIES, {}) == SERIES


def test_lines_end_with_crlf_and_are_short_whatever_they_were() -> None:
    body = SINGLE.replace(b"\r\n", b"\n").replace(b"COMMENT:keep me", b"COMMENT:" + b"k" * 300)
    assert all(len(one) <= 75 and b"\n" not in one for one in change(body, master(Field.TITLE, "x")).split(b"\r\n"))


def test_an_old_encoding_becomes_utf_8_and_loses_nothing() -> None:
    body = SINGLE.replace(b"keep me", "Stra\u00dfe \u2013 caf\u00e9".encode("cp1252"))
    assert "COMMENT:Stra\u00dfe \u2013 caf\u00e9".encode() in change(body, master(Field.TITLE, "x"))


def test_a_mixture_of_encodings_is_neither_read_nor_written() -> None:
    body = SINGLE.replace(b"keep me", "Stra\u00dfe".encode() + "Stra\u00dfe".encode("cp1252"))
    assert [one.code for one in read(body) if not isinstance(one, Readable)] == ["broken_calendar_data"]
    with pytest.raises(Rejected, match="broken_calendar_data"):
        change(body, master(Field.TITLE, "x"))


def test_a_character_folded_in_two_is_read_whole() -> None:
    body = calendar(vevent(*TIMES, "SUMMARY:a@b")).replace(b"a@b", b"a\xc3\r\n \xbcb")
    assert event_of(body).content.title == "a\u00fcb"


def test_html_stays_while_the_text_says_the_same() -> None:
    body = calendar(vevent(*TIMES, "DESCRIPTION:Hello  world", "X-ALT-DESC;FMTTYPE=text/html:<b>Hello</b> world"))
    assert b"<b>Hello</b>" in change(body, master(Field.TEXT, Text("Hello world")))
    assert b"X-ALT-DESC" not in change(body, master(Field.TEXT, Text("Other")))
    assert b"<i>Other</i>" in change(body, master(Field.TEXT, Text("Other", "<i>Other</i>")))


def test_attendees_who_stay_keep_their_parameters() -> None:
    lines = ("ORGANIZER:mailto:alice@example.com", "ATTENDEE;X-A=b;PARTSTAT=ACCEPTED;CN=Bob:mailto:BOB@example.com")
    body = calendar(vevent(*TIMES, *lines))
    people = People(Person("alice@example.com"), (Person("bob@example.com", "Bob"), Person("eve@example.com", "Eve")))
    changed = change(body, master(Field.PEOPLE, people))
    assert b"ATTENDEE;X-A=b;PARTSTAT=ACCEPTED;CN=Bob:mailto:BOB@example.com" in changed
    assert event_of(changed).content.people == people


def test_only_our_own_alarms_are_replaced() -> None:
    once = change(SINGLE, master(Field.REMINDERS, (10,)))
    twice = change(once, master(Field.REMINDERS, (30, 40)))
    assert twice.count(b"X-CALBRIDGE-ALARM") == 2
    assert b"UID:alarm-1" in twice
    assert change(twice, master(Field.REMINDERS, ())).count(b"BEGIN:VALARM") == 1


def test_a_master_field_also_reaches_overrides_that_inherited_it() -> None:
    found = after(SERIES, {**master(Field.TITLE, "New"), **master(Field.LOCATION, "Room 2")})
    assert found.of(Field.TITLE, SECOND) == "New"
    assert found.get((SECOND, Field.TITLE)) is None
    assert found.get((SECOND, Field.LOCATION)) == "Room 9"


def test_excluding_an_occurrence_removes_its_override() -> None:
    changed = change(SERIES, {(SECOND, Field.EXISTS): False})
    assert changed.count(b"BEGIN:VEVENT") == 1
    assert b"EXDATE;TZID=Europe/Berlin:20270112T100000\r\n" in changed
    assert event_of(changed).content.excluded(SECOND)


def test_an_excluded_occurrence_comes_back() -> None:
    body = calendar(ZONE, vevent(*WEEKLY, "EXDATE:20270112T090000Z,20270119T090000Z"))
    found = after(body, {(SECOND, Field.EXISTS): None})
    assert found.keys == (THIRD,)


def test_a_cancelled_occurrence_comes_back_as_the_master_says() -> None:
    lines = ("RECURRENCE-ID:20270112T090000Z", "DTSTART:20270112T120000Z", "STATUS:CANCELLED", "SUMMARY:gone")
    changed = change(calendar(ZONE, vevent(*WEEKLY), vevent(*lines)), {(SECOND, Field.EXISTS): None})
    assert event_of(changed).content.keys == ()
    assert changed.count(b"BEGIN:VEVENT") == 1


@pytest.mark.parametrize("summary", ["SUMMARY:Talk", "SUMMARY:Another talk"])
def test_a_changed_series_leaves_its_cancelled_occurrences_cancelled(summary: str) -> None:
    body = calendar(ZONE, vevent(*WEEKLY), vevent(*OVERRIDE[:3], "STATUS:CANCELLED", summary))
    changed = change(body, {(MASTER, Field.STATUS): "tentative", (MASTER, Field.TITLE): "New"})
    assert event_of(changed).content.excluded(SECOND)
    assert event_of(changed).content.status == "tentative"
    cancelled = changed.split(b"BEGIN:VEVENT")[-1]
    assert (b"SUMMARY:New" in cancelled) == (summary == "SUMMARY:Talk")
    assert (summary.encode() in cancelled) == (summary != "SUMMARY:Talk")


def test_a_new_override_is_a_copy_of_the_master_with_its_units() -> None:
    changed = change(SERIES, {(THIRD, Field.TITLE): "Third"})
    content = event_of(changed).content
    assert content.of(Field.TITLE, THIRD) == "Third"
    assert {unit for unit in content if unit[0] == THIRD} == {(THIRD, Field.TITLE)}
    new = changed.split(b"BEGIN:VEVENT")[-1]
    assert b"RECURRENCE-ID;TZID=Europe/Berlin:20270119T100000" in new
    assert b"COMMENT:keep me" in new
    assert b"RRULE" not in new


def test_a_unit_of_an_occurrence_is_inherited_again() -> None:
    content = after(SERIES, {(SECOND, Field.LOCATION): None})
    assert {unit for unit in content if unit[0] == SECOND} == {(SECOND, Field.TIME)}


def test_an_override_without_anything_of_its_own_goes() -> None:
    body = SERIES.replace(b"X-OVERRIDE:mine\r\n", b"")
    changed = change(body, {(SECOND, Field.LOCATION): None, (SECOND, Field.TIME): None})
    assert changed.count(b"BEGIN:VEVENT") == 1


def test_an_override_with_something_foreign_in_it_stays() -> None:
    changed = change(SERIES, {(SECOND, Field.LOCATION): None, (SECOND, Field.TIME): None})
    assert b"X-OVERRIDE:mine" in changed
    assert event_of(changed).content.keys == ()


def moved(start: datetime, rule: str = "RRULE:FREQ=WEEKLY;WKST=SU;COUNT=20") -> Span:
    return Span(zoned(start, "Europe/Berlin"), zoned(start.replace(hour=start.hour + 1), "Europe/Berlin"), (rule,))


def test_moving_a_series_moves_its_exceptions() -> None:
    body = calendar(ZONE, vevent(*WEEKLY, "EXDATE:20270119T090000Z"), vevent(*OVERRIDE))
    rekeyed = {SECOND: "2027-01-13T12:00:00", THIRD: "2027-01-20T12:00:00"}
    found = after(body, master(Field.TIME, moved(datetime(2027, 1, 6, 12))), rekeyed=rekeyed)
    assert found.excluded("2027-01-20T12:00:00")
    own = found.get(("2027-01-13T12:00:00", Field.TIME))
    assert isinstance(own, Span)
    assert own.start == zoned(datetime(2027, 1, 13, 14), "Europe/Berlin")


def test_an_override_without_a_time_of_its_own_follows_the_series() -> None:
    lines = ("RECURRENCE-ID:20270112T090000Z", *[one.replace("0105", "0112") for one in TIMES], "SUMMARY:x")
    body = calendar(ZONE, vevent(*WEEKLY), vevent(*lines))
    new = "2027-01-12T15:00:00"
    found = after(body, master(Field.TIME, moved(datetime(2027, 1, 5, 15))), rekeyed={SECOND: new})
    assert found.get((new, Field.TIME)) is None
    assert found.of(Field.TITLE, new) == "x"


def test_dropped_keys_lose_their_exceptions() -> None:
    found = after(
        SERIES, master(Field.TIME, moved(datetime(2027, 1, 5, 10), "RRULE:FREQ=DAILY")), rekeyed={SECOND: None}
    )
    assert found.keys == ()


def test_a_series_can_become_a_single_event() -> None:
    span = Span(zoned(datetime(2027, 1, 5, 10), "Europe/Berlin"), zoned(datetime(2027, 1, 5, 11), "Europe/Berlin"))
    changed = change(SERIES, master(Field.TIME, span), rekeyed={SECOND: None})
    assert event_of(changed).content.span == span
    assert b"RRULE:FREQ=WEEKLY" not in changed


def test_a_series_can_become_all_day() -> None:
    body = calendar(ZONE, vevent(*WEEKLY, "EXDATE:20270112T090000Z"))
    span = Span(day(datetime(2027, 1, 5)), day(datetime(2027, 1, 6)), ("RRULE:FREQ=WEEKLY",))
    found = after(body, master(Field.TIME, span), rekeyed={SECOND: "2027-01-12"})
    assert found.span == span
    assert found.excluded("2027-01-12")


def test_a_new_zone_is_defined_and_the_others_stay() -> None:
    span = Span(zoned(datetime(2027, 1, 5, 10), "Asia/Tokyo"), zoned(datetime(2027, 1, 5, 11), "Asia/Tokyo"))
    changed = change(SINGLE, master(Field.TIME, span))
    assert b"TZID:Asia/Tokyo" in changed
    assert b"TZID:Europe/Berlin" in changed
    assert event_of(changed).content.span == span


def test_a_file_that_defines_a_name_otherwise_gets_another_name_for_it() -> None:
    zone = FIXED_ZONE.format(name="Europe/Berlin", offset="+0900")
    body = calendar(zone, vevent(*TIMES, "SUMMARY:x"))
    span = Span(zoned(datetime(2027, 2, 5, 10), "Europe/Berlin"), zoned(datetime(2027, 2, 5, 11), "Europe/Berlin"))
    assert after(body, master(Field.TIME, span)).span == span


def test_the_name_a_file_uses_for_a_zone_is_kept() -> None:
    body = SINGLE.replace(b"Europe/Berlin", b"W. Europe Standard Time")
    span = Span(zoned(datetime(2027, 2, 5, 10), "Europe/Berlin"), zoned(datetime(2027, 2, 5, 11), "Europe/Berlin"))
    changed = change(body, master(Field.TIME, span))
    assert b"DTSTART;TZID=W. Europe Standard Time:20270205T100000" in changed
    assert changed.count(b"BEGIN:VTIMEZONE") == 1


@pytest.mark.parametrize(
    ("units", "organizer", "sequence"),
    [
        (master(Field.LOCATION, "x"), "", b"SEQUENCE:5"),
        (master(Field.LOCATION, "x"), "ORGANIZER:mailto:alice@example.com", b"SEQUENCE:5"),
        (master(Field.LOCATION, "x"), "ORGANIZER:mailto:bob@example.com", b"SEQUENCE:4"),
        (master(Field.TITLE, "x"), "", b"SEQUENCE:4"),
        ({(SECOND, Field.EXISTS): False}, "", b"SEQUENCE:5"),
    ],
)
def test_the_sequence_moves_when_the_owner_reschedules(
    units: Mapping[Unit, Value], organizer: str, sequence: bytes
) -> None:
    lines = (*WEEKLY, "SEQUENCE:4", *([organizer] if organizer else []))
    changed = change(calendar(ZONE, vevent(*lines)), units)
    assert sequence in changed
    assert b"LAST-MODIFIED:20260701T120000Z" in changed


def test_redacting_leaves_nothing_but_times_and_what_is_said() -> None:
    secret = calendar(
        "X-WR-CALNAME:Secret",
        ZONE,
        vevent(
            *WEEKLY, "DESCRIPTION:Secret", "ATTENDEE;CN=Secret:mailto:secret@example.com", "URL:Secret", "CLASS:PRIVATE"
        ),
        vevent(*OVERRIDE, "DESCRIPTION:Secret", "X-P:Secret").replace("SUMMARY:Talk", "SUMMARY:Secret"),
    )
    changed = change(secret, {**master(Field.TITLE, "Busy"), **master(Field.TEXT, None)}, redact=True)
    for gone in (b"Secret", b"secret", b"VALARM", b"Room", b"Talk", b"X-", b"COMMENT", b"GEO", b"ATTACH"):
        assert gone not in changed, gone
    content = event_of(changed).content
    assert content.title == "Busy"
    assert content.of(Field.TITLE, SECOND) == "Busy"
    assert content.visibility == "private"
    assert content.get((SECOND, Field.TIME)) == event_of(secret).content.get((SECOND, Field.TIME))
    assert content.span == event_of(secret).content.span


def test_redacting_one_event_leaves_the_others_of_its_file() -> None:
    body = calendar("X-WR-CALNAME:Work", vevent(*TIMES, "SUMMARY:a"), vevent(*TIMES, "SUMMARY:b", uid="two"))
    changed = change(body, master(Field.TITLE, "Busy"), redact=True)
    assert b"SUMMARY:b" in changed
    assert b"X-WR-CALNAME" in changed


def test_an_override_without_its_master_is_edited_as_itself() -> None:
    body = calendar(ZONE, vevent(*OVERRIDE), vevent(*OVERRIDE).replace("0112", "0119"))
    changed = change(body, master(Field.TITLE, "x"), recurrence_id=SECOND)
    titles = {one.recurrence_id: one.event.content.title for one in read(changed) if isinstance(one, Readable)}
    assert titles == {SECOND: "x", THIRD: "Talk"}


def test_an_event_that_is_not_there_is_a_conflict() -> None:
    with pytest.raises(VersionConflict):
        edit(SINGLE, uid="other", recurrence_id=None, units={}, rekeyed={}, redact=False, now=NOW)
    with pytest.raises(VersionConflict):
        change(SINGLE, {}, recurrence_id=SECOND)


def test_an_occurrence_of_a_single_event_can_not_be_written() -> None:
    with pytest.raises(Rejected, match="not_expressible"):
        change(SINGLE, {(SECOND, Field.TITLE): "x"})


def test_a_method_never_goes_back_to_a_server() -> None:
    assert b"METHOD" not in change(calendar("METHOD:REQUEST", vevent(*TIMES)), master(Field.TITLE, "x"))


def test_removing_one_of_several_events_keeps_the_others() -> None:
    body = calendar(vevent(*TIMES, uid="a"), vevent(*TIMES, uid="b"))
    left = remove(body, uid="a", recurrence_id=None)
    assert left is not None
    assert [one.uid for one in read(left)] == ["b"]
    assert remove(left, uid="b", recurrence_id=None) is None


def test_removing_one_lone_override_keeps_the_others() -> None:
    body = calendar(vevent(*OVERRIDE), vevent(*OVERRIDE).replace("0112", "0119"))
    left = remove(body, uid=UID, recurrence_id=SECOND)
    assert left is not None
    assert [one.recurrence_id for one in read(left) if isinstance(one, Readable)] == [THIRD]


def test_an_answer_changes_the_own_attendee_only() -> None:
    lines = (
        "ORGANIZER:mailto:bob@example.com",
        "ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;X-A=b:mailto:Alice@Example.com",
    )
    body = calendar(vevent(*TIMES, *lines, "ATTENDEE;PARTSTAT=DECLINED:mailto:eve@example.com", *FOREIGN))
    answered = respond(body, uid=UID, recurrence_id=None, answer="accepted", own_addresses=OWN, now=NOW)
    assert b"ATTENDEE;PARTSTAT=ACCEPTED;X-A=b:mailto:Alice@Example.com" in answered
    assert properties(answered, frozenset({"ATTENDEE"})) == properties(body, frozenset({"ATTENDEE"}))
    assert event_of(answered).content.get((MASTER, Field.RESPONSES)) == (("eve@example.com", "declined"),)


def test_an_answer_of_somebody_not_invited_is_refused() -> None:
    with pytest.raises(Rejected, match="not_invited"):
        respond(SINGLE, uid=UID, recurrence_id=None, answer="accepted", own_addresses=OWN, now=NOW)


def test_the_words_of_an_answer_are_replaced_by_the_next_and_those_of_others_stay() -> None:
    lines = ("ORGANIZER:mailto:bob@example.com", "ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:alice@example.com")
    body = calendar(vevent(*TIMES, *lines, *FOREIGN))

    def answered(body: bytes, comment: str | None) -> bytes:
        return respond(
            body, uid=UID, recurrence_id=None, answer="tentative", own_addresses=OWN, now=NOW, comment=comment
        )

    late = answered(body, "Late; from 10,\nsorry")
    assert rb"COMMENT;X-CALBRIDGE-ANSWER=TRUE:Late\; from 10\,\nsorry" in late
    assert b"COMMENT:keep me" in late
    again = answered(late, "In time")
    assert b"In time" in again
    assert b"Late" not in again
    assert b"In time" not in answered(again, None)
    assert b"COMMENT:keep me" in answered(again, None)


def test_a_single_event_is_moved_whatever_its_exdate_says() -> None:
    body = SINGLE.replace(b"SUMMARY:Talk", b"SUMMARY:Talk\r\nEXDATE:none")
    span = Span(utc(datetime(2027, 2, 1, 9)), utc(datetime(2027, 2, 1, 10)))
    changed = change(body, master(Field.TIME, span))
    assert event_of(changed).content.span == span
    assert b"EXDATE:none" in changed


@pytest.mark.parametrize("exdate", [b"EXDATE:none", b"EXDATE;TZID=Europe/Berlin:20270112T100000"])
def test_a_single_event_that_becomes_a_series_has_every_occurrence(exdate: bytes) -> None:
    body = SINGLE.replace(b"SUMMARY:Talk", b"SUMMARY:Talk\r\n" + exdate)
    found = after(body, master(Field.TIME, moved(datetime(2027, 1, 5, 10))))
    assert found.span == moved(datetime(2027, 1, 5, 10))
    assert found.keys == ()


def test_a_change_that_leaves_what_can_not_be_read_is_refused() -> None:
    units = {**master(Field.TIME, moved(datetime(2027, 1, 5, 10), "RDATE:soon")), (THIRD, Field.TITLE): None}
    with pytest.raises(Rejected, match="broken_calendar_data"):
        change(SERIES, units)


PERIOD = calendar(
    vevent(
        "DTSTART:20270105T090000Z",
        "DTEND:20270105T100000Z",
        "SUMMARY:Talk",
        "RRULE:FREQ=DAILY;COUNT=2",
        "RDATE;VALUE=PERIOD:20270112T090000Z/20270112T170000Z",
    )
)
LONG = "2027-01-12T09:00:00"


def test_a_renamed_extra_date_keeps_the_length_of_its_own() -> None:
    found = after(PERIOD, {(LONG, Field.TITLE): "x"})
    assert found.of(Field.TITLE, LONG) == "x"
    assert found.of(Field.TIME, LONG) == Span(utc(datetime(2027, 1, 12, 9)), utc(datetime(2027, 1, 12, 17)))


def test_a_new_occurrence_where_an_extra_date_was_lasts_as_long_as_the_series() -> None:
    start = utc(datetime(2027, 1, 6, 9))
    span = Span(start, start.shifted(timedelta(hours=1)), ("RRULE:FREQ=DAILY;COUNT=20",))
    units: dict[Unit, Value] = {(MASTER, Field.TIME): span, (LONG, Field.TITLE): "x"}
    found = after(PERIOD, units, rekeyed={LONG: "2027-01-13T09:00:00"})
    assert {unit for unit in found if unit[0] == LONG} == {(LONG, Field.TITLE)}


def test_a_rule_ends_on_the_same_day_when_its_series_gets_times() -> None:
    body = calendar(vevent("DTSTART;VALUE=DATE:20270105", "RRULE:FREQ=WEEKLY;UNTIL=20270202", "SUMMARY:Talk"))
    changed = change(body, master(Field.TIME, moved(datetime(2027, 1, 5, 10), "RRULE:FREQ=WEEKLY;UNTIL=20270202")))
    assert b"RRULE:FREQ=WEEKLY;UNTIL=20270202T225959Z\r\n" in changed


@pytest.mark.parametrize("until", ["20270202", "20270202T100000"])
def test_the_end_of_a_rule_that_is_not_edited_stays_as_somebody_else_wrote_it(until: str) -> None:
    body = SERIES.replace(b"COUNT=20", f"UNTIL={until}".encode())
    rule = f"RRULE:FREQ=WEEKLY;WKST=SU;UNTIL={until}"
    span = moved(datetime(2027, 1, 5, 12), rule)
    rekeyed = {SECOND: "2027-01-12T12:00:00"}
    changed = change(body, {**master(Field.TIME, span), **master(Field.TITLE, "x")}, rekeyed=rekeyed)
    assert rule.encode() in changed
    assert event_of(changed).content.span == span


LISTS = (
    'DELEGATED-FROM="mailto:a@example.com","mailto:b@example.com";MEMBER="mailto:c@example.com","mailto:d@example.com"'
)


def unfolded(body: bytes) -> bytes:
    return body.replace(b"\r\n ", b"")


def test_an_answer_leaves_lists_of_addresses_as_they_are() -> None:
    guest = f'ATTENDEE;{LISTS};RSVP=TRUE;X-A=^^b;partstat=NEEDS-ACTION;CN="A; B":mailto:alice@example.com'
    body = calendar(vevent(*TIMES, "ORGANIZER:mailto:bob@example.com", guest))
    answered = respond(body, uid=UID, recurrence_id=None, answer="accepted", own_addresses=OWN, now=NOW)
    wanted = f'ATTENDEE;{LISTS};X-A=^^b;PARTSTAT=ACCEPTED;CN="A; B":mailto:alice@example.com\r\n'
    assert wanted.encode() in unfolded(answered)


def test_an_answer_without_a_present_one_is_added() -> None:
    body = calendar(vevent(*TIMES, "ORGANIZER:mailto:bob@example.com", "ATTENDEE:mailto:alice@example.com"))
    answered = respond(body, uid=UID, recurrence_id=None, answer="declined", own_addresses=OWN, now=NOW)
    assert b"ATTENDEE;PARTSTAT=DECLINED:mailto:alice@example.com\r\n" in answered


@pytest.mark.parametrize(
    ("person", "before", "now"),
    [
        (Person("bob@example.com", "Robert, B."), "ROLE=CHAIR;CN=Bob", 'ROLE=CHAIR;CN="Robert, B."'),
        (Person("bob@example.com", "Bob", "optional"), "CN=Bob", "CN=Bob;ROLE=OPT-PARTICIPANT"),
        (Person("bob@example.com", "Bob"), "CUTYPE=ROOM;CN=Bob", "CN=Bob;ROLE=REQ-PARTICIPANT"),
        (Person("bob@example.com", "", "resource"), "CN=Bob", "CN=Bob;CUTYPE=RESOURCE;ROLE=REQ-PARTICIPANT"),
        (Person("bob@example.com", "", "resource"), "CUTYPE=ROOM;CN=Bob", "CUTYPE=ROOM;CN=Bob"),
    ],
)
def test_a_changed_attendee_keeps_lists_of_addresses(person: Person, before: str, now: str) -> None:
    body = calendar(vevent(*TIMES, f"ATTENDEE;{LISTS};{before}:mailto:bob@example.com"))
    changed = change(body, master(Field.PEOPLE, People(None, (person,))))
    assert f"ATTENDEE;{LISTS};{now}:mailto:bob@example.com\r\n".encode() in unfolded(changed)


STRANGE = (
    "ORGANIZER;CN=Nobody:mailto:",
    "ATTENDEE;CN=Room:mailto:",
    "ATTENDEE;CN=Bob;X-NUM-GUESTS=1:mailto:bob@example.com",
    "ATTENDEE;CN=Bobby;CUTYPE=GROUP:MAILTO:Bob@Example.com",
)


def test_attendees_that_can_not_be_told_apart_or_addressed_stay_when_others_change() -> None:
    body = calendar(vevent(*TIMES, *STRANGE, "ATTENDEE:mailto:carol@example.com"))
    bobby, eve = Person("bob@example.com", "Bobby"), Person("eve@example.com", "Eve")
    changed = change(body, master(Field.PEOPLE, People(None, (bobby, eve))))
    lines = unfolded(changed).decode().split("\r\n")
    assert set(STRANGE) <= set(lines)
    assert "ATTENDEE:mailto:carol@example.com" not in lines
    assert event_of(changed).content.people == People(None, (bobby, eve))


def test_who_is_no_guest_any_more_goes_with_every_line_of_his() -> None:
    body = calendar(vevent(*TIMES, *STRANGE, "ATTENDEE:mailto:carol@example.com"))
    changed = change(body, master(Field.PEOPLE, People(None, (Person("carol@example.com"),))))
    assert b"bob@" not in changed.lower()


def test_a_guest_with_two_lines_is_renamed_in_the_one_that_is_read() -> None:
    people = People(None, (Person("bob@example.com", "Robert"),))
    changed = change(calendar(vevent(*TIMES, *STRANGE)), master(Field.PEOPLE, people))
    assert STRANGE[2].encode() in changed
    assert event_of(changed).content.people == people


def test_a_lone_occurrence_is_edited_answered_and_removed_beside_one_that_can_not_be_read() -> None:
    start = "DTSTART:20270112T090000Z"
    lone = vevent("RECURRENCE-ID:20270112T090000Z", start, "SUMMARY:a", "ATTENDEE:mailto:alice@example.com")
    body = calendar(lone, vevent("RECURRENCE-ID:soon", start, "SUMMARY:b"))
    (part,) = (one for one in read(body, own_addresses=OWN) if isinstance(one, Readable))
    named = {"uid": UID, "recurrence_id": part.recurrence_id}
    assert b"SUMMARY:New" in change(body, master(Field.TITLE, "New"), recurrence_id=part.recurrence_id)
    answered = respond(body, answer="accepted", own_addresses=OWN, now=NOW, **named)  # type: ignore[arg-type]
    assert b"PARTSTAT=ACCEPTED" in answered
    left = remove(body, **named)  # type: ignore[arg-type]
    assert left is not None
    assert (b"SUMMARY:a" in left, b"SUMMARY:b" in left) == (False, True)
