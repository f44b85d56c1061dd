"""What changed in a calendar: sync-collection (RFC 6578), else ctag and listing (contract C1, dossier 4).

A full listing by sync-collection is one request: the empty token gives all members and the token. No limit is ever
sent; pages the server cuts by itself (a 507 row) become checkpoints.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from calbridge.connectors.contract import OPEN_WINDOW, Gone, Page, Seen
from calbridge.connectors.transport import Response
from calbridge.errors import CursorExpired, Unavailable
from calbridge_caldav import bodies
from calbridge_caldav.collection import Collection
from calbridge_caldav.cursor import Cursor, read_cursor
from calbridge_caldav.hrefs import canonical, is_event_name
from calbridge_caldav.listing import list_members, read_state
from calbridge_caldav.multistatus import Multistatus, read_multistatus
from calbridge_caldav.quirks import COUNTER_ETAG, EXPIRED_TOKEN_SERVER_ERRORS, SILENT_PAGE_SIZE

PAGE_ENTRIES = 1000
_MAX_SERVER_PAGES = 10_000

Entry = Seen | Gone


def changes(collection: Collection, cursor: str | None) -> Iterator[Page]:
    """Pages since the cursor, or a complete listing without one.

    Raises CursorExpired, CalendarGone, PermissionMissing, Unavailable.
    """
    if cursor is None:
        yield from _everything(collection)
        return
    known = read_cursor(cursor)
    if known.kind == "sync":
        yield from _since(collection, known.mark)
        return
    state = read_state(collection)
    if known.kind == "ctag" and state.ctag == known.mark:
        yield Page((), cursor=cursor, last=True)
        return
    yield from _listed(collection, _cursor_of(state.ctag))


def _since(collection: Collection, token: str) -> Iterator[Page]:
    """The delta: its entries, page by page. Equal versions of SOGo prove nothing, so those are left out."""
    for _ in range(_MAX_SERVER_PAGES):
        answer = _ask(collection, token)
        if answer is None:
            raise CursorExpired("the server does not know the sync-token")
        entries, truncated = _entries(collection, answer, trusted=False)
        token, before = _token(answer), token
        if not truncated:
            yield from _pages(entries, Page((), cursor=Cursor("sync", token).text, last=True))
            return
        if token == before:
            break
        yield from _pages(entries, Page((), checkpoint=Cursor("sync", token).text))
    raise Unavailable("a listing without an end", code="malformed_answer", sent=True)


def _everything(collection: Collection) -> Iterator[Page]:
    token, listed = "", set[str]()
    for _ in range(_MAX_SERVER_PAGES):
        answer = _ask(collection, token)
        if answer is None or not answer.token or (token and answer.token == token):
            yield from _without_token(collection)
            return
        entries, truncated = _entries(collection, answer, trusted=True)
        if not token:
            # An initial answer holds no removals (RFC 6578 section 3.4); whoever sends some means old ones.
            entries = [entry for entry in entries if isinstance(entry, Seen)]
        token = answer.token
        del answer  # it has as many rows as the calendar has events
        listed.update(entry.remote_id for entry in entries)
        cursor = Cursor("sync", token).text
        if truncated:
            yield from _pages(entries, Page((), checkpoint=cursor))
            continue
        if listed and len(listed) % SILENT_PAGE_SIZE == 0:
            members = list_members(collection)
            entries += _seen({path: etag for path, etag in members.items() if path not in listed})
            del members
        listed.clear()
        yield from _pages(entries, Page((), cursor=cursor, last=True, full=True, covers=OPEN_WINDOW))
        return
    raise Unavailable("a listing without an end", code="malformed_answer", sent=True)


def _without_token(collection: Collection) -> Iterator[Page]:
    """Where an empty token is refused a token may still be had as a property (dossier 4.1, empty token)."""
    state = read_state(collection)
    if state.token:
        yield from _listed(collection, Cursor("sync", state.token))
    else:
        yield from _listed(collection, _cursor_of(state.ctag))


def _listed(collection: Collection, cursor: Cursor) -> Iterator[Page]:
    entries = _seen(list_members(collection))
    yield from _pages(entries, Page((), cursor=cursor.text, last=True, full=True, covers=OPEN_WINDOW))


def _cursor_of(ctag: str | None) -> Cursor:
    return Cursor("ctag", ctag) if ctag else Cursor("list")


def _ask(collection: Collection, token: str) -> Multistatus | None:
    """One REPORT; None where the server refuses the token (or the report itself, for the empty token)."""
    response: Response = collection.report(bodies.sync_collection(token), depth=0)
    refused = 400 <= response.status < 500 or response.status in EXPIRED_TOKEN_SERVER_ERRORS | {507}
    return None if refused else read_multistatus(response)


def _token(answer: Multistatus) -> str:
    """Raises Unavailable where it is missing: without it an empty answer means nothing."""
    if not answer.token:
        raise Unavailable("a delta without sync-token", code="malformed_answer", sent=True)
    return answer.token


def _entries(collection: Collection, answer: Multistatus, *, trusted: bool) -> tuple[list[Entry], bool]:
    """Rows that concern events, and whether the server cut the answer.

    A row with another error says that something is there: it is seen without a version, so that fetching finds out.
    """
    entries: list[Entry] = []
    truncated = False
    for row in answer.rows:
        path = canonical(row.href)
        if row.status == 507:
            truncated = True
        elif not (collection.contains(path) and is_event_name(path)):
            continue
        elif row.status in (404, 410):
            entries.append(Gone(path, sure=True))
        elif row.status is not None and row.status >= 300:
            entries.append(Seen(path))
        else:
            entries.append(Seen(path, _version(row.etag, trusted=trusted)))
    return entries, truncated


def _version(etag: str | None, *, trusted: bool) -> str | None:
    return etag if trusted or etag is None or not COUNTER_ETAG.fullmatch(etag) else None


def _seen(members: dict[str, str | None]) -> list[Entry]:
    return [Seen(path, etag) for path, etag in members.items()]


def _pages(entries: Sequence[Entry], end: Page) -> Iterator[Page]:
    """The entries in pages of a bounded size; what ``end`` says stands on the last of them."""
    start = 0
    while len(entries) - start > PAGE_ENTRIES:
        yield Page(entries[start : start + PAGE_ENTRIES])
        start += PAGE_ENTRIES
    yield replace(end, entries=entries[start:])
