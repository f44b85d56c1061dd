"""The main job through the use cases: both ways, ranges, confirmation, previews."""

from __future__ import annotations

import pytest
from sqlalchemy.event import listen, remove

from calbridge.domain.content import MASTER, Field
from calbridge.errors import Refused
from calbridge.service import integrations, items, links, previews, runs, sync
from calbridge.service.views import to_json
from calbridge.testing.memory import Switches
from tests.integration.service.world import ALICE, TENANT, World, event, visit


def test_what_is_made_on_one_side_appears_on_the_other(world: World) -> None:
    world.connect()
    world.sync()
    world.memory.phone.create(event("Lunch"))
    world.put("call-1", **visit("Repair", type="service_call"))
    run = world.sync()
    assert run.status == "succeeded"
    assert world.titles() == ["Lunch", "Repair"]
    assert world.event_titles() == ["Lunch", "Repair"]
    view = world.integration()
    assert view.last_sync_at == view.last_run_at == view.fresh_as_of == world.clock.now()


def test_a_baseline_copies_nothing_and_a_range_run_copies_what_lies_in_it(world: World) -> None:
    for day in ("2027-01-01", "2027-01-05", "2027-03-01"):
        world.memory.phone.create(event(f"On {day}", day))
    world.connect()
    world.sync()
    assert world.titles() == []
    run = world.sync(retrieve=(1, 30))
    assert run.kind == "range"
    assert world.titles() == ["On 2027-01-05"]


def test_the_ranges_of_the_settings_are_copied_when_somebody_finishes(world: World) -> None:
    world.memory.phone.create(event("Lunch"))
    world.put("call-1", **visit("Repair"))
    whole = {"past_days": None, "future_days": None}
    world.connect(settings={"ranges": {"retrieve": whole, "send": whole}})
    world.sync()
    assert world.titles() == ["Lunch", "Repair"]
    assert world.event_titles() == ["Lunch", "Repair"]


def test_many_deletions_wait_for_one_word(world: World) -> None:
    world.connect()
    world.sync()
    made = [world.memory.phone.create(event(f"Visit {number}")) for number in range(30)]
    world.sync()
    for remote_id in made:
        world.memory.phone.delete(remote_id)
    run = world.sync()
    assert (run.status, run.reason) == ("waiting", "confirmation_needed")
    assert len(world.titles()) == 30
    sync.confirm(world.parts, TENANT, run.id)
    assert world.sync().status == "succeeded"
    assert world.titles() == []


def test_a_calendar_that_suddenly_lists_empty_deletes_nothing(world: World) -> None:
    world.connect()
    world.sync()
    for number in range(3):
        world.memory.phone.create(event(f"Visit {number}"))
    world.sync()
    world.memory.expire_cursors()
    world.memory.list_empty_once()
    world.sync(compare=True)
    assert len(world.titles()) == 3


def test_nothing_runs_while_inactive(world: World) -> None:
    world.connect(active=False)
    with pytest.raises(Refused) as refused:
        world.sync()
    assert refused.value.code == "integration_inactive"
    assert world.memory.io.passed.count("changes.before") == 0


def test_a_preview_tells_what_a_run_would_do_and_writes_nothing(world: World) -> None:
    world.connect()
    world.sync()
    world.memory.phone.create(event("Lunch"))
    world.put("call-1", **visit("Repair"))
    writes = world.memory.io.passed.count("create.before")
    run = previews.preview(world.parts, TENANT, world.integration_id)
    assert {(step.action, step.direction, step.title) for step in run.plan} == {
        ("create", "retrieve", "Lunch"),
        ("create", "send", "Repair"),
    }
    assert world.memory.io.passed.count("create.before") == writes
    assert world.titles() == ["Repair"]
    assert to_json(runs.get_run(world.parts, TENANT, run.id)) == to_json(run)


def test_a_plan_is_applied_once_and_refused_when_something_changed(world: World) -> None:
    world.connect()
    world.sync()
    world.memory.phone.create(event("Lunch"))
    stale = previews.preview(world.parts, TENANT, world.integration_id)
    world.memory.phone.create(event("Dinner", hour=19))
    with pytest.raises(Refused) as refused:
        previews.apply(world.parts, TENANT, stale.id)
    assert refused.value.code == "plan_stale"
    assert world.titles() == []
    fresh = previews.preview(world.parts, TENANT, world.integration_id)
    assert previews.apply(world.parts, TENANT, fresh.id).status == "succeeded"
    assert world.titles() == ["Dinner", "Lunch"]
    with pytest.raises(Refused):
        previews.apply(world.parts, TENANT, fresh.id)


def test_the_log_tells_field_differences(world: World) -> None:
    world.connect()
    world.sync()
    remote_id = world.memory.phone.create(event("Lunch"))
    world.sync()
    world.memory.phone.edit(remote_id, {(MASTER, Field.TITLE): "Late lunch"})
    run = world.sync()
    (line,) = runs.list_logs(world.parts, TENANT, world.integration_id, run_id=run.id)
    assert (line.action, line.direction) == ("update", "retrieve")
    assert [to_json(each) for each in line.changes] == [{"field": "title", "before": "Lunch", "after": "Late lunch"}]
    history = items.item_history(world.parts, TENANT, ALICE, line.item_id or "")
    assert [each.action for each in history] == ["update", "create"]


