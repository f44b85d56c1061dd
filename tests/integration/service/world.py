"""An installation with a tenant, a user and the memory service behind a connector registered by a test plugin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, ClassVar

import pluggy

from calbridge.connectors import hookspecs
from calbridge.connectors.contract import Account, Connector, ConnectorSpec, ServiceSpec
from calbridge.connectors.hookspecs import Failure, hookimpl
from calbridge.connectors.registry import Registry
from calbridge.connectors.transport import Transport
from calbridge.domain.content import MASTER, Content, Field, Span, Unit, Value, content
from calbridge.domain.times import zoned
from calbridge.errors import SignInRequired
from calbridge.service import integrations, items, sync, tenants, users
from calbridge.service.parts import Parts
from calbridge.service.views import IntegrationView, RunView
from calbridge.settings import Settings, load_settings
from calbridge.testing.memory import MemoryConnector, MemoryService, Switches, capabilities
from tests.servers.process import free_port

TENANT = "t1"
ALICE = "alice"
KEY = "k" * 40
EVERYTHING = (None, None)
START = datetime(2027, 1, 4, 8, 0, tzinfo=UTC)


class MemoryDoor:
    """What the registered factory opens: the memory service of the test that runs, by the account's user name."""

    services: ClassVar[dict[str, MemoryService]] = {}

    def __call__(self, account: Account, transport: Transport) -> Connector:
        if account.username not in self.services:
            raise SignInRequired(confirmed=True)
        return MemoryConnector(self.services[account.username])


open_memory = MemoryDoor()


class Watcher:
    """A plugin that only listens."""

    def __init__(self) -> None:
        self.told: list[Failure] = []

    @hookimpl
    def calbridge_notify(self, failure: Failure) -> None:
        self.told.append(failure)


def memory_spec() -> ConnectorSpec:
    return ConnectorSpec(
        name="memory",
        services=(ServiceSpec("memory", "Memory"),),
        authentication="password",
        account_schema={"type": "object"},
        capabilities=capabilities(Switches()),
        factory="tests.integration.service.world:open_memory",
        notices="calbridge.testing.memory.pushing:read_notice",
    )


def registry(watcher: Watcher) -> Registry:
    hooks = pluggy.PluginManager(hookspecs.PROJECT)
    hooks.add_hookspecs(hookspecs)
    hooks.register(watcher)
    return Registry((memory_spec(),), (), hooks)


@dataclass
class TestClock:
    """A clock that the test moves."""

    __test__ = False
    moment: datetime = START

    def now(self) -> datetime:
        return self.moment

    def advance(self, **by: float) -> None:
        self.moment += timedelta(**by)


@dataclass
class World:
    """Parts and short words for the use cases; the calendar behind is ``memory``."""

    parts: Parts
    clock: TestClock
    memory: MemoryService
    watcher: Watcher
    integration_id: str = ""
    switches: Switches = field(default_factory=Switches)

    def connect(self, **more: Any) -> IntegrationView:
        given: dict[str, Any] = {"user_id": ALICE, "calendar_id": "main", "active": True} | more
        view = integrations.add_integration(
            self.parts,
            TENANT,
            service="memory",
            account={"username": ALICE, "password": "secret"},
            **given,
        )
        self.integration_id = view.id
        return view

    def sync(self, **more: Any) -> RunView:
        return sync.sync_integration(self.parts, TENANT, self.integration_id, **more)

    def integration(self) -> IntegrationView:
        return integrations.get_integration(self.parts, TENANT, self.integration_id)

    def put(self, name: str, **body: Any) -> dict[str, Any]:
        return items.put_item(self.parts, TENANT, ALICE, f"ext:{name}", body)

    def items(self) -> list[dict[str, Any]]:
        return items.list_items(self.parts, TENANT, ALICE)

    def titles(self) -> list[str]:
        return sorted(item["title"] or "" for item in self.items())

    def event_titles(self, calendar: str = "main") -> list[str]:
        events = self.memory.phone_at(calendar).events().values()
        return sorted(event.content.title for event in events)


def settings_for(folder: Path, url: str | None = None, **more: str) -> Settings:
    ours = {"DATA_DIR": str(folder), "SECRET_KEYS": KEY, "PORT": str(free_port())}
    environ: Mapping[str, str] = {f"CALBRIDGE_{name}": value for name, value in ours.items()} | more
    settings = load_settings(environ)
    return settings if url is None else replace(settings, database_url=url)


def at(day: str, hour: str = "10:00", zone: str = "Europe/Vienna") -> dict[str, str]:
    return {"date_time": f"{day}T{hour}:00", "time_zone": zone}


def visit(title: str = "Visit", day: str = "2027-01-05", **more: Any) -> dict[str, Any]:
    """A body of an hour."""
    return {"title": title, "start": at(day), "end": at(day, "11:00"), **more}


def event(title: str, day: str = "2027-01-05", hour: int = 10, rule: str | None = None) -> Content:
    """Content of an hour, as the phone makes it."""
    begin = zoned(datetime.fromisoformat(f"{day}T{hour:02}:00:00"), "Europe/Vienna")
    span = Span(begin, begin.shifted(timedelta(hours=1)), (f"RRULE:{rule}",) if rule else ())
    units: dict[Unit, Value] = {(MASTER, Field.TITLE): title, (MASTER, Field.TIME): span}
    return content(units)


def furnish(parts: Parts) -> None:
    """The tenant and its user."""
    tenants.create_tenant(parts, TENANT, "Tenant")
    users.put_user(parts, TENANT, ALICE, email="alice@example.com", time_zone="Europe/Vienna")


def fresh_memory() -> MemoryService:
    return MemoryService(random=Random(1), calendars=("main", "second"))
