"""Foreign zone names and definitions (SYNC A1)."""

from __future__ import annotations

from datetime import datetime

import pytest
from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from calbridge.connectors.ical.timezones import definition, zone_block
from calbridge.connectors.zones import Definition, Observance, identify, named, named_offset, windows_name
from calbridge.domain.times import is_iana, zone_info


@pytest.mark.parametrize("name", ["Planet X", "", "/", "///", "posix/Europe/Berlin", "localtime", "Factory", "Europe"])
def test_what_is_no_zone_has_no_name(name: str) -> None:
    assert named(name) in (None, "Europe/Berlin" if name.endswith("Berlin") else None)


def test_every_windows_name_is_a_known_zone() -> None:
    assert all(is_iana(named(name) or "") for name in WINDOWS_TO_OLSON)


@pytest.mark.parametrize(
    ("zone", "name"),
    [
        ("Europe/Berlin", "W. Europe Standard Time"),
        ("Europe/Vienna", "Central Europe Standard Time"),
        ("America/Los_Angeles", "Pacific Standard Time"),
    ],
)
def test_a_zone_has_a_windows_name_with_its_offsets(zone: str, name: str) -> None:
    found = windows_name(zone, 2027)
    assert found is not None
    assert found == name


@pytest.mark.parametrize(("name", "seconds"), [("UTC+02:00", 7200), ("utc-0330", -12600), ("GMT+2", None)])
def test_a_name_may_state_its_offset(name: str, seconds: int | None) -> None:
    assert named_offset(name) == seconds


ZONES = ("Europe/Berlin", "America/New_York", "Africa/Casablanca", "Australia/Lord_Howe", "Europe/Dublin", "Asia/Tokyo")


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("year", [1995, 2027])
def test_a_written_definition_has_the_offsets_of_its_zone(zone: str, year: int) -> None:
    defined = definition(zone_block(zone, year).block or "")
    assert defined is not None
    for month in range(1, 13):
        for hour in range(24 * 28):
            local = datetime(year, month, 1 + hour // 24, hour % 24, 30)
            shift = zone_info(zone).utcoffset(local)
            assert shift is not None
            assert defined.offset(local) == shift.total_seconds(), local


@pytest.mark.parametrize("zone", ZONES)
def test_a_definition_is_identified_by_a_zone_with_its_offsets(zone: str) -> None:
    defined = definition(zone_block(zone, 2027).block or "")
    assert defined is not None
    found = identify(defined, 2027, 2033)
    assert found is not None
    assert defined.agrees(found, (datetime(2027, month, day, 12) for month in range(1, 13) for day in range(1, 29)))


def test_a_constant_hour_names_no_place() -> None:
    constant = Definition([Observance(datetime(1970, 1, 1), 32400, 32400)])
    assert identify(constant, 2027, 2027) == "Etc/GMT-9"
    assert identify(Definition([Observance(datetime(1970, 1, 1), 0, 0)]), 2027, 2027) == "UTC"


def test_odd_rules_are_those_of_no_zone() -> None:
    odd = Definition([Observance(datetime(1970, 1, 1), 33420, 33420)])
    assert identify(odd, 2027, 2033) is None
