"""Titles that are sent with something around them (SYNC B1, B2): what goes out, and what comes back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from calbridge.domain.content import MASTER, Content, Field
from calbridge.domain.item import Item, ItemType
from calbridge.domain.options import Level, Options, Privacy, Send, Winner
from calbridge.sync.memory import LinkState, MadeBy
from calbridge.sync.project import Projected, project
from calbridge.testing.memory import Switches
from tests.unit.sync.world import World, event

TITLE = (MASTER, Field.TITLE)
OF_ACME = ({"type": "organization", "id": "1", "name": "Acme"},)
TEMPLATES = ((ItemType.SERVICE_CALL, "[{organization}] {title}"),)
OPTIONS = Options(title_templates=TEMPLATES)
VISIT = "2027-02-03T09:00:00"
WHEN = "2027-03-01 09:00"


def begun(options: Options = OPTIONS, switches: Switches | None = None) -> World:
    world = World(switches, options)
    world.start()
    return world


def a_call(world: World, title: str = "Router", **more: object) -> str:
    given: dict[str, object] = {"type": ItemType.SERVICE_CALL, "associations": OF_ACME}
    return world.psa.add(event(title, WHEN), **(given | more))  # type: ignore[arg-type]


def retitle(world: World, item_id: str, title: str) -> None:
    world.phone.edit(world.remote_of(item_id), {TITLE: title})


def both(world: World, item_id: str) -> tuple[str, str]:
    shown = world.event_of(item_id)
    return world.psa[item_id].content.title, shown.title if shown else ""


TABLE = """
made by   level       title sent
us        full        [Acme] Router
us        busy_only   Busy
them      full        Router
them      busy_only   -
adopted   full        Router
"""


@pytest.mark.parametrize("line", TABLE.strip().splitlines()[1:])
def test_only_what_we_made_and_may_show_has_its_title_framed(line: str) -> None:
    made_by, level, told = line.split(maxsplit=2)
    options = replace(OPTIONS, send=Send(privacy=Privacy(Level.FULL, Level(level))))
    item = Item("i1", "alice", ItemType.SERVICE_CALL, event("Router", WHEN), associations=OF_ACME)
    found = project(item, options, MadeBy(made_by), "A")
    assert isinstance(found, Projected)
    assert found.content.title == told.replace("-", "")


def test_a_title_goes_out_framed_and_stays_plain_here() -> None:
    world = begun()
    item = a_call(world)
    world.settle()
    assert both(world, item) == ("Router", "[Acme] Router")
    writes = world.writes()
    world.settle()
    assert world.writes() == writes


def test_an_edit_inside_the_frame_comes_back_without_it_and_is_not_written_again() -> None:
    world = begun()
    item = a_call(world)
    world.run()
    writes = world.writes()
    retitle(world, item, "[Acme] Router and switch")
    world.settle()
    assert both(world, item) == ("Router and switch", "[Acme] Router and switch")
    assert world.writes() == writes


def test_an_edit_that_breaks_the_frame_is_taken_whole_and_framed_anew() -> None:
    world = begun()
    item = a_call(world)
    world.run()
    retitle(world, item, "Switch")
    world.settle()
    assert both(world, item) == ("Switch", "[Acme] Switch")
    writes = world.writes()
    world.settle()
    assert world.writes() == writes


def test_another_name_of_the_association_is_sent() -> None:
    world = begun()
    item = a_call(world)
    world.run()
    world.psa.change(item, associations=({"type": "organization", "id": "1", "name": "Globex"},))
    world.settle()
    assert both(world, item) == ("Router", "[Globex] Router")
    world.psa.change(item, associations=())
    world.settle()
    assert both(world, item) == ("Router", "Router")


def test_a_template_that_comes_changes_or_goes_is_carried_out_by_the_next_run() -> None:
    world = begun(Options())
    item = a_call(world)
    world.run()
    for templates, told in (
        (TEMPLATES, "[Acme] Router"),
        (((ItemType.SERVICE_CALL, "{title} / {organization}"),), "Router / Acme"),
        ((), "Router"),
    ):
        world.set_options(Options(title_templates=templates))
        world.settle()
        assert both(world, item) == ("Router", told)


@pytest.mark.parametrize(
    ("winner", "here", "there"), [("psa", "Mine", "[Acme] Mine"), ("linked", "Yours", "[Acme] Yours")]
)
def test_titles_changed_on_both_sides_are_settled_and_the_winner_is_framed_once(
    winner: str, here: str, there: str
) -> None:
    world = begun(replace(OPTIONS, conflict=Winner(winner)))
    item = a_call(world)
    world.run()
    retitle(world, item, "[Acme] Yours")
    world.psa.edit(item, title="Mine")
    world.settle()
    assert both(world, item) == (here, there)


def test_an_occurrence_with_a_title_of_its_own_is_framed_and_comes_back_plain() -> None:
    world = begun()
    round_ = event("Round", "2027-02-01 09:00", rule="FREQ=DAILY;COUNT=9")
    item = world.psa.add(round_, ItemType.SERVICE_CALL, associations=OF_ACME)
    world.run()
    world.phone.edit(world.remote_of(item), {(VISIT, Field.TITLE): "[Acme] Special"})
    world.settle()
    assert world.psa[item].content.get((VISIT, Field.TITLE)) == "Special"
    world.psa.edit(item, {(VISIT, Field.TITLE): "Other"})
    world.settle()
    shown = world.event_of(item)
    assert shown is not None
    assert (shown.title, shown.get((VISIT, Field.TITLE))) == ("[Acme] Round", "[Acme] Other")


def test_what_was_retrieved_keeps_the_title_its_owner_gave_it() -> None:
    world = begun(Options(title_templates=((ItemType.APPOINTMENT, "PSA: {title}"),)))
    world.phone.create(event("Lunch", WHEN))
    world.settle()
    (item,) = world.psa.living()
    assert both(world, item.id) == ("Lunch", "Lunch")
    world.psa.edit(item.id, title="Late lunch")
    world.settle()
    assert both(world, item.id) == ("Late lunch", "Late lunch")


def test_an_edit_of_an_event_of_others_is_taken_whole() -> None:
    world = begun(Options(title_templates=((ItemType.APPOINTMENT, "PSA: {title}"),)))
    remote = world.phone.create(event("Lunch", WHEN))
    world.settle()
    world.phone.edit(remote, {TITLE: "PSA: Lunch"})
    world.settle()
    assert world.psa.titles() == ["PSA: Lunch"]


def test_half_a_frame_is_taken_whole() -> None:
    world = begun(Options(title_templates=((ItemType.SERVICE_CALL, "Call {title} ({organization})"),)))
    item = a_call(world)
    world.run()
    retitle(world, item, "Call me")
    world.settle()
    assert both(world, item) == ("Call me", "Call Call me (Acme)")


def test_a_frame_that_the_service_cuts_is_no_edit() -> None:
    world = begun(switches=Switches(truncates_titles=12))
    item = a_call(world, "Router in the cellar")
    world.settle()
    assert both(world, item) == ("Router in the cellar", "[Acme] Route")
    world.settle()
    assert world.link_of(item).state is LinkState.SYNCED
    assert world.psa[item].content.title == "Router in the cellar"


def test_a_create_whose_reply_was_lost_is_known_again_by_its_framed_title() -> None:
    world = begun(switches=Switches(server_made_ids=True))
    world.service.switches = replace(world.service.switches, loses_reply=1.0)
    item = a_call(world)
    world.try_run()
    world.service.switches = replace(world.service.switches, loses_reply=0.0)
    world.settle()
    assert world.event_titles() == ["[Acme] Router"]
    assert both(world, item) == ("Router", "[Acme] Router")


def test_hidden_text_is_not_framed() -> None:
    world = begun(replace(OPTIONS, send=Send(privacy=Privacy(Level.BUSY_ONLY, Level.BUSY_ONLY))))
    item = a_call(world)
    world.settle()
    assert both(world, item) == ("Router", "Busy")
    retitle(world, item, "[Acme] Guess")
    world.settle()
    assert both(world, item) == ("Router", "Busy")


def test_a_title_that_is_emptied_there_is_empty_here() -> None:
    world = begun()
    item = a_call(world)
    world.run()
    retitle(world, item, "[Acme] ")
    world.settle()
    shown = world.event_of(item) or Content()
    assert (world.psa[item].content.title, shown.title) == ("", "")
