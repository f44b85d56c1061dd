"""What a second reading of the rules found: privacy, pairs over several calendars, guards, ranges."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from calbridge.domain.content import MASTER, Field, Person
from calbridge.domain.event import Editable
from calbridge.domain.item import ItemType
from calbridge.domain.options import Level, OnLeave, Options, Privacy, Retrieve, Send
from calbridge.errors import ItemChanged, Throttled
from calbridge.sync.change_calendar import enter_calendar, leave_calendar
from calbridge.sync.engine import Task, run
from calbridge.sync.memory import LinkState
from calbridge.testing.memory import MAIN, MemoryConnector, Switches
from tests.unit.sync.world import ALL, SECOND, World, event, guests, span, text

TITLE, TEXT = (MASTER, Field.TITLE), (MASTER, Field.TEXT)
VISIBILITY = (MASTER, Field.VISIBILITY)


def started(switches: Switches | None = None, options: Options | None = None) -> World:
    world = World(switches, options)
    world.run()
    return world


def sent(world: World, title: str = "Visit", **more: object) -> str:
    item = world.psa.add(event(title, "2027-02-01 09:00", **more))
    world.run()
    return item


def test_what_one_calendar_brought_is_not_paired_with_another_calendars_event() -> None:
    world = started()
    world.link_calendar("B", SECOND)
    world.run(name="B")
    world.phone.create(event("Lunch", "2027-02-01 12:00", description=text("told to A")))
    world.run()
    second = world.service.phone_at(SECOND)
    remote = second.create(event("Lunch", "2027-02-01 12:00"))
    world.settle(2, "B")
    world.run()
    assert second.events()[remote].content.get(TEXT) is None
    second.delete(remote)
    world.settle(2, "B")
    world.settle(2)
    assert world.event_titles() == ["Lunch"]


def test_a_text_typed_over_a_placeholder_never_replaces_the_title_when_the_copy_goes() -> None:
    world = started()
    item = sent(world, "Chemotherapy", visibility="private")
    world.psa.edit(item, status="cancelled")
    world.phone.edit(world.remote_of(item), {TITLE: "Doctor?"})
    world.settle()
    assert world.psa[item].content.title == "Chemotherapy"


def test_a_title_comes_back_when_the_psa_makes_the_item_public_again() -> None:
    world = started()
    world.phone.create(event("Dentist", "2027-03-01 09:00"))
    world.run()
    (item,) = world.psa.living()
    world.psa.edit(item.id, visibility="private")
    world.run()
    world.psa.edit(item.id, visibility="default")
    world.settle()
    assert world.psa[item.id].content.title == "Dentist"
    assert not world.psa[item.id].hidden


def test_hiding_what_was_retrieved_keeps_what_the_psa_wrote() -> None:
    world = started(options=Options(send=Send(types=frozenset(), on_leave=OnLeave.KEEP)))
    remote = world.phone.create(event("Dentist", "2027-03-01 09:00"))
    world.run()
    (item,) = world.psa.living()
    world.psa.edit(item.id, {TEXT: text("bring the insurance card")})
    world.phone.edit(remote, {VISIBILITY: "private"})
    world.settle()
    assert world.psa[item.id].hidden
    assert world.psa[item.id].content.title == ""
    assert world.psa[item.id].content.get(TEXT) == text("bring the insurance card")


def test_nothing_of_a_hidden_text_is_left_in_the_log() -> None:
    world = started()
    mine = sent(world, "Chemotherapy")
    remote = world.phone.create(event("Surprise", "2027-03-01 09:00"))
    world.run()
    world.psa.edit(mine, visibility="private")
    world.phone.edit(remote, {VISIBILITY: "private"})
    world.settle()
    told = [entry for _, entry in world.tables.log]
    after = [entry for entry in told if entry.item_id == mine][1:]
    assert "Surprise" not in repr(told)
    assert "Chemotherapy" not in repr(after)


def test_a_skipped_event_leaves_no_text_behind() -> None:
    world = started(options=Options(retrieve=Retrieve(privacy=Privacy(private=Level.SKIP))))
    remote = world.phone.create(event("Surprise", "2027-03-01 09:00"))
    world.run()
    world.phone.edit(remote, {VISIBILITY: "private"})
    world.settle()
    assert world.psa.living() == []
    assert "Surprise" not in repr(world.tables.items)
    assert "Surprise" not in repr(world.tables.log)


def test_a_forwarded_copy_goes_when_its_origin_becomes_private() -> None:
    world = World()
    world.link_calendar("B", SECOND, Options(send=Send(forward=True)))
    world.run()
    world.run(name="B")
    remote = world.phone.create(event("Surprise", "2027-02-01 09:00"))
    world.run()
    world.settle(2, "B")
    world.phone.edit(remote, {VISIBILITY: "private"})
    world.settle(2)
    world.settle(2, "B")
    assert world.service.phone_at(SECOND).events() == {}


def test_a_private_items_text_never_goes_to_an_event_that_others_made() -> None:
    world = World()
    remote = world.phone.create(event("Doctor", "2027-02-01 09:00"))
    world.psa.add(event("Doctor", "2027-02-01 09:00", description=text("results are bad"), visibility="private"))
    world.settle()
    shown = world.phone.events()[remote].content
    assert shown.get(TEXT) is None
    assert shown.visibility == "private"
    (item,) = world.psa.living()
    assert item.content.get(TEXT) == text("results are bad")


def test_a_private_visit_makes_its_series_private() -> None:
    world = started()
    item = sent(world, "Therapy group", rule="FREQ=WEEKLY")
    world.psa.edit(item, {("2027-02-08T09:00:00", Field.VISIBILITY): "private"})
    world.settle()
    assert world.event_titles() == ["Busy"]


def test_throttled_writes_are_no_oscillation() -> None:
    world = started()
    item = sent(world, "A")
    world.psa.edit(item, title="B")
    for _ in range(4):
        world.service.io.fail("update.before", Throttled())
        world.try_run()
    world.settle()
    assert world.event_titles() == ["B"]


def test_changing_ones_mind_often_is_no_oscillation() -> None:
    world = started()
    item = sent(world, "A")
    for title in "BABABAB":
        world.psa.edit(item, title=title)
        world.run()
    assert world.event_titles() == ["B"]


def test_an_emptied_calendar_waits_for_a_word_however_often_it_is_read() -> None:
    world = World()
    remotes = [world.phone.create(event(f"Call {number}", f"2027-02-0{number + 1} 09:00")) for number in range(5)]
    world.start()
    for remote in remotes:
        world.phone.delete(remote)
    world.service.expire_cursors()
    world.settle()
    assert len(world.psa.living()) == 5
    assert world.run().waiting
    world.confirm()
    world.settle()
    assert world.psa.living() == []


def test_a_word_for_leaving_holds_once() -> None:
    world = started()
    sent(world)
    world.confirm()
    world.run()
    assert not world.tables.integrations["A"].leave_confirmed
    world.set_options(Options(send=Send(types=frozenset({ItemType.TASK}))))
    world.settle()
    assert world.event_titles() == ["Visit"]
    assert world.run().waiting


def test_a_past_event_stays_when_its_item_is_deleted() -> None:
    world = World()
    item = world.psa.add(event("Audit", "2026-11-02 09:00"))
    world.start()
    world.psa.delete(item)
    world.settle()
    assert world.event_titles() == ["Audit"]
    assert world.link_of(item).reason == "past"


def test_a_past_copy_is_hidden_all_the_same() -> None:
    world = World()
    world.phone.create(event("Surprise", "2026-11-02 09:00", visibility="private"))
    world.set_options(Options(retrieve=Retrieve(privacy=Privacy(private=Level.FULL))))
    world.start()
    assert world.psa.titles() == ["Surprise"]
    world.set_options(Options())
    world.settle()
    assert world.psa.titles() == [""]
    assert "Surprise" not in repr(world.tables.links)


def test_a_range_run_sends_what_live_sync_passed_by() -> None:
    world = started()
    world.psa.add(event("Audit", "2026-11-02 09:00"))
    world.run()
    assert world.event_titles() == []
    world.service.io.once(1, "create.after", Throttled())
    world.try_run(Task(send=ALL))
    world.settle()
    assert world.event_titles() == ["Audit"]


def test_ranges_are_the_users_own_days() -> None:
    from datetime import date

    from calbridge.connectors.contract import Window

    world = started()
    world.tables.integrations["A"] = replace(world.tables.integrations["A"], time_zone="America/Los_Angeles")
    evening = span("2027-02-02 05:00")
    world.psa.tables.items.clear()
    item = world.psa.add(event("Late", "2027-02-02 05:00"))
    assert evening.start.instant().date() == date(2027, 2, 2)
    world.tables.integrations["A"] = replace(world.tables.integrations["A"], mark=world.tables.seq)
    world.run(Task(send=Window(date(2027, 2, 2), date(2027, 2, 3))))
    assert world.event_titles() == []
    world.run(Task(send=Window(date(2027, 2, 1), date(2027, 2, 2))))
    assert world.event_titles() == ["Late"]
    assert world.link_of(item).live


def test_a_detached_copy_deleted_on_the_phone_is_made_anew_when_its_type_is_ticked_again() -> None:
    world = started()
    item = sent(world)
    world.set_options(Options(send=Send(types=frozenset(), on_leave=OnLeave.KEEP)))
    world.settle()
    assert world.link_of(item).state is LinkState.DETACHED
    world.phone.delete(world.remote_of(item))
    world.settle()
    world.set_options(Options())
    world.settle()
    assert world.event_titles() == ["Visit"]
    world.service.io.passed.clear()
    world.run()
    assert "fetch.before" not in world.service.io.passed


def test_a_meeting_its_organiser_deleted_is_not_made_anew() -> None:
    world = started()
    remote = world.phone.create(event("Board", "2027-02-01 09:00"))
    world.run()
    (item,) = world.psa.living()
    link = world.link_of(item.id)
    others = Editable(time=False, details=False, people=False, existence=True)
    world.tables.links[("A", link.id)] = replace(link, editable=others)
    world.psa.edit(item.id, title="Renamed")
    world.phone.delete(remote)
    world.settle()
    assert world.event_titles() == []


def test_a_private_event_that_is_skipped_is_never_adopted() -> None:
    world = World(options=Options(retrieve=Retrieve(privacy=Privacy(private=Level.SKIP))))
    remote = world.phone.create(
        event("Doctor", "2027-02-01 09:00", visibility="private", description=text("my secret"))
    )
    item = world.psa.add(event("Doctor", "2027-02-01 09:00"))
    world.settle()
    world.psa.edit(item, {TEXT: text("psa text")})
    world.settle()
    assert world.phone.events()[remote].content.get(TEXT) == text("my secret")


def test_guests_of_one_visit_are_guests() -> None:
    world = started(Switches(silent=False))
    remote = world.phone.create(event("Round", "2027-02-01 09:00", rule="FREQ=WEEKLY"))
    world.phone.edit(remote, {("2027-02-08T09:00:00", Field.PEOPLE): guests("bob@example.com")})
    world.run()
    (item,) = world.psa.living()
    world.psa.edit(item.id, title="Round, moved")
    world.settle()
    assert world.link_of(item.id).state is LinkState.WOULD_MAIL
    assert Person("bob@example.com") in guests("bob@example.com").attendees


def test_a_cancelled_item_does_not_adopt_a_new_event() -> None:
    world = started()
    item = sent(world)
    world.psa.edit(item, status="cancelled")
    world.settle()
    remote = world.phone.create(event("Visit", "2027-02-01 09:00"))
    world.settle()
    assert world.phone.events()[remote].content.status == "confirmed"


def test_an_item_that_moves_on_during_a_page_is_decided_again() -> None:
    world = started()
    item = sent(world)
    world.phone.edit(world.remote_of(item), {TITLE: "From the phone"})
    store = world.store()
    left = [ItemChanged()]

    def moved_on() -> None:
        if left and world.psa[item].content.title == "From the phone":
            raise left.pop()

    store.before_commit = moved_on
    world.service.advance(timedelta(minutes=1))
    run(MemoryConnector(world.service), store, world.clock, world.keys)
    assert world.psa[item].content.title == "From the phone"
    assert not left


@pytest.mark.parametrize("open_create", [True, False])
def test_coming_back_to_a_calendar_knows_what_was_made_there(open_create: bool) -> None:
    world = started()
    item = world.psa.add(event("Visit", "2027-02-01 09:00"))
    if open_create:
        world.service.io.fail("create.after", Throttled())
        world.service.io.once(1, "create.after", lambda: None)
    world.try_run()
    for calendar in (SECOND, MAIN):
        leave_calendar(MemoryConnector(world.service), world.store(), world.clock, world.keys, remove_ours=False)
        world.tables.integrations["A"] = replace(world.tables.integrations["A"], calendar_id=calendar)
        enter_calendar(world.store(), world.clock)
        world.settle()
    world.psa.delete(item)
    world.settle()
    assert world.psa.living() == []
    assert world.event_titles() == []


def test_what_the_psa_deleted_meanwhile_does_not_come_back_with_its_calendar() -> None:
    world = started()
    item = sent(world)
    remote = world.remote_of(item)
    leave_calendar(MemoryConnector(world.service), world.store(), world.clock, world.keys, remove_ours=False)
    world.tables.integrations["A"] = replace(world.tables.integrations["A"], calendar_id=SECOND)
    enter_calendar(world.store(), world.clock)
    world.settle()
    world.psa.delete(item)
    world.settle()
    leave_calendar(MemoryConnector(world.service), world.store(), world.clock, world.keys, remove_ours=False)
    world.tables.integrations["A"] = replace(world.tables.integrations["A"], calendar_id=MAIN)
    enter_calendar(world.store(), world.clock)
    world.settle()
    world.phone.edit(remote, {TITLE: "Touched"})
    world.settle()
    assert world.psa.living() == []


SHOWN = Privacy(private=Level.FULL)


def masked(world: World, hour: int, *, on: bool) -> None:
    """Whose calendar it is shows its private events to us, or not, and moves all of them."""
    world.service.switches = replace(world.service.switches, masks_private=on)
    for remote in world.phone.events():
        world.phone.edit(remote, {(MASTER, Field.TIME): span(f"2027-03-01 {hour}:00")})
    world.settle()


def test_a_private_event_that_is_masked_is_hidden_and_comes_back_and_no_text_is_lost() -> None:
    world = started(options=Options(retrieve=Retrieve(privacy=SHOWN), send=Send(privacy=SHOWN)))
    world.phone.create(event("Dentist", "2027-03-01 09:00", visibility="private", description=text("Bring the card")))
    ours = sent(world, "Interview", visibility="private")
    (copy,) = [each for each in world.psa.living() if each.id != ours]
    masked(world, 10, on=True)
    assert (world.psa[copy.id].hidden, world.psa[copy.id].content.title) == (True, "")
    assert world.psa[ours].content.title == "Interview"
    assert {world.psa[each].content.span for each in (copy.id, ours)} == {span("2027-03-01 10:00")}
    world.psa.edit(ours, title="Second interview")
    world.settle()
    masked(world, 11, on=False)
    assert world.psa[copy.id].content.title == "Dentist"
    assert world.psa[copy.id].content.get(TEXT) == text("Bring the card")
    assert world.psa[ours].content.title == "Second interview"
    assert world.event_titles() == ["Dentist", "Second interview"]
