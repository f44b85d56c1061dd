"""Date, date-time and duration values, and the zones of one file (RFC 5545 sections 3.3.4 to 3.3.6, SYNC A1)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from calbridge.connectors.ical import timezones
from calbridge.connectors.ical.days import meant_day
from calbridge.connectors.ical.tree import Line
from calbridge.connectors.zones import Definition, identify, named, named_offset
from calbridge.domain.times import TimeKind, When, day, floating, unknown, utc, zone_info, zoned

_VALUE = re.compile(r"^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)?(Z)?)?$")
_USUAL = re.compile(r"[0-9]{8}T[0-9]{4}[0-5][0-9]Z?")
"""A date-time that the standard library reads by itself, much faster than part by part."""
NIGHT = "T240000"
_DURATION = re.compile(r"^([+-])?P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$")
UNTIL = re.compile(r"(?<=UNTIL=)[^;]*", re.IGNORECASE)
"""The value of that part of a rule."""
ENDLESS_YEARS = 6


class BadValue(ValueError):
    """A property value that is not of its type."""


class Zones:
    """What the zone names of one event mean. Asked first with its start, it keeps to that answer."""

    def __init__(self, blocks: Mapping[str, str], first_year: int, last_year: int) -> None:
        self._blocks = dict(blocks)
        self._years = (first_year, last_year)
        self._known: dict[str, str | None] = {}

    def define(self, name: str, block: str) -> None:
        """Learn of a definition that is new in the file."""
        self._blocks[name] = block
        self._known.pop(name, None)

    def definition(self, name: str) -> Definition | None:
        """What the file itself says about a name."""
        block = self._blocks.get(name)
        return timezones.definition(block) if block is not None else None

    def resolve(self, name: str, local: datetime) -> str | None:
        """The IANA zone a name means in this file; None where nobody can tell.

        A known name counts unless the file's own definition has another offset at ``local``: then the definition is
        what the author saw, and a zone with its offsets is looked for (dossier 6: such a definition is easily
        overlooked, and the event is read hours off).
        """
        if name not in self._known:
            self._known[name] = self._resolved(name, local)
        return self._known[name]

    def _resolved(self, name: str, local: datetime) -> str | None:
        defined = self.definition(name)
        for zone in self._hints(name):
            if zone is not None and (defined is None or defined.agrees(zone, (local,))):
                return zone
        return identify(defined, *self._years) if defined is not None else None

    def _hints(self, name: str) -> Iterator[str | None]:
        yield named(name)
        if name in self._blocks:
            yield named(timezones.location_hint(self._blocks[name]))

    def when(self, local: datetime, name: str) -> When:
        """A wall time with a zone name."""
        zone = self.resolve(name, local)
        if zone is not None:
            return zoned(local, zone)
        defined = self.definition(name)
        return unknown(local, name, defined.offset(local) if defined is not None else named_offset(name))

    def instant(self, when: When) -> datetime:
        """The naive UTC time of a time; what floats is taken as UTC."""
        defined = self.definition(when.zone or "") if when.kind is TimeKind.UNKNOWN else None
        offset = defined.offset(when.local) if defined is not None else None
        if offset is not None:
            return when.local - timedelta(seconds=offset)
        return when.instant().replace(tzinfo=None)

    def local(self, instant: datetime, like: When) -> datetime:
        """A naive UTC time on the wall clock of ``like``."""
        if like.kind is TimeKind.ZONED:
            here = instant.replace(tzinfo=UTC).astimezone(zone_info(like.zone or "UTC"))
            return here.replace(tzinfo=None, fold=0)
        defined = self.definition(like.zone or "") if like.kind is TimeKind.UNKNOWN else None
        guess = instant + timedelta(seconds=like.offset or 0)
        offset = defined.offset(guess) if defined is not None else None
        return guess if offset is None else instant + timedelta(seconds=offset)

    def wall(self, when: When, like: When) -> datetime:
        """The wall time of ``when`` in the zone of ``like``: the original start that keys an occurrence (SYNC A2)."""
        if when.is_date:
            return when.local if like.is_date else datetime.combine(when.local.date(), like.local.time())
        if like.is_date:
            return self.day(when, like)
        same = when.kind is like.kind and when.zone == like.zone
        if same or TimeKind.FLOATING in (when.kind, like.kind):
            return when.local
        return self.local(self.instant(when), like)

    def day(self, when: When, start: When) -> datetime:
        """The midnight of the day that a time means in an event that starts with the date ``start``."""
        if when.kind is not TimeKind.UTC:
            return datetime.combine(when.local.date(), datetime.min.time())
        zones = [self.when(start.local, name) for name in self._blocks]
        try:
            clocks = [self.local(when.local, zone) for zone in zones if zone.kind is not TimeKind.UTC]
        except OverflowError:
            clocks = [when.local]
        return meant_day(when.local, clocks)


def value_at(text: str, name: str, zones: Zones) -> When:
    """One DATE or DATE-TIME value with the zone name of its property. :raises BadValue: neither of them."""
    text = text.strip().upper()
    if _USUAL.fullmatch(text):
        try:
            local = _local(text[:15])
        except (ValueError, OverflowError) as error:
            raise BadValue from error
        if len(text) == 16:
            return utc(local)
        return zones.when(local, name) if name else floating(local)
    return _unusual_value_at(text, name, zones)


def _local(text: str) -> datetime:
    """Some programs write 24:00 for the end of a day, which RFC 5545 section 3.3.12 does not know."""
    if text.endswith(NIGHT):
        return datetime.fromisoformat(text[:8]) + timedelta(days=1)
    return datetime.fromisoformat(text)


def _unusual_value_at(text: str, name: str, zones: Zones) -> When:
    found = _VALUE.match(text)
    if found is None:
        raise BadValue
    year, month, date, hour, minute, second, zulu = found.groups()
    try:
        if hour is None:
            return day(datetime(int(year), int(month), int(date)))
        local = datetime(int(year), int(month), int(date), int(hour), int(minute), min(int(second or 0), 59))
    except ValueError as error:
        raise BadValue from error
    if zulu:
        return utc(local)
    return zones.when(local, name) if name else floating(local)


def values_of(line: Line, zones: Zones) -> list[When]:
    """All values of a date or date-time property."""
    dates = line.parameter("VALUE").upper() == "DATE"
    name = line.parameter("TZID").strip()
    texts = [text for each in line.value.split(",") if (text := each.strip())]
    return [value_at(text[:8] if dates else text, name, zones) for text in texts]


def value_of(line: Line, zones: Zones) -> When:
    """The value of a property that has one. :raises BadValue: it has none."""
    found = values_of(line, zones)
    if not found:
        raise BadValue
    return found[0]


def lasting(start: When, text: str, zones: Zones, *, nominal: bool) -> When:
    """Where a DURATION ends: days by the calendar, hours by the clock (RFC 5545 section 3.3.6).

    ``nominal``: for a series, whose occurrences share one length on the wall. :raises BadValue: not a duration.
    """
    found = _DURATION.match(text.strip().upper())
    if found is None or text.strip().upper().endswith(("P", "T")):
        raise BadValue
    sign, weeks, days, hours, minutes, seconds = found.groups()
    if sign == "-":
        raise BadValue
    later = start.shifted(timedelta(weeks=int(weeks or 0), days=int(days or 0)))
    exact = timedelta(hours=int(hours or 0), minutes=int(minutes or 0), seconds=int(seconds or 0))
    if start.is_date:
        return later.shifted(timedelta(days=-(-exact // timedelta(days=1))))
    if not exact or nominal or start.kind not in (TimeKind.ZONED, TimeKind.UNKNOWN):
        return later.shifted(exact)
    instant = zones.instant(later) + exact
    ending = later.at(zones.local(instant, later))
    return ending if zones.instant(ending) == instant else utc(instant)


def stamp(when: When) -> str:
    """The value text of a time."""
    if when.is_date:
        return f"{when.local:%Y%m%d}".rjust(8, "0")
    return f"{when.local:%Y%m%dT%H%M%S}".rjust(15, "0") + ("Z" if when.kind is TimeKind.UTC else "")
