"""RQ's worker as we use it: no fork for a job, no limit inside it, no orders by Redis, one plain word to stop."""

from __future__ import annotations

from types import FrameType
from typing import Any

from redis import Redis
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.timeouts import BaseDeathPenalty

from calbridge.jobs.queues import BULK, TaskJob, queue

TTL = 20
"""Seconds from which RQ makes its waits: a call for a job ends after a quarter of them, also where Redis hangs."""
BULK_TURN = 4
"""Every so many jobs long work comes first: short work alone shall not keep it waiting for ever."""


class NoDeathPenalty(BaseDeathPenalty):
    """Jobs are not interrupted (see :data:`calbridge.jobs.queues.NO_LIMIT`)."""

    def setup_death_penalty(self) -> None:
        """Nothing."""

    def cancel_death_penalty(self) -> None:
        """Nothing."""


class TaskWorker(SimpleWorker):
    """Works until :meth:`ask_to_stop`; a job at work comes to its end first."""

    death_penalty_class = NoDeathPenalty

    def __init__(self, names: list[str], redis: Redis, name: str) -> None:
        super().__init__(
            [queue(each, redis) for each in names],
            name=name,
            connection=redis,
            job_class=TaskJob,
            serializer=JSONSerializer,
            worker_ttl=TTL,
            log_job_description=False,
        )
        self._at_work = False
        self._taken = 0

    def ask_to_stop(self) -> None:
        """From a handler of a signal. Raises StopRequested where no job is at work."""
        self._stop_requested = True
        if not self._at_work:
            raise StopRequested

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job here."""
        self._at_work = True
        try:
            super().execute_job(job, queue)
        finally:
            self._at_work = False

    def reorder_queues(self, reference_queue: Queue) -> None:
        """Strictly in order, but long work comes first now and then."""
        self._taken += 1
        first = self._taken % BULK_TURN == 0
        self._ordered_queues = sorted(self.queues, key=lambda each: first and each.name != BULK)

    def bootstrap(self, *_given: Any, **_named: Any) -> None:
        """RQ's own start without its way of logging and without listening for orders."""
        self.register_birth()  # type: ignore[no-untyped-call]
        self.set_state("started")

    def subscribe(self) -> None:
        """Nobody gives orders by Redis."""

    def unsubscribe(self) -> None:
        """Nobody gives orders by Redis."""

    def procline(self, message: str) -> None:
        """The process keeps its name."""

    def _install_signal_handlers(self) -> None:
        """The process has its own."""

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """The process has its own handlers."""
        self.ask_to_stop()
