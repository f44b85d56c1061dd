"""Telling workers, after the commit, what there is to do. It may fail: the sweep finds what was not told."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from calbridge.errors import RedisUnusable
from calbridge.jobs.queues import QueueName, Queues, deliver_all_call, open_redis, sync_call
from calbridge.log import get_logger
from calbridge.service.parts import Dispatcher, NoDispatcher
from calbridge.settings import Settings
from calbridge.store.changes import Raised

log = get_logger(__name__)
MANY = 20
"""Integrations told at once; the sweep brings the rest in turns."""


class RedisDispatcher:
    """See :class:`calbridge.service.parts.Dispatcher`."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues

    def due(self, tenant: str, raised: Collection[Raised], *, urgent: bool = True) -> None:
        """Into ``realtime`` where something changed, into ``bulk`` what takes long."""
        try:
            for each in list(raised)[:MANY]:
                name = QueueName.BULK if each.bulk else QueueName.REALTIME if urgent else QueueName.DEFAULT
                self._queues.put(name, sync_call(tenant, each.integration_id, each.due_no))
        except RedisUnusable as error:
            log.warning("not_enqueued", code=error.code, detail=error.detail)

    def deliveries(self, tenant: str) -> None:
        """Webhooks of this tenant have something to deliver."""
        try:
            self._queues.put(QueueName.WEBHOOKS, deliver_all_call(tenant))
        except RedisUnusable as error:
            log.warning("not_enqueued", code=error.code, detail=error.detail)

    def queued(self) -> Mapping[str, int] | None:
        """How many jobs wait, by queue."""
        try:
            return self._queues.lengths()
        except RedisUnusable:
            return None


def make_dispatcher(settings: Settings) -> Dispatcher:
    """One that knows the Redis of the settings; without one nobody is told, and a tick finds what is due."""
    if settings.redis_url is None:
        return NoDispatcher()
    return RedisDispatcher(Queues(open_redis(settings.redis_url)))
