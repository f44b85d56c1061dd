"""A first run that comes with a range (SYNC D9, F2): one listing serves both, wherever nothing is lost by it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from calbridge.connectors.contract import Window
from calbridge.domain.content import MASTER, Field
from calbridge.domain.options import Level, Options, Privacy, Retrieve, Skip
from calbridge.sync.context import PAGE
from calbridge.sync.engine import Task, run
from calbridge.testing.memory import MemoryConnector, Switches
from tests.unit.sync.world import ALL, Slices, World, event, span

FEBRUARY = Window(date(2027, 2, 1), date(2027, 3, 1))
BODIES_APART = Switches(events_inline=False)


def world_with(*titles: str, switches: Switches = BODIES_APART) -> World:
    """A calendar with one visit a month from February on, and an empty My Calendar."""
    world = World(switches)
    for month, title in enumerate(titles, start=2):
        world.phone.create(event(title, f"2027-{month:02}-02 09:00"))
    return world


def listings(world: World) -> int:
    """How often the calendar was listed."""
    return world.service.io.passed.count("changes.before")


@pytest.mark.parametrize("inline", [True, False])
def test_one_listing_is_the_baseline_and_the_range(inline: bool) -> None:
    world = world_with("Board", "Dentist", switches=Switches(events_inline=inline))
    world.run(Task(retrieve=ALL))
    assert listings(world) == 1
    assert world.psa.titles() == ["Board", "Dentist"]
    assert not world.tables.known
    assert world.tables.integrations["A"].baselined


def test_what_lies_outside_the_range_is_only_remembered() -> None:
    world = world_with("Board", "Dentist")
    world.run(Task(retrieve=FEBRUARY))
    assert world.psa.titles() == ["Board"]
    (known,) = world.tables.known.values()
    assert known.indexed
    world.run(Task(retrieve=ALL))
    assert world.psa.titles() == ["Board", "Dentist"]


def test_where_something_can_be_matched_the_baseline_pairs_before_the_range_copies() -> None:
    world = world_with("Board", "Board")
    item = world.psa.add(event("Board", "2027-02-02 09:00"))
    world.run(Task(retrieve=ALL))
    assert listings(world) == 2
    assert world.psa.titles() == ["Board", "Board"]
    assert world.link_of(item).remote_id is not None


def test_a_listing_that_ends_before_the_range_does_not_stand_for_it() -> None:
    world = world_with("Board", switches=Switches(events_inline=False, horizon_days=90))
    world.run(Task(retrieve=ALL))
    assert listings(world) == 2
    assert world.psa.titles() == ["Board"]


def test_an_address_without_an_answer_is_asked_again_by_the_range_itself() -> None:
    world = world_with("Board", switches=Switches(events_inline=False, fetch_unknown=1.0))
    world.run(Task(retrieve=ALL))
    assert listings(world) == 2
    assert [row.recheck for row in world.tables.known.values()] == [True]


@pytest.mark.parametrize("lasts", range(4))
def test_a_first_range_that_is_cut_goes_on_and_doubles_nothing(lasts: int) -> None:
    titles = [f"Visit {number}" for number in range(5)]
    world = world_with(*titles, switches=Switches(events_inline=False, page_size=2))
    cut = run(MemoryConnector(world.service), world.store(), world.clock, world.keys, Task(retrieve=ALL), Slices(lasts))
    assert cut.complete == (lasts > 2)
    world.run(Task(retrieve=ALL))
    assert world.psa.titles() == titles
    assert len(world.tables.links) == len(titles)


def test_an_event_that_changed_since_a_cut_first_range_is_taken_over() -> None:
    switches = Switches(events_inline=False, page_size=2, checkpoints=False)
    world = world_with("Board", "Dentist", "Party", switches=switches)
    run(MemoryConnector(world.service), world.store(), world.clock, world.keys, Task(retrieve=FEBRUARY), Slices(0))
    (copied,) = world.tables.links.values()
    moved = {(MASTER, Field.TITLE): "Board of directors", (MASTER, Field.TIME): span("2027-06-01 09:00")}
    world.phone.edit(copied.remote_id or "", moved)
    world.run(Task(retrieve=FEBRUARY))
    assert world.psa.titles() == ["Board of directors"]


def with_range(number: int, before: int = 0) -> World:
    """A world at rest with so many events that no run was to copy; ten are read at a time."""
    world = World(Switches(events_inline=False, page_size=100))
    for each in range(before):
        world.phone.create(event("Skipped", f"2026-10-{each % 28 + 1:02}", show_as="free"))
    for each in range(number):
        world.phone.create(event(f"Visit {each:02}", f"2026-10-{each % 28 + 1:02} 09:00"))
    world.run()
    return world


def in_slices(world: World, task: Task, lasts: int) -> list[bool]:
    """Runs with such a budget until the range is copied, as the service repeats them; which were whole."""
    told: list[bool] = []
    while not told or not told[-1]:
        assert len(told) < 20
        told.append(world.run(task, budget=Slices(lasts)).retrieved)
    return told


@pytest.mark.parametrize("lasts", [0, 1])
def test_a_range_run_is_cut_between_batches_and_comes_to_its_end(lasts: int) -> None:
    world = with_range(45)
    told = in_slices(world, Task(retrieve=ALL), lasts)

    assert len(told) > 1
    assert world.psa.titles() == [f"Visit {each:02}" for each in range(45)]


def test_what_a_range_run_does_not_copy_keeps_it_from_no_end() -> None:
    world = with_range(15, before=25)
    world.set_options(Options(retrieve=Retrieve(skip=Skip(free=True))))
    in_slices(world, Task(retrieve=ALL), 0)
    for each in range(25):
        world.phone.create(event(f"Silent {each}", "2026-10-05 09:00"))
    world.silence(1.0)
    in_slices(world, Task(retrieve=ALL), 0)

    assert world.psa.titles() == [f"Visit {each:02}" for each in range(15)]


def test_a_range_leaves_what_somebody_ignored_outside_of_it_ignored() -> None:
    world = world_with("Dentist")
    world.run()
    ((place, row),) = world.tables.known.items()
    world.tables.known[place] = replace(row, code="ignored")
    world.run(Task(retrieve=Window(date(2027, 5, 1), date(2027, 6, 1))))

    assert [each.code for each in world.tables.known.values()] == ["ignored"]


def test_a_changed_level_is_read_again_over_several_slices() -> None:
    world = World(Switches(events_inline=False))
    world.run()
    for each in range(PAGE + 1):
        world.phone.create(event(f"Visit {each}", f"2027-02-{each % 28 + 1:02} 09:00", visibility="private"))
    world.settle(2)
    assert {item.hidden for item in world.psa.living()} == {True}
    world.set_options(Options(retrieve=Retrieve(privacy=Privacy(private=Level.FULL))))
    told = []
    while len(told) < 20 and not (told and told[-1]):
        told.append(world.run(budget=Slices(0)).complete)
        if len(told) == 1:
            assert {item.hidden for item in world.psa.living()} == {True, False}

    assert {item.hidden for item in world.psa.living()} == {False}
