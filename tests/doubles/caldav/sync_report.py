"""REPORT sync-collection (RFC 6578) with the ways in which servers get it wrong."""

from __future__ import annotations

from xml.sax.saxutils import escape

from tests.doubles.caldav.messages import DAV, Request, Response, error
from tests.doubles.caldav.properties import element
from tests.doubles.caldav.site import Site, multistatus, propstat, row, status_line
from tests.doubles.caldav.state import Calendar, Change, InvalidToken


def sync_collection(site: Site, calendar: Calendar, request: Request) -> Response:
    """The delta since the token in the request."""
    quirks = site.quirks
    if not quirks.sync_collection:
        return error(403, "supported-report")
    root = request.xml
    token = "" if root is None else (root.findtext(f"{DAV}sync-token") or "").strip()
    try:
        if not token and quirks.refuses_empty_token:
            raise InvalidToken(token)
        number = calendar.number(token)
    except InvalidToken:
        if not quirks.bad_tokens_pass:
            return error(quirks.token_refusal_status, "valid-sync-token" if quirks.token_refusal_named else None)
        token, number = "", 0
    return _delta(site, calendar, token, number)


def _delta(site: Site, calendar: Calendar, token: str, number: int) -> Response:
    quirks = site.quirks
    changes = _changes(site, calendar, token, number)
    newest = calendar.token()
    rows = []
    if quirks.sync_page is not None and len(changes) > quirks.sync_page:
        changes = changes[: quirks.sync_page]
        if not quirks.truncated_token_skips_rest:
            newest = calendar.token(changes[-1].number)
            within = "<D:error><D:number-of-matches-within-limits/></D:error>"
            rows.append(row(site.href(calendar.path), status_line(507) + within))
    if quirks.lists_collection_row:
        rows.append(row(site.href(calendar.path), propstat(200, element(f"{DAV}getetag", '"collection"'))))
    if quirks.lists_foreign_rows:
        rows.append(row(site.href(calendar.path + "notes.txt"), propstat(200, element(f"{DAV}getetag", '"foreign"'))))
    if quirks.never_seen_gone_rows and token:
        rows.append(row(site.href(calendar.path + "never-seen.ics"), status_line(404)))
    if quirks.removals_share_a_row:
        gone = [change for change in changes if change.name not in calendar.objects]
        changes = [change for change in changes if change not in gone]
        hrefs = "</D:href><D:href>".join(site.href(calendar.path + change.name) for change in gone)
        rows += [row(hrefs, status_line(404))] if gone else []
    rows += [_row(site, calendar, change) for change in changes]
    return multistatus(rows, f"<D:sync-token>{escape(newest)}</D:sync-token>")


def _changes(site: Site, calendar: Calendar, token: str, number: int) -> list[Change]:
    """Changes to tell: of an initial sync only those that left something (RFC 6578 section 3.4)."""
    if site.quirks.lists_empty:
        return []
    if token and site.quirks.repeats_same_second and number:
        second = calendar.changes[number - 1].second
        number = next(change.number for change in calendar.changes if change.second >= second) - 1
    found = [change for change in calendar.since(number) if change.name]
    if not token:
        found = [change for change in found if change.name in calendar.objects]
    return found


def _row(site: Site, calendar: Calendar, change: Change) -> str:
    href = site.href(calendar.path + change.name)
    stored = calendar.objects.get(change.name)
    if change.name in site.quirks.error_rows:
        return row(href, status_line(500))
    if stored is None:
        return row(href, status_line(404))
    return row(href, propstat(site.quirks.row_status, element(f"{DAV}getetag", escape(stored.etag))))
