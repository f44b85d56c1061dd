"""One worker process: it opens its own database and Redis after the fork, and works until it is told to stop."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FrameType

from redis.exceptions import RedisError
from rq.exceptions import StopRequested

from calbridge.connectors.registry import Registry
from calbridge.errors import CalbridgeError, RedisUnusable
from calbridge.jobs import tasks
from calbridge.jobs.admission import Admission
from calbridge.jobs.budgets import RedisBudgets
from calbridge.jobs.connections import patient, quick, required_url
from calbridge.jobs.dispatcher import RedisDispatcher
from calbridge.jobs.rq_worker import TaskWorker
from calbridge.jobs.timekeeping import Timekeeper
from calbridge.log import bound, get_logger
from calbridge.service.heartbeats import EVERY, beat, last_beat
from calbridge.service.parts import Actor, Parts, open_parts
from calbridge.settings import Settings

FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0
"""Between tries to reach Redis."""
RQ_LOGGERS = ("rq", "rq.worker")
"""The second has a level of its own from its import on."""

log = get_logger(__name__)


@dataclass
class _Process:
    """What the handler of signals reaches."""

    ending: threading.Event = field(default_factory=threading.Event)
    worker: TaskWorker | None = None

    def end(self, _number: int, _frame: FrameType | None) -> None:
        if not self.ending.is_set():
            self.ending.set()
            if self.worker is not None:
                self.worker.ask_to_stop()


def run_child(settings: Settings, registry: Registry, queues: Sequence[str], timekeeper: Timekeeper) -> None:
    """The whole life of a worker process. Raises SettingsInvalid, DatabaseUnusable."""
    process = _Process()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, process.end)
    for each in RQ_LOGGERS:
        # Five lines for every job otherwise.
        logging.getLogger(each).setLevel(logging.WARNING)
    name = f"worker-{socket.gethostname()}-{os.getpid()}-{time.time_ns() // 1_000_000}"
    url = required_url(settings)
    dispatcher = RedisDispatcher(quick(url))
    budgets = RedisBudgets(quick(url))
    opened = open_parts(settings, registry=registry, dispatcher=dispatcher, budgets=budgets)
    with opened as parts, bound(worker=name):
        parts = parts.acting(Actor("job"))
        admission = Admission(quick(url))
        tasks.furnish(tasks.Bench(parts, admission, process.ending.is_set, timekeeper))
        life = threading.Thread(
            target=_tell_of_life, args=(parts, admission, name, queues, process.ending), daemon=True
        )
        life.start()
        log.info("worker_started", queues=list(queues))
        with contextlib.suppress(StopRequested):
            _work(url, queues, name, process)
        process.worker = None
        process.ending.set()
        life.join(timeout=5.0)
        log.info("worker_stopped")


def _work(url: str, queues: Sequence[str], name: str, process: _Process) -> None:
    pause = FIRST_PAUSE
    while not process.ending.is_set():
        begun = time.monotonic()
        try:
            process.worker = TaskWorker(list(queues), patient(url), f"{name}-{int(begun * 1000)}")
            process.worker.work()
        except (RedisError, OSError) as error:
            log.warning("redis_unusable", cause=type(error).__name__)
        # RQ ends its loop where Redis fails; so it is begun anew, a little later each time it fails at once.
        pause = FIRST_PAUSE if time.monotonic() - begun > LONGEST_PAUSE else min(LONGEST_PAUSE, pause * 2)
        process.ending.wait(pause)


def _tell_of_life(
    parts: Parts, admission: Admission, name: str, queues: Sequence[str], ending: threading.Event
) -> None:
    """Tell the database and Redis every few seconds that this worker is there."""
    started = parts.clock.now()
    while not ending.is_set():
        with contextlib.suppress(RedisUnusable):
            admission.present(name, queues)
        try:
            beat(parts, name, "worker", started, queues=list(queues), pid=os.getpid())
        except CalbridgeError as error:
            log.warning("no_heartbeat", code=error.code)
        ending.wait(EVERY.total_seconds())
    with contextlib.suppress(RedisUnusable):
        admission.absent(name, queues)
    with contextlib.suppress(CalbridgeError):
        last_beat(parts, name)
