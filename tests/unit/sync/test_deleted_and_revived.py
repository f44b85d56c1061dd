"""What was deleted stays deleted and what lives stays alive, whoever removed the event and whatever answer was lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from calbridge.domain.content import MASTER, Field
from calbridge.domain.item import ItemType
from calbridge.domain.options import Level, OnLeave, Options, Privacy, Send, Winner
from calbridge.sync.engine import Task
from calbridge.sync.memory import LinkState
from calbridge.testing.memory import Crash, Switches
from tests.unit.sync.world import ALL, SECOND, World, event

PLACE = (MASTER, Field.LOCATION)
TASKS_ONLY = Send(types=frozenset({ItemType.TASK}))
KEPT = Options(send=replace(TASKS_ONLY, on_leave=OnLeave.KEEP))


def started(switches: Switches | None = None, options: Options | None = None) -> World:
    world = World(switches, options)
    world.start()
    return world


def sent(world: World, title: str = "Visit", type: ItemType = ItemType.APPOINTMENT) -> str:
    item = world.psa.add(event(title, "2027-02-01 09:00"), type)
    world.settle(2)
    return item


def die_after_deleting(world: World, name: str = "A") -> None:
    """The delete reaches the service, and the run dies before it learns of it."""
    world.service.io.fail("delete.after", Crash())
    with pytest.raises(Crash):
        world.run(name=name)
    world.service.io.clear()


def deleted_in_two_calendars() -> tuple[World, str]:
    """An item of which both calendars of a user have a copy, deleted in the PSA a moment ago."""
    options = Options(conflict=Winner.LINKED)
    world = World(None, options)
    world.link_calendar("B", SECOND, options)
    world.run()
    world.run(name="B")
    item = sent(world)
    world.settle(2, "B")
    world.psa.delete(item)
    return world, item


def losing_replies(world: World, losing: bool) -> None:
    world.service.switches = replace(world.service.switches, loses_reply=1.0 if losing else 0.0)


def test_a_visit_that_is_cancelled_and_held_after_all_lives_though_the_answer_to_its_removal_was_lost() -> None:
    world = started()
    item = sent(world)
    world.psa.edit(item, status="cancelled")
    die_after_deleting(world)
    world.psa.edit(item, status="confirmed")
    world.settle(3)
    assert (world.psa[item].deleted, world.event_titles()) == (False, ["Visit"])


def test_items_of_a_type_that_was_unticked_and_ticked_again_live_though_all_answers_were_lost() -> None:
    world = started()
    items = [sent(world, f"Visit {number}") for number in range(4)]
    world.set_options(Options(send=TASKS_ONLY), leave_confirmed=True)
    losing_replies(world, True)
    world.run()
    losing_replies(world, False)
    world.set_options(Options())
    world.settle(3)
    assert [world.psa[each].deleted for each in items] == [False] * 4
    assert len(world.event_titles()) == 4


def test_an_item_that_was_private_for_a_while_lives_though_the_answer_to_its_removal_was_lost() -> None:
    world = started(None, Options(send=Send(privacy=Privacy(private=Level.SKIP))))
    item = sent(world)
    world.psa.edit(item, visibility="private")
    losing_replies(world, True)
    world.run()
    losing_replies(world, False)
    world.psa.edit(item, visibility="default")
    world.settle(3)
    assert (world.psa[item].deleted, world.event_titles()) == (False, ["Visit"])


def test_an_item_that_another_integration_restores_lives_though_the_answer_to_its_deletion_was_lost() -> None:
    world, item = deleted_in_two_calendars()
    die_after_deleting(world, "B")
    world.phone.edit(world.remote_of(item), {(MASTER, Field.TITLE): "Held after all"})
    world.settle(2)
    world.settle(3, "B")
    assert not world.psa[item].deleted
    assert [each.content.title for each in world.service.phone_at(SECOND).events().values()] == ["Held after all"]


def test_an_item_that_is_made_again_is_sent_again() -> None:
    world = started()
    item = sent(world, type=ItemType.SERVICE_CALL)
    world.psa.delete(item)
    world.settle(2)
    assert world.event_titles() == []
    world.psa.change(item, deleted_at=None, content=event("Again", "2027-03-01 09:00"))
    world.settle(3)
    assert world.event_titles() == ["Again"]


def test_an_item_that_another_integration_restores_comes_back_to_the_calendar_it_was_removed_from() -> None:
    world, item = deleted_in_two_calendars()
    world.run(name="B")
    world.phone.edit(world.remote_of(item), {(MASTER, Field.TITLE): "Held after all"})
    world.settle(2)
    world.settle(3, "B")
    assert [each.content.title for each in world.service.phone_at(SECOND).events().values()] == ["Held after all"]


def test_a_past_appointment_that_was_deleted_is_not_copied_again_by_a_range_run() -> None:
    world = started()
    world.phone.create(event("Old", f"{world.clock.now() - timedelta(days=60):%Y-%m-%d} 09:00"))
    world.run(Task(retrieve=ALL))
    world.psa.delete(world.psa.living()[0].id)
    world.settle(2)
    world.run(Task(retrieve=ALL))
    assert world.psa.living() == []


@pytest.mark.parametrize("options_changed", [False, True])
def test_a_copy_that_stays_behind_does_not_bring_its_deleted_item_back(options_changed: bool) -> None:
    world = started()
    item = sent(world, type=ItemType.SERVICE_CALL)
    others = Options(send=Send(types=frozenset({ItemType.APPOINTMENT}), on_leave=OnLeave.KEEP))
    world.set_options(others)
    world.settle(2)
    if options_changed:
        world.set_options(replace(others, default_minutes=31))
        world.settle(2)
    world.psa.delete(item)
    world.settle(2)
    world.phone.edit(world.remote_of(item), {PLACE: "Room 1"})
    world.settle(2)
    world.run(Task(compare=True))
    assert world.psa.living() == []


def test_deleting_a_copy_that_stays_behind_never_deletes_its_item_though_the_service_was_silent_once() -> None:
    world = started(Switches(events_inline=False))
    item = sent(world)
    world.set_options(KEPT)
    world.settle(2)
    assert world.link_of(item).state is LinkState.DETACHED
    world.phone.edit(world.remote_of(item), {PLACE: "Room 1"})
    world.service.switches = replace(world.service.switches, fetch_unknown=1.0)
    world.set_options(replace(KEPT, default_minutes=31))
    world.run()
    world.service.switches = replace(world.service.switches, fetch_unknown=0.0)
    world.phone.delete(world.remote_of(item))
    world.settle(2)
    assert not world.psa[item].deleted


def test_a_copy_that_is_deleted_in_the_moment_in_which_it_is_let_go_takes_no_item_along() -> None:
    world = started()
    item = sent(world)
    world.set_options(KEPT)
    world.phone.delete(world.remote_of(item))
    world.settle(2)
    assert not world.psa[item].deleted
