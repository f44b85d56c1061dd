"""A file as a tree: what was read before does not change what is read now; parameters are read as written."""

from __future__ import annotations

import tracemalloc

import pytest

from calbridge.connectors.ical.tree import Line, Malformed, parse, serialise

ZONE = "BEGIN:VTIMEZONE\r\nTZID:Office\r\nBEGIN:STANDARD\r\n{}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"


def calendar(*parts: str) -> bytes:
    return f"BEGIN:VCALENDAR\r\n{''.join(parts)}END:VCALENDAR\r\n".encode()


@pytest.mark.parametrize("other", ["TZOFFSETTO:+0200", "TZOFFSETTO:+0100\r\nTZNAME:CET", "tzoffsetto:+0100"])
def test_zones_of_one_name_are_read_as_each_file_defines_them(other: str) -> None:
    first, second = calendar(ZONE.format("TZOFFSETTO:+0100")), calendar(ZONE.format(other))

    for body in (first, second, first, second):
        assert serialise(parse(body)) == body


def test_what_follows_a_zone_that_was_read_before_is_read() -> None:
    zone, event = ZONE.format("TZOFFSETTO:+0100"), "BEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\n"
    parse(calendar(zone))

    assert [part.name for part in parse(calendar(zone, event)).parts()[0].parts()] == ["VTIMEZONE", "VEVENT"]
    assert serialise(parse(calendar(zone, zone, event))) == calendar(zone, zone, event)


@pytest.mark.parametrize("body", [b"BEGIN:VTIMEZONE", b"BEGIN:VTIMEZONE\r\nTZID:Office", b"BEGIN:VTIMEZONE\r\n"])
def test_a_zone_that_was_read_whole_before_is_still_malformed_without_its_end(body: bytes) -> None:
    parse(calendar(ZONE.format("TZOFFSETTO:+0100")))

    with pytest.raises(Malformed):
        parse(body)


@pytest.mark.parametrize("zone", ["TZID:{long}\r\nEND:VTIMEZONE\r\n", "TZID:Office\r\nEND:VTIMEZONE {long}\r\n"])
def test_of_a_large_zone_nothing_is_kept(zone: str) -> None:
    body = calendar("BEGIN:VTIMEZONE\r\n", zone.format(long="x" * 2_000_000))
    tracemalloc.start()
    try:
        parse(body)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert kept < 100_000


@pytest.mark.parametrize(
    ("raw", "parameters", "value"),
    [
        ("DTSTART:20270105", {}, "20270105"),
        ("DTSTART;TZID=Europe/Vienna:20270105T080000", {"TZID": "Europe/Vienna"}, "20270105T080000"),
        ("dtstart; tzid = Europe/Vienna :20270105T080000", {"TZID": "Europe/Vienna"}, "20270105T080000"),
        ('DTSTART;TZID="Office: a":20270105T080000', {"TZID": "Office: a"}, "20270105T080000"),
        ("X-A;CN=a^nb^^:c:d", {"CN": "a\nb^"}, "c:d"),
        ("X-A;B=1;C=2:3", {"B": "1", "C": "2"}, "3"),
        ("X-A;B=1=2:3", {"B": "1=2"}, "3"),
        ("X-A;B:3", {}, "3"),
        ("X-A;B=:3", {"B": ""}, "3"),
        ("X-A;B=1", {"B": "1"}, ""),
    ],
)
def test_a_line_has_the_parameters_that_are_written(raw: str, parameters: dict[str, str], value: str) -> None:
    line = Line(raw)

    assert (dict(line.parameters), line.value) == (parameters, value)
