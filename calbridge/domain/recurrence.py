"""Rules of series: what is accepted, whether a slot exists, which occurrences lie in a window.

A rule passes through untouched as text (SYNC A2); it is only read to show occurrences and to check a slot.
Rules finer than daily are never expanded, and every expansion has a cap (DESIGN 8).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from dateutil.rrule import rrulebase, rruleset, rrulestr

from calbridge.domain.content import MASTER, Content, Field, Span, slot_span
from calbridge.domain.times import TimeKind, When, zone_info
from calbridge.errors import Rejected

MAX_EXCEPTIONS = 2000
"""Overrides, RDATEs and EXDATEs of one series (DESIGN 8)."""
MAX_OCCURRENCES = 10_000
MAX_STEPS = 200_000
_LONGEST = {month: 29 if month == 2 else 30 if month in {4, 6, 9, 11} else 31 for month in range(1, 13)}
_FREQUENCY = re.compile(r"FREQ=([A-Z]+)")
_COARSE = {"DAILY", "WEEKLY", "MONTHLY", "YEARLY"}
_NO_RULE = (ValueError, TypeError, OverflowError, LookupError, AttributeError)
"""What dateutil raises over parts that RFC 5545 doesn't know, or that it doesn't know itself (RFC 7529)."""
_UNTIL = re.compile(r"UNTIL=(\d{8})(T\d{6})?(Z)?")


def check_rule(rule: tuple[str, ...]) -> None:
    """Refuse what must not be expanded.

    :raises Rejected: ``recurrence_too_fine``, ``recurrence_too_large``, ``unsupported_recurrence`` (an interval of
        nothing, or days that no month has: dateutil would not end).
    """
    dates = 0
    for line in rule:
        upper = line.upper()
        found = _FREQUENCY.search(upper)
        if upper.startswith("RRULE") and (found is None or found.group(1) not in _COARSE):
            raise Rejected(code="recurrence_too_fine", field=Field.TIME)
        if upper.startswith("RRULE") and (re.search(r"INTERVAL=(0+(;|$)|-)", upper) or _never_matches(upper)):
            raise Rejected(code="unsupported_recurrence", field=Field.TIME)
        if upper.startswith("RRULE") and re.search(r"BY(HOUR|MINUTE|SECOND)=", upper):
            raise Rejected(code="recurrence_too_fine", field=Field.TIME)
        if upper.startswith(("RDATE", "EXDATE")):
            dates += upper.count(",") + 1
    if dates > MAX_EXCEPTIONS:
        raise Rejected(code="recurrence_too_large", field=Field.TIME)


def _never_matches(rule: str) -> bool:
    """Whether the named days of the month exist in none of the named months: dateutil would look to the year 9999."""
    parts = dict(part.partition("=")[::2] for part in rule.partition(":")[2].split(";"))
    days = [int(each) for each in parts.get("BYMONTHDAY", "").split(",") if re.fullmatch(r"[+-]?\d{1,2}", each)]
    months = [int(each) for each in parts.get("BYMONTH", "").split(",") if re.fullmatch(r"\d{1,2}", each)]
    longest = max((_LONGEST.get(month, 0) for month in months), default=31)
    return bool(days) and all(abs(each) > longest or each == 0 for each in days)


def has_slot(span: Span, key: str) -> bool:
    """Whether the series has an occurrence at this original local start; True where the rule can't be evaluated."""
    try:
        moment = datetime.fromisoformat(key)
        found = next(_starts(span, moment, moment), None)
    except (ValueError, Rejected):
        return True
    return found == moment


def _starts(span: Span, after: datetime, before: datetime) -> Iterator[datetime]:
    """Local starts of the rule inside the closed window, in order, capped. :raises Rejected: no rule to go by."""
    check_rule(span.rule)
    first = span.start.local
    try:
        rules = _ruleset(span)
    except _NO_RULE:
        raise Rejected(code="unsupported_recurrence", field=Field.TIME) from None
    steps = islice(rules, MAX_STEPS) if after <= first else rules.xafter(after, inc=True)
    shown_first = after <= first <= before
    if shown_first:
        yield first
    for moment in islice(steps, MAX_STEPS):
        if moment > before:
            return
        if moment >= after and moment != first:
            yield moment


def _ruleset(span: Span) -> rrulebase:
    """The rules of a series; a single one as it is, because a set of one costs half as much again."""
    if len(span.rule) == 1 and span.rule[0][:6].upper() == "RRULE:":
        return _rule(span.rule[0][6:], span.start)
    found = rruleset(cache=False)
    for line in span.rule:
        name, _, body = line.partition(":")
        if name.upper().startswith("RRULE"):
            found.rrule(_rule(body, span.start))  # type: ignore[arg-type]
        elif name.upper().startswith("RDATE"):
            for text in body.split(","):
                found.rdate(_local_date(text, span.start))
    return found


