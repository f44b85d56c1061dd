"""The bodies of all questions this connector asks, as text that was written once (RFC 4918, 4791, 6578)."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import escape

_HEAD = '<?xml version="1.0" encoding="utf-8"?>'
_NAMESPACES = (
    'xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" '
    'xmlns:S="http://calendarserver.org/ns/" xmlns:A="http://apple.com/ns/ical/"'
)


def _propfind(*properties: str) -> bytes:
    names = "".join(f"<{name}/>" for name in properties)
    return f"{_HEAD}<propfind {_NAMESPACES}><prop>{names}</prop></propfind>".encode()


PRINCIPAL = _propfind("current-user-principal", "resourcetype")
HOME = _propfind(
    "C:calendar-home-set", "C:calendar-user-address-set", "displayname", "C:schedule-inbox-URL", "C:schedule-outbox-URL"
)
CALENDARS = _propfind(
    "resourcetype",
    "displayname",
    "C:supported-calendar-component-set",
    "current-user-privilege-set",
    "supported-report-set",
    "owner",
    "A:calendar-color",
    "S:getctag",
    "sync-token",
    "C:max-resource-size",
    "C:calendar-timezone",
    "S:source",
)
MEMBERS = _propfind("getetag")
STATE = _propfind("S:getctag", "sync-token", "resourcetype")


def sync_collection(token: str) -> bytes:
    """What changed since the token, all members for the empty one.

    No limit is ever sent: Xandikos truncates by it without saying so, and the rest is lost (dossier 4.1).
    """
    return (
        f'{_HEAD}<sync-collection xmlns="DAV:"><sync-token>{escape(token)}</sync-token>'
        "<sync-level>1</sync-level><prop><getetag/></prop></sync-collection>"
    ).encode()


def multiget(paths: Iterable[str]) -> bytes:
    """Bodies and ETags of these members."""
    hrefs = "".join(f"<href>{escape(path)}</href>" for path in paths)
    return (
        f'{_HEAD}<C:calendar-multiget xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
        f"<prop><getetag/><C:calendar-data/></prop>{hrefs}</C:calendar-multiget>"
    ).encode()


def uid_query(uid: str) -> bytes:
    """Members whose VEVENT has this UID. The inner filter is needed: iCloud refuses a query without (dossier 4.2)."""
    return (
        f'{_HEAD}<C:calendar-query xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
        "<prop><getetag/><C:calendar-data/></prop>"
        f'<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"><C:prop-filter name="UID">'
        f'<C:text-match collation="i;octet">{escape(uid)}</C:text-match>'
        "</C:prop-filter></C:comp-filter></C:comp-filter></C:filter></C:calendar-query>"
    ).encode()
