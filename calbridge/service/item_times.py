"""Start, end and rule of an item, read from JSON (SYNC A1, A2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from calbridge.domain.content import MASTER, Content, Field, Span
from calbridge.domain.recurrence import check_rule, occurrences, until
from calbridge.domain.series import rekey
from calbridge.domain.times import When
from calbridge.errors import Rejected
from calbridge.service.values import LAST_YEAR, Body, invalid, listed, text, when


class Keep:
    """The time is not named, so it stays."""


KEEP: Final = Keep()
MAX_LINES = 20
MAX_LINE = 60_000
"""Characters: room for 2,000 dates."""
MAX_INTERVAL = 1000
_INTERVAL = re.compile(r"INTERVAL=(\d+)(?=;|$)")
_PARTS = re.compile(r"[A-Z-]+=[A-Z0-9,+-]+(;[A-Z-]+=[A-Z0-9,+-]+)*")


def read_span(old: Span | None, body: Body) -> Span | Keep | None:
    """The time that a body gives; a start alone keeps the length.

    Raises Refused (``invalid_value``, ``unknown_time_zone``, ``recurrence_too_fine``, ``recurrence_too_large``).
    """
    if not {"start", "end", "recurrence"} & body.keys():
        return KEEP
    if "start" in body and body["start"] is None:
        if body.get("end") is not None or body.get("recurrence"):
            raise invalid("start", "end and recurrence need a start")
        return None
    start = when(body["start"], "start", old.start if old else None) if "start" in body else old.start if old else None
    if start is None:
        if body.get("end") is None and not body.get("recurrence"):
            return KEEP if old is None else None
        raise invalid("start", "is needed")
    rule = _rule(body["recurrence"], start) if "recurrence" in body else old.rule if old else ()
    return _checked(Span(start, _end(old, body, start), rule))


def _end(old: Span | None, body: Body, start: When) -> When:
    if body.get("end") is not None:
        return when(body["end"], "end", old.end if old else None)
    if "end" in body:
        raise invalid("end", "is needed with start")
    if old is not None and old.start.is_date == start.is_date:
        return start.shifted(old.duration)
    if start.is_date:
        return start.shifted(timedelta(days=1))
    raise invalid("end", "is needed")


def _checked(span: Span) -> Span:
    if span.start.is_date != span.end.is_date:
        raise invalid("end", "must be a date where start is one, else a time")
    if span.start.is_date and span.end.local <= span.start.local:
        raise invalid("end", "is the day after the last one")
    if not span.start.is_date and span.end.instant() < span.start.instant():
        raise invalid("end", "lies before start")
    return span


def _rule(value: object, start: When) -> tuple[str, ...]:
    rows = () if value is None else listed(value, "recurrence", MAX_LINES, "recurrence_too_large")
    lines = tuple(text(each, f"recurrence[{place}]", MAX_LINE).strip() for place, each in enumerate(rows))
    for place, line in enumerate(lines):
        _check_line(line, f"recurrence[{place}]")
    _refuse_unfit(lines)
    return lines


def _refuse_unfit(rule: tuple[str, ...]) -> None:
    try:
        check_rule(rule)
    except Rejected as refused:
        raise invalid("recurrence", code=refused.code) from None


def _check_line(line: str, field: str) -> None:
    name, _, rest = line.partition(":")
    kind = name.upper().partition(";")[0]
    if kind == "EXDATE":
        raise invalid(field, "leave an occurrence out by an override with cancelled: true")
    if kind not in {"RRULE", "RDATE"} or not rest:
        raise invalid(field, "must be a RRULE or RDATE of RFC 5545")
    if kind == "RRULE":
        if name.upper() != "RRULE" or not _PARTS.fullmatch(rest.upper()):
            raise invalid(field, "must be a RRULE of RFC 5545")
        interval = _INTERVAL.search(rest.upper())
        if "INTERVAL" in rest.upper() and (interval is None or not 1 <= int(interval.group(1)[:9]) <= MAX_INTERVAL):
            raise invalid(field, f"INTERVAL must be from 1 to {MAX_INTERVAL}")


def check_rule_works(content: Content, before: Span | None) -> None:
    """Whether the rule can be evaluated, and ends where it can; what it was ``before`` may have come with its event.

    Raises Refused (``invalid_value``, ``recurrence_too_large``).
    """
    span = content.span
    assert span is not None
    first = span.start.instant()
    _refuse_unfit(span.rule)
    try:
        for line in span.rule:
            if before is None or line not in before.rule:
                _check_end(line, span.start)
            elif not _over(line, before.start):
                _refuse_over(line, span.start)
        next(occurrences(content, first, first + timedelta(days=1)), None)
    except (Rejected, ValueError, OverflowError):
        raise invalid("recurrence", "is no rule of RFC 5545") from None


def _check_end(line: str, start: When) -> None:
    """How a rule ends (RFC 5545 section 3.3.10), as every calendar service wants it. Raises Refused, ValueError."""
    parts = dict(part.partition("=")[::2] for part in line.upper().partition(":")[2].split(";"))
    if "COUNT" in parts and "UNTIL" in parts:
        raise invalid("recurrence", "has COUNT or UNTIL, not both")
    _refuse_over(line, start)
    count = int(parts["COUNT"]) if "COUNT" in parts else 1
    if count < 1:
        raise invalid("recurrence", "COUNT must be at least 1")
    if count > _most_occurrences(parts, LAST_YEAR - start.local.year + 1):
        raise invalid("recurrence", f"COUNT leads beyond the year {LAST_YEAR}", "recurrence_too_large")


def _refuse_over(line: str, start: When) -> None:
    if _over(line, start):
        raise invalid("recurrence", "UNTIL lies before start")


def _over(line: str, start: When) -> bool:
    """Whether a rule ends before its series begins."""
    last = until(line, start) if "UNTIL=" in line.upper() else None
    return last is not None and last < start.local


def _most_occurrences(parts: Mapping[str, str], years: int) -> int:
    """No rule with these parts has more in so many years; most have fewer."""
    step, days = int(parts.get("INTERVAL", "1")), 366 * years
    match parts.get("FREQ"):
        case "DAILY":
            return days // step + 1
        case "WEEKLY":
            return (days // (7 * step) + 2) * len(parts.get("BYDAY", "").split(","))
        case frequency if not any(name.startswith("BY") for name in parts):
            return (12 * years if frequency == "MONTHLY" else years) // step + 1
    return days


def retimed(content: Content, span: Span | Keep | None) -> Content:
    """The content in the slots of its new time: occurrences move along with their series, or end with it (A2)."""
    if isinstance(span, Keep) or span == content.span:
        return content
    if span is None or not span.recurring:
        return Content({unit: value for unit, value in content.units.items() if unit[0] == MASTER})
    return rekey(content, span).content.with_units({(MASTER, Field.TIME): span})
