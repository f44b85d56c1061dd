"""A first run that comes with a range (SYNC D9, F2): one listing serves both, wherever nothing is lost by it."""

from __future__ import annotations

from datetime import date

import pytest

from calbridge.connectors.contract import Window
from calbridge.domain.content import MASTER, Field
from calbridge.sync.engine import Task, run
from calbridge.testing.memory import MemoryConnector, Switches
from tests.unit.sync.world import ALL, World, event, span

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


class Slices:
    """A budget that is spent after so many questions."""

    def __init__(self, lasts: int) -> None:
        self.lasts = lasts

    def spent(self) -> bool:
        self.lasts -= 1
        return self.lasts < 0


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
