"""Times are read as their author meant them (SYNC A1, dossier caldav-icloud section 6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from calbridge.domain.times import TimeKind, day, floating, utc, zoned
from tests.unit.connectors.ical.files import CENTRAL_EUROPE, FIXED_ZONE, calendar, code_of, content_of, span_of, vevent


def test_a_date_is_a_date_with_an_exclusive_end() -> None:
    span = span_of("DTSTART;VALUE=DATE:20270105", "DTEND;VALUE=DATE:20270107")
    assert (span.start, span.end) == (day(datetime(2027, 1, 5)), day(datetime(2027, 1, 7)))


@pytest.mark.parametrize(
    "end", [(), ("DTEND;VALUE=DATE:20270105",), ("DURATION:P1D",), ("DURATION:PT24H",), ("DTEND:20270105T000000Z",)]
)
def test_an_all_day_event_lasts_at_least_a_day(end: tuple[str, ...]) -> None:
    span = span_of("DTSTART;VALUE=DATE:20270105", *end)
    assert span.end == day(datetime(2027, 1, 6))


def test_utc_stays_utc() -> None:
    span = span_of("DTSTART:20270105T100000Z", "DTEND:20270105T110000Z")
    assert span.start == utc(datetime(2027, 1, 5, 10))
    assert span.start.kind is TimeKind.UTC


def test_a_floating_time_stays_floating() -> None:
    assert span_of("DTSTART:20270105T100000").start == floating(datetime(2027, 1, 5, 10))


def test_an_event_without_an_end_is_an_instant() -> None:
    span = span_of("DTSTART;TZID=Europe/Berlin:20270105T100000")
    assert span.start == span.end


def test_a_date_as_the_end_of_a_time_ends_at_midnight() -> None:
    span = span_of("DTSTART;TZID=Europe/Berlin:20270105T100000", "DTEND;VALUE=DATE:20270106")
    assert span.end == zoned(datetime(2027, 1, 6), "Europe/Berlin")


def test_an_end_in_another_zone_keeps_it() -> None:
    span = span_of("DTSTART;TZID=Europe/Berlin:20270105T100000", "DTEND;TZID=America/New_York:20270105T130000")
    assert span.end.instant() - span.start.instant() == timedelta(hours=9)


def test_an_end_before_the_start_is_not_guessed_at() -> None:
    assert code_of(calendar(vevent("DTSTART:20270105T100000Z", "DTEND:20270105T090000Z"))) == "broken_calendar_data"


@pytest.mark.parametrize("start", ["DTSTART:20270230T100000Z", "DTSTART:soon", "DTSTART:", "SUMMARY:no start"])
def test_a_start_that_is_none_is_broken(start: str) -> None:
    assert code_of(calendar(vevent(start))) == "broken_calendar_data"


@pytest.mark.parametrize(
    ("zone", "gap", "expected"),
    [
        ("Europe/Berlin", datetime(2027, 3, 28, 2, 30), datetime(2027, 3, 28, 1, 30)),
        ("America/New_York", datetime(2027, 3, 14, 2, 30), datetime(2027, 3, 14, 7, 30)),
    ],
)
def test_a_time_in_the_gap_is_read_with_the_offset_before(zone: str, gap: datetime, expected: datetime) -> None:
    span = span_of(f"DTSTART;TZID={zone}:{gap:%Y%m%dT%H%M%S}")
    assert span.start.local == gap
    assert span.start.instant() == expected.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "fold", "expected"),
    [
        ("Europe/Berlin", datetime(2027, 10, 31, 2, 30), datetime(2027, 10, 31, 0, 30)),
        ("America/New_York", datetime(2027, 11, 7, 1, 30), datetime(2027, 11, 7, 5, 30)),
    ],
)
def test_a_time_that_exists_twice_is_the_first(zone: str, fold: datetime, expected: datetime) -> None:
    assert span_of(f"DTSTART;TZID={zone}:{fold:%Y%m%dT%H%M%S}").start.instant() == expected.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "start", "nominal", "exact"),
    [
        ("Europe/Berlin", datetime(2027, 3, 27, 10), datetime(2027, 3, 28, 10), datetime(2027, 3, 28, 11)),
        ("America/New_York", datetime(2027, 11, 6, 10), datetime(2027, 11, 7, 10), datetime(2027, 11, 7, 9)),
    ],
)
def test_a_day_is_no_24_hours_over_a_change(zone: str, start: datetime, nominal: datetime, exact: datetime) -> None:
    line = f"DTSTART;TZID={zone}:{start:%Y%m%dT%H%M%S}"
    assert span_of(line, "DURATION:P1D").end.local == nominal
    assert span_of(line, "DURATION:PT24H").end.local == exact


def test_a_duration_that_ends_in_the_second_of_two_hours_keeps_its_length() -> None:
    span = span_of("DTSTART;TZID=Europe/Berlin:20271031T013000", "DURATION:PT2H")
    assert span.end.instant() - span.start.instant() == timedelta(hours=2)


def test_a_series_lasts_the_same_on_every_wall() -> None:
    span = span_of("DTSTART;TZID=Europe/Berlin:20270327T100000", "DURATION:PT24H", "RRULE:FREQ=MONTHLY")
    assert span.duration == timedelta(hours=24)


@pytest.mark.parametrize(
    ("end", "length"),
    [
        ("DTEND:20270105T100000Z", timedelta(hours=1)),
        ("DTEND:20270105T090000Z", timedelta()),
        ("DTEND;TZID=America/New_York:20270105T050000", timedelta(hours=1)),
        ("DTEND;TZID=Asia/Tokyo:20270106T180000", timedelta(days=1)),
        ("DTEND:20270105T110000", timedelta(hours=1)),
    ],
)
def test_occurrences_last_as_long_as_the_first_whatever_zone_its_end_is_in(end: str, length: timedelta) -> None:
    span = span_of("DTSTART;TZID=Europe/Berlin:20270105T100000", end, "RRULE:FREQ=WEEKLY")
    assert span.duration == length
    assert span.end.zone == "Europe/Berlin"


def test_an_end_in_the_second_of_two_hours_is_not_before_the_start_of_its_series() -> None:
    span = span_of("DTSTART;TZID=Europe/Berlin:20271031T025000", "DTEND:20271031T011000Z", "RRULE:FREQ=WEEKLY")
    assert span.duration == timedelta(minutes=20)


def test_a_series_that_ends_before_its_start_is_not_guessed_at() -> None:
    lines = ("DTSTART;TZID=America/Los_Angeles:20270105T100000", "DTEND;TZID=Asia/Tokyo:20270105T110000")
    assert code_of(calendar(vevent(*lines, "RRULE:FREQ=WEEKLY"))) == "broken_calendar_data"


@pytest.mark.parametrize("duration", ["-PT1H", "P", "PT", "one hour", "P1DT"])
def test_a_duration_that_is_none_is_broken(duration: str) -> None:
    body = calendar(vevent("DTSTART:20270105T100000Z", f"DURATION:{duration}"))
    assert code_of(body) == "broken_calendar_data"


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ('"W. Europe Standard Time"', "Europe/Berlin"),
        ("/mozilla.org/20050126_1/Europe/Berlin", "Europe/Berlin"),
        ("/freeassociation.sourceforge.net/Tzfile/America/Argentina/Salta", "America/Argentina/Salta"),
        ("Pacific Standard Time", "America/Los_Angeles"),
    ],
)
def test_a_known_name_without_a_definition_is_its_zone(name: str, zone: str) -> None:
    assert span_of(f"DTSTART;TZID={name}:20270105T100000").start == zoned(datetime(2027, 1, 5, 10), zone)


def test_an_unknown_name_without_a_definition_is_never_floating() -> None:
    start = span_of("DTSTART;TZID=Planet X:20270105T100000").start
    assert (start.kind, start.zone, start.offset) == (TimeKind.UNKNOWN, "Planet X", None)


def test_a_name_that_states_its_offset_is_unknown_with_that_offset() -> None:
    start = span_of('DTSTART;TZID="UTC+02:00":20270105T100000').start
    assert (start.kind, start.offset) == (TimeKind.UNKNOWN, 7200)


def test_an_own_definition_is_identified_by_its_offsets() -> None:
    start = span_of(
        "DTSTART;TZID=Customized Time Zone:20270705T100000",
        "RRULE:FREQ=WEEKLY",
        zone=CENTRAL_EUROPE.format(name="Customized Time Zone"),
    ).start
    assert start.kind is TimeKind.ZONED
    assert start.instant() == datetime(2027, 7, 5, 8, tzinfo=UTC)


def test_a_definition_behind_the_event_counts_too() -> None:
    zone = CENTRAL_EUROPE.format(name="Here")
    span = content_of(vevent("DTSTART;TZID=Here:20270705T100000"), zone).span
    assert span is not None
    assert span.start.zone == "Europe/Berlin"


def test_a_definition_that_no_zone_has_is_unknown_with_its_offset() -> None:
    zone = FIXED_ZONE.format(name="Mars", offset="+0917")
    start = span_of("DTSTART;TZID=Mars:20270105T100000", zone=zone).start
    assert (start.kind, start.zone, start.offset) == (TimeKind.UNKNOWN, "Mars", 9 * 3600 + 17 * 60)


def test_a_known_name_with_another_definition_is_read_by_the_definition() -> None:
    zone = FIXED_ZONE.format(name="Europe/Berlin", offset="+0900")
    start = span_of("DTSTART;TZID=Europe/Berlin:20270105T100000", zone=zone).start
    assert start.instant() == datetime(2027, 1, 5, 1, tzinfo=UTC)
    assert start.zone != "Europe/Berlin"


def test_a_known_name_with_its_own_definition_is_itself() -> None:
    zone = CENTRAL_EUROPE.format(name="Europe/Vienna")
    assert span_of("DTSTART;TZID=Europe/Vienna:20270105T100000", zone=zone).start.zone == "Europe/Vienna"


def test_the_location_hint_names_a_zone() -> None:
    zone = CENTRAL_EUROPE.format(name="Home").replace("TZID:Home", "TZID:Home\nX-LIC-LOCATION:Europe/Vienna")
    assert span_of("DTSTART;TZID=Home:20270105T100000", zone=zone).start.zone == "Europe/Vienna"


def test_a_hint_that_contradicts_the_definition_is_not_followed() -> None:
    zone = CENTRAL_EUROPE.format(name="Home").replace("TZID:Home", "TZID:Home\nX-LIC-LOCATION:Asia/Tokyo")
    assert span_of("DTSTART;TZID=Home:20270105T100000", zone=zone).start.zone == "Europe/Berlin"


def test_a_useless_definition_does_not_hide_a_known_name() -> None:
    zone = "BEGIN:VTIMEZONE\nTZID:Europe/Berlin\nEND:VTIMEZONE"
    assert span_of("DTSTART;TZID=Europe/Berlin:20270105T100000", zone=zone).start.zone == "Europe/Berlin"
