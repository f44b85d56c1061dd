"""Who is told of writes of items, and what is stored where one of many fails."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

import pytest

from calbridge.service import item_batches, items
from calbridge.service.parts import Parts
from calbridge.store.changes import Raised
from tests.integration.notify.conftest import both
from tests.integration.service.world import ALICE, TENANT, World, visit
from tests.integration.store.conftest import database_kind, database_url, postgresql_server, sqlite_template

__all__ = ["both", "database_kind", "database_url", "postgresql_server", "sqlite_template"]


@dataclass
class Listener:
    """A dispatcher that remembers what it was told."""

    told: list[tuple[str, list[str]]] = field(default_factory=list)

    def due(self, tenant: str, raised: Collection[Raised], *, urgent: bool = True) -> None:
        assert urgent
        self.told.append((tenant, [each.integration_id for each in raised]))


@pytest.fixture
def listener() -> Listener:
    return Listener()


@pytest.fixture
def parts(world: World, listener: Listener) -> Parts:
    return replace(world.parts, dispatcher=listener)


def batch(parts: Parts, *titles: str) -> list[str]:
    entries = [
        {"user_id": ALICE, "op": "put", "external_id": title, "item": visit(title, record_id="R")} for title in titles
    ]
    return [each.status for each in item_batches.write_items(parts, TENANT, entries)]


def test_a_batch_tells_the_active_integrations_once(world: World, parts: Parts, listener: Listener) -> None:
    active = world.connect().id
    world.connect(calendar_id="second", active=False)
    assert batch(parts, "a", "b", "c") == ["created"] * 3
    assert listener.told == [(TENANT, [active])]
    assert batch(parts, "a", "b", "c") == ["unchanged"] * 3
    assert len(listener.told) == 1


def test_a_single_write_tells_them_only_if_it_changed_something(world: World, parts: Parts, listener: Listener) -> None:
    active = world.connect().id
    items.put_item(parts, TENANT, ALICE, "ext:a", visit())
    items.put_item(parts, TENANT, ALICE, "ext:a", visit())
    items.patch_item(parts, TENANT, ALICE, "ext:a", {"title": "Other"})
    items.delete_item(parts, TENANT, ALICE, "ext:a")
    assert listener.told == [(TENANT, [active])] * 3


def test_nobody_is_told_without_an_active_integration(parts: Parts, listener: Listener) -> None:
    items.put_item(parts, TENANT, ALICE, "ext:a", visit())
    assert listener.told == []


def test_a_write_that_the_database_itself_refuses_undoes_no_other(both: World) -> None:
    assert batch(both.parts, "a", "b") == ["created"] * 2
    asked = [
        {"user_id": ALICE, "op": "put", "external_id": "c", "item": visit("C")},
        {"user_id": ALICE, "op": "patch", "external_id": "a", "item": {"external_id": "b"}},
        {"user_id": ALICE, "op": "patch", "external_id": "b", "item": {"title": "Other"}},
    ]
    results = item_batches.write_items(both.parts, TENANT, asked)
    assert [(each.status, each.code) for each in results] == [
        ("created", None),
        ("failed", "already_exists"),
        ("updated", None),
    ]
    assert both.titles() == ["C", "Other", "a"]
    with both.parts.database.read(TENANT) as work:
        told = work.changes_after(0, 100)
    assert [change.op for change in told] == ["create", "create", "create", "update"]
