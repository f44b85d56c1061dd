"""Live properties of principal, homes, calendars and objects as XML text."""

from __future__ import annotations

from xml.sax.saxutils import escape

from tests.doubles.caldav.messages import APPLE, CALDAV, CALSERVER, DAV
from tests.doubles.caldav.site import Site
from tests.doubles.caldav.state import Calendar, Home, Stored

PREFIXES = {DAV: "D", CALDAV: "C", CALSERVER: "CS", APPLE: "A"}
Properties = dict[str, str]
"""Qualified name in Clark notation -> inner XML."""

_WRITE = {
    "write": ("read", "write"),
    "parts": ("read", "write-content", "bind", "unbind"),
    "all": ("all",),
    "missing": (),
}


def element(name: str, inner: str) -> str:
    """An element for a Clark name; foreign namespaces get a prefix of their own."""
    namespace, _, local = name.rpartition("}")
    prefix = PREFIXES.get(namespace + "}")
    tag = f"{prefix}:{local}" if prefix else f"X:{local}"
    declared = "" if prefix else f' xmlns:X="{escape(namespace[1:])}"'
    return f"<{tag}{declared}>{inner}</{tag}>" if inner else f"<{tag}{declared}/>"


def root(site: Site) -> Properties:
    """The server's root: only who we are."""
    return {f"{DAV}resourcetype": "<D:collection/>", **_principal_pointer(site)}


def principal(site: Site) -> Properties:
    """The user's principal (RFC 3744, 4791, 6638)."""
    quirks, state = site.quirks, site.state
    hrefs = [site.url(home.path) if quirks.partition else site.href(home.path) for home in state.homes]
    found = {
        f"{DAV}displayname": escape(state.user),
        f"{CALDAV}calendar-home-set": "".join(f"<D:href>{href}</D:href>" for href in hrefs),
        f"{CALDAV}calendar-user-address-set": "".join(
            f"<D:href>{escape(text)}</D:href>"
            for text in (f"mailto:{state.user}", site.spell(state.principal), *quirks.more_addresses)
        ),
        f"{CALDAV}schedule-inbox-URL": f"<D:href>{site.href(state.homes[0].path + 'inbox/')}</D:href>",
        f"{CALDAV}schedule-outbox-URL": f"<D:href>{site.href(state.homes[0].path + 'outbox/')}</D:href>",
        **_principal_pointer(site),
    }
    if not quirks.principal_without_resourcetype:
        found[f"{DAV}resourcetype"] = "<D:collection/><D:principal/>"
    return found


def home(site: Site) -> Properties:
    """A calendar home."""
    found = {f"{DAV}resourcetype": "<D:collection/>", **_principal_pointer(site)}
    if site.quirks.privileges != "missing":
        found[f"{DAV}current-user-privilege-set"] = _privileges("read", "write")
    return found


def calendar(site: Site, target: Calendar) -> Properties:
    """A calendar collection."""
    quirks = site.quirks
    kind = "<D:collection/><C:calendar/>"
    first = next(iter(site.state.homes[0].calendars.values()), None)
    if quirks.default_calendar_is_outbox and target is first:
        kind += "<C:schedule-outbox/>"
    found = {
        f"{DAV}resourcetype": kind,
        f"{DAV}displayname": escape(target.displayname),
        f"{DAV}owner": f"<D:href>{site.href(site.state.principal)}</D:href>",
        f"{APPLE}calendar-color": quirks.color,
        f"{DAV}supported-report-set": _reports(site),
        **_principal_pointer(site),
    }
    if quirks.ctag != "missing":
        ctag = f"{target.epoch}-{target.ctag}"
        found[f"{CALSERVER}getctag"] = f'"{ctag}"' if quirks.ctag == "quoted" else ctag
    if quirks.sync_collection:
        found[f"{DAV}sync-token"] = escape(target.token())
    if quirks.component_set:
        allowed = "".join(f'<C:comp name="{name}"/>' for name in target.components)
        found[f"{CALDAV}supported-calendar-component-set"] = allowed
    if quirks.max_resource_size is not None:
        found[f"{CALDAV}max-resource-size"] = str(quirks.max_resource_size)
    if quirks.privileges != "missing":
        names = _WRITE[quirks.privileges] if target.writable else ("read",)
        found[f"{DAV}current-user-privilege-set"] = _privileges(*names)
    return found


def member(stored: Stored) -> Properties:
    """A calendar object, without its data."""
    return {
        f"{DAV}resourcetype": "",
        f"{DAV}getetag": escape(stored.etag),
        f"{DAV}getcontenttype": "text/calendar; charset=utf-8; component=VEVENT",
        f"{DAV}getcontentlength": str(len(stored.body)),
    }


def neighbours(site: Site, target: Home) -> list[tuple[str, Properties]]:
    """What a home lists beside calendars: boxes, subscriptions, notifications, twins."""
    quirks = site.quirks
    kinds = [
        (quirks.scheduling_boxes, "inbox", "<C:schedule-inbox/>"),
        (quirks.scheduling_boxes, "outbox", "<C:schedule-outbox/>"),
        (quirks.subscribed_calendar, "subscribed", "<CS:subscribed/>"),
        (quirks.notification_collection, "notification", "<CS:notification/>"),
    ]
    found = []
    for wanted, name, kind in kinds:
        if wanted and target is site.state.homes[0]:
            described = {f"{DAV}resourcetype": f"<D:collection/>{kind}", f"{DAV}displayname": name}
            if name == "subscribed":
                described[f"{CALSERVER}source"] = "<D:href>webcal://feeds.example.com/holidays.ics</D:href>"
            found.append((f"{target.path}{name}/", described))
    if quirks.twin_collections:
        twin = {f"{DAV}resourcetype": "<D:collection/>", f"{DAV}displayname": "twin"}
        found += [(f"{target.path}{name}.ics/", dict(twin)) for name in target.calendars]
    return found


def _principal_pointer(site: Site) -> Properties:
    if site.quirks.unauthenticated_principal:
        return {f"{DAV}current-user-principal": "<D:unauthenticated/>"}
    return {f"{DAV}current-user-principal": f"<D:href>{site.spell(site.state.principal)}</D:href>"}


def _privileges(*names: str) -> str:
    return "".join(f"<D:privilege><D:{name}/></D:privilege>" for name in names)


def _reports(site: Site) -> str:
    names = ["<C:calendar-multiget/>", "<C:calendar-query/>"]
    if site.quirks.sync_collection and site.quirks.sync_report_listed:
        names.append("<D:sync-collection/>")
    return "".join(f"<D:supported-report><D:report>{name}</D:report></D:supported-report>" for name in names)
