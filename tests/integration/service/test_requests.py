"""Runs that are asked for and carried out later, on both databases."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import pytest

from calbridge.errors import Refused, SignInRequired, Unavailable
from calbridge.service import integrations, items, requests, runs, sync
from calbridge.service.recoveries import cut_off_now, probe, resume_lost
from calbridge.service.tick import tick
from calbridge.service.views import RunView
from calbridge.store.changes import Raised
from calbridge.testing.memory.faults import Crash
from tests.integration.service.world import ALICE, EVERYTHING, TENANT, World, event, visit

Told = list[tuple[str, tuple[Raised, ...], bool]]


class Listener:
    """A dispatcher that only remembers what it was told."""

    def __init__(self) -> None:
        self.told: Told = []

    def due(self, tenant: str, raised: Collection[Raised], *, urgent: bool = True) -> None:
        self.told.append((tenant, tuple(raised), urgent))


@pytest.fixture
def world(world_on_both: World) -> World:
    """An active integration that has had its first run."""
    listener = Listener()
    world_on_both.parts = replace(world_on_both.parts, dispatcher=listener)
    world_on_both.connect()
    world_on_both.sync()
    listener.told.clear()
    world_on_both.memory.io.clear()
    return world_on_both


def told(world: World) -> Told:
    assert isinstance(world.parts.dispatcher, Listener)
    return world.parts.dispatcher.told


def carry_out(world: World, budget: float | None = None) -> list[RunView]:
    return requests.carry_out(world.parts, TENANT, world.integration_id, budget_seconds=budget)


def shown(world: World, run: RunView) -> RunView:
    return runs.get_run(world.parts, TENANT, run.id)


def test_asking_for_a_sync_queues_it_without_a_call_and_a_job_carries_it_out(world: World) -> None:
    world.memory.phone.create(event("Lunch"))
    asked = requests.request_sync(world.parts, TENANT, world.integration_id)
    assert (asked.status, asked.kind, asked.trigger, asked.started_at) == ("queued", "live", "manual", None)
    assert shown(world, asked) == asked
    assert world.memory.io.passed == []
    ((tenant, (raised,), urgent),) = told(world)
    assert (tenant, raised.integration_id, raised.bulk, urgent) == (TENANT, world.integration_id, False, False)
    (ran,) = carry_out(world)
    assert (ran.id, ran.status) == (asked.id, "succeeded")
    assert world.titles() == ["Lunch"]
    assert carry_out(world) == []


def test_a_burst_of_requests_is_one_run(world: World) -> None:
    asked = {requests.request_sync(world.parts, TENANT, world.integration_id).id for _ in range(50)}
    assert len(asked) == 1
    assert len(told(world)) == 1
    assert [run.id for run in carry_out(world)] == list(asked)


def test_a_request_during_a_run_is_a_run_of_its_own(world: World) -> None:
    first = requests.request_sync(world.parts, TENANT, world.integration_id)
    later: list[RunView] = []
    world.memory.io.once(1, "", lambda: later.append(requests.request_sync(world.parts, TENANT, world.integration_id)))
    assert [run.id for run in carry_out(world)] == [first.id, later[0].id]


def test_a_range_is_copied_by_the_bulk_queue_and_a_different_one_is_not_forgotten(world: World) -> None:
    world.memory.phone.create(event("Lunch"))
    world.put("call-1", **visit("Repair"))
    one = requests.request_sync(world.parts, TENANT, world.integration_id, retrieve=EVERYTHING)
    again = requests.request_sync(world.parts, TENANT, world.integration_id, retrieve=EVERYTHING)
    world.clock.advance(seconds=1)
    other = requests.request_sync(world.parts, TENANT, world.integration_id, send=EVERYTHING)
    assert one.id == again.id != other.id
    assert told(world)[-1][1][0].bulk
    assert [(run.id, run.kind, run.status) for run in carry_out(world)] == [
        (one.id, "range", "succeeded"),
        (other.id, "range", "succeeded"),
    ]
    told(world).clear()
    world.put("call-2", **visit("Later"))
    assert [raised.bulk for _, several, _ in told(world) for raised in several] == [False]


def test_what_may_not_run_is_refused_at_once(world: World) -> None:
    integrations.change_integration(world.parts, TENANT, world.integration_id, active=False)
    with pytest.raises(Refused) as refused:
        requests.request_sync(world.parts, TENANT, world.integration_id)
    assert refused.value.code == "integration_inactive"
    with pytest.raises(Refused) as refused:
        requests.request_sync(world.parts, TENANT, "nobody")
    assert refused.value.code == "integration_not_found"
    with pytest.raises(Refused) as refused:
        requests.request_sync(world.parts, TENANT, world.integration_id, retrieve=(-1, 3))
    assert refused.value.code == "invalid_value"
    assert carry_out(world) == []


def test_a_plan_is_made_shown_and_carried_out_as_a_run(world: World) -> None:
    world.put("call-1", **visit("Repair"))
    integrations.change_integration(world.parts, TENANT, world.integration_id, active=False)
    asked = requests.request_preview(world.parts, TENANT, world.integration_id)
    assert (asked.kind, asked.status, asked.plan) == ("preview", "queued", ())
    (planned,) = carry_out(world)
    assert (planned.id, planned.status) == (asked.id, "succeeded")
    assert [step.title for step in planned.plan] == ["Repair"]
    assert world.event_titles() == []
    with pytest.raises(Refused) as refused:
        requests.request_apply(world.parts, TENANT, planned.id)
    assert refused.value.code == "integration_inactive"
    integrations.change_integration(world.parts, TENANT, world.integration_id, active=True)
    applied = requests.request_apply(world.parts, TENANT, planned.id)
    assert (applied.kind, applied.status) == ("apply", "queued")
    assert shown(world, applied) == applied
    (ran,) = carry_out(world)
    assert (ran.id, ran.status) == (applied.id, "succeeded")
    assert world.event_titles() == ["Repair"]


def test_a_stale_plan_is_not_carried_out(world: World) -> None:
    world.put("call-1", **visit("Repair"))
    planned = requests.request_preview(world.parts, TENANT, world.integration_id)
    requests.carry_out(world.parts, TENANT, world.integration_id, budget_seconds=None)
    for number in range(2):
        world.put(f"more-{number}", **visit("More"))
    second = requests.request_preview(world.parts, TENANT, world.integration_id)
    carry_out(world)
    world.put("call-9", **visit("Surprise"))
    stale = requests.request_apply(world.parts, TENANT, second.id)
    carry_out(world)
    assert (shown(world, stale).status, shown(world, stale).reason) == ("failed", "plan_stale")
    assert shown(world, planned).status == "succeeded"


def test_a_removal_switches_off_at_once_and_is_carried_out_later(world: World) -> None:
    world.put("call-1", **visit("Repair"))
    world.memory.phone.create(event("Lunch"))
    world.sync()
    asked = requests.request_removal(world.parts, TENANT, world.integration_id, {"linked", "psa"})
    assert (asked.kind, asked.status) == ("removal", "queued")
    view = world.integration()
    assert (view.active, view.status) == (False, "deleting")
    assert requests.request_removal(world.parts, TENANT, world.integration_id, {"linked"}).id == asked.id
    (ran,) = carry_out(world)
    assert (ran.id, ran.status) == (asked.id, "succeeded")
    assert ran.counters == {"linked": 1, "psa": 1, "kept": 0}
    assert world.event_titles() == ["Lunch"]
    assert world.titles() == ["Repair"]
    with pytest.raises(Refused) as refused:
        world.integration()
    assert refused.value.code == "integration_not_found"
    assert shown(world, asked) == ran


def test_a_removal_that_can_not_be_done_leaves_the_integration_and_tells_why(world: World) -> None:
    world.put("call-1", **visit("Repair"))
    world.sync()
    world.memory.io.fail("changes.before", Unavailable("down"))
    asked = requests.request_removal(world.parts, TENANT, world.integration_id, {"linked"})
    (ran,) = carry_out(world)
    assert (ran.id, ran.status, ran.reason) == (asked.id, "failed", "not_connected")
    assert (world.integration().status, world.integration().active) == ("connected", False)
    again = requests.request_removal(world.parts, TENANT, world.integration_id, {"linked"})
    (ran,) = carry_out(world)
    assert (ran.id, ran.status) == (again.id, "succeeded")
    assert world.event_titles() == []


def test_a_stop_or_a_spent_budget_ends_a_run_at_the_border_of_a_page_and_it_goes_on(world: World) -> None:
    for number in range(150):
        world.memory.phone.create(event(f"Visit {number:03}"))
    asked = requests.request_sync(world.parts, TENANT, world.integration_id)
    calls: list[int] = []

    def stop() -> bool:
        calls.append(1)
        return len(calls) > 1

    (ran,) = requests.carry_out(world.parts, TENANT, world.integration_id, budget_seconds=60, stop=stop)
    assert (ran.id, ran.status) == (asked.id, "partial")
    assert told(world)[-1][1][0].bulk
    assert len(world.titles()) < 150
    assert requests.carry_out(world.parts, TENANT, world.integration_id, budget_seconds=0) == []
    assert [run.status for run in carry_out(world)] == ["succeeded"]
    assert len(world.titles()) == 150


def test_a_run_that_somebody_stops_at_once_ends_as_interrupted_and_the_next_one_copies_the_rest(world: World) -> None:
    for number in range(150):
        world.memory.phone.create(event(f"Visit {number:03}"))
    calls: list[int] = []

    def stop() -> bool:
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt
        return False

    with pytest.raises(KeyboardInterrupt):
        sync.sync_integration(world.parts, TENANT, world.integration_id, retrieve=EVERYTHING, stop=stop)

    found = {run.status: run for run in runs.list_runs(world.parts, TENANT, world.integration_id)}
    assert (found["partial"].reason, found["partial"].finished_at is not None) == ("interrupted", True)
    assert (found["queued"].kind, found["queued"].trigger) == ("range", "retry")
    assert world.sync().status == "succeeded"
    assert len(world.titles()) == 150


def after(lasts: int) -> Callable[[], bool]:
    """A stop that comes after so many questions."""
    calls = iter(range(1000))
    return lambda: next(calls) > lasts


@pytest.mark.parametrize("lasts", [3, 4])
def test_a_range_that_is_cut_is_repeated_as_far_as_it_is_not_there(world: World, lasts: int) -> None:
    for number in range(25):
        world.memory.phone.create(event(f"Visit {number:02}", "2026-03-02"))
    world.sync()
    for number in range(60):
        world.put(f"call-{number}", **visit(f"Repair {number:02}"))
    world.memory.switches = replace(world.memory.switches, events_inline=False)
    requests.request_sync(world.parts, TENANT, world.integration_id, retrieve=EVERYTHING, send=EVERYTHING)
    ran: list[RunView] = []
    while len(ran) < 30 and (not ran or ran[-1].status != "succeeded"):
        asked_to_stop = after(lasts)
        ran += requests.carry_out(world.parts, TENANT, world.integration_id, budget_seconds=60, stop=asked_to_stop)

    assert {run.status for run in ran} == {"partial", "succeeded"}
    assert len(world.titles()) == len(world.event_titles()) == 85
    with world.parts.database.read(TENANT) as work:
        asked = [sorted(stored.facts) for run in ran if (stored := work.runs.get(run.id)) and stored.facts]
    assert asked[0] == ["retrieve", "send"]
    assert asked.count(["retrieve", "send"]) <= 4
    assert ["retrieve"] not in asked


def crashed(world: World) -> None:
    """The process dies in the middle, and its lease runs out."""
    world.memory.io.crash_at(2)
    with pytest.raises(Crash):
        carry_out(world)
    world.memory.io.clear()


@pytest.mark.parametrize("kind", ["live", "range", "preview", "removal"])
def test_a_run_whose_process_died_goes_on(world: World, kind: str) -> None:
    world.put("call-1", **visit("Repair"))
    world.sync()
    world.put("call-2", **visit("Second"))
    match kind:
        case "live":
            asked = requests.request_sync(world.parts, TENANT, world.integration_id)
        case "range":
            asked = requests.request_sync(world.parts, TENANT, world.integration_id, send=EVERYTHING)
        case "preview":
            asked = requests.request_preview(world.parts, TENANT, world.integration_id)
        case _:
            asked = requests.request_removal(world.parts, TENANT, world.integration_id, {"linked"})
    crashed(world)
    assert shown(world, asked).status == "running"
    assert resume_lost(world.parts) == 1
    again = kind in {"preview", "removal"}
    assert shown(world, asked).status == ("queued" if again else "failed")
    assert resume_lost(world.parts) == 0
    assert {run.status for run in carry_out(world)} == {"succeeded"}
    assert shown(world, asked).status == ("succeeded" if again else "failed")
    assert world.event_titles() == ([] if kind == "removal" else ["Repair", "Second"])


def test_what_kills_its_process_again_and_again_is_given_up(world: World) -> None:
    asked = requests.request_preview(world.parts, TENANT, world.integration_id)
    for _ in range(3):
        crashed(world)
        assert resume_lost(world.parts) == 1
    assert (shown(world, asked).status, shown(world, asked).reason) == ("failed", "lease_lost")


def test_a_run_that_is_at_work_is_not_taken_for_lost(world: World) -> None:
    found: list[int] = []
    world.memory.io.once(1, "", lambda: found.append(resume_lost(world.parts)))
    requests.request_sync(world.parts, TENANT, world.integration_id)
    (ran,) = carry_out(world)
    assert (found, ran.status) == ([0], "succeeded")


def test_an_outage_ends_the_job_and_its_end_brings_the_queued_run_back(world: World) -> None:
    world.memory.io.fail("changes.before", SignInRequired("no", confirmed=False))
    asked = requests.request_sync(world.parts, TENANT, world.integration_id, retrieve=EVERYTHING)
    assert [run.status for run in carry_out(world)] == ["failed"]
    assert carry_out(world) == []
    world.clock.advance(minutes=20)
    (ran,) = carry_out(world)
    assert (ran.kind, ran.trigger, ran.status) == ("range", "retry", "succeeded")
    assert shown(world, asked).status == "failed"


def test_a_service_that_answers_again_is_found_by_a_probe(world: World) -> None:
    world.memory.io.hooks.append(lambda _point: (_ for _ in ()).throw(Unavailable("down")))
    for _ in range(8):
        world.clock.advance(minutes=20)
        requests.carry_out(world.parts, TENANT, world.integration_id, budget_seconds=None)
    assert world.integration().status == "not_connected"
    world.memory.io.clear()
    world.clock.advance(minutes=20)
    assert cut_off_now(world.parts) == [(TENANT, world.integration_id)]
    told(world).clear()
    probe(world.parts, TENANT, world.integration_id)
    assert world.integration().status == "connected"
    assert [raised.integration_id for _, several, _ in told(world) for raised in several] == [world.integration_id]
    assert [run.status for run in tick(world.parts).ran] == ["succeeded"]


def test_an_item_of_somebody_without_an_active_integration_tells_nobody(world: World) -> None:
    told(world).clear()
    integrations.change_integration(world.parts, TENANT, world.integration_id, active=False)
    item = world.put("call-1", **visit("Repair"))
    assert told(world) == []
    integrations.change_integration(world.parts, TENANT, world.integration_id, active=True)
    told(world).clear()
    items.patch_item(world.parts, TENANT, ALICE, item["id"], {"title": "Repair"})
    assert told(world) == []
    items.patch_item(world.parts, TENANT, ALICE, item["id"], {"title": "Other"})
    assert [urgent for _, _, urgent in told(world)] == [True]
