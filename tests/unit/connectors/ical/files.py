"""Small calendar files for the tests."""

from __future__ import annotations

from calbridge.connectors.ical import Broken, Readable, read
from calbridge.domain.content import MASTER, Content, Field, Span, Unit, Value
from calbridge.domain.event import Event

OWN = frozenset({"alice@example.com"})
FIXED_ZONE = """\
BEGIN:VTIMEZONE
TZID:{name}
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:{offset}
TZOFFSETTO:{offset}
END:STANDARD
END:VTIMEZONE"""
CENTRAL_EUROPE = """\
BEGIN:VTIMEZONE
TZID:{name}
BEGIN:STANDARD
DTSTART:16011028T030000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010325T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE"""


def calendar(*parts: str) -> bytes:
    """A VCALENDAR around these parts."""
    text = "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//example//test//EN", *parts, "END:VCALENDAR", ""])
    return text.replace("\n", "\r\n").encode()


def vevent(*lines: str, uid: str = "one@example.com") -> str:
    """A VEVENT with these lines."""
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260101T000000Z", *lines, "END:VEVENT"])


def event_of(body: bytes, own: frozenset[str] = OWN) -> Event:
    """The only event of a body."""
    (found,) = read(body, own_addresses=own)
    assert isinstance(found, Readable), found
    return found.event


def content_of(*parts: str, own: frozenset[str] = OWN) -> Content:
    """The content of the only event in these parts."""
    return event_of(calendar(*parts), own).content


def span_of(*lines: str, zone: str = "") -> Span:
    """The time of an event with these lines."""
    span = content_of(*([zone] if zone else []), vevent(*lines)).span
    assert span is not None
    return span


def code_of(body: bytes) -> str:
    """The code of the only thing in a body, which can't be read."""
    (found,) = read(body)
    assert isinstance(found, Broken), found
    return found.code


def master(name: Field, value: Value) -> dict[Unit, Value]:
    """One unit of the master."""
    return {(MASTER, name): value}
