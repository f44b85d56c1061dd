"""Lists of occurrences: what lies in a window, by time (DESIGN: Security, bombs)."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from calbridge.domain.content import Span
from calbridge.domain.item import Item
from calbridge.domain.recurrence import occurrences
from calbridge.errors import Refused, Rejected
from calbridge.log import get_logger
from calbridge.service.item_json import Shown
from calbridge.service.item_out import occurrence
from calbridge.service.parts import Parts
from calbridge.service.values import invalid
from calbridge.store.items import ItemFilter

LONGEST_EXPANSION = timedelta(days=370)
MOST_OCCURRENCES = 10_000
EXPANSION_SECONDS = 10.0
PAGE = 500
DEFAULT_MINUTES = 30
_MOMENT = timedelta(seconds=1)
log = get_logger(__name__)

Place = tuple[datetime, str, str]
"""Where an occurrence stands in a list: its start, its item's id, its key in the series."""


@dataclass(frozen=True, slots=True)
class OccurrenceRow:
    """An entry of the list, and its place."""

    place: Place
    item: dict[str, Any]


def list_occurrences(
    parts: Parts, tenant: str, user_id: str, chosen: ItemFilter, *, after: Place | None = None, limit: int | None = None
) -> list[OccurrenceRow]:
    """Occurrences that touch the half-open window, by time, after ``after``; all of them without ``limit``.

    ``chosen`` needs both ends, at most 370 days apart; there may be at most 10,000. Raises Refused (``user_not_found``,
    ``invalid_value``, ``recurrence_too_large``).
    """
    start, end = chosen.start, chosen.end
    if start is None or end is None:
        raise invalid("expand", "needs from and to")
    if not timedelta(0) < end - start <= LONGEST_EXPANSION:
        raise invalid("to", f"must lie at most {LONGEST_EXPANSION.days} days after from")
    if after is not None:
        # What began earlier was listed already.
        start = max(start, after[0] - _MOMENT)
    found = _in_order(_Asked(parts, tenant, user_id, replace(chosen, start=start)), start, end, after)[:limit]
    return [OccurrenceRow(place, occurrence(item, place[2], span, links)) for place, span, item, links in found]


@dataclass(frozen=True, slots=True)
class _Asked:
    parts: Parts
    tenant: str
    user_id: str
    chosen: ItemFilter


_Row = tuple[Place, Span, Item, Sequence[Shown]]


def _in_order(asked: _Asked, start: datetime, end: datetime, after: Place | None) -> list[_Row]:
    found: list[_Row] = []
    stop = time.monotonic() + EXPANSION_SECONDS
    last: str | None = None
    with asked.parts.database.read(asked.tenant) as work:
        while page := work.items.list(asked.user_id, asked.chosen, last, PAGE):
            last = page[-1].id
            linked = work.memories.links_of_items([item.id for item in page])
            for item in page:
                links = [Shown(*each) for each in linked.get(item.id, ())]
                for key, span in _occurrences(item, start, end):
                    place = (span.start.instant(), item.id, key)
                    if after is None or place > after:
                        found.append((place, span, item, links))
                    if len(found) > MOST_OCCURRENCES or time.monotonic() > stop:
                        raise Refused("ask for a shorter range", code="recurrence_too_large")
        if last is None:
            work.users.require(asked.user_id)
    return sorted(found, key=lambda row: row[0])


def _occurrences(item: Item, start: datetime, end: datetime) -> list[tuple[str, Span]]:
    """The occurrences of an item in the window; a series that can't be expanded shows its first one alone."""
    content = item.calendar_content(DEFAULT_MINUTES)
    try:
        return list(occurrences(content, start, end))
    except (Rejected, ValueError, OverflowError) as error:
        log.warning("not_expanded", item=item.id, error=type(error).__name__)
        span = content.span
        return [] if span is None or not start <= span.start.instant() < end else [("", span)]
