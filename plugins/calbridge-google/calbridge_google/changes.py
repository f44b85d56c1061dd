"""Listings and deltas (contract C1): events.list with ``singleEvents=false`` and a sync token.

Masters and exceptions come as items of their own, in any order, an exception also without its master. A full listing
learns from them which series have exceptions and tells those by their version alone; a delta reads each series that
it touches. The listing has no time range: what a token of a listing with one would tell is not documented.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from calbridge.connectors.contract import OPEN_WINDOW, Gone, Page, Seen, Unreadable
from calbridge.errors import Unavailable
from calbridge_google.bundle import Bundle, is_cancelled, lone, mark_of, row_of, series_id, version_of
from calbridge_google.cursor import cursor_text, token_of
from calbridge_google.limits import PAGE_SIZE, READABLE_TYPES, WRITABLE_TYPE
from calbridge_google.series import SERIES_AT_ONCE, Reader, items_of

Resource = Mapping[str, Any]
Entry = Seen | Gone | Unreadable
PAGE_ENTRIES = 1000
_MAX_PAGES = 10_000
_HELD = PAGE_SIZE
"""So many masters are held back until it is known whether they have exceptions: not more than a page holds (C2)."""


def changes(reader: Reader, cursor: str | None) -> Iterator[Page]:
    """Pages since the cursor, or a complete listing without one.

    Raises CursorExpired, CalendarGone, PermissionMissing, Throttled, Unavailable.
    """
    if cursor is None:
        yield from _everything(reader)
    else:
        yield from _since(reader, token_of(cursor))


def _everything(reader: Reader) -> Iterator[Page]:
    series = _Series()
    end = None
    for answer in _answers(reader, None):
        entries: list[Entry] = []
        for item in items_of(answer):
            entries += series.take(item)
        yield Page(entries)
        end = answer
    entries = series.rest()
    assert end is not None
    yield from _paged(entries, _end(end, full=True))


def _since(reader: Reader, token: str) -> Iterator[Page]:
    touched: dict[str, None] = {}
    instances: dict[str, dict[str, Resource]] = {}
    end = None
    for answer in _answers(reader, token):
        entries: list[Entry] = []
        for item in items_of(answer):
            if not _is_appointment(item):
                continue
            owner = series_id(item)
            name = owner or str(item.get("id") or "")
            if item.get("iCalUID"):
                reader.uids[name] = str(item["iCalUID"])
            if owner is not None:
                touched[owner] = None
                instances.setdefault(owner, {})[str(item.get("id"))] = item
            elif item.get("recurrence") and not is_cancelled(item):
                touched[name] = None
            else:
                touched.pop(name, None)
                entries += _single(item)
        if entries:
            yield Page(entries)
        end = answer
    assert end is not None
    yield from _touched(reader, list(touched), instances)
    yield _end(end, full=False)


def _touched(reader: Reader, ids: Sequence[str], instances: Mapping[str, Mapping[str, Resource]]) -> Iterator[Page]:
    """Every touched series as it is now; instances whose series is not here are events of their own."""
    for start in range(0, len(ids), SERIES_AT_ONCE):
        found = reader.read_series(ids[start : start + SERIES_AT_ONCE])
        entries: list[Entry] = []
        for name, each in found.items():
            lost = each.gone or (each.bundle is not None and is_cancelled(each.bundle.master))
            if lost:
                entries.append(Gone(name, sure=not each.gone))
                entries += [_alone(item) for item in instances.get(name, {}).values()]
            elif each.bundle is None:
                entries.append(Seen(name))
            else:
                # What were events of their own belongs to the series now that it is here.
                entries += [Gone(other) for other in instances.get(name, {})]
                entries += _entry(each.bundle)
        yield Page(entries)


def _alone(item: Resource) -> Entry:
    return Gone(str(item.get("id")), sure=True) if is_cancelled(item) else row_of(lone(item))


def _single(item: Resource) -> list[Entry]:
    name = str(item.get("id") or "")
    if not name:
        raise Unavailable("an event without an id", code="malformed_answer", sent=True)
    if is_cancelled(item):
        return [Gone(name, sure=True)]
    return _entry(Bundle(item))


def _entry(bundle: Bundle) -> list[Entry]:
    """Nothing for kinds of events that are no appointments."""
    return [row_of(bundle)] if _is_appointment(bundle.master) else []


def _is_appointment(item: Resource) -> bool:
    """Whether it is retrieved; what is deleted has no type any more."""
    return str(item.get("eventType") or WRITABLE_TYPE) in READABLE_TYPES


@dataclass
class _Series:
    """What a full listing has learned of series so far."""

    masters: dict[str, Resource | None] = field(default_factory=dict)
    """Held masters; None for those that were too many to hold."""
    heads: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Etag and UID of each master."""
    marks: dict[str, list[str]] = field(default_factory=dict)
    lone: dict[str, list[Resource]] = field(default_factory=dict)

    def take(self, item: Resource) -> list[Entry]:
        """An item of the listing: what can be told at once."""
        if not _is_appointment(item):
            return []
        owner = series_id(item)
        if owner is not None:
            self.marks.setdefault(owner, []).append(mark_of(item))
            if not is_cancelled(item) and owner not in self.heads:
                self.lone.setdefault(owner, []).append(item)
            return []
        if not item.get("recurrence") or is_cancelled(item):
            return _single(item)
        name = str(item.get("id") or "")
        self.lone.pop(name, None)
        self.heads[name] = (str(item.get("etag") or ""), str(item.get("iCalUID") or ""))
        held = sum(each is not None for each in self.masters.values()) < _HELD
        self.masters[name] = item if held else None
        return []

    def rest(self) -> list[Entry]:
        """All series, whole where they have no exceptions, and the instances whose series was not listed."""
        entries: list[Entry] = []
        for name, (etag, uid) in self.heads.items():
            master = self.masters[name]
            if master is not None and name not in self.marks:
                entries += _entry(Bundle(master))
            else:
                entries.append(Seen(name, version_of(etag, self.marks.get(name, ())), uid or None))
        return entries + [_alone(item) for items in self.lone.values() for item in items]


def _answers(reader: Reader, token: str | None) -> Iterator[Resource]:
    """All pages of one listing: the same query each time, and only a next token says that there is more."""
    query: dict[str, Any] = {"maxResults": PAGE_SIZE, "singleEvents": False}
    if token is not None:
        query["syncToken"] = token
    act = "list" if token is None else "delta"
    page: str | None = None
    for _ in range(_MAX_PAGES):
        more = {} if page is None else {"pageToken": page}
        answer = reader.client.one(reader.call("list", act, **query, **more))
        following = answer.get("nextPageToken")
        yield answer
        if not following:
            return
        if following == page:
            break
        page = str(following)
    raise Unavailable("a listing without an end", code="malformed_answer", sent=True)


def _end(answer: Resource, *, full: bool) -> Page:
    token = answer.get("nextSyncToken")
    if not token:
        raise Unavailable("a listing without a sync token", code="malformed_answer", sent=True)
    return Page((), cursor=cursor_text(str(token)), last=True, full=full, covers=OPEN_WINDOW if full else None)


def _paged(entries: Sequence[Entry], end: Page) -> Iterator[Page]:
    """The entries in pages of a bounded size before the last page."""
    for start in range(0, len(entries), PAGE_ENTRIES):
        yield Page(entries[start : start + PAGE_ENTRIES])
    yield end
