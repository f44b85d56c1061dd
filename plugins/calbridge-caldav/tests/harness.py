"""A real server as the conformance kit's harness."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

from calbridge.connectors.contract import Account, Connector
from calbridge.connectors.ical import Readable, create, edit, read
from calbridge.connectors.transport import Transport
from calbridge.domain.content import MASTER, Content, Field, Span, Unit, Value
from calbridge.domain.event import Event
from calbridge.domain.series import rekey
from calbridge_caldav.connector import CalDavConnector
from calbridge_caldav.hrefs import canonical, parse_remote_id
from tests.servers import CalendarServer

from .support import account, no_records

FOREIGN = "X-KIT-FOREIGN"
OWNER = "kit-owner@example.com"


class ServerDoor:
    """A person's other program: raw files, no connector."""

    def __init__(self, server: CalendarServer, url: str) -> None:
        self._server = server
        self._url = url

    def create(self, content: Content) -> str:
        uid = str(uuid.uuid4())
        body = create(content, uid=uid, marker=None)
        body = body.replace(b"\r\nUID:", f"\r\n{FOREIGN}:kept\r\nUID:".encode())
        return canonical(self._server.put(self._url, f"{uid}.ics", body))

    def edit(self, remote_id: str, units: Mapping[Unit, Value]) -> str:
        body = self._server.get(remote_id)
        part = _only(body)
        moved = units.get((MASTER, Field.TIME))
        keys = rekey(part.event.content, moved).keys if isinstance(moved, Span) else {}
        changed = edit(
            body,
            uid=part.uid,
            recurrence_id=part.recurrence_id,
            units=units,
            rekeyed=keys,
            redact=False,
            now=datetime.now(UTC),
        )
        self._server.put(self._url, remote_id.rpartition("/")[2], changed)
        return remote_id

    def delete(self, remote_id: str) -> None:
        self._server.delete(parse_remote_id(remote_id).path)

    def events(self) -> Mapping[str, Event]:
        paths = [canonical(path) for path in self._server.list(self._url)]
        return {path: _only(self._server.get(path)).event for path in paths}

    def extra(self, remote_id: str) -> Mapping[str, str]:
        lines = self._server.get(remote_id).decode().splitlines()
        return {name: value for name, _, value in (line.partition(":") for line in lines) if name == FOREIGN}


class ServerHarness:
    """One empty calendar on a running server. Xandikos refuses nobody, so another server does."""

    def __init__(self, server: CalendarServer, transport: Transport, refusing_url: str) -> None:
        self._refusing_url = refusing_url
        url = server.new_calendar()
        self._server = server
        self._transport = transport
        self.calendar = canonical(url)
        self.phone = ServerDoor(server, url)
        given = Account("caldav", server.url, server.user, server.password or "any")
        owner = CalDavConnector(given, transport, locate=no_records).check()
        self._account = replace(given, facts=owner.facts, own_addresses=owner.own_addresses | {OWNER})

    @property
    def owner(self) -> str:
        return OWNER

    @property
    def today(self) -> date:
        return datetime.now(UTC).date()

    def connector(self) -> Connector:
        return CalDavConnector(self._account, self._transport, locate=no_records)

    def refused(self) -> Connector:
        return CalDavConnector(account(self._refusing_url), self._transport, locate=no_records)

    def connector_at(self, url: str, transport: Transport) -> Connector | None:
        return CalDavConnector(Account("caldav", url, "alice", "secret"), transport, locate=no_records)

    def mails(self) -> int:
        return 0


def _only(body: bytes) -> Readable:
    (part,) = read(body, own_addresses=frozenset({OWNER}))
    assert isinstance(part, Readable)
    return part
