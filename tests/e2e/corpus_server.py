"""Storing many resources on a real server and reading a whole calendar back."""

from __future__ import annotations

from xml.etree import ElementTree

from tests.servers import CalendarServer

_DAV = "{DAV:}"
_DATA = "{urn:ietf:params:xml:ns:caldav}calendar-data"
_ALL = (
    '<C:calendar-query xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">'
    '<prop><C:calendar-data/></prop><C:filter><C:comp-filter name="VCALENDAR"/></C:filter></C:calendar-query>'
)


def store(server: CalendarServer, url: str, body: bytes) -> int:
    """PUT as it is; the status, whatever it is."""
    return server.request("PUT", url, body, {"Content-Type": "text/calendar; charset=utf-8"}).status


def bodies(server: CalendarServer, calendar_url: str) -> dict[str, bytes]:
    """Every resource of a calendar: path -> what the server hands out."""
    answer = server.request("REPORT", calendar_url, _ALL, {"Depth": "1"})
    assert answer.status == 207
    return {
        row.findtext(f"{_DAV}href", ""): row.findtext(f".//{_DATA}", "").encode()
        for row in ElementTree.fromstring(answer.body).iter(f"{_DAV}response")
    }
