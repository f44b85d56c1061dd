"""Which IANA zone a foreign name or definition means (SYNC A1).

Names are looked up, never guessed: the tz database itself, the CLDR table of Windows names, and the paths under which
some vendors hide an IANA name. A definition (a VTIMEZONE, an Exchange transition list) is compared by its offsets.
"""

from __future__ import annotations

import re
import zoneinfo
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, lru_cache
from itertools import islice

from dateutil.rrule import rrulestr

from calbridge.domain.times import zone_info

_NO_ZONES = frozenset({"Factory", "localtime", "posixrules", "leapseconds"})
_ALIASES = {"tzone://microsoft/utc": "UTC", "z": "UTC", "utc": "UTC", "gmt": "UTC", "coordinated universal time": "UTC"}
_OFFSET_NAME = re.compile(r"^UTC([+-])(\d{2}):?(\d{2})$", re.IGNORECASE)
_FIRST_YEAR, _LAST_YEAR = 1950, 2100
_MAX_ONSETS = 2_000


@cache
def _names() -> dict[str, str]:
    """Lower-case name to the name as the tz database spells it."""
    return {name.lower(): name for name in zoneinfo.available_timezones() - _NO_ZONES}


@cache
def _windows_zones() -> Mapping[str, str]:
    # Loaded by use: the whole library comes with this table, and most files spell IANA names.
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    return WINDOWS_TO_OLSON


@cache
def _windows() -> dict[str, str]:
    return {name.lower(): zone for name, zone in _windows_zones().items()}


@lru_cache(maxsize=4096)
def named(name: str) -> str | None:
    """The IANA zone that a name stands for: IANA (in any case), Windows (CLDR) or a vendor's path that ends in one."""
    lower = name.strip().strip('"').lower()
    if not lower:
        return None
    found = _ALIASES.get(lower) or _names().get(lower) or _windows().get(lower)
    if found or "/" not in lower:
        return found
    parts = [part for part in lower.split("/") if part]
    tails = ("/".join(parts[start:]) for start in range(1, len(parts)))
    return next((_names()[tail] for tail in tails if tail in _names()), None)


def named_offset(name: str) -> int | None:
    """Seconds east of UTC where the name itself states them (``UTC+02:00``)."""
    found = _OFFSET_NAME.match(name.strip())
    if found is None:
        return None
    seconds = int(found.group(2)) * 3600 + int(found.group(3)) * 60
    return -seconds if found.group(1) == "-" else seconds


@lru_cache(maxsize=1024)
def windows_name(zone: str, year: int) -> str | None:
    """The Windows name (CLDR) of an IANA zone, else one with the same offsets in ``year`` and the six after."""
    own = next((name for name, target in _windows_zones().items() if target == zone), None)
    if own is not None:
        return own
    continent = zone.split("/")[0] + "/"
    probes = tuple(_weeks(year, year + 6))
    wanted = [_zone_offset(zone, moment) for moment in probes]
    ordered = sorted(_windows_zones().items(), key=lambda pair: (not pair[1].startswith(continent), pair[0]))
    for name, target in ordered:
        if all(_zone_offset(target, moment) == seconds for moment, seconds in zip(probes, wanted, strict=True)):
            return name
    return None


@dataclass(frozen=True, slots=True)
class Observance:
    """One STANDARD or DAYLIGHT part: from ``onset`` on, ``after`` seconds east of UTC instead of ``before``.

    ``onset`` and ``dates`` are wall time of the offset before (RFC 5545 section 3.6.5).
    """

    onset: datetime
    before: int
    after: int
    rule: str | None = None
    dates: tuple[datetime, ...] = ()

    def onsets(self) -> Iterator[datetime]:
        """All onsets from 1950 to 2100 and the first one. :raises ValueError: a rule that is no rule."""
        yield self.onset
        yield from self.dates
        if self.rule is None:
            return
        start = self.onset
        if start.year < _FIRST_YEAR and "COUNT" not in self.rule and "INTERVAL" not in self.rule:
            start = start.replace(year=_FIRST_YEAR, day=min(start.day, 28))
        if "FREQ=YEARLY" not in self.rule:
            raise ValueError("a zone changes by yearly rules")
        for moment in islice(rrulestr(self.rule, dtstart=start), _MAX_ONSETS):
            if moment.year > _LAST_YEAR:
                return
            yield moment


class Definition:
    """A zone as its file defines it. Compared by identity, so keep and share it."""

    def __init__(self, observances: Iterable[Observance]) -> None:
        """:raises ValueError: nothing is defined, or a rule can't be read."""
        found: list[tuple[datetime, int, int]] = []
        for part in observances:
            gap = timedelta(seconds=max(0, part.after - part.before))
            found.extend((onset + gap, part.after, part.before) for onset in part.onsets())
        if not found:
            raise ValueError("a zone needs an observance")
        found.sort()
        self._moments = [moment for moment, _, _ in found]
        self._offsets = [after for _, after, _ in found]

    def offset(self, local: datetime) -> int | None:
        """Seconds east of UTC at a wall time; None before the first onset. Gap and fold as in RFC 5545 3.3.5."""
        place = bisect_right(self._moments, local)
        return self._offsets[place - 1] if place else None

    def changes(self, first_year: int, last_year: int) -> Iterator[datetime]:
        """Wall times of the changes in these years."""
        return (moment for moment in self._moments if first_year <= moment.year <= last_year)

    def agrees(self, zone: str, probes: Iterable[datetime]) -> bool:
        """Whether an IANA zone has the same offset at these wall times."""
        return all(self.offset(moment) in (None, _zone_offset(zone, moment)) for moment in probes)


@lru_cache(maxsize=2048)
def identify(definition: Definition, first_year: int, last_year: int) -> str | None:
    """An IANA zone with the offsets of ``definition`` at all times of these years; None where there is none.

    A constant whole hour is ``Etc/GMT-n`` (or UTC): it names no place that the file did not name.
    """
    probes = tuple(_probes(definition, first_year, last_year))
    few = probes[:: max(1, len(probes) // 8)]
    for zone in _candidates(definition.offset(probes[0])):
        if definition.agrees(zone, few) and definition.agrees(zone, probes):
            return zone
    return None


def _candidates(seconds: int | None) -> Iterator[str]:
    if seconds is not None and seconds % 3600 == 0 and -12 <= seconds // 3600 <= 14:
        hours = -seconds // 3600
        yield f"Etc/GMT{hours:+d}" if hours else "UTC"
    yield from ("Europe/Berlin", "Europe/London", "America/New_York", "America/Chicago", "America/Denver")
    yield from sorted(set(_windows_zones().values()))
    yield from (name for name in sorted(_names().values()) if "/" in name and not name.startswith("Etc/"))


def _probes(definition: Definition, first_year: int, last_year: int) -> Iterator[datetime]:
    yield from _weeks(first_year, last_year)
    for moment in definition.changes(first_year, last_year):
        yield from (moment + timedelta(seconds=seconds) for seconds in (-7201, -3601, -1, 0, 3600))


def _weeks(first_year: int, last_year: int) -> Iterator[datetime]:
    moment, end = datetime(first_year, 1, 1, 12), datetime(min(last_year, 9998) + 1, 1, 1)
    while moment < end:
        yield moment
        moment += timedelta(days=7)


def _zone_offset(zone: str, local: datetime) -> int:
    shift = zone_info(zone).utcoffset(local)
    return int(shift.total_seconds()) if shift is not None else 0
