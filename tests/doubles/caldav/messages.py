"""A request as it arrived and an answer as it will leave."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit
from xml.etree.ElementTree import Element

from defusedxml import ElementTree

DAV = "{DAV:}"
CALDAV = "{urn:ietf:params:xml:ns:caldav}"
CALSERVER = "{http://calendarserver.org/ns/}"
APPLE = "{http://apple.com/ns/ical/}"


class Dropped(Exception):
    """The connection ends here without an answer."""


@dataclass(frozen=True)
class Request:
    """One HTTP request. ``host`` is the listener that got it; header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    host: str

    @property
    def path(self) -> str:
        """Decoded path; a trailing ``/`` stays."""
        return unquote(urlsplit(self.target).path)

    @property
    def xml(self) -> Element | None:
        """The parsed body, ``None`` if it is empty, no XML or has a DTD."""
        try:
            root: Element = ElementTree.fromstring(self.body, forbid_dtd=True)
        except (ElementTree.ParseError, ValueError):
            return None
        return root

    @property
    def operation(self) -> str:
        """Method, with the depth for PROPFIND (``PROPFIND 1``); the report's local name for REPORT."""
        if self.method == "PROPFIND":
            return f"PROPFIND {self.headers.get('depth', 'infinity')}"
        if self.method == "REPORT":
            # The outermost name is enough and must not cost a whole parse of what may be large.
            found = re.search(rb"<(?:[\w.-]+:)?([A-Za-z][\w-]*)", re.sub(rb"<[?!][^>]*>", b"", self.body[:2000]))
            return found[1].decode() if found else "REPORT"
        return self.method


@dataclass
class Response:
    """One HTTP answer. ``headers`` may repeat a name."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)


def xml_response(status: int, inner: str) -> Response:
    """An answer with an XML body."""
    body = f'<?xml version="1.0" encoding="utf-8"?>\n{inner}'.encode()
    return Response(status, body, [("Content-Type", 'application/xml; charset="utf-8"')])


def error(status: int, condition: str | None = None, *, caldav: bool = False) -> Response:
    """A refusal, with the DAV or CALDAV precondition element if one is named (RFC 4918 section 16)."""
    if condition is None:
        return Response(status, b"refused\n", [("Content-Type", "text/plain; charset=utf-8")])
    prefix = "C" if caldav else "D"
    return xml_response(
        status,
        f'<D:error xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><{prefix}:{condition}/></D:error>',
    )


def redirect(status: int, location: str) -> Response:
    """A redirect with a small HTML body."""
    return Response(status, b"<html>moved</html>", [("Location", location), ("Content-Type", "text/html")])


def login_page() -> Response:
    """A page for people, with status 200."""
    page = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body><form></form><br></body></html>"
    return Response(200, page, [("Content-Type", "text/html; charset=utf-8")])
