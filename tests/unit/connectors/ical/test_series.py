"""Series with their overrides and exclusions (SYNC A2)."""

from __future__ import annotations

from datetime import datetime

import pytest

from calbridge.connectors.ical import Broken, Readable, read
from calbridge.domain.content import MASTER, Field, Span
from calbridge.domain.times import day, zoned
from tests.unit.connectors.ical.files import FIXED_ZONE, calendar, code_of, content_of, vevent

START = "DTSTART;TZID=Europe/Berlin:20270105T100000"
END = "DTEND;TZID=Europe/Berlin:20270105T110000"
WEEKLY = (START, END, "RRULE:FREQ=WEEKLY", "SUMMARY:Talk", "LOCATION:Room 1")
SECOND = "2027-01-12T10:00:00"


@pytest.mark.parametrize(
    "line",
    [
        "RECURRENCE-ID;TZID=Europe/Berlin:20270112T100000",
        "RECURRENCE-ID:20270112T090000Z",
        "RECURRENCE-ID;TZID=America/New_York:20270112T040000",
        "RECURRENCE-ID:20270112T100000",
        "RECURRENCE-ID;VALUE=DATE:20270112",
    ],
)
def test_an_override_is_keyed_by_its_original_local_start(line: str) -> None:
    found = content_of(
        vevent(*WEEKLY),
        vevent(line, "DTSTART;TZID=Europe/Berlin:20270112T100000", "DURATION:PT1H", "SUMMARY:Other", "LOCATION:Room 1"),
    )
    assert {unit: value for unit, value in found.units.items() if unit[0]} == {(SECOND, Field.TITLE): "Other"}


@pytest.mark.parametrize(
    "lines",
    [
        ("EXDATE;TZID=Europe/Berlin:20270112T100000,20270119T100000",),
        ("EXDATE:20270112T090000Z", "EXDATE:20270119T090000Z"),
        ("EXDATE;VALUE=DATE:20270112,20270119",),
    ],
)
def test_every_excluded_date_is_a_unit_of_its_own(lines: tuple[str, ...]) -> None:
    found = content_of(vevent(*WEEKLY, *lines))
    assert found.keys == (SECOND, "2027-01-19T10:00:00")
    assert all(found.excluded(key) for key in found.keys)


def test_a_cancelled_override_is_an_excluded_date() -> None:
    cancelled = vevent("RECURRENCE-ID;TZID=Europe/Berlin:20270112T100000", "STATUS:CANCELLED", "SUMMARY:Talk")
    assert content_of(vevent(*WEEKLY), cancelled).same(
        content_of(vevent(*WEEKLY, "EXDATE;TZID=Europe/Berlin:20270112T100000"))
    )


def test_an_override_that_says_what_the_master_says_is_nothing() -> None:
    same = vevent(
        "RECURRENCE-ID:20270112T090000Z",
        "DTSTART:20270112T090000Z",
        "DTEND:20270112T100000Z",
        "SUMMARY:Talk",
        "LOCATION:Room 1",
    )
    found = content_of(vevent("DTSTART:20270105T090000Z", "DTEND:20270105T100000Z", *WEEKLY[2:]), same)
    assert found.keys == ()


def test_what_an_override_leaves_out_is_empty_there() -> None:
    found = content_of(
        vevent(*WEEKLY),
        vevent("RECURRENCE-ID:20270112T090000Z", "DTSTART;TZID=Europe/Berlin:20270112T100000", "DURATION:PT1H"),
    )
    assert found.get((SECOND, Field.LOCATION)) == ""
    assert found.of(Field.LOCATION, SECOND) == ""


def test_an_all_day_series_is_keyed_by_dates() -> None:
    found = content_of(
        vevent("DTSTART;VALUE=DATE:20270105", "RRULE:FREQ=DAILY", "EXDATE;VALUE=DATE:20270107"),
        vevent("RECURRENCE-ID;VALUE=DATE:20270106", "DTSTART;VALUE=DATE:20270109"),
    )
    assert found.excluded("2027-01-07")
    moved = found.get(("2027-01-06", Field.TIME))
    assert isinstance(moved, Span)
    assert moved.start == day(datetime(2027, 1, 9))


