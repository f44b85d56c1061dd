"""The sandbox as the conformance kit's harness; its phone works on the stored document, without the connector."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import TypeVar
from uuid import uuid4

from calbridge.connectors.contract import Account, Connector, Storage
from calbridge.connectors.ical import create
from calbridge.connectors.transport import Transport
from calbridge.domain.content import MASTER, Content, Field, Span, Unit, Value
from calbridge.domain.event import Event
from calbridge.domain.series import rekey
from calbridge_sandbox.connector import SandboxConnector
from calbridge_sandbox.document import MAIN, Document, Stored
from calbridge_sandbox.events import edited, event_of
from calbridge_sandbox.keeping import changing

from .memory_storage import MemoryStorage

T = TypeVar("T")
OWNER = "carol@example.com"
OWN = frozenset({OWNER})
FOREIGN = "X-KIT-FOREIGN"


class DocumentDoor:
    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def create(self, content: Content) -> str:
        uid = str(uuid4())
        text = create(content, uid=uid, marker=None).decode().replace("\r\nUID:", f"\r\n{FOREIGN}:kept\r\nUID:")
        self._change(lambda document: document.put(document.calendar(MAIN), uid, Stored(uid), text))
        return uid

    def edit(self, remote_id: str, units: Mapping[Unit, Value]) -> str:
        def act(document: Document) -> object:
            calendar = document.calendar(MAIN)
            stored = calendar.events[remote_id]
            target = units.get((MASTER, Field.TIME))
            keys = rekey(event_of(stored, OWN).content, target).keys if isinstance(target, Span) else {}
            return document.put(calendar, remote_id, stored, edited(stored, units, keys, OWN))

        self._change(act)
        return remote_id

    def delete(self, remote_id: str) -> None:
        self._change(lambda document: document.calendar(MAIN).remove(remote_id, document.next_number()))

    def events(self) -> Mapping[str, Event]:
        return {name: event_of(stored, OWN) for name, stored in self._stored().items()}

    def extra(self, remote_id: str) -> Mapping[str, str]:
        lines = self._stored()[remote_id].text.splitlines()
        return {name: value for name, _, value in (line.partition(":") for line in lines) if name == FOREIGN}

    def _stored(self) -> Mapping[str, Stored]:
        return Document.read(self._storage.read()[0]).calendars[MAIN].events

    def _change(self, act: Callable[[Document], T]) -> T:
        return changing(self._storage, act)


class SandboxHarness:
    def __init__(self, kind: type[SandboxConnector] = SandboxConnector) -> None:
        self.kind = kind
        self.storage = MemoryStorage()
        self.calendar, self.owner = MAIN, OWNER
        self.phone = DocumentDoor(self.storage)

    @property
    def today(self) -> date:
        return datetime.now(UTC).date()

    def connector(self) -> Connector:
        return self.kind(Account("sandbox", None, OWNER, "any"), self.storage)

    def refused(self) -> Connector:
        other = SandboxConnector(Account("sandbox", None, OWNER, "any"), MemoryStorage())
        other.control("fault", {"fault": "revoke"})
        return other

    def connector_at(self, url: str, transport: Transport) -> Connector | None:
        return None

    def mails(self) -> int:
        return 0
