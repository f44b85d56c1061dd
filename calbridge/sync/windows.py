"""Ranges of days (SYNC F2): what lies in them, local in a time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from calbridge.connectors.contract import Window
from calbridge.domain.content import Content
from calbridge.domain.recurrence import last_end, occurrences
from calbridge.domain.times import day
from calbridge.errors import Rejected


def in_window(shown: Content, window: Window, zone: str) -> bool:
    """Whether a single event, or any occurrence of a series, touches days of a window, local in ``zone`` (F2)."""
    span = shown.span
    if span is None:
        return False
    if window.start is None and window.end is None:
        return True
    low = day(window.start).instant(zone) if window.start else datetime.min.replace(tzinfo=UTC)
    high = day(window.end).instant(zone) if window.end else datetime.max.replace(tzinfo=UTC)
    if not span.recurring:
        return span.start.instant(zone) < high and span.end.instant(zone) > low
    if window.end is None:
        end = last_end(shown)
        return end is None or end > low
    try:
        start = max(low, span.start.instant(zone) - timedelta(days=1))
        return next(occurrences(shown, start, high), None) is not None
    except (Rejected, OverflowError):
        # Not expanded, so not known to be outside; what takes it in says why it stays a known row.
        return True


def local_window(today: date, past_days: int | None, future_days: int | None) -> Window:
    """A range of local days around today; None is unbounded (F2)."""
    start = today - timedelta(days=past_days) if past_days is not None else None
    end = today + timedelta(days=future_days + 1) if future_days is not None else None
    return Window(start, end)
