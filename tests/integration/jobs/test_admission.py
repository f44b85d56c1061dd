"""Who may wait in a queue: one job an integration, a short backlog, no tenant more than its share."""

from __future__ import annotations

from collections.abc import Callable

from redis import Redis

from calbridge.jobs import admission
from calbridge.jobs.admission import Admission, Admitted, pace_key, triggers_key, waiting_key, workers_key
from calbridge.jobs.queues import queue


def admit(gate: Admission, tenant: str, name: str, number: int = 1) -> Admitted:
    return gate.admit("realtime", tenant, name, f"sync_{name}_{number}", "sync", tenant, name)


def waiting(redis: Redis) -> list[str]:
    return queue("realtime", redis).job_ids


def test_an_integration_waits_once_and_again_when_its_job_has_begun(redis: Redis) -> None:
    gate = Admission(redis)
    assert admit(gate, "acme", "i1", 1) is Admitted.YES
    assert admit(gate, "acme", "i1", 2) is Admitted.ALREADY
    assert waiting(redis) == ["sync_i1_1"]
    gate.begin("realtime", "acme", "i1", "sync_i1_1")
    assert admit(gate, "acme", "i1", 2) is Admitted.YES
    assert waiting(redis) == ["sync_i1_1", "sync_i1_2"]


def test_a_job_carries_ids_and_nothing_else_and_is_kept_by_nobody(redis: Redis) -> None:
    admit(Admission(redis), "acme", "i1")
    (job,) = queue("realtime", redis).jobs
    assert (job.func_name, job.args, job.kwargs) == ("calbridge.jobs.tasks.sync", ["acme", "i1"], {})
    assert (job.result_ttl, job.failure_ttl, job.timeout, job.retries_left) == (0, 0, -1, None)
    assert b"pickle" not in job.data
    assert job.data.startswith(b'["calbridge.jobs.tasks.sync"')


def fill(gate: Admission, tenant: str, most: int = 1000) -> int:
    """How many of a tenant get in."""
    for number in range(most):
        if admit(gate, tenant, f"{tenant}{number}") is not Admitted.YES:
            return number
    return most


def test_a_tenant_gets_half_and_the_next_one_the_rest(redis: Redis) -> None:
    gate = Admission(redis)
    room = round(admission.BACKLOG_SECONDS / admission.GUESS)
    assert fill(gate, "acme") == (room + 1) // 2
    assert admit(gate, "acme", "more") is Admitted.ENOUGH
    assert admit(gate, "other", "i1") is Admitted.YES
    assert fill(gate, "third") > 0
    fill(gate, "fourth")
    assert admit(gate, "fifth", "i1") is Admitted.FULL
    assert len(waiting(redis)) == room


def test_a_queue_is_as_long_as_its_workers_are_quick(redis: Redis) -> None:
    gate = Admission(redis)

    def room(*, workers: int, seconds: float) -> int:
        redis.flushall()
        for number in range(workers):
            gate.present(f"w{number}", ["realtime"])
        redis.set(pace_key("realtime"), seconds)
        return sum(fill(gate, tenant) for tenant in ("a", "b", "c", "d"))

    assert room(workers=1, seconds=0.03) == 50
    assert room(workers=4, seconds=0.03) == 200
    assert room(workers=1, seconds=30) == admission.LEAST
    assert room(workers=64, seconds=0.001) == admission.MOST


def test_the_pace_follows_what_jobs_take(redis: Redis) -> None:
    gate = Admission(redis)
    gate.ended("realtime", 2.0)
    assert float(redis.get(pace_key("realtime"))) == 2.0
    for _ in range(60):
        gate.ended("realtime", 0.5)
    assert 0.5 < float(redis.get(pace_key("realtime"))) < 0.6


