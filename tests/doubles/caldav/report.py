"""REPORT: calendar-multiget and a minimal calendar-query (RFC 4791 sections 7.8 and 7.9)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from tests.doubles.caldav import ics
from tests.doubles.caldav.messages import CALDAV, DAV, Dropped, Request, Response, error, login_page
from tests.doubles.caldav.properties import element
from tests.doubles.caldav.site import Site, multistatus, propstat, row, status_line
from tests.doubles.caldav.state import Calendar, Stored
from tests.doubles.caldav.sync_report import sync_collection

# XML 1.0 has no place for these characters, however they are written.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def report(site: Site, request: Request) -> Response:
    """Answer a REPORT that the strict part let through."""
    if site.quirks.calendar_vanished is not None:
        return error(site.quirks.calendar_vanished)
    calendar = site.state.calendar_at(request.path)
    root = request.xml
    if calendar is None or root is None:
        return error(404)
    if root.tag == f"{DAV}sync-collection":
        return sync_collection(site, calendar, request)
    if root.tag == f"{CALDAV}calendar-multiget":
        return _multiget(site, calendar, root)
    if root.tag == f"{CALDAV}calendar-query" and site.quirks.knows_queries:
        return _query(site, calendar, root)
    return error(403, "supported-report")


def _multiget(site: Site, calendar: Calendar, root: Element) -> Response:
    quirks = site.quirks
    paths = [unquote(urlsplit((href.text or "").strip()).path) for href in root.iter(f"{DAV}href")]
    if quirks.multiget_max is not None and len(paths) > quirks.multiget_max:
        return error(quirks.multiget_max_status)
    names = [path.rpartition("/")[2] for path in paths]
    if (fatal := fatal_answer(site, names)) is not None:
        return fatal
    if site.count_down("multiget_newer_times"):
        for name in names:
            if name in calendar.objects:
                calendar.store(name, _touched(calendar.objects[name].body))
    lagging = calendar.changes[-1].name if calendar.changes and site.count_down("multiget_lags_times") else None
    rows = []
    for name in names:
        stored = None if name == lagging else calendar.objects.get(name)
        if stored is not None:
            rows.append(_data_row(site, calendar, name, stored, root, ""))
        elif not quirks.multiget_omits_missing:
            rows.append(row(site.href(calendar.path + name), status_line(404)))
    return multistatus(rows)


def fatal_answer(site: Site, names: Iterable[str]) -> Response | None:
    """What a request that names a fatal object is answered in place of everything.

    :raises Dropped: the connection ends.
    """
    how = site.quirks.fatal_answer
    if site.quirks.fatal_objects.isdisjoint(names) or how == "late":
        return None
    if how == "lost":
        raise Dropped
    return login_page() if how == "html" else error(how)


def _query(site: Site, calendar: Calendar, root: Element) -> Response:
    if site.quirks.fatal_queries and (fatal := fatal_answer(site, calendar.objects)) is not None:
        return fatal
    inner = root.find(f"{CALDAV}filter/{CALDAV}comp-filter/{CALDAV}comp-filter")
    component = "" if inner is None else inner.get("name", "")
    ranged = None if inner is None else inner.find(f"{CALDAV}time-range")
    start = "" if ranged is None else ranged.get("start", "")
    end = "99999999" if ranged is None else ranged.get("end", "99999999")
    wanted = "" if inner is None else inner.findtext(f"{CALDAV}prop-filter[@name='UID']/{CALDAV}text-match", "")
    if site.quirks.lists_empty:
        return multistatus([])
    rows = [
        _data_row(site, calendar, name, stored, root, start)
        for name, stored in calendar.objects.items()
        if _matches(stored.body, component, start, end) and any(wanted in uid for uid in stored.uids)
    ]
    return multistatus(rows)


def _matches(body: bytes, component: str, start: str, end: str) -> bool:
    """By days, and a series always: enough for a client that may not rely on ranges anyway."""
    try:
        entries = [entry for entry in ics.items(ics.parse(body)) if entry.name == component]
    except ics.NotCalendar:
        return False
    return any(
        entry.value("RRULE") is not None
        or ((entry.value("DTSTART") or "")[:8] <= end[:8] and (entry.value("DTEND") or "9")[:8] >= start[:8])
        for entry in entries
    )


def _data_row(site: Site, calendar: Calendar, name: str, stored: Stored, root: Element, start: str) -> str:
    href = site.href(calendar.path + name)
    if name in site.quirks.object_errors:
        return row(href, status_line(500))
    prop = root.find(f"{DAV}prop")
    asked = [] if prop is None else [child.tag for child in prop]
    inner = element(f"{DAV}getetag", escape(stored.etag)) if f"{DAV}getetag" in asked else ""
    if f"{CALDAV}calendar-data" in asked:
        inner += element(f"{CALDAV}calendar-data", _data(site, name, stored, start))
    return row(href, propstat(200, inner))


def _data(site: Site, name: str, stored: Stored, start: str) -> str:
    if name in site.quirks.empty_data:
        return ""
    body = stored.body
    if site.quirks.adds_recurrence_exception and start:
        body = body.replace(b"END:VEVENT", f"X-RECURRENCE-EXCEPTION:{start}\r\nEND:VEVENT".encode(), 1)
    text = body.decode("utf-8", errors="replace")
    return escape(text if site.quirks.control_characters_in_xml else _NOT_XML.sub("", text))


def _touched(body: bytes) -> bytes:
    """The same meaning with other bytes."""
    count = body.count(b"X-TOUCHED")
    return body.replace(b"END:VEVENT", f"X-TOUCHED:{count}\r\nEND:VEVENT".encode(), 1)
