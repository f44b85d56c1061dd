"""What a restored backup does to both sides: what a calendar still knows comes back, and nothing is doubled where the
PSA writes first."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from calbridge.service.restoring import restored
from tests.integration.service.world import World, event, visit

BEFORE, EVERYTHING = ["Before", "Lunch"], ["After", "Before", "Dinner", "Lunch"]


@pytest.fixture
def put_back(world: World, tmp_path: Path) -> World:
    """A world whose database forgot what came after its backup: a visit and a dinner, both on the phone by then."""
    world.connect()
    world.sync()
    world.put("call-1", **visit("Before"))
    world.memory.phone.create(event("Lunch"))
    world.sync()
    folder = world.parts.settings.data_dir
    _move(world, folder, tmp_path / "backup")

    world.put("call-2", **visit("After"))
    world.memory.phone.create(event("Dinner"))
    world.sync()
    assert (world.titles(), world.event_titles()) == (EVERYTHING, EVERYTHING)

    _move(world, tmp_path / "backup", folder)
    assert (world.titles(), world.event_titles()) == (BEFORE, EVERYTHING)
    assert restored(world.parts) == 1
    return world


def test_what_reached_a_calendar_after_the_backup_comes_back_from_there(put_back: World) -> None:
    put_back.sync()
    put_back.sync()

    assert (put_back.titles(), put_back.event_titles()) == (EVERYTHING, EVERYTHING)


def test_what_the_psa_writes_again_first_is_paired_with_what_is_there(put_back: World) -> None:
    again = put_back.put("call-2", **visit("After"))
    put_back.sync()
    put_back.sync()

    assert (put_back.titles(), put_back.event_titles()) == (EVERYTHING, EVERYTHING)
    assert again["id"] in {each["id"] for each in put_back.items() if each["title"] == "After"}


def _move(world: World, origin: Path, to: Path) -> None:
    """Put the database of one folder in the place of the other's."""
    world.parts.database.close()
    to.mkdir(exist_ok=True)
    for each in to.glob("*.db*"):
        each.unlink()
    for each in origin.glob("*.db*"):
        shutil.copy(each, to)
