"""Whether a series reaches into the time after a moment, where its row does not tell."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from calbridge.domain.content import Span
from calbridge.domain.item import Item
from calbridge.domain.recurrence import MAX_OCCURRENCES, last_end, occurrences
from calbridge.errors import Rejected

DEFAULT_MINUTES = 30
_EVER = datetime(9990, 1, 1, tzinfo=UTC)
_COUNT = re.compile(r"COUNT=(\d{1,9})")
_CLOSE = timedelta(days=3)
"""An end that is read from UNTIL lies at most so much, and the length of an occurrence, too late."""


def over_before(item: Item, start: datetime) -> bool:
    """Whether all of an item is over at this moment, by its rule; False where that can't be told."""
    content = item.calendar_content(DEFAULT_MINUTES)
    span = content.span
    if span is None or not span.recurring:
        return False
    end = last_end(content)
    if not (_counted(span.rule) if end is None else _ends_close(span, end, start)):
        return False
    try:
        return next(occurrences(content, start, _EVER), None) is None
    except (Rejected, ValueError, OverflowError):
        return False


def _ends_close(span: Span, end: datetime, start: datetime) -> bool:
    """Whether the moment lies where an UNTIL leaves it open, after a time whose days are soon gone through."""
    return end - span.duration - start < _CLOSE and start - span.start.instant() < timedelta(days=MAX_OCCURRENCES)


def _counted(rule: tuple[str, ...]) -> bool:
    """Whether each rule ends after a number of occurrences that are soon gone through."""
    rules = [_COUNT.search(line.upper()) for line in rule if line.upper().startswith("RRULE")]
    return all(found is not None and int(found.group(1)) <= MAX_OCCURRENCES for found in rules)
