"""Tells the workers, after the commit, that there is something to do. It may fail: the sweep finds what is due."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping

from redis import Redis

from calbridge.errors import RedisUnusable
from calbridge.jobs.admission import Admission
from calbridge.jobs.budgets import RedisBudgets
from calbridge.jobs.connections import quick
from calbridge.jobs.queues import BULK, DEFAULT, REALTIME, WEBHOOKS
from calbridge.log import get_logger
from calbridge.service.budgets import Budgets, NoBudgets
from calbridge.service.parts import Dispatcher, NoDispatcher
from calbridge.settings import Settings
from calbridge.store.changes import Raised

REST_SECONDS = 1.0
"""After a failure nobody is asked for so long: a hung Redis costs one request its quarter of a second, not each."""

log = get_logger(__name__)


def make_dispatcher(settings: Settings) -> Dispatcher:
    """The dispatcher that the settings describe; connects at its first use. Without a Redis: nobody is told."""
    return NoDispatcher() if settings.redis_url is None else RedisDispatcher(quick(settings.redis_url))


def make_budgets(settings: Settings) -> Budgets:
    """Who counts requests against the services' quotas. Without a Redis: nobody."""
    return NoBudgets() if settings.redis_url is None else RedisBudgets(quick(settings.redis_url))


class RedisDispatcher:
    """Enqueues at once; shared by the threads of a process, made after a fork."""

    def __init__(self, redis: Redis) -> None:
        self._admission = Admission(redis)
        self._resting_until = 0.0

    def due(self, tenant: str, raised: Collection[Raised], *, urgent: bool = True) -> None:
        """See Dispatcher."""
        for each in raised:
            if time.monotonic() < self._resting_until:
                return
            queue = BULK if each.bulk else REALTIME if urgent else DEFAULT
            try:
                self._sync(queue, tenant, each, triggered=urgent)
            except RedisUnusable as error:
                self._rest(tenant, error)

    def deliveries(self, tenant: str) -> None:
        """See Dispatcher."""
        if time.monotonic() < self._resting_until:
            return
        try:
            self._admission.admit(WEBHOOKS, tenant, "all", f"deliver_all_{tenant}", "deliver_all", tenant)
        except RedisUnusable as error:
            self._rest(tenant, error)

    def queued(self) -> Mapping[str, int] | None:
        """See Dispatcher."""
        try:
            return self._admission.lengths()
        except RedisUnusable:
            return None

    def _rest(self, tenant: str, error: RedisUnusable) -> None:
        self._resting_until = time.monotonic() + REST_SECONDS
        log.warning("not_enqueued", tenant=tenant, code=error.code, detail=error.detail)

    def _sync(self, queue: str, tenant: str, raised: Raised, *, triggered: bool) -> None:
        member, ids = raised.integration_id, (tenant, raised.integration_id)
        job_id = f"sync_{member}_{raised.due_no}"
        self._admission.admit(queue, tenant, member, job_id, "sync", *ids, triggered=triggered)
