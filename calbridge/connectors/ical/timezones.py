"""VTIMEZONE read and written (RFC 5545 section 3.6.5)."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from calbridge.connectors.ical.text import unescape
from calbridge.connectors.ical.tree import Component, Line
from calbridge.connectors.zones import Definition, Observance
from calbridge.domain.times import zone_info

_STAMP = re.compile(r"^(\d{8})T(\d{4})(\d{2})?Z?$")
_OFFSET = re.compile(r"^([+-])(\d{2}):?(\d{2})(\d{2})?$")
_UNTIL = re.compile(r"UNTIL=(\d{8})(T\d{6})?(Z)?")
_AHEAD_YEARS = 10
_SHORTEST = timedelta(days=3)
"""No zone keeps an offset for a shorter time: in all of tzdata seven days less an hour are the shortest."""
_FIRST_YEAR = 2
"""Of which all instants can be told in every zone."""
_DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_MAX_OBSERVANCES = 2_000


def tzid_of(zone: Component) -> str:
    """The name a VTIMEZONE defines."""
    return _name_in(zone.block or "")


@lru_cache(maxsize=1024)
def _name_in(block: str) -> str:
    return next((found.value.strip() for found in _lines(block) if found.name == "TZID"), "")


@lru_cache(maxsize=1024)
def location_hint(block: str) -> str:
    """The IANA name some programs write into X-LIC-LOCATION; empty without."""
    return next((unescape(line.value).strip() for line in _lines(block) if line.name == "X-LIC-LOCATION"), "")


@lru_cache(maxsize=1024)
def definition(block: str) -> Definition | None:
    """What the text of a VTIMEZONE defines; None where it defines nothing usable."""
    try:
        return Definition(_observances(block))
    except (ValueError, OverflowError, TypeError, ArithmeticError):
        return None


def _lines(block: str) -> list[Line]:
    return [Line(raw) for raw in block.split("\n")]


def _observances(block: str) -> list[Observance]:
    found: list[Observance] = []
    part: list[Line] | None = None
    for line in _lines(block):
        if line.name == "BEGIN":
            part = []
        elif line.name == "END" and part is not None:
            found.append(_observance(part))
            part = None
            if len(found) > _MAX_OBSERVANCES:
                raise ValueError("too many observances")
        elif part is not None:
            part.append(line)
    return found


def _observance(lines: list[Line]) -> Observance:
    one = {line.name: line.value.strip() for line in lines}
    after = _seconds(one.get("TZOFFSETTO", ""))
    before = _seconds(one["TZOFFSETFROM"]) if "TZOFFSETFROM" in one else after
    dates = [text for line in lines if line.name == "RDATE" for text in line.value.split(",")]
    if len(dates) > _MAX_OBSERVANCES:
        raise ValueError("too many dates")
    rule = one.get("RRULE")
    return Observance(
        onset=_local(one.get("DTSTART", ""), before),
        before=before,
        after=after,
        rule=_local_until(rule.upper().rstrip(";"), before) if rule else None,
        dates=tuple(_local(text.split("/")[0], before) for text in dates),
    )


def _seconds(text: str) -> int:
    found = _OFFSET.match(text)
    if found is None:
        raise ValueError("not an offset")
    sign, hours, minutes, seconds = found.groups()
    total = int(hours) * 3600 + int(minutes) * 60 + int(seconds or 0)
    if total > 86_399:
        raise ValueError("not an offset")
    return -total if sign == "-" else total


def _local(text: str, before: int) -> datetime:
    found = _STAMP.match(text.strip().upper())
    if found is None:
        raise ValueError("not a time")
    moment = datetime.strptime(found.group(1) + found.group(2), "%Y%m%d%H%M")
    moment = moment.replace(second=min(int(found.group(3) or 0), 59))
    return moment + timedelta(seconds=before) if text.strip().upper().endswith("Z") else moment


def _local_until(rule: str, before: int) -> str:
    def local(match: re.Match[str]) -> str:
        date, time, zulu = match.groups()
        if time is None:
            return f"UNTIL={date}T235959"
        moment = datetime.strptime(date + time, "%Y%m%dT%H%M%S")
        return f"UNTIL={moment + timedelta(seconds=before if zulu else 0):%Y%m%dT%H%M%S}"

    return _UNTIL.sub(local, rule)


def zone_block(zone: str, first_year: int) -> Component:
    """A VTIMEZONE for an IANA zone that holds from the year before ``first_year`` on."""
    return Component("VTIMEZONE", block=_zone_text(zone, max(first_year - 1, _FIRST_YEAR)))


def fixed_block(name: str, seconds: int) -> Component:
    """A VTIMEZONE with one constant offset."""
    lines = [f"TZID:{name}", *_part("STANDARD", datetime(1970, 1, 1), seconds, seconds)]
    return Component("VTIMEZONE", block="\n".join(lines))


@lru_cache(maxsize=512)
def _zone_text(zone: str, first_year: int) -> str:
    changes = _changes(zone, first_year, min(first_year + _AHEAD_YEARS, 9990))
    start = datetime(first_year, 1, 1)
    base = _offset_at(zone, start.replace(tzinfo=UTC))
    lines = [f"TZID:{zone}"]
    yearly = {kind: _yearly(found) for kind, found in _by_kind(changes).items()}
    if not changes or None in yearly.values():
        lines += _part("STANDARD", start, base, base)
        for local, before, after in changes:
            lines += _part("DAYLIGHT" if after > before else "STANDARD", local, before, after)
        return "\n".join(lines)
    for (before, after), found in _by_kind(changes).items():
        rule = yearly[(before, after)]
        lines += _part("DAYLIGHT" if after > before else "STANDARD", found[0], before, after, rule)
    return "\n".join(lines)


def _part(kind: str, local: datetime, before: int, after: int, rule: str | None = None) -> list[str]:
    lines = [f"BEGIN:{kind}", "DTSTART:" + f"{local:%Y%m%dT%H%M%S}".rjust(15, "0")]
    lines += [f"TZOFFSETFROM:{_offset_text(before)}", f"TZOFFSETTO:{_offset_text(after)}"]
    lines += [f"RRULE:{rule}"] if rule else []
    return [*lines, f"END:{kind}"]


def _offset_text(seconds: int) -> str:
    rest = abs(seconds)
    text = f"{'-' if seconds < 0 else '+'}{rest // 3600:02d}{rest % 3600 // 60:02d}"
    return f"{text}{rest % 60:02d}" if rest % 60 else text


def _by_kind(changes: Sequence[tuple[datetime, int, int]]) -> dict[tuple[int, int], list[datetime]]:
    found: dict[tuple[int, int], list[datetime]] = {}
    for local, before, after in changes:
        found.setdefault((before, after), []).append(local)
    return found


def _yearly(onsets: Sequence[datetime]) -> str | None:
    """The yearly rule behind these onsets; None where they follow none, or not in every year."""
    years = [moment.year for moment in onsets]
    if len(onsets) < _AHEAD_YEARS or years != list(range(years[0], years[0] + len(years))):
        return None
    first = onsets[0]
    if any((one.month, one.weekday(), one.time()) != (first.month, first.weekday(), first.time()) for one in onsets):
        return None
    day = f"BYMONTH={first.month};BYDAY"
    if all(one.day > calendar.monthrange(one.year, one.month)[1] - 7 for one in onsets):
        return f"FREQ=YEARLY;{day}=-1{_DAYS[first.weekday()]}"
    weeks = {(one.day - 1) // 7 + 1 for one in onsets}
    return f"FREQ=YEARLY;{day}={weeks.pop()}{_DAYS[first.weekday()]}" if len(weeks) == 1 else None


def _changes(zone: str, first_year: int, last_year: int) -> list[tuple[datetime, int, int]]:
    """Onset in wall time of the offset before, offset before, offset after."""
    found = []
    moment, end = datetime(first_year, 1, 1, tzinfo=UTC), datetime(last_year + 1, 1, 1, tzinfo=UTC)
    before = _offset_at(zone, moment)
    while moment < end:
        following = moment + _SHORTEST
        after = _offset_at(zone, following)
        if before != after:
            instant = _first(zone, moment, following, before)
            found.append(((instant + timedelta(seconds=before)).replace(tzinfo=None), before, after))
        moment, before = following, after
    return found


def _first(zone: str, low: datetime, high: datetime, before: int) -> datetime:
    """The first second with another offset."""
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low).total_seconds() // 2)
        low, high = (middle, high) if _offset_at(zone, middle) == before else (low, middle)
    return high


def _offset_at(zone: str, instant: datetime) -> int:
    shift = instant.astimezone(zone_info(zone)).utcoffset()
    return int(shift.total_seconds()) if shift is not None else 0


def blocks(root: Component) -> Iterator[tuple[str, str]]:
    """Name and text of every VTIMEZONE of a file, wherever it stands."""
    left = [root]
    while left:
        part = left.pop()
        if part.block is not None and part.name == "VTIMEZONE":
            yield tzid_of(part), part.block
        left.extend(reversed(part.parts()))
