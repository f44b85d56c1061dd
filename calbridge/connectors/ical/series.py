"""Span, rule and occurrence keys of an event in a file (SYNC A2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from calbridge.connectors.ical.fields import Index, index_of
from calbridge.connectors.ical.moments import (
    ENDLESS_YEARS,
    NIGHT,
    UNTIL,
    BadValue,
    Zones,
    lasting,
    stamp,
    value_at,
    value_of,
    values_of,
)
from calbridge.connectors.ical.tree import Component, Line
from calbridge.domain.content import Span
from calbridge.domain.recurrence import check_rule
from calbridge.domain.times import TimeKind, When
from calbridge.errors import Rejected


class Unsupported(ValueError):
    """A recurrence that is legal but can't be shown without flattening it (EXRULE, RANGE)."""


@dataclass(frozen=True, slots=True)
class Group:
    """All components of one UID: masters (one, if the file is in order) and overrides."""

    masters: list[Component] = field(default_factory=list)
    overrides: list[Component] = field(default_factory=list)


def uid_of(event: Component) -> str:
    """The UID of a component as it is written."""
    return event.value("UID").strip()


def groups_of(root: Component) -> dict[str, Group]:
    """The events of a file by UID, in order; those without one under the empty name."""
    found: dict[str, Group] = {}
    for part in _events(root):
        group = found.setdefault(uid_of(part), Group())
        (group.masters if part.first("RECURRENCE-ID") is None else group.overrides).append(part)
    return found


def _events(root: Component) -> Iterable[Component]:
    for part in root.parts():
        if part.name == "VEVENT":
            yield part
        elif part.name == "VCALENDAR":
            yield from part.parts("VEVENT")


def zones_for(blocks: Mapping[str, str], index: Index) -> Zones:
    """The zones of a file as seen from one event: its years bound what is compared."""
    year = _year(index)
    endless = "RRULE" in index or "RDATE" in index
    return Zones(blocks, year, year + ENDLESS_YEARS if endless else year)


def _year(index: Index) -> int:
    text = index["DTSTART"][0].value.strip()[:4] if "DTSTART" in index else ""
    return min(max(int(text), 1), 9990) if len(text) == 4 and text.isascii() and text.isdigit() else 2000


def span_of(index: Index, zones: Zones) -> Span:
    """Start, end and rule of a component.

    :raises BadValue: times that can't be trusted; :raises Unsupported: EXRULE.
    """
    start = value_of(index["DTSTART"][0], zones) if "DTSTART" in index else None
    if start is None:
        raise BadValue
    if "EXRULE" in index:
        raise Unsupported
    series = "RRULE" in index or "RDATE" in index
    end = _end(index, start, zones, series=series)
    return Span(start, end, rule_of(index, start, zones) if series else ())


def _end(index: Index, start: When, zones: Zones, *, series: bool) -> When:
    if "DTEND" in index:
        end = _tolerant_end(start, value_of(index["DTEND"][0], zones), zones)
        return _on_clock_of(start, end, zones) if series else end
    if "DURATION" in index:
        end = lasting(start, index["DURATION"][0].value, zones, nominal=series)
        return start.shifted(timedelta(days=1)) if start.is_date and end.local <= start.local else end
    return start.shifted(timedelta(days=1)) if start.is_date else start


def _tolerant_end(start: When, end: When, zones: Zones) -> When:
    """An end of the start's type; programs write other types, or the same day for an all-day event (dossier 5, 6)."""
    if start.is_date:
        days = end.local.replace(hour=0, minute=0, second=0)
        last = days if days == end.local else days + timedelta(days=1)
        if last < start.local:
            raise BadValue
        return start.at(max(last, start.local + timedelta(days=1)))
    if end.is_date:
        ending = start.at(end.local)
        return ending if ending.local > start.local else start.at(end.local + timedelta(days=1))
    if end.local < start.local:
        mixed = TimeKind.FLOATING in (start.kind, end.kind)
        if mixed or zones.instant(end) < zones.instant(start):
            raise BadValue
    return end


def _on_clock_of(start: When, end: When, zones: Zones) -> When:
    """The end of a series in its start's zone: every occurrence lasts as long as the first (RFC 5545 3.8.5.3).

    :raises BadValue: it is before the start.
    """
    if end.kind is start.kind and end.zone == start.zone:
        return end
    ending = start.at(zones.wall(end, start))
    if ending.local >= start.local:
        return ending
    # The clock was put back in between: there is no such end on the wall, only a length.
    length = zones.instant(end) - zones.instant(start)
    if length < timedelta():
        raise BadValue
    return start.shifted(length)


