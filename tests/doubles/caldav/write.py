"""GET, PUT, DELETE and MKCALENDAR (RFC 4791 sections 5.3.1 and 5.3.2)."""

from __future__ import annotations

from tests.doubles.caldav import ics
from tests.doubles.caldav.messages import CALDAV, DAV, Request, Response, error, redirect
from tests.doubles.caldav.report import fatal_answer
from tests.doubles.caldav.rewrite import parse_duration, rewritten
from tests.doubles.caldav.scheduling import mails, more_than_an_answer
from tests.doubles.caldav.site import Site
from tests.doubles.caldav.state import Calendar, Stored

LOGIN_PATH = "/login"


def get(site: Site, request: Request) -> Response:
    """The stored bytes with their ETag."""
    place = site.state.locate(request.path)
    if place is None or place[1] not in place[0].objects or site.quirks.calendar_vanished is not None:
        return error(site.quirks.calendar_vanished or 404)
    calendar, name = place
    if name in site.quirks.object_errors:
        return error(500)
    if (fatal := fatal_answer(site, [name])) is not None:
        return fatal
    stored = calendar.objects[name]
    return Response(200, stored.body, [("Content-Type", "text/calendar; charset=utf-8"), ("ETag", stored.etag)])


def put(site: Site, request: Request) -> Response:
    """Store an object if nothing speaks against it."""
    if site.quirks.put_redirects_to_login:
        return redirect(302, LOGIN_PATH)
    if site.quirks.calendar_vanished is not None:
        return error(site.quirks.calendar_vanished)
    place = site.state.locate(request.path)
    if place is None:
        return error(501 if _is_twin(site, request.path) else 409)
    calendar, name = place
    present = calendar.objects.get(name)
    refusal = (
        _refused_always(site, calendar)
        or _precondition(site, request, present)
        or _refused_body(site, request.body)
        or _uid_conflict(site, calendar, name, request.body)
        or _guest_oversteps(site, present, request.body)
    )
    if refusal is not None:
        return refusal
    stored = calendar.store(name, rewritten(request.body, site.quirks))
    if site.quirks.put_fails_after_storing:
        return error(500)
    mailed = _schedule(site, present.body if present else None, stored.body, request)
    silent = site.quirks.put_without_etag or (mailed and site.quirks.no_etag_after_scheduling)
    etag = [] if silent else [("ETag", stored.etag)]
    return Response(201 if present is None else 204, b"", [*_empty_type(site), *etag])


def delete(site: Site, request: Request) -> Response:
    """Remove an object if nothing speaks against it."""
    if site.quirks.calendar_vanished is not None:
        return error(site.quirks.calendar_vanished)
    place = site.state.locate(request.path)
    if place is None or place[1] not in place[0].objects:
        return error(404)
    calendar, name = place
    if (refusal := _no_writing(site, calendar)) is not None:
        return refusal
    present = calendar.objects[name]
    condition = request.headers.get("if-match")
    if condition is not None and not site.quirks.delete_ignores_if_match and not _same(condition, present):
        return error(412)
    calendar.remove(name)
    _schedule(site, present.body, None, request)
    return Response(204, b"", _empty_type(site))


def mkcalendar(site: Site, request: Request) -> Response:
    """A new calendar in a home."""
    parent, _, name = request.path.rstrip("/").rpartition("/")
    home = site.state.home_at(parent + "/")
    if home is None or not name:
        return error(403, "calendar-collection-location-ok", caldav=True)
    if name in home.calendars:
        return error(405)
    calendar = site.state.add_calendar(name, home=site.state.homes.index(home))
    root = request.xml
    if root is not None:
        calendar.displayname = root.findtext(f".//{DAV}displayname") or calendar.displayname
        components = [comp.get("name", "") for comp in root.iter(f"{CALDAV}comp")]
        calendar.components = tuple(components) or calendar.components
    return Response(201)