def _rule(body: str, start: When) -> rrulebase:
    return rrulestr(_local_until(body, start), dtstart=start.local)


def _local_date(text: str, start: When) -> datetime:
    """One RDATE value as local wall time; of a PERIOD the start counts."""
    text = text.strip().upper().split("/")[0]
    if "T" not in text:
        return datetime.strptime(text, "%Y%m%d").replace(
            hour=start.local.hour, minute=start.local.minute, second=start.local.second
        )
    moment = datetime.strptime(text.rstrip("Z"), "%Y%m%dT%H%M%S")
    return to_local(moment, start) if text.endswith("Z") else moment


def _local_until(body: str, start: When) -> str:
    """UNTIL in local wall time, because the expansion runs on wall time (RFC 5545 3.3.10: UTC when zoned)."""

    def local(match: re.Match[str]) -> str:
        date, time, zulu = match.groups()
        if time is None:
            return f"UNTIL={date}T235959"
        moment = datetime.strptime(date + time, "%Y%m%dT%H%M%S")
        if zulu:
            moment = _last_moment(moment, start)
        return f"UNTIL={moment:%Y%m%dT%H%M%S}"

    return _UNTIL.sub(local, body.upper().rstrip(";"))


def until(line: str, start: When) -> datetime | None:
    """The UNTIL of a rule as wall time of its series, a date as its last second; None where there is none.

    :raises ValueError: it is no time.
    """
    found = re.search(r"UNTIL=(\d{8}T\d{6})", _local_until(line, start))
    return None if found is None else datetime.strptime(found.group(1), "%Y%m%dT%H%M%S")


def _last_moment(instant: datetime, like: When) -> datetime:
    """As wall time; where that is after the last of all days, the last moment."""
    try:
        return to_local(instant, like)
    except OverflowError:
        return datetime.max


def to_local(instant: datetime, like: When) -> datetime:
    """A naive UTC instant as wall time of the zone of ``like``."""
    if like.kind is not TimeKind.ZONED:
        return instant if like.offset is None else instant + timedelta(seconds=like.offset)
    return instant.replace(tzinfo=UTC).astimezone(zone_info(like.zone or "UTC")).replace(tzinfo=None, fold=0)


def occurrences(item: Content, start: datetime, end: datetime) -> Iterator[tuple[str, Span]]:
    """Occurrences that touch the half-open window of aware instants: key and time, overrides in place.

    At most :data:`MAX_OCCURRENCES`. :raises Rejected: for rules that are not expanded.
    """
    span = item.span
    if span is None:
        return
    if not span.recurring:
        if _touches(span, start, end):
            yield MASTER, span
        return
    seen = 0
    low = to_local(start.astimezone(UTC).replace(tzinfo=None), span.start) - span.duration - timedelta(days=1)
    high = to_local(end.astimezone(UTC).replace(tzinfo=None), span.start) + timedelta(days=1)
    for key, own in _slots(item, span, low, high):
        if _touches(own, start, end):
            yield key, own
            seen += 1
            if seen >= MAX_OCCURRENCES:
                return


def _slots(item: Content, span: Span, low: datetime, high: datetime) -> Iterator[tuple[str, Span]]:
    done = set()
    for moment in _starts(span, low, high):
        key = span.start.at(moment).key
        done.add(key)
        if item.excluded(key):
            continue
        own = item.get((key, Field.TIME))
        yield key, own if isinstance(own, Span) else slot_span(span, key)
    for key in item.keys:
        own = item.get((key, Field.TIME))
        if key not in done and isinstance(own, Span):
            yield key, own


def _touches(span: Span, start: datetime, end: datetime) -> bool:
    first, last = span.start.instant(), span.end.instant()
    return first < end and (last > start or (first == last and first >= start))


def last_end(item: Content) -> datetime | None:
    """When all of it is over; None for a series without an end that can be read from its rule."""
    span = item.span
    if span is None:
        return None
    if not span.recurring:
        return span.end.instant()
    until = [_UNTIL.search(line.upper()) for line in span.rule if line.upper().startswith("RRULE")]
    if not until or any(match is None for match in until):
        return None
    try:
        found = [datetime.strptime(match.group(1), "%Y%m%d").replace(tzinfo=UTC) for match in until if match]
        return max(found) + timedelta(days=2) + span.duration
    except (ValueError, OverflowError):
        return None
