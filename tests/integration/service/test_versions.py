"""Writes for a version that was read, and the audit of what was written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest

from calbridge.errors import Refused
from calbridge.service import audit, integrations, keys, tenants, users
from calbridge.service.access import Role
from calbridge.service.parts import Actor
from calbridge.service.views import to_json
from tests.integration.service.world import ALICE, TENANT, World


def failed(call: Callable[[], object]) -> str:
    with pytest.raises(Refused) as refused:
        call()
    return refused.value.code


def test_a_tenant_is_changed_only_in_the_version_that_was_read(world: World) -> None:
    def put(name: str, **more: Any) -> int:
        return tenants.put_tenant(world.parts, TENANT, name, **more).version

    first = tenants.get_tenant(world.parts, TENANT).version
    assert put("Renamed", if_version=first) == first + 1
    assert failed(lambda: put("Late", if_version=first)) == "precondition_failed"
    assert failed(lambda: put("Again", create_only=True)) == "precondition_failed"
    assert put("Renamed", if_version=first + 1) == first + 1
    assert tenants.get_tenant(world.parts, TENANT).name == "Renamed"


def test_a_tenant_that_is_not_there_has_no_version(world: World) -> None:
    call = lambda: tenants.put_tenant(world.parts, "t9", "New", if_version=1)  # noqa: E731
    assert failed(call) == "precondition_failed"
    assert [each.id for each in tenants.list_tenants(world.parts)] == [TENANT]


def test_a_tenant_is_made_in_its_first_version_with_all_its_grants(world: World) -> None:
    parts = replace(world.parts, settings=replace(world.parts.settings, private_networks=(ip_network("10.1.0.0/16"),)))
    made = tenants.put_tenant(parts, "t9", "New", private_hosts=["10.1.2.3:5232"], create_only=True)
    assert (made.version, made.private_hosts) == (1, ("10.1.2.3:5232",))
    changed = tenants.put_tenant(parts, "t9", "New", private_hosts=["10.1.2.4:443"], if_version=1)
    assert (changed.version, changed.private_hosts) == (2, ("10.1.2.4:443",))
    assert tenants.put_tenant(parts, "t9", "New").private_hosts == ("10.1.2.4:443",)
    call = lambda: tenants.put_tenant(parts, "t9", "New", private_hosts=["10.2.0.1:443"])  # noqa: E731
    assert failed(call) == "beyond_private_networks"


def test_a_user_is_changed_only_in_the_version_that_was_read(world: World) -> None:
    def put(**more: Any) -> int:
        return users.put_user(world.parts, TENANT, ALICE, **more).version

    first = users.get_user(world.parts, TENANT, ALICE).version
    assert put(name="Alice", if_version=first) == first + 1
    assert failed(lambda: put(name="Late", if_version=first)) == "precondition_failed"
    assert failed(lambda: put(name="Again", create_only=True)) == "precondition_failed"
    assert failed(lambda: users.put_user(world.parts, TENANT, "bob", if_version=1)) == "precondition_failed"
    assert users.put_user(world.parts, TENANT, "carol", create_only=True).version == 1
    assert [each.id for each in users.list_users(world.parts, TENANT)] == [ALICE, "carol"]
    assert to_json(users.get_user(world.parts, TENANT, ALICE))["version"] == first + 1


def test_an_integration_is_changed_only_in_the_version_that_was_read(world: World) -> None:
    def change(**more: Any) -> int:
        return integrations.change_integration(world.parts, TENANT, world.integration_id, **more).version

    first = world.connect().version
    assert change(settings={"conflict": "linked"}, if_version=first) == first + 1
    assert failed(lambda: change(settings={"conflict": "psa"}, if_version=first)) == "precondition_failed"
    assert failed(lambda: change(calendar_id="second", if_version=first)) == "precondition_failed"
    after = integrations.get_integration(world.parts, TENANT, world.integration_id)
    assert (after.settings["conflict"], after.calendar and after.calendar["id"]) == ("linked", "main")
    changed = change(calendar_id="second", settings={"conflict": "newest"}, active=False, if_version=first + 1)
    assert changed > first + 1
    now = integrations.get_integration(world.parts, TENANT, world.integration_id)
    assert (now.calendar and now.calendar["id"], now.settings["conflict"], now.active) == ("second", "newest", False)


def test_a_run_is_no_new_version_of_its_integration(world: World) -> None:
    first = world.connect().version
    world.sync()
    assert world.integration().version == first


def test_the_audit_is_read_from_where_one_was(world: World) -> None:
    acting = world.parts.acting(Actor("api", key="k0"))
    tenants.put_tenant(acting, TENANT, "Renamed")
    made = keys.create_key(acting, TENANT, Role.ADMIN, "A")
    lines = audit.list_audit(world.parts, TENANT)
    assert [(line.actor, line.action) for line in lines] == [
        ("api key k0", "tenant_changed"),
        ("api key k0", "key_created"),
    ]
    assert to_json(lines[1])["facts"] == {"key": made.id, "role": "admin", "name": "A"}
    assert audit.list_audit(world.parts, TENANT, limit=1) == lines[:1]
    assert audit.list_audit(world.parts, TENANT, after=lines[0].id) == lines[1:]


def test_one_tenant_does_not_read_another_s_audit(world: World) -> None:
    tenants.create_tenant(world.parts, "t2", "Other")
    keys.create_key(world.parts, TENANT, Role.ADMIN, "A")
    assert audit.list_audit(world.parts, "t2") == []
    assert failed(lambda: audit.list_audit(world.parts, "t9")) == "tenant_not_found"
