"""One worker process: takes jobs one after the other and carries them out in this very process.

No fork per job: it would make the database pool and the connectors anew each time. A job that hangs is stopped by its
time limit; a process that dies is started again by whoever started it, and what it was at is resumed after its lease.
"""

from __future__ import annotations

import os
import secrets
import signal
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from types import FrameType
from typing import Any

from redis import Redis
from rq import Queue, SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from calbridge.errors import CalbridgeError, DatabaseUnusable
from calbridge.jobs.queues import QueueName, Queues, open_redis
from calbridge.jobs.tasks import TASKS, Here, work_here
from calbridge.log import bound, get_logger
from calbridge.service import heartbeats
from calbridge.service.parts import Parts

log = get_logger(__name__)


class ListedJob(Job):
    """A job of the allow-list; anything else is refused before it is imported."""

    @property
    def func(self) -> Any:
        """The task. :raises PermissionError: it is not on the list."""
        name = self.func_name
        if name is None or name not in TASKS:
            raise PermissionError("a task that is not on the list")
        return TASKS[name]


class _Worker(SimpleWorker):
    """Runs listed jobs, keeps nothing of them, and tells the log what went wrong."""

    job_class = ListedJob

    def __init__(self, here: Here, queues: Sequence[Queue], connection: Redis) -> None:
        super().__init__(
            queues,
            name=f"calbridge_{os.getpid()}_{secrets.token_hex(4)}",
            connection=connection,
            serializer=JSONSerializer,
            log_job_description=False,
            exception_handlers=[_tell],
            disable_default_exception_handler=True,
        )
        self._here = here

    def execute_job(self, job: Job, queue: Queue) -> None:
        """One job, counted until it is over."""
        try:
            with bound(job=job.id):
                super().execute_job(job, queue)
        finally:
            arguments = job.args or ()
            tenant = arguments[1] if len(arguments) > 1 else ""
            self._here.queues.ended(queue.name, tenant, job.id)

    def _install_signal_handlers(self) -> None:
        """Left to :func:`work`, which lets a run yield at its next page."""


def _tell(job: Job, kind: type[BaseException], error: BaseException, trace: object) -> bool:
    code = error.code if isinstance(error, CalbridgeError) else "internal_error"
    log.error("job_failed", job=job.id, code=code, exc_info=error)
    return False


def work(parts: Parts, names: Sequence[QueueName], *, burst: bool = False) -> None:
    """Carry out jobs of these queues, strictly in this order, until SIGTERM or SIGINT; ``burst``: until none waits.

    Call it in a process that connected nothing before. Survives a Redis or a database that goes away.
    """
    url = parts.settings.redis_url
    assert url is not None, "a worker needs a Redis"
    here = Here(parts, Queues(open_redis(url)))
    work_here(here)
    redis = open_redis(url, patience=None)
    worker = _Worker(here, [Queue(name.value, connection=redis, serializer=JSONSerializer) for name in names], redis)
    _stop_with(here, worker)
    with Beating(parts, names):
        while True:
            try:
                worker.work(burst=burst, logging_level="ERROR", with_scheduler=False)
            except Exception as error:
                # Redis went away for longer than the library waits; it is tried again.
                log.warning("worker_interrupted", error=type(error).__name__)
                if here.stopping or burst:
                    raise
                threading.Event().wait(1.0)
                continue
            return


def _stop_with(here: Here, worker: _Worker) -> None:
    def stop(number: int, frame: FrameType | None) -> None:
        here.stopping = True
        worker._stop_requested = True

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)


class Beating:
    """Signs of life while a worker works, whatever its job does."""

    def __init__(self, parts: Parts, names: Sequence[QueueName]) -> None:
        self._parts = parts
        self._names = [name.value for name in names]
        self._id = f"worker-{secrets.token_hex(6)}"
        self._started: datetime = parts.clock.now()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join(5)
        _quietly(lambda: heartbeats.last_beat(self._parts, self._id))

    def _beat(self) -> None:
        while True:
            _quietly(
                lambda: heartbeats.beat(
                    self._parts, self._id, "worker", self._started, queues=self._names, pid=os.getpid()
                )
            )
            if self._end.wait(heartbeats.EVERY.total_seconds()):
                return


def _quietly(act: Callable[[], None]) -> None:
    try:
        act()
    except DatabaseUnusable as error:
        log.warning("no_heartbeat", code=error.code)
