"""Push subscriptions: made, renewed and ended with what they depend on, on both databases."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from calbridge.errors import BudgetSpent, PermissionMissing, SignInRequired, Throttled, Unavailable
from calbridge.service import accounts, integrations, runs, status, tenant_settings, tenants, users
from calbridge.service.doctor import examine
from calbridge.service.polling import NET_MINUTES
from calbridge.service.restoring import restored
from calbridge.service.tick import tick
from calbridge.service.watching import watches_due
from calbridge.testing.memory.faults import Crash
from tests.e2e.databases import administer, named
from tests.integration.service.conftest import made_world
from tests.integration.service.pushing import (
    BASE,
    Listener,
    deliver,
    due_no,
    look_after,
    look_at,
    pass_time,
    rows,
    statuses,
    subscribed,
    taken,
    whole_database,
)
from tests.integration.service.world import ALICE, START, TENANT, World, event


@pytest.fixture(params=["sqlite", "postgresql"])
def world(request: pytest.FixtureRequest, tmp_path: Path, migrated: Path) -> Iterator[World]:
    """An active integration on either database, reached from outside; its subscription is still to be made."""
    url = None
    if request.param == "sqlite":
        shutil.copy(migrated, tmp_path / "calbridge.db")
    else:
        server = request.getfixturevalue("migrated_postgresql")
        administer(server, "CREATE DATABASE pushed TEMPLATE migrated")
        url = named(server, "pushed")
    with made_world(tmp_path, url, CALBRIDGE_PUBLIC_URL=BASE) as made:
        made.parts = replace(made.parts, dispatcher=Listener())
        made.connect()
        yield made
    if url is not None:
        administer(server, "DROP DATABASE pushed WITH (FORCE)")


@pytest.fixture
def watched(world: World) -> World:
    """With a subscription, and nothing to do."""
    look_after(world)
    world.sync()
    deliver(world)
    assert statuses(world) == ["live"]
    return world


def settings(world: World, **patch: object) -> None:
    tenant_settings.change_settings(world.parts, TENANT, patch)


def change(world: World, **more: object) -> None:
    integrations.change_integration(world.parts, TENANT, world.integration_id, **more)  # type: ignore[arg-type]


def next_poll_minutes(world: World) -> float:
    view = world.integration()
    assert view.next_run_at is not None
    return (view.next_run_at - world.clock.now()) / timedelta(minutes=1)


def failures(world: World) -> list[str | None]:
    lines = runs.list_logs(world.parts, TENANT, world.integration_id, action="push_failed")
    return [line.code for line in lines]


def test_an_active_integration_is_subscribed_once(world: World) -> None:
    look_after(world)
    (made,) = subscribed(world)
    assert made.address.startswith(f"{BASE}/v1/notifications/memory/")
    assert len(made.address.rpartition("/")[2]) == 43
    assert statuses(world) == ["live"]
    look_after(world)
    pass_time(world, days=3)
    look_after(world)
    assert [each.id for each in subscribed(world)] == [made.id]


def test_neither_address_nor_token_stands_in_the_database(watched: World) -> None:
    (made,) = subscribed(watched)
    told = whole_database(watched, "watches")
    assert made.address.rpartition("/")[2] not in told
    assert made.token not in told
    assert made.id in told


def test_the_row_stands_before_the_service_is_asked(world: World) -> None:
    seen: list[list[str]] = []
    world.memory.io.once(1, "watch.before", lambda: seen.append(statuses(world)))
    look_after(world)
    assert seen == [["asked"]]


def test_a_notice_that_comes_before_the_answer_is_believed(world: World) -> None:
    world.sync()
    before = due_no(world)

    def early() -> None:
        world.memory.phone.create(event("Lunch"))
        assert [each.status for each in deliver(world)] == [202, 202]

    world.memory.io.once(1, "watch.after", early)
    look_after(world)
    assert due_no(world) >= before + 1
    world.sync()
    assert world.titles() == ["Lunch"]


def test_what_changed_before_the_service_began_to_tell_is_looked_for(world: World) -> None:
    world.sync()
    world.memory.phone.create(event("Unheard"))
    before = due_no(world)
    look_after(world)
    assert due_no(world) == before + 1


def test_it_is_renewed_before_its_end_without_a_gap(watched: World) -> None:
    (first,) = subscribed(watched)
    before = due_no(watched)
    both: list[list[str]] = []
    watched.memory.io.once(1, "unwatch.before", lambda: both.append(statuses(watched)))
    pass_time(watched, days=6)
    look_after(watched)
    (second,) = subscribed(watched)
    assert second.id != first.id
    assert both == [["live", "asked"]]
    assert statuses(watched) == ["live"]
    assert due_no(watched) == before


def test_it_is_renewed_where_the_former_one_can_not_be_ended(watched: World) -> None:
    watched.memory.io.fail("unwatch.before", Unavailable())
    pass_time(watched, days=6)
    look_after(watched)
    assert len(subscribed(watched)) == 2
    assert statuses(watched) == ["live"]
    watched.memory.phone.create(event("Lunch"))
    assert sorted(each.status for each in deliver(watched)) == [202, 202, 204], "the former one is unknown"


def test_one_that_ended_unseen_is_made_anew_and_a_run_closes_the_gap(watched: World) -> None:
    before = due_no(watched)
    pass_time(watched, days=8)
    look_after(watched)
    assert len(subscribed(watched)) == 2
    assert statuses(watched) == ["live"]
    assert due_no(watched) == before + 1


@pytest.mark.parametrize("point", ["watch.before", "watch.after", "unwatch.before", "unwatch.after"])
def test_a_crash_at_any_point_leaves_what_the_next_look_puts_right(watched: World, point: str) -> None:
    pass_time(watched, days=6)
    watched.memory.io.once(1, point, Crash())
    with pytest.raises(Crash):
        look_after(watched)
    assert statuses(watched) == ["live", "asked"]
    look_after(watched)
    assert statuses(watched) == ["live", "asked"], "whoever asks is given time"
    before = due_no(watched)
    for _ in range(2):
        pass_time(watched, minutes=6)
        look_after(watched)
    assert statuses(watched) == ["live"]
    assert rows(watched)[0].id in {each.id for each in subscribed(watched)}
    assert due_no(watched) == before + 1, "nobody knows whether the former one still told"
    watched.sync()
    watched.memory.phone.create(event("Lunch"))
    taken_up = due_no(watched)
    deliver(watched)
    assert due_no(watched) == taken_up + 1


def test_a_lost_answer_is_asked_for_again_and_the_former_one_stays_meanwhile(watched: World) -> None:
    watched.memory.io.fail("watch.after", Unavailable("lost"))
    pass_time(watched, days=6)
    look_after(watched)
    assert statuses(watched) == ["live"]
    assert len(subscribed(watched)) == 2
    assert failures(watched) == ["unavailable"]
    pass_time(watched, minutes=2)
    look_after(watched)
    assert statuses(watched) == ["live"]
    assert rows(watched)[0].created_at == watched.clock.now()


def test_two_at_a_time_make_one(world: World) -> None:
    world.memory.io.once(1, "watch.before", lambda: look_after(world))
    look_after(world)
    assert len(subscribed(world)) == 1
    assert statuses(world) == ["live"]


@pytest.mark.parametrize("how", ["pause", "polling", "sync_disabled", "user_off", "service"])
def test_it_is_ended_where_nobody_wants_it_any_more_and_made_again_later(watched: World, how: str) -> None:
    off_and_on = {
        "pause": (lambda: change(watched, active=False), lambda: change(watched, active=True)),
        "polling": (lambda: settings(watched, mechanism="polling"), lambda: settings(watched, mechanism="auto")),
        "sync_disabled": (lambda: settings(watched, sync_enabled=False), lambda: settings(watched, sync_enabled=True)),
        "user_off": (
            lambda: users.put_user(watched.parts, TENANT, ALICE, calendar_sync=False),
            lambda: users.put_user(watched.parts, TENANT, ALICE, calendar_sync=True),
        ),
        "service": (
            lambda: settings(watched, services_allowed=["other"]),
            lambda: settings(watched, services_allowed=None),
        ),
    }
    off, on = off_and_on[how]
    off()
    look_after(watched)
    assert (statuses(watched), subscribed(watched)) == ([], [])
    assert look_at(watched) is None
    on()
    look_after(watched)
    assert (statuses(watched), len(subscribed(watched))) == (["live"], 1)


@pytest.mark.parametrize("trouble", [Crash(), Unavailable("lost")], ids=["crash", "lost"])
def test_one_that_may_have_been_ended_is_made_anew_when_it_is_wanted_again(watched: World, trouble: Exception) -> None:
    settings(watched, mechanism="polling")
    watched.memory.io.once(1, "unwatch.after", trouble)
    with suppress(Crash):
        look_after(watched)
    assert (len(rows(watched)), subscribed(watched)) == (1, [])
    before = due_no(watched)
    settings(watched, mechanism="auto")
    pass_time(watched, minutes=6)
    look_after(watched)
    assert statuses(watched) == ["live"]
    assert [each.id for each in rows(watched)] == [each.id for each in subscribed(watched)]
    assert due_no(watched) == before + 1, "nobody told what changed meanwhile"


def test_it_is_ended_although_it_was_asked_for_at_that_moment(world: World) -> None:
    def pause() -> None:
        pass_time(world, seconds=1)
        change(world, active=False)
        look_after(world)

    world.memory.io.once(1, "watch.after", pause)
    look_after(world)
    look_after(world)
    assert (statuses(world), subscribed(world)) == ([], [])


def test_one_that_can_not_be_ended_is_tried_again_and_given_up_in_the_end(watched: World) -> None:
    change(watched, active=False)
    for number in range(6):
        watched.memory.io.fail("unwatch.before", Unavailable())
        look_after(watched)
        assert len(rows(watched)) == (1 if number < 5 else 0), number
        pass_time(watched, hours=1)
    assert look_at(watched) is None


def test_another_calendar_has_a_subscription_of_its_own(watched: World) -> None:
    change(watched, calendar_id="second")
    look_after(watched)
    assert [each.calendar for each in subscribed(watched)] == ["second"]
    assert [each.calendar_id for each in rows(watched)] == ["second"]


def test_deleting_the_integration_ends_it(watched: World) -> None:
    integrations.delete_integration(watched.parts, TENANT, watched.integration_id)
    assert subscribed(watched) == []
    assert whole_database(watched, "watches") == "[]"
    look_after(watched)
    assert subscribed(watched) == []


def test_it_is_ended_although_the_integration_was_deleted_at_that_moment(world: World) -> None:
    def delete() -> None:
        integrations.delete_integration(world.parts, TENANT, world.integration_id)

    world.memory.io.once(1, "watch.after", delete)
    look_after(world)
    assert subscribed(world) == []
    assert whole_database(world, "watches") == "[]"


def test_deleting_the_integration_does_not_hang_on_it(watched: World) -> None:
    watched.memory.io.fail("unwatch.before", Unavailable())
    integrations.delete_integration(watched.parts, TENANT, watched.integration_id)
    assert whole_database(watched, "watches") == "[]"
    late = taken(watched)
    watched.memory.phone.create(event("Late"))
    assert [each.status for each in deliver(watched)] == [204] * (len(late) + 1)


def test_erasing_the_user_or_the_tenant_ends_it(watched: World) -> None:
    users.delete_user(watched.parts, TENANT, ALICE)
    assert subscribed(watched) == []
    users.put_user(watched.parts, TENANT, ALICE)
    watched.connect()
    look_after(watched)
    assert len(subscribed(watched)) == 1
    tenants.delete_tenant(watched.parts, TENANT)
    assert subscribed(watched) == []
    assert whole_database(watched, "watches") == "[]"


def test_a_refusal_is_told_once_and_stops_no_sync(world: World) -> None:
    for _ in range(3):
        world.memory.io.fail("watch.before", PermissionMissing())
        look_after(world)
        pass_time(world, hours=7)
    assert statuses(world) == []
    assert failures(world) == ["permission_missing"]
    assert world.sync().status == "succeeded"
    assert world.integration().reason is None
    assert next_poll_minutes(world) < 20
    assert status.tenant_status(world.parts, TENANT).watches == {"live": 0, "failing": 1}
    look_after(world)
    assert status.status(world.parts).watches == {"live": 1, "failing": 0}


def test_who_wants_push_is_told_that_it_is_polled(world: World) -> None:
    settings(world, mechanism="push")
    world.memory.io.fail("watch.before", PermissionMissing())
    look_after(world)
    world.sync()
    assert (world.integration().status, world.integration().reason) == ("connected", "not_watched")
    (found,) = [each for each in examine(world.parts) if each.code == "not_watched"]
    assert not found.ok
    settings(world, mechanism="auto")
    assert world.integration().reason is None
    pass_time(world, hours=7)
    world.memory.io.fail("watch.before", PermissionMissing())
    look_after(world)
    (found,) = [each for each in examine(world.parts) if each.code == "not_watched"]
    assert found.ok
    settings(world, mechanism="push")
    look_after(world)
    assert world.integration().reason is None
    assert [each for each in examine(world.parts) if each.code == "not_watched"] == []


def test_a_service_that_throttles_is_left_alone_as_long_as_it_says(world: World) -> None:
    world.memory.io.fail("watch.before", Throttled(retry_after=7200))
    look_after(world)
    pass_time(world, minutes=119)
    look_after(world)
    assert subscribed(world) == []
    pass_time(world, minutes=20)
    look_after(world)
    assert len(subscribed(world)) == 1


def test_a_share_of_the_quota_that_is_used_up_is_no_failure(world: World) -> None:
    world.memory.io.fail("watch.before", BudgetSpent(retry_after=300))
    look_after(world)
    assert (failures(world), status.tenant_status(world.parts, TENANT).watches["failing"]) == ([], 0)
    pass_time(world, seconds=299)
    look_after(world)
    assert subscribed(world) == []
    pass_time(world, seconds=2)
    look_after(world)
    assert len(subscribed(world)) == 1


def test_a_refused_secret_is_the_accounts_trouble_and_a_new_one_brings_a_new_subscription(watched: World) -> None:
    (first,) = subscribed(watched)
    watched.memory.io.fail("watch.before", SignInRequired(confirmed=True))
    pass_time(watched, days=6)
    look_after(watched)
    assert watched.integration().status == "not_connected"
    assert len(watched.watcher.told) == 1
    look_after(watched)
    assert statuses(watched) == ["doubted"]
    accounts.put_account(watched.parts, TENANT, watched.integration_id, {"username": ALICE, "password": "new"})
    before = due_no(watched)
    look_after(watched)
    assert statuses(watched) == ["live"]
    assert [each.id for each in subscribed(watched)] != [first.id]
    assert due_no(watched) == before + 1


def test_an_account_whose_access_ended_stops_nobody_elses_renewal(watched: World) -> None:
    users.put_user(watched.parts, TENANT, "bob", calendar_sync=True)
    mine = watched.integration_id
    other = watched.connect(user_id="bob").id
    look_after(watched)
    assert len(subscribed(watched)) == 2
    pass_time(watched, days=6, hours=12)
    watched.memory.io.fail("watch.before", SignInRequired(confirmed=True))
    tick(watched.parts)
    views = [integrations.get_integration(watched.parts, TENANT, name).status for name in (mine, other)]
    assert sorted(views) == ["connected", "not_connected"]
    watched.integration_id = (mine, other)[views.index("connected")]
    assert statuses(watched) == ["live"]
    end = rows(watched)[0].expires_at
    assert end is not None
    assert end > watched.clock.now() + timedelta(days=6)


def test_a_connector_that_breaks_is_polled(world: World) -> None:
    world.memory.io.fail("watch.after", ZeroDivisionError())
    look_after(world)
    assert failures(world) == ["internal_error"]
    assert world.sync().status == "succeeded"


def test_polls_are_rarer_where_the_service_tells_and_as_before_where_it_stopped(watched: World) -> None:
    watched.sync()
    assert NET_MINUTES * 0.8 < next_poll_minutes(watched) < NET_MINUTES * 1.2
    settings(watched, mechanism="polling")
    look_after(watched)
    assert next_poll_minutes(watched) <= 15
    watched.sync()
    assert next_poll_minutes(watched) < 20


def test_an_integrations_own_time_between_polls_holds_whatever_is_pushed(watched: World) -> None:
    change(watched, settings={"poll_minutes": 30})
    watched.sync()
    assert next_poll_minutes(watched) < 35


def test_without_an_address_that_services_reach_there_is_only_polling(tmp_path: Path, migrated: Path) -> None:
    for place in ({}, {"CALBRIDGE_PUBLIC_URL": "http://calbridge.example.com"}):
        shutil.copy(migrated, tmp_path / "calbridge.db")
        with made_world(tmp_path, None, **place) as world:
            world.connect()
            tick(world.parts)
            assert "watch.before" not in world.memory.io.passed
            assert look_at(world) is None
            assert next_poll_minutes(world) < 20


def test_a_new_address_of_the_installation_is_told_to_all(watched: World) -> None:
    moved = replace(watched.parts.settings, public_url="https://sync.example.com")
    watched.parts = replace(watched.parts, settings=moved)
    look_after(watched)
    look_after(watched)
    (made,) = subscribed(watched)
    assert made.address.startswith("https://sync.example.com/v1/")
    gone = replace(moved, public_url=None)
    watched.parts = replace(watched.parts, settings=gone)
    look_after(watched)
    look_after(watched)
    assert (statuses(watched), subscribed(watched)) == ([], [])


def test_after_a_backup_was_put_back_all_is_asked_for_anew(watched: World) -> None:
    watched.memory.state.subscriptions.clear()
    look_after(watched)
    assert subscribed(watched) == [], "what the backup knows of ended since, and nobody can see it"
    before = due_no(watched)
    assert restored(watched.parts) == 1
    look_after(watched)
    assert statuses(watched) == ["live"]
    assert [each.id for each in subscribed(watched)] == [rows(watched)[0].id]
    assert due_no(watched) == before + 1


def test_what_needs_no_looking_after_costs_nothing(watched: World) -> None:
    watched.memory.io.clear()
    asked: list[tuple[str, str]] = []
    for _ in range(5):
        pass_time(watched, hours=1)
        asked += watches_due(watched.parts)
    assert asked == []
    assert watched.memory.io.passed == []


def test_tick_looks_after_subscriptions_and_takes_up_what_they_told(world: World) -> None:
    tick(world.parts)
    assert statuses(world) == ["live"]
    world.memory.phone.create(event("Lunch"))
    deliver(world)
    assert tick(world.parts).succeeded == 1
    assert world.titles() == ["Lunch"]
    assert world.clock.now() == START
