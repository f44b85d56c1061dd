"""Bombs are turned away before they cost anything (DESIGN 8)."""

from __future__ import annotations

import time

import pytest

from calbridge.connectors.ical import read
from tests.unit.connectors.ical.files import calendar, code_of, vevent

START = "DTSTART:20270105T100000Z"
DAILY = "RRULE:FREQ=DAILY"
MANY = ",".join(["20270106T100000Z"] * 2_001)
OVERRIDE = vevent("RECURRENCE-ID:20270106T100000Z", START)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (calendar(vevent(START, *["BEGIN:X"] * 20, *["END:X"] * 20)), "too_large"),
        (calendar(vevent(START, *["BEGIN:X\nEND:X"] * 10_001)), "too_large"),
        (calendar(vevent(START, *["X-A:b"] * 200_001)), "too_large"),
        (calendar(vevent(START, *[f"ATTENDEE:mailto:u{n}@example.com" for n in range(1_001)])), "too_large"),
        (
            calendar(vevent(START, DAILY, f"EXDATE:{MANY}")),
            "too_many_overrides",
        ),
        (calendar(vevent(START, f"RDATE:{MANY}")), "too_many_overrides"),
        (
            calendar(
                vevent(START, "RRULE:FREQ=DAILY"),
                *[vevent("RECURRENCE-ID:20270106T100000Z", START) for _ in range(2_001)],
            ),
            "too_many_overrides",
        ),
        (calendar(*[f"BEGIN:VTIMEZONE\nTZID:{n}\nEND:VTIMEZONE" for n in range(201)], vevent(START)), "too_large"),
        (calendar(vevent(START)).replace(b"END:VCALENDAR", b""), "broken_calendar_data"),
        (b"", "no_vevent"),
        (calendar("BEGIN:VTODO\nUID:a\nEND:VTODO"), "no_vevent"),
    ],
)
def test_what_is_too_much_is_set_aside(body: bytes, code: str) -> None:
    assert code_of(body) == code


def test_as_many_exceptions_as_are_taken_are_read() -> None:
    (found,) = read(calendar(vevent(START, "RRULE:FREQ=DAILY", "EXDATE:" + ",".join(["20270106T100000Z"] * 2_000))))
    assert not hasattr(found, "code")


@pytest.mark.parametrize(
    "rule", ["FREQ=SECONDLY", "FREQ=YEARLY;BYSECOND=1,2,3;BYHOUR=1,2,3;BYMINUTE=1,2,3", "FREQ=DAILY"]
)
def test_a_zone_that_changes_all_the_time_costs_nothing(rule: str) -> None:
    parts = f"DTSTART:19700101T000000\nTZOFFSETFROM:+0100\nTZOFFSETTO:+0200\nRRULE:{rule}"
    zone = f"BEGIN:VTIMEZONE\nTZID:Bomb\nBEGIN:STANDARD\n{parts}\nEND:STANDARD\nEND:VTIMEZONE"
    begun = time.perf_counter()
    assert len(read(calendar(zone, vevent("DTSTART;TZID=Bomb:20270105T100000")))) == 1
    assert time.perf_counter() - begun < 2
