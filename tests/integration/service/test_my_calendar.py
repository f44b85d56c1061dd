"""Items through the use cases: E1, A2, A5, expansion, the guard over deletions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from calbridge.domain.content import MASTER, Field, People, Person
from calbridge.errors import ItemChanged, Refused
from calbridge.service import items
from tests.integration.service.world import ALICE, TENANT, World, at, event, visit

WEEKLY = {"recurrence": ["RRULE:FREQ=WEEKLY;COUNT=4"]}


def test_what_is_absent_is_kept_and_null_clears(world: World) -> None:
    world.put("a", **visit(location="Office", record_id="r1"))
    kept = world.put("a", title="Other")
    assert (kept["location"], kept["record_id"], kept["start"]) == ("Office", "r1", at("2027-01-05"))
    cleared = world.put("a", location=None)
    assert cleared["location"] is None


def test_a_write_without_change_of_meaning_alters_nothing(world: World) -> None:
    first = world.put("a", **visit())
    world.clock.advance(minutes=5)
    again = world.put("a", **visit(), status="confirmed")
    assert again == first
    berlin = world.put(
        "a", start=at("2027-01-05", zone="Europe/Berlin"), end=at("2027-01-05", "11:00", "Europe/Berlin")
    )
    assert berlin["version"] == first["version"]
    assert world.put("a", title="Other")["version"] == first["version"] + 1


def test_a_condition_on_the_version_is_kept(world: World) -> None:
    made = world.put("a", **visit())
    world.put("a", title="Other")
    with pytest.raises(ItemChanged):
        items.put_item(world.parts, TENANT, ALICE, "ext:a", {"title": "Third"}, if_version=made["version"])
    with pytest.raises(Refused) as refused:
        items.put_item(world.parts, TENANT, ALICE, "ext:a", visit(), create_only=True)
    assert refused.value.code == "precondition_failed"


def test_our_own_ids_never_create(world: World) -> None:
    with pytest.raises(Refused) as refused:
        items.put_item(world.parts, TENANT, ALICE, "nobody", visit())
    assert refused.value.code == "item_not_found"


def test_moving_a_series_takes_its_overrides_along(world: World) -> None:
    world.put("a", **visit(), **WEEKLY, overrides=[{"recurrence_id": "2027-01-12T10:00:00", "cancelled": True}])
    moved = items.patch_item(world.parts, TENANT, ALICE, "ext:a", {"start": {"date_time": "2027-01-06T12:00:00"}})
    assert moved["overrides"] == [{"recurrence_id": "2027-01-13T12:00:00", "cancelled": True}]
    assert moved["end"] == at("2027-01-06", "13:00")


def test_a_record_made_again_is_the_same_item(world: World) -> None:
    made = world.put("a", **visit())
    items.delete_item(world.parts, TENANT, ALICE, "ext:a")
    assert world.items() == []
    again = world.put("a", **visit("Anew"))
    assert again["id"] == made["id"]
    assert world.titles() == ["Anew"]


def test_a_meeting_of_somebody_else_can_t_be_moved_here(world: World) -> None:
    world.connect()
    world.sync()
    people = People(Person("boss@example.com"), (Person("owner@example.com"),))
    meeting = event("Meeting").with_units({(MASTER, Field.PEOPLE): people})
    world.memory.phone.create(meeting)
    world.sync()
    (item,) = world.items()
    assert item["editable"]["time"] is False
    with pytest.raises(Refused) as refused:
        items.patch_item(world.parts, TENANT, ALICE, item["id"], {"start": at("2027-01-06")})
    assert refused.value.code == "organised_elsewhere"
    changed = items.patch_item(world.parts, TENANT, ALICE, item["id"], {"reminders": [{"minutes_before": 5}]})
    assert changed["reminders"] == [{"minutes_before": 5}]


def test_hidden_text_is_not_changed_here(world: World) -> None:
    world.connect()
    world.sync()
    world.memory.phone.create(event("Doctor").with_units({(MASTER, Field.VISIBILITY): "private"}))
    world.sync()
    (item,) = world.items()
    assert (item["title"], item["hidden"]) == (None, True)
    with pytest.raises(Refused) as refused:
        items.patch_item(world.parts, TENANT, ALICE, item["id"], {"title": "Guess"})
    assert refused.value.code == "text_hidden"


def test_a_list_expands_series_with_their_overrides(world: World) -> None:
    world.put(
        "a",
        **visit(),
        **WEEKLY,
        overrides=[
            {"recurrence_id": "2027-01-12T10:00:00", "title": "Special"},
            {"recurrence_id": "2027-01-19T10:00:00", "cancelled": True},
        ],
    )
    world.put("b", **visit("Once", "2027-01-13"))
    start = datetime(2027, 1, 1, tzinfo=UTC)
    found = items.list_items(world.parts, TENANT, ALICE, start=start, end=start + timedelta(days=60), expand=True)
    assert [(each["title"], each["start"]["date_time"][:10]) for each in found] == [
        ("Visit", "2027-01-05"),
        ("Special", "2027-01-12"),
        ("Once", "2027-01-13"),
        ("Visit", "2027-01-26"),
    ]


def test_expansion_has_bounds(world: World) -> None:
    start = datetime(2027, 1, 1, tzinfo=UTC)
    with pytest.raises(Refused) as refused:
        items.list_items(world.parts, TENANT, ALICE, start=start, end=start + timedelta(days=371), expand=True)
    assert refused.value.facts["field"] == "to"
    with pytest.raises(Refused):
        items.list_items(world.parts, TENANT, ALICE, expand=True)
    for number in range(29):
        world.put(f"s{number}", **visit(), recurrence=["RRULE:FREQ=DAILY"])
    with pytest.raises(Refused) as refused:
        items.list_items(world.parts, TENANT, ALICE, start=start, end=start + timedelta(days=365), expand=True)
    assert refused.value.code == "recurrence_too_large"


def test_an_endless_rule_is_listed_and_a_secondly_one_stays_outside(world: World) -> None:
    world.connect()
    world.sync()
    world.memory.phone.create(event("Every day", rule="FREQ=DAILY"))
    world.memory.phone.create(event("Tick", rule="FREQ=SECONDLY"))
    assert world.sync().status == "succeeded"
    assert world.titles() == ["Every day"]
    with pytest.raises(Refused) as refused:
        world.put("a", **visit(), recurrence=["RRULE:FREQ=SECONDLY"])
    assert (refused.value.code, refused.value.facts["field"]) == ("recurrence_too_fine", "recurrence")


def test_a_tenant_that_deletes_unusually_much_waits_for_an_administrator(world: World) -> None:
    world.connect()
    world.sync()
    for number in range(52):
        world.put(f"n{number}", **visit(f"Visit {number}"))
    world.sync()
    for number in range(50):
        items.delete_item(world.parts, TENANT, ALICE, f"ext:n{number}")
    with pytest.raises(Refused) as refused:
        items.delete_item(world.parts, TENANT, ALICE, "ext:n50")
    assert refused.value.code == "confirmation_needed"
    assert len(world.titles()) == 2
    items.confirm_deletes(world.parts, TENANT)
    items.delete_item(world.parts, TENANT, ALICE, "ext:n51")
    assert len(world.titles()) == 1
