"""What a job may do: ids in, one call to a use case, nothing out. No failure reaches RQ, which would keep its text."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from rq import get_current_job

from calbridge.errors import CalbridgeError, RedisUnusable
from calbridge.jobs.admission import Admission
from calbridge.jobs.queues import BULK
from calbridge.jobs.timekeeping import Timekeeper
from calbridge.log import bound, get_logger
from calbridge.service import deliveries, notices, recoveries, requests, revoking, tick
from calbridge.service.parts import Parts
from calbridge.service.sweeping import forget_processes
from calbridge.service.sync import Stop
from calbridge.service.watching import keep_watch

BULK_SECONDS = 60.0
SHORT_SECONDS = 10.0
"""Slices of a run (DESIGN 6). What takes longer on a queue of short work goes on in the one for long work."""

DELIVERY_SECONDS = 30.0
"""For one webhook at a time; what is left comes again."""

log = get_logger(__name__)


@dataclass(frozen=True)
class Bench:
    """What the tasks of a worker process work with; ``stop`` ends a run at the next border of a page."""

    parts: Parts
    admission: Admission
    stop: Stop
    timekeeper: Timekeeper


_bench: list[Bench] = []


def furnish(bench: Bench) -> None:
    """Once, when the process begins."""
    _bench[:] = [bench]


def sync(tenant: str, integration_id: str) -> None:
    """Carry out what is due of an integration."""
    with _job(tenant, integration_id) as (bench, queue):
        seconds = BULK_SECONDS if queue == BULK else SHORT_SECONDS
        requests.carry_out(bench.parts, tenant, integration_id, budget_seconds=seconds, stop=bench.stop)


def probe(tenant: str, integration_id: str) -> None:
    """Look whether an outage is over."""
    with _job(tenant, f"probe-{integration_id}") as (bench, _):
        recoveries.probe(bench.parts, tenant, integration_id)


def watch(tenant: str, integration_id: str) -> None:
    """Look after the push subscriptions of an integration."""
    with _job(tenant, f"watch-{integration_id}") as (bench, _):
        keep_watch(bench.parts, tenant, integration_id)


def deliver(tenant: str, webhook_id: str) -> None:
    """Send what a webhook is still to be told."""
    with _job(tenant, webhook_id) as (bench, _):
        deliveries.deliver(bench.parts, tenant, webhook_id, budget_seconds=DELIVERY_SECONDS)


def deliver_all(tenant: str) -> None:
    """Send what the webhooks of a tenant are still to be told: the first here, the others by jobs of their own."""
    with _job(tenant, "all") as (bench, queue):
        waiting = [webhook_id for _, webhook_id in deliveries.webhooks_due(bench.parts, tenant)]
        for webhook_id in waiting[1:]:
            with suppress(RedisUnusable):
                bench.admission.admit(queue, tenant, webhook_id, f"deliver_{webhook_id}", "deliver", tenant, webhook_id)
        for webhook_id in waiting[:1]:
            deliveries.deliver(bench.parts, tenant, webhook_id, budget_seconds=DELIVERY_SECONDS)


def revoke(tenant: str, revocation_id: str) -> None:
    """End a grant that nobody uses any more."""
    with _job(tenant, revocation_id) as (bench, _):
        revoking.revoke(bench.parts, tenant, revocation_id)


def mail() -> None:
    """Send the mails that are due."""
    with _job("", "mail") as (bench, _):
        notices.send_notices(bench.parts, budget_seconds=DELIVERY_SECONDS)


def forget() -> None:
    """Forget what is too old."""
    with _job("", "forget") as (bench, _):
        counts = tick.forget(bench.parts)
        counts["processes"] = forget_processes(bench.parts)
        log.info("forgotten", **{name: number for name, number in counts.items() if number})


@contextmanager
def _job(tenant: str, member: str) -> Iterator[tuple[Bench, str]]:
    (bench,) = _bench
    job = get_current_job()
    queue = job.origin if job is not None else BULK
    begun = time.monotonic()
    bench.timekeeper.begin()
    job_id = job.id if job is not None else ""
    with bound(job=job_id):
        _tell(lambda: bench.admission.begin(queue, tenant, member, job_id))
        try:
            yield bench, queue
        except CalbridgeError as error:
            log.warning("job_failed", tenant=tenant, code=error.code)
        except Exception as error:
            log.error("job_broke", tenant=tenant, exc_info=error)
        bench.timekeeper.end()
        _tell(lambda: bench.admission.ended(queue, time.monotonic() - begun))


def _tell(told: Callable[[], None]) -> None:
    # What Redis does not learn costs a second, never work.
    with suppress(RedisUnusable):
        told()
