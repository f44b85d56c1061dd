"""Tenants, users, imports, granted hosts, connectors, secrets."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import ip_network

import pytest

from calbridge.connectors.registry import Problem
from calbridge.connectors.transport import Request
from calbridge.errors import AddressRefused, Refused
from calbridge.service import connectors, exports, hosts, integrations, secrets, settings, tenants, user_imports, users
from calbridge.service.item_batches import MOST, write_items
from tests.integration.service.world import ALICE, KEY, TENANT, World, event, visit


def test_a_user_keeps_what_is_not_given(world: World) -> None:
    changed = users.put_user(world.parts, TENANT, ALICE, name="Alice")
    assert (changed.name, changed.email, changed.time_zone) == ("Alice", "alice@example.com", "Europe/Vienna")
    assert users.put_user(world.parts, TENANT, ALICE, email=None).email is None


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"time_zone": "Mars/Base"}, "unknown_time_zone"),
        ({"email": "nobody"}, "invalid_value"),
        ({"name": "x\x00"}, "invalid_value"),
        ({"name": "\ud800"}, "invalid_value"),
        ({"name": "x" * 201}, "too_large"),
    ],
)
def test_what_is_wrong_with_a_user_is_named(world: World, facts: dict[str, str], code: str) -> None:
    with pytest.raises(Refused) as refused:
        users.put_user(world.parts, TENANT, ALICE, **facts)
    assert (refused.value.code, refused.value.facts["field"]) == (code, next(iter(facts)))


def test_an_import_answers_for_every_line(world: World) -> None:
    lines = ["\ufeffuser_id,email,name\n", "alice,alice@example.com,\n", "bob,bob@example.com,Bob\n"]
    lines += ["=cmd,x@example.com,X\n", "carol,nonsense,C\n", "dave\n", "\n"]
    steps: list[tuple[int, int]] = []
    report = user_imports.import_users(world.parts, TENANT, lines, lambda done, total: steps.append((done, total)))
    assert [(row.line, row.user_id, row.status, row.code) for row in report.rows] == [
        (2, "alice", "unchanged", None),
        (3, "bob", "created", None),
        (4, "'=cmd", "failed", "invalid_value"),
        (5, "carol", "failed", "invalid_value"),
        (6, "", "failed", "invalid_csv"),
    ]
    assert (report.created, report.unchanged, report.failed) == (1, 1, 3)
    assert steps == [(5, 5)]
    assert [user.id for user in users.list_users(world.parts, TENANT)] == ["alice", "bob"]


@pytest.mark.parametrize("lines", [["name\n", "x\n"], ["user_id,shoe\n"], ['user_id\n"open'], []])
def test_a_file_that_is_no_list_of_users_imports_nothing(world: World, lines: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        user_imports.import_users(world.parts, TENANT, lines)
    assert refused.value.code == "invalid_csv"


def test_an_import_has_bounds(world: World) -> None:
    with pytest.raises(Refused) as refused:
        user_imports.import_users(world.parts, TENANT, ["user_id\n", *(f"u{n}\n" for n in range(50_001))])
    assert refused.value.code == "too_large"
    with pytest.raises(Refused):
        user_imports.import_users(world.parts, TENANT, ["user_id\n", "x" * (10 * 2**20)])


def test_an_export_holds_everything_but_secrets(world: World) -> None:
    world.connect()
    world.sync()
    world.memory.phone.create(event("Lunch"))
    world.sync()
    world.memory.phone_at("main").create(event("Long ago", day="2020-01-05"))
    world.sync()
    told = exports.export_user(world.parts, TENANT, ALICE)
    assert told["user"]["id"] == ALICE
    assert [account["username"] for account in told["accounts"]] == [ALICE]
    (integration,) = told["integrations"]
    lunch = next(item for item in told["items"] if item["title"] == "Lunch")
    assert lunch["links"][0]["integration_id"] == integration["id"]
    assert [(each["op"], each["source"]["door"]) for each in told["changes"] if each["item_id"] == lunch["id"]] == [
        ("create", "sync")
    ]
    assert len(told["runs"]) >= 3
    assert "Lunch" in {line["title"] for line in told["logs"]}
    assert len(told["known"]) + len(told["items"]) == 2
    assert "secret" not in str(told)
    assert json.dumps(told)


def test_an_export_is_whole_however_much_there_is(world: World) -> None:
    number = exports.PAGE + 1
    world.connect()
    world.sync()
    writes = [
        {"user_id": ALICE, "op": "put", "external_id": f"v{each}", "item": visit(f"Visit {each}")}
        for each in range(number)
    ]
    for start in range(0, number, MOST):
        write_items(world.parts, TENANT, writes[start : start + MOST])
    world.sync()
    whole = exports.export_user(world.parts, TENANT, ALICE)
    for name, key in (("items", "id"), ("changes", "seq"), ("logs", "id")):
        assert len({each[key] for each in whole[name]}) == len(whole[name]) == number


def test_a_deleted_user_leaves_numbers_alone(world: World) -> None:
    world.connect()
    world.sync()
    world.put("a", **visit())
    receipt = users.delete_user(world.parts, TENANT, ALICE)
    assert (receipt.counts["items"], receipt.counts["integrations"], receipt.counts["users"]) == (1, 1, 1)
    assert users.list_users(world.parts, TENANT) == []
    tenants.delete_tenant(world.parts, TENANT)
    assert tenants.list_tenants(world.parts) == []


def test_hosts_are_granted_within_the_operator_s_ceiling(world: World) -> None:
    parts = replace(world.parts, settings=replace(world.parts.settings, private_networks=(ip_network("10.1.0.0/16"),)))
    assert hosts.grant_host(parts, TENANT, "10.1.2.0/24:5232").host == "10.1.2.0/24:5232"
    for beyond in ("10.0.0.0/8", "192.168.1.1:443", "localhost:5232", "fd00::/8"):
        with pytest.raises(Refused) as refused:
            hosts.grant_host(parts, TENANT, beyond)
        assert refused.value.code == "beyond_private_networks"
    assert [host.host for host in hosts.list_hosts(parts, TENANT)] == ["10.1.2.0/24:5232"]
    hosts.revoke_host(parts, TENANT, "10.1.2.0/24:5232")
    with pytest.raises(Refused):
        hosts.revoke_host(parts, TENANT, "10.1.2.0/24:5232")


def test_a_private_address_is_refused_without_a_grant(world: World) -> None:
    with world.parts.transport_factory(TENANT) as transport, pytest.raises(AddressRefused) as refused:
        transport.send(Request("GET", "https://127.0.0.1/"))
    assert refused.value.code == "private_network_needed"


def test_a_plugin_that_can_t_be_used_is_listed_with_its_problem(world: World) -> None:
    broken = replace(world.parts.registry, problems=(Problem("bad-dist", "bad", "import_failed", "no module"),))
    views = connectors.list_connectors(replace(world.parts, registry=broken))
    assert [(view.service, view.problem) for view in views] == [
        ("memory", None),
        ("", "import_failed: no module"),
    ]


def test_an_unknown_service_or_calendar_is_refused_by_name(world: World) -> None:
    with pytest.raises(Refused) as refused:
        world.connect(calendar_id="nothing")
    assert refused.value.code == "calendar_not_found"
    with pytest.raises(Refused) as refused:
        integrations.add_integration(world.parts, TENANT, user_id=ALICE, service="fax", account={})
    assert refused.value.code == "service_unknown"


def test_the_same_calendar_is_linked_once(world: World) -> None:
    world.connect()
    with pytest.raises(Refused) as refused:
        world.connect()
    assert refused.value.code == "already_exists"
    assert world.connect(calendar_id="second").status == "connected"


def test_secrets_and_settings_show_no_secret(world: World) -> None:
    world.connect()
    report = secrets.verify(world.parts)
    assert (report.total, report.unreadable) == (report.current, 0)
    assert secrets.rotate(world.parts).changed == 0
    assert KEY not in str(settings.show_settings(world.parts))
