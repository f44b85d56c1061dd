"""The contract over the document in an account's storage."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from calbridge.connectors.capabilities import Capabilities
from calbridge.connectors.contract import (
    Account,
    Answer,
    Calendar,
    Fetched,
    Gone,
    Owner,
    Page,
    Place,
    Result,
    Seen,
    Storage,
    Window,
    Write,
)
from calbridge.connectors.ical import normalise_content
from calbridge.connectors.transport import Transport
from calbridge.domain.content import Content
from calbridge.errors import ConnectorError
from calbridge_sandbox.controls import Controls
from calbridge_sandbox.document import MAIN, Document
from calbridge_sandbox.events import address_of, place_of, shown
from calbridge_sandbox.keeping import changing
from calbridge_sandbox.listing import pages
from calbridge_sandbox.plugin import CAPABILITIES
from calbridge_sandbox.writing import Writing

T = TypeVar("T")


class SandboxConnector:
    """One account of the fake service. Every call but ``control`` is a request that its faults may refuse."""

    def __init__(self, account: Account, storage: Storage) -> None:
        self._address = address_of(account.username)
        self._own = frozenset({self._address})
        self._storage = storage

    @property
    def capabilities(self) -> Capabilities:
        """Always the same."""
        return CAPABILITIES

    def check(self) -> Owner:
        """Any password will do, unless the account was revoked."""
        self._request(lambda document: None)
        return Owner(f"sandbox:{self._address}", self._address, self._own)

    def calendars(self) -> Sequence[Calendar]:
        """Those that were not taken away."""
        found = self._request(lambda document: document.calendars)
        return [Calendar(name, each.name, primary=name == MAIN) for name, each in found.items() if each.present]

    def changes(self, calendar: str, cursor: str | None, window: Window) -> Iterator[Page]:
        """See :mod:`.listing`. The window is not used: every listing covers all there is."""
        document = self._request(lambda document: document)
        yield from pages(document, document.calendar(calendar), cursor, self._own)

    def fetch(self, calendar: str, remote_ids: Sequence[str]) -> Sequence[Fetched]:
        """One answer per id."""
        events = self._request(lambda document: document.calendar(calendar).events)
        return [
            shown(each, events[each], self._own) if each in events else Gone(each, sure=True) for each in remote_ids
        ]

    def find(self, calendar: str, keys: Sequence[str], uids: Sequence[str]) -> Sequence[Seen]:
        """By marker or UID."""
        events = self._request(lambda document: document.calendar(calendar).events)
        return [
            shown(name, stored, self._own)
            for name, stored in events.items()
            if (stored.marker is not None and stored.marker in keys) or stored.uid in uids
        ]

    def place(self, calendar: str, key: str) -> Place | None:
        """From the key alone."""
        return place_of(key)

    def write(self, calendar: str, writes: Sequence[Write]) -> Sequence[Result]:
        """All of a batch in one step of the storage, each with a result of its own."""
        return self._write(calendar, writes)

    def respond(self, calendar: str, answer: Answer) -> Result:
        """The own answer; the organiser of a fake meeting is nobody who could be told."""
        return self._write(calendar, [answer])[0]

    def control(self, action: str, arguments: Mapping[str, object]) -> Mapping[str, object]:
        """See :mod:`.controls`."""
        return changing(self._storage, lambda document: Controls(document, self._own).act(action, arguments))

    def normalise(self, content: Content) -> Content:
        """What iCalendar itself can't carry is dropped."""
        return normalise_content(content)

    def close(self) -> None:
        """Nothing is held open."""

    def _write(self, calendar: str, writes: Sequence[Write | Answer]) -> list[Result]:
        def act(document: Document) -> list[Result]:
            writing = Writing(document, document.calendar(calendar), self._own)
            return [writing.apply(write) for write in writes]

        return self._request(act)

    def _request(self, act: Callable[[Document], T]) -> T:
        def admitted(document: Document) -> T | ConnectorError:
            refusal = document.refusal()
            return act(document) if refusal is None else refusal

        answer = changing(self._storage, admitted)
        if isinstance(answer, ConnectorError):
            raise answer
        return answer


def open_connector(account: Account, transport: Transport, storage: Storage) -> SandboxConnector:
    """The factory that the plugin names."""
    return SandboxConnector(account, storage)
