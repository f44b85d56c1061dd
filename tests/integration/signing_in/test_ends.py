"""The end of a grant: with the last integration of its account, at the service, too, and never while it is in use."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calbridge.service import revoking, tenants, users
from calbridge.service.tick import tick
from tests.doubles.google import ApiError
from tests.servers.reaching import transport

from .conftest import ALICE, TENANT, YES, World


def delete(world: World, integration: str) -> None:
    assert world.call("DELETE", f"/v1/integrations/{integration}").status_code == 204


def test_deleting_the_last_integration_of_an_account_ends_its_grant(world: World) -> None:
    integration = world.linked()
    delete(world, integration)
    world.tick()
    assert world.google.living_grants == []
    assert world.google.count("revoke") == 1
    assert world.event_titles() == ["Lunch", "Visit"]
    world.tick()
    assert world.google.count("revoke") == 1


def test_a_grant_stays_while_another_integration_lives_by_it(world: World) -> None:
    first, second = world.add(), world.add()
    world.connect(first)
    world.connect(second)
    delete(world, first)
    world.tick()
    assert world.google.count("revoke") == 0
    assert world.call("GET", f"/v1/integrations/{second}/calendars").status_code == 200
    delete(world, second)
    world.tick()
    assert world.google.living_grants == []


def test_a_grant_stays_while_another_user_lives_by_the_same_person(world: World) -> None:
    hers, his = world.add(), world.add("bob")
    world.connect(hers)
    world.connect(his)
    delete(world, hers)
    world.tick()
    assert world.google.count("revoke") == 0
    assert world.call("GET", f"/v1/integrations/{his}/calendars").status_code == 200


def test_who_connects_again_before_the_grant_was_ended_keeps_it(world: World) -> None:
    delete(world, world.linked())
    again = world.add()
    question = world.asked(again)
    tick(world.parts)
    assert "Connected" in world.browser.submit(question, YES).words
    world.tick()
    assert world.google.count("revoke") == 0
    assert world.call("GET", f"/v1/integrations/{again}/calendars").status_code == 200


@pytest.mark.parametrize("trouble", ["500", "429", "reply"])
def test_a_service_that_fails_is_asked_again(world: World, trouble: str) -> None:
    delete(world, world.linked())
    if trouble == "reply":
        world.google.lose_reply("revoke", times=2)
    else:
        world.google.fail("revoke", ApiError(int(trouble), "backendError"), times=2)
    for _ in range(3):
        world.tick()
    assert world.google.living_grants == []
    assert revoking.revocations_due(world.parts) == []


def test_after_a_day_it_is_given_up(world: World) -> None:
    delete(world, world.linked())
    world.google.fail("revoke", ApiError(503, "backendError"), times=99)
    for _ in range(23):
        world.tick()
    tries = world.google.count("revoke")
    assert tries >= 20
    for _ in range(5):
        world.tick()
    assert world.google.count("revoke") <= tries + 2
    world.clock.advance(days=2)
    assert revoking.revocations_due(world.parts) == []


def test_a_dead_grant_needs_no_end(world: World) -> None:
    integration = world.linked()
    world.google.revoke()
    world.google.kill_access_tokens()
    world.tick()
    assert world.state_of(integration) == ("not_connected", "grant_ended")
    delete(world, integration)
    world.tick()
    assert world.google.count("revoke") == 0


def test_a_grant_that_died_meanwhile_is_over_with_the_first_try(world: World) -> None:
    delete(world, world.linked())
    world.google.revoke()
    world.tick()
    world.tick()
    assert world.google.count("revoke") == 1


@pytest.mark.parametrize("what", ["integration", "user", "tenant"])
def test_a_grant_that_nobody_has_confirmed_ends_with_what_it_was_for(world: World, what: str) -> None:
    integration = world.add()
    question = world.asked(integration)
    if what == "integration":
        delete(world, integration)
    elif what == "user":
        users.delete_user(world.parts, TENANT, ALICE)
    else:
        tenants.delete_tenant(world.parts, TENANT)
    assert "sign_in_expired" in world.browser.submit(question, YES).words
    assert len(revoking.revocations_due(world.parts)) == 1
    if what != "tenant":
        world.tick()
        assert world.google.living_grants == []


def test_erasing_a_user_ends_the_grant(world: World) -> None:
    world.linked()
    users.delete_user(world.parts, TENANT, ALICE)
    world.tick()
    assert world.google.living_grants == []


def test_erasing_a_tenant_ends_the_grants(world: World) -> None:
    world.linked()
    # With the tenant its grant of a private host is gone, so the double is reached as the public service would be.
    open_to_all = replace(world.parts, transport_factory=lambda _tenant, *_more: transport())
    tenants.delete_tenant(world.parts, TENANT)
    assert world.call("GET", "/v1/users").status_code == 401
    tick(open_to_all)
    assert world.google.living_grants == []
    assert revoking.revocations_due(world.parts) == []
