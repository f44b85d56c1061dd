"""Installations with the memory connector, on SQLite (``world``) and on both databases (``both``)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from calbridge.service.parts import open_parts
from tests.integration.notify.receiver import Receiver
from tests.integration.service.world import (
    ALICE,
    MemoryDoor,
    TestClock,
    Watcher,
    World,
    fresh_memory,
    furnish,
    registry,
    settings_for,
)
from tests.integration.store.conftest import database_kind, database_url, postgresql_server, sqlite_template

__all__ = ["database_kind", "database_url", "postgresql_server", "sqlite_template"]


@contextmanager
def opened_world(folder: Path, url: str, **settings: str) -> Iterator[World]:
    """A tenant with the user alice and a calendar service in memory, on this database."""
    memory, watcher, clock = fresh_memory(), Watcher(), TestClock()
    MemoryDoor.services[ALICE] = memory
    reachable = {"CALBRIDGE_PRIVATE_NETWORKS": "127.0.0.0/8", "CALBRIDGE_REQUEST_TIMEOUT": "5"}
    configured = settings_for(folder, url, **reachable, **settings)
    with open_parts(configured, registry=registry(watcher), clock=clock, random=Random(7)) as parts:
        furnish(parts)
        yield World(parts, clock, memory, watcher)
    del MemoryDoor.services[ALICE]


@pytest.fixture
def both(tmp_path: Path, database_url: str) -> Iterator[World]:
    """On each of the two databases."""
    with opened_world(tmp_path, database_url) as world:
        yield world


@pytest.fixture
def world(tmp_path: Path, sqlite_template: Path) -> Iterator[World]:
    """On SQLite."""
    path = tmp_path / "calbridge.db"
    path.write_bytes(sqlite_template.read_bytes())
    with opened_world(tmp_path, f"sqlite:///{path}") as world:
        yield world


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """An endpoint that takes everything until it is told otherwise."""
    receiver = Receiver()
    yield receiver
    receiver.close()
