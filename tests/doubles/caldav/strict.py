"""The strict part: names of requests that a careful client never sends."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element

from tests.doubles.caldav import ics
from tests.doubles.caldav.messages import CALDAV, DAV, Request
from tests.doubles.caldav.site import OTHER, Site

_ETAG = re.compile(r'^(W/)?"[^"]*"$')
_OWN_NAME = re.compile(r"^[A-Za-z0-9-]+\.ics$")
_XML_TYPES = ("application/xml", "text/xml")


def breach_of(site: Site, request: Request) -> str | None:
    """The rule a request breaks, or ``None``. Pure: it records nothing."""
    if request.host == OTHER and "authorization" in request.headers:
        return "credentials_to_foreign_host"
    check = {"PROPFIND": _propfind, "REPORT": _report, "PUT": _put, "DELETE": _delete, "MKCALENDAR": _mkcalendar}.get(
        request.method
    )
    return None if check is None else check(site, request)


def _xml_body(request: Request) -> str | None:
    if request.headers.get("content-type", "").split(";")[0].strip().lower() not in _XML_TYPES:
        return "xml_without_content_type"
    if b"<!DOCTYPE" in request.body:
        return "xml_with_dtd"
    return "xml_unreadable" if request.xml is None else None


def _propfind(site: Site, request: Request) -> str | None:
    if request.headers.get("depth") not in ("0", "1"):
        return "propfind_depth"
    if not request.body:
        return "propfind_without_body"
    root = request.xml
    prop = None if root is None else root.find(f"{DAV}prop")
    return _xml_body(request) or ("propfind_names_nothing" if prop is None or len(prop) == 0 else None)


def _mkcalendar(site: Site, request: Request) -> str | None:
    return _xml_body(request) if request.body else None


def _report(site: Site, request: Request) -> str | None:
    broken, root = _xml_body(request), request.xml
    if broken is not None or root is None:
        return broken
    if site.state.home_at(request.path) is not None:
        return "report_on_home"
    check = {
        f"{DAV}sync-collection": _sync_collection,
        f"{CALDAV}calendar-multiget": _multiget,
        f"{CALDAV}calendar-query": _query,
    }.get(root.tag)
    return "report_unknown" if check is None else check(site, request, root)


def _sync_collection(site: Site, request: Request, root: Element) -> str | None:
    if request.headers.get("depth") != "0":
        return "sync_collection_depth"
    if root.find(f".//{DAV}limit") is not None:
        return "sync_collection_limit"
    if root.find(f".//{CALDAV}calendar-data") is not None:
        return "sync_collection_asks_data"
    if (root.findtext(f"{DAV}sync-level") or "").strip() != "1":
        return "sync_level"
    return "sync_collection_without_token" if root.find(f"{DAV}sync-token") is None else None


def _multiget(site: Site, request: Request, root: Element) -> str | None:
    if request.headers.get("depth") not in (None, "0"):
        return "multiget_depth"
    hrefs = [(href.text or "").strip() for href in root.findall(f"{DAV}href")]
    if not hrefs:
        return "multiget_without_hrefs"
    if len(set(hrefs)) != len(hrefs):
        return "multiget_repeats_href"
    base = request.path.rstrip("/") + "/"
    foreign = [href for href in hrefs if unquote(urlsplit(href).path).rpartition("/")[0] + "/" != base]
    return "multiget_foreign_href" if foreign else None


def _query(site: Site, request: Request, root: Element) -> str | None:
    if request.headers.get("depth") != "1":
        return "query_depth"
    inner = root.find(f"{CALDAV}filter/{CALDAV}comp-filter/{CALDAV}comp-filter")
    return "query_without_component" if inner is None else None


def _delete(site: Site, request: Request) -> str | None:
    if site.state.calendar_at(request.path) is not None or site.state.home_at(request.path) is not None:
        return "delete_collection"
    condition = request.headers.get("if-match")
    if condition is None:
        return None if _unconditional(site) else "delete_unconditional"
    return _if_match(site, condition)


def _put(site: Site, request: Request) -> str | None:
    headers = request.headers
    if headers.get("content-type", "").split(";")[0].strip().lower() != "text/calendar":
        return "put_content_type"
    if re.search("%2f", urlsplit(request.target).path, re.I):
        return "put_encoded_slash"
    match, none_match = headers.get("if-match"), headers.get("if-none-match")
    if match is None and none_match is None and not _unconditional(site):
        return "put_unconditional"
    if none_match is not None and none_match != "*":
        return "if_none_match_value"
    name = request.path.rpartition("/")[2]
    if none_match is not None and not _OWN_NAME.match(name):
        return "put_odd_name"
    return (_if_match(site, match) if match is not None else None) or _body(site, request.body)


def _if_match(site: Site, value: str) -> str | None:
    if value == "*":
        return None if site.quirks.allows_if_match_star else "if_match_star"
    return None if _ETAG.match(value) else "if_match_value"


def _unconditional(site: Site) -> bool:
    return site.quirks.allows_unconditional_writes or site.quirks.weak_etags


def _body(site: Site, body: bytes) -> str | None:
    try:
        body.decode("utf-8")
        calendar = ics.parse(body)
    except ValueError:
        return "put_unreadable"
    if b"\n" in body.replace(b"\r\n", b""):
        return "put_line_ends"
    if any(len(line) > 75 for line in body.split(b"\r\n")):
        return "put_long_line"
    if calendar.get("METHOD") is not None:
        return "put_method"
    entries = ics.items(calendar)
    found = {entry.value("UID") for entry in entries}
    if not entries or None in found or "" in found:
        return "put_without_uid"
    if len(found) > 1 and not site.quirks.allows_several_uids:
        return "put_several_uids"
    ends = [{"DTEND", "DURATION"} & {p.name for p in entry.properties} for entry in calendar.children("VEVENT")]
    if any(len(end) == 2 for end in ends):
        return "put_two_ends"
    if site.quirks.missing_end_refusal is not None and any(not end for end in ends):
        return "put_without_end"
    return None