def test_a_withheld_edit_is_taken_when_somebody_says_so(world: World) -> None:
    world.connect(settings={"retrieve": {"update": False}})
    world.sync()
    remote_id = world.memory.phone.create(event("Lunch"))
    world.sync()
    world.memory.phone.edit(remote_id, {(MASTER, Field.TITLE): "Late lunch"})
    world.sync()
    assert world.titles() == ["Lunch"]
    (link,) = links.list_links(world.parts, TENANT, world.integration_id)
    assert link.withheld == ("title",)
    integrations.change_integration(world.parts, TENANT, world.integration_id, settings={"retrieve": {"update": True}})
    world.sync()
    assert world.titles() == ["Lunch"]
    links.act_on_link(world.parts, TENANT, world.integration_id, link.item_id, "apply_withheld")
    world.sync()
    assert world.titles() == ["Late lunch"]


def test_a_closed_link_is_reopened_by_an_explicit_act_alone(world: World) -> None:
    world.connect()
    world.sync()
    made = world.put("call-1", **visit("Repair", type="service_call"))
    world.sync()
    (remote_id,) = world.memory.phone.events()
    world.memory.phone.delete(remote_id)
    world.sync()
    world.put("call-1", title="Repair at once")
    world.sync()
    assert world.event_titles() == []
    links.act_on_link(world.parts, TENANT, world.integration_id, made["id"], "reopen")
    world.sync()
    assert world.event_titles() == ["Repair at once"]


def test_unticking_a_type_asks_for_the_number_of_copies_that_leave(world: World) -> None:
    world.connect()
    world.sync()
    for number in range(2):
        world.put(f"call-{number}", **visit(f"Repair {number}", type="service_call"))
    world.sync()
    patch = {"send": {"types": ["appointment"]}}
    with pytest.raises(Refused) as refused:
        integrations.change_integration(world.parts, TENANT, world.integration_id, settings=patch)
    assert (refused.value.code, refused.value.facts["leaving"]) == ("confirmation_needed", 2)
    world.sync()
    assert len(world.event_titles()) == 2
    integrations.change_integration(world.parts, TENANT, world.integration_id, settings=patch, confirm_leaving=2)
    world.sync()
    assert world.event_titles() == []
    assert len(world.titles()) == 2


def test_an_integration_deleted_with_its_copies_takes_only_what_it_made(world: World) -> None:
    world.connect()
    world.sync()
    world.memory.phone.create(event("Lunch"))
    world.put("call-1", **visit("Repair"))
    world.sync()
    removal = integrations.delete_integration(world.parts, TENANT, world.integration_id, frozenset({"linked", "psa"}))
    assert (removal.linked, removal.psa, removal.kept) == (1, 1, 0)
    assert world.event_titles() == ["Lunch"]
    assert world.titles() == ["Repair"]
    with pytest.raises(Refused):
        world.integration()


def test_changing_the_calendar_keeps_both_and_coming_back_goes_on_where_it_was(world: World) -> None:
    world.connect()
    world.sync()
    world.put("call-1", **visit("Repair"))
    world.sync()
    integrations.change_integration(world.parts, TENANT, world.integration_id, calendar_id="second")
    world.sync()
    assert world.event_titles("main") == ["Repair"]
    assert world.event_titles("second") == []
    world.put("call-1", title="Repair at once")
    world.sync()
    assert world.event_titles("second") == ["Repair at once"]
    integrations.change_integration(
        world.parts, TENANT, world.integration_id, calendar_id="main", old_calendar="remove_ours"
    )
    world.sync()
    assert world.event_titles("main") == ["Repair at once"]
    assert world.event_titles("second") == []
    assert world.titles() == ["Repair at once"]


def test_a_listing_that_is_cut_goes_on_where_it_was_though_all_is_to_be_compared(world: World) -> None:
    world.memory.switches = Switches(page_size=2)
    for number in range(8):
        world.memory.phone.create(event(f"Visit {number}"))
    world.connect()
    cuts = iter([True] * 3)
    done = [world.sync(stop=lambda: next(cuts, False)).status for _ in range(4)]
    assert done == ["partial", "partial", "partial", "succeeded"]
    assert world.memory.io.passed.count("changes.after") == 4


@pytest.mark.parametrize("before", [[], ["todo"]], ids=["alone", "after another"])
def test_a_word_given_while_a_run_is_at_work_holds_for_the_next_one(world: World, before: list[str]) -> None:
    world.connect()
    world.sync()
    for kind in ("service_call", "todo"):
        world.put(kind, **visit(kind, type=kind))
    world.sync()
    kinds = {"service_call", "todo", "appointment"}

    def untick(*unticked: str) -> None:
        patch = {"send": {"types": sorted(kinds - set(unticked))}}
        integrations.change_integration(world.parts, TENANT, world.integration_id, settings=patch, confirm_leaving=1)

    for kind in before:
        untick(kind)
    world.memory.io.hooks.append(lambda name: untick("service_call", *before) if name == "changes.before" else None)
    world.sync()
    world.memory.io.hooks.clear()
    assert "service_call" in world.event_titles()
    world.sync()
    assert "service_call" not in world.event_titles()


def test_a_run_that_finds_nothing_asks_the_database_little(world: World) -> None:
    world.connect()
    world.sync()
    world.put("call-1", **visit("Repair"))
    world.sync()
    world.sync()
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        asked.append(statement)

    listen(world.parts.database.engine, "before_cursor_execute", note)
    world.sync()
    remove(world.parts.database.engine, "before_cursor_execute", note)
    begun = [each for each in asked if each.startswith("BEGIN")]
    assert len(begun) <= 6
    assert len(asked) - len(begun) <= 23
