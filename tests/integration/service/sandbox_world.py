"""An installation with the sandbox plugin, and short words for both sides of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calbridge.service import accounts, integrations, items, sandbox, sync, tenants, users
from calbridge.service.parts import Parts, open_parts
from calbridge.service.views import IntegrationView, RunView
from calbridge.store.migrate import upgrade
from tests.integration.service.world import ALICE, TENANT, TestClock, settings_for

ACCOUNT = {"username": "alice@example.com", "password": "any"}


@dataclass
class SandboxWorld:
    parts: Parts
    clock: TestClock
    integration_id: str = ""

    def connect(self) -> IntegrationView:
        view = integrations.add_integration(
            self.parts, TENANT, user_id=ALICE, service="sandbox", account=ACCOUNT, calendar_id="main", active=True
        )
        self.integration_id = view.id
        return view

    def sync(self) -> RunView:
        return sync.sync_integration(self.parts, TENANT, self.integration_id)

    def integration(self) -> IntegrationView:
        return integrations.get_integration(self.parts, TENANT, self.integration_id)

    def sign_in(self) -> None:
        accounts.put_account(self.parts, TENANT, self.integration_id, ACCOUNT)

    def create(self, **body: Any) -> dict[str, Any]:
        return sandbox.create_event(self.parts, TENANT, self.integration_id, body)

    def change(self, event_id: str, **patch: Any) -> dict[str, Any]:
        return sandbox.change_event(self.parts, TENANT, self.integration_id, event_id, patch)

    def events(self) -> list[dict[str, Any]]:
        return sandbox.list_events(self.parts, TENANT, self.integration_id)

    def fault(self, fault: str, **more: Any) -> dict[str, Any]:
        return sandbox.set_fault(self.parts, TENANT, self.integration_id, {"fault": fault, **more})

    def put(self, name: str, **body: Any) -> dict[str, Any]:
        return items.put_item(self.parts, TENANT, ALICE, f"ext:{name}", body)

    def items(self) -> list[dict[str, Any]]:
        return items.list_items(self.parts, TENANT, ALICE)

    def titles(self) -> tuple[list[str], list[str]]:
        """In My Calendar, and in the fake one."""
        return sorted(each["title"] for each in self.items()), sorted(each["title"] for each in self.events())


@contextmanager
def sandbox_world(folder: Path, url: str | None = None, **more: str) -> Iterator[SandboxWorld]:
    """A tenant with a user on an empty database, with SANDBOX=1 unless told otherwise."""
    clock = TestClock()
    settings = settings_for(folder, url, **{"CALBRIDGE_SANDBOX": "1", **more})
    with open_parts(settings, clock=clock) as parts:
        upgrade(parts.database)
        tenants.create_tenant(parts, TENANT, "Tenant")
        users.put_user(parts, TENANT, ALICE, time_zone="Europe/Vienna")
        yield SandboxWorld(parts, clock)
