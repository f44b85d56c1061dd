"""Full listings, and deltas by the number of a change."""

from __future__ import annotations

import re
from collections.abc import Iterator

from calbridge.connectors.contract import OPEN_WINDOW, Gone, Page
from calbridge.errors import CursorExpired
from calbridge_sandbox.document import Calendar, Document
from calbridge_sandbox.events import shown

PAGE = 100
_CURSOR = re.compile(r"([0-9]{1,15})\.([0-9]{1,15})")


def pages(document: Document, calendar: Calendar, cursor: str | None, own: frozenset[str]) -> Iterator[Page]:
    """What there was when the document was read. Raises CursorExpired."""
    since = 0 if cursor is None else _number(document, calendar, cursor)
    changed = [name for name, stored in calendar.events.items() if stored.number > since]
    gone = [] if cursor is None else [name for name, number in calendar.gone.items() if number > since]
    rows = [*changed, *gone]
    for start in range(0, len(rows) or 1, PAGE):
        entries = [
            shown(name, calendar.events[name], own) if name in calendar.events else Gone(name, sure=True)
            for name in rows[start : start + PAGE]
        ]
        if start + PAGE < len(rows):
            yield Page(entries)
        else:
            told = f"{document.epoch}.{document.number}"
            full = cursor is None
            yield Page(entries, cursor=told, last=True, full=full, covers=OPEN_WINDOW if full else None)


def _number(document: Document, calendar: Calendar, cursor: str) -> int:
    found = _CURSOR.fullmatch(cursor)
    if found is None or int(found.group(1)) != document.epoch:
        raise CursorExpired()
    number = int(found.group(2))
    if not calendar.floor <= number <= document.number:
        raise CursorExpired()
    return number
