"""Quotas counted in Redis, for all workers of an installation together."""

from __future__ import annotations

import time
from collections.abc import Sequence

from redis import Redis
from redis.commands.core import Script
from redis.exceptions import RedisError

from calbridge.log import get_logger
from calbridge.service.budgets import Budget

REST_SECONDS = 1.0
"""After a failure nobody is asked for so long."""

# The generic cell rate algorithm, in microseconds: what was sent is one moment, up to which the quota is used. All
# budgets are looked at before any is counted.
_TAKE = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local calls = tonumber(ARGV[2 * #KEYS + 1])
local wait = 0
local moments = {}
for number, key in ipairs(KEYS) do
  local requests, span = tonumber(ARGV[2 * number - 1]), tonumber(ARGV[2 * number])
  local step = span / requests * math.min(requests, calls)
  local used = math.max(now, tonumber(redis.call('GET', key) or 0))
  wait = math.max(wait, used + step - span - now)
  moments[number] = used + step
end
if wait > 0 then return math.ceil(wait) end
for number, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.0f', moments[number]), 'PX', math.ceil(ARGV[2 * number] / 1000) + 1000)
end
return 0
"""

log = get_logger(__name__)


class RedisBudgets:
    """See :class:`calbridge.service.budgets.Budgets`; shared by the threads of a process, made after a fork."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._take: Script = redis.register_script(_TAKE)
        self._resting_until = 0.0

    def take(self, budgets: Sequence[Budget], calls: int = 1) -> float:
        """See Budgets. More calls than a budget has at all are taken for all it has."""
        if time.monotonic() < self._resting_until:
            return 0.0
        spans = [part for each in budgets for part in (each.requests, int(each.seconds * 1_000_000))]
        try:
            return int(self._take(keys=[key_of(each) for each in budgets], args=[*spans, calls])) / 1_000_000
        except (RedisError, OSError) as error:
            self._resting_until = time.monotonic() + REST_SECONDS
            log.warning("not_counted", cause=type(error).__name__)
            return 0.0

    def used(self, budgets: Sequence[Budget]) -> Sequence[float] | None:
        """See Budgets."""
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                pipeline.time()
                for each in budgets:
                    pipeline.get(key_of(each))
                (seconds, micros), *moments = pipeline.execute()
        except (RedisError, OSError):
            return None
        now = seconds + micros / 1_000_000
        left = [0.0 if told is None else max(0.0, int(told) / 1_000_000 - now) for told in moments]
        return [round(min(1.0, each / budget.seconds), 3) for each, budget in zip(left, budgets, strict=True)]


def key_of(budget: Budget) -> str:
    """Where a budget is counted."""
    return f"calbridge:budget:{budget.name}"