def _empty_type(site: Site) -> list[tuple[str, str]]:
    return [("Content-Type", "text/html; charset=UTF-8")] if site.quirks.empty_answers_are_html else []


def _refused_always(site: Site, calendar: Calendar) -> Response | None:
    quirks = site.quirks
    if (refusal := _no_writing(site, calendar)) is not None:
        return refusal
    if quirks.quota_exceeded:
        return error(507, "quota-not-exceeded")
    if site.count_down("put_412_times"):
        return error(412)
    if quirks.put_refusal is not None:
        return error(quirks.put_refusal[0], quirks.put_refusal[1], caldav=True)
    return None


def _no_writing(site: Site, calendar: Calendar) -> Response | None:
    if site.quirks.read_only or not calendar.writable:
        return error(403, "need-privileges")
    return error(423, "lock-token-submitted") if site.quirks.locked else None


def _precondition(site: Site, request: Request, present: Stored | None) -> Response | None:
    quirks = site.quirks
    match = request.headers.get("if-match")
    if request.headers.get("if-none-match") == "*" and present is not None and not quirks.ignores_if_none_match:
        return error(412)
    if match is None:
        return None
    if match == "*":
        return error(412) if (present is None) != quirks.if_match_star_reversed else None
    if present is None:
        return None if quirks.if_match_creates_missing else error(quirks.if_match_missing_status)
    return None if quirks.ignores_if_match or _same(match, present) else error(412)


def _same(condition: str, present: Stored) -> bool:
    """Strong comparison (RFC 9110 section 8.8.3.2): a weak ETag equals nothing."""
    return condition == present.etag and not condition.startswith("W/")


def _refused_body(site: Site, body: bytes) -> Response | None:
    quirks = site.quirks
    if quirks.max_resource_size is not None and len(body) > quirks.max_resource_size:
        return error(413, "max-resource-size", caldav=True)
    if quirks.refuses_zero_duration and any(_is_instant(event) for event in ics.parse(body).children("VEVENT")):
        return error(403, "valid-calendar-data", caldav=True)
    return None


def _is_instant(event: ics.Component) -> bool:
    start, end, duration = event.value("DTSTART"), event.value("DTEND"), event.value("DURATION")
    return (end is not None and start == end) or (
        duration is not None and parse_duration(duration) == parse_duration("PT0S")
    )


def _uid_conflict(site: Site, calendar: Calendar, name: str, body: bytes) -> Response | None:
    status = site.quirks.uid_conflict
    if status == 201:
        return None
    places = site.state.calendars.values() if site.quirks.uid_conflict_everywhere else [calendar]
    wanted = set(ics.uids(body))
    for place in places:
        for other, stored in place.objects.items():
            if (place is not calendar or other != name) and wanted & set(stored.uids):
                return error(status, "no-uid-conflict" if site.quirks.uid_conflict_named else None, caldav=True)
    present = calendar.objects.get(name)
    if present is not None and not wanted & set(present.uids):
        return error(status, "no-uid-conflict" if site.quirks.uid_conflict_named else None, caldav=True)
    return None


def _schedule(site: Site, before: bytes | None, after: bytes | None, request: Request) -> bool:
    if not site.quirks.auto_schedule:
        return False
    reply = request.headers.get("schedule-reply", "T").upper() != "F"
    sent = mails(site.own_addresses, before, after, reply=reply)
    site.mails.extend(sent)
    return bool(sent)


def _guest_oversteps(site: Site, present: Stored | None, body: bytes) -> Response | None:
    if not site.quirks.refuses_guest_changes or present is None:
        return None
    if not more_than_an_answer(site.own_addresses, present.body, body):
        return None
    return error(403, "allowed-attendee-scheduling-object-change", caldav=True)


def _is_twin(site: Site, path: str) -> bool:
    return site.quirks.twin_collections and any(f"/{name}.ics/" in path for name in site.state.calendars)
