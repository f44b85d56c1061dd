"""What a worker takes from Redis and what it refuses, over a real Redis and the memory world."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest
from redis import Redis
from rq.exceptions import StopRequested

from calbridge.errors import SettingsInvalid
from calbridge.jobs import duties, tasks
from calbridge.jobs.admission import Admission
from calbridge.jobs.duties import Tools
from calbridge.jobs.queues import ALL, BULK, SHORT, chosen, new_job, queue
from calbridge.jobs.rq_worker import TaskWorker
from calbridge.jobs.timekeeping import Timekeeper
from calbridge.jobs.worker import WorkerParent, prepared, shares
from calbridge.service import requests, runs
from calbridge.service.revoking import revocations_due
from calbridge.store.revocations import Revocation
from tests.integration.service.world import ALICE, TENANT, World, event, settings_for


def furnish(world: World, redis: Redis) -> Admission:
    admission = Admission(redis)
    tasks.furnish(tasks.Bench(world.parts, admission, lambda: False, Timekeeper()))
    return admission


def work(redis: Redis, names: tuple[str, ...] = ALL, name: str = "w") -> None:
    """Until nothing waits."""
    TaskWorker(list(names), redis, name).work(burst=True)


def test_a_job_carries_out_what_is_due_and_leaves_nothing_in_redis(world: World, redis: Redis) -> None:
    world.connect()
    admission = furnish(world, redis)
    world.memory.phone.create(event("Lunch"))
    assert world.titles() == []
    world.sync()
    asked = requests.request_sync(world.parts, TENANT, world.integration_id)
    world.memory.phone.create(event("Tea"))
    admission.admit("default", TENANT, world.integration_id, "sync_x_1", "sync", TENANT, world.integration_id)
    work(redis)
    assert runs.get_run(world.parts, TENANT, asked.id).status == "succeeded"
    assert world.titles() == ["Tea"]
    left = {key.decode() for key in redis.keys("*")} - {"rq:queues", "calbridge:pace:default"}
    # What the library tells of its workers, and for a minute who was triggered.
    assert not [key for key in left if not key.startswith(("rq:worker", "rq:clean", "calbridge:triggers"))], left


def test_a_failure_inside_a_job_leaves_no_word_in_redis(world: World, redis: Redis) -> None:
    world.connect()
    world.sync()
    admission = furnish(world, redis)
    world.memory.io.fail("changes.before", ZeroDivisionError("secret text of Lunch"))
    requests.request_sync(world.parts, TENANT, world.integration_id)
    admission.admit("default", TENANT, world.integration_id, "sync_x_1", "sync", TENANT, world.integration_id)
    work(redis)
    assert world.memory.io.passed
    everything = " ".join(str(redis.dump(key)) for key in redis.keys("*"))
    assert "secret text" not in everything
    assert redis.keys("rq:job:*") == []


@pytest.mark.parametrize("name", ["os.mkdir", "calbridge.jobs.tasks.furnish", "calbridge.jobs.tasks.time.sleep"])
def test_a_job_that_names_what_is_not_on_the_list_does_nothing(
    world: World, redis: Redis, tmp_path: Path, name: str
) -> None:
    furnish(world, redis)
    target = tmp_path / "made"
    job = new_job(redis, "default", "evil", "sync", str(target))
    stored = job.to_dict() | {
        "data": zlib.compress(json.dumps([name, None, [str(target)], {}]).encode()),
        "success_callback_name": "os.mkdir",
        "failure_callback_name": "os.mkdir",
    }
    redis.hset(job.key, mapping=stored)
    redis.rpush("rq:queue:default", job.id)
    work(redis)
    assert not target.exists()
    assert queue("default", redis).job_ids == []
    assert redis.keys("rq:job:*") == []


def test_a_grant_that_is_to_end_is_taken_up_by_a_job(world: World, redis: Redis) -> None:
    furnish(world, redis)
    with world.parts.database.write(TENANT) as work_unit:
        work_unit.revocations.add(Revocation("r1", "memory", ALICE), "grant")
    duties.revoke(Tools(world.parts, Admission(redis)))
    work(redis)
    assert revocations_due(world.parts) == []
    assert redis.keys("rq:job:*") == []


def test_arguments_are_texts(world: World, redis: Redis) -> None:
    furnish(world, redis)
    job = new_job(redis, "default", "odd", "sync")
    data = json.dumps(["calbridge.jobs.tasks.sync", None, [{"a": 1}, "b"], {}]).encode()
    redis.hset(job.key, mapping=job.to_dict() | {"data": zlib.compress(data)})
    redis.rpush("rq:queue:default", job.id)
    work(redis)
    assert redis.keys("rq:job:*") == []


def order(redis: Redis, names: tuple[str, ...]) -> list[str]:
    """In which order a worker of these queues would take twelve jobs of each."""
    taken: list[str] = []

    class Taker(TaskWorker):
        def execute_job(self, job: object, queue: object) -> None:
            taken.append(str(getattr(queue, "name", "")))

    for each in ALL:
        for number in range(12):
            redis.rpush(f"rq:queue:{each}", f"{each}{number}")
            job = new_job(redis, each, f"{each}{number}", "forget")
            redis.hset(job.key, mapping=job.to_dict())
    Taker(list(names), redis, "taker").work(burst=True)
    return taken


def test_queues_are_served_in_order_but_long_work_has_its_turn(redis: Redis) -> None:
    taken = order(redis, ALL)
    short = [name for name in taken if name != BULK]
    assert short == [name for name in SHORT for _ in range(12)]
    assert [place for place, name in enumerate(taken) if name == BULK][:3] == [4, 8, 12]


def test_a_worker_that_never_takes_long_work_leaves_it(redis: Redis) -> None:
    assert BULK not in order(redis, SHORT)
    assert len(queue(BULK, redis)) == 12


def test_an_idle_worker_stops_at_once_and_a_busy_one_after_its_job(redis: Redis) -> None:
    worker = TaskWorker(["default"], redis, "stopping")
    with pytest.raises(StopRequested):
        worker.ask_to_stop()
    done: list[str] = []

    class Stopped(TaskWorker):
        def perform_job(self, job: object, queue: object, execution: object) -> bool:
            self.ask_to_stop()
            done.append("finished")
            return True

    for number in range(2):
        job = new_job(redis, "default", f"j{number}", "forget")
        redis.hset(job.key, mapping=job.to_dict())
        redis.rpush("rq:queue:default", job.id)
    Stopped(["default"], redis, "stopped").work(burst=True)
    assert done == ["finished"]


def test_which_queues_each_process_serves() -> None:
    assert shares(1, None) == [ALL]
    assert shares(3, None) == [SHORT, ALL, ALL]
    assert shares(2, ["bulk"]) == [["bulk"], ["bulk"]]
    assert chosen(None) is None
    assert chosen("bulk, realtime") == ["realtime", "bulk"]
    for wrong in ("", "realtime,fast"):
        with pytest.raises(SettingsInvalid):
            chosen(wrong)


def test_a_worker_needs_a_redis_and_loads_every_connector_first(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid) as invalid:
        WorkerParent(settings_for(tmp_path), [ALL])
    assert invalid.value.code == "redis_missing"
    assert "caldav" in {spec.name for spec in prepared(settings_for(tmp_path)).specs}


def test_a_parent_sees_how_long_its_child_is_at_a_job() -> None:
    keeper = Timekeeper()
    assert keeper.seconds() == 0.0
    keeper.begin()
    assert keeper.seconds() > 0.0
    keeper.end()
    assert keeper.seconds() == 0.0
    keeper.close()
