"""Linking a calendar step by step: pick a service, sign in, choose a calendar, finish."""

from __future__ import annotations

import pytest

from calbridge.errors import Refused
from calbridge.service import accounts, integrations
from tests.integration.service.world import ALICE, TENANT, World, event

ACCOUNT = {"username": ALICE, "password": "secret"}


def picked(world: World) -> str:
    return integrations.add_integration(world.parts, TENANT, user_id=ALICE, service="memory", account=None).id


def test_each_step_leads_to_the_next(world: World) -> None:
    world.memory.phone_at("main").create(event("Visit"))
    name = picked(world)
    view = integrations.get_integration(world.parts, TENANT, name)
    assert (view.status, view.account, view.calendar, view.active) == ("setup", None, None, False)

    assert accounts.put_account(world.parts, TENANT, name, ACCOUNT).has_secret
    assert {each.id for each in integrations.list_calendars(world.parts, TENANT, name)} == {"main", "second"}
    view = integrations.change_integration(world.parts, TENANT, name, calendar_id="main")
    assert (view.status, view.calendar and view.calendar["id"]) == ("connected", "main")

    integrations.change_integration(world.parts, TENANT, name, active=True)
    world.integration_id = name
    assert world.sync(retrieve=(None, None)).status == "succeeded"
    assert world.titles() == ["Visit"]


def test_nothing_can_be_skipped(world: World) -> None:
    name = picked(world)
    for change in ({"active": True}, {"calendar_id": "main"}):
        with pytest.raises(Refused) as refused:
            integrations.change_integration(world.parts, TENANT, name, **change)
        assert refused.value.code in {"invalid_value", "not_connected"}
    for wrong in ({"active": True}, {"calendar_id": "main"}):
        with pytest.raises(Refused):
            integrations.add_integration(world.parts, TENANT, user_id=ALICE, service="memory", account=None, **wrong)
    with pytest.raises(Refused) as refused:
        integrations.add_integration(world.parts, TENANT, user_id=ALICE, service="sundial", account=None)
    assert refused.value.code == "service_unknown"
    assert len(integrations.list_integrations(world.parts, TENANT)) == 1


def test_two_integrations_of_one_identity_share_its_account(world: World) -> None:
    first, second = picked(world), picked(world)
    for name, calendar in ((first, "main"), (second, "second")):
        accounts.put_account(world.parts, TENANT, name, ACCOUNT)
        integrations.change_integration(world.parts, TENANT, name, calendar_id=calendar)
    with world.parts.database.read(TENANT) as work:
        assert len(work.accounts.list(ALICE)) == 1
    with pytest.raises(Refused) as refused:
        integrations.change_integration(world.parts, TENANT, second, calendar_id="main")
    assert refused.value.code == "already_exists"
