"""Who may wait in a queue. A queue is served in its order, so fairness is a matter of who gets in:

- an integration waits at most once in a queue, whatever happens to it meanwhile;
- a queue holds no more than its workers do in about a second and a half, by what runs took lately;
- a tenant has at most half of that;
- an integration that is triggered faster than anybody could look is left to the sweep, which comes once a second: a
  burst of triggers is a few runs.

Who does not get in stays due in the database, where the sweep takes tenants in turn.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import Enum

from redis import Redis
from redis.commands.core import Script
from redis.exceptions import RedisError

from calbridge.errors import RedisUnusable
from calbridge.jobs.queues import ALL, new_job

BACKLOG_SECONDS = 1.5
LEAST, MOST = 4, 400
"""Jobs that a queue holds at least and at most."""
WAITS = 15
"""Seconds after which a job that never began counts as lost."""
KEPT = 24 * 3600
"""Seconds for which Redis keeps a job that nobody ends, as a worker that was killed can't."""
PRESENT = 30
"""Seconds for which a worker that told of itself counts as present."""
JOB = "rq:job:"
TRIGGERS, TRIGGERS_A_SECOND = 20, 5
"""What one integration may be triggered at once, and for ever, before it is left to the sweep."""
GUESS = 0.1
"""Seconds a job takes, before any was seen."""
WEIGHT = 0.1
"""Of the latest job in the average."""

_ADMIT = """
local time = redis.call('TIME')
local now = tonumber(time[1])
if tonumber(ARGV[9]) > 0 then
  local micros = time[1] * 1000000 + time[2]
  local most = micros + tonumber(ARGV[10]) * tonumber(ARGV[9])
  local level = math.max(micros, tonumber(redis.call('GET', KEYS[6]) or 0)) + tonumber(ARGV[9])
  redis.call('SET', KEYS[6], string.format('%.0f', math.min(level, most + 1)), 'EX', 60)
  if level > most then return -3 end
end
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
if redis.call('ZSCORE', KEYS[2], ARGV[1]) then return 0 end
local workers = math.max(1, redis.call('ZCOUNT', KEYS[3], now, '+inf'))
local seconds = math.max(0.001, tonumber(redis.call('GET', KEYS[4]) or ARGV[2]))
local room = math.ceil(workers * tonumber(ARGV[3]) / seconds)
room = math.min(tonumber(ARGV[5]), math.max(tonumber(ARGV[4]), room))
if redis.call('LLEN', KEYS[1]) >= room then return -1 end
if redis.call('ZCARD', KEYS[2]) >= math.ceil(room / 2) then return -2 end
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[6]), ARGV[1])
redis.call('EXPIRE', KEYS[2], tonumber(ARGV[6]) + 60)
local id = ARGV[7]
if redis.call('EXISTS', KEYS[5] .. id) == 1 then
  id = id .. '_' .. time[1] .. time[2]
end
redis.call('HSET', KEYS[5] .. id, unpack(ARGV, 11))
redis.call('EXPIRE', KEYS[5] .. id, tonumber(ARGV[8]))
redis.call('SADD', 'rq:queues', KEYS[1])
redis.call('RPUSH', KEYS[1], id)
return 1
"""
# Everything or nothing: a mark without its job would keep the integration out. A job of the same name may be at work
# still, or its worker may be dead: neither shall decide anything, so the new one gets a name of its own.

_ENDED = """
local before = tonumber(redis.call('GET', KEYS[1]) or ARGV[1])
local took = tonumber(ARGV[1])
redis.call('SET', KEYS[1], before + (took - before) * tonumber(ARGV[2]), 'EX', 3600)
"""


class Admitted(Enum):
    """What became of a job: it waits now, it waited already, the queue is full, the tenant has its share, it is
    triggered too often."""

    YES = 1
    ALREADY = 0
    FULL = -1
    ENOUGH = -2
    LATER = -3


class Admission:
    """Asks over one connection. Every call may raise RedisUnusable."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._admit: Script = redis.register_script(_ADMIT)
        self._ended: Script = redis.register_script(_ENDED)

    def admit(
        self, queue: str, tenant: str, member: str, job_id: str, task: str, *ids: str, triggered: bool = False
    ) -> Admitted:
        """Let a job wait in a queue, if it may.

        ``member``: of whom only one job may wait there; ``triggered``: something happened to it, which is counted.
        """
        leak = int(1_000_000 / TRIGGERS_A_SECOND) if triggered else 0
        job = new_job(self._redis, queue, job_id, task, *ids)
        job.origin = queue
        fields: list[bytes | str | int] = [part for pair in job.to_dict().items() for part in pair]
        limits = (GUESS, BACKLOG_SECONDS, LEAST, MOST, WAITS)
        keys = [
            f"rq:queue:{queue}",
            waiting_key(queue, tenant),
            workers_key(queue),
            pace_key(queue),
            JOB,
            triggers_key(tenant, member),
        ]
        with _asking():
            return Admitted(int(self._admit(keys=keys, args=[member, *limits, job.id, KEPT, leak, TRIGGERS, *fields])))

    def begin(self, queue: str, tenant: str, member: str, job_id: str) -> None:
        """A job leaves the queue: from now on another one may wait for whatever happens next."""
        with _asking(), self._redis.pipeline(transaction=False) as pipeline:
            pipeline.zrem(waiting_key(queue, tenant), member)
            pipeline.expire(JOB + job_id, KEPT)
            pipeline.execute()

    def ended(self, queue: str, seconds: float) -> None:
        """A job of this queue took so many seconds."""
        with _asking():
            self._ended(keys=[pace_key(queue)], args=[max(0.0, seconds), WEIGHT])

    def present(self, worker: str, queues: Sequence[str]) -> None:
        """This worker serves these queues; told every few seconds."""
        with _asking(), self._redis.pipeline(transaction=False) as pipeline:
            now = int(self._redis.time()[0])
            for each in queues:
                pipeline.zremrangebyscore(workers_key(each), "-inf", now)
                pipeline.zadd(workers_key(each), {worker: now + PRESENT})
            pipeline.execute()

    def absent(self, worker: str, queues: Sequence[str]) -> None:
        """This worker is leaving."""
        with _asking():
            for each in queues:
                self._redis.zrem(workers_key(each), worker)

    def lengths(self) -> dict[str, int]:
        """How many jobs wait, by queue."""
        with _asking(), self._redis.pipeline(transaction=False) as pipeline:
            for each in ALL:
                pipeline.llen(f"rq:queue:{each}")
            return dict(zip(ALL, pipeline.execute(), strict=True))


@contextmanager
def _asking() -> Iterator[None]:
    """What Redis does not answer, in our words. :raises RedisUnusable: it did not answer in time."""
    try:
        yield
    except (RedisError, OSError) as error:
        raise RedisUnusable(type(error).__name__) from error


def waiting_key(queue: str, tenant: str) -> str:
    """Who of a tenant waits in a queue, with the second until which that is believed."""
    return f"calbridge:waiting:{queue}:{tenant}"


def workers_key(queue: str) -> str:
    """Workers of a queue, with the second until which they count."""
    return f"calbridge:workers:{queue}"


def triggers_key(tenant: str, member: str) -> str:
    """How often an integration was triggered lately, as the moment in microseconds when that is forgotten."""
    return f"calbridge:triggers:{tenant}:{member}"


def pace_key(queue: str) -> str:
    """Seconds that a job of this queue took lately."""
    return f"calbridge:pace:{queue}"
