"""Histories of whole calendars: several integrations, adoption, expired cursors, mass deletions, lossy services."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from calbridge.domain.content import MASTER, Field
from calbridge.domain.item import ItemType
from calbridge.domain.options import OnLeave, Options, Send
from calbridge.errors import LeaseLost
from calbridge.sync.change_calendar import enter_calendar, leave_calendar
from calbridge.sync.engine import Task, run
from calbridge.sync.memory import LinkState
from calbridge.testing.memory import MAIN, MemoryConnector, Switches
from tests.unit.sync.world import SECOND, World, event, span, text

TITLE = (MASTER, Field.TITLE)
TIME = (MASTER, Field.TIME)


def started(switches: Switches | None = None, options: Options | None = None) -> World:
    world = World(switches, options)
    world.run()
    return world


def two_calendars(forward: bool) -> World:
    world = World()
    world.link_calendar("B", SECOND, Options(send=Send(forward=forward)))
    world.run(name="A")
    world.run(name="B")
    return world


def both(world: World, times: int = 3) -> None:
    for _ in range(times):
        world.run(name="A")
        world.run(name="B")


def titles_in(world: World, calendar: str) -> list[str]:
    return sorted(each.content.title for each in world.service.phone_at(calendar).events().values())


def test_20_forwarding_switched_off_withdraws_the_copy_and_the_deletion_reaches_its_origin() -> None:
    world = two_calendars(forward=True)
    world.phone.create(event("Dentist", "2027-02-01 09:00"))
    both(world)
    assert titles_in(world, SECOND) == ["Dentist"]
    world.set_options(Options(send=Send(forward=False, on_leave=OnLeave.REMOVE)), "B", leave_confirmed=True)
    both(world)
    assert titles_in(world, SECOND) == []
    (item,) = world.psa.living()
    world.psa.delete(item.id)
    both(world)
    assert world.event_titles() == []
    assert titles_in(world, SECOND) == []


def test_20_forwarding_switched_off_keeps_the_copy_where_told_so() -> None:
    world = two_calendars(forward=True)
    world.phone.create(event("Dentist", "2027-02-01 09:00"))
    both(world)
    world.set_options(Options(send=Send(forward=False, on_leave=OnLeave.KEEP)), "B")
    both(world)
    (item,) = world.psa.living()
    world.psa.delete(item.id)
    both(world)
    assert world.event_titles() == []
    assert titles_in(world, SECOND) == ["Dentist"]


def test_21_an_event_of_two_calendars_is_linked_in_the_second_when_it_leaves_the_first() -> None:
    world = two_calendars(forward=False)
    one = world.phone.create(event("Board", "2027-02-01 09:00"), uid="board@example.com")
    world.service.phone_at(SECOND).create(event("Board", "2027-02-01 09:00"), uid="board@example.com")
    both(world)
    assert world.psa.titles() == ["Board"]
    world.phone.delete(one)
    both(world)
    assert world.psa.titles() == ["Board"]
    (item,) = world.psa.living()
    assert world.link_of(item.id, "B").live


@pytest.mark.parametrize("inline", [True, False])
def test_26_a_first_link_pairs_what_is_the_same_and_creates_nothing(inline: bool) -> None:
    world = World(Switches(events_inline=inline))
    for number in range(40):
        start = f"2027-02-{number % 28 + 1:02} {8 + number // 28:02}:00"
        if number < 30:
            world.phone.create(event(f"Same {number}", start))
            world.psa.add(event(f"Same {number}", start))
        elif number < 35:
            world.phone.create(event(f"Phone {number}", start))
        else:
            world.psa.add(event(f"PSA {number}", start))
    world.settle()
    assert sum(link.live for link in world.tables.links.values()) == 30
    assert len(world.psa.living()) == 35
    assert len(world.phone.events()) == 35
    assert world.writes() == 0


def test_27_what_is_missing_after_an_expired_cursor_is_confirmed_and_deleted() -> None:
    world = World()
    remotes = [world.phone.create(event(f"Call {number}", f"2027-02-{number + 1:02} 09:00")) for number in range(20)]
    world.start()
    assert len(world.psa.living()) == 20
    for remote in remotes[:3]:
        world.phone.delete(remote)
    world.service.expire_cursors()
    world.settle()
    assert len(world.psa.living()) == 17
    assert len(world.phone.events()) == 17


def test_28_mass_deletions_of_two_weeks_wait_for_one_confirmation() -> None:
    world = World()
    remotes = [
        world.phone.create(event(f"Call {number}", f"2027-02-{number % 28 + 1:02} 09:00")) for number in range(30)
    ]
    world.start()
    world.service.advance(timedelta(days=14))
    for remote in remotes[:15]:
        world.phone.delete(remote)
    world.phone.edit(remotes[20], {TITLE: "Edited on the phone"})
    edited = next(item for item in world.psa.living() if item.content.title == "Call 21")
    world.psa.edit(edited.id, title="Edited in the PSA")
    outcome = world.run()
    assert outcome.waiting
    assert len(world.psa.living()) == 30
    assert {"Edited on the phone", "Edited in the PSA"} <= set(world.psa.titles()) & set(world.event_titles())
    world.settle()
    assert len(world.psa.living()) == 30
    world.confirm()
    world.settle()
    assert len(world.psa.living()) == 15


def test_28_a_calendar_that_suddenly_lists_empty_waits() -> None:
    world = World()
    world.phone.create(event("Call", "2027-02-01 09:00"))
    world.phone.create(event("Call 2", "2027-02-02 09:00"))
    world.start()
    world.service.list_empty_once()
    world.run(Task(compare=True))
    world.settle()
    assert len(world.psa.living()) == 2
    assert all(link.state is LinkState.SYNCED for link in world.tables.links.values())


@pytest.mark.parametrize("losses", [Switches(truncates_titles=40, renames_zones=True, rewrites_html=True)])
def test_29_a_degrading_service_is_quiet_after_two_writes_and_nothing_comes_back(losses: Switches) -> None:
    world = started(losses)
    title = "A title that is quite a bit longer than forty characters"
    item = world.psa.add(event(title, "2027-02-01 09:00", description=text("Bring the <spare> part & tea")))
    world.settle()
    assert world.writes() <= 2
    assert world.psa[item].content.title == title
    world.psa.edit(item, location="Room 1")
    before = world.writes()
    world.settle()
    assert world.writes() - before <= 2
    assert world.psa[item].content.title == title
    assert world.psa[item].content.get((MASTER, Field.TEXT)) == text("Bring the <spare> part & tea")
    assert world.psa[item].content.span == span("2027-02-01 09:00")


def test_31_an_item_beyond_the_horizon_is_sent_once_and_never_deleted_for_being_unlisted() -> None:
    world = started(Switches(horizon_days=30))
    item = world.psa.add(event("Far away", "2027-04-01 09:00"))
    world.settle()
    assert world.event_titles() == ["Far away"]
    for _ in range(12):
        world.service.advance(timedelta(days=7))
        world.run(Task(compare=True))
    assert world.psa.titles() == ["Far away"]
    assert world.event_titles() == ["Far away"]
    world.psa.edit(item, title="Still far")
    world.settle()
    assert world.event_titles() == ["Still far"]


def test_34_a_run_whose_lease_was_taken_writes_nothing() -> None:
    world = started()
    world.psa.add(event("Visit", "2027-02-01 09:00"))
    store = world.store()
    world.service.io.once(1, "changes.before", lambda: setattr(store, "holds_lease", False))
    before = world.tables.copy()
    with pytest.raises(LeaseLost):
        run(MemoryConnector(world.service), store, world.clock, world.keys)
    assert world.event_titles() == []
    assert world.tables == before


def test_a_service_that_shows_moves_whole_is_not_asked_where_else_an_event_is() -> None:
    world = started(Switches(whole_moves=True))
    item = world.psa.add(event("Visit", "2027-02-01 09:00"))
    stays = world.psa.add(event("Audit", "2027-02-02 09:00"))
    world.run()
    world.phone.delete(world.remote_of(item))
    world.phone.move_address(world.remote_of(stays))
    world.settle()
    assert world.psa.titles() == ["Audit"]
    assert world.event_titles() == ["Audit"]
    assert "find.before" not in world.service.io.passed


def test_a_copy_that_the_user_made_of_our_event_is_an_event_of_its_own() -> None:
    world = started()
    item = world.psa.add(event("Visit", "2027-02-01 09:00"))
    world.run()
    world.phone.copy(world.remote_of(item))
    world.settle()
    assert world.psa.titles() == ["Visit", "Visit"]
    assert world.event_titles() == ["Visit", "Visit"]


def test_two_sides_that_undo_each_other_are_frozen() -> None:
    world = started()
    item = world.psa.add(event("Visit", "2027-02-01 09:00"))
    world.run()
    for _ in range(6):
        world.psa.edit(item, title="Ping")
        world.run()
        if world.link_of(item).state is LinkState.FROZEN:
            break
        world.phone.edit(world.remote_of(item), {TITLE: "Pong"})
        world.run()
    assert world.link_of(item).state is LinkState.FROZEN
    assert world.link_of(item).reason == "oscillation"
    world.psa.edit(item, title="Something else")
    world.settle()
    assert world.event_titles() == ["Something else"]
    assert world.link_of(item).state is LinkState.SYNCED


def test_a_lying_delta_is_found_out_by_the_daily_comparison() -> None:
    world = World()
    remote = world.phone.create(event("Call", "2027-02-01 09:00"))
    world.start()
    world.phone.edit(remote, {TITLE: "Call back"})
    world.service.lie_once()
    world.run()
    assert world.psa.titles() == ["Call"]
    world.run(Task(compare=True))
    assert world.psa.titles() == ["Call back"]


def test_guests_are_never_mailed_unless_somebody_consents() -> None:
    world = started(Switches(silent=False))
    from tests.unit.sync.world import guests

    remote = world.phone.create(event("Board", "2027-02-01 09:00", people=guests("bob@example.com")))
    world.run()
    (item,) = world.psa.living()
    world.psa.edit(item.id, title="Board, moved")
    world.settle()
    assert world.service.mails == []
    assert world.link_of(item.id).state is LinkState.WOULD_MAIL
    world.psa.delete(item.id)
    world.settle()
    assert world.service.mails == []
    assert remote in world.phone.events()
    link = world.link_of(item.id)
    world.tables.links[("A", link.id)] = replace(link, consent=True, work=True)
    world.settle()
    assert world.event_titles() == []


def change_calendar(world: World, calendar: str, *, remove_ours: bool = False) -> None:
    leave_calendar(MemoryConnector(world.service), world.store(), world.clock, world.keys, remove_ours=remove_ours)
    world.tables.integrations["A"] = replace(world.tables.integrations["A"], calendar_id=calendar)
    enter_calendar(world.store(), world.clock)
    world.settle()


def test_15_coming_back_to_a_calendar_merges_and_doubles_nothing() -> None:
    world = started()
    item = world.psa.add(event("Visit", "2027-02-01 09:00"))
    stays = world.psa.add(event("Audit", "2027-02-02 09:00"))
    gone_here = world.psa.add(event("Lunch", "2027-02-03 09:00"))
    gone_there = world.psa.add(event("Gym", "2027-02-04 09:00"))
    world.run()
    remotes = {each: world.remote_of(each) for each in (item, stays, gone_here, gone_there)}
    change_calendar(world, SECOND)
    assert titles_in(world, SECOND) == []
    world.psa.edit(item, title="Visit, changed here")
    world.phone.edit(remotes[item], {(MASTER, Field.LOCATION): "Room 4"})
    world.psa.delete(gone_here)
    world.phone.delete(remotes[gone_there])
    world.settle()
    assert titles_in(world, SECOND) == ["Visit, changed here"]
    change_calendar(world, MAIN)
    assert sorted(world.psa.titles()) == ["Audit", "Gym", "Visit, changed here"]
    assert world.event_titles() == ["Audit", "Lunch", "Visit, changed here"]


def test_15_edits_of_both_sides_made_meanwhile_are_merged_on_return() -> None:
    world = started()
    item = world.psa.add(event("Visit", "2027-02-01 09:00"))
    world.run()
    remote = world.remote_of(item)
    change_calendar(world, SECOND)
    world.phone.edit(remote, {(MASTER, Field.LOCATION): "Room 4"})
    change_calendar(world, MAIN)
    world.psa.edit(item, title="Visit 2")
    world.settle()
    assert world.psa[item].content.get((MASTER, Field.LOCATION)) == "Room 4"
    assert world.event_titles() == ["Visit 2"]
    assert len(world.phone.events()) == 1


def test_16_an_ignored_deletion_is_ignored_in_another_calendar_too() -> None:
    world = started()
    item = world.psa.add(event("Fix printer", "2027-02-01 09:00"), ItemType.SERVICE_CALL)
    world.run()
    world.phone.delete(world.remote_of(item))
    world.settle()
    change_calendar(world, SECOND)
    world.psa.edit(item, title="Fix printer again")
    world.settle()
    assert titles_in(world, SECOND) == []
    assert world.event_titles() == []


def test_leaving_a_calendar_removes_only_our_copies_and_only_when_asked() -> None:
    world = started()
    world.psa.add(event("Visit", "2027-02-01 09:00"))
    world.run()
    world.phone.create(event("Dentist", "2027-02-02 09:00"))
    world.run()
    change_calendar(world, SECOND, remove_ours=True)
    assert world.event_titles() == ["Dentist"]
    assert world.psa.titles() == ["Dentist", "Visit"]
