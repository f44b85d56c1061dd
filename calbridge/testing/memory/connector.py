"""The lossy memory connector: the contract over a :class:`MemoryService`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress

from calbridge.connectors.capabilities import Capabilities
from calbridge.connectors.contract import (
    Account,
    Answer,
    Calendar,
    Connector,
    Fetched,
    Gone,
    Owner,
    Page,
    Place,
    Result,
    Seen,
    Subscription,
    Unknown,
    Watch,
    Window,
    Write,
)
from calbridge.connectors.transport import Transport
from calbridge.domain.content import Content
from calbridge.errors import ConnectorError, SignInRequired, Throttled, Unavailable
from calbridge.testing.memory.listing import Listing
from calbridge.testing.memory.pushing import subscribe, unsubscribe
from calbridge.testing.memory.reading import shown
from calbridge.testing.memory.rewriting import normalise
from calbridge.testing.memory.service import OWNER_ADDRESS, OWNER_ID, MemoryService
from calbridge.testing.memory.switches import capabilities
from calbridge.testing.memory.writing import Writing


class MemoryConnector:
    """One client of a memory service. It keeps nothing: a new one may be opened at any time."""

    def __init__(self, service: MemoryService) -> None:
        self._service = service

    @property
    def capabilities(self) -> Capabilities:
        """What the service's switches leave of the abilities."""
        return capabilities(self._service.switches)

    def check(self) -> Owner:
        """The owner is always the same."""
        self._enter("check")
        self._service.io("check.after")
        return Owner(OWNER_ID, OWNER_ADDRESS, frozenset({OWNER_ADDRESS}))

    def calendars(self) -> Sequence[Calendar]:
        """The calendars that were not dropped."""
        self._enter("calendars")
        found = [calendar for calendar in self._service.state.calendars.values() if calendar.present]
        self._service.io("calendars.after")
        return [Calendar(each.id, each.name, each.time_zone, primary=not place) for place, each in enumerate(found)]

    def changes(self, calendar: str, cursor: str | None, window: Window) -> Iterator[Page]:
        """C1; every page passes the points ``changes.before`` and ``changes.after``."""
        self._enter("changes")
        state = self._service.calendar(calendar)
        self._service.settle(state)
        for number, page in enumerate(Listing(self._service, state, window).pages(cursor)):
            if number:
                self._enter("changes")
                self._service.calendar(calendar)
            self._service.io("changes.after")
            yield page

    def fetch(self, calendar: str, remote_ids: Sequence[str]) -> Sequence[Fetched]:
        """One answer per id."""
        self._enter("fetch")
        state = self._service.calendar(calendar)
        self._service.settle(state)
        found: list[Fetched] = []
        for remote_id in remote_ids:
            stored = state.events.get(remote_id)
            if self._service.random.random() < self._service.switches.fetch_unknown:
                found.append(Unknown(remote_id))
            else:
                found.append(shown(self._service, stored) if stored else Gone(remote_id, sure=True))
        self._service.io("fetch.after")
        return found

    def find(self, calendar: str, keys: Sequence[str], uids: Sequence[str]) -> Sequence[Seen]:
        """By marker or UID, always whole; unreadable ones are not found."""
        self._enter("find")
        state = self._service.calendar(calendar)
        self._service.settle(state)
        wanted = [stored for stored in state.events.values() if stored.marker in keys or stored.uid in uids]
        found = [entry for entry in (shown(self._service, stored) for stored in wanted) if isinstance(entry, Seen)]
        self._service.io("find.after")
        return found

    def place(self, calendar: str, key: str) -> Place | None:
        """Both follow from the key, unless the service makes them."""
        if self._service.switches.server_made_ids:
            return None
        return Place(f"e-{key}", f"{key}@calbridge.example.com")

    def write(self, calendar: str, writes: Sequence[Write]) -> Sequence[Result]:
        """One result each, in order."""
        self._guard()
        state = self._service.calendar(calendar)
        self._service.settle(state)
        writing = Writing(self._service, state)
        return [writing.apply(write) for write in writes]

    def respond(self, calendar: str, answer: Answer) -> Result:
        """C9; passes the points ``answer.before`` and ``answer.after``."""
        self._guard()
        state = self._service.calendar(calendar)
        self._service.settle(state)
        return Writing(self._service, state).apply(answer)

    def watch(self, calendar: str, wanted: Subscription) -> Watch:
        """C12; passes the points ``watch.before`` and ``watch.after``."""
        self._enter("watch")
        made = subscribe(self._service, calendar, wanted)
        self._service.io("watch.after")
        return made

    def renew(self, calendar: str, watch: Watch, wanted: Subscription) -> Watch:
        """C12: a new one, then the end of the former one; passes the points of both."""
        made = self.watch(calendar, wanted)
        with suppress(ConnectorError):
            self.unwatch(calendar, watch)
        return made

    def unwatch(self, calendar: str, watch: Watch) -> None:
        """C12; passes the points ``unwatch.before`` and ``unwatch.after``."""
        self._enter("unwatch")
        unsubscribe(self._service, watch)
        self._service.io("unwatch.after")

    def normalise(self, content: Content) -> Content:
        """Exactly what the service makes of it."""
        return normalise(content, self._service.switches)

    def close(self) -> None:
        """Nothing is held open."""

    def _enter(self, call: str) -> None:
        self._service.io(f"{call}.before")
        self._guard()
        if self._service.random.random() < self._service.switches.unavailable:
            raise Unavailable()

    def _guard(self) -> None:
        refused = self._service.state.refused_sign_in
        if refused is not None:
            raise SignInRequired(confirmed=refused)
        if self._service.random.random() < self._service.switches.throttles:
            raise Throttled(retry_after=1.0)


class MemoryFactory:
    """A connector factory over one service, for whoever opens connectors by account."""

    def __init__(self, service: MemoryService) -> None:
        self._service = service

    def __call__(self, account: Account, transport: Transport | None = None) -> Connector:
        """Open a connector; account and transport are not looked at."""
        return MemoryConnector(self._service)
