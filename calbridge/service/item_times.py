"""Start, end and rule of an item, read from JSON (SYNC A1, A2)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from calbridge.domain.content import MASTER, Content, Field, Span
from calbridge.domain.recurrence import check_rule, occurrences
from calbridge.domain.series import rekey
from calbridge.domain.times import When
from calbridge.errors import Rejected
from calbridge.service.values import Body, invalid, listed, text, when


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


def check_rule_works(content: Content) -> None:
    """Whether the rule can be evaluated. Raises Refused (``invalid_value``)."""
    span = content.span
    assert span is not None
    first = span.start.instant()
    _refuse_unfit(span.rule)
    try:
        next(occurrences(content, first, first + timedelta(days=1)), None)
    except (Rejected, ValueError, OverflowError):
        raise invalid("recurrence", "is no rule of RFC 5545") from None


def retimed(content: Content, span: Span | Keep | None) -> Content:
    """The content in the slots of its new time: occurrences move along with their series, or end with it (A2)."""
    if isinstance(span, Keep) or span == content.span:
        return content
    if span is None or not span.recurring:
        return Content({unit: value for unit, value in content.units.items() if unit[0] == MASTER})
    return rekey(content, span).content.with_units({(MASTER, Field.TIME): span})
