"""Rich answers of PROPFIND as a tree: principals, homes and calendars (there are few of them)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from calbridge.connectors.transport import Response, parse_xml
from calbridge.errors import Unavailable
from calbridge_caldav.multistatus import demand_multistatus, status_code

DAV = "{DAV:}"
CALDAV = "{urn:ietf:params:xml:ns:caldav}"
CALENDARSERVER = "{http://calendarserver.org/ns/}"
APPLE = "{http://apple.com/ns/ical/}"


@dataclass(frozen=True, slots=True)
class Resource:
    """One response: its href and the properties of its 2xx propstats only (dossier 3)."""

    href: str
    found: dict[str, etree._Element] = field(default_factory=dict)

    def text(self, name: str) -> str | None:
        """The text of a property, None where it is absent or empty."""
        element = self.found.get(name)
        text = (element.text or "").strip() if element is not None else ""
        return text or None

    def hrefs(self, name: str) -> list[str]:
        """The hrefs inside a property."""
        element = self.found.get(name)
        inner = element.iter(f"{DAV}href") if element is not None else ()
        return [href.text.strip() for href in inner if href.text and href.text.strip()]

    def names(self, name: str) -> frozenset[str]:
        """The tags of the direct children of a property."""
        element = self.found.get(name)
        return frozenset(_tag(child) for child in element) if element is not None else frozenset()

    def descendants(self, name: str) -> frozenset[str]:
        """All tags below a property."""
        element = self.found.get(name)
        return frozenset(_tag(child) for child in element.iter()) if element is not None else frozenset()


def read_resources(response: Response) -> list[Resource]:
    """Raises Unavailable (``malformed_answer``) for what is no multistatus."""
    demand_multistatus(response)
    root = parse_xml(response.body)
    if root.tag != f"{DAV}multistatus":
        raise Unavailable("no multistatus", code="malformed_answer", sent=True)
    return [_resource(element) for element in root.iterchildren(f"{DAV}response")]


def _resource(element: etree._Element) -> Resource:
    href = element.findtext(f"{DAV}href") or ""
    return Resource(href.strip(), {_tag(prop): prop for prop in _properties(element)})


def _properties(element: etree._Element) -> Iterator[etree._Element]:
    for propstat in element.iterchildren(f"{DAV}propstat"):
        status = status_code(propstat.findtext(f"{DAV}status") or "")
        prop = propstat.find(f"{DAV}prop")
        if prop is not None and (status is None or 200 <= status < 300):
            yield from prop.iterchildren(tag=etree.Element)


def _tag(element: etree._Element) -> str:
    return element.tag if isinstance(element.tag, str) else ""


def conditions(response: Response) -> frozenset[str]:
    """Local names of the preconditions an error body names (RFC 4918 section 16), empty where it names none."""
    try:
        root = parse_xml(response.body) if response.body else None
    except Unavailable:
        return frozenset()
    if root is None or root.tag != f"{DAV}error":
        return frozenset()
    return frozenset(_tag(child).rpartition("}")[2] for child in root)
