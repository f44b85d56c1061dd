"""What every part of the double shares: switches, state, addresses, what was breached and mailed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import responses
from urllib.parse import quote
from xml.sax.saxutils import escape

from tests.doubles.caldav.messages import Response, xml_response
from tests.doubles.caldav.quirks import Quirks
from tests.doubles.caldav.state import State

MAIN = "main"
PARTITION = "partition"
OTHER = "other"
NAMESPACES = (
    'xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" '
    'xmlns:CS="http://calendarserver.org/ns/" xmlns:A="http://apple.com/ns/ical/"'
)


@dataclass(frozen=True)
class Breach:
    """A request that a careful client never sends."""

    rule: str
    operation: str
    path: str


@dataclass(frozen=True)
class Mail:
    """An iTIP message the server sent on the user's behalf."""

    method: str
    uid: str
    recipient: str


@dataclass
class Site:
    """The double's parts in one place; ``lock`` guards state, switches and lists."""

    quirks: Quirks
    state: State
    password: str
    bases: dict[str, str] = field(default_factory=dict)
    breaches: list[Breach] = field(default_factory=list)
    mails: list[Mail] = field(default_factory=list)
    hooks: dict[str, list[Callable[[], object]]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    stopping: threading.Event = field(default_factory=threading.Event)

    @property
    def own_addresses(self) -> tuple[str, ...]:
        """The user's calendar addresses in lower case."""
        told = (f"mailto:{self.state.user}", self.state.principal, *self.quirks.more_addresses)
        return tuple(address.lower() for address in told)

    def url(self, path: str, host: str | None = None) -> str:
        """Absolute address of a decoded path; ``host`` is by default the one that serves calendars."""
        serving = PARTITION if self.quirks.partition else MAIN
        return self.bases[host or serving] + self.spell(path)

    def spell(self, path: str) -> str:
        """A decoded path percent-encoded as the switches say."""
        safe = "/" + ("" if self.quirks.encodes_at else "@") + ("" if self.quirks.encodes_plus else "+")
        return quote(path, safe=safe)

    def href(self, path: str) -> str:
        """A decoded path as it stands in an answer."""
        if self.quirks.partition and self.quirks.hrefs_name_first_host:
            return escape(self.url(path, MAIN))
        return escape(self.url(path) if self.quirks.absolute_hrefs else self.spell(path))

    def count_down(self, name: str) -> bool:
        """Use up one of a ``*_times`` switch; False when none is left."""
        with self.lock:
            left: int = getattr(self.quirks, name)
            if left > 0:
                setattr(self.quirks, name, left - 1)
            return left > 0

    def run_hooks(self, operation: str) -> None:
        """Run and forget what a test wanted done before this operation."""
        for action in self.hooks.pop(operation, []):
            action()


def status_line(status: int) -> str:
    """The text of DAV:status."""
    return f"<D:status>HTTP/1.1 {status} {responses.get(status, 'Status')}</D:status>"


def propstat(status: int, inner: str) -> str:
    """A propstat element, nothing for no properties."""
    return f"<D:propstat><D:prop>{inner}</D:prop>{status_line(status)}</D:propstat>" if inner else ""


def row(href: str, inner: str) -> str:
    """A response element."""
    return f"<D:response><D:href>{href}</D:href>{inner}</D:response>"


def multistatus(rows: list[str], tail: str = "") -> Response:
    """A 207 answer."""
    return xml_response(207, f"<D:multistatus {NAMESPACES}>{''.join(rows)}{tail}</D:multistatus>")
