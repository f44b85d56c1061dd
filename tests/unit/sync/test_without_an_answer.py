"""What gives no answer when it is listed is taken later as it would have been then; a listing that is cut again and
again is still a whole one (D6, D9, D11, D13, F2)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from calbridge.connectors.contract import Window
from calbridge.domain.content import MASTER, Field
from calbridge.sync.engine import Task, compare_due, run
from calbridge.testing.memory import Crash, MemoryConnector, Switches
from tests.unit.sync.world import Slices, World, event

TITLE = (MASTER, Field.TITLE)
LONG_AGO = "2026-10-05 09:00"
LAST_AUTUMN = Window(date(2026, 9, 1), date(2026, 11, 1))


def answered(world: World) -> None:
    """A day later everything answers."""
    world.silence(0.0)
    world.service.advance(timedelta(days=1))
    world.settle(2)


def unanswered(title: str, start: str, *, with_item: bool = False, task: Task | None = None) -> tuple[World, str]:
    """A world whose first run got no answer about its only event."""
    world = World(Switches(events_inline=False))
    remote_id = world.phone.create(event(title, start))
    if with_item:
        world.psa.add(event("Another", "2027-02-09 09:00"))
    world.silence(1.0)
    world.run(task)
    return world, remote_id


@pytest.mark.parametrize("runs", [1, 3])
def test_an_event_without_an_answer_at_the_baseline_is_no_news_when_it_answers(runs: int) -> None:
    world, _ = unanswered("Old", "2027-02-01 09:00", with_item=True)
    world.settle(runs - 1)
    answered(world)

    assert world.psa.titles() == ["Another"]
    assert [(row.indexed, row.recheck, row.code) for row in world.tables.known.values()] == [(True, False, None)]


def test_an_event_without_an_answer_at_the_baseline_is_adopted_when_it_answers() -> None:
    world = World(Switches(events_inline=False))
    remote_id = world.phone.create(event("Same", "2027-02-01 09:00"))
    item = world.psa.add(event("Same", "2027-02-01 09:00"))
    world.silence(1.0)
    world.run()
    answered(world)

    assert world.remote_of(item) == remote_id
    assert world.event_titles() == ["Same"]


def test_an_event_without_an_answer_at_the_baseline_is_copied_when_it_changes() -> None:
    world, remote_id = unanswered("Old", "2027-02-01 09:00", with_item=True)
    world.phone.edit(remote_id, {TITLE: "Changed"})
    world.run()
    answered(world)

    assert world.psa.titles() == ["Another", "Changed"]


@pytest.mark.parametrize("runs", [1, 3])
def test_an_old_event_that_gives_a_range_run_no_answer_is_copied_when_it_answers(runs: int) -> None:
    world = World(Switches(events_inline=False))
    world.run()
    world.phone.create(event("Old", LONG_AGO))
    world.run()
    world.silence(1.0)
    world.run(Task(retrieve=LAST_AUTUMN))
    world.settle(runs - 1)
    answered(world)

    assert world.psa.titles() == ["Old"]


def test_an_event_without_an_answer_is_copied_only_if_it_lies_in_the_range() -> None:
    world = World(Switches(events_inline=False))
    world.run()
    for title, start in (("Inside", LONG_AGO), ("Outside", "2026-08-05 09:00")):
        world.phone.create(event(title, start))
    world.silence(1.0)
    world.run(Task(retrieve=LAST_AUTUMN))
    answered(world)

    assert world.psa.titles() == ["Inside"]


def test_a_range_of_the_first_run_is_copied_whole_though_addresses_gave_no_answer() -> None:
    world, _ = unanswered("Old", LONG_AGO, task=Task(retrieve=LAST_AUTUMN))
    outside = world.phone.create(event("Outside", "2026-08-05 09:00"))
    answered(world)

    assert world.psa.titles() == ["Old"]
    assert ("A", outside) in world.tables.known


def cut(world: World) -> None:
    """A run that has time for one page."""
    world.run(budget=Slices(0))


def with_seven() -> World:
    """Seven events that are listed two at a time; one was deleted while nothing could tell."""
    world = World(Switches(page_size=2))
    world.start()
    items = [world.psa.add(event(f"V{number}", f"2027-02-01 {number + 8:02}:00")) for number in range(7)]
    world.settle(3)
    world.phone.delete(world.remote_of(items[3]))
    world.service.expire_cursors()
    return world


def test_what_is_absent_from_a_listing_that_is_always_cut_is_found() -> None:
    world = with_seven()
    for _ in range(10):
        cut(world)
    world.settle(2)

    assert world.psa.titles() == ["V0", "V1", "V2", "V4", "V5", "V6"]
    assert world.tables.listed == {}
    assert world.tables.integrations["A"].compared_at is not None


def test_a_listing_whose_run_was_killed_does_not_count_as_a_comparison() -> None:
    world = with_seven()
    cut(world)
    kept = world.tables.integrations["A"].checkpoint
    assert kept is not None
    moved = False

    def after_the_next_checkpoint() -> None:
        nonlocal moved
        if moved:
            raise Crash
        moved = world.tables.integrations["A"].checkpoint != kept

    store = world.store()
    store.before_commit = after_the_next_checkpoint
    with pytest.raises(Crash):
        run(MemoryConnector(world.service), store, world.clock, world.keys)
    world.run()

    assert len(world.psa.titles()) == 7
    assert compare_due(world.tables.integrations["A"].compared_at, world.clock.now())
    world.run(Task(compare=True))
    assert world.psa.titles() == ["V0", "V1", "V2", "V4", "V5", "V6"]


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize("with_item", [True, False])
def test_what_was_there_before_is_no_news_because_the_service_gave_it_another_version(
    inline: bool, with_item: bool
) -> None:
    world = World(Switches(version_restarts=True, events_inline=inline))
    world.phone.create(event("Old", "2027-02-01 09:00"))
    if with_item:
        world.psa.add(event("Another", "2027-02-09 09:00"))
    world.settle(2)
    for _ in range(2):
        world.service.expire_cursors()
        world.settle(2)
    assert world.psa.titles() == (["Another"] if with_item else [])

    (remote_id,) = (each for each, there in world.phone.events().items() if there.content.title == "Old")
    world.phone.edit(remote_id, {(MASTER, Field.LOCATION): "Elsewhere"})
    world.settle(2)
    assert "Old" in world.psa.titles()


def test_an_event_that_moved_while_the_cursor_expired_is_copied() -> None:
    world = World(Switches(version_restarts=True))
    remote_id = world.phone.create(event("Old", "2027-02-01 09:00"))
    world.psa.add(event("Another", "2027-02-09 09:00"))
    world.settle(2)
    world.phone.edit(remote_id, {(MASTER, Field.TIME): event("", "2027-02-03 09:00").span})
    world.service.expire_cursors()
    world.settle(2)

    assert world.psa.titles() == ["Another", "Old"]


def test_an_event_that_stays_silent_is_asked_for_less_and_less_often() -> None:
    world = World(Switches(events_inline=False))
    world.run()
    world.silence(1.0)
    world.phone.create(event("Silent", "2027-02-01 09:00"))
    world.run()
    asked: list[int] = []
    for _ in range(240):
        world.service.io.passed.clear()
        world.run()
        asked.append(world.service.io.passed.count("fetch.before"))
    assert sum(asked[:60]) > sum(asked[60:120]) >= sum(asked[120:180]) >= sum(asked[180:])
    assert sum(asked) < 10
    world.silence(0.0)
    world.service.advance(timedelta(hours=12))
    world.run()

    assert world.psa.titles() == ["Silent"]
    assert world.tables.known == {}
