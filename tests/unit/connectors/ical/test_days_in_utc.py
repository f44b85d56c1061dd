"""All-day series whose days are moments in UTC, as Exchange writes them, and the hour 24 (RFC 5545 3.3.10, 3.3.12)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from calbridge.connectors.ical import Readable, edit, read
from calbridge.domain.content import MASTER, Field, Span
from calbridge.domain.recurrence import occurrences
from calbridge.domain.times import day, floating, utc, zoned
from tests.unit.connectors.ical.files import CENTRAL_EUROPE, FIXED_ZONE, calendar, code_of, content_of, span_of, vevent

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
START = "DTSTART;VALUE=DATE:20270105"
BERLIN = CENTRAL_EUROPE.format(name="W. Europe Standard Time")
ZULU = FIXED_ZONE.format(name="UTC", offset="+0000")
NEW_YORK = FIXED_ZONE.format(name="New York", offset="-0500")
TOKYO = FIXED_ZONE.format(name="Tokyo", offset="+0900")
SAMOA = FIXED_ZONE.format(name="Samoa", offset="-1100")
KIRITIMATI = FIXED_ZONE.format(name="Kiritimati", offset="+1400")


def until(text: str, *zones: str) -> str:
    """The end of a rule as it is read in an all-day series."""
    span = content_of(*zones, vevent(START, f"RRULE:FREQ=DAILY;UNTIL={text};WKST=MO")).span
    assert span is not None
    return span.rule[0].partition("UNTIL=")[2].partition(";")[0]


@pytest.mark.parametrize(
    ("zone", "midnight", "last_second"),
    [
        (BERLIN, "20270111T230000Z", "20270112T225959Z"),
        (BERLIN + "\n" + ZULU, "20270111T230000Z", "20270112T225959Z"),
        (BERLIN, "20270711T220000Z", "20270712T215959Z"),
        (NEW_YORK, "20270112T050000Z", "20270113T045959Z"),
        (TOKYO, "20270111T150000Z", "20270112T145959Z"),
        (SAMOA, "20270112T110000Z", "20270113T105959Z"),
        (KIRITIMATI, "20270111T100000Z", "20270112T095959Z"),
    ],
)
def test_the_last_day_of_a_rule_begins_or_ends_on_the_clock_of_the_file(
    zone: str, midnight: str, last_second: str
) -> None:
    expected = "20270712" if midnight[:6] == "202707" else "20270112"
    assert [until(midnight, zone), until(last_second, zone)] == [expected, expected]


@pytest.mark.parametrize("zones", [(), (ZULU,)])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20270111T230000Z", "20270112"),
        ("20270111T220000Z", "20270112"),
        ("20270111T183000Z", "20270112"),
        ("20270111T110000Z", "20270112"),
        ("20270112T225959Z", "20270112"),
        ("20270112T000000Z", "20270112"),
        ("20270112T235959Z", "20270112"),
        ("20270112T050000Z", "20270112"),
        ("20270112T100000Z", "20270112"),
        ("20270113T045959Z", "20270112"),
        ("20270112T170001Z", "20270112"),
        ("20270112T171000Z", "20270112"),
    ],
)
def test_in_a_file_without_zones_the_next_midnight_counts(zones: tuple[str, ...], text: str, expected: str) -> None:
    assert until(text, *zones) == expected


@pytest.mark.parametrize("text", ["20270112T000000Z", "20270112T235959Z", "20270112T170000Z", "20270112T093000Z"])
def test_what_is_no_midnight_on_the_clock_of_the_file_is_the_day_that_is_written(text: str) -> None:
    assert until(text, BERLIN) == "20270112"


@pytest.mark.parametrize("text", ["20270112", "20270112T120000", "soon", "20271131T000000Z"])
def test_what_is_not_in_utc_passes_through_as_it_stands(text: str) -> None:
    assert until(text, BERLIN) == text


@pytest.mark.parametrize("zones", [(), (BERLIN,), (NEW_YORK,)])
@pytest.mark.parametrize("text", ["99991231T235959Z", "99991231T230000Z", "00010101T000000Z"])
def test_the_first_and_the_last_of_all_days_are_no_trouble(zones: tuple[str, ...], text: str) -> None:
    assert until(text, *zones) == text[:8]


def test_the_last_day_of_a_series_of_exchange_is_shown() -> None:
    found = content_of(BERLIN, vevent(START, "RRULE:FREQ=WEEKLY;UNTIL=20270111T230000Z"))
    window = (datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC))
    assert [key for key, _ in occurrences(found, *window)] == ["2027-01-05", "2027-01-12"]


def test_days_that_are_left_out_moved_or_added_in_utc_are_those_that_begin_then() -> None:
    found = content_of(
        BERLIN,
        vevent(START, "RRULE:FREQ=DAILY", "EXDATE:20270106T230000Z", "RDATE:20260930T220000Z"),
        vevent("RECURRENCE-ID:20270105T230000Z", "DTSTART;VALUE=DATE:20270109"),
    )
    assert found.excluded("2027-01-07")
    assert found.get(("2027-01-06", Field.TIME)) == Span(day(datetime(2027, 1, 9)), day(datetime(2027, 1, 10)))
    assert found.span is not None
    assert found.span.rule[1] == "RDATE;VALUE=DATE:20261001"


def test_an_end_in_utc_that_nobody_edits_stays_as_it_is_written() -> None:
    body = calendar(BERLIN, vevent(START, "RRULE:FREQ=WEEKLY;UNTIL=20270111T230000Z", "SUMMARY:a"))
    span = content_of(BERLIN, vevent(START, "RRULE:FREQ=WEEKLY;UNTIL=20270111T230000Z")).span
    assert span is not None
    later = Span(span.start.at(datetime(2027, 1, 6)), span.end.at(datetime(2027, 1, 7)), span.rule)
    for rule, written in ((span.rule, b"UNTIL=20270111T230000Z"), ((f"{span.rule[0]};COUNT=9",), b"UNTIL=20270112;")):
        units = {(MASTER, Field.TIME): Span(later.start, later.end, rule)}
        given = {"recurrence_id": None, "rekeyed": {}, "redact": False, "now": NOW}
        assert written in edit(body, uid="one@example.com", units=units, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("file", "ends"),
    [
        ("nodeical-a30ccce1-exchange_whole_day_moved_recurrence.ics", ["20260818"]),
        ("recurring-7e6548b2-issue_28_rrule_with_UTC_endinginZ.ics", ["20200917", "20200924"]),
    ],
)
def test_series_of_exchange_end_with_a_day_on_which_they_take_place(
    shared_corpus: Path, file: str, ends: list[str]
) -> None:
    """All there are in the corpus."""
    events = [one.event.content for one in read((shared_corpus / file).read_bytes()) if isinstance(one, Readable)]
    spans = [found.span for found in events if found.span is not None and found.span.recurring]
    assert [span.rule[0].partition("UNTIL=")[2][:8] for span in spans] == ends
    assert not any("T" in span.rule[0].partition("UNTIL=")[2].partition(";")[0] for span in spans)
    for span, end in zip(spans, ends, strict=True):
        shown = occurrences(events[0].with_units({(MASTER, Field.TIME): span}), *_all_of(end))
        assert datetime.strptime(end, "%Y%m%d").date().isoformat() in [key for key, _ in shown]


def _all_of(end: str) -> tuple[datetime, datetime]:
    return datetime(int(end[:4]), 1, 1, tzinfo=UTC), datetime(int(end[:4]) + 1, 1, 1, tzinfo=UTC)


def test_the_hour_24_is_the_midnight_after_it() -> None:
    timed = span_of("DTSTART;TZID=Europe/Berlin:20270105T240000", "DTEND;TZID=Europe/Berlin:20270106T240000")
    assert (timed.start, timed.end) == tuple(zoned(datetime(2027, 1, at), "Europe/Berlin") for at in (6, 7))
    assert span_of("DTSTART:20271231T240000Z").start == utc(datetime(2028, 1, 1))
    assert span_of("DTSTART:20270105T200000", "DTEND:20270105T240000").end == floating(datetime(2027, 1, 6))


def test_occurrences_may_be_named_by_the_hour_24() -> None:
    found = content_of(
        vevent("DTSTART:20270105T000000Z", "RRULE:FREQ=DAILY;UNTIL=20270109T240000Z", "EXDATE:20270105T240000Z"),
        vevent("RECURRENCE-ID:20270106T240000Z", "DTSTART:20270107T060000Z", "SUMMARY:Moved"),
    )
    assert found.excluded("2027-01-06T00:00:00")
    assert found.get(("2027-01-07T00:00:00", Field.TITLE)) == "Moved"
    window = (datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC))
    assert [key[8:10] for key, _ in occurrences(found, *window)] == ["05", "07", "08", "09", "10"]


@pytest.mark.parametrize("text", ["20270112T240000", "20270112T240000Z"])
def test_a_day_that_ends_with_the_hour_24_is_the_last_of_its_series(text: str) -> None:
    assert until(text) == until(text, BERLIN) == "20270112"


@pytest.mark.parametrize("text", ["20270105T240001", "20270105T2400", "20270105T250000", "99991231T240000"])
def test_no_other_hour_beyond_23_is_one(text: str) -> None:
    assert code_of(calendar(vevent(f"DTSTART:{text}"))) == "broken_calendar_data"
