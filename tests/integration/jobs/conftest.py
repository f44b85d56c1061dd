"""An installation with a real Redis; workers and schedulers run in this process where that is enough."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

import pytest

from calbridge.jobs.dispatcher import RedisDispatcher
from calbridge.jobs.queues import ALL, QueueName, Queues, open_redis
from calbridge.jobs.scheduler import Scheduler
from calbridge.jobs.worker import work
from calbridge.service.parts import SystemClock, open_parts
from calbridge.store.database import Database
from calbridge.store.migrate import upgrade
from calbridge.store.secrets import SecretBox
from tests.integration.service.world import (
    ALICE,
    KEY,
    MemoryDoor,
    Watcher,
    World,
    fresh_memory,
    furnish,
    registry,
    settings_for,
)
from tests.servers.redis import RedisServer, redis_server


@dataclass
class Crew:
    """The world with its queues."""

    world: World
    redis: RedisServer
    queues: Queues

    def scheduler(self) -> Scheduler:
        return Scheduler(self.world.parts, self.queues)

    def work(self, *names: QueueName) -> None:
        """Carry out what waits."""
        work(self.world.parts, names or ALL, burst=True)

    def waiting(self) -> dict[str, int]:
        return {name: count for name, count in self.queues.lengths().items() if count}


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database file to copy."""
    path = tmp_path_factory.mktemp("migrated") / "calbridge.db"
    database = Database(f"sqlite:///{path}", SecretBox([KEY]))
    upgrade(database)
    database.close()
    return path


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    """One server for a module; every test begins with nothing in it."""
    with redis_server() as server:
        yield server


@pytest.fixture
def crew(tmp_path: Path, migrated: Path, redis: RedisServer) -> Iterator[Crew]:
    """A tenant with alice and a calendar service in memory, whose dispatcher fills real queues."""
    with redis.client() as client:
        client.flushall()
    shutil.copy(migrated, tmp_path / "calbridge.db")
    memory = fresh_memory()
    MemoryDoor.services[ALICE] = memory
    settings = settings_for(tmp_path, CALBRIDGE_REDIS_URL=redis.url, CALBRIDGE_PRIVATE_NETWORKS="127.0.0.0/8")
    queues = Queues(open_redis(redis.url))
    with open_parts(
        settings,
        registry=registry(Watcher()),
        clock=SystemClock(),
        random=Random(7),
        dispatcher=RedisDispatcher(queues),
    ) as parts:
        furnish(parts)
        yield Crew(World(replace(parts), parts.clock, memory, Watcher()), redis, queues)  # type: ignore[arg-type]
    queues.redis.close()
    MemoryDoor.services.clear()
