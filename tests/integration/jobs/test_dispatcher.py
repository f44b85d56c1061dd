"""Telling the workers: at once where Redis answers, and never at the cost of the request where it doesn't."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis

from calbridge.jobs.connections import QUICK_SECONDS, quick
from calbridge.jobs.dispatcher import RedisDispatcher, make_dispatcher
from calbridge.jobs.queues import queue
from calbridge.service import requests
from calbridge.service.parts import NoDispatcher
from calbridge.store.changes import Raised
from tests.integration.service.world import TENANT, World, settings_for, visit
from tests.servers.redis import RedisServer


def job_ids(redis: Redis, name: str) -> list[str]:
    return queue(name, redis).job_ids


def test_what_is_due_goes_to_the_queue_of_its_kind(redis: Redis, redis_process: RedisServer) -> None:
    dispatcher = RedisDispatcher(quick(redis_process.url))
    dispatcher.due("acme", [Raised("i1", 7, bulk=False), Raised("i2", 3, bulk=True)])
    dispatcher.due("acme", [Raised("i3", 1, bulk=False), Raised("i4", 2, bulk=True)], urgent=False)
    assert job_ids(redis, "realtime") == ["sync_i1_7"]
    assert job_ids(redis, "default") == ["sync_i3_1"]
    assert job_ids(redis, "bulk") == ["sync_i2_3", "sync_i4_2"]


def test_without_a_redis_nobody_is_told(tmp_path: Path) -> None:
    assert isinstance(make_dispatcher(settings_for(tmp_path)), NoDispatcher)


def test_a_use_case_tells_after_its_commit_and_a_burst_is_one_job(
    world: World, redis: Redis, redis_process: RedisServer
) -> None:
    world.connect()
    world.sync()
    world.parts = replace(world.parts, dispatcher=RedisDispatcher(quick(redis_process.url)))
    for number in range(20):
        world.put(f"call-{number}", **visit(f"Visit {number}"))
    (job_id,) = job_ids(redis, "realtime")
    assert job_id.startswith(f"sync_{world.integration_id}_")
    requests.request_sync(world.parts, TENANT, world.integration_id)
    assert len(job_ids(redis, "default")) == 1
    for queued in queue("realtime", redis).jobs:
        assert "Visit" not in str(redis.hgetall(queued.key))


@pytest.fixture(params=["hung", "stopped", "silent socket"])
def useless(request: pytest.FixtureRequest, redis_process: RedisServer, tmp_path: Path) -> Iterator[str]:
    """The address of a Redis that is of no use."""
    if request.param == "hung":
        redis_process.freeze()
        yield redis_process.url
        redis_process.thaw()
    elif request.param == "stopped":
        yield f"unix://{tmp_path}/nobody.sock"
    else:
        with socket.create_server(("127.0.0.1", 0), backlog=64) as silent:
            held: list[socket.socket] = []

            def accept() -> None:
                try:
                    while True:
                        held.append(silent.accept()[0])
                except OSError:
                    return

            thread = threading.Thread(target=accept)
            thread.start()
            yield f"redis://127.0.0.1:{silent.getsockname()[1]}"
            silent.shutdown(socket.SHUT_RDWR)
            thread.join()
            for each in held:
                each.close()


def test_a_redis_that_does_not_answer_fails_no_request_and_is_asked_once_a_second(world: World, useless: str) -> None:
    world.connect()
    world.sync()
    dispatcher = RedisDispatcher(quick(useless))
    world.parts = replace(world.parts, dispatcher=dispatcher)
    world.put("call-0", **visit("Visit 0"))
    begun = time.monotonic()
    dispatcher.due(TENANT, [Raised("i1", number, bulk=False) for number in range(1000)])
    # Not a thousand quarters of a second: after a failure it rests.
    assert time.monotonic() - begun < 10 * QUICK_SECONDS
    assert world.titles() == ["Visit 0"]
    with world.parts.database.system_read() as system:
        assert [each.integration_id for each in system.sweep.due()] == [world.integration_id]
