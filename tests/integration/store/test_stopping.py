"""What administrators or the PSA switched off is not due, and says why; on both databases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from calbridge.store.database import Database
from calbridge.store.queries_due import cut_off
from calbridge.store.work import Work

from .helpers import INTEGRATION, TENANT, USER, Clock, fill


def enabled(work: Work, there: bool) -> None:
    work.settings.save(settings={"sync_enabled": there})


def of_user(work: Work, there: bool) -> None:
    work.users.save(replace(work.users.require(USER), calendar_sync=there))


def of_service(work: Work, there: bool) -> None:
    work.integrations.allow(["caldav"] if there else ["icloud"])


SWITCHES: dict[str, Callable[[Work, bool], None]] = {
    "sync_disabled": enabled,
    "calendar_sync_off": of_user,
    "service_not_allowed": of_service,
}


def due(database: Database) -> list[str]:
    with database.system_read() as system:
        return [each.integration_id for each in system.sweep.due()]


@pytest.mark.parametrize("code", SWITCHES)
def test_nothing_is_due_until_it_is_switched_on_again(database: Database, code: str) -> None:
    fill(database)
    fill(database, tenant="other", integrations=("i7",))
    for tenant, each in ((TENANT, INTEGRATION), ("other", "i7")):
        with database.write(tenant) as work:
            work.raise_due(each)
    with database.write(TENANT) as work:
        SWITCHES[code](work, False)
    assert due(database) == ["i7"]
    with database.read(TENANT) as work:
        assert work.integrations.require(INTEGRATION).stopped == code
        assert [each.stopped for each in work.integrations.list()] == [code]
    with database.write(TENANT) as work:
        assert work.integrations.require(INTEGRATION, lock=True).stopped == code
        SWITCHES[code](work, True)
    assert sorted(due(database)) == [INTEGRATION, "i7"]
    with database.read(TENANT) as work:
        assert work.integrations.require(INTEGRATION).stopped is None


@pytest.mark.parametrize("code", SWITCHES)
def test_no_service_is_probed_for_what_is_switched_off(database: Database, code: str) -> None:
    fill(database)
    with database.write(TENANT) as work:
        work.integrations.save(INTEGRATION, status="not_connected", reason="unavailable")
    with database.system_read() as system:
        assert cut_off(system) == [(TENANT, INTEGRATION)]
    with database.write(TENANT) as work:
        SWITCHES[code](work, False)
    with database.system_read() as system:
        assert cut_off(system) == []


def test_all_services_are_allowed_again(database: Database) -> None:
    fill(database)
    with database.write(TENANT) as work:
        work.integrations.allow([])
        assert work.integrations.require(INTEGRATION).stopped == "service_not_allowed"
        work.integrations.allow(None)
        assert work.integrations.require(INTEGRATION).stopped is None


def test_polls_to_come_draw_nearer_and_stay_spread(database: Database, clock: Clock) -> None:
    ids = ("i1", "i2", "i3", "i4")
    fill(database, integrations=ids)
    fill(database, tenant="other", integrations=("i7",))
    planned = dict(zip(ids, (60, 30, -5, None), strict=True))
    with database.write(TENANT) as work:
        for each, minutes in planned.items():
            moment = None if minutes is None else clock.now() + timedelta(minutes=minutes)
            work.integrations.save(each, next_poll_at=moment)
    with database.write("other") as work:
        work.integrations.save("i7", next_poll_at=clock.now() + timedelta(hours=1))
    with database.write(TENANT) as work:
        work.integrations.poll_sooner(5, 60)
        found = {each.id: each.next_poll_at for each in work.integrations.list()}
    told = {name: None if at is None else (at - clock.now()).total_seconds() / 60 for name, at in found.items()}
    assert told == {"i1": 5, "i2": 2.5, "i3": -5, "i4": None}
    with database.read("other") as work:
        assert work.integrations.require("i7").next_poll_at == clock.now() + timedelta(hours=1)


def test_a_tenant_made_with_settings_is_switched_as_they_say(database: Database) -> None:
    with database.system_write() as system:
        system.tenants.add("t9", "New", {"sync_enabled": False})
    fill(database, tenant="t9", integrations=("i9",))
    with database.write("t9") as work:
        assert work.integrations.require("i9").stopped == "sync_disabled"
        work.settings.save(name="Renamed")
        assert work.integrations.require("i9").stopped == "sync_disabled"
        work.settings.save(settings={})
        assert work.integrations.require("i9").stopped is None
