"""The installation that service tests use: real SQLite, the memory connector."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from calbridge.service.parts import open_parts
from calbridge.store.database import Database
from calbridge.store.migrate import upgrade
from calbridge.store.secrets import SecretBox
from tests.integration.service.world import (
    ALICE,
    KEY,
    MemoryDoor,
    TestClock,
    Watcher,
    World,
    fresh_memory,
    furnish,
    registry,
    settings_for,
)


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database file to copy."""
    path = tmp_path_factory.mktemp("migrated") / "calbridge.db"
    database = Database(f"sqlite:///{path}", SecretBox([KEY]))
    upgrade(database)
    database.close()
    return path


@pytest.fixture
def world(tmp_path: Path, migrated: Path) -> Iterator[World]:
    """A tenant with the user alice and a calendar service in memory."""
    shutil.copy(migrated, tmp_path / "calbridge.db")
    memory, watcher, clock = fresh_memory(), Watcher(), TestClock()
    MemoryDoor.services[ALICE] = memory
    with open_parts(settings_for(tmp_path), registry=registry(watcher), clock=clock, random=Random(7)) as parts:
        furnish(parts)
        yield World(parts, clock, memory, watcher)
    del MemoryDoor.services[ALICE]
