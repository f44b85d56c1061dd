"""A world that is reached from outside, and the way of a notice to it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import text

from calbridge.service import notifications, watching
from calbridge.service.notifications import Incoming, NoticeAnswer
from calbridge.store.changes import Raised
from calbridge.store.watches import StoredWatch
from calbridge.testing.memory.state import Pushed, Subscribed
from tests.integration.service.world import TENANT, World

BASE = "https://calbridge.example.com"


@dataclass
class Listener:
    """A dispatcher that only remembers what it was told."""

    told: list[Raised] = field(default_factory=list)

    def due(self, tenant: str, raised: Collection[Raised], *, urgent: bool = True) -> None:
        assert (tenant, urgent) == (TENANT, True)
        self.told += raised

    def queued(self) -> None:
        return None

    def deliveries(self, tenant: str) -> None:
        """Nobody listens to webhooks here."""


def look_after(world: World) -> None:
    """What the scheduler and its jobs do about subscriptions."""
    for tenant, integration_id in watching.watches_due(world.parts):
        watching.keep_watch(world.parts, tenant, integration_id)


def pass_time(world: World, **by: float) -> None:
    """For us and for the service."""
    world.clock.advance(**by)
    world.memory.advance(timedelta(**by))


def rows(world: World) -> list[StoredWatch]:
    with world.parts.database.read(TENANT) as work:
        return list(work.watches.list(world.integration_id))


def statuses(world: World) -> list[str]:
    return [each.status for each in rows(world)]


def subscribed(world: World) -> list[Subscribed]:
    """What the service pushes to."""
    return list(world.memory.state.subscriptions.values())


def post(
    world: World, address: str, headers: Mapping[str, str], body: bytes = b"", connector: str = "memory"
) -> NoticeAnswer:
    """A request to an address, as the API hands it on."""
    parts = urlsplit(address)
    address_id = parts.path.removeprefix(f"/v1/notifications/{connector}/")
    found = notifications.address_of(world.parts, connector, address_id)
    incoming = Incoming(headers, dict(parse_qsl(parts.query)), lambda: body)
    return notifications.hear(world.parts, found, incoming)


def deliver(world: World) -> list[NoticeAnswer]:
    """Everything that is under way arrives."""
    return [post(world, each.address, each.headers) for each in taken(world)]


def taken(world: World) -> list[Pushed]:
    return world.memory.take_pushed()


def due_no(world: World) -> int:
    with world.parts.database.read(TENANT) as work:
        return work.integrations.require(world.integration_id).due_no


def look_at(world: World) -> object:
    with world.parts.database.read(TENANT) as work:
        return work.integrations.require(world.integration_id).watch_at


def whole_database(world: World, table: str) -> str:
    """Everything that stands in a table."""
    with world.parts.database.connect(writes=False) as connection:
        return repr(connection.execute(text(f"SELECT * FROM {table}")).all())