def test_extra_dates_are_wall_times_of_the_series() -> None:
    span = content_of(vevent(START, END, "RDATE:20270707T080000Z", "RDATE;TZID=America/New_York:20270108T040000")).span
    assert span is not None
    assert span.rule == ("RDATE:20270108T100000,20270707T100000",)


def test_an_extra_date_with_a_length_has_a_time_of_its_own() -> None:
    found = content_of(vevent(START, END, "RDATE;VALUE=PERIOD:20270108T090000Z/PT3H,20270109T090000Z/PT1H"))
    own = found.get(("2027-01-08T10:00:00", Field.TIME))
    assert isinstance(own, Span)
    assert own.end == zoned(datetime(2027, 1, 8, 13), "Europe/Berlin")
    assert found.get(("2027-01-09T10:00:00", Field.TIME)) is None


def test_a_rule_passes_through_as_it_stands() -> None:
    rule = "FREQ=MONTHLY;BYSETPOS=-1;BYDAY=MO,TU;UNTIL=20280101T000000Z;WKST=SU"
    span = content_of(vevent(START, END, f"RRULE:{rule}")).span
    assert span is not None
    assert span.rule == (f"RRULE:{rule}",)


def test_keys_of_an_unknown_zone_follow_its_definition() -> None:
    zone = FIXED_ZONE.format(name="Mars", offset="+0917")
    found = content_of(
        zone,
        vevent("DTSTART;TZID=Mars:20270105T100000", "RRULE:FREQ=DAILY", "EXDATE:20270106T004300Z"),
    )
    assert found.excluded("2027-01-06T10:00:00")


@pytest.mark.parametrize(
    "rule", ["FREQ=SECONDLY", "FREQ=MINUTELY;COUNT=3", "FREQ=HOURLY", "FREQ=DAILY;BYHOUR=1,2,3", "freq=secondly"]
)
def test_a_rule_finer_than_days_is_set_aside(rule: str) -> None:
    assert code_of(calendar(vevent(START, f"RRULE:{rule}"))) == "recurrence_too_fine"


def test_what_would_have_to_be_flattened_is_set_aside() -> None:
    following = vevent("RECURRENCE-ID;RANGE=THISANDFUTURE:20270112T090000Z", "DTSTART:20270112T100000Z")
    assert code_of(calendar(vevent(*WEEKLY), following)) == "unsupported_recurrence"
    assert code_of(calendar(following)) == "unsupported_recurrence"
    assert code_of(calendar(vevent(*WEEKLY, "EXRULE:FREQ=MONTHLY"))) == "unsupported_recurrence"


def test_overrides_without_a_master_are_appointments_of_their_own() -> None:
    body = calendar(
        vevent("RECURRENCE-ID:20270112T090000Z", "DTSTART:20270112T090000Z", "SUMMARY:a"),
        vevent("RECURRENCE-ID;TZID=Europe/Berlin:20270119T100000", "DTSTART:20270119T090000Z", "SUMMARY:b"),
    )
    found = [one for one in read(body) if isinstance(one, Readable)]
    assert [(one.recurrence_id, one.event.content.title) for one in found] == [
        ("2027-01-12T09:00:00", "a"),
        ("2027-01-19T10:00:00", "b"),
    ]


def test_a_master_takes_its_overrides_whatever_their_order() -> None:
    override = vevent("RECURRENCE-ID:20270112T090000Z", "DTSTART:20270112T093000Z", "SUMMARY:b")
    assert content_of(override, vevent(*WEEKLY)).same(content_of(vevent(*WEEKLY), override))


def test_several_events_of_one_file_are_read_each_for_itself() -> None:
    start = "DTSTART:20270105T100000Z"
    body = calendar(vevent(start, uid="a"), vevent("DTSTART:never", uid="b"), vevent(start, uid=""))
    found = read(body)
    assert isinstance(found[0], Readable)
    assert found[1:] == [Broken("b", "broken_calendar_data"), Broken(None, "no_uid")]


def test_two_masters_of_one_uid_are_set_aside() -> None:
    assert code_of(calendar(vevent(*WEEKLY), vevent(START))) == "broken_calendar_data"


def test_a_master_has_no_units_of_occurrences_without_exceptions() -> None:
    assert all(key == MASTER for key, _ in content_of(vevent(*WEEKLY)))
