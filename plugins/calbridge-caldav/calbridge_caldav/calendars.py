"""Which calendars the homes list (RFC 4791 section 4.2, dossier 3)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import unquote

from calbridge.connectors.contract import Calendar
from calbridge.domain.times import is_iana
from calbridge_caldav.hrefs import absolute, canonical, origin_of
from calbridge_caldav.properties import APPLE, CALDAV, CALENDARSERVER, DAV, Resource

_COLOR = re.compile(r"#([0-9A-Fa-f]{6})(?:[0-9A-Fa-f]{2})?")
_TZID = re.compile(r"^TZID(?:;[^:\r\n]*)?:(.+?)\s*$", re.MULTILINE)
_NAME_LENGTH = 200


def listed(resources: Sequence[Resource], home: str, first_home: str) -> list[Calendar]:
    """The calendars for events among the children of a home."""
    return [_calendar(r, home, first_home) for r in resources if _holds_events(r)]


def with_primary(calendars: Sequence[Calendar]) -> list[Calendar]:
    """The only writable calendar is the primary one; CalDAV itself does not say which is."""
    writable = [calendar.id for calendar in calendars if calendar.writable]
    return [replace(calendar, primary=writable == [calendar.id]) for calendar in calendars]


def calendar_id(url: str, first_home: str) -> str:
    """The canonical path; the whole URL only on another host than the first home's.

    iCloud may move an account to another partition host, so a host is not part of the id (dossier 2, iCloud).
    """
    path = canonical(url)
    path = path if path.endswith("/") else path + "/"
    return path if origin_of(url) == origin_of(first_home) else origin_of(url) + path


def calendar_url(calendar: str, first_home: str) -> str:
    """Where to find a calendar by its id."""
    return absolute(first_home, calendar)


def _holds_events(resource: Resource) -> bool:
    kinds = resource.names(f"{DAV}resourcetype")
    # SOGo marks its own default calendar as schedule-outbox as well, so only a box that is no calendar is left out.
    if f"{CALDAV}calendar" not in kinds or f"{CALENDARSERVER}subscribed" in kinds:
        return False
    components = resource.found.get(f"{CALDAV}supported-calendar-component-set")
    return components is None or any((child.get("name") or "").upper() == "VEVENT" for child in components)


def _calendar(resource: Resource, home: str, first_home: str) -> Calendar:
    # An href may name another host than the one that serves it (dossier 2, iCloud), so its own host is not used.
    url = origin_of(home) + canonical(resource.href)
    name = resource.text(f"{DAV}displayname") or unquote(url.rstrip("/").rpartition("/")[2])
    return Calendar(
        calendar_id(url, first_home),
        name[:_NAME_LENGTH],
        _zone(resource.text(f"{CALDAV}calendar-timezone")),
        _color(resource.text(f"{APPLE}calendar-color")),
        writable=_writable(resource),
    )


def _writable(resource: Resource) -> bool:
    """A missing privilege set means unknown: writing will tell (dossier 3, writable)."""
    name = f"{DAV}current-user-privilege-set"
    if name not in resource.found:
        return True
    granted = {tag.rpartition("}")[2] for tag in resource.descendants(name)}
    return bool(granted & {"all", "write"}) or {"write-content", "bind", "unbind"} <= granted


def _color(text: str | None) -> str | None:
    match = _COLOR.fullmatch(text or "")
    return f"#{match.group(1).upper()}" if match else None


def _zone(vtimezone: str | None) -> str | None:
    match = _TZID.search(vtimezone or "")
    return match.group(1) if match and is_iana(match.group(1)) else None
