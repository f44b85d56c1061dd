"""What all real test servers share: addresses, raw helpers, stop and start."""

from __future__ import annotations

import base64
import http.client
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urljoin, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from tests.servers.process import ServerProcess

DAV = "{DAV:}"
_LISTING = b'<propfind xmlns="DAV:"><prop><getetag/><resourcetype/></prop></propfind>'


class UnexpectedStatus(RuntimeError):
    """A raw helper got an answer that is no success."""

    def __init__(self, method: str, url: str, status: int) -> None:
        super().__init__(f"{method} {url} answered {status}")
        self.status = status


@dataclass(frozen=True)
class Answer:
    """One HTTP answer: header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class CalendarServer:
    """A running CalDAV server of one program with one signed-in user for the raw helpers.

    ``url`` ends with ``/``; ``home`` is the collection of calendars of the user; ``folder`` holds all data.
    """

    def __init__(self, process: ServerProcess, folder: Path, *, user: str, password: str | None, home: str) -> None:
        self._process = process
        self._home = home
        self.folder = folder
        self.user = user
        self.password = password

    @property
    def url(self) -> str:
        """Root address of the server."""
        return f"http://127.0.0.1:{self._process.port}/"

    @property
    def port(self) -> int:
        """The port, the same over ``stop`` and ``start``."""
        return self._process.port

    @property
    def pid(self) -> int | None:
        """Process id while running."""
        return self._process.pid

    @property
    def principal(self) -> str:
        """Address of the user's principal."""
        return urljoin(self.url, f"/{quote(self.user)}/")

    @property
    def home(self) -> str:
        """Address of the user's calendar home."""
        return urljoin(self.url, self._home)

    def start(self) -> None:
        """Start again with the same data and port; nothing happens if it runs."""
        self._process.start()

    def stop(self) -> None:
        """Stop the program; the data stay."""
        self._process.stop()

    def request(
        self, method: str, url: str, body: bytes | str = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One raw request as the user, redirects not followed, any status returned."""
        parts = urlsplit(urljoin(self.url, url))
        sent = {"Content-Type": "application/xml; charset=utf-8", **(headers or {})}
        if self.password is not None:
            token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            sent.setdefault("Authorization", f"Basic {token}")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, parts.path or "/", body.encode() if isinstance(body, str) else body, sent)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def make_calendar(self, name: str, *, displayname: str | None = None, components: str = "VEVENT") -> str:
        """Create a calendar in the user's home and return its address."""
        url = urljoin(self.home, quote(name) + "/")
        allowed = "".join(f'<C:comp name="{component}"/>' for component in components.split())
        body = (
            '<C:mkcalendar xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop>'
            f"<displayname>{escape(displayname or name)}</displayname>"
            f"<C:supported-calendar-component-set>{allowed}</C:supported-calendar-component-set>"
            "</prop></set></C:mkcalendar>"
        )
        self._expect("MKCALENDAR", url, body)
        return url

    def new_calendar(self) -> str:
        """A calendar with a name that nobody else uses."""
        return self.make_calendar(f"calendar-{uuid.uuid4().hex}")

    @contextmanager
    def passing_calendar(self) -> Iterator[str]:
        """Such a calendar that is gone afterwards: what is asked about all of them shall not take longer and longer."""
        address = self.new_calendar()
        try:
            yield address
        finally:
            with suppress(OSError):
                self.request("DELETE", address)

    def put(self, calendar_url: str, name: str, ics: bytes | str) -> str:
        """Store an object unconditionally; the answer is its address."""
        url = urljoin(calendar_url, quote(name))
        self._expect("PUT", url, ics, {"Content-Type": "text/calendar; charset=utf-8"})
        return url

    def get(self, url: str) -> bytes:
        """The body stored at an address."""
        return self._expect("GET", url).body

    def delete(self, url: str) -> None:
        """Remove an object or a whole calendar."""
        self._expect("DELETE", url)

    def list(self, calendar_url: str) -> dict[str, str]:
        """Members of a calendar: decoded path -> ETag as sent."""
        answer = self._expect("PROPFIND", calendar_url, _LISTING, {"Depth": "1"})
        found: dict[str, str] = {}
        for row in ElementTree.fromstring(answer.body).iter(f"{DAV}response"):
            href, etag = row.findtext(f"{DAV}href"), row.findtext(f".//{DAV}getetag")
            if href and etag and row.find(f".//{DAV}collection") is None:
                found[unquote(urlsplit(href).path)] = etag
        return found

    def _expect(
        self, method: str, url: str, body: bytes | str = b"", headers: Mapping[str, str] | None = None
    ) -> Answer:
        answer = self.request(method, url, body, headers)
        if not 200 <= answer.status < 300:
            raise UnexpectedStatus(method, url, answer.status)
        return answer
