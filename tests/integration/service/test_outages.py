"""What goes wrong at the service or in the database ends in a clear code, and nothing is lost (SYNC C5, D12)."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import event as events

from calbridge.errors import DatabaseUnusable, PermissionMissing, Refused, SignInRequired, Throttled, Unavailable
from calbridge.service import accounts, doctor
from calbridge.service.tick import tick
from tests.integration.service.world import TENANT, World, event, visit


@pytest.fixture
def linked(world: World) -> World:
    """A world in sync, with a change on each side waiting."""
    world.connect()
    world.sync()
    world.memory.phone.create(event("Lunch"))
    world.put("call-1", **visit("Repair"))
    return world


def both(world: World) -> tuple[list[str], list[str]]:
    return world.titles(), world.event_titles()


DONE = (["Lunch", "Repair"], ["Lunch", "Repair"])


def test_a_wrong_password_is_not_stored(world: World) -> None:
    world.memory.refuse_sign_in(confirmed=True)
    with pytest.raises(SignInRequired):
        world.connect()
    with world.parts.database.read(TENANT) as work:
        assert work.accounts.list("alice") == []
        assert work.integrations.list() == []


def test_passwords_are_checked_five_times_in_a_quarter_of_an_hour(world: World) -> None:
    world.memory.refuse_sign_in(confirmed=True)
    for _ in range(5):
        with pytest.raises(SignInRequired):
            world.connect()
    with pytest.raises(Refused) as refused:
        world.connect()
    assert refused.value.code == "too_many_checks"
    world.memory.accept_sign_in()
    world.clock.advance(minutes=16)
    assert world.connect().status == "connected"


def test_a_confirmed_refusal_is_told_once_and_never_tried_again(linked: World) -> None:
    linked.memory.refuse_sign_in(confirmed=True)
    run = linked.sync()
    assert (run.status, run.reason) == ("failed", "sign_in_required")
    view = linked.integration()
    assert (view.status, view.reason) == ("not_connected", "sign_in_required")
    asked = len(linked.memory.io.passed)
    linked.clock.advance(days=3)
    tick(linked.parts)
    with pytest.raises(Refused) as refused:
        linked.sync()
    assert refused.value.code == "not_connected"
    with pytest.raises(Refused):
        accounts.check_account(linked.parts, TENANT, linked.integration_id)
    assert len(linked.memory.io.passed) == asked
    assert [(each.code, each.recovered) for each in linked.watcher.told] == [("sign_in_required", False)]


def test_a_new_password_connects_again_and_catches_up(linked: World) -> None:
    linked.memory.refuse_sign_in(confirmed=True)
    linked.sync()
    linked.memory.accept_sign_in()
    accounts.put_account(linked.parts, TENANT, linked.integration_id, {"username": "alice", "password": "new"})
    assert linked.integration().status == "connected"
    tick(linked.parts)
    assert both(linked) == DONE
    assert [each.recovered for each in linked.watcher.told] == [False, True]


def test_a_doubtful_refusal_is_tried_three_times_in_an_hour(linked: World) -> None:
    linked.memory.refuse_sign_in(confirmed=False)
    tries = 0
    for _ in range(60):
        before = len(linked.memory.io.passed)
        tick(linked.parts)
        tries += len(linked.memory.io.passed) > before
        linked.clock.advance(minutes=2)
    assert tries == 3
    assert linked.integration().status == "not_connected"


def test_an_outage_shorter_than_the_window_is_nobody_s_business(linked: World) -> None:
    linked.memory.io.fail("changes.before", Unavailable(code="host_unreachable"))
    assert linked.sync().reason == "host_unreachable"
    view = linked.integration()
    assert (view.status, view.reason) == ("connected", "host_unreachable")
    assert tick(linked.parts).ran == ()
    linked.clock.advance(minutes=2)
    tick(linked.parts)
    assert both(linked) == DONE
    assert linked.integration().reason is None
    assert linked.watcher.told == []


def test_a_long_outage_is_told_once_and_so_is_its_end(linked: World) -> None:
    def down(point: str) -> None:
        raise Unavailable(code="host_unreachable")

    linked.memory.io.hooks.append(down)
    for _ in range(30):
        tick(linked.parts)
        linked.clock.advance(minutes=3)
    view = linked.integration()
    assert (view.status, view.reason) == ("not_connected", "host_unreachable")
    assert [each.code for each in linked.watcher.told] == ["host_unreachable"]
    linked.memory.io.clear()
    linked.clock.advance(minutes=20)
    tick(linked.parts)
    assert linked.integration().status == "connected"
    assert both(linked) == DONE
    assert [each.recovered for each in linked.watcher.told] == [False, True]


def test_a_service_that_asks_to_wait_is_left_alone_so_long(linked: World) -> None:
    linked.memory.io.fail("changes.before", Throttled(retry_after=900))
    assert linked.sync().reason == "throttled"
    with pytest.raises(Refused) as refused:
        linked.sync()
    assert refused.value.code == "throttled"
    linked.clock.advance(minutes=14)
    assert tick(linked.parts).ran == ()
    linked.clock.advance(minutes=4)
    tick(linked.parts)
    assert both(linked) == DONE


def test_a_range_that_an_outage_interrupted_is_copied_afterwards(linked: World) -> None:
    linked.memory.phone.create(event("Old", "2026-12-30"))
    linked.sync()
    linked.memory.phone.create(event("New"))
    linked.memory.io.fail("changes.before", Unavailable())
    assert linked.sync(retrieve=(30, 0)).status == "failed"
    linked.clock.advance(minutes=2)
    report = tick(linked.parts)
    assert [run.kind for run in report.ran] == ["range"]
    assert "New" in linked.titles()


def test_a_calendar_that_vanished_deletes_nothing_and_is_found_again(linked: World) -> None:
    linked.sync()
    linked.memory.drop_calendar()
    assert linked.sync().reason == "calendar_gone"
    assert linked.integration().status == "not_connected"
    assert linked.titles() == ["Lunch", "Repair"]
    linked.memory.state.calendars["main"].present = True
    linked.clock.advance(minutes=5)
    tick(linked.parts)
    assert linked.integration().status == "connected"
    assert both(linked) == DONE


def test_missing_permission_is_told_at_once(linked: World) -> None:
    linked.memory.io.fail("changes.before", PermissionMissing())
    linked.sync()
    assert linked.integration().reason == "permission_missing"
    assert len(linked.watcher.told) == 1


def test_a_bug_of_a_connector_is_one_failed_run_with_a_pause(linked: World) -> None:
    linked.memory.io.fail("changes.before", ZeroDivisionError("bug"))
    assert linked.sync().reason == "internal_error"
    assert tick(linked.parts).ran == ()
    linked.clock.advance(minutes=2)
    tick(linked.parts)
    assert both(linked) == DONE


def reopened(world: World, *pragmas: str) -> None:
    """The process starts anew, with connections set up so."""

    def prepare(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    events.listen(world.parts.database.engine, "connect", prepare)
    world.parts.database.engine.dispose()


def test_a_locked_database_says_so_and_loses_nothing(linked: World) -> None:
    reopened(linked, "busy_timeout=100")
    other = sqlite3.connect(linked.parts.settings.data_dir / "calbridge.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(DatabaseUnusable) as refused:
            linked.sync()
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert refused.value.code == "database_locked"
    linked.sync()
    assert both(linked) == DONE


def test_a_full_disk_says_so_and_the_run_goes_on_when_there_is_space(linked: World) -> None:
    with linked.parts.database.engine.connect() as connection:
        pages = int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())
    reopened(linked, f"max_page_count={pages}")
    linked.memory.phone.create(event("Long " + "x" * 400_000))
    with pytest.raises(DatabaseUnusable) as refused:
        linked.sync()
    assert refused.value.code == "disk_full"
    reopened(linked, f"max_page_count={2**30}")
    linked.sync()
    assert len(linked.titles()) == 3
    assert len(linked.event_titles()) == 3


def test_an_hour_s_difference_of_clocks_is_a_finding_and_no_danger(linked: World) -> None:
    linked.sync()
    assert both(linked) == DONE
    findings = doctor.examine(linked.parts)
    skewed = [each for each in findings if each.code == "clock_skewed"]
    # The clock of the test stands in January 2027, the database's goes on.
    assert len(skewed) == 1
    assert "database" in skewed[0].what
    assert skewed[0].remedy


def test_the_doctor_finds_an_outage_and_says_what_to_do(linked: World) -> None:
    linked.memory.refuse_sign_in(confirmed=True)
    linked.sync()
    bad = [each for each in doctor.examine(linked.parts) if not each.ok and each.code != "clock_skewed"]
    assert [each.code for each in bad] == ["sign_in_required"]
    assert "password" in bad[0].remedy
