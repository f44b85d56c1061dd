"""A user with one linked calendar on a real server: syncing it by the engine, editing what may be edited."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime

from calbridge.connectors.contract import Account, Connector, Window
from calbridge.connectors.registry import load_registry
from calbridge.connectors.transport import Grant, Reach, Transport
from calbridge.domain.content import MASTER, Field
from calbridge.domain.fingerprint import KeyMaker
from calbridge.domain.options import Level, Options, Privacy, Retrieve, Send
from calbridge.sync.engine import Outcome, Task, run
from calbridge.sync.in_memory import InMemoryStore, Tables
from calbridge.sync.memory import Integration, Known, Link
from tests.servers import CalendarServer

EVERYTHING = Task(retrieve=Window())
_FULL = Privacy(Level.FULL, Level.FULL)
_OPTIONS = Options(retrieve=Retrieve(privacy=_FULL), send=Send(privacy=_FULL), live_past_days=700_000)


class _Clock:
    def now(self) -> datetime:
        """The time of this machine."""
        return datetime.now(UTC)


class LinkedUser:
    """alice with one of her calendars linked, nothing hidden, and old events followed like new ones."""

    def __init__(self, server: CalendarServer, calendar_url: str) -> None:
        self._clock = _Clock()
        self._keys = KeyMaker(b"k" * 32, "corpus", "t1")
        self._transport = Transport(Reach(granted=(Grant.parse(f"127.0.0.1:{server.port}"),)))
        account = Account("caldav", server.url, server.user, server.password or "")
        self._connector: Connector = load_registry(None).open("caldav", account, self._transport)
        self._connector.check()
        name = calendar_url.rstrip("/").rpartition("/")[2]
        calendar = next(one.id for one in self._connector.calendars() if one.id.rstrip("/").endswith(name))
        self.tables = Tables(integrations={"A": Integration("A", "t1", "alice", calendar, _OPTIONS)})

    def sync(self, task: Task | None = None) -> Outcome:
        """One run of the engine."""
        store = InMemoryStore(self.tables, "A", self._clock, self._keys)
        return run(self._connector, store, self._clock, self._keys, task)

    def requests(self) -> int:
        """How many requests were sent so far."""
        return self._transport.counters.requests

    def close(self) -> None:
        """Give the connections back."""
        self._connector.close()

    def links(self, path: str) -> list[Link]:
        """The links to what lies in one resource."""
        return [link for link in self.tables.links.values() if _path(link.remote_id) == path]

    def known(self, path: str) -> list[Known]:
        """The rows about what lies in one resource and is not linked."""
        return [row for row in self.tables.known.values() if _path(row.remote_id) == path]

    def retitle(self, links: Iterable[Link], title: str) -> None:
        """Change the titles of these links' items in My Calendar, as the API would."""
        for link in links:
            item = self.tables.items[link.item_id]
            self.tables.seq += 1
            self.tables.items[item.id] = replace(
                item,
                content=item.content.with_units({(MASTER, Field.TITLE): title}),
                version=item.version + 1,
                seq=self.tables.seq,
                updated_at=self._clock.now(),
            )


def _path(remote_id: str | None) -> str:
    """A resource's path; an id within a resource names it before the ``#``."""
    return (remote_id or "").partition("#")[0]
