"""Recurrence lines to the rule of a series and back (RFC 5545; Google takes no DTSTART and wants UNTIL in UTC)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from calbridge.connectors.ical.moments import ENDLESS_YEARS, Zones, stamp
from calbridge.connectors.ical.moments import BadValue as BadLine
from calbridge.connectors.ical.series import Unsupported, excluded_keys, rule_of
from calbridge.connectors.ical.tree import Line
from calbridge.domain.content import Span
from calbridge.domain.recurrence import to_local
from calbridge.domain.times import TimeKind, When
from calbridge_google.times import BadValue

_UNTIL = re.compile(r"UNTIL=(\d{8})(T\d{6})?(Z)?", re.IGNORECASE)
__all__ = ["Unsupported", "excluded_of", "lines_of", "read_rule", "written_rule"]


def _index(lines: Iterable[object]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for text in lines:
        line = Line(str(text).strip())
        found.setdefault(line.name, []).append(line)
    return found


def _zones(start: When) -> Zones:
    year = min(max(start.local.year, 1), 9990)
    return Zones({}, year, year + ENDLESS_YEARS)


def read_rule(lines: Iterable[object], start: When) -> tuple[str, ...]:
    """The rule as the domain knows it.

    :raises BadValue: lines that can't be read; :raises Unsupported: EXRULE; :raises Rejected: too fine or too large.
    """
    index = _index(lines)
    if "EXRULE" in index:
        raise Unsupported
    try:
        return rule_of(index, start, _zones(start))
    except BadLine as error:
        raise BadValue from error


def excluded_of(lines: Iterable[object], start: When) -> tuple[str, ...]:
    """Keys of occurrences that EXDATE lines take out. :raises BadValue: lines that can't be read."""
    try:
        return tuple(dict.fromkeys(excluded_keys(_index(lines), start, _zones(start))))
    except BadLine as error:
        raise BadValue from error


def lines_of(span: Span, exdates: Sequence[str] = ()) -> list[str]:
    """What Google stores of a rule, with the exclusions that stand in the rule itself by their keys."""
    lines = [_line(written_rule(line, span.start), span.start) for line in span.rule]
    if exdates:
        moments = [span.start.at(datetime.fromisoformat(key)) for key in exdates]
        lines.append(_dates("EXDATE", moments, span.start))
    return lines


def _line(line: str, start: When) -> str:
    """A line of dates gets the zone that its wall times are in; a rule stays as it is."""
    name, _, body = line.partition(":")
    if not name.upper().startswith("RDATE"):
        return line
    texts = [text.strip() for text in body.split(",") if text.strip()]
    if start.is_date or any(text.endswith("Z") or "T" not in text for text in texts):
        return line
    return _dates("RDATE", [start.at(datetime.strptime(text, "%Y%m%dT%H%M%S")) for text in texts], start)


def _dates(name: str, moments: Sequence[When], start: When) -> str:
    kind = ";VALUE=DATE" if start.is_date else f";TZID={start.zone}" if start.kind is TimeKind.ZONED else ""
    return f"{name}{kind}:{','.join(stamp(moment) for moment in moments)}"


def written_rule(line: str, start: When) -> str:
    """A rule whose UNTIL is of the start's kind: a date for all-day series, else UTC (recurring events guide)."""
    if not line.upper().startswith("RRULE"):
        return line
    return _UNTIL.sub(lambda match: f"UNTIL={_until(match, start)}", line)


def _until(match: re.Match[str], start: When) -> str:
    date, time, zulu = match.groups()
    if start.is_date:
        if time and zulu:
            moment = datetime.strptime(f"{date}{time.upper()}", "%Y%m%dT%H%M%S")
            return f"{to_local(moment, start):%Y%m%d}"
        return str(date)
    if time and zulu:
        return f"{date}{time}Z".upper()
    local = datetime.strptime(f"{date}{(time or 'T235959').upper()}", "%Y%m%dT%H%M%S")
    return f"{start.at(local).instant():%Y%m%dT%H%M%SZ}"