def test_a_job_that_was_lost_keeps_nobody_out_for_long(redis: Redis) -> None:
    gate = Admission(redis)
    admit(gate, "acme", "i1")
    redis.delete("rq:queue:realtime")
    key = waiting_key("realtime", "acme")
    assert admit(gate, "acme", "i1") is Admitted.ALREADY
    (_, until), now = redis.zrange(key, 0, -1, withscores=True)[0], redis.time()[0]
    assert now <= until <= now + admission.WAITS
    redis.zadd(key, {"i1": now - 1})
    assert admit(gate, "acme", "i1") is Admitted.YES


def test_a_worker_that_is_silent_does_not_count(redis: Redis) -> None:
    gate = Admission(redis)
    gate.present("w1", ["realtime", "bulk"])
    redis.zadd(workers_key("realtime"), {"dead": redis.time()[0] - 1})
    gate.present("w2", ["realtime"])
    assert redis.zrange(workers_key("realtime"), 0, -1) == [b"w1", b"w2"]
    gate.absent("w1", ["realtime", "bulk"])
    assert redis.zrange(workers_key("realtime"), 0, -1) == [b"w2"]


def test_mark_and_job_come_together(
    redis: Redis,
) -> None:
    gate = Admission(redis)
    checks: list[Callable[[], bool]] = [
        lambda: bool(redis.exists("rq:job:sync_i1_1")),
        lambda: waiting(redis) == ["sync_i1_1"],
        lambda: redis.zcard(waiting_key("realtime", "acme")) == 1,
    ]
    assert [check() for check in checks] == [False] * 3
    admit(gate, "acme", "i1")
    assert [check() for check in checks] == [True] * 3


def test_a_job_of_the_same_name_that_is_at_work_is_left_alone(redis: Redis) -> None:
    gate = Admission(redis)
    admit(gate, "acme", "i1", 7)
    redis.lpop("rq:queue:realtime")
    gate.begin("realtime", "acme", "i1", "sync_i1_7")
    before = redis.hgetall("rq:job:sync_i1_7")
    assert admit(gate, "acme", "i1", 7) is Admitted.YES
    (second,) = waiting(redis)
    assert second.startswith("sync_i1_7_")
    assert redis.hgetall("rq:job:sync_i1_7") == before
    # What a killed worker leaves behind goes by itself.
    assert {0 < redis.ttl(key) <= admission.KEPT for key in redis.keys("rq:job:*")} == {True}


def test_an_integration_that_is_triggered_without_end_is_left_to_the_sweep(redis: Redis) -> None:
    gate = Admission(redis)

    def trigger(name: str, number: int) -> Admitted:
        ids = ("acme", name)
        return gate.admit("realtime", "acme", name, f"sync_{name}_{number}", "sync", *ids, triggered=True)

    got = [trigger("i1", number) for number in range(500)]
    assert got[0] is Admitted.YES
    assert set(got[1 : admission.TRIGGERS]) == {Admitted.ALREADY}
    assert set(got[-200:]) == {Admitted.LATER}
    gate.begin("realtime", "acme", "i1", "sync_i1_0")
    assert trigger("i1", 501) is Admitted.LATER
    assert trigger("i2", 1) is Admitted.YES
    assert admit(gate, "acme", "i1", 502) is Admitted.YES
    gate.begin("realtime", "acme", "i1", "sync_i1_502")
    # However long it went on, half a second later it is as any other.
    redis.decrby(triggers_key("acme", "i1"), 500_000)
    assert trigger("i1", 503) is Admitted.YES
    assert 0 < redis.ttl(triggers_key("acme", "i1")) <= 60


def test_somebody_who_writes_one_thing_after_the_other_is_served_at_once(redis: Redis) -> None:
    gate = Admission(redis)
    for number in range(100):
        ids = ("acme", "i1")
        got = gate.admit("realtime", "acme", "i1", f"sync_i1_{number}", "sync", *ids, triggered=True)
        assert got is Admitted.YES
        redis.lpop("rq:queue:realtime")
        gate.begin("realtime", "acme", "i1", f"sync_i1_{number}")
        redis.decrby(triggers_key("acme", "i1"), 1_000_000 // admission.TRIGGERS_A_SECOND)
