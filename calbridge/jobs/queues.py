"""The queues, and how a job gets into one: named by what it does, a few per tenant, never waiting for Redis."""

from __future__ import annotations

import enum
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

from calbridge.errors import RedisUnusable

PATIENCE = 0.25
"""Seconds that an enqueue waits for Redis: the request that causes it succeeds all the same."""
BACKLOG = 500
"""Jobs that may wait in one queue; the sweep brings the others when there is room."""
PER_TENANT = 50
"""Jobs of one tenant that may wait or run in one queue."""
FORGOTTEN = 150.0
"""Seconds after which a job that nobody ended is not counted any more: a slice and the time for its last request."""
RESERVED = 5.0
"""Seconds for which a place is kept for a job that is about to be queued: an answer that is lost costs no more."""
TIME_LIMIT = 300
"""Seconds after which a job is stopped: slices end long before, so it hangs."""
PREFIX = "calbridge:open"

_ADMIT = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('ZSCORE', KEYS[1], ARGV[3]) then return 0 end
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[4]) then return 0 end
if redis.call('LLEN', KEYS[2]) >= tonumber(ARGV[5]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[3])
redis.call('EXPIRE', KEYS[1], ARGV[6])
return 1
"""


class QueueName(enum.StrEnum):
    """What waits where. Queues of a worker are served strictly in their order."""

    REALTIME = "realtime"
    """Something changed, or somebody asked."""
    DEFAULT = "default"
    """Polls, retries, recoveries."""
    BULK = "bulk"
    """First runs and ranges."""
    WEBHOOKS = "webhooks"
    """What others are told: webhooks and mails."""


ALL = tuple(QueueName)
WITHOUT_BULK = tuple(name for name in QueueName if name is not QueueName.BULK)


@dataclass(frozen=True, slots=True)
class Call:
    """A job: a task of the allow-list with its ids, under a name that is the same for the same work."""

    task: str
    tenant: str
    arguments: tuple[str, ...]
    name: str


def open_redis(url: str, *, patience: float | None = PATIENCE) -> Redis:
    """A connection pool; ``patience`` of None waits as blocking reads must."""
    options: dict[str, Any] = {"socket_connect_timeout": patience or 5.0, "retry": None}
    if patience is not None:
        options |= {"socket_timeout": patience}
    return Redis.from_url(url, **options)


class Queues:
    """The queues of an installation."""

    def __init__(self, redis: Redis, *, backlog: int = BACKLOG, per_tenant: int = PER_TENANT) -> None:
        self.redis = redis
        self._backlog = backlog
        self._per_tenant = per_tenant
        self._admit = redis.register_script(_ADMIT)
        self._queues = {name: Queue(name.value, connection=redis, serializer=JSONSerializer) for name in QueueName}

    def put(self, name: QueueName, call: Call) -> bool:
        """Queue a job unless it waits already, its tenant has many there, or the queue is full; whether it was queued.

        :raises RedisUnusable: Redis did not answer in time.
        """
        now, queue = time.time(), self._queues[name]
        try:
            admitted = self._admit(
                keys=[_open(name, call.tenant), queue.key],
                args=[now, now + RESERVED, call.name, self._per_tenant, self._backlog, int(FORGOTTEN) * 2],
            )
            if not admitted:
                return False
            with self.redis.pipeline() as pipe:
                queue.enqueue_call(
                    call.task,
                    args=(name.value, *call.arguments),
                    timeout=TIME_LIMIT,
                    result_ttl=0,
                    failure_ttl=0,
                    job_id=call.name,
                    pipeline=pipe,
                )
                pipe.zadd(_open(name, call.tenant), {call.name: now + FORGOTTEN})
                pipe.execute()
        except (RedisError, OSError) as error:
            raise RedisUnusable(type(error).__name__) from error
        return True

    def ended(self, name: str, tenant: str, call_name: str) -> None:
        """A job is over, however it went. Nothing happens where Redis is gone: it is forgotten by itself."""
        try:
            self.redis.zrem(_open(QueueName(name), tenant), call_name)
        except (RedisError, OSError):
            return

    def lengths(self) -> Mapping[str, int]:
        """Jobs that wait, by queue. :raises RedisUnusable: Redis did not answer in time."""
        try:
            with self.redis.pipeline(transaction=False) as pipe:
                for queue in self._queues.values():
                    pipe.llen(queue.key)
                return dict(zip((name.value for name in QueueName), pipe.execute(), strict=True))
        except (RedisError, OSError) as error:
            raise RedisUnusable(type(error).__name__) from error


def _open(name: QueueName, tenant: str) -> str:
    return f"{PREFIX}:{name.value}:{tenant}"


def sync_call(tenant: str, integration_id: str, due_no: int) -> Call:
    """Carry out what an integration has to do; one job for each trigger's number."""
    return Call("calbridge.jobs.tasks.sync", tenant, (tenant, integration_id), f"sync_{integration_id}_{due_no}")


def probe_call(tenant: str, integration_id: str) -> Call:
    """Look whether an outage is over."""
    return Call("calbridge.jobs.tasks.probe", tenant, (tenant, integration_id), f"probe_{integration_id}")


def deliver_call(tenant: str, webhook_id: str) -> Call:
    """Send what a webhook is still to be told."""
    return Call("calbridge.jobs.tasks.deliver", tenant, (tenant, webhook_id), f"deliver_{webhook_id}")


def deliver_all_call(tenant: str) -> Call:
    """Send what all webhooks of a tenant are still to be told."""
    return Call("calbridge.jobs.tasks.deliver_all", tenant, (tenant,), f"deliver_all_{tenant}")
