"""The parent of worker processes: it loads every connector, forks, and keeps its children alive (DESIGN 6)."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FrameType

from calbridge.connectors.registry import Registry, load_registry
from calbridge.errors import CalbridgeError
from calbridge.jobs.child import run_child
from calbridge.jobs.connections import required_url
from calbridge.jobs.queues import ALL, SHORT
from calbridge.jobs.timekeeping import Timekeeper
from calbridge.keyfile import with_secret_keys
from calbridge.log import get_logger
from calbridge.settings import Settings
from calbridge.supervision import ties
from calbridge.supervision.notify import take_socket, tell_ready

JOB_SECONDS = 900.0
"""After this a job counts as hanging: every request inside ends after its time-out, so no honest one lasts so long."""
LOOK_SECONDS = 0.2
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Before a child that died is started again; a child that lived longer than the longest begins anew with the first."""
GRACE_SECONDS = 60.0
"""For which a child may finish after it was asked to."""

log = get_logger(__name__)


@dataclass
class _Child:
    queues: Sequence[str]
    timekeeper: Timekeeper = field(default_factory=Timekeeper)
    pid: int = 0
    begun: float = 0.0
    pause: float = FIRST_PAUSE
    again_at: float = 0.0


class WorkerParent:
    """Runs worker processes in the main thread until SIGTERM or SIGINT; a second one ends them at once."""

    def __init__(
        self, settings: Settings, queues: Sequence[Sequence[str]], *, job_seconds: float = JOB_SECONDS
    ) -> None:
        required_url(settings)
        self._settings = with_secret_keys(settings)
        self._children = [_Child(each) for each in queues]
        self._job_seconds = job_seconds
        self._asked = 0
        self._registry: Registry | None = None

    def run(self) -> None:
        """Until all children have ended. Raises SettingsInvalid."""
        self._registry = prepared(self._settings)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)
        ties.tie_forks()
        ready_to = take_socket()
        gc.freeze()
        while not self._asked:
            for child in self._children:
                if not child.pid and time.monotonic() >= child.again_at:
                    self._start(child)
            tell_ready(ready_to)
            ready_to = None
            self._look()
            time.sleep(LOOK_SECONDS)
        self._end()

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        self._asked += 1

    def _start(self, child: _Child) -> None:
        child.timekeeper.end()
        child.begun = time.monotonic()
        pid = os.fork()
        if pid == 0:
            self._live(child)
        child.pid = pid

    def _live(self, child: _Child) -> None:
        """In the fork; never returns."""
        code = 1
        try:
            assert self._registry is not None
            run_child(self._settings, self._registry, child.queues, child.timekeeper)
            code = 0
        except CalbridgeError as error:
            log.error("worker_failed", code=error.code, detail=error.detail)
        except BaseException as error:
            log.error("worker_broke", exc_info=error)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)

    def _look(self) -> None:
        """Take note of children that ended, and end those whose job hangs."""
        for child in self._children:
            if not child.pid:
                continue
            ended, status = os.waitpid(child.pid, os.WNOHANG)
            if ended:
                self._ended(child, os.waitstatus_to_exitcode(status))
            elif child.timekeeper.seconds() > self._job_seconds:
                log.error("job_hangs", worker_pid=child.pid, seconds=round(child.timekeeper.seconds()))
                os.kill(child.pid, signal.SIGKILL)

    def _ended(self, child: _Child, code: int) -> None:
        lived = time.monotonic() - child.begun
        child.pause = FIRST_PAUSE if lived > LONGEST_PAUSE else min(LONGEST_PAUSE, child.pause * 2)
        child.again_at = time.monotonic() + child.pause
        if not self._asked:
            log.error("worker_died", worker_pid=child.pid, exit_code=code, again_in=child.pause)
        child.pid = 0

    def _end(self) -> None:
        """Ask all to finish, wait, and end what does not."""
        self._send(signal.SIGTERM)
        until = time.monotonic() + GRACE_SECONDS
        while any(child.pid for child in self._children):
            if self._asked > 1 or time.monotonic() > until:
                self._send(signal.SIGKILL)
            self._look()
            time.sleep(0.02)

    def _send(self, number: signal.Signals) -> None:
        for child in self._children:
            if child.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child.pid, number)


def prepared(settings: Settings) -> Registry:
    """Every connector, its code imported: children share the memory, and a plugin that is broken says so here."""
    registry = load_registry(settings.connectors)
    for spec in registry.specs:
        try:
            registry.preload(spec)
        except CalbridgeError as error:
            log.error("connector_broken", connector=spec.name, detail=error.detail)
    return registry


def shares(processes: int, queues: Sequence[str] | None) -> list[Sequence[str]]:
    """Which queues each process serves: without a choice all do, but of several the first never takes long work."""
    if queues is not None:
        return [queues] * processes
    return [ALL] if processes == 1 else [SHORT, *[ALL] * (processes - 1)]
