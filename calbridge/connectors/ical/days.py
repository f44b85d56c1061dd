"""Days of all-day events that are written as moments in UTC: which day is meant.

RFC 5545 wants a date where the start is one (3.3.10 for UNTIL, 3.8.4.4, 3.8.5.1). Exchange writes the local midnight
with which the day begins (all three such series of the corpus), other programs the last second of the day.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, time, timedelta

_SECOND, _DAY = timedelta(seconds=1), timedelta(days=1)
_LAST_SECOND = time(23, 59, 59)
_QUARTER = 15
_EAST = timedelta(hours=13)
"""Midnight comes up to so much before that of UTC: all zones from UTC-10:45 to UTC+13, where nearly everybody lives."""


def meant_day(instant: datetime, clocks: Iterable[datetime]) -> datetime:
    """The midnight of the day that a naive UTC time means; ``clocks``: the same on the clocks of the zones of its file.

    The day that begins, or with this second ends, on one of the clocks; where none does, the date as it is written.
    Where there are no clocks, the next midnight of any zone counts, for times at which there is one: the quarters of an
    hour.
    """
    there = tuple(clocks)
    if not there:
        return _nearest(instant)
    return next((day for local in there if (day := _begun_or_ended(local)) is not None), _date(instant))


def _begun_or_ended(local: datetime) -> datetime | None:
    return _date(local) if local.time() in (time(), _LAST_SECOND) else None


def _nearest(instant: datetime) -> datetime:
    ends = instant.second == _LAST_SECOND.second
    try:
        border = instant + _SECOND if ends else instant
        if border.minute % _QUARTER or border.second:
            return _date(instant)
        return _date(border + _EAST) - (_DAY if ends else timedelta())
    except OverflowError:
        return _date(instant)


def _date(moment: datetime) -> datetime:
    return datetime.combine(moment.date(), time())
