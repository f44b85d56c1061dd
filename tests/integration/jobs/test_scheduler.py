"""Duties: claimed by one of many schedulers, tenants in turn, and alive where Redis or the database is not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

import pytest
from redis import Redis

from calbridge.errors import CalendarGone, DatabaseUnusable, Unavailable
from calbridge.jobs import duties
from calbridge.jobs.admission import Admission
from calbridge.jobs.duties import DUTIES, Duty, Tools
from calbridge.jobs.queues import BULK, DEFAULT, REALTIME, WEBHOOKS, queue
from calbridge.jobs.scheduler import Scheduler
from calbridge.service import requests
from calbridge.service.heartbeats import list_processes
from calbridge.service.outages import went_wrong
from calbridge.service.parts import Parts
from calbridge.service.sweeping import claim_slot
from calbridge.store.revocations import Revocation
from calbridge.store.tables import slots
from tests.integration.service.world import ALICE, TENANT, World, visit
from tests.integration.store.helpers import fill
from tests.servers.redis import RedisServer
from tests.servers.waiting import eventually


def tools(world: World, redis: Redis) -> Tools:
    return Tools(world.parts, Admission(redis))


def job_ids(redis: Redis, name: str) -> list[str]:
    return queue(name, redis).job_ids


def test_a_slot_is_claimed_by_one(world_on_both: World) -> None:
    parts = world_on_both.parts
    barrier = threading.Barrier(8)

    def claim(number: int) -> bool:
        barrier.wait()
        return claim_slot(parts, "sweep", 3600, f"s{number}")

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(claim, range(8))) == 1
    assert not claim_slot(parts, "sweep", 3600, "late")
    assert claim_slot(parts, "other", 3600, "late")
    with parts.database.connect(writes=True) as connection:
        connection.execute(slots.update().values(claimed=slots.c.claimed - 1))
    assert claim_slot(parts, "sweep", 3600, "next")


def test_the_sweep_lets_in_what_is_due_each_into_its_queue(world: World, redis: Redis) -> None:
    world.connect()
    duties.sweep(tools(world, redis))
    assert len(job_ids(redis, BULK)) == 1
    world.sync()
    redis.flushall()
    duties.sweep(tools(world, redis))
    assert redis.keys("rq:*") == []
    world.put("call-1", **visit("Repair"))
    for _ in range(3):
        duties.sweep(tools(world, redis))
    (job_id,) = job_ids(redis, REALTIME)
    assert job_id.startswith(f"sync_{world.integration_id}_")
    world.sync()
    redis.flushall()
    world.clock.advance(hours=1)
    duties.sweep(tools(world, redis))
    assert len(job_ids(redis, DEFAULT)) == 1
    redis.flushall()
    requests.request_sync(world.parts, TENANT, world.integration_id, retrieve=(1, 1))
    duties.sweep(tools(world, redis))
    assert len(job_ids(redis, BULK)) == 1


def test_mails_that_are_due_are_one_job_and_none_where_there_are_none(world: World, redis: Redis) -> None:
    world.connect()
    duties.mail(tools(world, redis))
    assert job_ids(redis, WEBHOOKS) == []
    with world.parts.database.read(TENANT) as work:
        integration = work.integrations.require(world.integration_id)
    went_wrong(world.parts, TENANT, integration, CalendarGone())
    for _ in range(2):
        duties.mail(tools(world, redis))
    assert job_ids(redis, WEBHOOKS) == ["mail"]


def test_grants_to_end_are_jobs_one_each(world: World, redis: Redis) -> None:
    duties.revoke(tools(world, redis))
    assert job_ids(redis, DEFAULT) == []
    with world.parts.database.write(TENANT) as work:
        for name in ("r1", "r2"):
            work.revocations.add(Revocation(name, "memory", ALICE), "grant")
    for _ in range(2):
        duties.revoke(tools(world, redis))
    assert sorted(job_ids(redis, DEFAULT)) == ["revoke_r1", "revoke_r2"]


def test_a_tenant_with_two_thousand_first_runs_leaves_room_for_another(world: World, redis: Redis) -> None:
    fill(world.parts.database, tenant="big", integrations=tuple(f"b{number:04}" for number in range(2000)))
    with world.parts.database.connect(writes=True) as connection:
        connection.exec_driver_sql("UPDATE integrations SET due_no = 1")
    duties.sweep(tools(world, redis))
    before = len(job_ids(redis, BULK))
    world.connect()
    duties.sweep(tools(world, redis))
    assert any(world.integration_id in job_id for job_id in job_ids(redis, BULK))
    assert before < 20
    world.sync()
    world.put("call-1", **visit("Repair"))
    duties.sweep(tools(world, redis))
    assert len(job_ids(redis, REALTIME)) == 1


def test_outages_are_looked_at_by_jobs(world: World, redis: Redis) -> None:
    world.connect()
    world.sync()
    world.memory.io.hooks.append(lambda _point: (_ for _ in ()).throw(Unavailable("down")))
    for _ in range(8):
        world.clock.advance(minutes=20)
        requests.carry_out(world.parts, TENANT, world.integration_id, budget_seconds=None)
    world.clock.advance(minutes=20)
    for _ in range(2):
        duties.recover(tools(world, redis))
    (job,) = queue(DEFAULT, redis).jobs
    assert (job.func_name.rpartition(".")[2], job.args) == ("probe", [TENANT, world.integration_id])
    duties.forget(tools(world, redis))
    assert job_ids(redis, BULK) == ["forget"]


@contextmanager
def running(parts: Parts, given: tuple[Duty, ...] = DUTIES) -> Iterator[Scheduler]:
    """A scheduler in a thread of its own."""
    scheduler = Scheduler(parts, given)
    thread = threading.Thread(target=scheduler.run)
    thread.start()
    try:
        yield scheduler
    finally:
        scheduler.stop()
        thread.join(timeout=10)
        assert not thread.is_alive()


def with_redis(world: World, url: str) -> Parts:
    return replace(world.parts, settings=replace(world.parts.settings, redis_url=url))


def test_three_schedulers_do_each_turn_once(world_on_both: World, redis_process: RedisServer) -> None:
    parts = with_redis(world_on_both, redis_process.url)
    acted: list[float] = []
    counting = (Duty("count", 0.2, lambda _tools: acted.append(time.monotonic())),)
    begun = time.monotonic()
    with running(parts, counting), running(parts, counting), running(parts, counting):
        eventually(lambda: len(acted) >= 8)
    slots_passed = (acted[-1] - begun) / 0.2
    assert len(acted) <= slots_passed + 2
    assert list_processes(parts) == []


def test_a_scheduler_tells_of_itself(world: World, redis_process: RedisServer) -> None:
    parts = with_redis(world, redis_process.url)

    def seen() -> list[str]:
        return [each.id for each in list_processes(parts) if each.alive and each.kind == "scheduler"]

    with running(parts, ()) as scheduler:
        eventually(lambda: seen() == [scheduler.name])
    assert seen() == []


@pytest.mark.parametrize("broken", ["hung", "killed"])
def test_a_scheduler_survives_redis(world: World, redis: Redis, redis_process: RedisServer, broken: str) -> None:
    world.connect()
    world.sync()
    parts = with_redis(world, redis_process.url)
    redis_process.freeze() if broken == "hung" else redis_process.stop()
    try:
        failures: list[str] = []
        watched = (Duty("sweep", 0.2, lambda given: watch(given, failures)),)
        with running(parts, watched):
            world.put("call-1", **visit("Repair"))
            eventually(lambda: len(failures) >= 2)
            redis_process.thaw() if broken == "hung" else redis_process.start()
            eventually(lambda: len(job_ids(redis_process.client(), REALTIME)) == 1)
    finally:
        redis_process.thaw()


def watch(given: Tools, failures: list[str]) -> None:
    try:
        duties.sweep(given)
    except Exception as error:
        failures.append(type(error).__name__)
        raise


def test_a_scheduler_survives_the_database(world: World, redis: Redis, redis_process: RedisServer) -> None:
    world.connect()
    world.sync()
    parts = with_redis(world, redis_process.url)
    turns: list[str] = []

    def act(given: Tools) -> None:
        turns.append("turn")
        if len(turns) < 3:
            raise DatabaseUnusable(code="database_locked")
        if len(turns) == 3:
            raise ZeroDivisionError("bug")
        duties.sweep(given)

    with running(parts, (Duty("sweep", 0.1, act),)):
        world.put("call-1", **visit("Repair"))
        eventually(lambda: len(job_ids(redis, REALTIME)) == 1)
