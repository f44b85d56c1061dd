"""The definitions of time zones that we write tell the offsets that the zones have (RFC 5545 3.6.5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import tzical

from calbridge.connectors.ical.timezones import zone_block

SINCE = {
    "America/Boa_Vista": 2000,
    "America/New_York": 2027,
    "Africa/Casablanca": 2027,
    "Asia/Gaza": 2038,
    "Asia/Kolkata": 2027,
    "Australia/Lord_Howe": 2027,
    "Europe/Vienna": 2027,
}
"""Zones and first years: a week of summer time, Ramadan, half an hour, no change at all."""


def defined(zone: str) -> tzical:
    """The block as another program reads it."""
    text = f"BEGIN:VTIMEZONE\n{zone_block(zone, SINCE[zone]).block}\nEND:VTIMEZONE\n"
    return tzical(StringIO(text))


@pytest.mark.parametrize("zone", SINCE)
def test_every_day_has_the_offset_of_its_zone(zone: str) -> None:
    read = defined(zone).get(zone)
    first = datetime(SINCE[zone], 1, 1, 12)
    days = [first + timedelta(days=number) for number in range(365 * 5)]

    assert [
        day for day in days if day.replace(tzinfo=read).utcoffset() != day.replace(tzinfo=ZoneInfo(zone)).utcoffset()
    ] == []


def test_the_shortest_summer_time_there_ever_was_is_not_passed_over() -> None:
    before, within, after = (datetime(2000, 10, day, 12, tzinfo=UTC) for day in (7, 11, 16))
    read = defined("America/Boa_Vista").get("America/Boa_Vista")

    offsets = [moment.astimezone(read).utcoffset() for moment in (before, within, after)]
    assert offsets == [timedelta(hours=-4), timedelta(hours=-3), timedelta(hours=-4)]
