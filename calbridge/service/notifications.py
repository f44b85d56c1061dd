"""Notices that calendar services push: they only say "look", and are believed only with the token of their address."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from calbridge.connectors.contract import HEARD_STATUSES, Heard, Notice, NoticeReader
from calbridge.errors import Refused, SecretUnreadable
from calbridge.log import get_logger
from calbridge.service.parts import Parts
from calbridge.store.watches import Heeded

LARGEST_NOTICE = 256 * 1024
"""Bytes of a notice that are read."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """A notification address that a request came to; ``watch`` of None: nobody was given it, or it was taken back."""

    read: NoticeReader
    watch: Heeded | None

    @property
    def known(self) -> bool:
        """Whether a service may know it."""
        return self.watch is not None


def address_of(parts: Parts, connector: str, address_id: str) -> Address:
    """What stands behind an address, before anything else of the request is looked at.

    Raises Refused (``path_not_found``): nobody pushes there; DatabaseUnusable.
    """
    try:
        read = parts.registry.notice_reader(connector)
    except Refused as error:
        log.error("notices_unreadable", connector=connector, code=error.code, detail=error.detail)
        read = None
    if read is None:
        raise Refused(code="path_not_found")
    try:
        with parts.database.system_read() as system:
            return Address(read, system.watch_of(connector, address_id))
    except SecretUnreadable as error:
        log.error("notice_unheard", connector=connector, code=error.code)
        return Address(read, None)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request to an address. Header names are lower case; ``body`` is read only where the address is known."""

    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str] = field(repr=False)
    body: Callable[[], bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class NoticeAnswer:
    """What the service's protocol wants to be answered."""

    status: int
    content_type: str | None
    body: bytes


def hear(parts: Parts, address: Address, incoming: Incoming) -> NoticeAnswer:
    """Take a notice up, and say what to answer: the same for whoever has the token and whoever has not.

    An integration that waits for its run anyway is left alone, so a burst of notices writes next to nothing. Calls no
    service. Raises DatabaseUnusable, and what reading the body raises.
    """
    watch = address.watch
    body = incoming.body() if address.known else b""
    heard = _read(address, Notice(incoming.headers, incoming.query, body, known=address.known))
    if watch is not None and heard.changed and _fits(watch, heard) and watch.runs and not watch.waiting:
        with parts.database.write(watch.tenant_id) as work:
            work.raise_due(watch.integration_id)
        parts.dispatch(watch.tenant_id, work)
    return NoticeAnswer(heard.status, heard.content_type, heard.body)


def _read(address: Address, notice: Notice) -> Heard:
    """What the connector makes of it; one that breaks its promise is answered for."""
    try:
        heard = address.read(notice)
    except Exception as error:
        log.error("notice_broke", exc_info=error)
        return Heard(None)
    if heard.status not in HEARD_STATUSES:
        log.error("notice_broke", status=heard.status)
        return Heard(None)
    return heard


def _fits(watch: Heeded, heard: Heard) -> bool:
    told = (heard.id or "", heard.token or "")
    pairs = zip(told, (watch.id, watch.token), strict=True)
    fits = [hmac.compare_digest(one.encode("utf-8", "surrogatepass"), other.encode()) for one, other in pairs]
    if not all(fits):
        log.warning("notice_not_believed", tenant=watch.tenant_id, integration=watch.integration_id)
    return all(fits)
