"""The scheduler: a small loop that finds what is due, over and over, through outages of Redis and of the database.

Each duty claims its time slot in the database, so any number of schedulers may run; if all are gone, nothing new is
found, and nothing is lost.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from calbridge.errors import CalbridgeError, DatabaseUnusable, RedisUnusable
from calbridge.jobs.queues import QueueName, Queues, deliver_call, open_redis, probe_call, sync_call
from calbridge.log import get_logger
from calbridge.service import heartbeats
from calbridge.service.deliveries import webhooks_due
from calbridge.service.parts import Parts
from calbridge.service.recoveries import cut_off_now, resume_lost
from calbridge.service.sweeping import claim_slot, due_now, forget_processes
from calbridge.service.tick import forget

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Duty:
    """Something done every so many seconds by one of the schedulers."""

    name: str
    seconds: float
    act: Callable[[], object]


class Scheduler:
    """All duties of an installation."""

    def __init__(self, parts: Parts, queues: Queues) -> None:
        self._parts = parts
        self._queues = queues
        self._id = f"scheduler-{secrets.token_hex(6)}"
        self._started: datetime = parts.clock.now()
        self._end = threading.Event()
        self._duties = (
            Duty("sweep", 1, self.sweep),
            Duty("deliveries", 1, self.look_for_deliveries),
            Duty("resume", 5, lambda: resume_lost(parts)),
            Duty("recoveries", 15, self.look_for_recoveries),
            Duty("retention", 3600, self.forget),
        )

    def stop(self) -> None:
        """End after the present round."""
        self._end.set()

    def run(self) -> None:
        """Do all duties until :meth:`stop`."""
        beaten: datetime | None = None
        while not self._end.is_set():
            now = self._parts.clock.now()
            if beaten is None or now - beaten >= heartbeats.EVERY:
                self._safely("heartbeat", self._beat)
                beaten = now
            self.round()
            self._end.wait(1.0)
        self._safely("heartbeat", lambda: heartbeats.last_beat(self._parts, self._id))

    def round(self) -> None:
        """Each duty whose slot is free, once; one that fails stops no other."""
        for duty in self._duties:
            self._safely(duty.name, lambda duty=duty: self._claim_and_do(duty))  # type: ignore[misc]

    def sweep(self) -> int:
        """Queue what is due, tenants in turn; how many jobs."""
        queued = 0
        for each in due_now(self._parts):
            name = QueueName.BULK if each.bulk else QueueName.DEFAULT if each.polled else QueueName.REALTIME
            queued += self._queues.put(name, sync_call(each.tenant_id, each.integration_id, each.due_no))
        return queued

    def look_for_recoveries(self) -> None:
        """Have outages looked at."""
        for tenant, integration_id in cut_off_now(self._parts):
            self._queues.put(QueueName.DEFAULT, probe_call(tenant, integration_id))

    def look_for_deliveries(self) -> None:
        """Have webhooks told what they are still to be told."""
        for tenant, webhook_id in webhooks_due(self._parts):
            self._queues.put(QueueName.WEBHOOKS, deliver_call(tenant, webhook_id))

    def forget(self) -> None:
        """Forget what is too old."""
        counts = forget(self._parts)
        forget_processes(self._parts)
        log.info("forgotten", **{name: count for name, count in counts.items() if count})

    def _claim_and_do(self, duty: Duty) -> None:
        if claim_slot(self._parts, duty.name, duty.seconds, self._id):
            duty.act()

    def _beat(self) -> None:
        heartbeats.beat(self._parts, self._id, "scheduler", self._started)

    def _safely(self, name: str, act: Callable[[], object]) -> None:
        try:
            act()
        except (DatabaseUnusable, RedisUnusable) as error:
            log.warning("duty_postponed", duty=name, code=error.code, detail=error.detail)
        except CalbridgeError as error:
            log.error("duty_failed", duty=name, code=error.code, exc_info=error)
        except Exception as error:
            log.error("duty_broke", duty=name, exc_info=error)


def make_scheduler(parts: Parts) -> Scheduler:
    """A scheduler over the Redis of the settings."""
    url = parts.settings.redis_url
    assert url is not None, "a scheduler needs a Redis"
    return Scheduler(parts, Queues(open_redis(url)))
