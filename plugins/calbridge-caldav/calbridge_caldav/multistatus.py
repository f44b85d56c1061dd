"""Reading the flat rows of a 207 answer (RFC 4918 section 13), fast and without a tree.

A listing of 10,000 members is read in one pass with constant memory beside the rows themselves. Properties count only
from propstats with a status of 2xx: iCloud repeats the empty ones in a second propstat with 404 (dossier 3).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from lxml import etree

from calbridge.connectors.transport import Response
from calbridge.errors import Unavailable

_RESPONSE, _HREF, _STATUS, _PROPSTAT = "{DAV:}response", "{DAV:}href", "{DAV:}status", "{DAV:}propstat"
_ETAG, _TOKEN = "{DAV:}getetag", "{DAV:}sync-token"
_DATA = "{urn:ietf:params:xml:ns:caldav}calendar-data"
_CTAG = "{http://calendarserver.org/ns/}getctag"
_READ = frozenset({_HREF, _STATUS, _ETAG, _DATA, _TOKEN, _CTAG})
_KEPT = {_ETAG: "etag", _DATA: "data", _TOKEN: "token", _CTAG: "ctag"}


class Row(NamedTuple):
    """One href of a ``response``: ``status`` is its own (None where only propstats have one)."""

    href: str
    status: int | None
    etag: str | None
    data: str | None
    props: Mapping[str, str]


_NOTHING: Mapping[str, str] = MappingProxyType({})
"""What most rows have beside their ETag; one for all, because a listing has many thousands."""


class Multistatus(NamedTuple):
    """All rows, and the sync-token beside them."""

    rows: list[Row]
    token: str | None


class _Reader:
    """Target of the parser: remembers what it reads of the row it is in."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.token: str | None = None
        self.root: str | None = None
        self._text: list[str] = []
        # Called most of all, in any number of pieces, so it is no method of ours; text that is not read goes with the
        # next beginning of what is.
        self.data = self._text.append
        self._in_response = self._in_propstat = False
        self._hrefs: list[str] = []
        self._status: int | None = None
        self._found: dict[str, str] = {}
        self._pending: dict[str, str] = {}
        self._pending_status: int | None = None

    def doctype(self, name: str, public: str | None, system: str | None) -> None:
        """Raises Unavailable: no honest server sends a DTD."""
        raise Unavailable("XML with a DTD", code="malformed_answer", sent=True)

    def start(self, tag: str, attributes: object) -> None:
        """An element begins."""
        if tag in _READ:
            self._text.clear()
        elif tag == _PROPSTAT:
            self._in_propstat, self._pending, self._pending_status = True, {}, None
        elif tag == _RESPONSE:
            self._in_response, self._hrefs, self._status, self._found = True, [], None, {}
        elif self.root is None:
            self.root = tag

    def end(self, tag: str) -> None:
        """An element ends."""
        if tag in _READ:
            self._take(tag, "".join(self._text))
            self._text.clear()
        elif tag == _PROPSTAT:
            self._in_propstat = False
            if self._pending_status is None or 200 <= self._pending_status < 300:
                self._found.update(self._pending)
        elif tag == _RESPONSE:
            self._in_response = False
            found = self._found
            etag = usable_etag(found.pop("etag", None))
            data, props = found.pop("data", None), found or _NOTHING
            # Many hrefs may share a status, but no properties (RFC 4918 section 14.24).
            hrefs = self._hrefs[: 1 if self._status is None else None] or [""]
            self.rows += [Row(href, self._status, etag, data, props) for href in hrefs]

    def close(self) -> None:
        """The document ends."""

    def _take(self, tag: str, text: str) -> None:
        if self._in_propstat:
            if tag == _STATUS:
                self._pending_status = status_code(text)
            elif tag != _HREF:
                self._pending[_KEPT[tag]] = text if tag == _DATA else text.strip()
        elif not self._in_response:
            if tag == _TOKEN:
                self.token = text.strip()
        elif tag == _HREF:
            if self._status is None or not self._hrefs:  # an error that follows has hrefs of its own
                self._hrefs.append(text.strip())
        elif tag == _STATUS:
            self._status = status_code(text)


def usable_etag(text: str | None) -> str | None:
    """An ETag that can be sent back in a header; None for one with control or foreign characters."""
    return text if text and text.isascii() and text.isprintable() else None


@lru_cache(maxsize=64)
def status_code(line: str) -> int | None:
    """The number in ``HTTP/1.1 404 Not Found``, None where there is none."""
    parts = line.split(None, 2)
    return int(parts[1]) if len(parts) > 1 and parts[1].isascii() and parts[1].isdigit() else None


def demand_multistatus(response: Response) -> None:
    """Raises Unavailable for every status but 207: ``malformed_answer``, or plainly for a failure of the server."""
    if response.status != 207:
        code = "unavailable" if response.status >= 500 else "malformed_answer"
        raise Unavailable("no multistatus", code=code, status=response.status, sent=True)


def read_multistatus(response: Response) -> Multistatus:
    """The rows of a 207. Raises Unavailable (``malformed_answer``) for anything else, a DTD and broken XML included."""
    demand_multistatus(response)
    reader = _Reader()
    target: Any = reader  # the stubs ask for methods that lxml does not need
    parser = etree.XMLParser(
        target=target, resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False, dtd_validation=False
    )
    try:
        etree.fromstring(response.body, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise Unavailable("not well-formed XML", code="malformed_answer", sent=True) from error
    if reader.root != "{DAV:}multistatus":
        raise Unavailable("no multistatus", code="malformed_answer", sent=True)
    # The parser and its target refer to each other and stay until garbage is looked for; the rows shall not.
    rows, reader.rows = reader.rows, []
    return Multistatus(rows, reader.token)
