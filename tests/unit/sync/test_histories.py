"""Histories that break naive engines, each ending as the rules say; the number is the history's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calbridge.domain.content import MASTER, Field
from calbridge.domain.item import ItemType
from calbridge.domain.options import Level, OnLeave, Options, Privacy, Retrieve, Send
from calbridge.errors import VersionConflict
from calbridge.sync.engine import Task
from calbridge.sync.memory import LinkState
from calbridge.testing.memory import Crash, Switches
from tests.unit.sync.world import ALL, World, event, span

TITLE = (MASTER, Field.TITLE)
TIME = (MASTER, Field.TIME)
VISIBILITY = (MASTER, Field.VISIBILITY)


def sent(world: World, title: str = "Visit", start: str = "2027-02-01 09:00", **more: object) -> str:
    """An item that lives on both sides."""
    item = world.psa.add(event(title, start, **more))
    world.run()
    return item


def started(switches: Switches | None = None, options: Options | None = None) -> World:
    world = World(switches, options)
    world.run()
    return world


def test_01_an_address_change_split_over_two_deltas_deletes_nothing() -> None:
    world = started()
    item = sent(world)
    world.service.delay_seen_of_moves = True
    world.phone.move_address(world.remote_of(item))
    world.run()
    world.service.delay_seen_of_moves = False
    world.settle()
    assert world.psa.titles() == ["Visit"]
    assert world.event_titles() == ["Visit"]
    assert world.event_of(item) is not None
    assert len(world.tables.links) == 1


def test_02_an_edit_during_an_address_change_lands_on_the_moved_event() -> None:
    world = started()
    item = sent(world)
    world.service.delay_seen_of_moves = True
    world.phone.move_address(world.remote_of(item))
    world.psa.edit(item, title="Visit, later")
    world.run()
    world.service.delay_seen_of_moves = False
    world.settle()
    assert world.event_titles() == ["Visit, later"]
    assert world.psa.titles() == ["Visit, later"]


def test_03_a_retrieve_only_user_gets_every_edit() -> None:
    options = Options(send=Send(types=frozenset(), on_leave=OnLeave.KEEP))
    world = started(options=options)
    remote = world.phone.create(event("Dentist", "2027-02-01 09:00"))
    world.run()
    for title in ("Dentist 2", "Dentist 3"):
        world.phone.edit(remote, {TITLE: title})
        world.run()
        assert world.psa.titles() == [title]


def test_04_a_redacted_copy_adopted_again_keeps_both_titles() -> None:
    world = started()
    item = sent(world, "Chemotherapy", visibility="private")
    assert world.event_titles() == ["Busy"]
    old = world.tables.integrations.pop("A")
    world.tables.links.clear()
    world.tables.ended["A"] = "alice"
    world.tables.integrations["A2"] = replace(
        old, id="A2", cursor=None, mark=0, baselined=False, projected=None, compared_at=None
    )
    world.settle(name="A2")
    assert world.psa.titles() == ["Chemotherapy"]
    assert world.event_titles() == ["Busy"]
    assert world.link_of(item, "A2").state is LinkState.SYNCED


@pytest.mark.parametrize("point", ["create.before", "create.after"])
def test_05_a_title_made_private_after_a_crash_is_never_sent(point: str) -> None:
    world = started()
    item = world.psa.add(event("Chemotherapy", "2027-02-01 09:00"))
    world.service.io.once(1, "create.before", Crash())
    with pytest.raises(Crash):
        world.run()
    world.psa.edit(item, visibility="private")
    seen: list[str] = []
    world.service.io.hooks.append(lambda _: seen.extend(world.event_titles()))
    world.settle()
    assert world.event_titles() == ["Busy"]
    assert "Chemotherapy" not in seen


@pytest.mark.parametrize("how", ["made public on the phone", "level set to full"])
def test_06_a_retrieved_busy_block_gets_its_title_when_it_may(how: str) -> None:
    world = started()
    remote = world.phone.create(event("Surprise party", "2027-02-01 09:00", visibility="private"))
    world.run()
    (item,) = world.psa.living()
    assert item.hidden
    assert item.content.title == ""
    if how == "level set to full":
        full = Options(retrieve=Retrieve(privacy=Privacy(private=Level.FULL)))
        world.set_options(full)
    else:
        world.phone.edit(remote, {VISIBILITY: "public"})
    world.settle()
    assert world.psa.titles() == ["Surprise party"]
    assert not world.psa[item.id].hidden
    assert world.event_titles() == ["Surprise party"]


def test_07_a_deletion_wins_over_a_move_of_a_hidden_item() -> None:
    world = started()
    remote = world.phone.create(event("Surprise party", "2027-02-01 09:00", visibility="private"))
    world.run()
    (item,) = world.psa.living()
    world.psa.edit(item.id, time=span("2027-02-01 15:00"))
    world.phone.delete(remote)
    world.settle()
    assert world.psa.living() == []
    assert world.event_titles() == []


def test_08_an_edit_between_our_write_and_the_reread_is_taken() -> None:
    world = started(Switches(rewrites_after_write=True))
    item = sent(world)
    world.psa.edit(item, title="Visit at noon")
    remote = world.remote_of(item)
    world.service.io.once(1, "update.after", lambda: world.phone.edit(remote, {(MASTER, Field.LOCATION): "Room 4"}))
    world.settle()
    assert world.psa[item].content.get((MASTER, Field.LOCATION)) == "Room 4"
    found = world.event_of(item)
    assert found is not None
    assert found.same(world.psa[item].content)


def test_09_the_psas_time_wins_by_unit_after_a_lost_reply() -> None:
    world = started(Switches(ignores_preconditions=True))
    item = sent(world)
    world.psa.edit(item, title="Visit 2")
    remote = world.remote_of(item)
    world.service.io.once(1, "update.before", lambda: world.phone.edit(remote, {TIME: span("2027-02-01 15:00")}))
    world.service.io.once(1, "update.after", Crash())
    with pytest.raises(Crash):
        world.run()
    world.psa.edit(item, time=span("2027-02-01 09:30"))
    world.psa.edit(item, time=span("2027-02-01 10:00"))
    world.settle()
    found = world.event_of(item)
    assert found is not None
    assert found.span == world.psa[item].content.span == span("2027-02-01 10:00")
    assert found.title == "Visit 2"


def test_10_a_value_of_the_former_event_set_on_the_recreated_one_is_taken() -> None:
    world = started()
    item = sent(world, location="Room 1")
    first = world.remote_of(item)
    world.psa.edit(item, location="Room 2")
    world.phone.delete(first)
    world.service.io.once(1, "create.after", Crash())
    with pytest.raises(Crash):
        world.run()
    (remote,) = world.phone.events()
    world.phone.edit(remote, {(MASTER, Field.LOCATION): "Room 1"})
    world.settle()
    assert world.psa[item].content.get((MASTER, Field.LOCATION)) == "Room 1"
    assert len(world.phone.events()) == 1


def test_11_occurrences_missing_after_a_crash_are_completed_not_taken_for_edits() -> None:
    world = started(Switches(half_written_series=1.0))
    item = world.psa.add(event("Standup", "2027-02-01 09:00", rule="FREQ=DAILY"))
    for each in ("2027-02-02T09:00:00", "2027-02-03T09:00:00"):
        world.psa.edit(item, {(each, Field.EXISTS): False})
    world.try_run()
    world.service.switches = Switches(drops_exceptions_on_time_change=True)
    world.settle()
    found = world.event_of(item)
    assert found is not None
    assert found.keys == ("2027-02-02T09:00:00", "2027-02-03T09:00:00")
    assert world.psa[item].content.keys == found.keys


def test_12_a_version_conflict_between_master_and_overrides_completes_them() -> None:
    world = started(Switches(half_written_series=1.0))
    item = world.psa.add(event("Standup", "2027-02-01 09:00", rule="FREQ=DAILY"))
    world.psa.edit(item, {("2027-02-02T09:00:00", Field.TITLE): "Retro"})
    world.service.io.fail("update.before", VersionConflict())
    world.try_run()
    world.service.switches = Switches(drops_exceptions_on_time_change=True)
    world.settle()
    found = world.event_of(item)
    assert found is not None
    assert found.get(("2027-02-02T09:00:00", Field.TITLE)) == "Retro"
    assert world.psa[item].content.get(("2027-02-02T09:00:00", Field.TITLE)) == "Retro"


def test_13_a_past_event_moved_into_next_week_arrives_whole() -> None:
    world = World()
    remote = world.phone.create(event("Audit", "2026-11-02 09:00"))
    world.start()
    world.phone.edit(remote, {TITLE: "Audit, part 2"})
    world.run()
    assert world.psa.titles() == ["Audit"]
    world.phone.edit(remote, {TIME: span("2027-01-12 09:00")})
    world.settle()
    assert world.psa.titles() == ["Audit, part 2"]
    (item,) = world.psa.living()
    assert item.content.span == span("2027-01-12 09:00")


def test_14_a_move_into_the_future_is_sent_while_the_phone_touches_the_old_event() -> None:
    world = World()
    item = world.psa.add(event("Audit", "2026-11-02 09:00"))
    world.start()
    world.run(Task(send=ALL))
    assert world.event_titles() == ["Audit"]
    world.psa.edit(item, time=span("2027-01-12 09:00"))
    world.phone.edit(world.remote_of(item), {(MASTER, Field.LOCATION): "Cellar"})
    world.settle()
    found = world.event_of(item)
    assert found is not None
    assert found.span == span("2027-01-12 09:00")


def test_17_a_service_call_deleted_on_the_phone_lives_on_in_the_psa() -> None:
    ends = []
    for in_one_run in (True, False):
        world = started()
        item = world.psa.add(event("Fix printer", "2027-02-01 09:00"), ItemType.SERVICE_CALL)
        world.run()
        world.phone.delete(world.remote_of(item))
        if not in_one_run:
            world.run()
        world.psa.edit(item, time=span("2027-02-01 11:00"))
        world.settle()
        ends.append((world.psa.titles(), world.event_titles(), world.link_of(item).reason, world.tables.told))
    assert ends[0] == ends[1] == (["Fix printer"], [], "deletion_ignored", [item])


def test_18_a_create_without_a_reply_seen_in_the_same_runs_delta_is_one_link() -> None:
    world = started(Switches(server_made_ids=True))
    item = world.psa.add(event("Visit", "2027-02-01 09:00"))
    world.service.io.once(1, "create.after", Crash())
    with pytest.raises(Crash):
        world.run()
    world.settle()
    assert world.event_titles() == ["Visit"]
    assert len(world.tables.links) == 1
    assert world.link_of(item).state is LinkState.SYNCED


@pytest.mark.parametrize("new_id", [False, True])
def test_19_a_withdrawn_copy_restored_from_the_bin_makes_no_second_item(new_id: bool) -> None:
    world = started()
    item = sent(world)
    remote = world.remote_of(item)
    world.psa.edit(item, status="cancelled")
    world.run()
    assert world.event_titles() == []
    world.phone.restore(remote, new_id=new_id)
    world.settle()
    assert len(world.psa.living()) == 1
    world.psa.edit(item, status="confirmed")
    world.settle()
    assert len(world.psa.living()) == 1


def test_22_an_item_made_while_its_type_was_unticked_is_sent_when_ticked() -> None:
    world = started(options=Options(send=Send(types=frozenset({ItemType.TASK}))))
    world.psa.add(event("Visit", "2027-02-01 09:00"))
    private = world.psa.add(event("Doctor", "2027-02-02 09:00", visibility="private"), ItemType.TASK)
    world.set_options(Options(send=Send(types=frozenset({ItemType.TASK}), privacy=Privacy(private=Level.SKIP))))
    world.settle()
    assert world.event_titles() == []
    world.set_options(Options())
    world.settle()
    assert world.event_titles() == ["Busy", "Visit"]
    assert world.psa[private].content.title == "Doctor"


def test_23_a_cancelled_item_takes_the_phones_edit_and_is_withdrawn() -> None:
    world = started()
    item = sent(world)
    world.phone.edit(world.remote_of(item), {(MASTER, Field.LOCATION): "Room 9"})
    world.psa.edit(item, status="cancelled")
    world.settle()
    assert world.event_titles() == []
    assert world.psa[item].content.get((MASTER, Field.LOCATION)) == "Room 9"
    writes = world.writes()
    world.settle()
    assert world.writes() == writes


def test_24_a_moved_series_takes_a_moved_visit_along() -> None:
    world = started()
    item = sent(world, "Round", "2027-01-12 09:00", rule="FREQ=WEEKLY;BYDAY=TU")
    world.phone.edit(world.remote_of(item), {("2027-01-19T09:00:00", Field.TIME): span("2027-01-19 14:00")})
    world.psa.edit(item, time=span("2027-01-13 10:00", rule="FREQ=WEEKLY;BYDAY=WE"))
    world.settle()
    for shown in (world.psa[item].content, world.event_of(item)):
        assert shown is not None
        assert shown.get(("2027-01-20T10:00:00", Field.TIME)) == span("2027-01-20 14:00")
    assert world.psa[item].content.same(world.event_of(item) or event("", "2027-01-01"))


def test_24_the_same_with_a_rule_that_names_no_day() -> None:
    world = started()
    item = sent(world, "Round", "2027-01-12 09:00", rule="FREQ=WEEKLY")
    world.phone.edit(world.remote_of(item), {("2027-01-19T09:00:00", Field.TIME): span("2027-01-19 14:00")})
    world.psa.edit(item, time=span("2027-01-13 10:00", rule="FREQ=WEEKLY"))
    world.settle()
    for shown in (world.psa[item].content, world.event_of(item)):
        assert shown is not None
        assert shown.get(("2027-01-20T10:00:00", Field.TIME)) == span("2027-01-20 14:00")
        assert shown.keys == ("2027-01-20T10:00:00",)


def test_25_a_visit_cancelled_on_the_phone_stays_cancelled_in_the_moved_series() -> None:
    world = started()
    item = sent(world, "Round", "2027-01-12 09:00", rule="FREQ=WEEKLY")
    world.phone.edit(world.remote_of(item), {("2027-01-19T09:00:00", Field.EXISTS): False})
    world.psa.edit(item, time=span("2027-01-12 10:00", rule="FREQ=WEEKLY"))
    world.settle()
    for shown in (world.psa[item].content, world.event_of(item)):
        assert shown is not None
        assert shown.excluded("2027-01-19T10:00:00")
        assert shown.keys == ("2027-01-19T10:00:00",)


def test_30_a_cancellation_that_the_service_turns_into_a_deletion_spares_the_record() -> None:
    world = started(Switches(cancelled_becomes_deletion=True))
    remote = world.phone.create(event("Dentist", "2027-02-01 09:00"))
    world.run()
    (item,) = world.psa.living()
    own = sent(world)
    world.psa.edit(own, status="cancelled")
    world.settle()
    assert sorted(world.psa.titles()) == ["Dentist", "Visit"]
    assert world.psa[item.id].deleted is False
    assert remote in world.phone.events()