def rule_of(index: Index, start: When, zones: Zones) -> tuple[str, ...]:
    """Rule lines: RRULE as it stands, but for an end that breaks RFC 5545, and all RDATEs in one line of wall times.

    :raises Rejected: ``recurrence_too_fine`` and ``recurrence_too_large``.
    """
    rules = [f"RRULE:{_ended(found.value.strip(), start, zones)}" for found in index.get("RRULE", ())]
    if any("FREQ=" not in rule.upper() for rule in rules):
        raise BadValue
    dates = sorted({moment.local for moment, _ in extra_dates(index, start, zones)})
    if dates:
        name = "RDATE;VALUE=DATE:" if start.is_date else "RDATE:"
        like = start if start.is_date else When(TimeKind.FLOATING, start.local)
        rules.append(name + ",".join(stamp(like.at(moment)) for moment in dates))
    check_rule(tuple(rules))
    return tuple(rules)


def _ended(rule: str, start: When, zones: Zones) -> str:
    """A rule whose UNTIL is a date where the start is one (RFC 5545 section 3.3.10), and a time that exists.

    The hour 24 ends the day that it names, so that this is the last one of days.
    """

    def until(match: re.Match[str]) -> str:
        text = match.group().strip().upper()
        try:
            given = value_at(text, "", zones)
        except BadValue:
            return match.group()
        if start.is_date and NIGHT in text:
            return text[:8]
        if start.is_date and given.kind is TimeKind.UTC:
            return stamp(start.at(zones.day(given, start)))
        return stamp(given) if NIGHT in text else match.group()

    return UNTIL.sub(until, rule)


def extra_dates(index: Index, start: When, zones: Zones) -> list[tuple[When, When | None]]:
    """The RDATEs as wall times of the series' zone, with an end where one was given as a period."""
    found: list[tuple[When, When | None]] = []
    for line in index.get("RDATE", ()):
        if "/" not in line.value:
            found.extend((start.at(zones.wall(moment, start)), None) for moment in values_of(line, zones))
            continue
        for text in line.value.split(","):
            found.append(_period(text, line, start, zones))
    return found


def _period(text: str, line: Line, start: When, zones: Zones) -> tuple[When, When | None]:
    first, _, last = text.partition("/")
    name = line.parameter("TZID").strip()
    begin = value_at(first, name, zones)
    if last.strip().upper().startswith(("P", "+P")):
        end = lasting(begin, last, zones, nominal=False)
    else:
        end = value_at(last, name, zones)
    return start.at(zones.wall(begin, start)), start.at(zones.wall(end, start))


def key_of(when: When, start: When, zones: Zones) -> str:
    """The key of an occurrence in a series that starts at ``start``."""
    return start.at(zones.wall(when, start)).key


def override_key(event: Component, start: When, zones: Zones) -> str:
    """The key an override stands for. :raises Unsupported: it stands for all that follow too."""
    line = event.first("RECURRENCE-ID")
    if line is None:
        raise BadValue
    if line.parameter("RANGE"):
        raise Unsupported
    return key_of(value_of(line, zones), start, zones)


def own_key(event: Component, zones: Zones) -> str:
    """The name of an override without its master: its RECURRENCE-ID in its own zone."""
    line = event.first("RECURRENCE-ID")
    if line is None:
        raise BadValue
    return value_of(line, zones).key


def is_named(event: Component, recurrence_id: str, blocks: Mapping[str, str]) -> bool:
    """Whether this is the override without its master that has this name; one that can't be read has none."""
    try:
        return own_key(event, zones_for(blocks, index_of(event))) == recurrence_id
    except (BadValue, ValueError, OverflowError):
        return False


def excluded_keys(index: Index, start: When, zones: Zones) -> list[str]:
    """The keys of all EXDATEs."""
    return [key_of(moment, start, zones) for line in index.get("EXDATE", ()) for moment in values_of(line, zones)]


def too_fine(error: Rejected) -> str:
    """The code of a refused rule in the words of a quarantine."""
    return "too_many_overrides" if error.code == "recurrence_too_large" else error.code
