"""Times as calendars mean them (SYNC A1): five kinds, never silently turned into one another.

Gaps and folds of daylight saving follow RFC 5545 section 3.3.5: a local time that does not exist is read with the
offset before the gap, one that exists twice means the first. ``zoneinfo`` with ``fold=0`` does exactly this.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

Offsets = tuple[tuple[str, int], ...]


class TimeKind(enum.StrEnum):
    """How a time is fixed."""

    DATE = "date"
    ZONED = "zoned"
    UTC = "utc"
    FLOATING = "floating"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class When:
    """A date, or a wall time with what is known of its zone.

    ``local`` is naive wall time (midnight for a date, UTC wall time for UTC). ``zone`` is an IANA name for
    ``ZONED`` and the foreign name for ``UNKNOWN``, whose ``offset`` (seconds east of UTC) is what its source
    said, where it said anything.
    """

    kind: TimeKind
    local: datetime
    zone: str | None = None
    offset: int | None = None

    @property
    def is_date(self) -> bool:
        """Whether this is a date without a time."""
        return self.kind is TimeKind.DATE

    @property
    def key(self) -> str:
        """The local start as text: the key of an occurrence (SYNC A2), ``2027-01-05T10:00:00`` or ``2027-01-05``."""
        return self.local.date().isoformat() if self.is_date else self.local.isoformat(timespec="seconds")

    def instant(self, floating_zone: str = "UTC") -> datetime:
        """The instant in UTC; dates and floating times are read in ``floating_zone``.

        What UTC can't tell any more, hours around the first and the last of all days, is its first or last instant.
        """
        return _in_utc(self.local, self._zone(floating_zone))

    def _zone(self, floating_zone: str) -> tzinfo:
        match self.kind:
            case TimeKind.UTC:
                return UTC
            case TimeKind.ZONED:
                return zone_info(self.zone or "UTC")
            case TimeKind.UNKNOWN if self.offset is not None:
                return timezone(timedelta(seconds=self.offset))
            case _:
                return zone_info(floating_zone)

    def shifted(self, delta: timedelta) -> When:
        """The same kind of time, moved on the wall clock."""
        return replace(self, local=self.local + delta)

    def after(self, elapsed: timedelta) -> When:
        """The same kind of time after so much real time, across changes of the clock (RFC 5545 3.3.6, exact)."""
        if self.kind is not TimeKind.ZONED:
            return self.shifted(elapsed)
        moment = (self.instant() + elapsed).astimezone(zone_info(self.zone or "UTC"))
        return replace(self, local=moment.replace(tzinfo=None, fold=0))

    def at(self, local: datetime) -> When:
        """The same kind and zone at another wall time."""
        return replace(self, local=local)


def day(value: date) -> When:
    """An all-day date."""
    return When(TimeKind.DATE, datetime(value.year, value.month, value.day))


def zoned(local: datetime, zone: str) -> When:
    """A wall time in an IANA zone; ``UTC`` and its aliases become the kind UTC."""
    if zone in {"UTC", "Etc/UTC", "Z", "GMT", "Etc/GMT"}:
        return utc(local)
    return When(TimeKind.ZONED, _naive(local), zone)


def utc(value: datetime) -> When:
    """An instant; an aware value is converted, a naive one is taken as UTC."""
    if value.tzinfo is not None:
        value = value.astimezone(UTC)
    return When(TimeKind.UTC, _naive(value))


def floating(local: datetime) -> When:
    """A wall time without a zone, kept floating."""
    return When(TimeKind.FLOATING, _naive(local))


def unknown(local: datetime, name: str, offset: int | None = None) -> When:
    """A wall time in a zone nobody could identify."""
    return When(TimeKind.UNKNOWN, _naive(local), name, offset)


def _naive(local: datetime) -> datetime:
    return local if local.tzinfo is None and not local.fold else local.replace(tzinfo=None, fold=0)


@lru_cache(maxsize=2048)
def _in_utc(local: datetime, zone: tzinfo) -> datetime:
    """What was asked is kept: everything done with an event begins with when it is."""
    try:
        return local.replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        return (datetime.min if local.year == 1 else datetime.max).replace(tzinfo=UTC)


@lru_cache(maxsize=1024)
def zone_info(name: str) -> ZoneInfo:
    """The IANA zone. :raises ValueError: unknown name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"unknown zone {name[:64]!r}") from error


def is_iana(name: str) -> bool:
    """Whether the tz database knows this name."""
    try:
        zone_info(name)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=4096)
def offsets(zone: str, first_year: int, last_year: int) -> Offsets:
    """The changes of offset in a zone over whole years: its class for comparisons (SYNC A7)."""
    info = zone_info(zone)
    found: list[tuple[str, int]] = []
    for year in range(first_year, last_year + 1):
        for instant, seconds in _year_offsets(info.key, year):
            if not found or found[-1][1] != seconds:
                found.append((instant, seconds))
    return tuple(found)


@lru_cache(maxsize=8192)
def _year_offsets(zone: str, year: int) -> Offsets:
    """Offsets of one year at its start and at each change, to the hour."""
    info = zone_info(zone)
    found: list[tuple[str, int]] = []
    moment = datetime(year, 1, 1)
    end = datetime(year + 1, 1, 1)
    while moment < end:
        seconds = _offset(info, moment)
        if not found or found[-1][1] != seconds:
            start = moment if not found else _first_hour(info, moment - timedelta(days=7), moment, seconds)
            found.append((start.isoformat(timespec="hours"), seconds))
        moment += timedelta(days=7)
    return tuple(found)


def _first_hour(info: ZoneInfo, low: datetime, high: datetime, seconds: int) -> datetime:
    """The first hour between ``low`` and ``high`` with this offset."""
    while high - low > timedelta(hours=1):
        middle = low + (high - low) / 2
        middle = middle.replace(minute=0, second=0, microsecond=0)
        if middle == low:
            break
        if _offset(info, middle) == seconds:
            high = middle
        else:
            low = middle
    return high


def _offset(info: ZoneInfo, moment: datetime) -> int:
    shift = info.utcoffset(moment)
    return int(shift.total_seconds()) if shift is not None else 0
