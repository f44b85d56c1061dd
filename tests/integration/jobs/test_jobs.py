"""What is written is told to a worker at once; what was not told is found by the sweep; nobody is pushed out."""

from __future__ import annotations

import json
import time

import pytest
from redis import Redis

from calbridge.errors import RedisUnusable
from calbridge.jobs.queues import Call, QueueName, Queues, open_redis, sync_call
from calbridge.jobs.worker import Beating
from calbridge.service import heartbeats
from calbridge.service.requests import request_sync
from calbridge.service.sweeping import claim_slot
from tests.integration.jobs.conftest import Crew
from tests.integration.notify.receiver import Receiver, hook
from tests.integration.service.world import TENANT, event, visit


def test_an_item_that_is_written_reaches_the_calendar_by_one_job(crew: Crew) -> None:
    crew.world.connect()
    crew.work()
    crew.world.put("visit", **visit("Router"))
    assert crew.waiting() == {"realtime": 1}
    crew.work(QueueName.REALTIME)
    assert crew.world.event_titles() == ["Router"]
    assert crew.waiting() == {}


def test_a_first_run_and_a_range_wait_in_bulk(crew: Crew) -> None:
    crew.world.connect()
    assert crew.waiting() == {"bulk": 1}
    crew.work(QueueName.REALTIME, QueueName.DEFAULT)
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
    with crew.redis.client() as client:
        client.flushall()
    assert crew.waiting() == {}
    crew.scheduler().sweep()
    crew.work()
    assert crew.world.event_titles() == ["Router"]


def test_without_redis_a_write_succeeds_and_is_not_held_up(crew: Crew) -> None:
    crew.world.connect()
    crew.work()
    crew.redis.freeze()
    try:
        begun = time.monotonic()
        crew.world.put("visit", **visit("Router"))
        assert time.monotonic() - begun < 3
        crew.scheduler().round()
    finally:
        crew.redis.thaw()
    # What was cut off in mid-word keeps its place for a few seconds.
    until = time.monotonic() + 15
    while not crew.scheduler().sweep():
        assert time.monotonic() < until
        time.sleep(0.1)
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


def test_a_job_that_waits_is_not_queued_twice_and_one_that_ended_may_come_again(crew: Crew) -> None:
    call = sync_call(TENANT, "i1", 1)
    assert crew.queues.put(QueueName.REALTIME, call)
    assert not crew.queues.put(QueueName.REALTIME, call)
    crew.work()
    assert crew.queues.put(QueueName.REALTIME, call)


def test_one_tenant_fills_neither_queue_nor_sweep(crew: Crew) -> None:
    queues = Queues(crew.queues.redis, backlog=30, per_tenant=10)
    for tenant in ("a", "b"):
        queued = [queues.put(QueueName.REALTIME, sync_call(tenant, f"{tenant}{number}", 1)) for number in range(20)]
        assert queued == [True] * 10 + [False] * 10
    assert sum(queues.put(QueueName.REALTIME, sync_call(f"c{n}", "i", 1)) for n in range(20)) == 10


def test_what_a_webhook_is_to_be_told_is_told_by_jobs(crew: Crew) -> None:
    receiver = Receiver()
    try:
        hook(crew.world, receiver)
        crew.world.put("visit", **visit("Router"))
        assert crew.waiting() == {"webhooks": 1}
        crew.work(QueueName.WEBHOOKS)
        assert [got.type for got in receiver.got] == ["item.created"]
        with crew.redis.client() as client:
            client.flushall()
        crew.world.put("visit", title="Router, again")
        with crew.redis.client() as client:
            client.flushall()
        crew.scheduler().look_for_deliveries()
        crew.work(QueueName.WEBHOOKS)
        assert [got.type for got in receiver.got] == ["item.created", "item.updated"]
    finally:
        receiver.close()


def test_a_task_that_is_not_on_the_list_is_not_even_imported(crew: Crew, capfd: pytest.CaptureFixture[str]) -> None:
    crew.queues.put(QueueName.REALTIME, Call("os.system", TENANT, ("touch",), "evil"))
    with crew.redis.client() as client:
        assert json.loads(client.hget("rq:job:evil", "data") and b"1")
    crew.work()
    assert crew.waiting() == {}
    assert "job_failed" in capfd.readouterr().out


def test_jobs_hold_ids_and_nothing_else(crew: Crew) -> None:
    crew.world.connect()
    crew.world.put("visit", **visit("Secret title"))
    with crew.redis.client() as client:
        told = b"".join(_all(client))
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


def test_a_slot_is_claimed_once_however_many_ask(crew: Crew) -> None:
    assert sum(claim_slot(crew.world.parts, "duty", 3600, f"s{number}") for number in range(5)) == 1
    assert sum(claim_slot(crew.world.parts, "other", 3600, f"s{number}") for number in range(5)) == 1
    until = time.monotonic() + 5
    while not claim_slot(crew.world.parts, "often", 0.2, "s"):
        assert time.monotonic() < until
    while not claim_slot(crew.world.parts, "often", 0.2, "s"):
        assert time.monotonic() < until


def test_a_process_is_seen_while_it_works_and_not_after(crew: Crew) -> None:
    with Beating(crew.world.parts, [QueueName.REALTIME]):
        until = time.monotonic() + 5
        while not (found := heartbeats.list_processes(crew.world.parts)):
            assert time.monotonic() < until
        assert (found[0].kind, found[0].alive, found[0].facts["queues"]) == ("worker", True, ["realtime"])
    assert heartbeats.list_processes(crew.world.parts) == []


def test_redis_that_is_not_there_is_told_as_such(crew: Crew) -> None:
    queues = Queues(open_redis("unix:///nowhere/redis.sock"))
    with pytest.raises(RedisUnusable):
        queues.put(QueueName.REALTIME, sync_call(TENANT, "i", 1))
    with pytest.raises(RedisUnusable):
        queues.lengths()
