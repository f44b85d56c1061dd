"""A Redis of this process, emptied for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from redis import Redis

from tests.integration.service.conftest import migrated, migrated_postgresql, world, world_on_both
from tests.servers.redis import RedisServer, redis_server

__all__ = ["migrated", "migrated_postgresql", "world", "world_on_both"]


@pytest.fixture(scope="session")
def redis_process() -> Iterator[RedisServer]:
    """A running Redis."""
    with redis_server() as server:
        yield server


@pytest.fixture
def redis(redis_process: RedisServer) -> Iterator[Redis]:
    """A connection to it; nothing is left of the test before."""
    client = redis_process.client()
    client.flushall()
    yield client
    client.close()
