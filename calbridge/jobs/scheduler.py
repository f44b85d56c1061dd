"""The loop of duties. Any number of schedulers may run: each duty's slot is claimed in the database by one of them.

It survives outages of Redis and of the database: a turn that fails is logged, and the next one comes.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType

from calbridge.errors import CalbridgeError
from calbridge.jobs.admission import Admission
from calbridge.jobs.connections import quick, required_url
from calbridge.jobs.duties import DUTIES, Duty, Tools
from calbridge.log import bound, get_logger
from calbridge.service.heartbeats import EVERY, beat, last_beat
from calbridge.service.parts import Actor, Parts
from calbridge.service.sweeping import claim_slot
from calbridge.supervision.notify import take_socket, tell_ready

LONGEST_PAUSE = 5.0
"""After a turn that failed, at most."""

log = get_logger(__name__)


@dataclass
class _Timed:
    duty: Duty
    next_at: float = 0.0
    failures: int = 0


class Scheduler:
    """One scheduler over these parts; ends when it is asked to."""

    def __init__(self, parts: Parts, duties: Sequence[Duty] = DUTIES) -> None:
        self.name = f"scheduler-{socket.gethostname()}-{os.getpid()}-{time.time_ns() // 1_000_000}"
        self._parts = parts.acting(Actor("job"))
        self._tools = Tools(self._parts, Admission(quick(required_url(parts.settings))))
        self._ending = threading.Event()
        self._started = parts.clock.now()
        self._timed = [_Timed(each) for each in (*duties, Duty("heartbeat", EVERY.total_seconds(), self._beat))]

    def stop(self) -> None:
        """End after the present turn."""
        self._ending.set()

    def run(self) -> None:
        """Until :meth:`stop`."""
        with bound(scheduler=self.name):
            log.info("scheduler_started", duties=[each.duty.name for each in self._timed])
            while not self._ending.is_set():
                for each in self._timed:
                    if each.next_at <= time.monotonic():
                        self._turn(each)
                self._ending.wait(max(0.0, min(each.next_at for each in self._timed) - time.monotonic()))
            try:
                last_beat(self._parts, self.name)
            except CalbridgeError as error:
                log.warning("no_farewell", code=error.code)
            log.info("scheduler_stopped")

    def _turn(self, timed: _Timed) -> None:
        """One try of a duty. Raises nothing."""
        duty = timed.duty
        pause = duty.every
        try:
            if duty.name == "heartbeat" or claim_slot(self._parts, duty.name, duty.every, self.name):
                duty.act(self._tools)
            timed.failures = 0
        except CalbridgeError as error:
            timed.failures += 1
            pause = min(LONGEST_PAUSE, duty.every, 0.5 * 2**timed.failures)
            log.warning("duty_failed", duty=duty.name, code=error.code, detail=error.detail)
        except Exception as error:
            log.error("duty_broke", duty=duty.name, exc_info=error)
        # Many schedulers fall out of step by themselves; who comes first in a slot has it.
        timed.next_at = time.monotonic() + pause * (0.9 + 0.1 * self._parts.random.random())

    def _beat(self, _tools: Tools) -> None:
        beat(self._parts, self.name, "scheduler", self._started, pid=os.getpid())


def run_scheduler(parts: Parts) -> None:
    """Until SIGTERM or SIGINT. Raises SettingsInvalid."""
    scheduler = Scheduler(parts)

    def end(_number: int, _frame: FrameType | None) -> None:
        scheduler.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    tell_ready(take_socket())
    scheduler.run()
