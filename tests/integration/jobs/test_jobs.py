"""What is written is told to a worker at once; what was not told is found by the sweep; webhooks are told by jobs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from redis import Redis

from calbridge.jobs import duties, tasks
from calbridge.jobs.admission import Admission
from calbridge.jobs.connections import quick
from calbridge.jobs.dispatcher import RedisDispatcher
from calbridge.jobs.duties import Tools
from calbridge.jobs.queues import ALL
from calbridge.jobs.rq_worker import TaskWorker
from calbridge.jobs.timekeeping import Timekeeper
from calbridge.service.parts import SystemClock
from calbridge.service.requests import request_sync
from tests.integration.notify.receiver import Receiver, hook
from tests.integration.service.conftest import made_world
from tests.integration.service.pushing import BASE, post, statuses, taken
from tests.integration.service.world import TENANT, World, event, visit
from tests.servers.redis import RedisServer


@dataclass
class Crew:
    """The world with its queues; workers work in this process."""

    world: World
    redis: Redis

    @property
    def admission(self) -> Admission:
        return Admission(self.redis)

    def sweep(self) -> None:
        duties.sweep(Tools(self.world.parts, self.admission))

    def look_for_deliveries(self) -> None:
        duties.deliveries(Tools(self.world.parts, self.admission))

    def work(self, *names: str) -> None:
        """Carry out what waits."""
        tasks.furnish(tasks.Bench(self.world.parts, self.admission, lambda: False, Timekeeper()))
        TaskWorker(list(names or ALL), self.redis, f"w{id(object())}").work(burst=True)

    def waiting(self) -> dict[str, int]:
        return {name: count for name, count in self.admission.lengths().items() if count}


@pytest.fixture
def crew(tmp_path: Path, migrated: Path, redis: Redis, redis_process: RedisServer) -> Iterator[Crew]:
    """A tenant with alice and a calendar service in memory, whose dispatcher fills real queues."""
    shutil.copy(migrated, tmp_path / "calbridge.db")
    with made_world(tmp_path, None, CALBRIDGE_PRIVATE_NETWORKS="127.0.0.0/8") as world:
        dispatcher = RedisDispatcher(quick(redis_process.url))
        world.parts.database.clock = SystemClock().now
        world.parts.database.announced = dispatcher.deliveries
        world.parts = replace(world.parts, dispatcher=dispatcher, clock=SystemClock())
        yield Crew(world, redis)


def test_an_item_that_is_written_reaches_the_calendar_by_one_job(crew: Crew) -> None:
    crew.world.connect()
    crew.work()
    crew.world.put("visit", **visit("Router"))
    assert crew.waiting() == {"realtime": 1}
    crew.work("realtime")
    assert crew.world.event_titles() == ["Router"]
    assert crew.waiting() == {}


def test_a_first_run_and_a_range_wait_in_bulk(crew: Crew) -> None:
    crew.world.connect()
    assert crew.waiting() == {"bulk": 1}
    crew.work("realtime", "default")
    assert crew.waiting() == {"bulk": 1}
    crew.work()
    crew.world.memory.phone_at("main").create(event("Old"))
    request_sync(crew.world.parts, TENANT, crew.world.integration_id, retrieve=(None, None))
    assert crew.waiting() == {"bulk": 1}
    crew.work()
    assert crew.world.titles() == ["Old"]


def test_a_queue_that_was_lost_is_filled_again_by_the_sweep(crew: Crew) -> None:
    crew.world.connect()
    crew.work()
    crew.world.put("visit", **visit("Router"))
    crew.redis.flushall()
    assert crew.waiting() == {}
    crew.sweep()
    crew.work()
    assert crew.world.event_titles() == ["Router"]


def test_a_burst_of_triggers_becomes_a_few_runs(crew: Crew) -> None:
    crew.world.connect()
    crew.work()
    for number in range(200):
        crew.world.put(f"visit{number % 20}", **visit(f"Router {number}"))
    crew.work()
    runs = crew.world.parts.database
    with runs.read(TENANT) as work:
        assert len(work.runs.list(crew.world.integration_id, limit=100)) <= 5
    assert len(crew.world.event_titles()) == 20


def test_a_subscription_is_made_by_a_job_and_a_notice_becomes_one(crew: Crew) -> None:
    world = crew.world
    world.memory.state.now = world.parts.clock.now()
    world.parts = replace(world.parts, settings=replace(world.parts.settings, public_url=BASE))
    world.connect()
    duties.watch(Tools(world.parts, crew.admission))
    assert crew.waiting() == {"bulk": 1, "default": 1}
    crew.work()
    assert statuses(world) == ["live"]
    duties.watch(Tools(world.parts, crew.admission))
    crew.work()
    taken(world)
    world.memory.phone.create(event("Lunch"))
    told = taken(world) * 50
    for each in told:
        post(world, each.address, each.headers)
    assert crew.waiting() == {"realtime": 1}
    held = b"".join(_all(crew.redis))
    assert told[0].address.rpartition("/")[2].encode() not in held
    crew.work("realtime")
    assert world.titles() == ["Lunch"]
    assert crew.waiting() == {}


def test_what_a_webhook_is_to_be_told_is_told_by_jobs(crew: Crew) -> None:
    receiver = Receiver()
    try:
        hook(crew.world, receiver)
        crew.world.put("visit", **visit("Router"))
        assert crew.waiting() == {"webhooks": 1}
        crew.work("webhooks")
        assert [got.type for got in receiver.got] == ["item.created"]
        crew.redis.flushall()
        crew.world.put("visit", title="Router, again")
        crew.redis.flushall()
        crew.look_for_deliveries()
        crew.work("webhooks")
        assert [got.type for got in receiver.got] == ["item.created", "item.updated"]
    finally:
        receiver.close()


def test_jobs_hold_ids_and_nothing_else(crew: Crew) -> None:
    crew.world.connect()
    crew.world.put("visit", **visit("Secret title"))
    told = b"".join(_all(crew.redis))
    assert crew.world.integration_id.encode() in told
    for hidden in (b"Secret title", b"secret", b"alice@example.com"):
        assert hidden not in told


def _all(client: Redis) -> list[bytes]:
    found: list[bytes] = []
    for key in client.keys("*"):
        kind = client.type(key)
        found.append(key)
        if kind == b"hash":
            found += [part for pair in client.hgetall(key).items() for part in pair]
        elif kind == b"list":
            found += client.lrange(key, 0, -1)
        elif kind == b"zset":
            found += client.zrange(key, 0, -1)
        elif kind == b"set":
            found += list(client.smembers(key))
        elif kind == b"string":
            found.append(client.get(key) or b"")
    return found
