"""PROPFIND (RFC 4918 section 9.1) on root, principal, homes, calendars and objects."""

from __future__ import annotations

from tests.doubles.caldav import properties
from tests.doubles.caldav.messages import CALSERVER, DAV, Request, Response, error, redirect
from tests.doubles.caldav.properties import Properties
from tests.doubles.caldav.site import Site, multistatus, propstat, row, status_line
from tests.doubles.caldav.state import Calendar, Home

Resource = tuple[str, Properties]


def propfind(site: Site, request: Request) -> Response:
    """Answer a PROPFIND that the strict part let through."""
    deep = request.headers.get("depth") == "1"
    path, state, quirks = request.path, site.state, site.quirks
    if path == "/" and quirks.principal_redirects:
        return redirect(quirks.redirect_status, site.spell(state.principal))
    if path.rstrip("/") == state.principal.rstrip("/") and deep and quirks.principal_refuses_depth_one:
        return error(400)
    found = _resources(site, path, deep)
    if found is None:
        return error(quirks.calendar_vanished or 404)
    names = _asked(request)
    rows = [_row(site, names, where, has) for where, has in found]
    calendar = state.calendar_at(path)
    if calendar is not None and quirks.listing_page is not None and len(rows) > quirks.listing_page + 1:
        rows = [*rows[: quirks.listing_page + 1], row(site.href(calendar.path), status_line(507))]
    return multistatus(rows)


def _row(site: Site, names: list[str], where: str, has: Properties) -> str:
    failed = where.rpartition("/")[2] in site.quirks.error_rows
    return row(site.href(where), status_line(500) if failed else describe(site, names, has))


def describe(site: Site, names: list[str], has: Properties) -> str:
    """The propstats of one resource for the asked names."""
    found = {name: has[name] for name in names if name in has}
    missing = [name for name in names if name not in has]
    text = propstat(200, "".join(properties.element(name, inner) for name, inner in found.items()))
    if site.quirks.late_404_propstats:
        blank = [n for n in found if n in (f"{CALSERVER}getctag", f"{DAV}displayname", f"{DAV}sync-token")]
        missing = missing + blank
    return text + propstat(404, "".join(properties.element(name, "") for name in missing))


def _asked(request: Request) -> list[str]:
    root = request.xml
    prop = None if root is None else root.find(f"{DAV}prop")
    return [] if prop is None else [child.tag for child in prop]


def _resources(site: Site, path: str, deep: bool) -> list[Resource] | None:
    state = site.state
    if path == "/" or path.startswith("/.well-known/"):
        return [(path, properties.root(site))]
    if path.rstrip("/") == state.principal.rstrip("/"):
        return [(state.principal, properties.principal(site))]
    home = state.home_at(path)
    if home is not None:
        return _home(site, home, deep)
    if site.quirks.calendar_vanished is not None:
        return None
    calendar = state.calendar_at(path)
    if calendar is not None:
        return _calendar(site, calendar, deep)
    place = state.locate(path)
    stored = None if place is None else place[0].objects.get(place[1])
    return None if stored is None else [(path, properties.member(stored))]


def _home(site: Site, home: Home, deep: bool) -> list[Resource]:
    found: list[Resource] = [(home.path, properties.home(site))]
    if deep:
        found += properties.neighbours(site, home)
        if site.quirks.calendar_vanished is None:
            found += [(c.path, properties.calendar(site, c)) for c in home.calendars.values()]
    return found


def _calendar(site: Site, calendar: Calendar, deep: bool) -> list[Resource]:
    found: list[Resource] = [(calendar.path, properties.calendar(site, calendar))]
    if deep and not site.quirks.lists_empty:
        found += [(calendar.path + name, properties.member(stored)) for name, stored in calendar.objects.items()]
        if site.quirks.lists_foreign_rows:
            foreign = {f"{DAV}getetag": '"foreign"', f"{DAV}getcontenttype": "text/plain", f"{DAV}resourcetype": ""}
            found.append((calendar.path + "notes.txt", foreign))
    return found
