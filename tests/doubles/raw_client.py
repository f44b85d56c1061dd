"""A bare HTTP client for the tests of doubles: no redirects, no retries, no opinions."""

from __future__ import annotations

import base64
import http.client
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree

from tests.doubles.caldav import CalDavDouble

DAV = "{DAV:}"
CALDAV = "{urn:ietf:params:xml:ns:caldav}"
XMLNS = 'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:CS="http://calendarserver.org/ns/"'
EVENT = (
    "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//test//EN\r\nBEGIN:VEVENT\r\nUID:one@example.com\r\n"
    "DTSTAMP:20270101T000000Z\r\nDTSTART:20270105T100000Z\r\nDTEND:20270105T110000Z\r\nSUMMARY:Standup\r\n"
    "END:VEVENT\r\nEND:VCALENDAR\r\n"
)


def event(uid: str = "one@example.com", *extra: str, **changed: str) -> str:
    """An event body; ``extra`` lines are added to the VEVENT, ``changed`` replaces a line or, empty, removes it."""
    lines = EVENT.replace("UID:one@example.com", f"UID:{uid}").split("\r\n")
    for name, line in changed.items():
        index = next(i for i, present in enumerate(lines) if present.startswith(name))
        lines[index : index + 1] = [line] if line else []
    place = lines.index("END:VEVENT")
    return "\r\n".join([*lines[:place], *extra, *lines[place:]])


@dataclass(frozen=True)
class Answer:
    """One answer; header names are lower case, ``dav`` holds each DAV line."""

    status: int
    headers: Mapping[str, str]
    dav: list[str]
    body: bytes

    @property
    def xml(self) -> ElementTree.Element:
        return ElementTree.fromstring(self.body)

    @property
    def rows(self) -> dict[str, ElementTree.Element]:
        """Last row of each href as spelled."""
        return {row.findtext(f"{DAV}href") or "": row for row in self.xml.findall(f"{DAV}response")}

    @property
    def names(self) -> list[str]:
        """Last path segment of each row, decoded, in order."""
        hrefs = [row.findtext(f"{DAV}href") or "" for row in self.xml.findall(f"{DAV}response")]
        return [unquote(urlsplit(href).path).rstrip("/").rpartition("/")[2] for href in hrefs]

    @property
    def token(self) -> str:
        return self.xml.findtext(f"{DAV}sync-token") or ""


class RawClient:
    """Requests over one kept connection for each host."""

    def __init__(self, double: CalDavDouble) -> None:
        self._double = double
        self.timeout = 10.0
        self._connections: dict[str, http.client.HTTPConnection] = {}
        token = base64.b64encode(f"{double.user}:{double.password}".encode()).decode()
        self.login = {"Authorization": f"Basic {token}"}

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def send(self, method: str, url: str, body: str | bytes = b"", **headers: str) -> Answer:
        """One request; header names with ``_`` for ``-``. A failed connection is closed and the error raised."""
        parts = urlsplit(url)
        connection = self._connections.setdefault(parts.netloc, self._connect(parts.scheme, parts.netloc))
        sent = {**self.login, **{name.replace("_", "-"): value for name, value in headers.items()}}
        payload = body.encode() if isinstance(body, str) else body
        target = parts.path or "/"
        try:
            connection.request(method, target, payload, {k: v for k, v in sent.items() if v})
            answer = connection.getresponse()
            received = answer.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise
        lines = answer.headers.get_all("DAV") or []
        return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, lines, received)

    def propfind(self, url: str, depth: str = "0", props: str = "<D:resourcetype/><D:getetag/>") -> Answer:
        body = f"<D:propfind {XMLNS}><D:prop>{props}</D:prop></D:propfind>"
        return self.send("PROPFIND", url, body, Depth=depth, Content_Type="application/xml")

    def report(self, url: str, body: str, depth: str = "0") -> Answer:
        return self.send("REPORT", url, body, Depth=depth, Content_Type="application/xml")

    def sync(self, url: str, token: str = "", extra: str = "") -> Answer:
        inner = f"<D:sync-token>{token}</D:sync-token><D:sync-level>1</D:sync-level>{extra}"
        return self.report(url, f"<D:sync-collection {XMLNS}>{inner}<D:prop><D:getetag/></D:prop></D:sync-collection>")

    def multiget(self, url: str, *names: str) -> Answer:
        path = urlsplit(url).path
        hrefs = "".join(f"<D:href>{path}{name}</D:href>" for name in names)
        props = "<D:prop><D:getetag/><C:calendar-data/></D:prop>"
        return self.report(url, f"<C:calendar-multiget {XMLNS}>{props}{hrefs}</C:calendar-multiget>", "")

    def query(self, url: str, inner: str) -> Answer:
        asked = "<D:prop><D:getetag/><C:calendar-data/></D:prop>"
        sieve = f'<C:filter><C:comp-filter name="VCALENDAR">{inner}</C:comp-filter></C:filter>'
        return self.report(url, f"<C:calendar-query {XMLNS}>{asked}{sieve}</C:calendar-query>", "1")

    def create(self, url: str, body: str, **headers: str) -> Answer:
        sent = {"Content_Type": "text/calendar; charset=utf-8", "If_None_Match": "*", **headers}
        return self.send("PUT", url, body, **sent)

    def update(self, url: str, body: str, etag: str) -> Answer:
        return self.send("PUT", url, body, Content_Type="text/calendar; charset=utf-8", If_Match=etag)

    def delete(self, url: str, etag: str = "") -> Answer:
        return self.send("DELETE", url, If_Match=etag)

    def _connect(self, scheme: str, netloc: str) -> http.client.HTTPConnection:
        if scheme == "https":
            context = ssl.create_default_context(cafile=str(self._double.ca_file))
            return http.client.HTTPSConnection(netloc, timeout=self.timeout, context=context)
        return http.client.HTTPConnection(netloc, timeout=self.timeout)
