"""A tenant's settings are shown, changed, and in force."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from calbridge.domain.content import MASTER, Field
from calbridge.errors import Refused
from calbridge.service import audit, hosts, integrations, tenants, users
from calbridge.service.origins import allowed_for
from calbridge.service.parts import Actor
from calbridge.service.previews import preview
from calbridge.service.recoveries import cut_off_now
from calbridge.service.requests import carry_out, request_sync
from calbridge.service.tenant_settings import change_settings, failure_recipients, get_settings
from calbridge.service.tick import tick
from calbridge.service.views import to_json
from tests.integration.service.world import ALICE, TENANT, World, event, visit

USER_ACTOR = Actor("page", user=ALICE)


def change(world: World, **patch: Any) -> Any:
    return change_settings(world.parts, TENANT, patch)


def failed(call: Callable[[], object]) -> Refused:
    with pytest.raises(Refused) as refused:
        call()
    return refused.value


def patch(world: World, **settings: Any) -> Any:
    return integrations.change_integration(world.parts, TENANT, world.integration_id, settings=settings)


# --- shown and changed -------------------------------------------------------------------------------------------


def test_settings_are_shown_with_their_defaults_and_the_grants_of_the_platform(world: World) -> None:
    ceiling = replace(world.parts.settings, private_networks=(ip_network("10.1.0.0/16"),))
    hosts.grant_host(replace(world.parts, settings=ceiling), TENANT, "10.1.2.3:5232")
    shown = to_json(get_settings(world.parts, TENANT))
    assert (shown["version"], shown["sync_enabled"], shown["private_hosts"]) == (1, True, ["10.1.2.3:5232"])
    assert failed(lambda: change(world, private_hosts=[])).facts["field"] == "private_hosts"
    assert failed(lambda: get_settings(world.parts, "t9")).code == "tenant_not_found"


def test_a_change_is_merged_and_null_gives_the_default_back(world: World) -> None:
    change(world, poll_minutes=5, exchange={"batch_size": 7}, title_templates={"task": "T: {title}"})
    now = change(world, exchange={"version": "Exchange2016"}, poll_minutes=None, title_templates={"todo": "{title}!"})
    assert now.poll_minutes == 15
    assert (now.exchange["batch_size"], now.exchange["version"]) == (7, "Exchange2016")
    assert now.title_templates == {"task": "T: {title}", "todo": "{title}!"}
    assert change(world, title_templates={"task": None}).title_templates == {"todo": "{title}!"}
    assert get_settings(world.parts, TENANT).title_templates == {"todo": "{title}!"}


def test_settings_are_changed_only_in_the_version_that_was_read(world: World) -> None:
    first = get_settings(world.parts, TENANT).version
    assert change_settings(world.parts, TENANT, {"poll_minutes": 5}, if_version=first).version == first + 1
    late = failed(lambda: change_settings(world.parts, TENANT, {"poll_minutes": 6}, if_version=first))
    assert late.code == "precondition_failed"
    assert change(world, poll_minutes=5).version == first + 1
    assert tenants.get_tenant(world.parts, TENANT).version == first + 1


def test_what_is_refused_changes_nothing(world: World) -> None:
    for bad in ({"poll_minutes": 5, "shoe": 1}, {"poll_minutes": 5, "retry_minutes": "x"}):
        assert failed(lambda bad=bad: change_settings(world.parts, TENANT, bad)).code == "invalid_value"  # type: ignore[misc]
    assert get_settings(world.parts, TENANT).poll_minutes == 15


def test_the_audit_names_what_was_changed_and_by_whom(world: World) -> None:
    acting = world.parts.acting(Actor("api", key="k0", admin=True))
    change_settings(acting, TENANT, {"poll_minutes": 5, "retry_minutes": 30})
    change_settings(acting, TENANT, {"poll_minutes": 5})
    (line,) = audit.list_audit(world.parts, TENANT)
    assert (line.actor, line.action, line.facts) == ("api key k0", "settings_changed", {"settings": ["poll_minutes"]})


def test_push_needs_an_address_where_services_reach_us(world: World) -> None:
    assert failed(lambda: change(world, mechanism="push")).facts["field"] == "mechanism"
    settings = replace(world.parts.settings, public_url="https://calbridge.example.com")
    reachable = replace(world.parts, settings=settings)
    assert change_settings(reachable, TENANT, {"mechanism": "push"}).mechanism == "push"


def test_one_tenant_s_settings_are_not_another_s(world: World) -> None:
    tenants.create_tenant(world.parts, "t2", "Other")
    change(world, sync_enabled=False, allowed_origins=["https://psa.example.com"])
    assert get_settings(world.parts, "t2").sync_enabled
    assert allowed_for(world.parts, TENANT, "https://psa.example.com")
    assert not allowed_for(world.parts, "t2", "https://psa.example.com")


# --- no run starts -----------------------------------------------------------------------------------------------


SWITCHES: dict[str, Callable[[World, bool], object]] = {
    "sync_disabled": lambda world, there: change(world, sync_enabled=there),
    "calendar_sync_off": lambda world, there: users.put_user(world.parts, TENANT, ALICE, calendar_sync=there),
    "service_not_allowed": lambda world, there: change(world, services_allowed=None if there else ["icloud"]),
}


@pytest.mark.parametrize("code", SWITCHES)
def test_no_run_starts_whoever_asks_and_afterwards_all_is_caught_up_with(world: World, code: str) -> None:
    world.connect()
    world.sync()
    SWITCHES[code](world, False)
    world.memory.phone.create(event("Lunch"))
    world.put("a", **visit("Repair"))
    assert failed(world.sync).code == code
    assert failed(lambda: request_sync(world.parts, TENANT, world.integration_id)).code == code
    assert failed(lambda: preview(world.parts, TENANT, world.integration_id)).code == code
    asked = len(world.memory.io.passed)
    assert carry_out(world.parts, TENANT, world.integration_id, budget_seconds=5) == []
    world.clock.advance(hours=2)
    assert tick(world.parts).ran == ()
    assert len(world.memory.io.passed) == asked
    view = world.integration()
    assert (view.active, view.status, view.reason, view.next_run_at) == (True, "connected", code, None)
    SWITCHES[code](world, True)
    assert [run.status for run in tick(world.parts).ran] == ["succeeded"]
    assert world.titles() == world.event_titles() == ["Lunch", "Repair"]
    assert world.integration().reason is None


def test_an_outage_is_not_probed_while_sync_is_switched_off(world: World) -> None:
    world.connect()
    with world.parts.database.write(TENANT) as work:
        work.integrations.save(world.integration_id, status="not_connected", reason="unavailable")
    world.clock.advance(hours=1)
    assert cut_off_now(world.parts) == [(TENANT, world.integration_id)]
    change(world, sync_enabled=False)
    assert cut_off_now(world.parts) == []


def test_a_service_that_is_not_allowed_is_neither_linked_nor_switched_on(world: World) -> None:
    world.connect(active=False)
    change(world, services_allowed=["icloud"])
    assert failed(lambda: world.connect(calendar_id="second")).code == "service_not_allowed"
    call = lambda: integrations.change_integration(world.parts, TENANT, world.integration_id, active=True)  # noqa: E731
    assert failed(call).code == "service_not_allowed"
    unsigned = {"user_id": ALICE, "service": "memory", "account": None}
    assert failed(lambda: integrations.add_integration(world.parts, TENANT, **unsigned)).code == "service_not_allowed"  # type: ignore[arg-type]
    change(world, services_allowed=["icloud", "memory"])
    assert call().active


# --- times -------------------------------------------------------------------------------------------------------


def minutes_to_poll(world: World) -> float:
    planned = world.integration().next_run_at
    assert planned is not None
    return (planned - world.clock.now()) / timedelta(minutes=1)


def test_polls_follow_the_tenant_s_minutes_from_now_on(world: World) -> None:
    world.connect()
    world.sync()
    world.sync()
    assert 13 < minutes_to_poll(world) < 17
    change(world, poll_minutes=1)
    assert 0.8 < minutes_to_poll(world) < 1.2
    world.sync()
    assert 0.8 < minutes_to_poll(world) < 1.2
    change(world, poll_minutes=60)
    assert minutes_to_poll(world) < 1.2
    world.sync()
    assert 50 < minutes_to_poll(world) < 70
    patch(world, poll_minutes=5)
    world.sync()
    assert 4 < minutes_to_poll(world) < 6


@pytest.mark.parametrize(("minutes", "status"), [(5, "not_connected"), (120, "connected")])
def test_an_outage_is_given_up_after_the_tenant_s_window(world: World, minutes: int, status: str) -> None:
    world.connect()
    world.sync()
    change(world, retry_minutes=minutes)
    world.memory.switches = replace(world.memory.switches, unavailable=1.0)
    for _ in range(2):
        assert world.sync().status == "failed"
        world.clock.advance(minutes=40)
    assert world.integration().status == status


def test_what_is_long_over_is_left_alone_as_the_tenant_says(world: World) -> None:
    world.connect()
    world.sync()
    change(world, live_past_days=0)
    world.put("a", **visit("Yesterday", "2027-01-02"))
    world.put("b", **visit("Tomorrow", "2027-01-06"))
    world.sync()
    assert world.event_titles() == ["Tomorrow"]
    change(world, live_past_days=30)
    world.put("c", **visit("Lately", "2027-01-03"))
    world.sync()
    assert "Lately" in world.event_titles()


# --- new integrations, locks, recipients -------------------------------------------------------------------------


def test_a_new_integration_gets_the_first_range_and_copies_it_when_switched_on(world: World) -> None:
    change(world, initial_range={"past_days": 180, "future_days": None})
    world.memory.phone.create(event("Last month", "2026-12-07"))
    world.memory.phone.create(event("Last year", "2026-01-05"))
    world.put("a", **visit("Repair"))
    view = world.connect()
    ranges = {"past_days": 180, "future_days": None}
    assert view.settings["ranges"] == {"retrieve": ranges, "send": ranges}
    world.sync()
    assert world.titles() == ["Last month", "Repair"]
    assert world.event_titles() == ["Last month", "Last year", "Repair"]


def test_a_new_integration_starts_with_the_defaults_unless_something_was_chosen(world: World) -> None:
    change(world, default_settings={"conflict": "linked", "send": {"types": ["task"]}, "poll_minutes": 3})
    change(world, initial_range={"past_days": 1})
    view = world.connect(settings={"poll_minutes": 9, "ranges": {"send": None}})
    assert (view.settings["conflict"], view.settings["poll_minutes"]) == ("linked", 9)
    assert view.settings["send"]["types"] == ["task"]
    assert view.settings["ranges"] == {"retrieve": {"past_days": 1, "future_days": None}, "send": None}
    change(world, default_settings={"conflict": "psa"})
    assert world.integration().settings["conflict"] == "linked"


def test_nobody_changes_a_locked_setting_of_an_integration(world: World) -> None:
    change(world, default_settings={"conflict": "linked"}, locked_settings=["conflict", "retrieve"])
    assert failed(lambda: world.connect(settings={"conflict": "psa"})).code == "setting_locked"
    view = world.connect(settings={"conflict": "linked", "send": {"forward": True}})
    refused = failed(lambda: patch(world, retrieve={"skip": {"free": True}}))
    assert (refused.code, refused.facts["field"]) == ("setting_locked", "retrieve")
    assert patch(world, **view.settings).settings == view.settings
    assert patch(world, send={"forward": False}).settings["send"]["forward"] is False
    change(world, locked_settings=[])
    assert patch(world, conflict="psa").settings["conflict"] == "psa"


def test_only_administrators_say_who_is_mailed(world: World) -> None:
    world.connect()
    mails = {"notify_failure_to": ["me@example.com"]}
    for actor in (USER_ACTOR, Actor("api", key="backend")):
        acting = replace(world, parts=world.parts.acting(actor))
        assert failed(lambda acting=acting: patch(acting, **mails)).code == "scope_missing"  # type: ignore[misc]
        assert failed(lambda acting=acting: acting.connect(settings=mails)).code == "scope_missing"  # type: ignore[misc]
        assert patch(acting, conflict="psa", notify_failure_to=[]).settings["notify_failure_to"] == []
    admin = replace(world, parts=world.parts.acting(Actor("api", key="k", admin=True)))
    view = patch(admin, notify_failure_to="Me@example.com; boss@example.com")
    assert view.settings["notify_failure_to"] == ["me@example.com", "boss@example.com"]


def test_failures_are_told_to_the_tenant_s_people_and_the_integration_s(world: World) -> None:
    change(world, notify_failure_to="ops@example.com;boss@example.com")
    world.connect(settings={"notify_failure_to": ["boss@example.com", "lead@example.com"]})
    with world.parts.database.read(TENANT) as work:
        told = failure_recipients(work, work.integrations.require(world.integration_id))
    assert told == ("ops@example.com", "boss@example.com", "lead@example.com")


# --- titles ------------------------------------------------------------------------------------------------------


def test_titles_are_sent_as_the_tenant_wants_them_and_come_back_plain(world: World) -> None:
    world.connect()
    world.sync()
    acme = [{"type": "organization", "id": "1", "name": "Acme"}]
    world.put("a", **visit("Router", type="service_call", associations=acme))
    world.sync()
    assert world.event_titles() == ["Router"]
    change(world, title_templates={"service_call": "[{organization}] {title}"})
    world.sync()
    assert (world.titles(), world.event_titles()) == (["Router"], ["[Acme] Router"])
    (remote,) = world.memory.phone.events()
    world.memory.phone.edit(remote, {(MASTER, Field.TITLE): "[Acme] Router and switch"})
    world.sync()
    assert (world.titles(), world.event_titles()) == (["Router and switch"], ["[Acme] Router and switch"])
    change(world, title_templates=None)
    world.sync()
    assert world.event_titles() == ["Router and switch"]
