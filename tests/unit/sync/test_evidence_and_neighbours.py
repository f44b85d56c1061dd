"""What a run knows is not forgotten over a missing answer, and nothing is paired or woken that should not be (C4, D6 to
D10)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from calbridge.domain.content import MASTER, Field
from calbridge.domain.item import ItemType
from calbridge.domain.options import Level, Options, Privacy, Retrieve, Send
from calbridge.errors import Unavailable
from calbridge.sync.engine import Task
from calbridge.sync.memory import KnownState, LinkState
from calbridge.testing.memory import MAIN, Switches
from tests.unit.sync.world import ALL, SECOND, World, event

PLACE = (MASTER, Field.LOCATION)


def with_many(number: int) -> tuple[World, list[str]]:
    """A user whose calendar has so many items."""
    world = World()
    world.start()
    items = [world.psa.add(event(f"Call {each}", f"2027-02-01 {each % 12 + 8:02}:00")) for each in range(number)]
    world.settle(3)
    return world, items


def two_calendars() -> World:
    """Two calendars of one user, both linked."""
    world = World()
    world.link_calendar("B", SECOND)
    world.run(Task(retrieve=ALL, send=ALL))
    world.run(Task(retrieve=ALL, send=ALL), name="B")
    return world


def invited(world: World) -> tuple[str, str]:
    """The same invitation in both calendars; in the second it stands aside."""
    first = world.phone.create(event("Invitation", "2027-02-01 09:00"), uid="U")
    world.run()
    second = world.service.phone_at(SECOND).create(event("Invitation", "2027-02-01 09:00"), uid="U")
    world.run(name="B")
    assert [row.state for row in world.tables.known.values()] == [KnownState.ALREADY_HERE]
    return first, second


def test_an_event_that_is_to_be_adopted_and_gives_no_answer_is_not_made_a_second_time() -> None:
    world = World(Switches(events_inline=False))
    world.phone.create(event("Same", "2027-02-01 09:00"))
    world.run()
    world.psa.add(event("Dummy", "2027-02-09 09:00"))
    world.run()
    world.psa.add(event("Same", "2027-02-01 09:00"))
    world.silence(1.0)
    world.run()
    world.silence(0.0)
    world.service.advance(timedelta(minutes=10))
    world.settle(2)
    world.run(Task(compare=True))
    assert world.event_titles() == world.psa.titles() == ["Dummy", "Same"]


def test_two_items_that_could_be_one_event_do_not_share_it() -> None:
    world = World()
    world.phone.create(event("Same", "2027-02-01 09:00"), uid="U")
    world.run()
    world.psa.add(event("Dummy", "2027-02-09 09:00"))
    world.run()
    world.psa.add(event("Same", "2027-02-01 09:00"))
    world.psa.add(event("Other", "2027-02-03 09:00"), ical_uid="U")
    world.settle(3)
    addresses = [link.remote_id for link in world.tables.links.values()]
    assert len(set(addresses)) == len(addresses) == 3


def test_an_event_that_another_user_keeps_there_never_becomes_somebody_elses() -> None:
    world = World()
    world.link_calendar("Z", MAIN)
    world.tables.integrations["Z"] = replace(world.tables.integrations["Z"], user_id="bob")
    world.run(name="Z")
    world.run()
    theirs = world.psa.add(event("Same", "2027-02-01 09:00"))
    world.tables.items[theirs] = replace(world.tables.items[theirs], user_id="bob")
    world.run(name="Z")
    world.run()
    mine = world.psa.add(event("Same", "2027-02-01 09:00"), ItemType.TASK)
    twin = world.phone.create(event("Same", "2027-02-01 09:00"))
    world.run()
    world.phone.delete(twin)
    world.run()
    world.psa.edit(mine, location="Room 1")
    world.settle(3)
    assert world.link_of(mine).remote_id != world.link_of(theirs, "Z").remote_id


def test_a_row_that_is_to_be_decided_again_is_so_after_a_fetch_that_failed() -> None:
    world = two_calendars()
    first, _ = invited(world)
    world.phone.delete(first)
    world.run()
    world.service.io.fail("fetch.before", Unavailable())
    with pytest.raises(Unavailable):
        world.run(name="B")
    world.service.io.clear()
    world.settle(2, "B")
    assert world.psa.titles() == ["Invitation"]


def test_what_was_there_before_is_not_copied_because_its_twin_elsewhere_was_deleted() -> None:
    world = World()
    world.link_calendar("B", SECOND)
    first = world.phone.create(event("Invitation", "2027-02-01 09:00"), uid="U")
    world.service.phone_at(SECOND).create(event("Invitation", "2027-02-01 09:00"), uid="U")
    world.settle(2)
    world.settle(2, "B")
    world.phone.delete(first)
    world.run()
    world.settle(2, "B")
    assert world.psa.titles() == []


def test_two_events_that_could_be_one_item_are_told_apart_by_deleting_one() -> None:
    world = World()
    world.run()
    item = world.psa.add(event("Same", "2027-02-01 09:00"))
    twins = [world.phone.create(event("Same", "2027-02-01 09:00")) for _ in range(2)]
    world.settle(2)
    assert [row.state for row in world.tables.known.values()] == [KnownState.AMBIGUOUS] * 2
    world.phone.delete(twins[0])
    world.settle(2)
    assert world.link_of(item).remote_id == twins[1]
    assert world.psa.titles() == world.event_titles() == ["Same"]


def test_private_events_that_were_taken_out_come_back_with_the_setting() -> None:
    world = World()
    world.start()
    for number in range(3):
        world.phone.create(event(f"Lesson {number}", "2027-05-01 09:00", visibility="private"))
    world.settle(2)
    world.set_options(Options(retrieve=Retrieve(privacy=Privacy(private=Level.SKIP))))
    world.run()
    assert world.psa.living() == []
    world.set_options(Options())
    world.run()
    assert len(world.psa.living()) == 3


def test_reading_what_is_there_before_a_create_copies_nothing() -> None:
    options = Options(send=Send(types=frozenset({ItemType.APPOINTMENT})))
    world = World(Switches(events_inline=False), options)
    world.phone.create(event("Call", "2027-02-01 09:00"))
    world.psa.add(event("Call", "2027-02-01 09:00"), ItemType.SERVICE_CALL)
    world.settle(3)
    world.psa.add(event("New", "2027-02-05 09:00"))
    world.settle(3)
    assert (world.psa.titles(), world.event_titles()) == (["Call", "New"], ["Call", "New"])


def test_deletions_whose_answers_are_lost_count_for_the_guard() -> None:
    world, items = with_many(30)
    for each in items:
        world.psa.delete(each)
    world.service.switches = replace(world.service.switches, loses_reply=1.0)
    world.run()
    assert len(world.phone.events()) == 20


def test_deletions_of_several_runs_that_failed_count_for_the_guard() -> None:
    world, items = with_many(40)
    for each in items:
        world.psa.delete(each)
    for _ in range(6):
        world.service.io.clear()
        world.service.io.fail("delete.after", Unavailable(), 1)
        world.try_run()
    assert len(world.phone.events()) == 30


def test_a_deletion_that_waits_is_not_forgotten_over_a_change_that_is_not_sent() -> None:
    world, items = with_many(15)
    for each in items:
        world.phone.delete(world.remote_of(each))
    world.run()
    world.psa.change(items[0], associations=({"kind": "company", "id": "1"},))
    world.run()
    assert world.link_of(items[0]).reason == "confirmation_needed"
    world.confirm()
    world.settle(2)
    assert world.psa.living() == []


def test_a_deletion_that_was_not_confirmed_yet_is_not_forgotten_over_a_change_that_is_not_sent() -> None:
    world, (item,) = with_many(1)
    world.phone.delete(world.remote_of(item))
    world.psa.change(item, associations=({"kind": "company", "id": "1"},))
    world.silence(1.0)
    world.run()
    world.silence(0.0)
    world.settle(2)
    assert world.psa[item].deleted


def test_an_event_that_reappears_unchanged_waits_for_no_word() -> None:
    world, items = with_many(15)
    calendar = world.service.calendar(MAIN)
    before = dict(calendar.events)
    for each in items:
        world.phone.delete(world.remote_of(each))
    assert world.run().waiting
    calendar.events.update(before)
    assert not world.run(Task(compare=True)).waiting
    assert {link.state for link in world.tables.links.values()} == {LinkState.SYNCED}


def test_an_event_that_is_to_be_left_alone_is_so_after_it_changed() -> None:
    world = World(None, Options(retrieve=Retrieve(create=False)))
    world.run()
    address = world.phone.create(event("Private lesson", "2027-02-01 09:00"))
    world.run()
    with world.store().page() as page:
        row = page.known([address])[address]
        page.put_known(replace(row, state=KnownState.KNOWN, code="ignored", recheck=False, indexed=True))
    world.set_options(Options())
    world.settle(2)
    world.phone.edit(address, {PLACE: "Room 1"})
    world.psa.add(event("Private lesson", "2027-02-01 09:00"))
    world.settle(2)
    assert [row.code for row in world.tables.known.values()] == ["ignored"]
    assert world.event_titles() == ["Private lesson", "Private lesson"]
